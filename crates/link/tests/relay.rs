//! The relay between real sockets: what passes, in which order, and what each fault does.
//!
//! Times are asserted from below only: a busy machine makes anything later.

use std::io::{ErrorKind, Read, Write};
use std::net::{Shutdown, SocketAddr, TcpListener, TcpStream};
use std::sync::{Arc, Mutex};
use std::thread::{self, JoinHandle};
use std::time::{Duration, Instant};

use link::relay::{Close, SPIN, Seen, Side, Way};
use link::{Cut, Handle, Relay};
use rand::rngs::StdRng;
use rand::{Rng, RngExt, SeedableRng};
use rustix::net::sockopt::set_socket_linger;
use scenario::{JitterLaw, Link, Path};

/// Longer than anything here takes, even on a busy machine.
const PATIENCE: Duration = Duration::from_secs(60);

/// Long enough to see that nothing comes.
const QUIET: Duration = Duration::from_millis(150);

/// A relay in a thread, in front of a listener of ours.
struct Lab {
    server: TcpListener,
    address: SocketAddr,
    relay: Handle,
    thread: Option<JoinHandle<std::io::Result<()>>>,
}

impl Lab {
    fn new(link: &Link) -> Self {
        Self::with(link, |relay| relay)
    }

    fn with(link: &Link, change: impl FnOnce(Relay) -> Relay) -> Self {
        let server = TcpListener::bind("127.0.0.1:0").unwrap();
        let to = server.local_addr().unwrap();
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let address = listener.local_addr().unwrap();
        let (relay, handle) = Relay::new(link, listener, to, 42, SPIN).unwrap();
        let relay = change(relay);
        let thread = Some(thread::spawn(move || relay.run()));
        Self {
            server,
            address,
            relay: handle,
            thread,
        }
    }

    /// A client and the server's end of it.
    fn pair(&self) -> (TcpStream, TcpStream) {
        let client = TcpStream::connect(self.address).unwrap();
        let (server, _) = self.server.accept().unwrap();
        for end in [&client, &server] {
            end.set_read_timeout(Some(PATIENCE)).unwrap();
            end.set_write_timeout(Some(PATIENCE)).unwrap();
            end.set_nodelay(true).unwrap();
        }
        (client, server)
    }

    /// Returns when the relay has read what had come when it was called: it answers among the events of one turn, and reads at the start of the next.
    fn settle(&self) {
        for _ in 0..2 {
            self.relay.report().unwrap();
        }
    }
}

impl Drop for Lab {
    fn drop(&mut self) {
        self.relay.stop();
        if let Some(thread) = self.thread.take()
            && !thread::panicking()
        {
            thread.join().unwrap().unwrap();
        }
    }
}

fn both_ways(path: Path) -> Link {
    Link {
        up: path,
        down: path,
        set_up: 0,
        ..Link::default()
    }
}

fn delayed(milliseconds: u64) -> Link {
    both_ways(Path {
        delay: Duration::from_millis(milliseconds),
        ..Path::CLEAR
    })
}

fn noise(seed: u64, count: usize) -> Vec<u8> {
    let mut bytes = vec![0; count];
    StdRng::seed_from_u64(seed).fill_bytes(&mut bytes);
    bytes
}

/// Writes in pieces of random sizes, and ends the stream.
fn write_in_pieces(mut stream: &TcpStream, bytes: &[u8], seed: u64) {
    let mut random = StdRng::seed_from_u64(seed);
    let mut rest = bytes;
    while !rest.is_empty() {
        let most = *[3, 200, 9_000, 100_000]
            .get(random.random_range(0..4))
            .unwrap();
        let (piece, after) = rest.split_at(random.random_range(1..=most).min(rest.len()));
        stream.write_all(piece).unwrap();
        rest = after;
    }
    stream.shutdown(Shutdown::Write).unwrap();
}

fn read_all(mut stream: &TcpStream) -> Vec<u8> {
    let mut bytes = Vec::new();
    stream.read_to_end(&mut bytes).unwrap();
    bytes
}

fn read_exactly(mut stream: &TcpStream, count: usize) -> Vec<u8> {
    let mut bytes = vec![0; count];
    stream.read_exact(&mut bytes).unwrap();
    bytes
}

