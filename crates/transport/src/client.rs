//! The client's side of a transport.

use std::io;
use std::net::IpAddr;
use std::task::{Context, Poll};
use std::time::Duration;

use hub::Door;
use hub::wire::{Command, Incoming, Welcome};

/// A session as its client sees it.
///
/// All I/O of a client happens within [`poll`](Client::poll), so one task owns it and nothing is locked.
pub trait Client: 'static {
    /// The session's id and token, and whether it was resumed.
    fn welcome(&self) -> &Welcome;

    /// Queues a command for the next [`poll`](Client::poll). Commands queued together may share a write or a request; their order is kept.
    fn send(&mut self, command: &Command<'_>);

    /// Writes what is queued, reads what has come and hands each message to `each`, in order.
    ///
    /// `Ready(Ok(()))`: at least one message was handed over; poll again. `Pending`: nothing more to do now, the waker is registered.
    ///
    /// # Errors
    /// The connection or session has ended; the client is of no further use but for [`ticket`](Client::ticket).
    fn poll(
        &mut self,
        cx: &mut Context<'_>,
        each: &mut impl FnMut(Incoming<'_>),
    ) -> Poll<Result<(), ClientError>>;

    /// What went over the wire so far. It may cost a system call for each open connection.
    fn traffic(&self) -> Traffic;

    /// What another connection needs to continue this session.
    fn ticket(&self) -> Ticket;

    /// Says goodbye as the transport does and ends the connection. (Dropping a client cuts it without a word.)
    ///
    /// # Errors
    /// The goodbye could not be said.
    fn close(self) -> impl Future<Output = Result<(), ClientError>>;
}

/// Where to connect to, and how.
#[derive(Debug, Clone)]
pub struct Target {
    /// The server's URL as its ready line gives it.
    pub url: String,
    /// The hub itself, for the transport without a network.
    pub door: Option<Door>,
    /// The settings of a client.
    pub options: ClientOptions,
    /// The session to continue.
    pub resume: Option<Ticket>,
    /// The local address to connect from, without a port: more than about 7,000 connections to one server want several.
    pub source: Option<IpAddr>,
}

/// The settings of a client; each transport executes those named in its [`Info::options`](crate::Info::options).
#[derive(Debug, Clone)]
pub struct ClientOptions {
    /// Whether a connection serves many requests. Default: keep-alive.
    pub connection: Connection,
    /// Short polling: how often. Default 50 ms.
    pub poll_interval: Duration,
    /// Short polling: from what the interval counts. Default: fixed rate.
    pub poll_pacing: PollPacing,
    /// Short polling: whether to poll at all. Replies don't need it, being in the response to their request. Default true.
    pub polls: bool,
    /// Long polling: how long a poll asks to be held. Default 25 s.
    pub hold: Duration,
    /// Long polling: whether a poll tells what was received, so that what came since is in its answer. Without, the server forgets at each poll what
    /// came before it (`after=now`), and whatever was published between two polls is lost without a word; only until something has come for the first time
    /// does a poll still ask for all. Replies are messages like any other. A session found again with such a client's [`Ticket`] has lost its messages. Default true.
    pub cursor: bool,
    /// How many requests with commands may be under way at once; more than 1 gives up the order of commands. Default 1.
    pub pool: usize,
    /// Most bytes of a message that is taken. Default 16 MiB.
    pub max_message: usize,
}

/// Whether a connection serves many requests.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Connection {
    /// As HTTP/1.1 does by default (RFC 9112 section 9.3).
    #[default]
    KeepAlive,
    /// A new connection for each request.
    Fresh,
}

/// From what the interval between two short polls counts.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum PollPacing {
    /// From request to request: a slow answer doesn't shift the next poll.
    #[default]
    FixedRate,
    /// From an answer to the next request, as `setTimeout` in a callback does.
    FixedDelay,
}

/// What continues a session: its secret and its cursor.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Ticket {
    /// The secret token.
    pub token: String,
    /// How many counted messages were received since the session's first welcome.
    pub received: u64,
}

/// What went over the wire, cumulative since the client was made.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Traffic {
    /// Bytes of `data` in commands sent.
    pub payload_up: u64,
    /// Bytes of `data` in messages received.
    pub payload_down: u64,
    /// Bytes written to sockets: requests, headers, frames, handshakes. Without TLS this is also what a TLS layer would be given.
    pub wire_up: u64,
    /// Bytes read from sockets.
    pub wire_down: u64,
    /// HTTP requests sent; a WebSocket's handshake is one.
    pub requests: u64,
    /// Responses to a poll that carried nothing.
    pub empty_responses: u64,
    /// TCP connections opened.
    pub connections: u64,
    /// The IP layer; none without a network, and on kernels before 4.19.
    pub ip: Option<IpTraffic>,
}

/// What the IP layer made of the streams, as the kernel counts it for each socket. Segments without data are included: SYN, ACK, FIN.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct IpTraffic {
    /// TCP segments sent, each in a packet of its own (but on a host that offloads segmentation, where it leaves the network card).
    pub segments_up: u64,
    /// TCP segments received.
    pub segments_down: u64,
    /// Of those sent, the ones that were sent again.
    pub retransmits: u64,
    /// Bytes sent, retransmitted ones and the headers of IP and TCP included.
    pub bytes_up: u64,
    /// Bytes received in the same way; what the other side sent again counts with its headers alone.
    pub bytes_down: u64,
}

