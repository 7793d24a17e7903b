//! The native client: Engine.IO v4 and Socket.IO v5 for a load generator.
//!
//! | module | concern |
//! | --- | --- |
//! | `account` | the session: packets in, commands out, the cursor |
//! | `words` | what is said in packets |
//! | `polling` | polls and POSTs |
//! | `upgrade` | from polls to a WebSocket, and nothing lost |

mod account;
mod polling;
mod upgrade;
mod words;

use std::future::poll_fn;
use std::task::{Context, Poll};

use transport::push::goodbye;
use transport::websocket::{Handshake, Messages, Next};
use transport::{Client, ClientError, Command, Incoming, Target, Ticket, Traffic, Welcome};

use crate::Wires;
use account::{Account, Said};
use polling::Polled;
use upgrade::Upgrade;

/// A session over Socket.IO.
#[derive(Debug)]
pub struct SocketIoClient {
    wire: Wire,
    account: Account,
}

/// What carries it now.
#[derive(Debug)]
enum Wire {
    Polling(Box<Polled>),
    /// Polls that have ended, and a WebSocket that hasn't begun.
    Upgrading(Box<Upgrade>),
    WebSocket {
        messages: Box<Messages>,
        /// What went over the polls before.
        before: Traffic,
    },
    /// Between two of them, within one call.
    Changing,
}

impl SocketIoClient {
    /// Opens a connection, enters `/` and waits for its answer; then, where that is asked for, upgrades.
    pub(crate) async fn connect(
        target: &Target,
        name: &'static str,
        wires: Wires,
    ) -> Result<Self, ClientError> {
        let base = base(&target.url, name)?;
        let target = &Target {
            url: format!("http://{base}"),
            ..target.clone()
        };
        let mut account = Account::new(target.resume.clone());
        let wire = if wires == Wires::WebSocket {
            let handshake = handshake(name, QUERY);
            let target = websocket_target(target, &base);
            let messages = Messages::connect(&target, &handshake).await?;
            Wire::WebSocket {
                messages: Box::new(messages.with_binary()),
                before: Traffic::default(),
            }
        } else {
            let polled = Polled::open(target, name).await?;
            account.enter(polled.most());
            if wires == Wires::Both {
                Wire::Upgrading(Box::new(Upgrade::new(polled, target, &base, name)))
            } else {
                Wire::Polling(Box::new(polled))
            }
        };
        let mut client = Self { wire, account };
        poll_fn(|cx| {
            loop {
                if client.account.is_welcome() && !client.is_upgrading() {
                    return Poll::Ready(Ok(()));
                }
                match client.poll_wire(cx, &mut |_| {}) {
                    Poll::Ready(Ok(())) => {}
                    Poll::Ready(Err(error)) => return Poll::Ready(Err(error)),
                    Poll::Pending => return Poll::Pending,
                }
            }
        })
        .await?;
        client.account.make_ready();
        Ok(client)
    }

    fn is_upgrading(&self) -> bool {
        matches!(self.wire, Wire::Upgrading(_))
    }

    /// Writes, reads, and hands messages over; ready when something has come, a message or not.
    fn poll_wire(
        &mut self,
        cx: &mut Context<'_>,
        each: &mut impl FnMut(Incoming<'_>),
    ) -> Poll<Result<(), ClientError>> {
        let account = &mut self.account;
        let polled = match &mut self.wire {
            Wire::Polling(polled) => polled.poll(cx, account, each),
            Wire::Upgrading(upgrade) => upgrade.poll(cx, account, each),
            Wire::WebSocket { messages, .. } => {
                return poll_messages(messages, cx, account, each);
            }
            Wire::Changing => Poll::Pending,
        };
        if let Wire::Upgrading(upgrade) = &self.wire
            && upgrade.is_done()
            && let Wire::Upgrading(upgrade) = std::mem::replace(&mut self.wire, Wire::Changing)
        {
            let (messages, before) = upgrade.finish();
            self.wire = match messages {
                Some(messages) => Wire::WebSocket {
                    messages: Box::new(messages),
                    before,
                },
                None => Wire::Changing,
            };
            cx.waker().wake_by_ref();
        }
        polled
    }
}

impl Client for SocketIoClient {
    fn welcome(&self) -> &Welcome {
        self.account.welcome()
    }