/// How the next read ends.
#[track_caller]
fn assert_reset(mut stream: &TcpStream) {
    let error = stream.read(&mut [0; 16]).unwrap_err();
    assert_eq!(error.kind(), ErrorKind::ConnectionReset);
}

#[track_caller]
fn assert_silent(mut stream: &TcpStream) {
    stream.set_read_timeout(Some(QUIET)).unwrap();
    let error = stream.read(&mut [0; 16]).unwrap_err();
    assert_eq!(error.kind(), ErrorKind::WouldBlock);
    stream.set_read_timeout(Some(PATIENCE)).unwrap();
}

#[test]
fn every_byte_arrives_in_order_under_jitter_bandwidth_and_stalls() {
    let path = Path {
        delay: Duration::from_millis(3),
        jitter: Duration::from_millis(2),
        law: JitterLaw::Exponential,
        bandwidth: Some(200e6),
        queue: 100_000,
        ..Path::CLEAR
    };
    let lab = Lab::new(&both_ways(path));
    let pairs: Vec<_> = (0..4).map(|_| lab.pair()).collect();
    thread::scope(|scope| {
        for (index, (client, server)) in pairs.iter().enumerate() {
            for (way, (from, to)) in [(client, server), (server, client)].into_iter().enumerate() {
                let seed = (2 * index + way) as u64;
                scope.spawn(move || write_in_pieces(from, &noise(seed, 1 << 20), seed));
                scope.spawn(move || assert!(read_all(to) == noise(seed, 1 << 20)));
            }
        }
        for megabytes in 1..4 {
            wait_until(|| lab.relay.report().unwrap().up.bytes >= megabytes << 20);
            lab.relay.stall(Duration::from_millis(20)).unwrap();
        }
    });
    let report = lab.relay.report().unwrap();
    for way in [report.up, report.down] {
        assert_eq!(way.bytes, 4 << 20);
        assert!(way.delay.unwrap().min_ns >= 1_000_000, "{way:?}");
        assert!((1..=100_000).contains(&way.queue_max_bytes), "{way:?}");
        // Never faster than asked; how much slower is the machine's.
        let rate = way.busy_bit_per_s.unwrap();
        assert!((1e6..210e6).contains(&rate), "{way:?}");
        let harm = (way.lost, way.dropped, way.reordered, way.duplicated);
        assert_eq!(harm, (0, 0, 0, 0));
    }
}

#[test]
fn a_message_takes_the_delay_of_its_way() {
    let link = Link {
        up: delayed(30).up,
        down: delayed(10).down,
        set_up: 0,
        ..Link::default()
    };
    let lab = Lab::new(&link);
    let (client, server) = lab.pair();
    for (mut from, to, milliseconds) in [(&client, &server, 30), (&server, &client, 10)] {
        let began = Instant::now();
        from.write_all(b"hello").unwrap();
        assert_eq!(read_exactly(to, 5), b"hello");
        assert!(began.elapsed() >= Duration::from_millis(milliseconds));
    }
    let report = lab.relay.report().unwrap();
    assert_eq!((report.up.units, report.down.units), (1, 1));
    assert!(report.up.delay.unwrap().min_ns >= 29_900_000);
    assert!(report.down.delay.unwrap().min_ns >= 9_900_000);
    lab.relay.reset(measure::now()).unwrap();
    assert_eq!(lab.relay.report().unwrap(), measure::LinkReport::default());
}

#[test]
fn a_new_connection_carries_its_first_byte_when_it_is_set_up() {
    let link = Link {
        set_up: 3,
        ..delayed(10)
    };
    let lab = Lab::new(&link);
    let began = Instant::now();
    let (mut client, mut server) = lab.pair();
    client.write_all(b"first").unwrap();
    assert_eq!(read_exactly(&server, 5), b"first");
    assert!(began.elapsed() >= Duration::from_millis(3 * 20 + 10));
    // A server that speaks first need not wait.
    let began = Instant::now();
    server.write_all(b"next").unwrap();
    assert_eq!(read_exactly(&client, 4), b"next");
    assert!(began.elapsed() >= Duration::from_millis(10));
}

