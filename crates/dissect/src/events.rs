//! Event streams: which bytes are data, and where a block ends (HTML, section 9.2.6).

use crate::draft::{Draft, Meaning, Stamp};
use crate::head::shortened;
use crate::message::{Kind, Message, Role, Way};

/// The longest name of a field that means something, behind a byte order mark.
const NAME: usize = 8;

/// Most bytes of an event's name that are kept.
const TYPE: usize = 64;

/// A stream that is coming in: the block that is under way.
#[derive(Debug, Default)]
#[expect(
    clippy::struct_excessive_bools,
    reason = "what a block has and where it is are independent of each other"
)]
pub(crate) struct Events {
    draft: Draft,
    place: Place,
    name: Vec<u8>,
    /// The event's own name.
    kind: Vec<u8>,
    has_data: bool,
    has_comment: bool,
    /// Which other fields it has.
    fields: Vec<&'static str>,
    /// The last byte was a carriage return, of which a line feed is a part if it follows.
    after_return: bool,
    /// The empty line has come.
    has_ended: bool,
}

/// Where in its line a stream is.
#[derive(Debug, Default, Clone, Copy, PartialEq, Eq)]
enum Place {
    #[default]
    Name,
    /// The space behind a colon, which belongs to no value.
    Space(Value),
    Value(Value),
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Value {
    Data,
    Kind,
    Another,
}

impl Events {
    /// Takes bytes of the stream up to the end of a block, and says how many.
    pub(crate) fn take(&mut self, bytes: &[u8], at: Stamp) -> usize {
        let mut taken = 0;
        while taken < bytes.len() {
            let rest = &bytes[taken..];
            if self.after_return {
                self.after_return = false;
                if rest[0] == b'\n' {
                    self.draft.add(Role::Field, b"\n", at);
                    taken += 1;
                    self.end_line();
                    continue;
                }
                self.end_line();
            }
            if self.has_ended {
                return taken;
            }
            taken += self.take_some(rest, at);
        }
        taken
    }

    /// Framing of a chunk, in the middle of the block, before or behind it.
    pub(crate) fn frame(&mut self, bytes: &[u8], at: Stamp) {
        self.draft.add(Role::Chunk, bytes, at);
    }

    /// Whether the block is whole, whatever comes next.
    pub(crate) fn is_whole(&self) -> bool {
        self.has_ended && !self.after_return
    }

    /// The block, which is whole or will never be; none if there is nothing of it.
    pub(crate) fn finish(&mut self, exchange: u64) -> Option<Message> {
        if self.after_return {
            self.end_line();
        }
        let block = std::mem::take(self);
        if block.draft.is_empty() {
            return None;
        }
        let bytes = block.draft.payload();
        let mut title = if block.has_data {
            let kind = String::from_utf8_lossy(&block.kind);
            let kind = if kind.is_empty() { "message" } else { &kind };
            format!("{}, {bytes} B", shortened(kind))
        } else if !block.fields.is_empty() {
            block.fields.join(", ")
        } else if block.has_comment {
            "comment".into()
        } else {
            "end of the stream".into()
        };
        let kind = match &block {
            _ if block.has_data || !block.fields.is_empty() => Kind::Event,
            _ if block.has_comment => Kind::Comment,
            _ => Kind::Response,
        };
        if kind != Kind::Response && !block.has_ended {
            title.push_str(", unfinished");
        }
        let meaning = Meaning {
            exchange,
            title,
            ..Meaning::default()
        };
        Some(block.draft.finish(Way::Down, kind, meaning))
    }

    /// Takes bytes that belong together, at least one.
    fn take_some(&mut self, bytes: &[u8], at: Stamp) -> usize {
        let end = memchr::memchr2(b'\r', b'\n', bytes);
        match (self.place, bytes[0]) {
            (_, b'\r' | b'\n') => {
                self.name_is_whole();
                self.draft.add(Role::Field, &bytes[..1], at);
                if bytes[0] == b'\r' {
                    // Where the line ends is known when the next byte is.
                    self.after_return = true;
                } else {
                    self.end_line();
                }
                1
            }
            (Place::Name, b':') => {
                self.has_comment |= self.name.is_empty();
                let value = self.name_is_whole();
                self.place = Place::Space(value);
                self.draft.add(Role::Field, b":", at);
                1
            }
            (Place::Name, byte) => {
                // One more than is known is as good as any number.
                if self.name.len() <= NAME {
                    self.name.push(byte);
                }
                self.draft.add(Role::Field, &bytes[..1], at);
                1
            }
            (Place::Space(value), byte) => {
                self.place = Place::Value(value);
                if byte == b' ' {
                    self.draft.add(Role::Field, b" ", at);
                    return 1;
                }
                0
            }
            (Place::Value(value), _) => {
                let part = &bytes[..end.unwrap_or(bytes.len())];
                let role = match value {
                    Value::Data => Role::Payload,
                    Value::Kind | Value::Another => Role::Field,
                };
                if value == Value::Kind {
                    let room = TYPE.saturating_sub(self.kind.len());
                    self.kind.extend(part.iter().take(room));
                }
                self.draft.add(role, part, at);
                part.len()
            }
        }
    }

    /// The name of a field is here, if this is where it ends: what it is the name of.
    fn name_is_whole(&mut self) -> Value {
        if self.place != Place::Name {
            return Value::Another;
        }
        let name = self.name.strip_prefix(b"\xEF\xBB\xBF");
        let (value, field) = match name.unwrap_or(&self.name) {
            b"data" => (Value::Data, None),
            b"event" => (Value::Kind, Some("event")),
            b"id" => (Value::Another, Some("id")),
            b"retry" => (Value::Another, Some("retry")),
            _ => (Value::Another, None),
        };
        self.has_data |= value == Value::Data;
        if value == Value::Kind {
            self.kind.clear();
        }
        if let Some(field) = field
            && !self.fields.contains(&field)
        {
            self.fields.push(field);
        }
        self.has_comment |= value == Value::Another && field.is_none() && !self.is_blank();
        value
    }

    /// Whether nothing stands in the line so far, not even a colon.
    fn is_blank(&self) -> bool {
        self.place == Place::Name && self.name.is_empty()
    }

    fn end_line(&mut self) {
        let is_block = self.has_data || self.has_comment || !self.fields.is_empty();
        self.has_ended |= self.is_blank() && is_block;
        self.place = Place::Name;
        self.name.clear();
        self.draft.seal();
    }
}