    fn send(&mut self, command: &Command<'_>) {
        self.account.send(command);
    }

    fn poll(
        &mut self,
        cx: &mut Context<'_>,
        each: &mut impl FnMut(Incoming<'_>),
    ) -> Poll<Result<(), ClientError>> {
        let before = self.account.handed();
        self.account.hand_early(each)?;
        if self.account.handed() > before {
            return Poll::Ready(Ok(()));
        }
        loop {
            match self.poll_wire(cx, each) {
                // Only a ping, or nothing at all.
                Poll::Ready(Ok(())) if self.account.handed() == before => {}
                polled => return polled,
            }
        }
    }

    fn traffic(&self) -> Traffic {
        let wire = match &self.wire {
            Wire::Polling(polled) => polled.traffic(),
            Wire::Upgrading(upgrade) => upgrade.traffic(),
            Wire::WebSocket { messages, before } => messages.traffic() + *before,
            Wire::Changing => Traffic::default(),
        };
        self.account.traffic(wire)
    }

    fn ticket(&self) -> Ticket {
        self.account.ticket()
    }

    /// Leaves the namespace, which ends the session for good, then closes as Engine.IO does.
    async fn close(mut self) -> Result<(), ClientError> {
        self.account.leave(matches!(self.wire, Wire::Polling(_)));
        let Self { wire, mut account } = self;
        match wire {
            Wire::Polling(mut polled) => {
                let posted = poll_fn(|cx| polled.poll_posted(cx, &mut account));
                goodbye(posted).await
            }
            Wire::WebSocket { mut messages, .. } => {
                flush(&mut messages, &mut account);
                match messages.close("").await {
                    // The server may be the first: it has been told that the namespace is left.
                    Err(ClientError::Closed { .. }) => Ok(()),
                    closed => closed,
                }
            }
            Wire::Upgrading(_) | Wire::Changing => Ok(()),
        }
    }
}

/// Writes what is queued, reads and hands over; ready when something has come.
fn poll_messages(
    messages: &mut Messages,
    cx: &mut Context<'_>,
    account: &mut Account,
    each: &mut impl FnMut(Incoming<'_>),
) -> Poll<Result<(), ClientError>> {
    flush(messages, account);
    let polled = messages.poll(cx, &mut |message| {
        if let Said::Open(open) = account.take(message.bytes(), each)? {
            account.enter(open.most());
        }
        Ok(Next::Handed)
    });
    // What was read may have been answered.
    if account.has_packets() && polled.is_ready() {
        cx.waker().wake_by_ref();
    }
    polled.map_err(|error| account.why(error))
}

/// Queues each packet as a message.
fn flush(messages: &mut Messages, account: &mut Account) {
    account.take_packets(usize::MAX, |packet| messages.queue_text(packet));
}

/// The query of a session's first request.
const QUERY: &str = "EIO=4&transport=websocket";

fn handshake<'a>(transport: &'static str, query: &'a str) -> Handshake<'a> {
    Handshake {
        transport,
        query: Some(query),
        bearer: None,
        subprotocol: None,
    }
}

fn websocket_target(target: &Target, base: &str) -> Target {
    Target {
        url: format!("ws://{base}/socket.io/"),
        ..target.clone()
    }
}

/// `host:port` of a target's URL.
fn base(url: &str, transport: &'static str) -> Result<String, ClientError> {
    let rest = url.strip_prefix("http://").unwrap_or_default();
    let rest = rest.trim_end_matches('/');
    let base = rest.strip_suffix("/socket.io").unwrap_or(rest);
    if base.is_empty() || base.contains(['/', '?', '#', '@']) {
        return Err(ClientError::Target {
            url: url.to_owned(),
            transport,
            reason: "its targets look like http://host:port",
        });
    }
    Ok(base.to_owned())
}
