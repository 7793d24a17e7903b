//! What comes in on a connection: packets, with the binary messages that belong to them, in order.

use bytes::Bytes;
use engineioxide::Str;
use hub::Command;
use hub::wire::write_error;

use super::commands::Commands;
use super::connection::Connection;
use super::outbox::Outgoing;
use crate::app;
use crate::native::{self, OURS};
use crate::packet::{Kind, Malformed, Packet, begin, is_reserved};

/// What came and hasn't been dealt with, and how far its connection is.
#[derive(Debug, Default)]
pub(super) struct Intake {
    arrived: Vec<Item>,
    /// A packet whose attachments haven't all come.
    unfinished: Option<Unfinished>,
    is_in_root: bool,
    is_in_echo: bool,
}

#[derive(Debug)]
enum Item {
    Text(Str),
    Binary(Bytes),
}

#[derive(Debug)]
struct Unfinished {
    text: Str,
    attachments: Vec<Bytes>,
    wanted: usize,
    bytes: usize,
}

/// The client can't be understood, or says what can't be said now: the connection closes.
#[derive(Debug)]
pub(super) struct Invalid;

impl From<Malformed> for Invalid {
    fn from(_: Malformed) -> Self {
        Self
    }
}

impl Intake {
    pub(super) fn push_text(&mut self, text: Str) {
        self.arrived.push(Item::Text(text));
    }

    pub(super) fn push_binary(&mut self, bytes: Bytes) {
        self.arrived.push(Item::Binary(bytes));
    }

    pub(super) fn is_empty(&self) -> bool {
        self.arrived.is_empty()
    }

    pub(super) fn is_in_echo(&self) -> bool {
        self.is_in_echo
    }

    /// Deals with all that came; commands of `/` that come together are carried out together.
    pub(super) fn settle(
        &mut self,
        connection: &std::sync::Arc<Connection>,
    ) -> Result<(), Invalid> {
        let arrived = std::mem::take(&mut self.arrived);
        let mut commands = Commands::new(connection);
        let settled = arrived
            .iter()
            .try_for_each(|item| self.take(item, &mut commands));
        // Also those before something invalid.
        commands.carry_out();
        settled?;
        // The memory is used again.
        if self.arrived.is_empty() {
            self.arrived = arrived;
            self.arrived.clear();
            self.arrived.shrink_to(KEPT);
        }
        Ok(())
    }

