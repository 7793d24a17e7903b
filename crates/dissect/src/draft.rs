//! A message that is coming in: how many bytes it has, and as many of them as are shown.

use crate::message::{Frame, Kind, Message, Part, Role, Way};

/// Most bytes of a part that are shown.
pub(crate) const PART: usize = 4 << 10;

/// Most bytes of a message that are shown.
const SHOWN: usize = 16 << 10;

/// Most parts of a message that are shown: as many header fields as a head may have, and some.
const PARTS: usize = 256;

/// When bytes were sent and when they arrived, nanoseconds.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Stamp {
    pub(crate) sent: u64,
    pub(crate) arrived: u64,
}

/// The parts of a message, as far as it has come.
#[derive(Debug, Default)]
pub(crate) struct Draft {
    sent: Option<u64>,
    arrived: u64,
    payload: u64,
    overhead: u64,
    parts: Vec<Raw>,
    /// What comes next is no part of the last part, even with the same role.
    sealed: bool,
    shown: usize,
    /// No other part is shown.
    is_full: bool,
    cut: bool,
    /// Of the payload.
    mask: Option<[u8; 4]>,
}

#[derive(Debug)]
struct Raw {
    role: Role,
    bytes: Vec<u8>,
    /// How many there were.
    whole: usize,
}

/// What a message is, beside its bytes.
#[derive(Debug, Default)]
pub(crate) struct Meaning {
    pub(crate) exchange: u64,
    pub(crate) title: String,
    pub(crate) status: Option<u16>,
    pub(crate) preflight: bool,
    pub(crate) useless: bool,
    pub(crate) continues: bool,
    pub(crate) frame: Option<Frame>,
}

impl Draft {
    /// Bytes that came then will be added later.
    pub(crate) fn touch(&mut self, at: Stamp) {
        self.sent.get_or_insert(at.sent);
        self.arrived = at.arrived;
    }

    /// The next bytes, which belong to the last part if that has the same role and isn't sealed.
    pub(crate) fn add(&mut self, role: Role, bytes: &[u8], at: Stamp) {
        if bytes.is_empty() {
            return;
        }
        self.touch(at);
        if role == Role::Payload {
            self.payload += bytes.len() as u64;
        } else {
            self.overhead += bytes.len() as u64;
        }
        let goes_on = !self.sealed && self.parts.last().is_some_and(|part| part.role == role);
        self.sealed = false;
        if !goes_on {
            self.is_full |= self.parts.len() == PARTS || self.shown == SHOWN;
            self.cut |= self.is_full;
        }
        if self.is_full {
            return;
        }
        if !goes_on {
            self.parts.push(Raw {
                role,
                bytes: Vec::new(),
                whole: 0,
            });
        }
        if let Some(part) = self.parts.last_mut() {
            let room = (PART - part.bytes.len()).min(SHOWN - self.shown);
            let shown = &bytes[..room.min(bytes.len())];
            part.bytes.extend_from_slice(shown);
            part.whole += bytes.len();
            self.shown += shown.len();
            self.cut |= shown.len() < bytes.len();
        }
    }

    /// The last part is whole.
    pub(crate) fn seal(&mut self) {
        self.sealed = true;
    }

    /// The payload is masked.
    pub(crate) fn mask(&mut self, mask: [u8; 4]) {
        self.mask = Some(mask);
    }

    pub(crate) fn is_empty(&self) -> bool {
        self.length() == 0
    }

    /// The whole payload, unmasked, if all of it is here.
    pub(crate) fn whole_payload(&self) -> Option<Vec<u8>> {
        let parts = self.parts.iter().filter(|part| part.role == Role::Payload);
        let bytes: Vec<u8> = parts.flat_map(|part| part.bytes.iter().copied()).collect();
        (bytes.len() as u64 == self.payload).then(|| unmasked(bytes, self.mask))
    }

    pub(crate) fn payload(&self) -> u64 {
        self.payload
    }

    /// All its bytes.
    pub(crate) fn length(&self) -> u64 {
        self.payload + self.overhead
    }

    /// When it came, if anything did.
    pub(crate) fn stamp(&self) -> Option<Stamp> {
        let arrived = self.arrived;
        self.sent.map(|sent| Stamp { sent, arrived })
    }

    /// It is whole.
    pub(crate) fn finish(self, way: Way, kind: Kind, meaning: Meaning) -> Message {
        let mask = self.mask;
        Message {
            exchange: meaning.exchange,
            way,
            sent: self.sent.unwrap_or(self.arrived),
            arrived: self.arrived,
            kind,
            title: meaning.title,
            status: meaning.status,
            payload: self.payload,
            overhead: self.overhead,
            useless: meaning.useless,
            preflight: meaning.preflight,
            continues: meaning.continues,
            frame: meaning.frame,
            parts: self
                .parts
                .into_iter()
                .map(|raw| raw.into_part(mask))
                .collect(),
            cut: self.cut,
        }
    }
}

impl Raw {
    fn into_part(self, mask: Option<[u8; 4]>) -> Part {
        let mask = mask.filter(|_| self.role == Role::Payload);
        let is_cut = self.bytes.len() < self.whole;
        let on_the_wire = mask.map(|_| hexadecimal(&self.bytes));
        match readable(unmasked(self.bytes, mask), is_cut) {
            Ok(text) => Part {
                role: self.role,
                text: Some(text),
                hex: on_the_wire,
            },
            Err(bytes) => Part {
                role: self.role,
                text: None,
                hex: on_the_wire.or_else(|| Some(hexadecimal(&bytes))),
            },
        }
    }
}

/// As text, where they are one that can be shown; of one that is cut, as far as its characters are whole.
fn readable(mut bytes: Vec<u8>, is_cut: bool) -> Result<String, Vec<u8>> {
    if let Err(error) = std::str::from_utf8(&bytes)
        && is_cut
        && error.error_len().is_none()
    {
        bytes.truncate(error.valid_up_to());
    }
    let unseen = |byte: &u8| byte.is_ascii_control() && !b"\t\r\n".contains(byte);
    if bytes.iter().any(unseen) {
        return Err(bytes);
    }
    String::from_utf8(bytes).map_err(std::string::FromUtf8Error::into_bytes)
}

fn unmasked(mut bytes: Vec<u8>, mask: Option<[u8; 4]>) -> Vec<u8> {
    if let Some(mask) = mask {
        for (byte, mask) in bytes.iter_mut().zip(mask.iter().cycle()) {
            *byte ^= mask;
        }
    }
    bytes
}

fn hexadecimal(bytes: &[u8]) -> String {
    const DIGITS: &[u8; 16] = b"0123456789abcdef";
    let digits = bytes.iter().flat_map(|byte| {
        [
            DIGITS[usize::from(byte >> 4)],
            DIGITS[usize::from(byte & 15)],
        ]
    });
    digits.map(char::from).collect()
}
