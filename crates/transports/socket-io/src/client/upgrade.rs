//! From polls to a WebSocket, and nothing lost: the probe goes over the WebSocket while polls go on; then nothing more is begun over HTTP, what
//! is under way is waited for, and the upgrade is declared. From then on the WebSocket carries everything.

use std::fmt;
use std::pin::Pin;
use std::task::{Context, Poll};

use transport::websocket::{Messages, Next};
use transport::{ClientError, Incoming, Target, Traffic};

use super::account::Account;
use super::polling::Polled;
use super::{handshake, websocket_target};

/// An upgrade under way.
pub(super) struct Upgrade {
    polled: Polled,
    phase: Phase,
}

enum Phase {
    Dialing(Pin<Box<dyn Future<Output = Result<Messages, ClientError>>>>),
    /// The probe is under way.
    Probing(Messages),
    /// The probe was answered; what is under way over HTTP is waited for.
    Pausing(Messages),
    /// The upgrade is declared.
    Done(Messages),
    /// Between two of them, within one call.
    Changing,
}

impl Upgrade {
    pub(super) fn new(polled: Polled, target: &Target, base: &str, name: &'static str) -> Self {
        let target = websocket_target(target, base);
        let query = format!("EIO=4&transport=websocket&sid={}", polled.sid());
        let dialing = Box::pin(async move {
            let handshake = handshake(name, &query);
            let messages = Messages::connect(&target, &handshake).await?;
            Ok(messages.with_binary())
        });
        Self {
            polled,
            phase: Phase::Dialing(dialing),
        }
    }

    pub(super) fn is_done(&self) -> bool {
        matches!(self.phase, Phase::Done(_))
    }

    /// The WebSocket, and what went over HTTP.
    pub(super) fn finish(self) -> (Option<Messages>, Traffic) {
        let traffic = self.polled.traffic();
        match self.phase {
            Phase::Done(messages) => (Some(messages), traffic),
            _ => (None, traffic),
        }
    }

    pub(super) fn traffic(&self) -> Traffic {
        self.polled.traffic()
    }

    /// Goes on with both; ready when something has come or the next phase has begun.
    pub(super) fn poll(
        &mut self,
        cx: &mut Context<'_>,
        account: &mut Account,
        each: &mut impl FnMut(Incoming<'_>),
    ) -> Poll<Result<(), ClientError>> {
        // With a WebSocket there, a poll would be answered with a noop at once, and what is queued may as well wait for it.
        let is_dialing = matches!(self.phase, Phase::Dialing(_));
        let _ = self.polled.poll_posts(cx, account, is_dialing, each)?;
        if is_dialing {
            self.polled.begin_poll();
        }
        let answered = self.polled.poll_answer(cx, account, each);
        if let Poll::Ready(Err(error)) = answered {
            return Poll::Ready(Err(error));
        }
        let (phase, changed) = match std::mem::replace(&mut self.phase, Phase::Changing) {
            Phase::Dialing(mut dialing) => match dialing.as_mut().poll(cx) {
                Poll::Ready(messages) => {
                    let mut messages = messages?;
                    messages.queue_text(b"2probe");
                    (Phase::Probing(messages), true)
                }
                Poll::Pending => (Phase::Dialing(dialing), false),
            },
            Phase::Probing(mut messages) => {
                let mut is_answered = false;
                let polled = messages.poll(cx, &mut |message| {
                    is_answered = message.bytes() == b"3probe";
                    Ok(Next::Stop)
                });
                match polled {
                    Poll::Ready(ended) => {
                        ended?;
                        if !is_answered {
                            let what = "something else than the answer to a probe".into();
                            return Poll::Ready(Err(ClientError::Protocol(what)));
                        }
                        (Phase::Pausing(messages), true)
                    }
                    Poll::Pending => (Phase::Probing(messages), false),
                }
            }
            Phase::Pausing(mut messages) if self.polled.is_idle() => {
                messages.queue_text(b"5");
                (Phase::Done(messages), true)
            }
            other => (other, false),
        };
        self.phase = phase;
        if changed || answered.is_ready() {
            return Poll::Ready(Ok(()));
        }
        Poll::Pending
    }
}

impl fmt::Debug for Upgrade {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Upgrade")
            .field("polled", &self.polled)
            .finish_non_exhaustive()
    }
}