    fn take<'a>(&mut self, item: &'a Item, commands: &mut Commands<'a, '_>) -> Result<(), Invalid> {
        let bytes = match item {
            Item::Text(text) => return self.take_text(text, commands),
            Item::Binary(bytes) => bytes,
        };
        let connection = commands.connection();
        if let Some(whole) = self.take_binary(bytes, connection.terms.max_message)? {
            // It doesn't outlive this turn, so neither may its commands.
            let Unfinished {
                text, attachments, ..
            } = whole;
            commands.carry_out();
            let mut alone = Commands::new(connection);
            Self::take_event(Packet::parse(&text)?, attachments, &mut alone)?;
            alone.carry_out();
        }
        Ok(())
    }

    fn take_text<'a>(
        &mut self,
        text: &'a Str,
        commands: &mut Commands<'a, '_>,
    ) -> Result<(), Invalid> {
        if self.unfinished.is_some() {
            return Err(Invalid);
        }
        let packet = Packet::parse(text)?;
        match packet.kind {
            Kind::Connect => {
                commands.carry_out();
                self.connect(packet, commands.connection())
            }
            Kind::ConnectError => Err(Invalid),
            _ if !self.is_in(packet.namespace) => Err(Invalid),
            Kind::Disconnect => {
                commands.carry_out();
                self.disconnect(packet.namespace, commands.connection());
                Ok(())
            }
            _ if packet.attachments > 0 => {
                self.unfinished = Some(Unfinished {
                    text: text.clone(),
                    attachments: Vec::with_capacity(packet.attachments),
                    wanted: packet.attachments,
                    bytes: 0,
                });
                Ok(())
            }
            _ => Self::take_event(packet, Vec::new(), commands),
        }
    }

    /// The packet that this binary message completes.
    fn take_binary(&mut self, bytes: &Bytes, most: usize) -> Result<Option<Unfinished>, Invalid> {
        let unfinished = self.unfinished.as_mut().ok_or(Invalid)?;
        unfinished.bytes += bytes.len();
        if unfinished.bytes > most {
            return Err(Invalid);
        }
        unfinished.attachments.push(bytes.clone());
        if unfinished.attachments.len() < unfinished.wanted {
            return Ok(None);
        }
        Ok(self.unfinished.take())
    }

    fn connect(
        &mut self,
        packet: Packet<'_>,
        connection: &std::sync::Arc<Connection>,
    ) -> Result<(), Invalid> {
        if self.is_in(packet.namespace) {
            return Err(Invalid);
        }
        match packet.namespace {
            "/" => self.is_in_root = connection.enter(packet.payload),
            "/echo" => {
                self.is_in_echo = true;
                // An id of this entry alone, which nothing can be sent to.
                let id = hub::SessionId::from_bytes(rand_id()?);
                connection.push(Str::from(format!(r#"0/echo,{{"sid":"{id}"}}"#)));
            }
            other => {
                let mut out = Vec::new();
                begin(&mut out, Kind::ConnectError, 0, other, None);
                out.extend_from_slice(br#"{"message":"Invalid namespace"}"#);
                connection.push(native::text(out));
            }
        }
        connection.set_inside(self.is_in_root || self.is_in_echo);
        Ok(())
    }

    fn disconnect(&mut self, namespace: &str, connection: &std::sync::Arc<Connection>) {
        if namespace == "/" {
            self.is_in_root = false;
            connection.leave();
        } else {
            self.is_in_echo = false;
        }
        connection.set_inside(self.is_in_root || self.is_in_echo);
    }

    /// An event or an answer with all that belongs to it.
    fn take_event<'a>(
        packet: Packet<'a>,
        attachments: Vec<Bytes>,
        commands: &mut Commands<'a, '_>,
    ) -> Result<(), Invalid> {
        let arguments = packet.arguments()?;
        if matches!(packet.kind, Kind::Ack | Kind::BinaryAck) {
            // This server asks for no answers, so this is one that nobody waits for.
            return Ok(());
        }
        let Some((name, arguments)) = arguments.split_first() else {
            return Err(Invalid);
        };
        let name = name.get();
        let is_number = name.parse::<f64>().is_ok();
        let text: std::borrow::Cow<'_, str> = if is_number {
            name.into()
        } else {
            // Neither a number nor a string can't be a name.
            serde_json::from_str::<String>(name)
                .map_err(|_| Invalid)?
                .into()
        };
        if is_reserved(&text) {
            return Err(Invalid);
        }
        if packet.namespace != "/" {
            commands
                .connection()
                .push(echo(packet, arguments, attachments));
            return Ok(());
        }
        if let Some(op) = text.strip_prefix(OURS) {
            if !attachments.is_empty() {
                commands.refuse(packet.id, "malformed", "commands have no binary data");
                return Ok(());
            }
            let [argument] = arguments else {
                commands.refuse(packet.id, "malformed", "a command has one argument");
                return Ok(());
            };
            let argument = argument.get();
            match Command::of(op, argument, packet.id.unwrap_or(0)) {
                Ok(command) => commands.take(command, packet.id),
                Err(malformed) => commands.refuse(packet.id, "malformed", &malformed.to_string()),
            }
            return Ok(());
        }
        commands.carry_out();
        let connection = commands.connection();
        if let Some(session) = connection.session() {
            let socket = app::Socket::new(connection, session);
            let event = app::Event::new(&text, arguments, &attachments, packet.id);
            connection.terms.app.event(&socket, &event);
        }
        Ok(())
    }

    fn is_in(&self, namespace: &str) -> bool {
        match namespace {
            "/" => self.is_in_root,
            "/echo" => self.is_in_echo,
            _ => false,
        }
    }
}

/// Places kept for what comes together.
const KEPT: usize = 64;

/// The same arguments to the letter: in an answer where one was asked for, else as the same event.
fn echo(
    packet: Packet<'_>,
    arguments: &[&serde_json::value::RawValue],
    attachments: Vec<Bytes>,
) -> Outgoing {
    let mut out = Vec::with_capacity(packet.payload.len() + 16);
    let Packet {
        kind,
        namespace,
        id,
        payload,
        ..
    } = packet;
    if id.is_some() {
        let kind = if kind == Kind::BinaryEvent {
            Kind::BinaryAck
        } else {
            Kind::Ack
        };
        begin(&mut out, kind, attachments.len(), namespace, id);
        out.push(b'[');
        for (index, argument) in arguments.iter().enumerate() {
            if index > 0 {
                out.push(b',');
            }
            out.extend_from_slice(argument.get().as_bytes());
        }
        out.push(b']');
    } else {
        begin(&mut out, kind, attachments.len(), namespace, None);
        out.extend_from_slice(payload.as_bytes());
    }
    Outgoing::new(native::text(out), attachments)
}

/// `3<id>[{"op":"error",…},"error"]`: an error is told apart from data by its second argument.
pub(super) fn refusal(id: u64, code: &str, message: &str) -> Str {
    let mut out = Vec::with_capacity(64 + message.len());
    begin(&mut out, Kind::Ack, 0, "/", Some(id));
    out.push(b'[');
    write_error(&mut out, code, message);
    out.extend_from_slice(br#","error"]"#);
    native::text(out)
}

/// Bytes from the operating system's generator.
fn rand_id() -> Result<[u8; 16], Invalid> {
    let mut bytes = [0; 16];
    getrandom::fill(&mut bytes).map_err(|_| Invalid)?;
    Ok(bytes)
}
