//! The link of packets, made for real: namespaces, devices, and the kernel's own UDP and TCP. Needs root; without, each test says so and
//! passes.

use std::collections::HashMap;
use std::fs;
use std::io::{self, BufRead, BufReader, Read, Write};
use std::net::{SocketAddr, TcpListener, TcpStream, UdpSocket};
use std::os::unix::fs::MetadataExt;
use std::path::{Path as File, PathBuf};
use std::process::{Command, Stdio};
use std::sync::mpsc;
use std::thread::{self, JoinHandle};
use std::time::{Duration, Instant};

use link::packets::{self, CLIENT, MTU, Namespace, SERVER};
use link::{Cut, Handle, Packets, PacketsError};
use measure::LinkReport;
use rustix::thread::{CapabilitySet, CapabilitySets, capabilities, set_capabilities};
use scenario::{Backend, Link, Path};

/// How long anything may take here before it counts as hanging.
const PATIENCE: Duration = Duration::from_secs(30);

/// Bytes of the headers of IPv4 and UDP.
const UDP_HEADERS: usize = 28;

/// A link that runs in a thread of its own.
struct Running {
    handle: Handle,
    clients: PathBuf,
    server: PathBuf,
    forwarder: Option<JoinHandle<io::Result<()>>>,
}

impl Running {
    fn report(&self) -> LinkReport {
        self.handle.report().unwrap()
    }
}

impl Drop for Running {
    fn drop(&mut self) {
        self.handle.stop();
        let ended = self.forwarder.take().unwrap().join();
        assert!(thread::panicking() || ended.unwrap().is_ok());
    }
}

/// A link, or none and the reason printed.
fn link(up: Path, down: Path) -> Option<Running> {
    if let Err(error) = packets::check() {
        eprintln!("not run: {error}");
        return None;
    }
    let link = Link {
        backend: Backend::Packets,
        up,
        down,
        ..Link::default()
    };
    let (packets, handle) = Packets::new(&link, 7, packets::SPIN).unwrap();
    Some(Running {
        handle,
        clients: packets.clients().path().to_owned(),
        server: packets.server().path().to_owned(),
        forwarder: Some(thread::spawn(|| packets.run())),
    })
}

fn delayed(ms: u64) -> Path {
    Path {
        delay: Duration::from_millis(ms),
        ..Path::CLEAR
    }
}

/// A socket of the namespace, with a time limit.
fn udp(namespace: &File, address: impl Into<SocketAddr>) -> UdpSocket {
    let _there = Namespace::enter(namespace).unwrap();
    let socket = UdpSocket::bind(address.into()).unwrap();
    socket.set_read_timeout(Some(PATIENCE)).unwrap();
    socket
}

fn listener(link: &Running) -> TcpListener {
    let _there = Namespace::enter(&link.server).unwrap();
    TcpListener::bind((SERVER, 0)).unwrap()
}

/// A connection through the link: the client's end and the server's.
fn connection(link: &Running, listener: &TcpListener) -> [TcpStream; 2] {
    let _there = Namespace::enter(&link.clients).unwrap();
    let client = TcpStream::connect(listener.local_addr().unwrap()).unwrap();
    let server = listener.accept().unwrap().0;
    [client, server].map(|end| {
        end.set_nodelay(true).unwrap();
        end.set_read_timeout(Some(PATIENCE)).unwrap();
        end
    })
}

/// Nothing but a datagram that is sent back.
fn round_trip(near: &UdpSocket, far: &UdpSocket) -> Duration {
    let start = Instant::now();
    near.send_to(b"ping", far.local_addr().unwrap()).unwrap();
    let (_, from) = far.recv_from(&mut [0; 16]).unwrap();
    far.send_to(b"pong", from).unwrap();
    near.recv_from(&mut [0; 16]).unwrap();
    start.elapsed()
}

#[test]
fn a_round_trip_takes_both_delays_and_little_more() {
    let Some(link) = link(delayed(15), delayed(5)) else {
        return;
    };
    let (near, far) = (
        udp(&link.clients, (CLIENT, 0)),
        udp(&link.server, (SERVER, 0)),
    );
    let mut times: Vec<_> = (0..40).map(|_| round_trip(&near, &far)).collect();
    times.sort();
    let (least, median) = (times[0], times[times.len() / 2]);
    assert!(least >= Duration::from_millis(20), "{least:?}");
    assert!(median < Duration::from_millis(40), "{median:?}");
    let report = link.report();
    for (way, delay_ms) in [(report.up, 15), (report.down, 5)] {
        assert_eq!((way.units, way.bytes), (40, 40 * (UDP_HEADERS as u64 + 4)));
        let least = way.delay.unwrap().min_ns;
        // The histogram tells three digits apart.
        assert!(least as f64 >= delay_ms as f64 * 0.999e6, "{least}");
        assert_eq!(
            (way.lost, way.dropped, way.reordered, way.duplicated),
            (0, 0, 0, 0)
        );
    }
}

