//! Frames: headers, masks, close codes (RFC 6455 section 5).
//!

/// What a frame is (section 11.8).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[repr(u8)]
pub enum Opcode {
    /// More of the message that the last data frame began.
    Continuation = 0x0,
    /// UTF-8.
    Text = 0x1,
    /// Any bytes.
    Binary = 0x2,
    /// The last frame of its sender.
    Close = 0x8,
    /// To be answered with a pong.
    Ping = 0x9,
    /// The answer to a ping, or a sign of life.
    Pong = 0xA,
}

/// Which end of the connection one is. Clients mask, servers don't (section 5.1).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Role {
    /// The end that dialled: it masks, and takes no masked frame.
    Client,
    /// The end that was dialled: it doesn't mask, and takes masked frames only.
    Server,
}

/// The header of a frame, checked as far as that is possible without knowing the frames before it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Header {
    pub(crate) is_final: bool,
    pub(crate) opcode: Opcode,
    /// The masking key, zero where the frame isn't masked.
    pub(crate) key: [u8; 4],
    /// Bytes of payload.
    pub(crate) length: u64,
    /// Bytes of the header itself.
    pub(crate) size: usize,
}

/// What a peer did that ends the connection.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum Violation {
    /// A client sent a frame without a mask (section 5.1).
    #[error("a client's frames must be masked")]
    Unmasked,
    /// A server sent a frame with a mask (section 5.1).
    #[error("a server's frames must not be masked")]
    Masked,
    /// A bit that only an extension may set (section 5.2).
    #[error("a reserved bit is set and no extension was negotiated")]
    ReservedBit,
    /// An opcode without a meaning (section 5.2).
    #[error("opcode {0:#x} is reserved")]
    ReservedOpcode(u8),
    /// A control frame in pieces (section 5.4).
    #[error("a control frame must not be fragmented")]
    FragmentedControl,
    /// A control frame that is too long (section 5.5).
    #[error("a control frame has at most 125 bytes")]
    LongControl,
    /// A length in more bytes than it needs, or with the highest bit set (section 5.2).
    #[error("a length must be encoded in as few bytes as it fits into")]
    Length,
    /// A continuation while no message is under way (section 5.4).
    #[error("a continuation of nothing")]
    NothingToContinue,
    /// A new message while another is under way (section 5.4).
    #[error("a new message began before the last one ended")]
    Interrupted,
    /// A close frame of one byte (section 5.5.1).
    #[error("a close frame is empty or begins with two bytes of code")]
    ClosePayload,
    /// A close code that no frame carries (section 7.4).
    #[error("close code {0} is never sent")]
    CloseCode(u16),
    /// A text or a reason that isn't UTF-8 (section 8.1).
    #[error("text must be UTF-8")]
    Utf8,
    /// A message over the limit, which is this many bytes.
    #[error("a message may have {0} bytes")]
    TooLarge(usize),
}

/// The longest header: two bytes, a length of eight, a key of four.
pub(crate) const MAX_HEADER: usize = 14;
/// A server's ping without a payload.
pub const PING: [u8; 2] = [0x80 | Opcode::Ping as u8, 0];
/// Most bytes of payload in a control frame (section 5.5).
const MAX_CONTROL: usize = 125;

impl Header {
    /// The header at the start of `bytes` as the end `role` receives it; `None` while it isn't whole. What is wrong is told as soon as it
    /// can be seen.
    #[inline]
    pub(crate) fn parse(bytes: &[u8], role: Role) -> Result<Option<Self>, Violation> {
        let [first, second, rest @ ..] = bytes else {
            return Ok(None);
        };
        if first & 0x70 != 0 {
            return Err(Violation::ReservedBit);
        }
        let is_final = first & 0x80 != 0;
        let opcode = match first & 0x0F {
            0x0 => Opcode::Continuation,
            0x1 => Opcode::Text,
            0x2 => Opcode::Binary,
            0x8 => Opcode::Close,
            0x9 => Opcode::Ping,
            0xA => Opcode::Pong,
            reserved => return Err(Violation::ReservedOpcode(reserved)),
        };
        let short = second & 0x7F;
        if opcode.is_control() {
            if !is_final {
                return Err(Violation::FragmentedControl);
            }
            if usize::from(short) > MAX_CONTROL {
                return Err(Violation::LongControl);
            }
        }
        let is_masked = second & 0x80 != 0;
        match role {
            Role::Server if !is_masked => return Err(Violation::Unmasked),
            Role::Client if is_masked => return Err(Violation::Masked),
            _ => {}
        }
        let (length, mut size) = match short {
            126 => match rest.first_chunk() {
                Some(&length) => (u64::from(u16::from_be_bytes(length)), 4),
                None => return Ok(None),
            },
            127 => match rest.first_chunk() {
                Some(&length) => (u64::from_be_bytes(length), 10),
                None => return Ok(None),
            },
            short => (u64::from(short), 2),
        };
        if short == 126 && length < 126 || short == 127 && (length <= 0xFFFF || length >> 63 != 0) {
            return Err(Violation::Length);
        }
        let mut key = [0; 4];
        if is_masked {
            match bytes[size..].first_chunk() {
                Some(&given) => key = given,
                None => return Ok(None),
            }
            size += 4;
        }
        Ok(Some(Self {
            is_final,
            opcode,
            key,
            length,
            size,
        }))
    }
}

