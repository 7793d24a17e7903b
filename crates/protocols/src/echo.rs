//! A WebSocket that sends each text message back, to the letter.

use std::task::{Context, Poll};

use transport::buffers::with_gathered;
use transport::websocket::{Handshake, Messages};
use transport::{
    Capabilities, Client, ClientError, Command, Incoming, Info, Protocol, Target, Ticket, Traffic,
    Welcome,
};

use crate::session::{Session, next};

/// Requests, each of which comes back as it went.
#[derive(Debug)]
pub struct Echo;

impl Protocol for Echo {
    const INFO: Info = Info {
        name: "echo",
        title: "a WebSocket that sends each text message back as it is",
        url: Some(("ws://", "/echo")),
        options: &[],
        browser: None,
        capabilities: Capabilities {
            requests: true,
            audiences: &[],
            resume: false,
            pushes: true,
            pushed_replies: false,
            to_the_letter: true,
            departures: &[],
        },
    };

    type Client = EchoClient;

    async fn connect(target: &Target) -> Result<EchoClient, ClientError> {
        Ok(EchoClient {
            messages: Messages::connect(target, &plain(Self::INFO.name)).await?,
            session: Session::new(Self::INFO.name),
        })
    }
}

/// A handshake that asks for nothing.
pub(crate) fn plain(transport: &'static str) -> Handshake<'static> {
    Handshake {
        transport,
        query: None,
        bearer: None,
        subprotocol: None,
    }
}

/// A connection to such a server.
#[derive(Debug)]
pub struct EchoClient {
    messages: Messages,
    session: Session,
}

impl Client for EchoClient {
    fn welcome(&self) -> &Welcome {
        self.session.welcome()
    }

    fn send(&mut self, command: &Command<'_>) {
        let Command::Request { .. } = command else {
            return self.session.refuse(command);
        };
        self.session.sent(command);
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
        self.session.take_unfit()?;
        let session = &mut self.session;
        self.messages.poll(cx, &mut |message| {
            let Some((id, data)) = request(message.bytes()) else {
                return Err(ClientError::Protocol("not what was sent came back".into()));
            };
            Ok(next(session.hand_over(Incoming::Reply { id, data }, each)))
        })
    }

    fn traffic(&self) -> Traffic {
        self.session.traffic(self.messages.traffic())
    }

    fn ticket(&self) -> Ticket {
        self.session.ticket()
    }

    async fn close(self) -> Result<(), ClientError> {
        self.messages.close("").await
    }
}

/// Id and data of a request as it was written.
fn request(text: &[u8]) -> Option<(u64, &str)> {
    let rest = text.strip_prefix(br#"{"op":"request","id":"#)?;
    let digits = rest.iter().position(|byte| *byte == b',')?;
    let (id, rest) = rest.split_at(digits);
    let data = rest.strip_prefix(br#","data":"#)?.strip_suffix(b"}")?;
    let id = str::from_utf8(id).ok()?.parse().ok()?;
    Some((id, str::from_utf8(data).ok()?))
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    proptest! {
        #[test]
        fn what_comes_back_is_what_went(id in any::<u64>(), data in any::<String>()) {
            let data = serde_json::to_string(&data).unwrap();
            let mut text = Vec::new();
            Command::Request { id, data: &data }.write(&mut text);
            prop_assert_eq!(request(&text), Some((id, data.as_str())));
            text.pop();
            prop_assert_eq!(request(&text), None);
        }

        #[test]
        fn nothing_that_comes_is_harmful(text in any::<Vec<u8>>()) {
            let _ = request(&text);
        }
    }
}
