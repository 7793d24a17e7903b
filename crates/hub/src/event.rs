//! A message to a client, encoded once for all of its receivers.

use std::any::Any;
use std::sync::{Arc, OnceLock};

use crate::SessionId;

/// A counted message (`event` or pushed `reply`) as bytes, ready for each wire: a WebSocket frame header before it, a line's end behind it.
///
/// The cursor counts messages instead of numbering them in their bytes, so the bytes are the same for every receiver:
/// a broadcast to 10,000 sessions encodes once and shares one allocation.
#[derive(Debug)]
pub struct Event {
    /// `HEADROOM` bytes of which the last few are the frame header, then the JSON, then a line feed.
    bytes: Vec<u8>,
    /// The line, where it isn't the JSON as it stands: `data` may have ends of lines between its tokens.
    line: Option<Box<[u8]>>,
    /// Where the frame header begins.
    frame: u8,
    /// Where the event's name ends within the JSON, still escaped and quoted; 0 for a reply, which has none.
    name_end: u32,
    /// The message in the form of a wire that frames it in another way, made when the first receiver of that wire needs it.
    other: OnceLock<Box<dyn Any + Send + Sync>>,
}

/// The parts of an event, each as it stands in its JSON.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Parts<'a> {
    /// The name, a JSON string with its quotes.
    pub event: &'a [u8],
    /// The sender's public id, without quotes.
    pub from: &'a [u8],
    /// Any JSON value.
    pub data: &'a [u8],
}

/// The longest header of an unmasked WebSocket frame (RFC 6455 section 5.2).
const HEADROOM: usize = 10;
const NAME_START: usize = br#"{"op":"event","event":"#.len();
const FROM_FIELD: usize = br#","from":""#.len();
const DATA_FIELD: usize = br#"","data":"#.len();

