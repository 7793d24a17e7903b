//! Listening sockets, and the loop that accepts from them.

use std::io;
use std::net::{SocketAddr, TcpListener as StdListener};
use std::time::Duration;

use socket2::{Domain, Protocol, Socket, Type};
use tokio::net::TcpStream;
use tokio::time::sleep;

use crate::Server;
use crate::server::Permit;

/// The error for a connection too many, as JSON.
pub const TOO_MANY: &str =
    r#"{"op":"error","code":"limits","message":"too many connections; see --max-connections"}"#;
/// Connections that wait in the kernel to be accepted.
const BACKLOG: i32 = 4096;

/// `count` listeners on one address, one for each worker thread; the kernel spreads connections over them (`SO_REUSEPORT`, socket(7)).
/// With port 0 the first one's choice holds for all.
///
/// # Errors
/// The address can't be bound, for example since another process has it.
pub fn bind(address: SocketAddr, count: usize) -> io::Result<Vec<StdListener>> {
    // SO_REUSEPORT would also let us share a port with another process of this user, where "address in use" is the right answer:
    // a plain bind comes first. It doesn't listen: a client that keeps trying while a server starts again would end up there, and be cut off
    // or, should its SYN come in the moment of the end, be heard a second later.
    let plain = socket(address)?;
    plain.bind(&address.into())?;
    let bound = plain.local_addr()?.as_socket();
    drop(plain);
    let address = SocketAddr::new(address.ip(), bound.map_or(0, |bound| bound.port()));
    (0..count).map(|_| bind_one(address)).collect()
}

/// A socket that may have an address whose earlier connections are not forgotten yet.
fn socket(address: SocketAddr) -> io::Result<Socket> {
    let socket = Socket::new(
        Domain::for_address(address),
        Type::STREAM,
        Some(Protocol::TCP),
    )?;
    socket.set_reuse_address(true)?;
    Ok(socket)
}

fn bind_one(address: SocketAddr) -> io::Result<StdListener> {
    let socket = socket(address)?;
    socket.set_reuse_port(true)?;
    socket.set_nonblocking(true)?;
    // Accepted sockets inherit it: no message ever waits for an acknowledgement (Nagle's algorithm).
    socket.set_tcp_nodelay(true)?;
    socket.bind(&address.into())?;
    socket.listen(BACKLOG)?;
    Ok(socket.into())
}

/// Accepts until the drain's notice is over, and hands each connection with its permit to `handle`, or to `refuse` where there is none left.
///
/// # Errors
/// The listener failed for good. Running out of files or memory is waited out instead.
pub async fn accept(
    server: &Server,
    mut handle: impl FnMut(TcpStream, Permit),
    mut refuse: impl FnMut(TcpStream),
) -> io::Result<()> {
    let over = async {
        server.drain.started().await;
        server.door.drain();
        sleep(server.config.drain_notice).await;
    };
    tokio::pin!(over);
    loop {
        let accepted = tokio::select! {
            biased;
            accepted = server.listener.accept() => accepted,
            () = &mut over => return Ok(()),
        };
        match accepted {
            Ok((stream, _)) => {
                match Permit::take(&server.connections, server.config.max_connections) {
                    Some(permit) => handle(stream, permit),
                    None => refuse(stream),
                }
            }
            Err(error) if is_transient(&error) => sleep(Duration::from_millis(50)).await,
            Err(error) => return Err(error),
        }
    }
}

/// Errors of accept(2) that belong to one connection or pass by themselves.
fn is_transient(error: &io::Error) -> bool {
    use io::ErrorKind::{
        ConnectionAborted, ConnectionReset, Interrupted, OutOfMemory, PermissionDenied, TimedOut,
    };
    let exhausted = [
        rustix::io::Errno::MFILE,
        rustix::io::Errno::NFILE,
        rustix::io::Errno::NOBUFS,
    ];
    matches!(
        error.kind(),
        ConnectionAborted
            | ConnectionReset
            | Interrupted
            | OutOfMemory
            | PermissionDenied
            | TimedOut
    ) || exhausted
        .iter()
        .any(|errno| error.raw_os_error() == Some(errno.raw_os_error()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn listeners_share_a_port_with_each_other_and_with_no_one_else() {
        let any = SocketAddr::from(([127, 0, 0, 1], 0));
        let ours = bind(any, 3).unwrap();
        let address = ours[0].local_addr().unwrap();
        assert!(
            ours.iter()
                .all(|listener| listener.local_addr().unwrap() == address)
        );
        assert_eq!(
            bind(address, 1).unwrap_err().kind(),
            io::ErrorKind::AddrInUse
        );
    }
}
