//! Responses as a client reads them (RFC 9112 sections 4 to 6).

use std::mem::MaybeUninit;
use std::ops::Range;

use crate::ClientError;

/// Most bytes of a response's head.
const MAX_HEAD: usize = 64 << 10;
const MAX_HEADERS: usize = 64;
/// Most bytes of a chunk's first line, extensions included, and of a trailer.
pub(super) const MAX_LINE: usize = 8 << 10;

/// The head of a response.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Head {
    pub(super) status: u16,
    /// Whether the connection ends with this response.
    pub(super) closes: bool,
    pub(super) framing: Framing,
    /// Bytes of the head itself.
    pub(super) length: usize,
}

/// How the end of a body is told.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Framing {
    /// By its number of bytes.
    Length(usize),
    /// By a chunk of length 0.
    Chunked,
    /// By the end of the connection.
    Close,
}

impl Head {
    /// Whether this is the head of a 200 whose body may go on for ever.
    pub(super) fn has_no_end_yet(self) -> bool {
        self.status == 200 && !matches!(self.framing, Framing::Length(_))
    }

    /// The head at the beginning of `input`, if it is all there. Interim responses (1xx) are heads without a body.
    pub(super) fn parse(input: &[u8]) -> Result<Option<Self>, ClientError> {
        let mut headers = [const { MaybeUninit::uninit() }; MAX_HEADERS];
        let mut response = httparse::Response::new(&mut []);
        let parser = httparse::ParserConfig::default();
        let parsed = parser.parse_response_with_uninit_headers(&mut response, input, &mut headers);
        let length = match parsed {
            Ok(httparse::Status::Complete(length)) => length,
            Ok(httparse::Status::Partial) if input.len() <= MAX_HEAD => return Ok(None),
            Ok(httparse::Status::Partial) => return Err(bad("a head over 64 KiB")),
            Err(error) => return Err(bad(&error.to_string())),
        };
        let status = response.code.unwrap_or_default();
        let mut closes = response.version == Some(0);
        let (mut content_length, mut chunked) = (None, false);
        for header in response.headers.iter() {
            let value = || std::str::from_utf8(header.value).unwrap_or_default().trim();
            // Comparing lengths first spares most names the comparison.
            match header.name.len() {
                14 if header.name.eq_ignore_ascii_case("content-length") => {
                    let length: usize = value().parse().map_err(|_| bad("a bad Content-Length"))?;
                    if content_length.is_some_and(|earlier| earlier != length) {
                        return Err(bad("two different Content-Lengths"));
                    }
                    content_length = Some(length);
                }
                17 if header.name.eq_ignore_ascii_case("transfer-encoding") => {
                    chunked = value().eq_ignore_ascii_case("chunked");
                    if !chunked {
                        return Err(bad("a transfer encoding that was not asked for"));
                    }
                }
                10 if header.name.eq_ignore_ascii_case("connection") => {
                    closes |= value()
                        .split(',')
                        .any(|option| option.trim().eq_ignore_ascii_case("close"));
                    if response.version == Some(0) && value().eq_ignore_ascii_case("keep-alive") {
                        closes = false;
                    }
                }
                _ => {}
            }
        }
        let framing = match (status, chunked, content_length) {
            (100..=199 | 204 | 304, ..) => Framing::Length(0),
            (_, true, _) => Framing::Chunked,
            (_, false, Some(length)) => Framing::Length(length),
            (_, false, None) => Framing::Close,
        };
        let closes = closes || framing == Framing::Close;
        Ok(Some(Self {
            status,
            closes,
            framing,
            length,
        }))
    }
}

/// Reads a chunked body (RFC 9112 section 7.1): all of it in place, or piece by piece as it comes.
#[derive(Debug, Clone, Copy, Default)]
pub(super) struct Chunks {
    /// Bytes decoded in place, which stand at the beginning.
    pub(super) decoded: usize,
    /// Bytes of `input` that have been used up.
    used: usize,
    phase: Chunk,
}

/// What is next in a chunked body.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Step {
    /// These bytes of the input are the body's.
    Data(Range<usize>),
    /// What more there is has yet to come.
    More,
    /// The body is whole.
    End,
}

#[derive(Debug, Clone, Copy, Default)]
enum Chunk {
    /// Before a chunk's length.
    #[default]
    Length,
    /// Within a chunk, with this many bytes to come and a line end behind them.
    Data(usize),
    /// Within the trailers, which are passed over.
    Trailers,
}

impl Chunks {
    /// Goes on with what has come; true when the body is whole.
    pub(super) fn decode(&mut self, input: &mut [u8]) -> Result<bool, ClientError> {
        loop {
            match self.step(input)? {
                Step::Data(data) => {
                    let length = data.len();
                    input.copy_within(data, self.decoded);
                    self.decoded += length;
                }
                Step::More => return Ok(false),
                Step::End => return Ok(true),
            }
        }
    }