#[test]
fn what_is_held_is_bounded_and_nothing_of_it_is_lost() {
    let lab = Lab::new(&delayed(1));
    let (client, server) = lab.pair();
    client.set_write_timeout(Some(QUIET)).unwrap();
    // Of a prime length, so that no piece that is lost or swapped goes unseen.
    let bytes = noise(1, 1_000_003).repeat(96);
    let mut sent = 0;
    while sent < bytes.len() {
        match (&client).write(&bytes[sent..]) {
            Ok(count) => sent += count,
            Err(error) if error.kind() == ErrorKind::WouldBlock => break,
            Err(error) => panic!("{error}"),
        }
    }
    // What the relay holds, and what the kernel's buffers of four sockets do.
    assert!(sent < 64 << 20, "{sent}");
    thread::scope(|scope| {
        scope.spawn(|| {
            client.set_write_timeout(Some(PATIENCE)).unwrap();
            (&client).write_all(&bytes[sent..]).unwrap();
            client.shutdown(Shutdown::Write).unwrap();
        });
        assert!(read_all(&server) == bytes);
    });
}

#[test]
fn a_full_queue_holds_its_sender_back_and_all_connections_share() {
    // 4 Mbit/s and room for 20 ms of it.
    let path = Path {
        bandwidth: Some(4e6),
        queue: 10_000,
        ..Path::CLEAR
    };
    let lab = Lab::new(&both_ways(path));
    let pairs = [lab.pair(), lab.pair()];
    let bytes = noise(3, 200_000);
    let began = Instant::now();
    let ends: Vec<Duration> = thread::scope(|scope| {
        let readers: Vec<_> = pairs
            .iter()
            .map(|(client, server)| {
                scope.spawn(|| write_in_pieces(client, &bytes, 5));
                scope.spawn(|| {
                    assert!(read_all(server) == bytes);
                    began.elapsed()
                })
            })
            .collect();
        readers
            .into_iter()
            .map(|reader| reader.join().unwrap())
            .collect()
    });
    // 400 kB at 500 kB/s; who would be alone would be done in half of the time, so neither is before 60 % of it.
    assert!(
        *ends.iter().max().unwrap() >= Duration::from_millis(780),
        "{ends:?}"
    );
    assert!(
        *ends.iter().min().unwrap() >= Duration::from_millis(480),
        "{ends:?}"
    );
    let up = lab.relay.report().unwrap().up;
    assert!(up.queue_max_bytes <= 10_000, "{up:?}");
    assert!((3e6..4.1e6).contains(&up.busy_bit_per_s.unwrap()), "{up:?}");
}

#[test]
fn ends_are_passed_on_behind_the_bytes_and_by_themselves() {
    let lab = Lab::new(&delayed(20));
    let (mut client, mut server) = lab.pair();
    client.write_all(b"question").unwrap();
    client.shutdown(Shutdown::Write).unwrap();
    let began = Instant::now();
    assert_eq!(read_all(&server), b"question");
    assert!(began.elapsed() >= Duration::from_millis(15));
    // The other direction goes on.
    server.write_all(b"answer").unwrap();
    assert_eq!(read_exactly(&client, 6), b"answer");
    drop(server);
    assert_eq!(read_all(&client), b"");
}

#[test]
fn a_reset_is_passed_on_behind_the_bytes() {
    let lab = Lab::new(&delayed(20));
    for from_client in [true, false] {
        let (client, server) = lab.pair();
        let (mut from, to) = if from_client {
            (client, server)
        } else {
            (server, client)
        };
        from.write_all(b"last words").unwrap();
        // They must be on their way: a reset overtakes what is still in the sender's own buffers.
        wait_until(|| {
            let report = lab.relay.report().unwrap();
            let way = if from_client { report.up } else { report.down };
            way.bytes >= 10
        });
        set_socket_linger(&from, Some(Duration::ZERO)).unwrap();
        let began = Instant::now();
        drop(from);
        assert_eq!(read_exactly(&to, 10), b"last words");
        assert_reset(&to);
        assert!(began.elapsed() >= Duration::from_millis(20));
    }
}

