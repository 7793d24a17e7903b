//! The native client: one connection, driven by whoever polls it.

use std::future::poll_fn;
use std::task::{Context, Poll};

use hub::wire::{Command, Incoming, SUBPROTOCOL, Welcome};
use transport::buffers::with_gathered;
use transport::push::{Account, welcome};
use transport::repeated::parse;
use transport::websocket::{Handshake, Messages, Next};
use transport::{Client, ClientError, Target, Ticket, Traffic};

use crate::connection::FAREWELL;

/// A session over a WebSocket.
#[derive(Debug)]
pub struct WebSocketClient {
    messages: Messages,
    account: Account,
}

/// Connects, and waits for the welcome.
pub(crate) async fn connect(target: &Target) -> Result<WebSocketClient, ClientError> {
    let resume = target.resume.as_ref();
    let query = resume.map(|ticket| format!("received={}", ticket.received));
    let handshake = Handshake {
        transport: "websocket",
        query: query.as_deref(),
        bearer: resume.map(|ticket| &*ticket.token),
        subprotocol: Some(SUBPROTOCOL),
    };
    let mut messages = Messages::connect(target, &handshake).await?;
    let mut welcomed = None;
    poll_fn(|cx| {
        messages.poll(cx, &mut |message| {
            welcomed = Some(welcome(Incoming::parse(message.bytes()))?);
            // What comes behind it is for the first poll.
            Ok(Next::Stop)
        })
    })
    .await?;
    let welcome = welcomed.ok_or_else(|| ClientError::Protocol("no welcome".into()))?;
    Ok(WebSocketClient {
        messages,
        account: Account::open(welcome, resume),
    })
}

impl Client for WebSocketClient {
    fn welcome(&self) -> &Welcome {
        self.account.welcome()
    }

    fn send(&mut self, command: &Command<'_>) {
        self.account.sent(command);
        with_gathered(|text| {
            command.write(text);
            self.messages.queue_text(text);
        });
    }

    fn poll(
        &mut self,
        cx: &mut Context<'_>,
        each: &mut impl FnMut(Incoming<'_>),
    ) -> Poll<Result<(), ClientError>> {
        let account = &mut self.account;
        self.messages.poll(cx, &mut |message| {
            parse(message.bytes(), |message| {
                account.received(&message);
                each(message);
            })
            .map_err(ClientError::Protocol)?;
            Ok(Next::Handed)
        })
    }

    fn traffic(&self) -> Traffic {
        self.account.traffic(self.messages.traffic())
    }

    fn ticket(&self) -> Ticket {
        self.account.ticket()
    }

    async fn close(self) -> Result<(), ClientError> {
        self.messages.close(FAREWELL).await
    }
}
