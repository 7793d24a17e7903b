//! WebSocket frames (RFC 6455, section 5.2).

use crate::draft::{Draft, Meaning, Stamp};
use crate::head::shortened;
use crate::message::{Frame, Kind, Message, Role, Way};

/// A frame that is coming in.
#[derive(Debug, Default)]
pub(crate) struct Frames {
    draft: Draft,
    /// The head, as far as it has come.
    head: [u8; 14],
    have: usize,
    /// Bytes of the payload that are to come, once the head is here.
    left: Option<u64>,
}

/// No frame: a length that no one may send.
#[derive(Debug)]
pub(crate) struct Unreadable {
    /// What was to be its head.
    pub(crate) draft: Draft,
    /// How many of the bytes are in it.
    pub(crate) taken: usize,
}

impl Frames {
    /// Takes bytes up to the end of a frame: how many, and the frame if it is whole.
    pub(crate) fn take(
        &mut self,
        way: Way,
        exchange: u64,
        bytes: &[u8],
        at: Stamp,
    ) -> Result<(usize, Option<Message>), Unreadable> {
        let mut taken = 0;
        let left = match self.left {
            Some(left) => left,
            None => loop {
                if self.have == self.need() {
                    let Some(left) = self.begin(at) else {
                        let draft = std::mem::take(self).draft;
                        return Err(Unreadable { draft, taken });
                    };
                    break left;
                }
                let Some(byte) = bytes.get(taken) else {
                    return Ok((taken, None));
                };
                self.draft.touch(at);
                self.head[self.have] = *byte;
                self.have += 1;
                taken += 1;
            },
        };
        let rest = &bytes[taken..];
        let count = usize::try_from(left).map_or(rest.len(), |left| left.min(rest.len()));
        self.draft.add(Role::Payload, &rest[..count], at);
        let left = left - count as u64;
        self.left = Some(left);
        let whole = (left == 0).then(|| std::mem::take(self).message(way, exchange, ""));
        Ok((taken + count, whole))
    }

    /// What there is of a frame that won't be whole.
    pub(crate) fn finish(&mut self, way: Way, exchange: u64) -> Option<Message> {
        let mut frame = std::mem::take(self);
        if frame.left.is_some() {
            return Some(frame.message(way, exchange, ", unfinished"));
        }
        let at = frame.draft.stamp()?;
        frame
            .draft
            .add(Role::FrameHeader, &frame.head[..frame.have], at);
        let meaning = Meaning {
            exchange,
            title: format!("{} B of a frame's head", frame.have),
            ..Meaning::default()
        };
        Some(frame.draft.finish(way, Kind::Other, meaning))
    }

    /// How long the head is, as far as that is known.
    fn need(&self) -> usize {
        if self.have < 2 {
            return 2;
        }
        let length = match self.head[1] & 0x7f {
            126 => 2,
            127 => 8,
            _ => 0,
        };
        2 + length + if self.is_masked() { 4 } else { 0 }
    }

    fn is_masked(&self) -> bool {
        self.head[1] & 0x80 != 0
    }

    /// The head is whole: how long the payload is, if it may be so long.
    fn begin(&mut self, at: Stamp) -> Option<u64> {
        let (head, mask) = self.head[..self.have].split_at(self.have - self.mask_length());
        self.draft.add(Role::FrameHeader, head, at);
        self.draft.add(Role::Mask, mask, at);
        if let Ok(mask) = <[u8; 4]>::try_from(mask) {
            self.draft.mask(mask);
        }
        let length = self.length();
        // Its highest bit must be 0.
        (length <= u64::MAX >> 1).then_some(length)
    }

    fn mask_length(&self) -> usize {
        if self.is_masked() { 4 } else { 0 }
    }

    fn length(&self) -> u64 {
        let extended = match self.head[1] & 0x7f {
            126 => &self.head[2..4],
            127 => &self.head[2..10],
            short => return u64::from(short),
        };
        let add = |length: u64, byte: &u8| length << 8 | u64::from(*byte);
        extended.iter().fold(0, add)
    }

    fn message(self, way: Way, exchange: u64, note: &str) -> Message {
        let fin = self.head[0] & 0x80 != 0;
        let opcode = match self.head[0] & 0x0f {
            0 => "continuation".into(),
            1 => "text".into(),
            2 => "binary".into(),
            8 => "close".into(),
            9 => "ping".into(),
            10 => "pong".into(),
            another => format!("opcode {another}"),
        };
        let length = self.length();
        let mut title = match opcode.as_str() {
            "close" => close_title(&self.draft.whole_payload().unwrap_or_default()),
            name => format!("{name}, {length} B"),
        };
        if !fin {
            title.push_str(", more follows");
        }
        title.push_str(note);
        let frame = Frame {
            fin,
            rsv: self.head[0] >> 4 & 7,
            opcode,
            masked: self.is_masked(),
            length,
        };
        let meaning = Meaning {
            exchange,
            title,
            frame: Some(frame),
            ..Meaning::default()
        };
        self.draft.finish(way, Kind::Frame, meaning)
    }
}

/// The code and the reason (section 5.5.1).
fn close_title(payload: &[u8]) -> String {
    match payload {
        [high, low, reason @ ..] => {
            let code = u16::from_be_bytes([*high, *low]);
            let reason = String::from_utf8_lossy(reason);
            if reason.is_empty() {
                format!("close {code}")
            } else {
                format!("close {code}, {}", shortened(&reason))
            }
        }
        _ => "close".into(),
    }
}