/// The receiver's numbers say the same as the link's counts, packet by packet.
#[test]
fn what_the_link_counts_is_what_the_receiver_misses() {
    const SENT: u32 = 5000;
    let up = Path {
        delay: Duration::from_millis(3),
        jitter: Duration::from_millis(1),
        loss: 0.05,
        reorder: 0.02,
        duplicate: 0.01,
        ..Path::CLEAR
    };
    let Some(link) = link(up, Path::CLEAR) else {
        return;
    };
    let (near, far) = (
        udp(&link.clients, (CLIENT, 0)),
        udp(&link.server, (SERVER, 0)),
    );
    let to = far.local_addr().unwrap();
    let (tell, told) = mpsc::channel();
    let receiver = thread::spawn(move || {
        let mut buffer = [0; 4];
        let mut numbers = Vec::new();
        loop {
            far.recv_from(&mut buffer).unwrap();
            let number = u32::from_be_bytes(buffer);
            // Its last are sent until one comes through.
            if number >= SENT {
                return numbers;
            }
            numbers.push(number);
            let _ = tell.send(());
        }
    });
    for number in 0..SENT {
        near.send_to(&number.to_be_bytes(), to).unwrap();
        // So few at once fit every buffer.
        if number % 50 == 49 {
            let _ = told.recv_timeout(Duration::from_millis(20));
            thread::sleep(Duration::from_millis(1));
        }
    }
    let deadline = Instant::now() + PATIENCE;
    let settled = loop {
        let up = link.report().up;
        if up.units + up.lost == u64::from(SENT) + up.duplicated {
            break up;
        }
        assert!(Instant::now() < deadline, "{up:?}");
        thread::yield_now();
    };
    while !receiver.is_finished() {
        near.send_to(&SENT.to_be_bytes(), to).unwrap();
        thread::sleep(Duration::from_millis(5));
    }
    let numbers = receiver.join().unwrap();
    let mut times = HashMap::new();
    for &number in &numbers {
        *times.entry(number).or_insert(0_u32) += 1;
    }
    assert_eq!(u64::from(SENT) - times.len() as u64, settled.lost);
    assert_eq!(numbers.len() as u64, settled.units);
    let twice = times.values().filter(|&&times| times == 2).count() as u64;
    assert_eq!(twice, settled.duplicated);
    assert_eq!(settled.dropped, 0);
    // Six standard errors of a binomial share.
    for (count, share) in [(settled.lost, 0.05), (settled.duplicated, 0.01 * 0.95)] {
        let error = 6.0 * (share * (1.0 - share) * f64::from(SENT)).sqrt();
        assert!(
            (count as f64 - share * f64::from(SENT)).abs() < error,
            "{settled:?}"
        );
    }
    // Jitter alone lets nothing overtake: every number that comes after a greater one does so because that one was let past.
    let greatest = numbers.iter().scan(0, |greatest, &number| {
        *greatest = number.max(*greatest);
        Some(*greatest)
    });
    let early = numbers
        .windows(2)
        .filter(|pair| pair[1] > pair[0] + 1)
        .count();
    assert!(settled.reordered > 0 && early > 0);
    assert!(
        greatest
            .zip(&numbers)
            .any(|(greatest, &number)| number < greatest)
    );
}

#[test]
fn a_transfer_arrives_whole_through_loss_disorder_and_copies() {
    const BYTES: usize = 2 << 20;
    let harmed = Path {
        delay: Duration::from_millis(2),
        loss: 0.05,
        reorder: 0.05,
        duplicate: 0.05,
        ..Path::CLEAR
    };
    let Some(link) = link(harmed, harmed) else {
        return;
    };
    let [mut client, mut server] = connection(&link, &listener(&link));
    let sent: Vec<u8> = (0..BYTES)
        .map(|place| ((place * 7919) >> 3) as u8)
        .collect();
    let expected = sent.clone();
    let sender = thread::spawn(move || {
        client.write_all(&sent).unwrap();
        client
    });
    let mut received = vec![0; BYTES];
    server.read_exact(&mut received).unwrap();
    let client = sender.join().unwrap();
    assert!(received == expected);
    drop(client);
    assert_eq!(server.read(&mut [0; 1]).unwrap(), 0, "nothing follows");
    let up = link.report().up;
    assert!(
        up.lost > 0 && up.duplicated > 0 && up.reordered > 0,
        "{up:?}"
    );
    // The kernel's own TCP sent again what was lost.
    assert!(up.units as usize > BYTES / MTU, "{up:?}");
}

