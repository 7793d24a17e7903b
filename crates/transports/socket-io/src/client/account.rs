//! The session: packets in, commands out, and the cursor.

use std::borrow::Cow;
use std::collections::VecDeque;

use hub::wire::write_string;
use serde::Deserialize;
use serde_json::value::RawValue;
use transport::push::NO_CLOSE;
use transport::{ClientError, Command, Incoming, Ticket, Traffic, Welcome};

use super::words::{Answer, Native, parse_event, status, write_command};
use crate::native::{ESCAPED, GOODBYE, OURS, WELCOME};
use crate::packet::{Kind, Packet, SEPARATOR};

/// What a session knows of itself, whatever carries it.
#[derive(Debug, Default)]
pub(super) struct Account {
    resume: Option<Ticket>,
    welcome: Option<Box<Welcome>>,
    /// The cursor.
    received: u64,
    /// Messages handed over.
    handed: u64,
    payload_up: u64,
    payload_down: u64,
    /// Packets to go out, with separators between them, and where each ends.
    out: Vec<u8>,
    ends: Vec<usize>,
    /// Most bytes of packets that the server takes together.
    most: usize,
    /// Acks that are waited for, and which request asked for each.
    asked: VecDeque<(u64, u64)>,
    next_ack: u64,
    /// Why the server is about to disconnect.
    goodbye: Option<(u16, String)>,
    /// Packets that came before anybody could be handed a message.
    early: Vec<Vec<u8>>,
    is_ready: bool,
}

/// What an engine packet was.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Said {
    /// The engine's handshake.
    Open(Open),
    /// A ping, which has its answer among the packets to go out, or a noop.
    Nothing,
    /// Something of the session.
    Message,
}

/// What the engine tells in its handshake.
#[derive(Debug, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct Open {
    pub(super) sid: String,
    #[serde(default)]
    max_payload: usize,
}

impl Open {
    pub(super) fn parse(packet: &[u8]) -> Result<Self, ClientError> {
        let json = packet.strip_prefix(b"0").ok_or_else(|| strange(packet))?;
        serde_json::from_slice(json).map_err(|error| ClientError::Protocol(error.to_string()))
    }

    /// Most bytes of a request's body.
    pub(super) fn most(&self) -> usize {
        if self.max_payload == 0 {
            usize::MAX
        } else {
            self.max_payload
        }
    }
}

impl Account {
    pub(super) fn new(resume: Option<Ticket>) -> Self {
        Self {
            resume,
            ..Self::default()
        }
    }