impl Event {
    /// `{"op":"event","event":…,"from":…,"data":…}`; `data` is JSON already.
    pub fn new(name: &str, from: SessionId, data: &str) -> Arc<Self> {
        let mut bytes = Self::buffer(NAME_START + name.len() + data.len() + 45);
        bytes.extend_from_slice(br#"{"op":"event","event":"#);
        write_string(&mut bytes, name);
        let name_end = (bytes.len() - HEADROOM) as u32;
        bytes.extend_from_slice(br#","from":""#);
        from.write(&mut bytes);
        bytes.extend_from_slice(br#"","data":"#);
        bytes.extend_from_slice(data.as_bytes());
        bytes.push(b'}');
        Self::frame(bytes, name_end, data)
    }

    /// `{"op":"reply","id":…,"data":…}`; `data` is JSON already.
    pub fn reply(id: u64, data: &str) -> Arc<Self> {
        let mut bytes = Self::buffer(data.len() + 50);
        write_reply(&mut bytes, id, data);
        Self::frame(bytes, 0, data)
    }

    /// The message's JSON.
    pub fn json(&self) -> &[u8] {
        &self.bytes[HEADROOM..self.bytes.len() - 1]
    }

    /// The message as one unmasked WebSocket text frame.
    pub fn websocket_frame(&self) -> &[u8] {
        &self.bytes[usize::from(self.frame)..self.bytes.len() - 1]
    }

    /// The message as one line with its line feed. Line feeds and carriage returns in the white space of `data` are spaces here, which is the same JSON value.
    pub fn line(&self) -> &[u8] {
        self.line.as_deref().unwrap_or(&self.bytes[HEADROOM..])
    }

    /// What the event consists of; `None` for a reply.
    pub fn parts(&self) -> Option<Parts<'_>> {
        let event = self.name()?;
        let json = self.json();
        let from = self.name_end as usize + FROM_FIELD;
        let data = from + SessionId::TEXT + DATA_FIELD;
        Some(Parts {
            event,
            from: &json[from..from + SessionId::TEXT],
            data: &json[data..json.len() - 1],
        })
    }

    /// The message as `T`, for a wire that frames it in a way of its own: `make` is asked once, whatever the number of receivers and of
    /// threads. `None` if another `T` has been made of this event before.
    pub fn formed<T: Send + Sync + 'static>(&self, make: impl FnOnce(&Self) -> T) -> Option<&T> {
        let formed = self.other.get_or_init(|| Box::new(make(self)));
        formed.downcast_ref()
    }

    /// The event's name as it stands in the JSON; `None` for a reply.
    pub(crate) fn name(&self) -> Option<&[u8]> {
        (self.name_end > 0).then(|| &self.json()[NAME_START..self.name_end as usize])
    }

    fn buffer(json: usize) -> Vec<u8> {
        let mut bytes = Vec::with_capacity(HEADROOM + json);
        bytes.resize(HEADROOM, 0);
        bytes
    }

    fn frame(mut bytes: Vec<u8>, name_end: u32, data: &str) -> Arc<Self> {
        let length = bytes.len() - HEADROOM;
        let mut header = [0; HEADROOM];
        let used = text_frame_header(length, &mut header);
        let frame = HEADROOM - used;
        bytes[frame..HEADROOM].copy_from_slice(&header[..used]);
        bytes.push(b'\n');
        // Those in a name are escaped.
        let line = memchr::memchr2(b'\n', b'\r', data.as_bytes()).map(|_| {
            let mut line = bytes[HEADROOM..].to_vec();
            crate::wire::join_lines(&mut line[..length]);
            line.into()
        });
        Arc::new(Self {
            bytes,
            line,
            frame: frame as u8,
            name_end,
            other: OnceLock::new(),
        })
    }
}

/// `{"op":"reply","id":…,"data":…}` at the end of `out`.
pub fn write_reply(out: &mut Vec<u8>, id: u64, data: &str) {
    out.extend_from_slice(br#"{"op":"reply","id":"#);
    write_number(out, id);
    out.extend_from_slice(br#","data":"#);
    out.extend_from_slice(data.as_bytes());
    out.push(b'}');
}

/// `text` as a JSON string at the end of `out`.
pub fn write_string(out: &mut Vec<u8>, text: &str) {
    serde_json::to_writer(out, text).expect("a string can always be written to memory as JSON");
}

/// `number` in decimal at the end of `out`.
pub(crate) fn write_number(out: &mut Vec<u8>, number: u64) {
    serde_json::to_writer(out, &number).expect("a number can always be written to memory as JSON");
}

/// Writes the header of a final, unmasked text frame of `length` bytes; returns how many bytes it takes (RFC 6455 section 5.2).
fn text_frame_header(length: usize, out: &mut [u8; HEADROOM]) -> usize {
    out[0] = 0x81;
    match length {
        0..=125 => {
            out[1] = length as u8;
            2
        }
        126..=0xFFFF => {
            out[1] = 126;
            out[2..4].copy_from_slice(&(length as u16).to_be_bytes());
            4
        }
        _ => {
            out[1] = 127;
            out[2..10].copy_from_slice(&(length as u64).to_be_bytes());
            10
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_event_is_the_json_of_the_protocol_in_a_frame_of_the_right_length() {
        let from = SessionId::from_bytes([7; 16]);
        for length in [1, 60, 61, 62, 65_000, 65_480, 65_600] {
            let data = format!("\"{}\"", "x".repeat(length));
            let event = Event::new("a \"b\"\n", from, &data);
            let json: serde_json::Value = serde_json::from_slice(event.json()).unwrap();
            assert_eq!(json["op"], "event");
            assert_eq!(json["event"], "a \"b\"\n");
            assert_eq!(json["from"], from.to_string());
            assert_eq!(json["data"].as_str().unwrap().len(), length);
            assert_eq!(event.name(), Some(&br#""a \"b\"\n""#[..]));

            let frame = event.websocket_frame();
            assert_eq!(frame[0], 0x81);
            let (header, told) = match frame[1] {
                127 => (
                    10,
                    u64::from_be_bytes(frame[2..10].try_into().unwrap()) as usize,
                ),
                126 => (4, usize::from(u16::from_be_bytes([frame[2], frame[3]]))),
                short => (2, usize::from(short)),
            };
            assert_eq!(told, event.json().len());
            assert_eq!(&frame[header..], event.json());
            assert_eq!(event.line(), [event.json(), b"\n"].concat());
        }
    }

    #[test]
    fn an_event_comes_apart_as_it_was_put_together_and_is_formed_once() {
        let from = SessionId::from_bytes([7; 16]);
        let event = Event::new("a \"b\"\n", from, "[1 , {}]");
        let parts = event.parts().unwrap();
        assert_eq!(parts.event, br#""a \"b\"\n""#);
        assert_eq!(parts.from, from.to_string().as_bytes());
        assert_eq!(parts.data, b"[1 , {}]");
        assert_eq!(Event::reply(1, "2").parts(), None);

        let length = |event: &Event| event.json().len();
        assert_eq!(event.formed(length), Some(&event.json().len()));
        assert_eq!(event.formed(|_| 0_usize), Some(&event.json().len()));
        assert_eq!(event.formed(|_| "another type"), None);
    }

    #[test]
    fn a_line_is_one_line_and_the_same_value() {
        let data = "{ \"a\\n\" :\n[ 1 ,\r\n 2 ] }";
        for message in [
            Event::new("e\n", SessionId::from_bytes([7; 16]), data),
            Event::reply(7, data),
        ] {
            let (line, end) = message.line().split_at(message.json().len());
            assert_eq!(end, b"\n");
            assert!(!line.contains(&b'\n') && !line.contains(&b'\r'));
            let value = |json| serde_json::from_slice::<serde_json::Value>(json).unwrap();
            assert_eq!(value(line), value(message.json()));
            assert!(message.json().ends_with(format!("{data}}}").as_bytes()));
        }
    }

    #[test]
    fn a_reply_carries_id_and_data_to_the_letter() {
        let reply = Event::reply(u64::MAX, "1e400");
        assert_eq!(
            reply.json(),
            br#"{"op":"reply","id":18446744073709551615,"data":1e400}"#
        );
        assert_eq!(reply.name(), None);
    }
}
