//! Lines out of bytes, as they come.

use std::borrow::Cow;

use hub::Event;
use transport::push::Framing;

/// What is still missing its line feed between two reads.
#[derive(Debug)]
pub(crate) struct Lines {
    rest: Vec<u8>,
    limit: usize,
}

/// A line is longer than it may be.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct TooLong;

/// A message is a line.
#[derive(Debug)]
pub(crate) enum LineFraming {}

impl Lines {
    /// Lines of at most `limit` bytes, the line feed not counted.
    pub(crate) fn new(limit: usize) -> Self {
        Self {
            rest: Vec::new(),
            limit,
        }
    }

    /// Takes the next line off `input`, without its line feed; `None` when it isn't there yet and `input` is used up. A line that is whole in one read
    /// isn't copied. What waits for its line feed takes no more memory than a line may have.
    ///
    /// # Errors
    /// The line is too long, which is told as soon as it is; the stream is of no further use.
    #[inline]
    pub(crate) fn next<'a>(
        &mut self,
        input: &mut &'a [u8],
    ) -> Result<Option<Cow<'a, [u8]>>, TooLong> {
        let end = memchr::memchr(b'\n', input);
        let piece = &input[..end.unwrap_or(input.len())];
        if self.rest.len() + piece.len() > self.limit {
            return Err(TooLong);
        }
        *input = &input[end.map_or(piece.len(), |end| end + 1)..];
        if end.is_none() {
            self.keep(piece);
            return Ok(None);
        }
        if self.rest.is_empty() {
            return Ok(Some(Cow::Borrowed(piece)));
        }
        self.keep(piece);
        Ok(Some(Cow::Owned(std::mem::take(&mut self.rest))))
    }

    /// Doubles the room as a `Vec` does by itself, but not beyond the limit.
    fn keep(&mut self, piece: &[u8]) {
        let needed = self.rest.len() + piece.len();
        if needed > self.rest.capacity() {
            let room = needed.max(2 * self.rest.capacity()).min(self.limit);
            self.rest.reserve_exact(room - self.rest.len());
        }
        self.rest.extend_from_slice(piece);
    }
}

/// Whether a line says nothing.
pub(crate) fn is_blank(line: &[u8]) -> bool {
    line.trim_ascii_start().is_empty()
}

impl Framing for LineFraming {
    fn event(event: &Event) -> &[u8] {
        event.line()
    }

    fn append(out: &mut Vec<u8>, text: &[u8]) {
        out.extend_from_slice(text);
        out.push(b'\n');
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    /// All lines of pieces that come one after the other, or that one is too long.
    fn read(lines: &mut Lines, pieces: &[&[u8]]) -> Result<Vec<Vec<u8>>, TooLong> {
        let mut read = Vec::new();
        for mut piece in pieces.iter().copied() {
            while let Some(line) = lines.next(&mut piece)? {
                read.push(line.into_owned());
            }
            assert!(piece.is_empty());
            assert!(lines.rest.capacity() <= lines.limit);
        }
        Ok(read)
    }

    #[test]
    fn the_limit_is_the_last_length_that_passes() {
        for pieces in [&[&b"12345\n"[..]][..], &[b"1", b"2345", b"\n"]] {
            assert_eq!(
                read(&mut Lines::new(5), pieces).unwrap(),
                [b"12345".to_vec()]
            );
            assert_eq!(read(&mut Lines::new(4), pieces), Err(TooLong));
        }
        // Told before its end is there, however the next line begins.
        assert_eq!(read(&mut Lines::new(4), &[b"12345"]), Err(TooLong));
        assert_eq!(read(&mut Lines::new(4), &[b"123", b"45\n"]), Err(TooLong));
    }

    #[test]
    fn a_whole_line_is_not_copied() {
        let mut lines = Lines::new(100);
        let mut input = &b"one\ntwo\nthr"[..];
        for expected in ["one", "two"] {
            let line = lines.next(&mut input).unwrap();
            assert!(matches!(line, Some(Cow::Borrowed(line)) if line == expected.as_bytes()));
        }
        assert_eq!(lines.next(&mut input), Ok(None));
        assert_eq!(
            lines.next(&mut &b"ee\n"[..]),
            Ok(Some(Cow::Owned(b"three".to_vec())))
        );
        assert_eq!(lines.rest.capacity(), 0, "nothing is kept between lines");
    }

    proptest! {
        #[test]
        fn lines_are_the_same_however_the_stream_is_cut(
            stream in "[a-c\n]{0,200}",
            cuts in prop::collection::vec(0_usize..30, 0..60),
        ) {
            let mut pieces = Vec::new();
            let mut rest = stream.as_bytes();
            for cut in cuts {
                let (piece, after) = rest.split_at(cut.min(rest.len()));
                pieces.push(piece);
                rest = after;
            }
            pieces.push(rest);
            let whole: Vec<Vec<u8>> = stream.split_inclusive('\n')
                .filter_map(|line| line.strip_suffix('\n')).map(|line| line.as_bytes().to_vec()).collect();
            prop_assert_eq!(read(&mut Lines::new(200), &pieces).unwrap(), whole);
        }
    }
}
