//! A server in its thread, and the event loop of its clients.

use std::io;
use std::marker::PhantomData;
use std::net::{SocketAddr, TcpListener as StdListener};
use std::sync::Arc;
use std::thread::{self, JoinHandle};
use std::time::Duration;

use hub::{Door, Limits};
use tokio::net::TcpListener;
use tokio::runtime::{Builder, LocalOptions, LocalRuntime};
use transport::{Common, Config, Drain, DrainHandle, Server, Target, Transport, listener};

/// A server of `T`, and where its clients live.
///
/// The order of the fields is the order in which they go: clients that live on as tasks first, so that the server has nobody to wait for.
pub(super) struct Lab<T> {
    runtime: LocalRuntime,
    server: ServerThread,
    transport: PhantomData<fn() -> T>,
}

impl<T: Transport> Lab<T> {
    /// A server with one worker thread on a hub and a port of its own.
    pub(super) fn start() -> Self {
        Self {
            runtime: runtime(),
            server: ServerThread::start::<T>(),
            transport: PhantomData,
        }
    }

    /// Does something on the clients' event loop.
    pub(super) fn block_on<F: Future>(&self, future: F) -> F::Output {
        self.runtime.block_on(future)
    }

    /// A client with a fresh session.
    pub(super) async fn connect(&self) -> T::Client {
        let connected = T::connect(&self.server.target).await;
        connected.unwrap_or_else(|error| panic!("{}: {error}", T::INFO.name))
    }
}

struct ServerThread {
    target: Target,
    drain: DrainHandle,
    thread: Option<JoinHandle<io::Result<()>>>,
}

impl ServerThread {
    fn start<T: Transport>() -> Self {
        let any = SocketAddr::from(([127, 0, 0, 1], 0));
        let listener = listener::bind(any, 1).expect("a free port").remove(0);
        let address = listener.local_addr().expect("bound");
        let url = T::INFO.url.map_or_else(String::new, |(before, after)| {
            format!("{before}{address}{after}")
        });
        let door = Door::new(&limits(), 1).remove(0);
        let target = Target {
            door: Some(door.clone()),
            ..Target::new(url)
        };
        let (drain, drained) = DrainHandle::new();
        let name = format!("{} server", T::INFO.name);
        let thread = thread::Builder::new().name(name);
        let thread = thread.spawn(move || serve::<T>(listener, &door, drained));
        Self {
            target,
            drain,
            thread: Some(thread.expect("a thread")),
        }
    }
}

impl Drop for ServerThread {
    fn drop(&mut self) {
        self.drain.start();
        let ended = self.thread.take().map(JoinHandle::join);
        if !thread::panicking()
            && let Some(ended) = ended
        {
            let served = ended.expect("a server doesn't panic");
            served.expect("a drained server ends well");
        }
    }
}

fn serve<T: Transport>(listener: StdListener, door: &Door, drain: Drain) -> io::Result<()> {
    runtime().block_on(async {
        let server = Server {
            listener: TcpListener::from_std(listener)?,
            door: door.clone(),
            config: Arc::new(Config {
                // Nobody is left to be told.
                drain_notice: Duration::ZERO,
                ..Config::default()
            }),
            drain,
            connections: Arc::default(),
            common: Common::default(),
        };
        tokio::select! {
            ended = T::serve(server) => ended,
            () = door.run() => unreachable!("the hub's upkeep has no end"),
        }
    })
}

/// The defaults, but that no session is too fast: without a wire one could be.
fn limits() -> Limits {
    Limits {
        max_rate: u32::MAX,
        ..Limits::default()
    }
}

fn runtime() -> LocalRuntime {
    let mut builder = Builder::new_current_thread();
    let runtime = builder.enable_all().build_local(LocalOptions::default());
    runtime.expect("an event loop")
}
