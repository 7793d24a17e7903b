//! Commands in, events out.

use std::borrow::Cow;
use std::sync::Arc;

use hub::wire::{write_error, write_welcome};
use hub::{Command, Door, Refused, Session};
use transport::push::Nowhere;

use crate::connection::Goodbye;
use crate::lines::{Lines, TooLong, is_blank};
use crate::server::Conn;

/// Carries out the commands of a session. Events don't come by here: the hub hands them to the [`Conn`].
#[derive(Debug)]
pub(crate) struct Commands {
    session: Session,
    door: Door,
    /// Whether no line has come yet: the first one may be a resume, and must be a command.
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

    /// Carries out all commands that `input` completes; those of one read together.
    ///
    /// # Errors
    /// What the connection is to be closed with.
    pub(crate) fn serve(
        &mut self,
        conn: &Arc<Conn>,
        lines: &mut Lines,
        mut input: &[u8],
    ) -> Result<(), Goodbye> {
        let mut commands = Vec::new();
        loop {
            match lines.next(&mut input) {
                Ok(Some(line)) if is_blank(&line) => {}
                Ok(Some(Cow::Borrowed(line))) => self.take(conn, line, &mut commands)?,
                Ok(Some(Cow::Owned(line))) => {
                    self.apply(conn, &mut commands)?;
                    let mut commands = Vec::new();
                    self.take(conn, &line, &mut commands)?;
                    self.apply(conn, &mut commands)?;
                }
                Ok(None) => return self.apply(conn, &mut commands),
                Err(TooLong) => {
                    self.apply(conn, &mut commands)?;
                    let message = "a line is longer than a message may be; see --max-message";
                    return Err(Goodbye::Refused("too-large", message.into()));
                }
            }
        }
    }

    /// The socket takes bytes again.
    pub(crate) fn flush(&self) {
        self.session.flush();
    }

    /// Ends the session for good.
    pub(crate) fn end(self) {
        self.session.close();
    }

    fn welcome(&self, conn: &Arc<Conn>) {
        let mut text = Vec::new();
        let session = &self.session;
        write_welcome(&mut text, session.id(), session.token(), session.resumed());
        conn.push_text(&text);
        session.set_outlet(Arc::<Conn>::clone(conn));
    }

    /// Gathers the line's command with those before it, or does at once what can't be done with others.
    fn take<'a>(
        &mut self,
        conn: &Arc<Conn>,
        line: &'a [u8],
        commands: &mut Vec<Command<'a>>,
    ) -> Result<(), Goodbye> {
        let is_first = std::mem::take(&mut self.is_new);
        match Command::parse(line) {
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
                return Err(Goodbye::Farewell);
            }
            Ok(command) => commands.push(command),
            Err(malformed) if is_first => {
                return Err(Goodbye::Refused("malformed", malformed.to_string()));
            }
            Err(malformed) => {
                self.apply(conn, commands)?;
                tell(conn, "malformed", &malformed.to_string());
            }
        }
        Ok(())
    }

    /// Carries out the commands gathered so far.
    fn apply(&self, conn: &Conn, commands: &mut Vec<Command<'_>>) -> Result<(), Goodbye> {
        if commands.is_empty() {
            return Ok(());
        }
        let applied = self.session.apply(commands);
        commands.clear();
        match applied {
            Err(refused @ Refused::TooManyRooms) => {
                tell(conn, refused.code(), &refused.to_string());
                Ok(())
            }
            applied => Ok(applied?),
        }
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
            // What can't be continued begins anew, and the welcome says so.
            Err(Refused::UnknownToken | Refused::Gone) => None,
            Err(refused @ Refused::BeyondSent(_)) => {
                tell(conn, refused.code(), &refused.to_string());
                return Ok(());
            }
            resumed => Some(resumed?),
        };
        // The first session ends for good, which must not end this connection.
        self.session.set_outlet(Arc::new(Nowhere));
        let session = match resumed {
            Some(session) => session,
            None => self.door.open()?,
        };
        std::mem::replace(&mut self.session, session).close();
        self.welcome(conn);
        Ok(())
    }
}

fn tell(conn: &Conn, code: &str, message: &str) {
    let mut text = Vec::new();
    write_error(&mut text, code, message);
    conn.push_text(&text);
}
