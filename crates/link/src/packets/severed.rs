//! Which connections are cut, and what their ends are told.
//!
//! A cut is of all TCP connections that there are. Which ones those are is known by what comes later: a connection is a new one if its SYN was
//! seen since. So nothing is kept of any packet until there is a cut. Other protocols have no connections and pass.
//!
//! An end is told by a reset (RFC 9293, section 3.5.2) as soon as either end sends anything, as it is by a NAT that has forgotten a
//! connection. Its sequence number is the one that RFC 5961, section 3.2, asks for; where it is not exactly the expected one, because
//! more is on its way, that end sends a challenge, and the answer to that is exact.

use std::collections::HashSet;

use crate::Cut;

/// A TCP segment of headers alone.
pub(super) type Reset = [u8; IP + TCP];

/// Bytes of an IPv4 header without options, and of a TCP header.
const IP: usize = 20;
const TCP: usize = 20;

/// IPv4's number of TCP.
const PROTOCOL: u8 = 6;

/// TCP's flags.
const SYN: u8 = 0x02;
const RST: u8 = 0x04;
const ACK: u8 = 0x10;

/// Where a packet goes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Toward {
    Server,
    Client,
}

/// What the ends of a cut connection are told.
#[derive(Debug, Default, PartialEq, Eq)]
pub(super) struct Answers {
    /// For the packet's sender.
    pub(super) back: Option<Reset>,
    /// For its receiver.
    pub(super) on: Option<Reset>,
}

/// All connections that are cut.
#[derive(Debug, Default)]
pub(super) struct Severed {
    cut: Option<Cut>,
    /// Ports, the client's first, of the connections that were made since.
    new: HashSet<(u16, u16)>,
}

impl Severed {
    /// From now on, the connections there are are cut like this; those that were cut before, too.
    pub(super) fn cut(&mut self, cut: Cut) {
        self.cut = Some(cut);
        self.new.clear();
    }

    /// None if the packet is to pass; else what the ends are to be told in its place.
    #[inline]
    pub(super) fn judge(&mut self, packet: &[u8], toward: Toward) -> Option<Answers> {
        let cut = self.cut?;
        let segment = Segment::read(packet)?;
        let ports = match toward {
            Toward::Server => (segment.from, segment.to),
            Toward::Client => (segment.to, segment.from),
        };
        if segment.flags & (SYN | ACK) == SYN {
            self.new.insert(ports);
        }
        if self.new.contains(&ports) {
            return None;
        }
        // A reset is never answered.
        let told = segment.flags & RST == 0;
        let (client, server) = match cut {
            Cut::Reset => (told, told),
            Cut::HalfOpen => (told, false),
            Cut::Silence | Cut::MidMessage => (false, false),
        };
        let (sender, receiver) = match toward {
            Toward::Server => (client, server),
            Toward::Client => (server, client),
        };
        Some(Answers {
            back: (sender && segment.flags & ACK != 0).then(|| segment.reset_of_sender(packet)),
            on: receiver.then(|| segment.reset_of_receiver(packet)),
        })
    }
}

/// What is read of a TCP segment.
struct Segment {
    from: u16,
    to: u16,
    sequence: u32,
    acknowledged: u32,
    flags: u8,
}

impl Segment {
    /// None if it is none, or a fragment.
    fn read(packet: &[u8]) -> Option<Self> {
        let header = usize::from(packet.first()? & 0x0f) * 4;
        let tcp = packet.get(header..header + TCP)?;
        let offset = u16::from_be_bytes([packet[6], packet[7]]) & 0x1fff;
        if packet[9] != PROTOCOL || offset != 0 {
            return None;
        }
        Some(Self {
            from: u16::from_be_bytes([tcp[0], tcp[1]]),
            to: u16::from_be_bytes([tcp[2], tcp[3]]),
            sequence: u32::from_be_bytes([tcp[4], tcp[5], tcp[6], tcp[7]]),
            acknowledged: u32::from_be_bytes([tcp[8], tcp[9], tcp[10], tcp[11]]),
            flags: tcp[13],
        })
    }

    /// In the name of its receiver.
    fn reset_of_sender(&self, packet: &[u8]) -> Reset {
        let (source, destination) = (&packet[16..20], &packet[12..16]);
        reset(source, destination, self.to, self.from, self.acknowledged)
    }

    /// In the name of its sender.
    fn reset_of_receiver(&self, packet: &[u8]) -> Reset {
        let (source, destination) = (&packet[12..16], &packet[16..20]);
        reset(source, destination, self.from, self.to, self.sequence)
    }
}

fn reset(source: &[u8], destination: &[u8], from: u16, to: u16, sequence: u32) -> Reset {
    let mut packet = [0; IP + TCP];
    let (ip, tcp) = packet.split_at_mut(IP);
    // Version 4, five words of header.
    ip[0] = 0x45;
    ip[2..4].copy_from_slice(&((IP + TCP) as u16).to_be_bytes());
    // Don't fragment; 64 hops to live.
    ip[6] = 0x40;
    ip[8] = 64;
    ip[9] = PROTOCOL;
    ip[12..16].copy_from_slice(source);
    ip[16..20].copy_from_slice(destination);
    let sum = checksum(&[ip]);
    ip[10..12].copy_from_slice(&sum);

    tcp[0..2].copy_from_slice(&from.to_be_bytes());
    tcp[2..4].copy_from_slice(&to.to_be_bytes());
    tcp[4..8].copy_from_slice(&sequence.to_be_bytes());
    // Five words of header.
    tcp[12] = 5 << 4;
    tcp[13] = RST;
    let pseudo = [0, PROTOCOL, 0, TCP as u8];
    let sum = checksum(&[source, destination, &pseudo, tcp]);
    tcp[16..18].copy_from_slice(&sum);
    packet
}

/// The Internet's checksum (RFC 1071) over `parts` of even length.
fn checksum(parts: &[&[u8]]) -> [u8; 2] {
    let words = parts.iter().flat_map(|part| part.chunks_exact(2));
    let mut sum: u32 = words.map(|word| u32::from(word[0]) << 8 | u32::from(word[1])).sum();
    while sum > 0xffff {
        sum = (sum & 0xffff) + (sum >> 16);
    }
    (!sum as u16).to_be_bytes()
}
