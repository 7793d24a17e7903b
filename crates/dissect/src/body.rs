//! Bodies: which of their bytes are payload and which are framing, and where they end.

/// Most bytes of the line before a chunk, with its extensions.
const LINE: usize = 4 << 10;

/// Most bytes of a trailer.
const TRAILER: usize = 64 << 10;

/// The rest of a body.
#[derive(Debug)]
pub(crate) enum Body {
    /// So many bytes.
    Length(u64),
    /// Whatever comes until the connection ends.
    UntilClose,
    /// Chunks (RFC 9112, section 7.1).
    Chunked(Chunk),
}

/// Where in its chunks a body is.
#[derive(Debug)]
pub(crate) enum Chunk {
    /// In the line that says how long it is.
    Size {
        size: u64,
        digits: usize,
        /// After the digits.
        extended: bool,
        length: usize,
    },
    /// So many of its bytes are to come.
    Data(u64),
    /// The end of line behind it.
    Behind,
    /// In the trailer: how long its line is so far, and all of it.
    Trailer {
        line: usize,
        length: usize,
    },
    Over,
}

impl Body {
    pub(crate) fn chunked() -> Self {
        Body::Chunked(Chunk::begin())
    }

    /// How many of the next `count` bytes are payload, if the next one is.
    pub(crate) fn payload(&self, count: usize) -> Option<usize> {
        let most = |left: u64| usize::try_from(left).map_or(count, |left| left.min(count));
        match self {
            Body::Length(left) | Body::Chunked(Chunk::Data(left)) => Some(most(*left)),
            Body::UntilClose => Some(count),
            Body::Chunked(_) => None,
        }
    }

    /// So many bytes of payload have come, no more than [`payload`](Self::payload) said.
    pub(crate) fn advance(&mut self, count: usize) {
        match self {
            Body::Length(left) => *left = left.saturating_sub(count as u64),
            Body::Chunked(chunk) => {
                if let Chunk::Data(left) = chunk {
                    *left = left.saturating_sub(count as u64);
                    if *left == 0 {
                        *chunk = Chunk::Behind;
                    }
                }
            }
            Body::UntilClose => {}
        }
    }

    /// Takes framing, where the next byte is no payload: to the end of its line, or of what there is. Says how much; nothing if it can't be read.
    pub(crate) fn framing(&mut self, bytes: &[u8]) -> Option<usize> {
        let Body::Chunked(chunk) = self else {
            return None;
        };
        for (index, &byte) in bytes.iter().enumerate() {
            chunk.read(byte)?;
            if byte == b'\n' {
                return Some(index + 1);
            }
        }
        Some(bytes.len())
    }

    /// Whether all of it has come.
    pub(crate) fn is_over(&self) -> bool {
        matches!(self, Body::Length(0) | Body::Chunked(Chunk::Over))
    }

    /// Whether the end of a chunk is next, which belongs to what was in the chunk.
    pub(crate) fn is_behind(&self) -> bool {
        matches!(self, Body::Chunked(Chunk::Behind))
    }
}

impl Chunk {
    fn begin() -> Self {
        Chunk::Size {
            size: 0,
            digits: 0,
            extended: false,
            length: 0,
        }
    }

    fn read(&mut self, byte: u8) -> Option<()> {
        match self {
            Chunk::Size {
                size,
                digits,
                extended,
                length,
            } => {
                *length += 1;
                let digit = char::from(byte).to_digit(16).filter(|_| !*extended);
                match (byte, digit) {
                    _ if *length > LINE => return None,
                    (_, Some(digit)) if *digits < 16 => {
                        *size = *size << 4 | u64::from(digit);
                        *digits += 1;
                    }
                    (b'\n', _) if *digits > 0 && *size > 0 => *self = Chunk::Data(*size),
                    (b'\n', _) if *digits > 0 => *self = Chunk::Trailer { line: 0, length: 0 },
                    (b'\r' | b';' | b' ' | b'\t', None) if *digits > 0 => *extended = true,
                    (b'\n', _) => return None,
                    _ if *extended => {}
                    _ => return None,
                }
            }
            Chunk::Behind => match byte {
                b'\r' => {}
                b'\n' => *self = Chunk::begin(),
                _ => return None,
            },
            Chunk::Trailer { line, length } => {
                *length += 1;
                match byte {
                    _ if *length > TRAILER => return None,
                    b'\n' if *line == 0 => *self = Chunk::Over,
                    b'\n' => *line = 0,
                    b'\r' => {}
                    _ => *line += 1,
                }
            }
            Chunk::Data(_) | Chunk::Over => return None,
        }
        Some(())
    }
}
