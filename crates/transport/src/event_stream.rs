//! Event streams as bytes come (HTML section 9.2.6).
//!
//! A stream comes in pieces that know nothing of its lines. What stands whole in a piece is handed over from there; only what a piece's end cuts
//! is kept, so a quiet stream keeps nothing and a usual message is never copied.

use std::borrow::Cow;

use crate::ClientError;

/// A stream's parser.
#[derive(Debug)]
pub struct Parser {
    /// The beginning of a line whose end has yet to come.
    line: Vec<u8>,
    /// The fields of the event that is coming in.
    fields: Fields<'static>,
    /// Whether the last byte was a carriage return, of which a line feed is a part if it follows.
    after_return: bool,
    /// Whether a line has been read: the first may begin with a byte order mark.
    has_begun: bool,
    /// Most bytes of an event's data.
    most: usize,
}

/// What stands between two blank lines.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Block<'a> {
    /// The id, where there is one: the last event id from now on. A block without data changes it too.
    pub id: Option<&'a [u8]>,
    /// The event's name; empty for a message.
    pub event: &'a [u8],
    /// The data; `None`: this is no event.
    pub data: Option<&'a [u8]>,
    /// How many milliseconds to wait before coming back, from now on.
    pub retry: Option<u64>,
}

/// The fields of a block so far, from the piece that is looked at or from an earlier one.
#[derive(Debug, Default)]
struct Fields<'a> {
    id: Option<Cow<'a, [u8]>>,
    event: Option<Cow<'a, [u8]>>,
    data: Option<Cow<'a, [u8]>>,
    retry: Option<u64>,
}

/// The encoded byte order mark, which may stand at the beginning.
const MARK: &[u8] = b"\xEF\xBB\xBF";
/// Bytes of a line beside the data in it: the field's name.
const NAME: usize = 64;

impl Parser {
    /// A parser at a stream's beginning, of events with at most `most` bytes of data.
    pub fn new(most: usize) -> Self {
        Self {
            line: Vec::new(),
            fields: Fields::default(),
            after_return: false,
            has_begun: false,
            most,
        }
    }

    /// Goes on with a piece of the stream, and hands each block that it completes to `each`.
    ///
    /// # Errors
    /// An event or a line is larger than may be, or what `each` says.
    pub fn feed(
        &mut self,
        mut bytes: &[u8],
        each: &mut impl FnMut(Block<'_>) -> Result<(), ClientError>,
    ) -> Result<(), ClientError> {
        if self.after_return && !bytes.is_empty() {
            self.after_return = false;
            bytes = bytes.strip_prefix(b"\n").unwrap_or(bytes);
        }
        let mut fields: Fields<'_> = std::mem::take(&mut self.fields);
        while let Some(end) = memchr::memchr2(b'\r', b'\n', bytes) {
            let (line, ended) = bytes.split_at(end);
            self.after_return = ended == b"\r";
            bytes = ended.strip_prefix(b"\r\n").unwrap_or(&ended[1..]);
            let line = if self.line.is_empty() {
                Cow::Borrowed(line)
            } else {
                self.line.extend_from_slice(line);
                Cow::Owned(std::mem::take(&mut self.line))
            };
            let line = self.without_mark(line);
            if line.is_empty() {
                fields.end(each)?;
            } else {
                fields.take(line);
                self.check(&fields)?;
            }
        }
        self.line.extend_from_slice(bytes);
        self.fields = fields.into_owned();
        self.check(&Fields::default())
    }

    /// The line without the byte order mark, if it is the first.
    fn without_mark<'a>(&mut self, line: Cow<'a, [u8]>) -> Cow<'a, [u8]> {
        if std::mem::replace(&mut self.has_begun, true) || !line.starts_with(MARK) {
            return line;
        }
        from(line, MARK.len())
    }

    fn check(&self, fields: &Fields<'_>) -> Result<(), ClientError> {
        let longest = fields.longest().max(self.line.len().saturating_sub(NAME));
        if longest > self.most {
            return Err(ClientError::Protocol(format!(
                "an event of more than {} bytes",
                self.most
            )));
        }
        Ok(())
    }
}

impl<'a> Fields<'a> {
    /// A line that isn't blank.
    fn take(&mut self, line: Cow<'a, [u8]>) {
        let colon = memchr::memchr(b':', &line).unwrap_or(line.len());
        let space = usize::from(line.get(colon + 1) == Some(&b' '));
        let start = (colon + 1 + space).min(line.len());
        match &line[..colon] {
            b"data" => match &mut self.data {
                None => self.data = Some(from(line, start)),
                Some(data) => {
                    let data = data.to_mut();
                    data.push(b'\n');
                    data.extend_from_slice(&line[start..]);
                }
            },
            b"id" if !line[start..].contains(&0) => self.id = Some(from(line, start)),
            b"event" => self.event = Some(from(line, start)),
            b"retry" => {
                let digits = std::str::from_utf8(&line[start..]).unwrap_or_default();
                let is_number = digits.bytes().all(|byte| byte.is_ascii_digit());
                if let Some(retry) = is_number.then(|| digits.parse().ok()).flatten() {
                    self.retry = Some(retry);
                }
            }
            // A comment, which has an empty name, or what nobody knows.
            _ => {}
        }
    }

    /// A blank line: what came before it is a block, if there was anything.
    fn end(
        &mut self,
        each: &mut impl FnMut(Block<'_>) -> Result<(), ClientError>,
    ) -> Result<(), ClientError> {
        let fields = std::mem::take(self);
        if fields.id.is_none() && fields.data.is_none() && fields.retry.is_none() {
            return Ok(());
        }
        each(Block {
            id: fields.id.as_deref(),
            event: fields.event.as_deref().unwrap_or_default(),
            data: fields.data.as_deref(),
            retry: fields.retry,
        })
    }

    fn longest(&self) -> usize {
        let texts = [&self.id, &self.event, &self.data];
        texts
            .into_iter()
            .flatten()
            .map(|text| text.len())
            .max()
            .unwrap_or(0)
    }

    fn into_owned(self) -> Fields<'static> {
        let owned = |text: Option<Cow<'_, [u8]>>| text.map(|text| Cow::Owned(text.into_owned()));
        Fields {
            id: owned(self.id),
            event: owned(self.event),
            data: owned(self.data),
            retry: self.retry,
        }
    }
}

/// The text from `start` on.
fn from(text: Cow<'_, [u8]>, start: usize) -> Cow<'_, [u8]> {
    match text {
        Cow::Borrowed(text) => Cow::Borrowed(&text[start..]),
        Cow::Owned(mut text) => {
            text.drain(..start);
            Cow::Owned(text)
        }
    }
}

#[cfg(test)]
mod tests;
