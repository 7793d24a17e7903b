//! A transport whose server takes exactly as long as it is told: known truths over real sockets.
//!
//! It is no arm that anyone compares; it lets the self-test run the very generator that measures transports against delays and queues
//! whose latencies are known beforehand. A frame goes out, and the same frame comes back when the server's law says so:
//!
//! ```text
//! length of data: u32, id: u64, data          little-endian
//! ```

mod client;
mod server;

pub(super) use server::{Behaviour, ProbeServer};

use std::io;

use transport::{Capabilities, ClientError, Info, Protocol, Target};

use client::ProbeClient;

/// The probe.
#[derive(Debug)]
pub(super) struct Probe;

impl Protocol for Probe {
    const INFO: Info = Info {
        name: "probe",
        title: "a server that takes exactly as long as it is told",
        url: Some((SCHEME, "")),
        options: &[],
        browser: None,
        capabilities: Capabilities::FULL,
    };

    type Client = ProbeClient;

    async fn connect(target: &Target) -> Result<ProbeClient, ClientError> {
        ProbeClient::connect(target).await
    }
}

const SCHEME: &str = "probe://";

/// Bytes before the data of a frame.
const HEAD: usize = 12;

/// A greater length than any frame of the self-test has.
const MOST_DATA: usize = 1 << 16;

/// A frame at the beginning of some bytes.
struct Frame<'a> {
    id: u64,
    data: &'a [u8],
    /// The frame, head and all.
    whole: &'a [u8],
}

impl<'a> Frame<'a> {
    /// The first frame in `bytes`, once it is there as a whole.
    ///
    /// # Errors
    /// It is longer than any frame.
    fn first(bytes: &'a [u8]) -> io::Result<Option<Self>> {
        let Some((head, _)) = bytes.split_first_chunk::<HEAD>() else {
            return Ok(None);
        };
        let [l0, l1, l2, l3, id @ ..] = *head;
        let length = u32::from_le_bytes([l0, l1, l2, l3]) as usize;
        if length > MOST_DATA {
            return Err(io::Error::other("no frame of the probe is so long"));
        }
        let whole = bytes.get(..HEAD + length);
        Ok(whole.map(|whole| Self {
            id: u64::from_le_bytes(id),
            data: &whole[HEAD..],
            whole,
        }))
    }

    fn write(out: &mut Vec<u8>, id: u64, data: &[u8]) {
        out.extend_from_slice(&(data.len() as u32).to_le_bytes());
        out.extend_from_slice(&id.to_le_bytes());
        out.extend_from_slice(data);
    }
}

#[cfg(test)]
mod tests {
    use std::io::{Read, Write};
    use std::net::TcpStream;

    use measure::now;

    use super::*;
    use crate::command::selftest::law::Service;

    #[test]
    fn frames_come_whole_or_not_at_all() {
        let mut bytes = Vec::new();
        Frame::write(&mut bytes, 7, b"data");
        for length in 0..bytes.len() {
            assert!(Frame::first(&bytes[..length]).unwrap().is_none());
        }
        bytes.push(0);
        let frame = Frame::first(&bytes).unwrap().unwrap();
        assert_eq!((frame.id, frame.data), (7, &b"data"[..]));
        assert_eq!(frame.whole.len(), bytes.len() - 1);
        assert!(Frame::first(&[255; HEAD]).is_err());
    }

    /// Sends frames together and gives how long the last answer took, nanoseconds.
    fn ask(behaviour: Behaviour, frames: u64) -> u64 {
        let server = ProbeServer::start(behaviour, &[]).unwrap();
        let address = server.url().strip_prefix(SCHEME).unwrap().to_owned();
        let mut stream = TcpStream::connect(address).unwrap();
        let mut out = Vec::new();
        for id in 0..frames {
            Frame::write(&mut out, id, b"x");
        }
        let before = now();
        stream.write_all(&out).unwrap();
        let mut answer = vec![0; out.len()];
        stream.read_exact(&mut answer).unwrap();
        assert_eq!(answer, out, "the same frames, in order");
        now() - before
    }

    #[test]
    fn the_server_never_answers_early() {
        let millisecond = 1_000_000;
        assert!(ask(Behaviour::Delay(20 * millisecond), 3) >= 20 * millisecond);
        let queue = Behaviour::Queue(Service::Constant(5 * millisecond));
        assert!(ask(queue, 4) >= 20 * millisecond);
        let service = Service::Exponential(2 * millisecond, 9);
        let sum: u64 = (0..5).map(|number| service.of(number)).sum();
        assert!(ask(Behaviour::Queue(service), 5) >= sum);
    }

    #[test]
    fn a_server_ends_when_it_is_dropped() {
        let server = ProbeServer::start(Behaviour::Delay(0), &[]).unwrap();
        let address = server.url().strip_prefix(SCHEME).unwrap().to_owned();
        drop(server);
        assert!(TcpStream::connect(address).is_err());
    }
}
