//! A session that no server knows of.

use hub::wire::write_string;
use transport::push::Account;
use transport::repeated::parse;
use transport::websocket::Next;
use transport::{ClientError, Command, Incoming, Ticket, Traffic, Welcome};

/// A client's session: its id, what it received, and the first thing it was asked for that its wire can't carry.
#[derive(Debug)]
pub(crate) struct Session {
    account: Account,
    protocol: &'static str,
    unfit: Option<ClientError>,
}

impl Session {
    /// A new session; nothing is ever continued.
    pub(crate) fn new(protocol: &'static str) -> Self {
        let random = || format!("{:032x}", rand::random::<u128>());
        let welcome = Welcome {
            session: random(),
            token: random(),
            resumed: false,
        };
        Self {
            account: Account::open(welcome, None),
            protocol,
            unfit: None,
        }
    }

    pub(crate) fn welcome(&self) -> &Welcome {
        self.account.welcome()
    }

    pub(crate) fn ticket(&self) -> Ticket {
        self.account.ticket()
    }

    /// The traffic of the connections `wire`, and the payload in it.
    pub(crate) fn traffic(&self, wire: Traffic) -> Traffic {
        self.account.traffic(wire)
    }

    /// Counts a command that goes out.
    #[inline]
    pub(crate) fn sent(&mut self, command: &Command<'_>) {
        self.account.sent(command);
    }

    /// Notes that the wire can't carry a command; the next poll tells.
    pub(crate) fn refuse(&mut self, command: &Command<'_>) {
        let what = match command {
            Command::Join { .. } | Command::Leave { .. } => "rooms",
            Command::Emit { .. } => "an event to this audience",
            Command::Request { .. } => "requests",
            Command::Resume { .. } | Command::End => "sessions",
        };
        let protocol = self.protocol;
        let error = ClientError::Protocol(format!("{protocol} can't carry {what}"));
        self.unfit.get_or_insert(error);
    }

    /// What could not be carried, once.
    pub(crate) fn take_unfit(&mut self) -> Result<(), ClientError> {
        self.unfit.take().map_or(Ok(()), Err)
    }

    /// Hands a message on, unless it is this session's own event that came back.
    #[inline]
    pub(crate) fn hand_over(
        &mut self,
        message: Incoming<'_>,
        each: &mut impl FnMut(Incoming<'_>),
    ) -> bool {
        let is_own =
            matches!(&message, Incoming::Event { from, .. } if *from == self.welcome().session);
        if !is_own {
            self.account.received(&message);
            each(message);
        }
        !is_own
    }

    /// The same with an event as [`write_event`] writes it.
    ///
    /// # Errors
    /// It is none.
    pub(crate) fn hand_over_event(
        &mut self,
        text: &[u8],
        each: &mut impl FnMut(Incoming<'_>),
    ) -> Result<bool, ClientError> {
        let mut handed = false;
        parse(text, |message| handed = self.hand_over(message, each))
            .map_err(ClientError::Protocol)?;
        Ok(handed)
    }
}

/// Appends an event as the lab's own servers send it.
pub(crate) fn write_event(out: &mut Vec<u8>, event: &str, from: &str, data: &str) {
    out.extend_from_slice(br#"{"op":"event","event":"#);
    write_string(out, event);
    out.extend_from_slice(br#","from":""#);
    out.extend_from_slice(from.as_bytes());
    out.extend_from_slice(br#"","data":"#);
    out.extend_from_slice(data.as_bytes());
    out.push(b'}');
}

/// Whether a message was handed on, for a WebSocket that it came on.
pub(crate) fn next(is_handed: bool) -> Next {
    if is_handed {
        Next::Handed
    } else {
        Next::Passed
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn events(session: &mut Session, text: &[u8]) -> Result<Vec<String>, String> {
        let mut seen = Vec::new();
        let handed = session.hand_over_event(text, &mut |message| match message {
            Incoming::Event { event, from, data } => seen.push(format!("{event} {from} {data}")),
            other => panic!("{other:?}"),
        });
        let handed = handed.map_err(|error| error.to_string())?;
        assert_eq!(handed, !seen.is_empty());
        Ok(seen)
    }

    #[test]
    fn ones_own_event_is_not_handed_on() {
        let mut session = Session::new("x");
        let own = session.welcome().session.clone();
        let mut text = Vec::new();
        write_event(&mut text, "tick", &own, "1");
        assert_eq!(events(&mut session, &text).unwrap(), [""; 0]);
        let mut text = Vec::new();
        write_event(&mut text, "tick", "another", "1");
        assert_eq!(events(&mut session, &text).unwrap(), ["tick another 1"]);
        assert_eq!(session.ticket().received, 1);
        assert!(events(&mut session, b"{}").is_err());
    }

    #[test]
    fn what_a_wire_cannot_carry_is_told_once() {
        let mut session = Session::new("echo");
        session.refuse(&Command::Join { room: "r".into() });
        session.refuse(&Command::End);
        let error = session.take_unfit().unwrap_err().to_string();
        assert!(error.ends_with("echo can't carry rooms"), "{error}");
        assert!(session.take_unfit().is_ok());
    }

    proptest! {
        #[test]
        fn any_event_survives(event in ".*", data in any::<String>(), times in 1_usize..3) {
            let mut session = Session::new("x");
            let data = serde_json::to_string(&data).unwrap();
            let mut text = Vec::new();
            write_event(&mut text, &event, "someone", &data);
            for _ in 0..times {
                prop_assert_eq!(events(&mut session, &text).unwrap(), [format!("{event} someone {data}")]);
            }
        }
    }
}