#[test]
fn writing_to_one_that_has_closed_resets_the_writer() {
    let lab = Lab::new(&delayed(1));
    let (client, mut server) = lab.pair();
    drop(client);
    assert_eq!(read_all(&server), b"");
    let deadline = Instant::now() + PATIENCE;
    let error = loop {
        match server.write_all(b"anyone there?") {
            Ok(()) => assert!(Instant::now() < deadline, "no one told the writer"),
            Err(error) => break error,
        }
        thread::yield_now();
    };
    assert!(matches!(
        error.kind(),
        ErrorKind::ConnectionReset | ErrorKind::BrokenPipe
    ));
}

#[test]
fn without_a_server_the_client_is_reset() {
    let mut lab = Lab::new(&delayed(1));
    // The listener is gone, its port is no one's.
    lab.server = TcpListener::bind("127.0.0.1:0").unwrap();
    let client = TcpStream::connect(lab.address).unwrap();
    client.set_read_timeout(Some(PATIENCE)).unwrap();
    assert_reset(&client);
}

#[test]
fn a_stall_holds_everything_and_loses_nothing() {
    let lab = Lab::new(&delayed(5));
    let (mut client, mut server) = lab.pair();
    client.write_all(b"one ").unwrap();
    assert_eq!(read_exactly(&server, 4), b"one ");
    let began = Instant::now();
    let stall = Duration::from_millis(400);
    lab.relay.stall(stall).unwrap();
    client.write_all(b"two ").unwrap();
    server.write_all(b"down").unwrap();
    assert_silent(&server);
    client.write_all(b"three").unwrap();
    client.shutdown(Shutdown::Write).unwrap();
    assert_eq!(read_all(&server), b"two three");
    assert!(began.elapsed() >= stall);
    assert_eq!(read_exactly(&client, 4), b"down");
    assert!(lab.relay.report().unwrap().down.delay.unwrap().max_ns >= 300_000_000);
}

#[test]
fn new_connections_wait_for_the_end_of_a_stall() {
    let lab = Lab::new(&delayed(0));
    let began = Instant::now();
    let stall = Duration::from_millis(200);
    lab.relay.stall(stall).unwrap();
    // The stall is heard before the connection, whose event comes later.
    lab.relay.report().unwrap();
    let (mut client, server) = lab.pair();
    assert!(began.elapsed() >= stall);
    client.write_all(b"late").unwrap();
    assert_eq!(read_exactly(&server, 4), b"late");
}

#[test]
fn a_cut_resets_both_ends_and_new_connections_work() {
    let lab = Lab::new(&delayed(5));
    let (client, server) = lab.pair();
    lab.relay.cut(Cut::Reset).unwrap();
    assert_reset(&client);
    assert_reset(&server);
    let (mut client, server) = lab.pair();
    client.write_all(b"again").unwrap();
    assert_eq!(read_exactly(&server, 5), b"again");
}

#[test]
fn a_silent_cut_keeps_both_ends_open_and_passes_not_even_an_end() {
    let lab = Lab::new(&delayed(1));
    let (mut client, mut server) = lab.pair();
    client.write_all(b"before").unwrap();
    assert_eq!(read_exactly(&server, 6), b"before");
    lab.relay.cut(Cut::Silence).unwrap();
    lab.settle();
    client.write_all(b"lost").unwrap();
    server.write_all(b"lost").unwrap();
    assert_silent(&client);
    assert_silent(&server);
    drop(client);
    assert_silent(&server);
    let (mut client, other) = lab.pair();
    client.write_all(b"works").unwrap();
    assert_eq!(read_exactly(&other, 5), b"works");
}

#[test]
fn a_half_open_cut_resets_the_client_and_tells_the_server_nothing() {
    let lab = Lab::new(&delayed(1));
    let (client, mut server) = lab.pair();
    lab.relay.cut(Cut::HalfOpen).unwrap();
    assert_reset(&client);
    server.write_all(b"are you there?").unwrap();
    assert_silent(&server);
}

