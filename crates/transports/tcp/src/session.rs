//! Commands in, events out.

use std::sync::Arc;

use hub::Refused;
use transport::push::{Commands, Dialect};

use crate::connection::Goodbye;
use crate::lines::{LineFraming, Lines, TooLong, is_blank};
use crate::server::Conn;

/// Carries out all commands that `input` completes; those of one read together.
///
/// # Errors
/// What the connection is to be closed with.
pub(crate) fn serve(
    commands: &mut Commands,
    conn: &Arc<Conn>,
    lines: &mut Lines,
    mut input: &[u8],
) -> Result<(), Goodbye> {
    let mut gathered = Vec::new();
    loop {
        match lines.next(&mut input) {
            Ok(Some(line)) if is_blank(&line) => {}
            Ok(Some(line)) => commands.take(conn, line, &mut gathered)?,
            Ok(None) => return commands.apply(conn, &mut gathered),
            Err(TooLong) => {
                commands.apply(conn, &mut gathered)?;
                let message = "a line is longer than a message may be; see --max-message";
                return Err(Goodbye::Refused("too-large", message.into()));
            }
        }
    }
}

impl Dialect for LineFraming {
    type Goodbye = Goodbye;

    fn refused(_: &Conn, refused: &Refused) -> Goodbye {
        (*refused).into()
    }

    fn end(_: &Conn) -> Result<(), Goodbye> {
        Err(Goodbye::Farewell)
    }

    /// Whoever begins with something else speaks something else.
    fn malformed(conn: &Conn, what: &str, is_first: bool) -> Result<(), Goodbye> {
        if is_first {
            return Err(Goodbye::Refused("malformed", what.to_owned()));
        }
        conn.tell("malformed", what);
        Ok(())
    }
}