#[test]
fn a_full_queue_drops_and_the_bandwidth_holds() {
    let up = Path {
        bandwidth: Some(8e6),
        queue: 20_000,
        ..Path::CLEAR
    };
    let Some(link) = link(up, Path::CLEAR) else {
        return;
    };
    let (near, far) = (
        udp(&link.clients, (CLIENT, 0)),
        udp(&link.server, (SERVER, 0)),
    );
    let to = far.local_addr().unwrap();
    // Far more than fits: 30 packets in 20,000 bytes.
    for _ in 0..30 {
        near.send_to(&[0; 972], to).unwrap();
    }
    let start = Instant::now();
    let deadline = start + PATIENCE;
    let up = loop {
        let up = link.report().up;
        if up.units + up.dropped == 30 {
            break up;
        }
        assert!(Instant::now() < deadline, "{up:?}");
        thread::yield_now();
    };
    // A packet is 1000 bytes: a millisecond each, and twenty of them fill the queue.
    assert!(up.dropped > 0 && up.units >= 20, "{up:?}");
    assert!((19_000..=20_000).contains(&up.queue_max_bytes), "{up:?}");
    assert!(up.busy_bit_per_s.unwrap() < 9e6, "{up:?}");
}

#[test]
fn nothing_passes_during_a_stall_and_all_of_it_after() {
    let Some(link) = link(delayed(1), delayed(1)) else {
        return;
    };
    let (near, far) = (
        udp(&link.clients, (CLIENT, 0)),
        udp(&link.server, (SERVER, 0)),
    );
    round_trip(&near, &far);
    let stall = Duration::from_millis(200);
    let start = Instant::now();
    link.handle.stall(stall).unwrap();
    round_trip(&near, &far);
    assert!(start.elapsed() >= stall, "{:?}", start.elapsed());
    assert_eq!(link.report().up.units, 2);
}

/// Whether what the client says comes to the server in time.
fn is_heard(ends: &mut [TcpStream; 2], time: Duration) -> io::Result<()> {
    let [client, server] = ends;
    client.write_all(b"hello")?;
    server.set_read_timeout(Some(time))?;
    server.read_exact(&mut [0; 5])
}

#[test]
fn a_silent_cut_ends_what_there_is_and_nothing_new() {
    let Some(link) = link(delayed(1), delayed(1)) else {
        return;
    };
    let listener = listener(&link);
    let mut old = connection(&link, &listener);
    is_heard(&mut old, PATIENCE).unwrap();
    link.handle.cut(Cut::Silence).unwrap();
    let silence = is_heard(&mut old, Duration::from_millis(300)).unwrap_err();
    assert_eq!(silence.kind(), io::ErrorKind::WouldBlock);
    let mut new = connection(&link, &listener);
    is_heard(&mut new, PATIENCE).unwrap();
    assert!(link.report().up.lost > 0);
}

#[test]
fn a_reset_reaches_both_ends_and_half_of_one_the_client_alone() {
    let Some(link) = link(delayed(1), delayed(1)) else {
        return;
    };
    let listener = listener(&link);
    for (cut, is_server_told) in [(Cut::Reset, true), (Cut::HalfOpen, false)] {
        for speaker in [0, 1] {
            let mut ends = connection(&link, &listener);
            is_heard(&mut ends, PATIENCE).unwrap();
            link.handle.cut(cut).unwrap();
            // It may have been told already, in answer to an acknowledgement that was under way.
            let mut said = [Ok(()), Ok(())];
            said[speaker] = ends[speaker].write_all(b"anyone?");
            let told = [true, is_server_told];
            for ((end, said), is_told) in ends.iter_mut().zip(said).zip(told) {
                if !is_told {
                    end.set_read_timeout(Some(Duration::from_millis(200)))
                        .unwrap();
                }
                let error = said.and_then(|()| end.read(&mut [0; 1])).unwrap_err();
                let is_reset = error.kind() == io::ErrorKind::ConnectionReset;
                assert_eq!(is_reset, is_told, "{cut:?} {speaker} {error}");
            }
        }
    }
    let impossible = link.handle.cut(Cut::MidMessage).unwrap_err().to_string();
    assert!(impossible.contains("mid-message"), "{impossible}");
}

#[test]
fn packets_keep_their_shape_and_their_cable() {
    let Some(link) = link(delayed(1), delayed(1)) else {
        return;
    };
    let handle = &link.handle;
    for refused in [
        handle.shape(&Link::default(), 1),
        handle.unplug(),
        handle.plug(),
    ] {
        let error = refused.unwrap_err();
        assert_eq!(error.kind(), io::ErrorKind::Unsupported);
        assert!(error.to_string().contains("a relay can"), "{error}");
    }
}