impl Opcode {
    #[inline]
    pub(crate) fn is_control(self) -> bool {
        self as u8 >= 0x8
    }
}

/// Appends a whole frame as a server sends it.
#[inline]
pub fn append(out: &mut Vec<u8>, opcode: Opcode, payload: &[u8]) {
    let mut header = [0; MAX_HEADER];
    let size = put_header(&mut header, opcode, payload.len());
    out.reserve(size + payload.len());
    out.extend_from_slice(&header[..size]);
    out.extend_from_slice(payload);
}

/// Appends a whole frame as a client sends it, masked with `key`, which must be unpredictable (section 5.3).
pub fn append_masked(out: &mut Vec<u8>, opcode: Opcode, payload: &[u8], key: [u8; 4]) {
    let mut header = [0; MAX_HEADER];
    let size = put_header(&mut header, opcode, payload.len());
    header[1] |= 0x80;
    header[size..size + 4].copy_from_slice(&key);
    out.reserve(size + 4 + payload.len());
    out.extend_from_slice(&header[..size + 4]);
    let start = out.len();
    out.extend_from_slice(payload);
    mask(&mut out[start..], key);
}

/// The payload of a close frame: the code and as much of `reason` as a control frame holds.
pub fn close_payload(code: u16, reason: &str) -> Vec<u8> {
    let mut end = reason.len().min(MAX_CONTROL - 2);
    while !reason.is_char_boundary(end) {
        end -= 1;
    }
    [&code.to_be_bytes(), &reason.as_bytes()[..end]].concat()
}

/// Masks or unmasks (section 5.3); whether the result is ASCII, which comes at no cost in the same pass. Eight bytes at a time, and the
/// compiler makes more of it.
#[inline]
pub(crate) fn mask(bytes: &mut [u8], key: [u8; 4]) -> bool {
    let wide = u64::from(u32::from_ne_bytes(key)) * 0x1_0000_0001;
    let (words, rest) = bytes.as_chunks_mut::<8>();
    let mut seen = 0;
    for word in words {
        let unmasked = u64::from_ne_bytes(*word) ^ wide;
        seen |= unmasked;
        *word = unmasked.to_ne_bytes();
    }
    let mut seen_last = 0;
    for (byte, key) in rest.iter_mut().zip(key.iter().cycle()) {
        *byte ^= key;
        seen_last |= *byte;
    }
    seen & 0x8080_8080_8080_8080 == 0 && seen_last < 0x80
}

/// Whether a peer may send this code in a close frame: section 7.4 and the codes registered with IANA since (1012 to 1014).
pub(crate) fn may_be_sent(code: u16) -> bool {
    matches!(code, 1000..=1003 | 1007..=1014 | 3000..=4999)
}

impl Violation {
    /// The code to close with (section 7.4.1).
    pub fn code(&self) -> u16 {
        match self {
            Self::Utf8 => 1007,
            Self::TooLarge(_) => 1009,
            _ => 1002,
        }
    }
}

