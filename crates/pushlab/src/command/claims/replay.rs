//! The headers that Lubbers and Greco printed, sent as they stand, and what the kernel makes of them.
//!
//! Their polls and a WebSocket's messages go over a kept loopback connection, one every [`PAUSE`] so that no acknowledgement rides on the next
//! one, as on a connection that is polled once a second. Bytes and segments are the kernel's own count (`TCP_INFO`).

use std::io::{self, Read, Write};
use std::net::{Ipv4Addr, TcpListener, TcpStream};
use std::thread;
use std::time::Duration;

use transport::{IpTraffic, ip_traffic};

/// A poll of the stock ticker, as printed, with line ends.
const REQUEST: &str = "GET /PollingStock//PollingStock HTTP/1.1\r\n\
    Host: localhost:8080\r\n\
    User-Agent: Mozilla/5.0 (Windows; U; Windows NT 5.1; en-US; rv:1.9.1.5) Gecko/20091102 Firefox/3.5.5\r\n\
    Accept: text/html,application/xhtml+xml,application/xml;q=0.9,*/*;q=0.8\r\n\
    Accept-Language: en-us\r\n\
    Accept-Encoding: gzip,deflate\r\n\
    Accept-Charset: ISO-8859-1,utf-8;q=0.7,*;q=0.7\r\n\
    Keep-Alive: 300\r\n\
    Connection: keep-alive\r\n\
    Referer: http://www.example.com/PollingStock/\r\n\
    Cookie: showInheritedConstant=false; showInheritedProtectedConstant=false; showInheritedProperty=false; \
    showInheritedProtectedProperty=false; showInheritedMethod=false; showInheritedProtectedMethod=false; \
    showInheritedEvent=false; showInheritedStyle=false; showInheritedEffect=false\r\n\
    \r\n";

/// Its answer, as printed, with line ends and without the body.
const ANSWER: &str = "HTTP/1.x 200 OK\r\n\
    X-Powered-By: Servlet/2.5\r\n\
    Server: Sun Java System Application Server 9.1_02\r\n\
    Content-Type: text/html;charset=UTF-8\r\n\
    Content-Length: 21\r\n\
    Date: Sat, 07 Nov 2009 00:32:46 GMT\r\n\
    \r\n";

/// A price, as long as they say.
const PRICE: &[u8; 20] = b"{\"IBM\":127.85000000}";

/// Messages of each kind.
const MESSAGES: u32 = 25;

/// Longer than the kernel delays an acknowledgement (40 ms).
const PAUSE: Duration = Duration::from_millis(60);

/// What was sent, for each message.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub(in crate::command) struct Replay {
    /// Bytes of both heads without line ends, as they counted.
    pub(in crate::command) printed: f64,
    /// Bytes of both heads on the wire.
    pub(in crate::command) heads: f64,
    /// Bytes of a frame's header.
    pub(in crate::command) frame: f64,
    /// Bytes at the IP layer of a poll, beyond its body.
    pub(in crate::command) poll_ip: f64,
    /// Bytes at the IP layer of a WebSocket message, beyond its payload.
    pub(in crate::command) message_ip: f64,
}

/// Replays both.
///
/// # Errors
/// Loopback fails, or the kernel doesn't count.
pub(in crate::command) fn replay() -> io::Result<Replay> {
    let mut answer = ANSWER.as_bytes().to_vec();
    answer.extend_from_slice(PRICE);
    let polls = exchange(REQUEST.as_bytes(), &answer)?;
    // FIN, text; no mask from a server; the length (RFC 6455 section 5.2).
    let mut frame = vec![0x81, PRICE.len() as u8];
    frame.extend_from_slice(PRICE);
    let messages = exchange(&[], &frame)?;
    let line_ends = |head: &str| head.matches("\r\n").count() * 2;
    let heads = REQUEST.len() + ANSWER.len();
    let beyond = |ip: IpTraffic| {
        let all = ip.bytes_up + ip.bytes_down;
        all as f64 / f64::from(MESSAGES) - PRICE.len() as f64
    };
    Ok(Replay {
        printed: (heads - line_ends(REQUEST) - line_ends(ANSWER)) as f64,
        heads: heads as f64,
        frame: (frame.len() - PRICE.len()) as f64,
        poll_ip: beyond(polls),
        message_ip: beyond(messages),
    })
}

/// Sends `request`, if there is one, and is answered with `answer`, so many times; what the client's socket exchanged meanwhile.
fn exchange(request: &[u8], answer: &[u8]) -> io::Result<IpTraffic> {
    let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0))?;
    let mut client = TcpStream::connect(listener.local_addr()?)?;
    let (mut server, _) = listener.accept()?;
    let watched = client.try_clone()?;
    for end in [&client, &server] {
        end.set_nodelay(true)?;
        end.set_read_timeout(Some(PATIENCE))?;
    }
    let mut heard = vec![0; request.len()];
    let mut got = vec![0; answer.len()];
    let count = |client: &TcpStream| {
        let none = || {
            io::Error::new(
                io::ErrorKind::Unsupported,
                "the kernel doesn't count segments",
            )
        };
        ip_traffic(client, true).ok_or_else(none)
    };
    let mut once = || {
        client.write_all(request)?;
        server.read_exact(&mut heard)?;
        server.write_all(answer)?;
        client.read_exact(&mut got)
    };
    for _ in 0..WARM_UP {
        once()?;
    }
    let before = count(&watched)?;
    for _ in 0..MESSAGES {
        once()?;
        thread::sleep(PAUSE);
    }
    Ok(count(&watched)? - before)
}

/// Exchanges that aren't counted: Linux acknowledges the first segments of a connection at once.
const WARM_UP: u32 = 20;

const PATIENCE: Duration = Duration::from_secs(5);

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_printed_heads_are_as_long_as_they_said() {
        let replay = replay().expect("loopback");
        assert_eq!(
            (replay.printed, replay.heads, replay.frame),
            (871.0, 909.0, 2.0)
        );
        // Three segments of 52 bytes a poll, two a message; a delayed acknowledgement more or less doesn't matter.
        assert!((1000.0..1130.0).contains(&replay.poll_ip), "{replay:?}");
        assert!((100.0..120.0).contains(&replay.message_ip), "{replay:?}");
    }
}