#[test]
fn counting_begins_when_it_is_told() {
    let Some(link) = link(Path::CLEAR, Path::CLEAR) else {
        return;
    };
    let (near, far) = (
        udp(&link.clients, (CLIENT, 0)),
        udp(&link.server, (SERVER, 0)),
    );
    round_trip(&near, &far);
    link.handle.reset(measure::now()).unwrap();
    assert_eq!(link.report().up.units, 0);
    round_trip(&near, &far);
    assert_eq!(link.report().up.units, 1);
}

fn inode(path: &File) -> u64 {
    fs::metadata(path).unwrap().ino()
}

#[test]
fn a_thread_that_was_in_a_namespace_is_home_again() {
    let Some(link) = link(Path::CLEAR, Path::CLEAR) else {
        return;
    };
    let own = File::new("/proc/thread-self/ns/net");
    let home = inode(own);
    let there = Namespace::enter(&link.server).unwrap();
    assert_eq!(inode(own), inode(&link.server));
    assert_ne!(inode(own), home);
    drop(there);
    assert_eq!(inode(own), home);
    let nowhere = Namespace::enter(File::new("/proc/self/ns/none")).unwrap_err();
    assert!(
        nowhere.to_string().contains("/proc/self/ns/none"),
        "{nowhere}"
    );
}

/// A namespace of our own stands for a machine whose settings someone has changed.
#[test]
fn the_settings_of_the_network_are_those_of_the_caller() {
    if packets::check().is_err() {
        return;
    }
    thread::spawn(|| {
        nix::sched::unshare(nix::sched::CloneFlags::CLONE_NEWNET).unwrap();
        let settings = [
            ("/proc/sys/net/ipv4/ip_local_port_range", "20000\t30000\n"),
            ("/proc/sys/net/core/somaxconn", "123\n"),
        ];
        for (path, value) in settings {
            fs::write(path, value).unwrap();
        }
        let link = link(Path::CLEAR, Path::CLEAR).unwrap();
        for namespace in [&link.clients, &link.server] {
            let _there = Namespace::enter(namespace).unwrap();
            for (path, value) in settings {
                assert_eq!(fs::read_to_string(path).unwrap(), value);
            }
        }
    })
    .join()
    .unwrap();
}

#[test]
fn a_missing_right_is_named() {
    if packets::check().is_err() {
        return;
    }
    thread::spawn(|| {
        let own = capabilities(None).unwrap();
        let effective = own.effective - CapabilitySet::NET_ADMIN;
        set_capabilities(None, CapabilitySets { effective, ..own }).unwrap();
        let refused = Packets::new(&Link::default(), 1, packets::SPIN).unwrap_err();
        assert!(matches!(refused, PacketsError::Forbidden("CAP_NET_ADMIN")));
        assert!(refused.to_string().contains("relay"));
    })
    .join()
    .unwrap();
}

/// Whether a thread of the machine is in the namespace, or a mount keeps it.
fn lives(namespace: u64) -> bool {
    let listed = |path: &File| fs::read_dir(path).into_iter().flatten().flatten();
    let tasks = listed(File::new("/proc")).flat_map(|process| listed(&process.path().join("task")));
    let mut namespaces = tasks.filter_map(|task| fs::metadata(task.path().join("ns/net")).ok());
    let mounts = fs::read_to_string("/proc/self/mountinfo").unwrap();
    namespaces.any(|found| found.ino() == namespace)
        || mounts.contains(&format!("net:[{namespace}]"))
}

/// What [`namespaces_end_with_their_process_however_it_ends`] kills.
#[test]
#[ignore = "a part of another test"]
fn hold_a_link() {
    let link = link(Path::CLEAR, Path::CLEAR).unwrap();
    for namespace in [&link.clients, &link.server] {
        println!("\nnamespace {}", namespace.display());
    }
    // Until the parent is gone, should it not kill us.
    let _ = io::stdin().read(&mut [0; 1]);
}

#[test]
fn namespaces_end_with_their_process_however_it_ends() {
    if packets::check().is_err() {
        return;
    }
    let mut child = Command::new(std::env::current_exe().unwrap())
        .args(["hold_a_link", "--exact", "--ignored", "--nocapture"])
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .spawn()
        .unwrap();
    let lines = BufReader::new(child.stdout.take().unwrap()).lines();
    let inodes: Vec<u64> = lines
        .map_while(Result::ok)
        .filter_map(|line| {
            line.strip_prefix("namespace ")
                .map(|path| inode(File::new(path)))
        })
        .take(2)
        .collect();
    assert_eq!(inodes.len(), 2);
    assert!(inodes.iter().all(|&namespace| lives(namespace)));
    child.kill().unwrap();
    child.wait().unwrap();
    assert!(!inodes.iter().any(|&namespace| lives(namespace)));
}