    /// The next piece of the body in `input`, of which all that is used up must still be there.
    pub(super) fn step(&mut self, input: &[u8]) -> Result<Step, ClientError> {
        loop {
            match self.phase {
                Chunk::Length => {
                    let Some(line) = self.line(input)? else {
                        return Ok(Step::More);
                    };
                    let digits = line
                        .split(|byte| *byte == b';')
                        .next()
                        .unwrap_or_default()
                        .trim_ascii();
                    let length = std::str::from_utf8(digits)
                        .ok()
                        .filter(|digits| !digits.starts_with('+'));
                    let length = length.and_then(|digits| usize::from_str_radix(digits, 16).ok());
                    self.phase = match length.ok_or_else(|| bad("a bad chunk length"))? {
                        0 => Chunk::Trailers,
                        length => Chunk::Data(length),
                    };
                }
                Chunk::Data(0) => match self.line(input)? {
                    None => return Ok(Step::More),
                    Some(b"") => self.phase = Chunk::Length,
                    Some(_) => return Err(bad("a chunk longer than its length")),
                },
                Chunk::Data(left) => {
                    let here = left.min(input.len() - self.used);
                    if here == 0 {
                        return Ok(Step::More);
                    }
                    let start = self.used;
                    self.used += here;
                    self.phase = Chunk::Data(left - here);
                    return Ok(Step::Data(start..self.used));
                }
                Chunk::Trailers => match self.line(input)? {
                    None => return Ok(Step::More),
                    Some(b"") => return Ok(Step::End),
                    Some(_) => {}
                },
            }
        }
    }

    /// What was used up is gone from the input: from now on it begins behind that. How much it was.
    pub(super) fn rebase(&mut self) -> usize {
        std::mem::take(&mut self.used)
    }

    fn line<'a>(&mut self, input: &'a [u8]) -> Result<Option<&'a [u8]>, ClientError> {
        let rest = &input[self.used..];
        let Some(end) = rest.windows(2).position(|two| two == b"\r\n") else {
            return if rest.len() > MAX_LINE {
                Err(bad("a chunk without end"))
            } else {
                Ok(None)
            };
        };
        self.used += end + 2;
        Ok(Some(&rest[..end]))
    }
}

pub(super) fn bad(what: &str) -> ClientError {
    ClientError::Protocol(format!("HTTP: {what}"))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn head(text: &str) -> Result<Option<Head>, String> {
        Head::parse(text.as_bytes()).map_err(|error| error.to_string())
    }

    #[test]
    fn heads_tell_status_framing_and_whether_the_connection_goes_on() {
        let text = "HTTP/1.1 200 OK\r\nContent-Length: 5\r\nx: y\r\n\r\nHello";
        let expected = Head {
            status: 200,
            closes: false,
            framing: Framing::Length(5),
            length: text.len() - 5,
        };
        assert_eq!(head(text), Ok(Some(expected)));
        assert_eq!(head(&text[..30]), Ok(None));
        let framing = |text: &str| head(text).unwrap().unwrap().framing;
        assert_eq!(
            framing("HTTP/1.1 204 No Content\r\n\r\n"),
            Framing::Length(0)
        );
        assert_eq!(
            framing("HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n"),
            Framing::Chunked
        );
        assert_eq!(framing("HTTP/1.1 200 OK\r\n\r\n"), Framing::Close);
        let closes = |text: &str| head(text).unwrap().unwrap().closes;
        assert!(closes("HTTP/1.1 200 OK\r\n\r\n"));
        assert!(closes("HTTP/1.1 204 No\r\nConnection: Close\r\n\r\n"));
        assert!(closes("HTTP/1.0 204 No\r\n\r\n"));
        assert!(!closes("HTTP/1.0 204 No\r\nconnection: keep-alive\r\n\r\n"));
        assert!(head("SSH-2.0-OpenSSH\r\n").is_err());
        assert!(head("HTTP/1.1 200 OK\r\ncontent-length: 1\r\ncontent-length: 2\r\n\r\n").is_err());
        assert!(head("HTTP/1.1 200 OK\r\ncontent-length: -1\r\n\r\n").is_err());
    }

    #[test]
    fn a_chunked_body_is_whole_however_it_comes() {
        let text = b"5\r\nHello\r\n6;x=y\r\n world\r\n0\r\ntrailer: t\r\n\r\n";
        for piece in 1..text.len() {
            let (mut chunks, mut input, mut whole) = (Chunks::default(), Vec::new(), false);
            for part in text.chunks(piece) {
                assert!(!whole);
                input.extend_from_slice(part);
                whole = chunks.decode(&mut input).unwrap();
            }
            assert!(whole);
            assert_eq!(
                &input[..chunks.decoded],
                b"Hello world",
                "pieces of {piece}"
            );
        }
        let (mut chunks, mut got) = (Chunks::default(), Vec::new());
        let mut rest = Vec::new();
        let mut is_whole = false;
        for &byte in text {
            rest.push(byte);
            loop {
                match chunks.step(&rest).unwrap() {
                    Step::Data(data) => got.extend_from_slice(&rest[data]),
                    Step::More => break,
                    Step::End => {
                        is_whole = true;
                        break;
                    }
                }
            }
            rest.drain(..chunks.rebase());
        }
        assert!(is_whole && rest.is_empty());
        assert_eq!(got, b"Hello world", "byte by byte, kept by nobody");
        for bad in ["x\r\n", "-1\r\n", "+1\r\n", "2\r\nabc\r\n"] {
            assert!(
                Chunks::default()
                    .decode(&mut bad.as_bytes().to_vec())
                    .is_err(),
                "{bad}"
            );
        }
    }
}