/// Writes the header of a final, unmasked frame; returns its size.
#[inline]
fn put_header(header: &mut [u8; MAX_HEADER], opcode: Opcode, length: usize) -> usize {
    header[0] = 0x80 | opcode as u8;
    match length {
        0..=125 => {
            header[1] = length as u8;
            2
        }
        126..=0xFFFF => {
            header[1] = 126;
            header[2..4].copy_from_slice(&(length as u16).to_be_bytes());
            4
        }
        _ => {
            header[1] = 127;
            header[2..10].copy_from_slice(&(length as u64).to_be_bytes());
            10
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_examples_of_section_5_7() {
        let mut bytes = Vec::new();
        append_masked(&mut bytes, Opcode::Text, b"Hello", [0x37, 0xfa, 0x21, 0x3d]);
        assert_eq!(
            bytes,
            [
                0x81, 0x85, 0x37, 0xfa, 0x21, 0x3d, 0x7f, 0x9f, 0x4d, 0x51, 0x58
            ]
        );
        bytes.clear();
        append(&mut bytes, Opcode::Text, b"Hello");
        assert_eq!(bytes, [0x81, 0x05, 0x48, 0x65, 0x6c, 0x6c, 0x6f]);
        bytes.clear();
        append(&mut bytes, Opcode::Binary, &[0; 256]);
        assert_eq!(bytes[..4], [0x82, 0x7E, 0x01, 0x00]);
        bytes.clear();
        append(&mut bytes, Opcode::Binary, &vec![0; 65536]);
        assert_eq!(bytes[..10], [0x82, 0x7F, 0, 0, 0, 0, 0, 1, 0, 0]);
    }

    #[test]
    fn a_header_is_read_as_it_was_written() {
        for length in [0, 1, 125, 126, 127, 65_535, 65_536] {
            let payload = vec![7; length];
            let (mut ours, mut theirs) = (Vec::new(), Vec::new());
            append(&mut ours, Opcode::Binary, &payload);
            append_masked(
                &mut theirs,
                Opcode::Ping,
                &payload[..length.min(125)],
                [1; 4],
            );
            let header = Header::parse(&ours, Role::Client).unwrap().unwrap();
            assert_eq!(header.length, length as u64);
            assert_eq!(header.size + length, ours.len());
            assert!(header.is_final);
            let header = Header::parse(&theirs, Role::Server).unwrap().unwrap();
            assert_eq!((header.opcode, header.key), (Opcode::Ping, [1; 4]));
            for cut in 0..header.size {
                assert_eq!(Header::parse(&theirs[..cut], Role::Server), Ok(None));
            }
        }
    }

    #[test]
    fn what_section_5_forbids_is_refused() {
        use Violation as V;
        let refused = [
            (&[0x81, 0x01, b'x'][..], V::Unmasked),
            (&[0xC1, 0x80], V::ReservedBit),
            (&[0xA1, 0x80], V::ReservedBit),
            (&[0x91, 0x80], V::ReservedBit),
            (&[0x83, 0x80], V::ReservedOpcode(3)),
            (&[0x87, 0x80], V::ReservedOpcode(7)),
            (&[0x8B, 0x80], V::ReservedOpcode(11)),
            (&[0x8F, 0x80], V::ReservedOpcode(15)),
            (&[0x09, 0x80], V::FragmentedControl),
            (&[0x89, 0xFE], V::LongControl),
            (&[0x88, 0xFF], V::LongControl),
            (&[0x82, 0xFE, 0, 125], V::Length),
            (&[0x82, 0xFF, 0, 0, 0, 0, 0, 0, 0xFF, 0xFF], V::Length),
            (&[0x82, 0xFF, 0x80, 0, 0, 0, 0, 1, 0, 0], V::Length),
        ];
        for (bytes, violation) in refused {
            assert_eq!(
                Header::parse(bytes, Role::Server),
                Err(violation),
                "{bytes:x?}"
            );
        }
        assert_eq!(Header::parse(&[0x81, 0x80], Role::Client), Err(V::Masked));
        // 126 as 126 and 65,536 as 127 are the least that fit.
        for bytes in [
            &[0x82, 126, 0, 126][..],
            &[0x82, 127, 0, 0, 0, 0, 0, 1, 0, 0],
        ] {
            assert!(matches!(Header::parse(bytes, Role::Client), Ok(Some(_))));
        }
    }

    #[test]
    fn masking_twice_is_not_masking() {
        for length in 0..70 {
            let plain: Vec<u8> = (0..length).collect();
            let key = [0xDE, 0xAD, 0xBE, 0xEF];
            let mut bytes = plain.clone();
            mask(&mut bytes, key);
            for (at, byte) in bytes.iter().enumerate() {
                assert_eq!(*byte, plain[at] ^ key[at % 4]);
            }
            assert!(mask(&mut bytes, key));
            assert_eq!(bytes, plain);
            for at in 0..bytes.len() {
                let mut bytes = plain.clone();
                bytes[at] |= 0x80;
                mask(&mut bytes, key);
                assert!(!mask(&mut bytes, key), "byte {at} of {length}");
            }
        }
    }

    #[test]
    fn a_reason_is_cut_where_a_character_ends() {
        let payload = close_payload(1000, &"é".repeat(99));
        assert_eq!(payload.len(), 2 + 122);
        assert!(str::from_utf8(&payload[2..]).is_ok());
    }

    #[test]
    fn codes_that_only_stand_for_something_are_never_sent() {
        for code in [
            0, 999, 1004, 1005, 1006, 1015, 1016, 1100, 2000, 2999, 5000, 65_535,
        ] {
            assert!(!may_be_sent(code), "{code}");
        }
        for code in [1000, 1003, 1007, 1011, 1012, 1014, 3000, 3999, 4000, 4999] {
            assert!(may_be_sent(code), "{code}");
        }
    }
}
