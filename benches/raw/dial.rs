//! Many connections from spread source addresses, and the client's half of the WebSocket handshake.

use std::io::{self, Read, Write};
use std::net::{Ipv4Addr, SocketAddr, TcpStream};
use std::time::Duration;

use nix::sys::socket::{setsockopt, sockopt::IpBindAddressNoPort};
use socket2::{Domain, Socket, Type};

use crate::raw::frame::Frame;
use crate::raw::http;

/// Connections from one source address: `connect()` gets many times slower towards the end of the
/// port range, so the sources are spread over 127.0.1.x long before.
const PER_SOURCE: usize = 7_000;

/// The `index`th connection to a loopback address, blocking, with `TCP_NODELAY`.
///
/// `IP_BIND_ADDRESS_NO_PORT` leaves the choice of the port to `connect()`, which needs it to be
/// free only towards this one destination.
pub fn connect(address: SocketAddr, index: usize) -> io::Result<TcpStream> {
    let socket = Socket::new(Domain::for_address(address), Type::STREAM, None)?;
    if address.is_ipv4() && address.ip().is_loopback() {
        let source = Ipv4Addr::new(127, 0, 1, (1 + index / PER_SOURCE) as u8);
        setsockopt(&socket, IpBindAddressNoPort, &true)?;
        socket.bind(&SocketAddr::from((source, 0)).into())?;
    }
    socket.connect(&address.into())?;
    socket.set_tcp_nodelay(true)?;
    socket.set_read_timeout(Some(Duration::from_secs(10)))?;
    Ok(socket.into())
}

/// The same, upgraded to WebSocket at `path`; with what was read beyond the server's handshake.
pub fn websocket(
    address: SocketAddr,
    index: usize,
    path: &str,
    protocol: Option<&str>,
) -> io::Result<(TcpStream, Vec<u8>)> {
    let mut stream = connect(address, index)?;
    let protocol = protocol.map_or(String::new(), |name| {
        format!("Sec-WebSocket-Protocol: {name}\r\n")
    });
    // The key is a nonce against caches; a constant one (RFC 6455 section 1.3) does no harm here.
    let request = format!(
        "GET {path} HTTP/1.1\r\nHost: {address}\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n\
         Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\nSec-WebSocket-Version: 13\r\n{protocol}\r\n"
    );
    stream.write_all(request.as_bytes())?;
    let mut read = Vec::new();
    let head = read_until(&mut stream, &mut read, http::head_len)?;
    if !read.starts_with(b"HTTP/1.1 101 ") {
        return Err(io::Error::other(format!(
            "no upgrade: {}",
            String::from_utf8_lossy(&read)
        )));
    }
    read.drain(..head);
    Ok((stream, read))
}

/// Takes the first frame off a blocking connection.
pub fn first_frame(stream: &mut TcpStream, read: &mut Vec<u8>) -> io::Result<Vec<u8>> {
    let length = read_until(stream, read, |bytes| {
        Frame::parse(bytes).map(|frame| frame.len())
    })?;
    Ok(read.drain(..length).collect())
}

/// Reads on until `whole` finds something whole at the start, and returns its length in bytes.
pub fn read_until(
    stream: &mut TcpStream,
    read: &mut Vec<u8>,
    whole: impl Fn(&[u8]) -> Option<usize>,
) -> io::Result<usize> {
    let mut chunk = [0; 4096];
    loop {
        if let Some(length) = whole(read) {
            return Ok(length);
        }
        match stream.read(&mut chunk)? {
            0 => return Err(io::ErrorKind::UnexpectedEof.into()),
            count => read.extend_from_slice(&chunk[..count]),
        }
    }
}
