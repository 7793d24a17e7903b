//! WebSocket frames (RFC 6455 section 5.2), as much of them as a yardstick needs.

/// Text, the opcode of section 11.8.
pub const TEXT: u8 = 0x1;
/// Close.
pub const CLOSE: u8 = 0x8;
/// Ping.
pub const PING: u8 = 0x9;
/// Pong.
pub const PONG: u8 = 0xA;

/// A whole frame at the start of a buffer.
pub struct Frame {
    /// The first byte: FIN, reserved bits, opcode.
    pub first: u8,
    /// The masking key, if the frame is masked.
    pub mask: Option<[u8; 4]>,
    /// The length of the header in bytes.
    pub header: usize,
    /// The length of the payload in bytes.
    pub payload: usize,
}

impl Frame {
    /// The frame at the start of `bytes`, or `None` when it is not whole yet.
    pub fn parse(bytes: &[u8]) -> Option<Self> {
        let (&first, &second) = (bytes.first()?, bytes.get(1)?);
        let (payload, mut header) = match second & 0x7f {
            126 => (u16::from_be_bytes(*bytes[2..].first_chunk()?) as usize, 4),
            127 => (u64::from_be_bytes(*bytes[2..].first_chunk()?) as usize, 10),
            short => (short as usize, 2),
        };
        let mut mask = None;
        if second & 0x80 != 0 {
            mask = Some(*bytes.get(header..)?.first_chunk()?);
            header += 4;
        }
        (bytes.len() - header >= payload).then_some(Self {
            first,
            mask,
            header,
            payload,
        })
    }

    /// The whole length in bytes.
    pub fn len(&self) -> usize {
        self.header + self.payload
    }

    /// Always false: an empty message still has a header.
    pub fn is_empty(&self) -> bool {
        false
    }

    /// The opcode.
    pub fn opcode(&self) -> u8 {
        self.first & 0x0f
    }
}

/// Appends a whole frame. `first` is its first byte, FIN included.
pub fn append(frames: &mut Vec<u8>, first: u8, mask: Option<[u8; 4]>, payload: &[u8]) {
    let mut header = [0; 10];
    let length = put_header(&mut header, first, payload.len());
    if mask.is_some() {
        header[1] |= 0x80;
    }
    frames.extend_from_slice(&header[..length]);
    frames.extend_from_slice(mask.as_ref().map_or(&[][..], |key| key));
    let start = frames.len();
    frames.extend_from_slice(payload);
    if let Some(key) = mask {
        unmask(&mut frames[start..], key);
    }
}

/// Writes the header of an unmasked frame and returns its length in bytes.
pub fn put_header(header: &mut [u8], first: u8, payload: usize) -> usize {
    header[0] = first;
    match payload {
        0..=125 => {
            header[1] = payload as u8;
            2
        }
        126..=0xffff => {
            header[1] = 126;
            header[2..4].copy_from_slice(&(payload as u16).to_be_bytes());
            4
        }
        _ => {
            header[1] = 127;
            header[2..10].copy_from_slice(&(payload as u64).to_be_bytes());
            10
        }
    }
}

/// Masks or unmasks a payload in place, eight bytes at a time.
pub fn unmask(payload: &mut [u8], key: [u8; 4]) {
    let wide = u64::from_ne_bytes([
        key[0], key[1], key[2], key[3], key[0], key[1], key[2], key[3],
    ]);
    let mut words = payload.chunks_exact_mut(8);
    for word in &mut words {
        if let Ok(bytes) = <&mut [u8; 8]>::try_from(word) {
            *bytes = (u64::from_ne_bytes(*bytes) ^ wide).to_ne_bytes();
        }
    }
    for (byte, key) in words.into_remainder().iter_mut().zip(key.iter().cycle()) {
        *byte ^= key;
    }
}

/// Turns the client's frames at the start of `bytes` into the server's answers, in place: data is
/// echoed, a ping becomes a pong, a close is returned. An answer is never longer than what it
/// answers, so the answers never overtake the frames.
pub fn echo_in_place(bytes: &mut [u8]) -> Echoed {
    let mut echoed = Echoed::default();
    while let Some(frame) = Frame::parse(&bytes[echoed.read..]) {
        let payload = echoed.read + frame.header;
        if let Some(key) = frame.mask {
            unmask(&mut bytes[payload..payload + frame.payload], key);
        }
        echoed.read += frame.len();
        let first = match frame.opcode() {
            PONG => continue,
            PING => 0x80 | PONG,
            _ => frame.first,
        };
        let answer = echoed.written;
        let header = put_header(&mut bytes[answer..], first, frame.payload);
        bytes.copy_within(payload..payload + frame.payload, answer + header);
        echoed.written += header + frame.payload;
        if frame.opcode() == CLOSE {
            echoed.closed = true;
            break;
        }
    }
    echoed
}

/// What [`echo_in_place`] did.
#[derive(Debug, Default, PartialEq)]
pub struct Echoed {
    /// How many bytes of frames were read.
    pub read: usize,
    /// How many bytes of answers stand at the start of the buffer.
    pub written: usize,
    /// Whether the last answer is a close.
    pub closed: bool,
}

#[cfg(test)]
mod tests {
    use super::*;

    const KEY: [u8; 4] = [0x37, 0xfa, 0x21, 0x3d];

    #[test]
    fn the_masked_hello_of_section_5_7() {
        let mut bytes = Vec::new();
        append(&mut bytes, 0x80 | TEXT, Some(KEY), b"Hello");
        assert_eq!(
            bytes,
            [
                0x81, 0x85, 0x37, 0xfa, 0x21, 0x3d, 0x7f, 0x9f, 0x4d, 0x51, 0x58
            ]
        );
    }

    #[test]
    fn every_prefix_of_a_frame_is_not_whole() {
        for payload in [0, 5, 125, 126, 300, 70_000] {
            for mask in [None, Some(KEY)] {
                let mut bytes = Vec::new();
                append(&mut bytes, 0x82, mask, &vec![7; payload]);
                for cut in (0..bytes.len()).rev().take(20).chain(0..14) {
                    assert!(Frame::parse(&bytes[..cut.min(bytes.len() - 1)]).is_none());
                }
                let frame = Frame::parse(&bytes).expect("whole");
                assert_eq!((frame.len(), frame.payload), (bytes.len(), payload));
            }
        }
    }

    #[test]
    fn frames_are_echoed_in_place_and_the_beginning_of_the_next_is_left() {
        let (mut bytes, mut answers) = (Vec::new(), Vec::new());
        for payload in [0, 3, 125, 126, 1000, 66_000] {
            let payload: Vec<u8> = (0..payload).map(|byte| byte as u8).collect();
            append(&mut bytes, 0x80 | TEXT, Some(KEY), &payload);
            append(&mut answers, 0x80 | TEXT, None, &payload);
        }
        append(&mut bytes, 0x80 | PING, Some(KEY), b"beat");
        append(&mut answers, 0x80 | PONG, None, b"beat");
        append(&mut bytes, 0x80 | PONG, Some(KEY), b"");
        let whole = bytes.len();
        bytes.extend_from_slice(&[0x81, 0xff]);
        let echoed = echo_in_place(&mut bytes);
        assert_eq!(
            echoed,
            Echoed {
                read: whole,
                written: answers.len(),
                closed: false
            }
        );
        assert!(bytes[..echoed.written] == answers[..]);
    }
}
