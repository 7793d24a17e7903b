//! WebSocket frames: what a server pays to read one, and a client to write one.
//!
//! The other two ways cost less: a server's event is framed once for all of its receivers (`event/encode`), and what a client reads isn't
//! masked.

use std::hint::black_box;

use transport::websocket::frame::{Opcode, Role, append_masked};
use transport::websocket::reader::{Input, Item, Reader};

use super::timed;
use crate::turns::Turns;

/// A server reads a client's text of so many bytes: header, mask, UTF-8.
///
/// The text is unmasked where it lies, so each turn masks it again for the next one. The key's bytes are ASCII, so it is text either way.
pub(super) fn read(length: usize) -> Turns {
    let mut bytes = Vec::new();
    append_masked(&mut bytes, Opcode::Text, &vec![b'x'; length], KEY);
    let mut reader = Reader::new(Role::Server, length);
    timed(move || {
        let mut input = Input::new(black_box(&mut bytes));
        let item = reader.next(&mut input).expect("a good frame");
        assert!(matches!(item, Some(Item::Text(text)) if text.len() == length));
    })
}

/// A client writes a text of so many bytes, masked.
pub(super) fn write(length: usize) -> Turns {
    let payload = vec![b'x'; length];
    let mut out = Vec::new();
    timed(move || {
        out.clear();
        append_masked(&mut out, Opcode::Text, black_box(&payload), black_box(KEY));
        black_box(&out);
    })
}

const KEY: [u8; 4] = [0x11, 0x22, 0x33, 0x44];
