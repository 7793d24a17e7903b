//! A client of Nchan, whatever it is subscribed by.

use std::fmt::Debug;
use std::marker::PhantomData;
use std::rc::Rc;
use std::task::{Context, Poll};

use transport::http::client::{Host, Line};
use transport::{
    Capabilities, Client, ClientError, Command, Connection, Incoming, Info, Protocol, Target,
    Ticket, Traffic, Welcome,
};

use super::publisher::Publisher;
use crate::session::Session;

/// Events to all others, received by `S`.
#[derive(Debug)]
pub struct Nchan<S>(PhantomData<fn() -> S>);

/// How what is published comes.
pub trait Subscription: Debug + Sized + 'static {
    /// The protocol's name.
    const NAME: &'static str;
    /// A line that tells what it does.
    const TITLE: &'static str;

    /// Subscribes; what is published from when this returns is received.
    ///
    /// # Errors
    /// As [`Protocol::connect`].
    fn begin(target: &Target, host: &Rc<Host>) -> impl Future<Output = Result<Self, ClientError>>;

    /// Gives each event to `take_in`, which says whether it handed something on; ready when it did.
    ///
    /// # Errors
    /// As [`Client::poll`], or what `take_in` says.
    fn poll(
        &mut self,
        cx: &mut Context<'_>,
        take_in: &mut impl FnMut(&[u8]) -> Result<bool, ClientError>,
    ) -> Poll<Result<(), ClientError>>;

    /// Its line, where it is one of the host's, whose bytes are counted together.
    fn line(&self) -> Option<&Line>;

    /// Its requests, and what else isn't counted by the host.
    fn traffic(&self) -> Traffic;

    /// Ends it.
    ///
    /// # Errors
    /// The goodbye could not be said.
    fn end(self) -> impl Future<Output = Result<(), ClientError>>;
}

/// A subscription, and the way to publish.
#[derive(Debug)]
pub struct Subscriber<S> {
    subscription: S,
    publisher: Publisher,
    session: Session,
}

impl<S: Subscription> Protocol for Nchan<S> {
    const INFO: Info = Info {
        name: S::NAME,
        title: S::TITLE,
        url: Some(("http://", "")),
        options: &[],
        browser: None,
        capabilities: Capabilities {
            requests: false,
            audiences: &["others"],
            resume: false,
            pushes: true,
            pushed_replies: false,
            to_the_letter: true,
            departures: &[
                "what is published comes back to its sender as well, who passes over it",
                "each event is a request of its own: Nchan takes one message a POST",
            ],
        },
    };

    type Client = Subscriber<S>;

    async fn connect(target: &Target) -> Result<Subscriber<S>, ClientError> {
        let mut target = target.clone();
        // Nchan's clients share connections, whatever transports of the lab were told.
        target.options.connection = Connection::KeepAlive;
        let host = Host::resolve(&target, S::NAME).await?;
        Ok(Subscriber {
            subscription: S::begin(&target, &host).await?,
            publisher: Publisher::new(&host),
            session: Session::new(S::NAME),
        })
    }
}

impl<S: Subscription> Client for Subscriber<S> {
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
        self.subscription
            .poll(cx, &mut |event| session.hand_over_event(event, each))
    }

    fn traffic(&self) -> Traffic {
        let published = self.publisher.traffic(self.subscription.line());
        self.session
            .traffic(published + self.subscription.traffic())
    }

    fn ticket(&self) -> Ticket {
        self.session.ticket()
    }

    async fn close(mut self) -> Result<(), ClientError> {
        self.publisher.finish().await?;
        self.subscription.end().await
    }
}
