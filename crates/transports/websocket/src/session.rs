//! `GET /ws`: commands in, events out.

use std::borrow::Cow;
use std::sync::Arc;

use hub::wire::{write_error, write_welcome};
use hub::{Command, Door, Refused, Session};
use transport::buffers::with_gathered;
use transport::push::Nowhere;

use crate::connection::{Duty, Goodbye};
use crate::frame::{Conn, Opcode, append};
use crate::reader::{Input, Item, Reader};

/// Carries out the commands of a session. Events don't come by here: the hub hands them to the [`Conn`].
#[derive(Debug)]
pub(crate) struct Commands {
    session: Session,
    door: Door,
    /// Whether no command has come yet: the first one may be a resume.
    is_new: bool,
}

impl Commands {
    /// Welcomes the client, then lets events through.
    pub(crate) fn begin(door: Door, session: Session, conn: &Arc<Conn>) -> Self {
        let this = Self {
            session,
            door,
            is_new: true,
        };
        this.welcome(conn);
        this
    }

    fn welcome(&self, conn: &Arc<Conn>) {
        let mut text = Vec::new();
        let session = &self.session;
        write_welcome(&mut text, session.id(), session.token(), session.resumed());
        conn.push_text(&text);
        session.set_outlet(Arc::<Conn>::clone(conn));
    }

    /// Carries out the commands gathered so far.
    fn apply(&self, conn: &Conn, commands: &mut Vec<Command<'_>>) -> Result<(), Goodbye> {
        if commands.is_empty() {
            return Ok(());
        }
        let applied = self.session.apply(commands);
        commands.clear();
        match applied {
            Ok(()) => Ok(()),
            Err(refused @ Refused::TooManyRooms) => {
                tell(conn, refused.code(), &refused.to_string());
                Ok(())
            }
            Err(refused) => {
                if refused == Refused::TooFast {
                    tell(conn, refused.code(), &refused.to_string());
                }
                Err(goodbye(refused))
            }
        }
    }

    /// A text that came whole in the read is gathered with the others.
    fn take<'a>(
        &mut self,
        conn: &Arc<Conn>,
        text: &'a [u8],
        commands: &mut Vec<Command<'a>>,
    ) -> Result<(), Goodbye> {
        let is_first = std::mem::take(&mut self.is_new);
        match Command::parse(text) {
            Ok(Command::Resume { token, received }) => {
                self.apply(conn, commands)?;
                if is_first {
                    return self.resume(conn, &token, received);
                }
                tell(
                    conn,
                    "malformed",
                    "`resume` must be a connection's first command",
                );
            }
            Ok(Command::End) => {
                self.apply(conn, commands)?;
                tell(
                    conn,
                    "malformed",
                    "`end` is for TCP; a WebSocket is closed with 1000 and the reason `end`",
                );
            }
            Ok(command) => commands.push(command),
            Err(malformed) => {
                self.apply(conn, commands)?;
                tell(conn, "malformed", &malformed.to_string());
            }
        }
        Ok(())
    }

    /// Continues an earlier session in place of the one that this connection began with.
    fn resume(&mut self, conn: &Arc<Conn>, token: &str, received: u64) -> Result<(), Goodbye> {
        if token == self.session.token().to_string() {
            tell(
                conn,
                "malformed",
                "this is the token of the session that is open here",
            );
            return Ok(());
        }
        let resumed = match self.door.resume(token, received) {
            Err(Refused::UnknownToken | Refused::Gone) => None,
            Err(refused @ Refused::BeyondSent(_)) => {
                tell(conn, refused.code(), &refused.to_string());
                return Ok(());
            }
            Err(refused) => return Err(goodbye(refused)),
            Ok(session) => Some(session),
        };
        // The first session ends for good, which must not end this connection.
        self.session.set_outlet(Arc::new(Nowhere));
        let session = match resumed {
            Some(session) => session,
            None => self.door.open().map_err(goodbye)?,
        };
        std::mem::replace(&mut self.session, session).close();
        self.welcome(conn);
        Ok(())
    }
}

impl Duty for Commands {
    /// Events wait in the mailbox, so what waits beside them is answers to pings and errors, and the rest of a large event.
    const MOST_WAITING: usize = 256 << 10;

    fn serve(
        &mut self,
        conn: &Arc<Conn>,
        frames: &mut Reader,
        mut input: Input<'_>,
    ) -> Result<(), Goodbye> {
        let mut commands = Vec::new();
        let end = loop {
            let item = match frames.next(&mut input) {
                Ok(Some(item)) => item,
                Ok(None) => break Ok(()),
                Err(violation) => break Err(violation.into()),
            };
            match item {
                Item::Text(Cow::Borrowed(text)) => self.take(conn, text, &mut commands)?,
                Item::Text(Cow::Owned(text)) => {
                    self.apply(conn, &mut commands)?;
                    let mut commands = Vec::new();
                    self.take(conn, &text, &mut commands)?;
                    self.apply(conn, &mut commands)?;
                }
                Item::Binary(_) => break Err(Goodbye::ours(1003, "commands are text")),
                Item::Ping(payload) => with_gathered(|out| {
                    append(out, Opcode::Pong, &payload);
                    conn.push(out);
                }),
                Item::Pong => {}
                Item::Close(close) => break Err(Goodbye::answer(close)),
            }
        };
        self.apply(conn, &mut commands)?;
        end
    }

    fn resume(&mut self) {
        self.session.flush();
    }

    fn end(self, goodbye: &Goodbye) {
        if goodbye.is_farewell() {
            self.session.close();
        }
    }
}

fn tell(conn: &Conn, code: &str, message: &str) {
    let mut text = Vec::new();
    write_error(&mut text, code, message);
    conn.push_text(&text);
}

fn goodbye(refused: Refused) -> Goodbye {
    Goodbye::ours(refused.close_code(), &refused.to_string())
}
