//! Subscribed by a WebSocket.

use std::task::{Context, Poll};

use transport::websocket::Messages;
use transport::{
    Client, ClientError, Command, Incoming, Info, Protocol, Target, Ticket, Traffic, Welcome,
};

use super::publisher::Publisher;
use super::{CAPABILITIES, CHANNEL, URL, resolve};
use crate::echo::plain;
use crate::session::{Session, poll_messages};

/// Events to all others, pushed on a WebSocket.
#[derive(Debug)]
pub struct NchanWebSocket;

impl Protocol for NchanWebSocket {
    const INFO: Info = Info {
        name: "nchan-websocket",
        title: "Nchan: published by POST, received on a WebSocket",
        url: URL,
        options: &[],
        capabilities: CAPABILITIES,
    };

    type Client = NchanWebSocketClient;

    async fn connect(target: &Target) -> Result<NchanWebSocketClient, ClientError> {
        let name = Self::INFO.name;
        let host = resolve(target, name).await?;
        let subscription = Target {
            url: format!("ws://{}/sub?channel={CHANNEL}", host.name()),
            ..target.clone()
        };
        Ok(NchanWebSocketClient {
            messages: Messages::connect(&subscription, &plain(name)).await?,
            publisher: Publisher::new(&host),
            session: Session::new(name),
        })
    }
}

/// A subscription, and the way to publish.
#[derive(Debug)]
pub struct NchanWebSocketClient {
    messages: Messages,
    publisher: Publisher,
    session: Session,
}

impl Client for NchanWebSocketClient {
    fn welcome(&self) -> &Welcome {
        self.session.welcome()
    }

    fn send(&mut self, command: &Command<'_>) {
        self.publisher.send(command, &mut self.session);
    }

    fn poll(
        &mut self,
        cx: &mut Context<'_>,
        each: &mut impl FnMut(Incoming<'_>),
    ) -> Poll<Result<(), ClientError>> {
        self.session.take_unfit()?;
        self.publisher.poll(cx)?;
        let session = &mut self.session;
        poll_messages(&mut self.messages, cx, |text| {
            session.hand_over_event(text, each)
        })
    }

    fn traffic(&self) -> Traffic {
        let wire = self.messages.traffic() + self.publisher.traffic(None);
        self.session.traffic(wire)
    }

    fn ticket(&self) -> Ticket {
        self.session.ticket()
    }

    async fn close(mut self) -> Result<(), ClientError> {
        self.publisher.finish().await?;
        self.messages.close("").await
    }
}
