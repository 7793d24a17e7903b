//! A server's session on a connection: commands in, the welcome and errors out.

use std::borrow::Cow;
use std::sync::Arc;

use hub::wire::write_welcome;
use hub::{Closing, Command, Door, Mailbox, Outlet, Refused, Session};

use super::{Conn, Framing};

/// How a wire ends a conversation.
pub trait Dialect: Framing + Sized {
    /// What a connection is closed with.
    type Goodbye;

    /// The hub refuses what the connection can't go on without.
    fn refused(conn: &Conn<Self>, refused: &Refused) -> Self::Goodbye;

    /// The client said `end`.
    ///
    /// # Errors
    /// What the connection is to be closed with.
    fn end(conn: &Conn<Self>) -> Result<(), Self::Goodbye>;

    /// What the client said is no command; `is_first` if it had said nothing before.
    ///
    /// # Errors
    /// What the connection is to be closed with.
    fn malformed(conn: &Conn<Self>, what: &str, is_first: bool) -> Result<(), Self::Goodbye>;
}

/// Carries out the commands of a session. Events don't come by here: the hub hands them to the [`Conn`].
#[derive(Debug)]
pub struct Commands {
    session: Session,
    door: Door,
    /// Whether nothing has come yet: a connection's first command may be a resume.
    is_new: bool,
}

impl Commands {
    /// Welcomes the client, then lets events through.
    pub fn begin(door: Door, session: Session, conn: &Arc<Conn<impl Framing>>) -> Self {
        let this = Self {
            session,
            door,
            is_new: true,
        };
        this.welcome(conn);
        this
    }

    /// Gathers the command in `text` with those before it, which the hub is then given together, or does at once what can't be done with others.
    ///
    /// # Errors
    /// What the connection is to be closed with.
    #[inline]
    pub fn take<'a, D: Dialect>(
        &mut self,
        conn: &Arc<Conn<D>>,
        text: Cow<'a, [u8]>,
        gathered: &mut Vec<Command<'a>>,
    ) -> Result<(), D::Goodbye> {
        match text {
            Cow::Borrowed(text) => self.take_whole(conn, text, gathered),
            // It came in pieces, and doesn't outlive this call.
            Cow::Owned(text) => {
                self.apply(conn, gathered)?;
                let mut alone = Vec::new();
                self.take_whole(conn, &text, &mut alone)?;
                self.apply(conn, &mut alone)
            }
        }
    }

    /// Carries out the commands gathered so far.
    ///
    /// # Errors
    /// What the connection is to be closed with.
    pub fn apply<D: Dialect>(
        &self,
        conn: &Conn<D>,
        gathered: &mut Vec<Command<'_>>,
    ) -> Result<(), D::Goodbye> {
        if gathered.is_empty() {
            return Ok(());
        }
        let applied = self.session.apply(gathered);
        gathered.clear();
        match applied {
            Ok(()) => Ok(()),
            Err(refused @ Refused::TooManyRooms) => {
                conn.tell(refused.code(), &refused.to_string());
                Ok(())
            }
            Err(refused) => Err(D::refused(conn, &refused)),
        }
    }

    /// The socket takes bytes again.
    pub fn flush(&self) {
        self.session.flush();
    }

    /// Ends the session for good.
    pub fn end(self) {
        self.session.close();
    }

    fn welcome(&self, conn: &Arc<Conn<impl Framing>>) {
        let mut text = Vec::new();
        let session = &self.session;
        write_welcome(&mut text, session.id(), session.token(), session.resumed());
        conn.push_text(&text);
        session.set_outlet(Arc::clone(conn) as Arc<dyn Outlet>);
    }

    #[inline]
    fn take_whole<'a, D: Dialect>(
        &mut self,
        conn: &Arc<Conn<D>>,
        text: &'a [u8],
        gathered: &mut Vec<Command<'a>>,
    ) -> Result<(), D::Goodbye> {
        let is_first = std::mem::take(&mut self.is_new);
        match Command::parse(text) {
            Ok(Command::Resume { token, received }) => {
                self.apply(conn, gathered)?;
                if is_first {
                    return self.resume(conn, &token, received);
                }
                conn.tell("malformed", "`resume` must be a connection's first command");
                Ok(())
            }
            Ok(Command::End) => {
                self.apply(conn, gathered)?;
                D::end(conn)
            }
            Ok(command) => {
                gathered.push(command);
                Ok(())
            }
            Err(malformed) => {
                self.apply(conn, gathered)?;
                D::malformed(conn, &malformed.to_string(), is_first)
            }
        }
    }

    /// Continues an earlier session in place of the one that this connection began with.
    fn resume<D: Dialect>(
        &mut self,
        conn: &Arc<Conn<D>>,
        token: &str,
        received: u64,
    ) -> Result<(), D::Goodbye> {
        if token == self.session.token().to_string() {
            conn.tell(
                "malformed",
                "this is the token of the session that is open here",
            );
            return Ok(());
        }
        let refused = |refused: Refused| D::refused(conn, &refused);
        let resumed = match self.door.resume(token, received) {
            // What can't be continued begins anew, and the welcome says so.
            Err(Refused::UnknownToken | Refused::Gone) => None,
            Err(refused @ Refused::BeyondSent(_)) => {
                conn.tell(refused.code(), &refused.to_string());
                return Ok(());
            }
            resumed => Some(resumed.map_err(refused)?),
        };
        // The first session ends for good, which must not end this connection.
        self.session.set_outlet(Arc::new(Nowhere));
        let session = match resumed {
            Some(session) => session,
            None => self.door.open().map_err(refused)?,
        };
        std::mem::replace(&mut self.session, session).close();
        self.welcome(conn);
        Ok(())
    }
}

/// Where the events of a session go that nobody will read: of the one that a connection began with, once it has resumed another.
#[derive(Debug)]
struct Nowhere;

impl Outlet for Nowhere {
    fn deliver(&self, mailbox: &mut Mailbox) {
        mailbox.take(usize::MAX, |_| {});
    }

    fn closed(&self, _: Closing) {}
}
