//! What every Rust peer does the same way: where it listens, how it says that it is ready, when it ends, and how it reads a
//! message of the shootout protocol. It is no peer itself: it has no `peer.toml`.

pub mod shootout;

use std::env;
use std::io::{self, Read, Write};
use std::net::{IpAddr, Ipv4Addr, SocketAddr, TcpListener};

use socket2::{Domain, Socket, Type};

/// Connections that may wait to be accepted: a run opens thousands at once, and each peer is given the same room for them.
pub const BACKLOG: i32 = 4096;

/// The largest message that a peer takes, in bytes.
pub const MAX_MESSAGE: usize = 1 << 20;

/// Messages that may wait for one slow connection, as in the lab's own mailboxes.
pub const QUEUE: usize = 4096;

/// The address of `PUSHLAB_HOST` and `PUSHLAB_PORT` (by default loopback and any free port).
///
/// # Errors
/// If one of the two is no address or no port.
pub fn address() -> io::Result<SocketAddr> {
    let host: IpAddr = setting("PUSHLAB_HOST", Ipv4Addr::LOCALHOST.into())?;
    Ok(SocketAddr::new(host, setting("PUSHLAB_PORT", 0)?))
}

/// A listener on [`address`] that never blocks, with a backlog of [`BACKLOG`].
///
/// # Errors
/// If the address is wrong or taken.
pub fn listen() -> io::Result<TcpListener> {
    let address = address()?;
    let socket = Socket::new(Domain::for_address(address), Type::STREAM, None)?;
    socket.set_reuse_address(true)?;
    socket.bind(&address.into())?;
    socket.listen(BACKLOG)?;
    socket.set_nonblocking(true)?;
    Ok(socket.into())
}

/// Says where the server accepts, in one line on standard output, and from now on ends the process when standard input does:
/// its parent is gone then, however it went.
///
/// # Errors
/// If nobody reads standard output.
pub fn ready(address: SocketAddr) -> io::Result<()> {
    std::thread::spawn(|| {
        let mut stdin = io::stdin().lock();
        let mut ignored = [0; 64];
        while matches!(stdin.read(&mut ignored), Ok(1..)) {}
        std::process::exit(0);
    });
    let mut stdout = io::stdout().lock();
    writeln!(stdout, r#"{{"ready":"{address}"}}"#)?;
    stdout.flush()
}

fn setting<T: std::str::FromStr>(name: &str, default: T) -> io::Result<T> {
    let Ok(value) = env::var(name) else {
        return Ok(default);
    };
    let wrong = || {
        io::Error::new(
            io::ErrorKind::InvalidInput,
            format!("{name}={value} is wrong"),
        )
    };
    value.parse().map_err(|_| wrong())
}
