//! Subscribed by a WebSocket.

use std::rc::Rc;
use std::task::{Context, Poll};

use transport::http::client::{Host, Line};
use transport::websocket::Messages;
use transport::{ClientError, Target, Traffic};

use super::CHANNEL;
use super::subscriber::Subscription;
use crate::echo::plain;
use crate::session::next;

/// Each event is a message.
#[derive(Debug)]
pub struct WebSocket(Messages);

impl Subscription for WebSocket {
    const NAME: &'static str = "nchan-websocket";
    const TITLE: &'static str = "Nchan: published by POST, received on a WebSocket";

    async fn begin(target: &Target, host: &Rc<Host>) -> Result<Self, ClientError> {
        let subscription = Target {
            url: format!("ws://{}/sub?channel={CHANNEL}", host.name()),
            ..target.clone()
        };
        let messages = Messages::connect(&subscription, &plain(Self::NAME)).await?;
        Ok(Self(messages))
    }

    fn poll(
        &mut self,
        cx: &mut Context<'_>,
        take_in: &mut impl FnMut(&[u8]) -> Result<bool, ClientError>,
    ) -> Poll<Result<(), ClientError>> {
        self.0
            .poll(cx, &mut |message| Ok(next(take_in(message.bytes())?)))
    }

    fn line(&self) -> Option<&Line> {
        None
    }

    fn traffic(&self) -> Traffic {
        self.0.traffic()
    }

    async fn end(self) -> Result<(), ClientError> {
        self.0.close("").await
    }
}