#[test]
fn a_cut_within_a_message_lets_half_of_it_through() {
    for waits in [false, true] {
        let lab = Lab::new(&narrow(500));
        let (client, mut server) = lab.pair();
        if waits {
            // The piece is under way when the cut comes.
            server.write_all(b"0123456789").unwrap();
            wait_until(|| lab.relay.report().unwrap().down.queue_max_bytes == 10);
            lab.relay.cut(Cut::MidMessage).unwrap();
        } else {
            lab.relay.cut(Cut::MidMessage).unwrap();
            lab.settle();
            server.write_all(b"0123456789").unwrap();
        }
        assert_eq!(read_exactly(&client, 5), b"01234");
        assert_reset(&client);
        assert_reset(&server);
    }
}

#[test]
fn a_cut_within_a_message_waits_for_one_and_lets_requests_pass() {
    let lab = Lab::new(&delayed(1));
    let (mut client, mut server) = lab.pair();
    lab.relay.cut(Cut::MidMessage).unwrap();
    client.write_all(b"request").unwrap();
    assert_eq!(read_exactly(&server, 7), b"request");
    server.write_all(b"response").unwrap();
    assert_eq!(read_exactly(&client, 4), b"resp");
    assert_reset(&client);
    assert_reset(&server);
}

#[test]
fn packets_can_come_to_no_harm() {
    let link = both_ways(Path {
        loss: 0.01,
        ..Path::CLEAR
    });
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let to = listener.local_addr().unwrap();
    let error = Relay::new(&link, listener, to, 1, SPIN).unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Unsupported);
}

#[test]
fn many_connections_at_once() {
    let lab = Lab::new(&both_ways(Path {
        delay: Duration::from_millis(20),
        jitter: Duration::from_millis(5),
        ..Path::CLEAR
    }));
    let mut pairs: Vec<_> = (0..150).map(|_| lab.pair()).collect();
    for round in 0_u8..5 {
        for (index, (client, _)) in pairs.iter_mut().enumerate() {
            client.write_all(&[round, index as u8, 7]).unwrap();
        }
        for (index, (_, server)) in pairs.iter_mut().enumerate() {
            let got = read_exactly(server, 3);
            assert_eq!(got, [round, index as u8, 7]);
            server.write_all(&got).unwrap();
        }
        for (index, (client, _)) in pairs.iter_mut().enumerate() {
            assert_eq!(read_exactly(client, 3), [round, index as u8, 7]);
        }
    }
    assert_eq!(lab.relay.report().unwrap().up.units, 750);
}

/// What a tap has shown, by connection.
#[derive(Debug, Default, Clone, PartialEq)]
struct Story {
    opened: u32,
    up: Vec<u8>,
    down: Vec<u8>,
    lost_up: Vec<u8>,
    lost_down: Vec<u8>,
    closed: Vec<(Close, Side)>,
}

#[derive(Debug, Default, Clone)]
struct Stories(Arc<Mutex<Vec<Story>>>);

impl Stories {
    /// A lab whose relay is looked at.
    fn lab(link: &Link) -> (Self, Lab) {
        let stories = Self::default();
        let own = stories.clone();
        let lab = Lab::with(link, |relay| relay.with_tap(move |seen| own.see(&seen)));
        (stories, lab)
    }

    fn see(&self, seen: &Seen<'_>) {
        let now = measure::now();
        let mut stories = self.0.lock().unwrap();
        let (Seen::Opened { connection, at }
        | Seen::Passed {
            connection,
            passed: at,
            ..
        }
        | Seen::Lost { connection, at, .. }
        | Seen::Closed { connection, at, .. }) = *seen;
        assert!(at <= now, "{seen:?}");
        let place = usize::try_from(connection).unwrap();
        let count = stories.len().max(place);
        stories.resize(count, Story::default());
        let story = &mut stories[place - 1];
        match *seen {
            Seen::Opened { .. } => story.opened += 1,
            Seen::Passed {
                way,
                arrived,
                passed,
                bytes,
                ..
            } => {
                assert!(arrived <= passed && story.closed.is_empty(), "{seen:?}");
                match way {
                    Way::Up => story.up.extend(bytes),
                    Way::Down => story.down.extend(bytes),
                }
            }
            Seen::Lost {
                way,
                arrived,
                at,
                bytes,
                ..
            } => {
                assert!(arrived <= at, "{seen:?}");
                match way {
                    Way::Up => story.lost_up.extend(bytes),
                    Way::Down => story.lost_down.extend(bytes),
                }
            }
            Seen::Closed { how, by, .. } => story.closed.push((how, by)),
        }
    }