    /// Queues CONNECT. The server takes `most` bytes of packets together.
    pub(super) fn enter(&mut self, most: usize) {
        self.most = most;
        let mut packet = Vec::from(&b"40"[..]);
        if let Some(Ticket { token, received }) = &self.resume {
            packet.extend_from_slice(br#"{"token":"#);
            write_string(&mut packet, token);
            packet.extend_from_slice(format!(r#","received":{received}}}"#).as_bytes());
        }
        self.queue(|out| out.extend_from_slice(&packet));
    }

    pub(super) fn is_welcome(&self) -> bool {
        self.welcome.is_some()
    }

    /// Whoever polls is handed messages from now on.
    pub(super) fn make_ready(&mut self) {
        self.is_ready = true;
    }

    /// Hands over what came before.
    pub(super) fn hand_early(
        &mut self,
        each: &mut impl FnMut(Incoming<'_>),
    ) -> Result<(), ClientError> {
        for packet in std::mem::take(&mut self.early) {
            self.take(&packet, each)?;
        }
        Ok(())
    }

    pub(super) fn welcome(&self) -> &Welcome {
        static NONE: Welcome = Welcome {
            session: String::new(),
            token: String::new(),
            resumed: false,
        };
        self.welcome.as_deref().unwrap_or(&NONE)
    }

    pub(super) fn handed(&self) -> u64 {
        self.handed
    }

    pub(super) fn ticket(&self) -> Ticket {
        Ticket {
            token: self.welcome().token.clone(),
            received: self.received,
        }
    }

    pub(super) fn traffic(&self, wire: Traffic) -> Traffic {
        Traffic {
            payload_up: self.payload_up,
            payload_down: self.payload_down,
            ..wire
        }
    }

    /// Queues a command as the event that it is here. A request asks for its ack; whatever else is refused is told without one.
    pub(super) fn send(&mut self, command: &Command<'_>) {
        if let Command::Emit { data, .. } | Command::Request { data, .. } = command {
            self.payload_up += data.len() as u64;
        }
        let ack = self.next_ack;
        if let Command::Request { id, .. } = command {
            self.asked.push_back((ack, *id));
            self.next_ack += 1;
        }
        self.queue(|out| write_command(out, command, ack));
    }

    /// Queues DISCONNECT, and with `is_last` the engine's close.
    pub(super) fn leave(&mut self, is_last: bool) {
        self.queue(|out| out.extend_from_slice(b"41"));
        if is_last {
            self.queue(|out| out.push(b'1'));
        }
    }

    pub(super) fn has_packets(&self) -> bool {
        !self.ends.is_empty()
    }

    /// Hands over the packets to go out.
    pub(super) fn take_packets(&mut self, most: usize, mut each: impl FnMut(&[u8])) {
        let mut start = 0;
        let count = self.ends.len().min(most);
        for end in self.ends.drain(..count) {
            each(&self.out[start..end]);
            start = end + 1;
        }
        if self.ends.is_empty() {
            self.out.clear();
            self.out.shrink_to(KEPT);
        } else {
            self.drop_front(start);
        }
    }

    /// Appends as many packets as go out together, with separators; at least one.
    pub(super) fn take_payload(&mut self, payload: &mut Vec<u8>) {
        let fitting = self.ends.partition_point(|end| *end <= self.most).max(1);
        let Some(bytes) = self.ends.get(fitting - 1).copied() else {
            return;
        };
        payload.extend_from_slice(&self.out[..bytes]);
        self.ends.drain(..fitting);
        if self.ends.is_empty() {
            self.out.clear();
            self.out.shrink_to(KEPT);
        } else {
            self.drop_front(bytes + 1);
        }
    }

    /// How long [`take_payload`](Self::take_payload)'s would be.
    pub(super) fn payload_length(&self) -> usize {
        let fitting = self.ends.partition_point(|end| *end <= self.most).max(1);
        self.ends.get(fitting - 1).copied().unwrap_or(0)
    }

    fn drop_front(&mut self, bytes: usize) {
        self.out.drain(..bytes);
        self.ends.iter_mut().for_each(|end| *end -= bytes);
    }

    fn queue(&mut self, write: impl FnOnce(&mut Vec<u8>)) {
        if !self.ends.is_empty() {
            self.out.push(SEPARATOR);
        }
        write(&mut self.out);
        self.ends.push(self.out.len());
    }

    /// Why the client ended: what the server said, if it did, else `error`.
    pub(super) fn why(&mut self, error: ClientError) -> ClientError {
        match self.goodbye.take() {
            Some((status, message)) => ClientError::Refused { status, message },
            None => error,
        }
    }

    /// Deals with an engine packet.
    pub(super) fn take(
        &mut self,
        packet: &[u8],
        each: &mut impl FnMut(Incoming<'_>),
    ) -> Result<Said, ClientError> {
        match packet {
            [b'4', b'2' | b'3', ..] if !self.is_ready => {
                self.early.push(packet.to_vec());
                Ok(Said::Message)
            }
            [b'4', rest @ ..] => {
                let text = str::from_utf8(rest).map_err(|_| strange(packet))?;
                self.take_packet(text, each)?;
                Ok(Said::Message)
            }
            b"2" => {
                self.queue(|out| out.push(b'3'));
                Ok(Said::Nothing)
            }
            b"6" => Ok(Said::Nothing),
            b"1" => Err(self.why(closed())),
            [b'0', ..] => Open::parse(packet).map(Said::Open),
            _ => Err(strange(packet)),
        }
    }

    fn take_packet(
        &mut self,
        text: &str,
        each: &mut impl FnMut(Incoming<'_>),
    ) -> Result<(), ClientError> {
        let strange = || strange(text.as_bytes());
        let packet = Packet::parse(text).map_err(|_| strange())?;
        match packet.kind {
            Kind::Event => parse_event(packet.payload, |event| self.take_event(event, each))
                .unwrap_or_else(|| Err(strange())),
            Kind::Ack => {
                let id = packet.id.ok_or_else(strange)?;
                self.take_ack(id, packet.payload, each)
            }
            Kind::Connect => {
                #[derive(Deserialize)]
                struct Entered {
                    sid: String,
                    #[serde(default)]
                    token: String,
                    #[serde(default)]
                    resumed: bool,
                }
                let Entered {
                    sid: session,
                    token,
                    resumed,
                } = serde_json::from_str(packet.payload).map_err(|_| strange())?;
                self.received = match &self.resume {
                    Some(ticket) if resumed => ticket.received,
                    _ => 0,
                };
                self.welcome = Some(Box::new(Welcome {
                    session,
                    token,
                    resumed,
                }));
                Ok(())
            }
            Kind::ConnectError => {
                #[derive(Deserialize)]
                struct Refused<'a> {
                    message: String,
                    #[serde(borrow)]
                    data: Option<&'a RawValue>,
                }
                let Refused { message, data } =
                    serde_json::from_str(packet.payload).map_err(|_| strange())?;
                let status = match data.map(|data| Incoming::parse(data.get().as_bytes())) {
                    Some(Ok(Incoming::Error { code, .. })) => status(&code),
                    _ => 400,
                };
                Err(ClientError::Refused { status, message })
            }
            Kind::Disconnect => Err(self.why(closed())),
            Kind::BinaryEvent | Kind::BinaryAck => Err(strange()),
        }
    }

    fn take_event(
        &mut self,
        event: &Native<'_>,
        each: &mut impl FnMut(Incoming<'_>),
    ) -> Result<(), ClientError> {
        let Native {
            name,
            data,
            from,
            escaped,
        } = event;
        let name = match (name.strip_prefix(OURS), escaped) {
            (None, _) => name,
            (Some(_), Some(escaped)) if name == ESCAPED => escaped,
            (Some(_), _) => return self.take_ours(name, data, each),
        };
        self.hand(
            Incoming::Event {
                event: Cow::Borrowed(name),
                from: Cow::Borrowed(from.as_deref().unwrap_or_default()),
                data,
            },
            each,
        );
        Ok(())
    }

    /// The server's own word.
    fn take_ours(
        &mut self,
        name: &str,
        data: &str,
        each: &mut impl FnMut(Incoming<'_>),
    ) -> Result<(), ClientError> {
        if name == WELCOME {
            return Ok(());
        }
        let told = Incoming::parse(data.as_bytes())
            .map_err(|error| ClientError::Protocol(error.to_string()))?;
        match told {
            Incoming::Error { code, message } if name == GOODBYE => {
                self.goodbye = Some((status(&code), message.into_owned()));
            }
            told => self.hand(told, each),
        }
        Ok(())
    }

    fn take_ack(
        &mut self,
        ack: u64,
        payload: &str,
        each: &mut impl FnMut(Incoming<'_>),
    ) -> Result<(), ClientError> {
        let place = self.asked.iter().position(|(asked, _)| *asked == ack);
        let Some((_, id)) = place.and_then(|place| self.asked.remove(place)) else {
            return Err(ClientError::Protocol(format!(
                "an answer to {ack}, which was not asked"
            )));
        };
        let strange = || strange(payload.as_bytes());
        let answer: Answer<'_> = serde_json::from_str(payload).map_err(|_| strange())?;
        let message = if answer.is_error {
            Incoming::parse(answer.data.get().as_bytes()).map_err(|_| strange())?
        } else {
            Incoming::Reply {
                id,
                data: answer.data.get(),
            }
        };
        self.hand(message, each);
        Ok(())
    }

    /// Hands over what the server refused beside the session.
    pub(super) fn hand_refusal(
        &mut self,
        refusal: Incoming<'_>,
        each: &mut impl FnMut(Incoming<'_>),
    ) {
        self.hand(refusal, each);
    }

    fn hand(&mut self, message: Incoming<'_>, each: &mut impl FnMut(Incoming<'_>)) {
        // A reply is an ack, which nothing brings back after a cut.
        self.received += match &message {
            Incoming::Reply { .. } => 0,
            message => message.counts(),
        };
        if let Incoming::Event { data, .. } | Incoming::Reply { data, .. } = &message {
            self.payload_down += data.len() as u64;
        }
        self.handed += 1;
        each(message);
    }
}

/// What waits for nothing keeps at most this many bytes.
const KEPT: usize = 64 << 10;

/// The engine's close, or the namespace's, without a word why.
pub(super) fn closed() -> ClientError {
    ClientError::Closed {
        code: NO_CLOSE,
        reason: String::new(),
    }
}

fn strange(packet: &[u8]) -> ClientError {
    let shown = String::from_utf8_lossy(&packet[..packet.len().min(100)]);
    ClientError::Protocol(format!("`{shown}` is no packet that was to come"))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn entered(resume: Option<Ticket>) -> Account {
        let mut account = Account::new(resume);
        account.make_ready();
        account
            .take(br#"40{"sid":"s","token":"t","resumed":true}"#, &mut |_| {})
            .unwrap();
        account
    }

    fn told(account: &mut Account, packet: &str) -> String {
        let mut told = String::new();
        account
            .take(packet.as_bytes(), &mut |message| {
                told = format!("{message:?}");
            })
            .unwrap();
        told
    }

    #[test]
    fn packets_become_messages_and_move_the_cursor() {
        let ticket = Ticket {
            token: "t".into(),
            received: 5,
        };
        let mut account = entered(Some(ticket));
        assert!(told(&mut account, r#"42["a\"b",[1 ],"f"]"#).contains(r#"data: "[1 ]""#));
        assert!(
            told(&mut account, r#"42["pushlab:event",1,"f","connect"]"#).contains("\"connect\"")
        );
        assert!(told(&mut account, r#"42["pushlab:gap",{"op":"gap","missed":3}]"#).contains("Gap"));
        assert!(
            told(
                &mut account,
                r#"42["pushlab:error",{"op":"error","code":"c","message":"m"}]"#
            )
            .contains("Error")
        );
        account.send(&Command::Request { id: 9, data: "1" });
        assert_eq!(
            told(&mut account, "430[ 1e400 ]"),
            r#"Reply { id: 9, data: "1e400" }"#
        );
        assert_eq!(account.ticket().received, 10);
        assert!(
            account.take(b"430[1]", &mut |_| {}).is_err(),
            "answered already"
        );
    }

    #[test]
    fn a_goodbye_says_why() {
        let mut account = entered(None);
        let goodbye = r#"42["pushlab:disconnect",{"op":"error","code":"gone","message":"m"}]"#;
        assert_eq!(told(&mut account, goodbye), "");
        let error = account.take(b"41", &mut |_| {}).unwrap_err();
        assert!(matches!(error, ClientError::Refused { status: 410, .. }));
        let error = account.take(b"1", &mut |_| {}).unwrap_err();
        assert!(matches!(error, ClientError::Closed { .. }));
    }

    #[test]
    fn payloads_hold_what_the_server_takes() {
        let mut account = entered(None);
        account.enter(20);
        for _ in 0..3 {
            account.queue(|out| out.extend_from_slice(b"12345678"));
        }
        let mut sent = Vec::new();
        while account.has_packets() {
            let (length, before) = (account.payload_length(), sent.len());
            account.take_payload(&mut sent);
            assert_eq!(sent.len() - before, length);
            sent.push(b'|');
        }
        assert_eq!(sent, b"40\x1e12345678\x1e12345678|12345678|");
    }
}