/// Why a client can't go on.
#[derive(Debug, thiserror::Error)]
pub enum ClientError {
    /// No connection came about.
    #[error("no connection to {address}: {cause}")]
    Unreachable {
        /// The address.
        address: String,
        /// The cause.
        cause: io::Error,
    },
    /// The connection broke.
    #[error("the connection broke: {0}")]
    Broken(#[source] io::Error),
    /// The server ended the connection.
    #[error("the server closed the connection ({code}{}{reason})", if reason.is_empty() { "" } else { ": " })]
    Closed {
        /// The WebSocket close code, or 1006 for an end without one.
        code: u16,
        /// What the server said.
        reason: String,
    },
    /// The server refused.
    #[error("the server refused with {status}{}{message}", if message.is_empty() { "" } else { ": " })]
    Refused {
        /// The HTTP status.
        status: u16,
        /// What the server said.
        message: String,
    },
    /// The other side doesn't speak the protocol.
    #[error("not an answer of this protocol: {0}")]
    Protocol(String),
    /// The target's URL is of no use for this transport.
    #[error("`{url}` is no target for {transport}: {reason}")]
    Target {
        /// The URL.
        url: String,
        /// The transport's name.
        transport: &'static str,
        /// What would be right.
        reason: &'static str,
    },
}

impl ClientError {
    /// The refusal that a server's error message tells, with the status that HTTP has for its code, so that figures of all wires can be compared.
    pub fn told(code: &str, message: &str) -> Self {
        let status = match code {
            "unauthorized" => 401,
            "conflict" => 409,
            "gone" => 410,
            "too-large" => 413,
            "limits" => 429,
            "draining" => 503,
            // `malformed`, and whatever a server of another version may say.
            _ => 400,
        };
        Self::Refused {
            status,
            message: message.to_owned(),
        }
    }
}

impl Target {
    /// A server at `url`, with the default settings.
    pub fn new(url: impl Into<String>) -> Self {
        Self {
            url: url.into(),
            door: None,
            options: ClientOptions::default(),
            resume: None,
            source: None,
        }
    }
}

impl Default for ClientOptions {
    fn default() -> Self {
        Self {
            connection: Connection::default(),
            poll_interval: Duration::from_millis(50),
            poll_pacing: PollPacing::default(),
            polls: true,
            hold: Duration::from_secs(25),
            cursor: true,
            pool: 1,
            max_message: 16 << 20,
        }
    }
}

impl std::ops::Add for Traffic {
    type Output = Self;
    fn add(self, other: Self) -> Self {
        Self {
            payload_up: self.payload_up + other.payload_up,
            payload_down: self.payload_down + other.payload_down,
            wire_up: self.wire_up + other.wire_up,
            wire_down: self.wire_down + other.wire_down,
            requests: self.requests + other.requests,
            empty_responses: self.empty_responses + other.empty_responses,
            connections: self.connections + other.connections,
            ip: IpTraffic::sum(self.ip, other.ip),
        }
    }
}

impl std::ops::Sub for Traffic {
    type Output = Self;
    /// What came since `earlier`, an earlier reading of the same client.
    fn sub(self, earlier: Self) -> Self {
        Self {
            payload_up: self.payload_up - earlier.payload_up,
            payload_down: self.payload_down - earlier.payload_down,
            wire_up: self.wire_up - earlier.wire_up,
            wire_down: self.wire_down - earlier.wire_down,
            requests: self.requests - earlier.requests,
            empty_responses: self.empty_responses - earlier.empty_responses,
            connections: self.connections - earlier.connections,
            ip: self.ip.map(|ip| ip - earlier.ip.unwrap_or_default()),
        }
    }
}

impl IpTraffic {
    /// Both together, as far as they are known.
    pub(crate) fn sum(one: Option<Self>, other: Option<Self>) -> Option<Self> {
        match (one, other) {
            (Some(one), Some(other)) => Some(one + other),
            (one, other) => one.or(other),
        }
    }
}

impl std::ops::Add for IpTraffic {
    type Output = Self;
    fn add(self, other: Self) -> Self {
        Self {
            segments_up: self.segments_up + other.segments_up,
            segments_down: self.segments_down + other.segments_down,
            retransmits: self.retransmits + other.retransmits,
            bytes_up: self.bytes_up + other.bytes_up,
            bytes_down: self.bytes_down + other.bytes_down,
        }
    }
}

impl std::ops::Sub for IpTraffic {
    type Output = Self;
    /// What came since `earlier`.
    fn sub(self, earlier: Self) -> Self {
        Self {
            segments_up: self.segments_up - earlier.segments_up,
            segments_down: self.segments_down - earlier.segments_down,
            retransmits: self.retransmits - earlier.retransmits,
            bytes_up: self.bytes_up - earlier.bytes_up,
            bytes_down: self.bytes_down - earlier.bytes_down,
        }
    }
}

#[cfg(test)]
mod tests {
    use hub::Refused;

    use super::*;

    #[test]
    fn a_refusal_that_was_told_has_the_status_of_the_hub() {
        for refused in [
            Refused::UnknownToken,
            Refused::Gone,
            Refused::Superseded,
            Refused::Draining,
            Refused::Full,
            Refused::TooFast,
            Refused::TooManyRooms,
        ] {
            let told = ClientError::told(refused.code(), "");
            assert!(
                matches!(told, ClientError::Refused { status, .. } if status == refused.status()),
                "{refused}: {told}"
            );
        }
    }
}
