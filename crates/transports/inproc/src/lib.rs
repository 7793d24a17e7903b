//! No network: a client that calls the hub.
//!
//! It is the floor of the laboratory, what hub and harness cost by themselves, and the reference of the conformance
//! suite: whatever another transport does differently, its wire did.

use std::collections::VecDeque;

use std::io;
use std::task::{Context, Poll};

use hub::{Delivery, Refused, Session};
use transport::{
    Capabilities, Client, ClientError, Command, Incoming, Info, Protocol, Server, Target, Ticket,
    Traffic, Transport, Welcome,
};

/// The transport without a wire.
#[derive(Debug)]
pub struct InProc;

impl Protocol for InProc {
    const INFO: Info = Info {
        name: "inproc",
        title: "no network: the client calls the hub, the harness's own floor",
        url: None,
        options: &[],
        browser: None,
        capabilities: Capabilities::FULL,
    };

    type Client = InProcClient;

    async fn connect(target: &Target) -> Result<InProcClient, ClientError> {
        let Some(door) = &target.door else {
            let reason = "it has no network and lives within the program that loads it";
            return Err(ClientError::Target {
                url: target.url.clone(),
                transport: "inproc",
                reason,
            });
        };
        let session = match &target.resume {
            None => door.open(),
            Some(ticket) => match door.resume(&ticket.token, ticket.received) {
                Err(Refused::UnknownToken | Refused::Gone) => door.open(),
                resumed => resumed,
            },
        };
        let session = session.map_err(refused)?;
        let welcome = Welcome {
            session: session.id().to_string(),
            token: session.token().to_string(),
            resumed: session.resumed(),
        };
        let received = if session.resumed() {
            target.resume.as_ref().map_or(0, |ticket| ticket.received)
        } else {
            0
        };
        Ok(InProcClient {
            session,
            welcome,
            received,
            queue: VecDeque::new(),
            traffic: Traffic::default(),
        })
    }
}

impl Transport for InProc {
    /// There is nothing to serve on: clients come through the [`Target::door`]. Waits for the drain, so that a server of all transports
    /// may include this one.
    async fn serve(server: Server) -> io::Result<()> {
        server.drain.started().await;
        server.door.drain();
        Ok(())
    }
}

/// A session of this process.
#[derive(Debug)]
pub struct InProcClient {
    session: Session,
    welcome: Welcome,
    received: u64,
    /// Commands as JSON, as on every other transport: the floor includes encoding and parsing.
    queue: VecDeque<Vec<u8>>,
    traffic: Traffic,
}

impl Client for InProcClient {
    fn welcome(&self) -> &Welcome {
        &self.welcome
    }

    fn send(&mut self, command: &Command<'_>) {
        let mut text = Vec::new();
        command.write(&mut text);
        self.traffic.payload_up += payload(command);
        self.queue.push_back(text);
    }

    fn poll(
        &mut self,
        cx: &mut Context<'_>,
        each: &mut impl FnMut(Incoming<'_>),
    ) -> Poll<Result<(), ClientError>> {
        let mut answered = false;
        if !self.queue.is_empty() {
            let texts: Vec<Vec<u8>> = self.queue.drain(..).collect();
            let mut commands = Vec::with_capacity(texts.len());
            for text in &texts {
                match Command::parse(text) {
                    Ok(command) => commands.push(command),
                    Err(malformed) => {
                        let message = malformed.to_string().into();
                        each(Incoming::Error {
                            code: "malformed".into(),
                            message,
                        });
                        answered = true;
                    }
                }
            }
            match self.session.apply(&commands) {
                Ok(()) => {}
                Err(error @ (Refused::TooFast | Refused::TooManyRooms)) => {
                    each(Incoming::Error {
                        code: error.code().into(),
                        message: error.to_string().into(),
                    });
                    answered = true;
                }
                Err(error) => return Poll::Ready(Err(refused(error))),
            }
        }
        let (received, traffic) = (&mut self.received, &mut self.traffic);
        let polled = self.session.poll_next(cx, &mut |delivery| {
            let mut hand_over = |message: Incoming<'_>| {
                *received += message.counts();
                if let Incoming::Event { data, .. } | Incoming::Reply { data, .. } = &message {
                    traffic.payload_down += data.len() as u64;
                }
                each(message);
            };
            match delivery {
                Delivery::Gap(missed) => hand_over(Incoming::Gap { missed }),
                // What this process encoded, it can parse.
                Delivery::Event(event) => {
                    if let Ok(message) = Incoming::parse(event.json()) {
                        hand_over(message);
                    }
                }
            }
        });
        if answered && polled.is_pending() {
            return Poll::Ready(Ok(()));
        }
        polled.map_err(refused)
    }

    fn traffic(&self) -> Traffic {
        self.traffic
    }

    fn ticket(&self) -> Ticket {
        Ticket {
            token: self.welcome.token.clone(),
            received: self.received,
        }
    }

    async fn close(self) -> Result<(), ClientError> {
        self.session.close();
        Ok(())
    }
}

fn payload(command: &Command<'_>) -> u64 {
    match command {
        Command::Emit { data, .. } | Command::Request { data, .. } => data.len() as u64,
        _ => 0,
    }
}

fn refused(refused: Refused) -> ClientError {
    match refused {
        Refused::Superseded | Refused::Gone | Refused::Draining => ClientError::Closed {
            code: refused.close_code(),
            reason: refused.to_string(),
        },
        _ => ClientError::Refused {
            status: refused.status(),
            message: refused.to_string(),
        },
    }
}
