//! `GET /ws`: commands in, events out.

use std::sync::Arc;

use hub::Refused;
use transport::buffers::with_gathered;
use transport::push::{Commands, Dialect};

use crate::connection::{Conn, Duty, Goodbye, TextFrames};
use transport::websocket::frame::{Opcode, append};
use transport::websocket::reader::{Input, Item, Reader};

impl Duty for Commands {
    /// Events wait in the mailbox, so what waits beside them is answers to pings and errors, and the rest of a large event.
    const MOST_WAITING: usize = 256 << 10;

    fn serve(
        &mut self,
        conn: &Arc<Conn>,
        frames: &mut Reader,
        mut input: Input<'_>,
    ) -> Result<(), Goodbye> {
        let mut gathered = Vec::new();
        let end = loop {
            let item = match frames.next(&mut input) {
                Ok(Some(item)) => item,
                Ok(None) => break Ok(()),
                Err(violation) => break Err(violation.into()),
            };
            match item {
                Item::Text(text) => self.take(conn, text, &mut gathered)?,
                Item::Binary(_) => break Err(Goodbye::ours(1003, "commands are text")),
                Item::Ping(payload) => with_gathered(|out| {
                    append(out, Opcode::Pong, &payload);
                    conn.push(out);
                }),
                Item::Pong => {}
                Item::Close(close) => break Err(Goodbye::answer(close)),
            }
        };
        self.apply(conn, &mut gathered)?;
        end
    }

    fn resume(&mut self) {
        self.flush();
    }

    fn end(self, goodbye: &Goodbye) {
        if goodbye.is_farewell() {
            Commands::end(self);
        }
    }
}

impl Dialect for TextFrames {
    type Goodbye = Goodbye;

    fn refused(conn: &Conn, refused: &Refused) -> Goodbye {
        // The close code stands for other refusals, too; the error's code is `limits`.
        if *refused == Refused::TooFast {
            conn.tell(refused.code(), &refused.to_string());
        }
        Goodbye::ours(refused.close_code(), &refused.to_string())
    }

    fn end(conn: &Conn) -> Result<(), Goodbye> {
        conn.tell(
            "malformed",
            "`end` is for TCP; a WebSocket is closed with 1000 and the reason `end`",
        );
        Ok(())
    }

    fn malformed(conn: &Conn, what: &str, _: bool) -> Result<(), Goodbye> {
        conn.tell("malformed", what);
        Ok(())
    }
}