    /// What is known of a connection, counted from 1.
    fn of(&self, connection: usize) -> Story {
        let stories = self.0.lock().unwrap();
        stories.get(connection - 1).cloned().unwrap_or_default()
    }

    /// How a connection ended, when it has.
    fn end_of(&self, connection: usize) -> (Close, Side) {
        wait_until(|| !self.of(connection).closed.is_empty());
        let closed = self.of(connection).closed;
        assert_eq!(closed.len(), 1);
        closed[0]
    }
}

#[test]
fn a_tap_shows_every_byte_once_and_when() {
    let path = Path {
        delay: Duration::from_millis(3),
        jitter: Duration::from_millis(2),
        bandwidth: Some(200e6),
        ..Path::CLEAR
    };
    let (stories, lab) = Stories::lab(&both_ways(path));
    let pairs = [lab.pair(), lab.pair()];
    thread::scope(|scope| {
        for (index, (client, server)) in pairs.iter().enumerate() {
            for (way, (from, to)) in [(client, server), (server, client)].into_iter().enumerate() {
                let seed = (2 * index + way) as u64;
                scope.spawn(move || write_in_pieces(from, &noise(seed, 300_000), seed));
                scope.spawn(move || assert!(read_all(to) == noise(seed, 300_000)));
            }
        }
    });
    for index in 0..2 {
        let (how, _) = stories.end_of(index + 1);
        assert_eq!(how, Close::Fin);
        let story = stories.of(index + 1);
        let seed = 2 * index as u64;
        assert_eq!(story.opened, 1);
        assert!(story.up == noise(seed, 300_000));
        assert!(story.down == noise(seed + 1, 300_000));
        assert!(story.lost_up.is_empty() && story.lost_down.is_empty());
    }
}

#[test]
fn a_tap_tells_who_ended_a_connection() {
    let (stories, lab) = Stories::lab(&delayed(1));
    let (client, server) = lab.pair();
    drop(server);
    assert_eq!(read_all(&client), b"");
    drop(client);
    assert_eq!(stories.end_of(1), (Close::Fin, Side::Server));
    let (client, server) = lab.pair();
    set_socket_linger(&client, Some(Duration::ZERO)).unwrap();
    drop(client);
    assert_reset(&server);
    assert_eq!(stories.end_of(2), (Close::Reset, Side::Client));
    for (cut, how) in [
        (Cut::Reset, Close::Reset),
        (Cut::Silence, Close::Cut),
        (Cut::HalfOpen, Close::Cut),
    ] {
        let _pair = lab.pair();
        lab.relay.cut(cut).unwrap();
        let number = stories.0.lock().unwrap().len();
        assert_eq!(stories.end_of(number), (how, Side::Link));
    }
}

/// A link whose report tells what has come to it.
fn narrow(milliseconds: u64) -> Link {
    both_ways(Path {
        delay: Duration::from_millis(milliseconds),
        bandwidth: Some(8e6),
        ..Path::CLEAR
    })
}

#[test]
fn a_tap_shows_what_a_cut_takes_away() {
    let (stories, lab) = Stories::lab(&narrow(60_000));
    let (mut client, mut server) = lab.pair();
    client.write_all(b"under way").unwrap();
    server.write_all(b"as well").unwrap();
    wait_until(|| {
        let report = lab.relay.report().unwrap();
        (report.up.queue_max_bytes, report.down.queue_max_bytes) == (9, 7)
    });
    lab.relay.cut(Cut::Silence).unwrap();
    stories.end_of(1);
    let story = stories.of(1);
    let lost = (&story.lost_up[..], &story.lost_down[..]);
    assert_eq!(lost, (&b"under way"[..], &b"as well"[..]));
    assert!(story.up.is_empty() && story.down.is_empty());
}

