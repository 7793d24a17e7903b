//! The connections of one worker thread: accepted, counted, drained.

use std::cell::RefCell;
use std::io;
use std::rc::Rc;
use std::sync::Arc;
use std::time::Duration;

use hub::Door;
use slab::Slab;
use socket2::{SockRef, TcpKeepalive};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::Notify;
use tokio::task::spawn_local;
use tokio::time::timeout;
use transport::listener::{TOO_MANY, accept};
use transport::push::{self, Connection, Note};
use transport::{Config, Permit, Server};

use crate::connection::Intake;
use crate::lines::LineFraming;

/// The sending side of a connection.
pub(crate) type Conn = push::Conn<LineFraming>;

/// How often TCP asks a silent peer before it counts as dead; `TCP_USER_TIMEOUT` decides when.
const PROBES: u32 = 3;
/// How long a connection too many is given to take its refusal.
const REFUSAL: Duration = Duration::from_secs(1);

/// Serves lines on a worker thread until a drain is over.
///
/// # Errors
/// The listener failed for good.
pub(crate) async fn serve(server: Server) -> io::Result<()> {
    keep_alive(&server.listener, &server.config)?;
    let site = Rc::new(Site {
        door: server.door.clone(),
        config: Arc::clone(&server.config),
        open: RefCell::default(),
        none: Notify::new(),
    });
    let accepted = accept(
        &server,
        |stream, permit| site.open(stream, permit),
        |stream| {
            spawn_local(refuse(stream));
        },
    )
    .await;
    // Each connection was told of the drain by the hub, and closes.
    let grace = server.config.drain_grace;
    drop(server);
    if timeout(grace, site.none()).await.is_err() {
        site.cut_all();
    }
    accepted
}

struct Site {
    door: Door,
    config: Arc<Config>,
    open: RefCell<Slab<Arc<Conn>>>,
    none: Notify,
}

/// A connection's place on its site and in the server's count.
pub(crate) struct Place {
    site: Rc<Site>,
    key: usize,
    _permit: Permit,
}

impl Site {
    /// Serves a connection in a task of its own.
    fn open(self: &Rc<Self>, stream: TcpStream, permit: Permit) {
        let (reading, writing) = stream.into_split();
        let conn = Arc::new(Conn::new(writing, self.config.batching));
        let key = self.open.borrow_mut().insert(Arc::clone(&conn));
        let place = Place {
            site: Rc::clone(self),
            key,
            _permit: permit,
        };
        let intake = Intake::new(&conn, &self.door, self.config.max_message, place);
        spawn_local(Connection::new(reading, conn, intake));
    }

    /// Waits until no connection is open.
    async fn none(&self) {
        while !self.open.borrow().is_empty() {
            self.none.notified().await;
        }
    }

    fn cut_all(&self) {
        for (_, conn) in &*self.open.borrow() {
            conn.note(Note::Cut);
        }
    }
}

impl Drop for Place {
    fn drop(&mut self) {
        let mut open = self.site.open.borrow_mut();
        open.remove(self.key);
        if open.is_empty() {
            self.site.none.notify_one();
        }
    }
}

/// Lets TCP find dead peers. Accepted sockets inherit this from their listener, so it costs a connection nothing.
fn keep_alive(listener: &TcpListener, config: &Config) -> io::Result<()> {
    // Whole seconds, at least one, are what the probes know (tcp(7)).
    let seconds = |time: Duration| Duration::from_secs(time.as_secs_f64().ceil().max(1.0) as u64);
    let socket = SockRef::from(listener);
    let probes = TcpKeepalive::new()
        .with_time(seconds(config.ping_interval))
        .with_interval(seconds(config.ping_timeout / PROBES))
        .with_retries(PROBES);
    socket.set_tcp_keepalive(&probes)?;
    socket.set_tcp_user_timeout(Some(config.ping_interval + config.ping_timeout))
}

/// Tells one connection too many why it is refused. What it sends is read: closing with bytes unread would send a reset, which can overtake the line.
async fn refuse(mut stream: TcpStream) {
    let conversation = async {
        stream.write_all(format!("{TOO_MANY}\n").as_bytes()).await?;
        stream.shutdown().await?;
        while stream.read(&mut [0; 4096]).await? > 0 {}
        Ok::<_, io::Error>(())
    };
    // Whatever becomes of it, the connection ends here.
    let _ = timeout(REFUSAL, conversation).await;
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn accepted_sockets_inherit_how_dead_peers_are_found() {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let config = Config {
            ping_interval: Duration::from_millis(2_500),
            ping_timeout: Duration::from_secs(12),
            ..Config::default()
        };
        keep_alive(&listener, &config).unwrap();
        let _peer = TcpStream::connect(listener.local_addr().unwrap())
            .await
            .unwrap();
        let (accepted, _) = listener.accept().await.unwrap();
        let socket = SockRef::from(&accepted);
        assert!(socket.keepalive().unwrap());
        assert_eq!(socket.tcp_keepalive_time().unwrap(), Duration::from_secs(3));
        assert_eq!(
            socket.tcp_keepalive_interval().unwrap(),
            Duration::from_secs(4)
        );
        assert_eq!(
            socket.tcp_user_timeout().unwrap(),
            Some(Duration::from_millis(14_500))
        );
    }
}
