//! The protocol of websocket-shootout (<https://github.com/hashrocket/websocket-shootout>): `{"type":"echo","payload":…}` is answered with the same;
//! `{"type":"broadcast","payload":…}` is sent to everyone as it is, its sender included, who is then told how many were sent it by a
//! `broadcastResult`.

use std::borrow::Cow;
use std::task::{Context, Poll};

use hub::wire::write_reply;
use serde::Deserialize;
use serde_json::value::RawValue;
use transport::buffers::with_gathered;
use transport::websocket::{Messages, Next};
use transport::{
    Audience, Capabilities, Client, ClientError, Command, Incoming, Info, Protocol, Target, Ticket,
    Traffic, Welcome,
};

use crate::echo::plain;
use crate::session::{Session, next, write_event};

/// Requests, and events to all others.
#[derive(Debug)]
pub struct Shootout;

impl Protocol for Shootout {
    const INFO: Info = Info {
        name: "shootout",
        title: "websocket-shootout's protocol: echo, and a broadcast to everyone",
        url: Some(("ws://", "/shootout")),
        options: &[],
        browser: None,
        capabilities: Capabilities {
            requests: true,
            audiences: &["others"],
            resume: false,
            pushes: true,
            pushed_replies: false,
            to_the_letter: true,
            departures: &[
                "a broadcast comes back to its sender as well, who passes over it; so does the number of those who were sent it",
            ],
        },
    };

    type Client = ShootoutClient;

    async fn connect(target: &Target) -> Result<ShootoutClient, ClientError> {
        Ok(ShootoutClient {
            messages: Messages::connect(target, &plain(Self::INFO.name)).await?,
            session: Session::new(Self::INFO.name),
        })
    }
}

/// A connection to such a server.
#[derive(Debug)]
pub struct ShootoutClient {
    messages: Messages,
    session: Session,
}

const ECHO: &[u8] = br#"{"type":"echo","payload":"#;
const BROADCAST: &[u8] = br#"{"type":"broadcast","payload":"#;

impl Client for ShootoutClient {
    fn welcome(&self) -> &Welcome {
        self.session.welcome()
    }

    fn send(&mut self, command: &Command<'_>) {
        with_gathered(|text| {
            match command {
                Command::Request { id, data } => {
                    text.extend_from_slice(ECHO);
                    write_reply(text, *id, data);
                }
                Command::Emit {
                    to: Audience::Others,
                    event,
                    data,
                } => {
                    text.extend_from_slice(BROADCAST);
                    write_event(text, event, &self.session.welcome().session, data);
                }
                _ => return self.session.refuse(command),
            }
            text.push(b'}');
            self.session.sent(command);
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
            Ok(match payload(message.bytes())? {
                Some(payload) => next(session.hand_over_event(payload, each)?),
                None => Next::Passed,
            })
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

/// What an echo or a broadcast carries; none in a result.
fn payload(text: &[u8]) -> Result<Option<&[u8]>, ClientError> {
    #[derive(Deserialize)]
    struct Whole<'a> {
        #[serde(borrow, rename = "type")]
        kind: Cow<'a, str>,
        #[serde(borrow)]
        payload: Option<&'a RawValue>,
    }

    // A server that passes messages on as they are is understood without looking at more than their beginning.
    for start in [BROADCAST, ECHO] {
        let rest = text.strip_prefix(start);
        if let Some(payload) = rest.and_then(|rest| rest.strip_suffix(b"}")) {
            return Ok(Some(payload));
        }
    }
    if text.starts_with(br#"{"type":"broadcastResult""#) {
        return Ok(None);
    }
    // Others may have written them anew.
    let whole: Whole<'_> =
        serde_json::from_slice(text).map_err(|error| ClientError::Protocol(error.to_string()))?;
    match (&*whole.kind, whole.payload) {
        ("echo" | "broadcast", Some(payload)) => Ok(Some(payload.get().as_bytes())),
        ("broadcastResult", _) => Ok(None),
        (kind, _) => {
            let kind: String = kind.chars().take(32).collect();
            Err(ClientError::Protocol(format!("a message of type {kind}")))
        }
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn a_message_is_understood_as_it_is_and_written_anew() {
        let read = |text: &str| {
            payload(text.as_bytes())
                .map(|payload| payload.map(|payload| String::from_utf8_lossy(payload).into_owned()))
                .map_err(|error| error.to_string())
        };
        for text in [
            r#"{"type":"echo","payload":[1,{"a":"}"}]}"#,
            r#"{"type":"broadcast","payload":[1,{"a":"}"}]}"#,
            r#"{ "payload" : [1,{"a":"}"}], "type" : "broadcast" }"#,
            r#"{"payload":[1,{"a":"}"}],"type":"echo","more":1}"#,
        ] {
            assert_eq!(read(text), Ok(Some(r#"[1,{"a":"}"}]"#.into())), "{text}");
        }
        for text in [
            r#"{"type":"broadcastResult","payload":1,"listenCount":3}"#,
            r#"{"listenCount":3,"type":"broadcastResult"}"#,
        ] {
            assert_eq!(read(text), Ok(None), "{text}");
        }
        for text in ["", "[]", r#"{"type":"x"}"#, r#"{"type":"echo"}"#] {
            assert!(read(text).is_err(), "{text}");
        }
    }

    proptest! {
        #[test]
        fn nothing_that_comes_is_harmful(text in any::<Vec<u8>>()) {
            let _ = payload(&text);
        }
    }
}
