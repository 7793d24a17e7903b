//! Which connections are cut, and what their ends are told.
//!
//! A cut is of all TCP connections that there are and that weren't cut before. Which ones those are is known by what comes later: a connection
//! is a new one if its SYN was seen since. So nothing is kept of any packet until there is a cut. Other protocols have no connections and pass.
//!
//! An end is told by a reset (RFC 9293, section 3.5.2) as soon as either end sends anything, as it is by a NAT that has forgotten a
//! connection. Its sequence number is the one that RFC 5961, section 3.2, asks for; where it is not exactly the expected one, because
//! more is on its way, that end sends a challenge, and the answer to that is exact.

use std::collections::HashMap;

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
    /// In the order in which they were made.
    cuts: Vec<Cut>,
    /// By their ports, the client's first: connections that were made after this many cuts; all others after none.
    made_after: HashMap<(u16, u16), usize>,
}

impl Severed {
    /// From now on, the connections there are are cut like this.
    pub(super) fn cut(&mut self, cut: Cut) {
        self.cuts.push(cut);
    }

    /// None if the packet is to pass; else what the ends are to be told in its place.
    #[inline]
    pub(super) fn judge(&mut self, packet: &[u8], toward: Toward) -> Option<Answers> {
        if self.cuts.is_empty() {
            return None;
        }
        let segment = Segment::read(packet)?;
        let ports = match toward {
            Toward::Server => (segment.from, segment.to),
            Toward::Client => (segment.to, segment.from),
        };
        if segment.flags & (SYN | ACK) == SYN {
            self.made_after.insert(ports, self.cuts.len());
        }
        let made_after = self.made_after.get(&ports).copied().unwrap_or(0);
        let cut = *self.cuts.get(made_after)?;
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
    let mut sum: u32 = words
        .map(|word| u32::from(word[0]) << 8 | u32::from(word[1]))
        .sum();
    while sum > 0xffff {
        sum = (sum & 0xffff) + (sum >> 16);
    }
    (!sum as u16).to_be_bytes()
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Between that port of the client's and the server's port 80; 77 is its sequence number, 55 what it acknowledges.
    fn segment(toward: Toward, client: u16, flags: u8) -> Vec<u8> {
        let (from, to, source, destination) = match toward {
            Toward::Server => (client, 80, [10, 0, 0, 1], [10, 0, 0, 2]),
            Toward::Client => (80, client, [10, 0, 0, 2], [10, 0, 0, 1]),
        };
        let mut packet = reset(&source, &destination, from, to, 77).to_vec();
        packet[IP + 8..IP + 12].copy_from_slice(&55_u32.to_be_bytes());
        packet[IP + 13] = flags;
        packet
    }

    fn severed(cut: Cut) -> Severed {
        let mut severed = Severed::default();
        severed.cut(cut);
        severed
    }

    fn told(answers: Option<Answers>) -> Option<(bool, bool)> {
        answers.map(|answers| (answers.back.is_some(), answers.on.is_some()))
    }

    #[test]
    fn only_what_was_there_is_cut() {
        let mut severed = Severed::default();
        let old = segment(Toward::Server, 1000, ACK);
        assert_eq!(severed.judge(&old, Toward::Server), None);
        severed.cut(Cut::Silence);
        assert_eq!(
            told(severed.judge(&old, Toward::Server)),
            Some((false, false))
        );
        // A new one, in both directions; its answer alone would not make it one.
        let answer = segment(Toward::Client, 1001, SYN | ACK);
        assert!(severed.judge(&answer, Toward::Client).is_some());
        let new = segment(Toward::Server, 1001, SYN);
        assert_eq!(severed.judge(&new, Toward::Server), None);
        assert_eq!(severed.judge(&answer, Toward::Client), None);
        // Until the next cut, which is not that of what was cut before.
        severed.cut(Cut::Reset);
        let both = Some((true, true));
        assert_eq!(told(severed.judge(&answer, Toward::Client)), both);
        let neither = Some((false, false));
        assert_eq!(told(severed.judge(&old, Toward::Server)), neither);
    }

    #[test]
    fn who_is_told_is_the_cuts_to_say() {
        let judge = |cut, toward, flags| {
            told(severed(cut).judge(&segment(toward, 1000, flags), toward)).unwrap()
        };
        for toward in [Toward::Server, Toward::Client] {
            assert_eq!(judge(Cut::Reset, toward, ACK), (true, true));
            assert_eq!(judge(Cut::Reset, toward, RST | ACK), (false, false));
            assert_eq!(judge(Cut::Silence, toward, ACK), (false, false));
        }
        assert_eq!(judge(Cut::HalfOpen, Toward::Server, ACK), (true, false));
        assert_eq!(judge(Cut::HalfOpen, Toward::Client, ACK), (false, true));
    }

    #[test]
    fn a_reset_has_the_sequence_number_that_is_expected() {
        let packet = segment(Toward::Server, 1000, ACK);
        let answers = severed(Cut::Reset).judge(&packet, Toward::Server).unwrap();
        let back = answers.back.unwrap();
        let read = Segment::read(&back).unwrap();
        assert_eq!((read.from, read.to, read.sequence), (80, 1000, 55));
        assert_eq!((read.flags, &back[12..16]), (RST, &[10, 0, 0, 2][..]));
        let on = answers.on.unwrap();
        let read = Segment::read(&on).unwrap();
        assert_eq!((read.from, read.to, read.sequence), (1000, 80, 77));
        // A checksum over what holds it is zero.
        assert_eq!(checksum(&[&on[..IP]]), [0, 0]);
        let pseudo = [0, PROTOCOL, 0, TCP as u8];
        assert_eq!(checksum(&[&on[12..20], &pseudo, &on[IP..]]), [0, 0]);
    }

    /// RFC 1071, section 3, has the sum ddf2 of these bytes.
    #[test]
    fn the_checksum_is_the_internets() {
        let sum = checksum(&[&[0x00, 0x01, 0xf2, 0x03], &[0xf4, 0xf5, 0xf6, 0xf7]]);
        assert_eq!(sum, (!0xddf2_u16).to_be_bytes());
    }

    #[test]
    fn what_is_no_segment_passes() {
        let mut severed = severed(Cut::Silence);
        let mut udp = segment(Toward::Server, 1000, ACK);
        udp[9] = 17;
        assert_eq!(severed.judge(&udp, Toward::Server), None);
        let mut fragment = segment(Toward::Server, 1000, ACK);
        fragment[7] = 1;
        assert_eq!(severed.judge(&fragment, Toward::Server), None);
        for length in [0, 1, 19, 39] {
            let short = &segment(Toward::Server, 1000, ACK)[..length];
            assert_eq!(severed.judge(short, Toward::Server), None);
        }
    }
}
