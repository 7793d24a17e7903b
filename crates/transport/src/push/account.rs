//! A client's session, as its client knows it.

use std::fmt::Display;

use crate::{ClientError, Command, Incoming, Ticket, Traffic, Welcome};

/// The welcome, the cursor, and the payload both ways.
#[derive(Debug)]
pub struct Account {
    welcome: Welcome,
    /// The cursor.
    received: u64,
    payload_up: u64,
    payload_down: u64,
}

impl Account {
    /// The account of a session that begins, or goes on where `resume` says.
    pub fn open(welcome: Welcome, resume: Option<&Ticket>) -> Self {
        let received = match resume {
            Some(ticket) if welcome.resumed => ticket.received,
            _ => 0,
        };
        Self {
            welcome,
            received,
            payload_up: 0,
            payload_down: 0,
        }
    }

    /// Counts what is sent.
    #[inline]
    pub fn sent(&mut self, command: &Command<'_>) {
        if let Command::Emit { data, .. } | Command::Request { data, .. } = command {
            self.payload_up += data.len() as u64;
        }
    }

    /// Counts what was received.
    #[inline]
    pub fn received(&mut self, message: &Incoming<'_>) {
        self.received += message.counts();
        if let Incoming::Event { data, .. } | Incoming::Reply { data, .. } = message {
            self.payload_down += data.len() as u64;
        }
    }

    /// What the server welcomed the client with.
    pub fn welcome(&self) -> &Welcome {
        &self.welcome
    }

    /// What continues the session.
    pub fn ticket(&self) -> Ticket {
        Ticket {
            token: self.welcome.token.clone(),
            received: self.received,
        }
    }

    /// The traffic of the connection `wire`, and the payload in it.
    pub fn traffic(&self, wire: Traffic) -> Traffic {
        Traffic {
            payload_up: self.payload_up,
            payload_down: self.payload_down,
            ..wire
        }
    }
}

/// The welcome that a server's message is to be.
///
/// # Errors
/// [`ClientError::Protocol`] if it is another one, or none.
pub fn welcome(parsed: Result<Incoming<'_>, impl Display>) -> Result<Welcome, ClientError> {
    match parsed {
        Ok(Incoming::Welcome {
            session,
            token,
            resumed,
        }) => Ok(Welcome {
            session: session.into_owned(),
            token: token.into_owned(),
            resumed,
        }),
        Ok(other) => Err(ClientError::Protocol(format!(
            "{other:?} in place of a welcome"
        ))),
        Err(error) => Err(ClientError::Protocol(error.to_string())),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn opened(resumed: bool, resume: Option<&Ticket>) -> Account {
        let text = format!(r#"{{"op":"welcome","session":"s","token":"t","resumed":{resumed}}}"#);
        Account::open(welcome(Incoming::parse(text.as_bytes())).unwrap(), resume)
    }

    #[test]
    fn the_cursor_goes_on_only_where_the_session_does() {
        let ticket = Ticket {
            token: "t".into(),
            received: 7,
        };
        assert_eq!(opened(true, Some(&ticket)).ticket(), ticket);
        assert_eq!(opened(false, Some(&ticket)).ticket().received, 0);
        assert_eq!(opened(false, None).ticket().received, 0);
    }

    #[test]
    fn payload_is_counted_both_ways_and_errors_move_no_cursor() {
        let mut account = opened(false, None);
        for text in [
            &br#"{"op":"event","event":"e","from":"f","data":[1,2]}"#[..],
            br#"{"op":"reply","id":1,"data":"x"}"#,
            br#"{"op":"error","code":"limits","message":"m"}"#,
        ] {
            account.received(&Incoming::parse(text).unwrap());
        }
        account.sent(&Command::Request { id: 1, data: "123" });
        account.sent(&Command::End);
        let traffic = account.traffic(Traffic {
            wire_up: 50,
            ..Traffic::default()
        });
        assert_eq!(
            (traffic.wire_up, traffic.payload_up, traffic.payload_down),
            (50, 3, 8)
        );
        assert_eq!(account.ticket().received, 2);
    }

    #[test]
    fn anything_else_in_place_of_a_welcome_is_told() {
        for (text, told) in [
            (&br#"{"op":"gap","missed":1}"#[..], "in place of a welcome"),
            (b"{", "EOF"),
        ] {
            let error = welcome(Incoming::parse(text)).unwrap_err();
            assert!(
                matches!(&error, ClientError::Protocol(what) if what.contains(told)),
                "{error}"
            );
        }
    }
}
