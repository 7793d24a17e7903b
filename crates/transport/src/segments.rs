//! What a TCP socket exchanged at the IP layer, as its kernel counts it: `TCP_INFO`.
//!
//! Everything is read and nothing guessed but the size of headers, which follows from the options that both sides agreed to: an IPv4
//! header of 20 bytes or an IPv6 header of 40, a TCP header of 20 (RFC 9293 section 3.1), and 12 for timestamps (RFC 7323 appendix A). Not
//! counted, since no socket can see it: SACK blocks on the acknowledgements of a lossy link, and what is exchanged after this end has closed
//! the socket (the last FIN and its acknowledgement).

// The macros below name each other and `libc` without a path.
use nix::{getsockopt_impl, libc, sockopt_impl};

use std::os::fd::AsFd;
use std::sync::OnceLock;

use crate::IpTraffic;

/// What `socket` has exchanged since it was opened; none where the kernel is older than 4.19 and doesn't tell all of it.
pub fn read(socket: &impl AsFd, is_ipv4: bool) -> Option<IpTraffic> {
    if !is_supported() {
        return None;
    }
    let info = nix::sys::socket::getsockopt(socket, Info).ok()?;
    Some(info.traffic(is_ipv4))
}

sockopt_impl!(
    /// The option that gives a [`TcpInfo`].
    Info,
    GetOnly,
    libc::IPPROTO_TCP,
    libc::TCP_INFO,
    TcpInfo
);

/// `struct tcp_info` of Linux' `uapi/linux/tcp.h` as far as it is read here; the kernel fills in as much as it is given room for.
#[derive(Debug, Clone, Copy)]
#[expect(unreachable_pub, reason = "the macro makes its type public")]
#[repr(C)]
pub struct TcpInfo {
    state: u8,
    _ca_state: u8,
    _retransmits: u8,
    _probes: u8,
    _backoff: u8,
    options: u8,
    _window_scales: u8,
    _flags: u8,
    /// From `tcpi_rto` to `tcpi_rcv_space`.
    _path: [u32; 23],
    total_retrans: u32,
    _pacing_rate: u64,
    _max_pacing_rate: u64,
    _bytes_acked: u64,
    /// In order; a FIN counts as one.
    bytes_received: u64,
    segs_out: u32,
    segs_in: u32,
    /// `tcpi_notsent_bytes`, `tcpi_min_rtt`, `tcpi_data_segs_in`, `tcpi_data_segs_out`.
    _more: [u32; 4],
    _delivery_rate: u64,
    _busy_time: u64,
    _rwnd_limited: u64,
    _sndbuf_limited: u64,
    _delivered: u32,
    _delivered_ce: u32,
    /// Retransmitted ones included.
    bytes_sent: u64,
}

/// Bits of `tcpi_options`.
const TIMESTAMPS: u8 = 1;
const SACK: u8 = 2;
const WINDOW_SCALE: u8 = 4;

/// States in which the other side's FIN has come (`linux/tcp_states.h`): `CLOSE_WAIT`, `LAST_ACK`, `CLOSING`.
const FIN_CAME: [u8; 3] = [8, 9, 11];

impl TcpInfo {
    fn traffic(&self, is_ipv4: bool) -> IpTraffic {
        let fin = u64::from(FIN_CAME.contains(&self.state));
        let (up, down) = (u64::from(self.segs_out), u64::from(self.segs_in));
        let header = self.header(is_ipv4);
        // Each side sent one SYN, or will have.
        let syn = |segments: u64| u64::from(segments > 0) * self.syn_excess();
        IpTraffic {
            segments_up: up,
            segments_down: down,
            retransmits: u64::from(self.total_retrans),
            bytes_up: self.bytes_sent + up * header + syn(up),
            bytes_down: self.bytes_received.saturating_sub(fin) + down * header + syn(down),
        }
    }

    fn has(&self, option: u8) -> bool {
        self.options & option > 0
    }

    /// Bytes of the IP and TCP headers of a segment that is no SYN.
    fn header(&self, is_ipv4: bool) -> u64 {
        let ip = if is_ipv4 { 20 } else { 40 };
        ip + 20 + self.timestamps()
    }

    fn timestamps(&self) -> u64 {
        if self.has(TIMESTAMPS) { 12 } else { 0 }
    }

    /// By how much the options of a SYN are longer than those of other segments: the maximum segment size, SACK (in the padding of the
    /// timestamps where there are any) and the window scale, 4 bytes each.
    fn syn_excess(&self) -> u64 {
        let sack = self.has(SACK) && !self.has(TIMESTAMPS);
        4 + 4 * u64::from(sack) + 4 * u64::from(self.has(WINDOW_SCALE))
    }
}

