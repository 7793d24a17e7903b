//! `GET /echo`: every message comes back as it was.

use std::sync::Arc;

use transport::buffers::with_gathered;

use crate::connection::{Conn, Duty, Goodbye};
use transport::websocket::frame::{Opcode, append};
use transport::websocket::reader::{Input, Item, Reader};

/// Sends back what comes, whole messages, all of a read in one write.
#[derive(Debug)]
pub(crate) struct Echo;

impl Duty for Echo {
    /// An echo that isn't taken stops the reading, and so in the end the writing at the other side.
    const MOST_WAITING: usize = 0;

    fn serve(
        &mut self,
        conn: &Arc<Conn>,
        frames: &mut Reader,
        mut input: Input<'_>,
    ) -> Result<(), Goodbye> {
        with_gathered(|out| {
            let served = loop {
                match frames.next(&mut input) {
                    Ok(Some(Item::Text(text))) => append(out, Opcode::Text, &text),
                    Ok(Some(Item::Binary(bytes))) => append(out, Opcode::Binary, &bytes),
                    Ok(Some(Item::Ping(payload))) => append(out, Opcode::Pong, &payload),
                    Ok(Some(Item::Pong)) => {}
                    Ok(Some(Item::Close(close))) => break Err(Goodbye::answer(close)),
                    Ok(None) => break Ok(()),
                    Err(violation) => break Err(violation.into()),
                }
                if !conn.is_batching() {
                    conn.push(out);
                    out.clear();
                }
            };
            conn.push(out);
            served
        })
    }

    fn end(self, _: &Goodbye) {}
}
