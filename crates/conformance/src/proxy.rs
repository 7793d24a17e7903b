//! A TCP proxy that cuts connections where a test wants them cut, and can dribble.

use std::cell::Cell;
use std::io;
use std::net::SocketAddr;
use std::rc::Rc;

use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::tcp::{ReadHalf, WriteHalf};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::watch;

/// Stands between clients and one server.
#[derive(Debug, Clone)]
pub struct Proxy {
    address: SocketAddr,
    state: Rc<State>,
}

/// Which way bytes go.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Direction {
    /// From a client to the server.
    Up,
    /// From the server to a client.
    Down,
}

/// How a connection ends.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Cut {
    /// With FIN: both ends read what was sent, then the end.
    End,
    /// With RST: what is not yet read may be lost.
    Reset,
}

#[derive(Debug)]
struct State {
    /// Bytes of one direction that may still pass, all connections together.
    left: Cell<Option<(Direction, u64, Cut)>>,
    /// Most bytes that pass at once.
    piece: Cell<usize>,
    /// How often was cut; connections of an earlier number are over.
    cuts: watch::Sender<(u64, Cut)>,
}

impl Proxy {
    /// A proxy before the server at `server`.
    pub async fn start(server: SocketAddr) -> Self {
        let listener = TcpListener::bind(("127.0.0.1", 0))
            .await
            .expect("loopback has a free port");
        let address = listener
            .local_addr()
            .expect("a bound listener has an address");
        let state = Rc::new(State {
            left: Cell::new(None),
            piece: Cell::new(usize::MAX),
            cuts: watch::Sender::new((0, Cut::End)),
        });
        let accepting = Rc::clone(&state);
        tokio::task::spawn_local(async move {
            while let Ok((client, _)) = listener.accept().await {
                let state = Rc::clone(&accepting);
                // How a proxied connection ends is seen at its ends.
                tokio::task::spawn_local(
                    async move { state.connection(client, server).await.ok() },
                );
            }
        });
        Self { address, state }
    }

    /// Where clients connect to.
    pub fn address(&self) -> SocketAddr {
        self.address
    }

    /// Cuts all connections once `bytes` more bytes have passed in `direction` and another one comes.
    pub fn cut_after(&self, direction: Direction, bytes: u64, cut: Cut) {
        self.state.left.set(Some((direction, bytes, cut)));
    }

    /// Lets everything pass again.
    pub fn heal(&self) {
        self.state.left.set(None);
    }

    /// Cuts all connections now.
    pub fn cut(&self, cut: Cut) {
        self.state.cut(cut);
    }

    /// How often was cut.
    pub fn cuts(&self) -> u64 {
        self.state.cuts.borrow().0
    }

    /// From now on at most `piece` bytes pass at once.
    pub fn dribble(&self, piece: usize) {
        self.state.piece.set(piece);
    }
}

impl State {
    async fn connection(&self, mut client: TcpStream, server: SocketAddr) -> io::Result<()> {
        let mut cuts = self.cuts.subscribe();
        let mut server = TcpStream::connect(server).await?;
        client.set_nodelay(true)?;
        server.set_nodelay(true)?;
        let (client_reads, client_writes) = client.split();
        let (server_reads, server_writes) = server.split();
        let both = async {
            tokio::try_join!(
                self.pump(client_reads, server_writes, Direction::Up),
                self.pump(server_reads, client_writes, Direction::Down),
            )
        };
        tokio::select! {
            biased;
            _ = cuts.changed() => {}
            ended = both => return ended.map(|_| ()),
        }
        if cuts.borrow().1 == Cut::Reset {
            client.set_zero_linger()?;
            server.set_zero_linger()?;
        }
        Ok(())
    }

    async fn pump(
        &self,
        mut from: ReadHalf<'_>,
        mut to: WriteHalf<'_>,
        direction: Direction,
    ) -> io::Result<()> {
        let mut buffer = vec![0; 16 << 10];
        loop {
            let most = self.piece.get().min(buffer.len());
            let read = from.read(&mut buffer[..most]).await?;
            if read == 0 {
                return to.shutdown().await;
            }
            let passing = self.spend(direction, read);
            to.write_all(&buffer[..passing]).await?;
            if passing < read {
                let cut = self.left.take().map_or(Cut::End, |(_, _, cut)| cut);
                self.cut(cut);
            } else if self.piece.get() < usize::MAX {
                tokio::task::yield_now().await;
            }
        }
    }

    /// How many of `bytes` may pass.
    fn spend(&self, direction: Direction, bytes: usize) -> usize {
        match self.left.get() {
            Some((limited, left, cut)) if limited == direction => {
                let passing = left.min(bytes as u64);
                self.left.set(Some((limited, left - passing, cut)));
                passing as usize
            }
            _ => bytes,
        }
    }

    fn cut(&self, cut: Cut) {
        self.cuts.send_modify(|cuts| *cuts = (cuts.0 + 1, cut));
    }
}
