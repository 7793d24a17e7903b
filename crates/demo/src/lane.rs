//! A transport whose type is forgotten, as the demo needs it.

use std::cell::Cell;
use std::future::poll_fn;
use std::io;
use std::pin::Pin;
use std::rc::Rc;
use std::sync::Arc;
use std::time::Duration;

use tokio::sync::{Notify, oneshot};
use tokio::time::timeout;
use transport::{Client, ClientError, Command, Info, Protocol, Server, Target, Transport};

/// A future that stays on its thread.
pub type Local<'a, T> = Pin<Box<dyn Future<Output = T> + 'a>>;

/// A transport that pages can use.
#[derive(Clone, Copy, Debug)]
pub struct Lane {
    /// What it is.
    pub info: Info,
    /// Its server.
    pub serve: fn(Server) -> Local<'static, io::Result<()>>,
    /// A native client, which joins a room and hears what there is until it is told to stop.
    pub neighbour: fn(Neighbour) -> Local<'static, Result<(), ClientError>>,
}

impl Lane {
    /// That of a transport.
    pub const fn of<T: Transport>() -> Self {
        Self {
            info: T::INFO,
            serve: |server| Box::pin(T::serve(server)),
            neighbour: |neighbour| Box::pin(neighbour.live::<T>()),
        }
    }
}

/// What a native client is told.
#[derive(Debug)]
pub struct Neighbour {
    /// Its server.
    pub target: Target,
    /// The room that it joins.
    pub room: &'static str,
    /// Those that are connected, itself among them while it is.
    pub connected: Rc<Crowd>,
    /// Ready, or without its other end, when it shall go.
    pub stop: oneshot::Receiver<()>,
}

impl Neighbour {
    async fn live<P: Protocol>(mut self) -> Result<(), ClientError> {
        let mut client = tokio::select! {
            connected = P::connect(&self.target) => connected?,
            _ = &mut self.stop => return Ok(()),
        };
        let _here = Here::new(self.connected);
        client.send(&Command::Join {
            room: self.room.into(),
        });
        loop {
            tokio::select! {
                heard = poll_fn(|cx| client.poll(cx, &mut |_| {})) => heard?,
                _ = &mut self.stop => break,
            }
        }
        // A server that doesn't answer finds out by itself.
        timeout(GOODBYE, client.close()).await.unwrap_or(Ok(()))
    }
}

/// How long a goodbye may take.
const GOODBYE: Duration = Duration::from_secs(1);

/// Native clients that are connected.
#[derive(Debug)]
pub struct Crowd {
    count: Cell<usize>,
    /// Told when one has come or gone.
    changed: Arc<Notify>,
}

/// Counted while it lives.
struct Here(Rc<Crowd>);

impl Crowd {
    /// None yet; `changed` is told when one has come or gone.
    pub fn new(changed: Arc<Notify>) -> Self {
        Self {
            count: Cell::new(0),
            changed,
        }
    }

    /// How many they are.
    pub fn count(&self) -> usize {
        self.count.get()
    }

    fn set(&self, count: usize) {
        self.count.set(count);
        self.changed.notify_one();
    }
}

impl Here {
    fn new(crowd: Rc<Crowd>) -> Self {
        crowd.set(crowd.count() + 1);
        Self(crowd)
    }
}

impl Drop for Here {
    fn drop(&mut self) {
        self.0.set(self.0.count().saturating_sub(1));
    }
}