/// Whether the kernel's `struct tcp_info` is long enough: that of Linux 4.19 is the first. nix panics on a shorter one.
fn is_supported() -> bool {
    static SUPPORTED: OnceLock<bool> = OnceLock::new();
    *SUPPORTED.get_or_init(|| {
        let system = rustix::system::uname();
        is_recent(&system.release().to_string_lossy())
    })
}

fn is_recent(release: &str) -> bool {
    let mut numbers = release
        .split(|letter: char| !letter.is_ascii_digit())
        .map_while(|number| number.parse::<u32>().ok());
    (numbers.next(), numbers.next()) >= (Some(4), Some(19))
}

#[cfg(test)]
mod tests {
    use std::io::{Read, Write};
    use std::net::{Shutdown, TcpListener, TcpStream};

    use super::*;

    fn pair(address: &str) -> (TcpStream, TcpStream) {
        let listener = TcpListener::bind(address).unwrap();
        let client = TcpStream::connect(listener.local_addr().unwrap()).unwrap();
        client.set_nodelay(true).unwrap();
        let (server, _) = listener.accept().unwrap();
        server.set_nodelay(true).unwrap();
        (client, server)
    }

    #[test]
    fn a_ping_pong_of_known_size_is_counted_to_the_byte() {
        for (address, ip) in [("127.0.0.1:0", 20), ("[::1]:0", 40)] {
            if TcpListener::bind(address).is_err() {
                continue;
            }
            let (mut client, mut server) = pair(address);
            let info = nix::sys::socket::getsockopt(&client, Info).unwrap();
            let (header, syn) = (info.header(ip == 20), info.syn_excess());
            assert!([ip + 20, ip + 32].contains(&header), "{header}");
            let opened = read(&client, ip == 20).unwrap();
            // SYN and the acknowledgement of the SYN-ACK; the SYN-ACK.
            assert_eq!((opened.segments_up, opened.segments_down), (2, 1));
            assert_eq!(opened.bytes_up, 2 * header + syn);
            assert_eq!(opened.bytes_down, header + syn);

            let (mut question, mut answer) = ([7; 100], [0; 300]);
            for _ in 0..50 {
                client.write_all(&question).unwrap();
                server.read_exact(&mut question).unwrap();
                server.write_all(&answer).unwrap();
                client.read_exact(&mut answer).unwrap();
            }
            let spent = read(&client, ip == 20).unwrap() - opened;
            // Each carries the acknowledgement of the one before it; a slow machine adds a few without data.
            assert!((50..=150).contains(&spent.segments_up), "{spent:?}");
            assert!((50..=150).contains(&spent.segments_down), "{spent:?}");
            assert_eq!(spent.bytes_up, 50 * 100 + spent.segments_up * header);
            assert_eq!(spent.bytes_down, 50 * 300 + spent.segments_down * header);
            assert_eq!(spent.retransmits, 0);
        }
    }

    #[test]
    fn both_ends_count_alike_and_a_fin_is_no_byte_of_the_stream() {
        let (mut client, mut server) = pair("127.0.0.1:0");
        server.write_all(&[0; 1000]).unwrap();
        server.shutdown(Shutdown::Write).unwrap();
        let mut all = Vec::new();
        client.read_to_end(&mut all).unwrap();
        client.write_all(&[0; 10]).unwrap();
        server.read_exact(&mut [0; 10]).unwrap();
        let info = nix::sys::socket::getsockopt(&client, Info).unwrap();
        assert_eq!(info.bytes_received, 1001, "the FIN included");
        let (header, syn) = (info.header(true), info.syn_excess());
        let seen = read(&client, true).unwrap();
        assert_eq!(seen.bytes_up, 10 + seen.segments_up * header + syn);
        assert_eq!(seen.bytes_down, 1000 + seen.segments_down * header + syn);
        // The SYN-ACK was no segment of the accepted socket yet.
        let other = read(&server, true).unwrap();
        if read(&client, true) == Some(seen) {
            assert_eq!(other.segments_up + 1, seen.segments_down);
            assert_eq!(other.segments_down, seen.segments_up);
        }
    }

    #[test]
    fn kernels_are_told_apart() {
        for (release, is_enough) in [
            ("6.18.44-fc-v782", true),
            ("4.19.0", true),
            ("5.4", true),
            ("4.18.20", false),
            ("4.4.0", false),
            ("", false),
        ] {
            assert_eq!(is_recent(release), is_enough, "{release}");
        }
    }
}
