//! The payload of a message: a JSON string of exactly the wanted length that says who, which and when.
//!
//! ```text
//! "pppppppp nnnnnnnnnnnn tttttttttttttttt…"     without the blanks: 36 hex digits at fixed places, then filler
//! ```
//! publisher, number and intended time in nanoseconds. All receivers of a message get the same bytes, so the last one
//! parsed is remembered, and the usual receipt costs one comparison.

const PUBLISHER: std::ops::Range<usize> = 1..9;
const NUMBER: std::ops::Range<usize> = 9..21;
const INTENDED: std::ops::Range<usize> = 21..37;
const FILLER: usize = 37;

/// What a payload says.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Label {
    /// The sender, by its number in the plan.
    pub(crate) publisher: u32,
    /// The message, counted by its publisher from 0.
    pub(crate) number: u64,
    /// When it was to be sent, nanoseconds of [`measure::now`].
    pub(crate) intended: u64,
}

/// Writes and reads payloads of one length.
#[derive(Debug)]
pub(crate) struct Stamper {
    payload: String,
    last: Vec<u8>,
    label: Label,
}

impl Stamper {
    /// Payloads of `length` bytes, quotes included; at least 40.
    pub(crate) fn new(length: usize) -> Self {
        let filler = (FILLER + 1..length).map(|index| char::from(b'a' + (index % 26) as u8));
        let mut payload = String::with_capacity(length);
        payload.push('"');
        payload.extend(std::iter::repeat_n('0', FILLER - 1));
        payload.extend(filler);
        payload.push('"');
        let label = Label {
            publisher: 0,
            number: 0,
            intended: 0,
        };
        Self {
            last: payload.as_bytes()[..FILLER].to_vec(),
            payload,
            label,
        }
    }

    /// The payload of a message.
    pub(crate) fn write(&mut self, label: Label) -> &str {
        let mut head = [0; FILLER - 1];
        hex(
            &mut head[PUBLISHER.start - 1..PUBLISHER.end - 1],
            u64::from(label.publisher),
        );
        hex(&mut head[NUMBER.start - 1..NUMBER.end - 1], label.number);
        hex(
            &mut head[INTENDED.start - 1..INTENDED.end - 1],
            label.intended,
        );
        // Hex digits are ASCII, so the range ends on character boundaries and stays valid text.
        let head = std::str::from_utf8(&head).unwrap_or_default();
        self.payload.replace_range(1..FILLER, head);
        &self.payload
    }

    /// What a payload says; none if it is not one of ours to the last byte.
    #[inline]
    pub(crate) fn read(&mut self, data: &str) -> Option<Label> {
        let (data, own) = (data.as_bytes(), self.payload.as_bytes());
        if data.len() != own.len() || data[FILLER..] != own[FILLER..] {
            return None;
        }
        if data[..FILLER] != self.last[..] {
            self.label = parse(data)?;
            self.last.copy_from_slice(&data[..FILLER]);
        }
        Some(self.label)
    }
}

fn parse(data: &[u8]) -> Option<Label> {
    (data[0] == b'"').then_some(())?;
    Some(Label {
        publisher: unhex(&data[PUBLISHER])? as u32,
        number: unhex(&data[NUMBER])?,
        intended: unhex(&data[INTENDED])?,
    })
}

fn hex(out: &mut [u8], mut value: u64) {
    for digit in out.iter_mut().rev() {
        *digit = b"0123456789abcdef"[(value & 15) as usize];
        value >>= 4;
    }
}

fn unhex(digits: &[u8]) -> Option<u64> {
    digits.iter().try_fold(0, |value, digit| {
        let digit = match digit {
            b'0'..=b'9' => digit - b'0',
            b'a'..=b'f' => digit - b'a' + 10,
            _ => return None,
        };
        Some(value << 4 | u64::from(digit))
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_written_is_read_at_every_length() {
        for length in [40, 41, 64, 1000] {
            let (mut writer, mut reader) = (Stamper::new(length), Stamper::new(length));
            for number in [0, 1, (1 << 48) - 1] {
                let label = Label {
                    publisher: u32::MAX,
                    number,
                    intended: u64::MAX - number,
                };
                let payload = writer.write(label).to_owned();
                assert_eq!(payload.len(), length);
                assert!(payload.starts_with('"') && payload.ends_with('"'));
                assert!(
                    payload[1..length - 1]
                        .bytes()
                        .all(|byte| byte.is_ascii_alphanumeric())
                );
                assert_eq!(reader.read(&payload), Some(label));
                assert_eq!(reader.read(&payload), Some(label));
            }
        }
    }

    #[test]
    fn any_changed_byte_is_noticed_or_says_something_else() {
        let mut stamper = Stamper::new(64);
        let label = Label {
            publisher: 3,
            number: 5,
            intended: 7,
        };
        let payload = stamper.write(label).to_owned();
        for index in 0..payload.len() {
            let mut bytes = payload.clone().into_bytes();
            bytes[index] = if bytes[index] == b'1' { b'2' } else { b'1' };
            let changed = String::from_utf8(bytes).unwrap();
            assert_ne!(stamper.read(&changed), Some(label), "byte {index}");
        }
        assert_eq!(stamper.read("\"short\""), None);
        assert_eq!(stamper.read(&payload), Some(label));
    }
}