#[test]
fn a_tap_shows_which_half_a_cut_within_a_message_takes_away() {
    let (stories, lab) = Stories::lab(&narrow(2_000));
    let (client, mut server) = lab.pair();
    server.write_all(b"0123456789").unwrap();
    wait_until(|| lab.relay.report().unwrap().down.queue_max_bytes == 10);
    lab.relay.cut(Cut::MidMessage).unwrap();
    assert_eq!(read_exactly(&client, 5), b"01234");
    assert_eq!(stories.end_of(1), (Close::Reset, Side::Link));
    let story = stories.of(1);
    let halves = (&story.down[..], &story.lost_down[..]);
    assert_eq!(halves, (&b"01234"[..], &b"56789"[..]));
}

#[test]
fn a_link_takes_another_shape_while_bytes_are_under_way() {
    let lab = Lab::new(&delayed(1));
    let (client, server) = lab.pair();
    let bytes = noise(11, 4 << 20);
    let shapes = [
        delayed(0),
        both_ways(Path {
            delay: Duration::from_millis(5),
            jitter: Duration::from_millis(4),
            law: JitterLaw::Exponential,
            bandwidth: Some(400e6),
            queue: 50_000,
            ..Path::CLEAR
        }),
        both_ways(Path {
            bandwidth: Some(80e6),
            ..Path::CLEAR
        }),
        delayed(20),
    ];
    thread::scope(|scope| {
        for (from, to) in [(&client, &server), (&server, &client)] {
            scope.spawn(|| write_in_pieces(from, &bytes, 5));
            scope.spawn(|| assert!(read_all(to) == bytes));
        }
        for (round, shape) in shapes.iter().cycle().take(16).enumerate() {
            let passed = (round as u64 + 1) * (200 << 10);
            wait_until(|| lab.relay.report().unwrap().up.bytes >= passed);
            lab.relay.shape(shape, round as u64).unwrap();
        }
    });
}

#[test]
fn what_waits_for_a_slow_link_need_not_once_it_is_fast() {
    // 8 kbit/s: the queue alone is a minute.
    let lab = Lab::new(&both_ways(Path {
        bandwidth: Some(8e3),
        ..Path::CLEAR
    }));
    let (client, server) = lab.pair();
    let bytes = noise(12, 60_000);
    let began = Instant::now();
    write_in_pieces(&client, &bytes, 3);
    lab.settle();
    lab.relay.shape(&delayed(10), 1).unwrap();
    assert!(read_all(&server) == bytes);
    assert!(began.elapsed() < Duration::from_secs(45));
    // And the other way round.
    lab.relay.shape(&delayed(200), 1).unwrap();
    lab.settle();
    let began = Instant::now();
    (&server).write_all(b"slow").unwrap();
    assert_eq!(read_exactly(&client, 4), b"slow");
    assert!(began.elapsed() >= Duration::from_millis(200));
}

#[test]
fn no_shape_harms_packets() {
    let lab = Lab::new(&delayed(1));
    let harmful = both_ways(Path {
        loss: 0.01,
        ..Path::CLEAR
    });
    let error = lab.relay.shape(&harmful, 1).unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Unsupported);
    assert!(error.to_string().contains("can't lose"), "{error}");
}

#[test]
fn without_a_cable_all_connections_are_reset_until_there_is_one() {
    let (stories, lab) = Stories::lab(&delayed(1));
    let (client, server) = lab.pair();
    lab.relay.unplug().unwrap();
    assert_reset(&client);
    assert_reset(&server);
    for _ in 0..3 {
        // Reset at once: connecting may still succeed, or have failed by then.
        if let Ok(client) = TcpStream::connect(lab.address) {
            client.set_read_timeout(Some(PATIENCE)).unwrap();
            assert_reset(&client);
        }
    }
    for number in 1..=4 {
        assert_eq!(stories.end_of(number), (Close::Reset, Side::Link));
        assert_eq!(stories.of(number).opened, 1);
    }
    lab.relay.plug().unwrap();
    lab.settle();
    let (mut client, server) = lab.pair();
    client.write_all(b"again").unwrap();
    assert_eq!(read_exactly(&server, 5), b"again");
}

fn wait_until(mut is: impl FnMut() -> bool) {
    let deadline = Instant::now() + PATIENCE;
    while !is() {
        assert!(Instant::now() < deadline, "never");
        thread::yield_now();
    }
}
