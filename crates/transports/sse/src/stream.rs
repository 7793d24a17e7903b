//! A session's messages as the bytes of an event stream (HTML section 9.2.5).

use std::cell::RefCell;
use std::ops::ControlFlow;
use std::task::{Context, Poll, ready};

use bytes::{Bytes, BytesMut};
use hub::wire::{write_error, write_gap};
use hub::{Delivery, Refused};
use transport::Config;
use transport::http::Source;

use crate::quiet::Listed;

/// About so many bytes are written at once: as much as a connection's own buffer holds, so that a slow client's messages wait in its mailbox.
const PIECE: usize = 16 << 10;
/// A thread's buffer that has grown larger than this is given back.
const KEPT: usize = 128 << 10;
/// What a stream says that has nothing to say.
const HEARTBEAT: &[u8] = b":\n\n";

/// The stream of a session, until that ends or somebody newer asks for it.
pub(crate) struct EventStream {
    poll: hub::Poll,
    listed: Listed,
    state: State,
    /// What `retry:` tells, in milliseconds.
    retry: u64,
    batching: bool,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum State {
    /// Nothing has been said yet.
    New,
    Open,
    /// Without batching: a message was said, which is to be written before the next one.
    Said,
    Over,
}

impl EventStream {
    pub(crate) fn new(poll: hub::Poll, listed: Listed, config: &Config) -> Self {
        let retry = config.sse_retry.mul_f64(1.0 + rand::random::<f64>());
        Self {
            poll,
            listed,
            state: State::New,
            retry: u64::try_from(retry.as_millis()).unwrap_or(u64::MAX),
            batching: config.batching,
        }
    }

    /// How long to wait before coming back, and where the stream goes on.
    fn open(&mut self, out: &mut BytesMut) {
        out.extend_from_slice(b"retry: ");
        append_number(out, self.retry);
        // A session that is over says so next.
        if let Ok(cursor) = self.poll.cursor() {
            out.extend_from_slice(b"\nid: ");
            append_number(out, cursor);
        }
        out.extend_from_slice(b"\n\n");
    }

    /// Appends what waits; pending when nothing does, and the stream's end when it is over.
    fn poll_messages(&mut self, cx: &mut Context<'_>, out: &mut BytesMut) -> Poll<()> {
        let batching = self.batching;
        let taken = self.poll.poll_each(cx, &mut |cursor, delivery| {
            append(out, cursor, delivery);
            if batching && out.len() < PIECE {
                ControlFlow::Continue(())
            } else {
                ControlFlow::Break(())
            }
        });
        self.state = match ready!(taken) {
            Ok(()) if batching => State::Open,
            Ok(()) => State::Said,
            Err(refused) => {
                append_end(out, refused);
                State::Over
            }
        };
        Poll::Ready(())
    }
}

impl Source for EventStream {
    fn poll_bytes(&mut self, cx: &mut Context<'_>) -> Poll<Option<Bytes>> {
        match self.state {
            State::Over => return Poll::Ready(None),
            State::Said => {
                self.state = State::Open;
                cx.waker().wake_by_ref();
                return Poll::Pending;
            }
            State::New | State::Open => {}
        }
        with_buffer(|out| {
            if self.state == State::New {
                self.open(out);
                self.state = State::Open;
            }
            if self.poll_messages(cx, out).is_pending() && out.is_empty() {
                if !self.listed.is_due(cx.waker()) {
                    return Poll::Pending;
                }
                out.extend_from_slice(HEARTBEAT);
            }
            self.listed.spoke();
            Poll::Ready(Some(out.split().freeze()))
        })
    }
}

/// An event with a message, and the cursor after it as its id.
fn append(out: &mut BytesMut, cursor: u64, delivery: Delivery<'_>) {
    out.extend_from_slice(b"id: ");
    append_number(out, cursor);
    out.extend_from_slice(b"\ndata: ");
    match delivery {
        // Its line feed ends the field, and nothing else in it does.
        Delivery::Event(event) => out.extend_from_slice(event.line()),
        Delivery::Gap(missed) => {
            let mut json = Vec::new();
            write_gap(&mut json, missed);
            out.extend_from_slice(&json);
            out.extend_from_slice(b"\n");
        }
    }
    out.extend_from_slice(b"\n");
}

/// Why the stream ends. It has no id, so that the last one stays what a client tells when it comes back.
#[cold]
fn append_end(out: &mut BytesMut, refused: Refused) {
    let mut json = Vec::new();
    write_error(&mut json, refused.code(), &refused.to_string());
    out.extend_from_slice(b"data: ");
    out.extend_from_slice(&json);
    out.extend_from_slice(b"\n\n");
}

fn append_number(out: &mut BytesMut, number: u64) {
    out.extend_from_slice(itoa::Buffer::new().format(number).as_bytes());
}

thread_local! {
    /// Where the bytes of all streams of a thread are gathered. hyper copies them at once, so the same memory serves the next stream.
    static BUFFER: RefCell<BytesMut> = RefCell::default();
}

/// Lends the thread's buffer, empty.
fn with_buffer<T>(fill: impl FnOnce(&mut BytesMut) -> T) -> T {
    let mut buffer = BUFFER.take();
    buffer.clear();
    buffer.reserve(PIECE);
    let result = fill(&mut buffer);
    if buffer.capacity() <= KEPT {
        BUFFER.set(buffer);
    }
    result
}

#[cfg(test)]
mod tests {
    use hub::{Event, SessionId};

    use super::*;

    fn text(append: impl FnOnce(&mut BytesMut)) -> String {
        let mut out = BytesMut::new();
        append(&mut out);
        String::from_utf8(out.to_vec()).unwrap()
    }

    #[test]
    fn an_event_is_an_id_and_one_line_of_data() {
        let from = SessionId::from_bytes([7; 16]);
        for data in ["1", "[1,\n2]", "[1,\r2]", "{\r\n\r\n\"a\\r\" :\n\n1\r}"] {
            let event = Event::new("e", from, data);
            let text = text(|out| append(out, 41, Delivery::Event(&event)));
            let json = text
                .strip_prefix("id: 41\ndata: ")
                .and_then(|rest| rest.strip_suffix("\n\n"));
            let json = json.unwrap_or_else(|| panic!("{text:?}"));
            assert!(!json.contains(['\r', '\n']), "{text:?}");
            let value = |json: &[u8]| serde_json::from_slice::<serde_json::Value>(json).unwrap();
            assert_eq!(value(json.as_bytes()), value(event.json()));
        }
    }

    #[test]
    fn a_gap_has_an_id_and_an_end_has_none() {
        assert_eq!(
            text(|out| append(out, 9, Delivery::Gap(3))),
            "id: 9\ndata: {\"op\":\"gap\",\"missed\":3}\n\n"
        );
        let end = text(|out| append_end(out, Refused::Gone));
        assert!(
            end.starts_with(r#"data: {"op":"error","code":"gone","#),
            "{end}"
        );
        assert!(end.ends_with("}\n\n"), "{end}");
    }
}
