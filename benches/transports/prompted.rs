//! Request-response whose clients poll when they are told to.
//!
//! In a run a client polls at an interval, and a broadcast then measures the interval: half of it on average, whatever the wire costs. Here
//! each client polls once for each publish, as soon as that has reached the mailboxes ([`poll_now`]), so that what is compared is what a
//! delivery costs by polling when the client knows that there is something. It is the best case of short polling; what the interval adds
//! is in `pushlab run broadcast`. Requests need no poll, their replies are in the response.

use std::io;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll, ready};

use tokio::sync::Notify;
use tokio::sync::futures::OwnedNotified;
use transport::http::client::{Polling, Polls, SessionClient};
use transport::{ClientError, Info, Protocol, Server, Target, Transport};

/// The transport, but for its clients' pace.
pub(super) struct RequestResponse;

impl Protocol for RequestResponse {
    const INFO: Info = request_response::RequestResponse::INFO;

    type Client = SessionClient<Polling<WhenTold>>;

    async fn connect(target: &Target) -> Result<Self::Client, ClientError> {
        SessionClient::connect(target, Self::INFO.name, |opened| {
            Polling::new(opened, WhenTold::new())
        })
        .await
    }
}

impl Transport for RequestResponse {
    async fn serve(server: Server) -> io::Result<()> {
        request_response::RequestResponse::serve(server).await
    }
}

/// Tells all clients of this thread to poll once.
pub(super) fn poll_now() {
    TOLD.with(|told| told.notify_waiters());
}

thread_local! {
    static TOLD: Arc<Notify> = Arc::default();
}

/// One poll each time the clients of its thread are told to.
pub(super) struct WhenTold(Pin<Box<OwnedNotified>>);

impl WhenTold {
    fn new() -> Self {
        Self(Box::pin(told()))
    }
}

impl Polls for WhenTold {
    fn poll_due(&mut self, cx: &mut Context<'_>) -> Poll<()> {
        ready!(self.0.as_mut().poll(cx));
        self.0.set(told());
        Poll::Ready(())
    }

    fn answered(&mut self) {}

    fn parameters(&self) -> &'static str {
        ""
    }
}

fn told() -> OwnedNotified {
    TOLD.with(Arc::clone).notified_owned()
}
