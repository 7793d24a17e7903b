//! What the bytes of a connection mean, one message at a time.

use serde::{Serialize, Serializer};

/// A whole message of a connection, and what it is made of.
///
/// As JSON it is flat; times are microseconds with a fraction, exact to the nanosecond.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[expect(
    clippy::struct_excessive_bools,
    reason = "they are the fields of its JSON, independent of each other"
)]
pub struct Message {
    /// Which exchange of its connection it belongs to, counted from 1: a request, its response, the events of the stream that it began, the
    /// frames after its upgrade. 0 of none.
    pub exchange: u64,
    /// Its direction.
    pub way: Way,
    /// When its first byte was sent, nanoseconds.
    #[serde(rename = "sent_us", serialize_with = "microseconds")]
    pub sent: u64,
    /// When its last byte arrived, nanoseconds.
    #[serde(rename = "arrived_us", serialize_with = "microseconds")]
    pub arrived: u64,
    /// What it is.
    pub kind: Kind,
    /// In a few words: `GET /events?after=3`, `200`, `text, 33 B`.
    pub title: String,
    /// Of a response.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub status: Option<u16>,
    /// Bytes of what it is there to carry: a body without its chunks' framing, the data of an event, the application data of a frame.
    pub payload: u64,
    /// All its other bytes.
    pub overhead: u64,
    /// A response to a GET that brought nothing: 204, 304, or a poll of Engine.IO with nothing but pings and no-ops.
    pub useless: bool,
    /// A browser's question beforehand whether it may (OPTIONS, by Fetch's CORS protocol), or the answer.
    pub preflight: bool,
    /// The head of a response whose body is an event stream: its events follow as messages of their own.
    #[serde(skip_serializing_if = "std::ops::Not::not")]
    pub continues: bool,
    /// Of a frame.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub frame: Option<Frame>,
    /// Its bytes in order.
    pub parts: Vec<Part>,
    /// Parts are shortened, or left out.
    pub cut: bool,
}

/// A direction.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum Way {
    /// From the client to the server.
    Up,
    /// From the server to the client.
    Down,
}

/// What a message is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum Kind {
    /// Of HTTP.
    Request,
    /// Of HTTP; also the last chunk of an event stream, which has no status.
    Response,
    /// Of an event stream.
    Event,
    /// Lines of an event stream that no page hears of.
    Comment,
    /// Of a WebSocket.
    Frame,
    /// What can't be read, as it passed.
    Other,
}

/// The head of a WebSocket frame (RFC 6455, section 5.2).
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Frame {
    /// The last of its message.
    pub fin: bool,
    /// The three reserved bits: 4 is RSV1, which an extension that compresses sets.
    pub rsv: u8,
    /// `continuation`, `text`, `binary`, `close`, `ping`, `pong`, or a number that no one has defined.
    pub opcode: String,
    /// Whether its payload is masked, as every client's must be.
    pub masked: bool,
    /// Bytes of its payload.
    pub length: u64,
}

/// Bytes of a message that belong together. Where it has neither, there was no room for it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Part {
    /// What they are.
    pub role: Role,
    /// What they say, where they say it in UTF-8; of a masked payload, unmasked.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub text: Option<String>,
    /// Them, two hexadecimal digits each, where they are no text; of a masked payload always, as they are on the wire.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub hex: Option<String>,
}

/// What bytes of a message are.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum Role {
    /// A request line or a status line.
    StartLine,
    /// A field of a head, or of a trailer; the last one with the empty line behind it.
    Header,
    /// Framing of chunks.
    Chunk,
    /// The name of a field of an event stream, a comment, or an end of line.
    Field,
    /// The first bytes of a frame: bits, opcode, length.
    FrameHeader,
    /// Of a frame, four bytes.
    Mask,
    /// What the message is there to carry.
    Payload,
}

impl Way {
    /// The name used in messages.
    pub fn name(self) -> &'static str {
        match self {
            Way::Up => "up",
            Way::Down => "down",
        }
    }
}

/// A double holds every nanosecond of the first hundred days of a clock exactly, and its shortest form has three digits behind the point.
#[expect(
    clippy::trivially_copy_pass_by_ref,
    reason = "serde passes a reference"
)]
fn microseconds<S: Serializer>(nanoseconds: &u64, serializer: S) -> Result<S::Ok, S::Error> {
    serializer.serialize_f64(*nanoseconds as f64 / 1e3)
}
