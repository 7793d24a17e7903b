//! RFC 6455 at the echo: frames, fragments, control frames, and the close code for each thing done wrong.

mod rig;

use std::time::{Duration, Instant};

use rig::{BINARY, CLOSE, CONTINUATION, FIN, PING, PONG, Peer, Rig, TEXT, frame, run, unmasked};
use transport::Config;

#[test]
fn every_message_comes_back_as_it_was() {
    run(async {
        let rig = Rig::start();
        let mut peer = rig.echo().await;
        for length in [0, 1, 125, 126, 127, 65_535, 65_536, 200_000, 1 << 20] {
            for opcode in [TEXT, BINARY] {
                let payload = vec![b'0' + opcode; length];
                peer.send(opcode, &payload).await;
                assert_eq!(
                    peer.receive().await,
                    Some((FIN | opcode, payload)),
                    "{length}"
                );
            }
        }
    });
}

#[test]
fn fragments_are_put_together_and_control_frames_may_come_between() {
    run(async {
        let rig = Rig::start();
        let mut peer = rig.echo().await;
        let mut bytes = frame(TEXT, "h\u{e9}".as_bytes().split_at(2).0);
        bytes.extend(frame(FIN | PING, b"one"));
        bytes.extend(frame(CONTINUATION, "\u{e9}llo".as_bytes().split_at(1).1));
        bytes.extend(frame(FIN | PING, b""));
        bytes.extend(frame(FIN | PONG, b"nobody asked"));
        bytes.extend(frame(CONTINUATION, b""));
        bytes.extend(frame(FIN | CONTINUATION, b"!"));
        for step in [bytes.len(), 1, 7] {
            for piece in bytes.chunks(step) {
                peer.write(piece).await;
                tokio::task::yield_now().await;
            }
            assert_eq!(peer.receive().await, Some((FIN | PONG, b"one".to_vec())));
            assert_eq!(peer.receive().await, Some((FIN | PONG, Vec::new())));
            assert_eq!(
                peer.receive().await,
                Some((FIN | TEXT, "h\u{e9}llo!".into()))
            );
        }
    });
}

#[test]
fn a_burst_is_answered_whole_and_in_order() {
    run(async {
        let rig = Rig::start();
        let mut peer = rig.echo().await;
        let burst: Vec<u8> = (0..5000_u32)
            .flat_map(|n| frame(FIN | BINARY, &n.to_be_bytes()))
            .collect();
        peer.write(&burst).await;
        for n in 0..5000_u32 {
            assert_eq!(
                peer.receive().await,
                Some((FIN | BINARY, n.to_be_bytes().to_vec()))
            );
        }
    });
}

#[test]
fn each_violation_has_its_close_code() {
    run(async {
        let config = Config {
            max_message: 1000,
            ..Config::default()
        };
        let rig = Rig::with(&hub::Limits::default(), config);
        for (what, bytes, code) in violations() {
            for path in ["/echo", "/ws"] {
                let mut peer = Peer::dial(rig.address, path, "", None).await;
                peer.write(&bytes).await;
                let (found, reason) = peer.closed().await;
                assert_eq!(found, code, "{path}: {what}: {reason}");
                assert!(!reason.is_empty(), "{what}");
                peer.ended().await;
            }
        }
        rig.until_unconnected().await;
    });
}

/// What a peer may do wrong, where a message may have 1,000 bytes, and the code it is told.
#[rustfmt::skip]
fn violations() -> Vec<(&'static str, Vec<u8>, u16)> {
    let two = |one: Vec<u8>, other: Vec<u8>| [one, other].concat();
    vec![
        ("no mask", unmasked(FIN | TEXT, b"x"), 1002),
        ("RSV1", frame(FIN | 0x40 | TEXT, b"x"), 1002),
        ("RSV2", frame(FIN | 0x20 | TEXT, b"x"), 1002),
        ("RSV3", frame(FIN | 0x10 | PING, b"x"), 1002),
        ("opcode 3", frame(FIN | 0x3, b"x"), 1002),
        ("opcode 7", frame(FIN | 0x7, b""), 1002),
        ("opcode 11", frame(FIN | 0xB, b""), 1002),
        ("opcode 15", frame(FIN | 0xF, b"x"), 1002),
        ("a fragmented ping", frame(PING, b"x"), 1002),
        ("a fragmented close", frame(CLOSE, b""), 1002),
        ("a long ping", frame(FIN | PING, &[b'x'; 126]), 1002),
        ("a long close", frame(FIN | CLOSE, &[b'x'; 126]), 1002),
        ("a continuation of nothing", frame(FIN | CONTINUATION, b"x"), 1002),
        ("an open continuation of nothing", frame(CONTINUATION, b"x"), 1002),
        ("a message within a message", two(frame(TEXT, b"x"), frame(FIN | TEXT, b"y")), 1002),
        ("a length in too many bytes", vec![0x81, 0xFE, 0, 5, 0, 0, 0, 0], 1002),
        ("a close of one byte", frame(FIN | CLOSE, b"x"), 1002),
        ("close code 0", frame(FIN | CLOSE, &[0, 0]), 1002),
        ("close code 1004", frame(FIN | CLOSE, &1004_u16.to_be_bytes()), 1002),
        ("close code 1005", frame(FIN | CLOSE, &1005_u16.to_be_bytes()), 1002),
        ("close code 1006", frame(FIN | CLOSE, &1006_u16.to_be_bytes()), 1002),
        ("close code 1015", frame(FIN | CLOSE, &1015_u16.to_be_bytes()), 1002),
        ("close code 5000", frame(FIN | CLOSE, &5000_u16.to_be_bytes()), 1002),
        ("a reason that isn't UTF-8", frame(FIN | CLOSE, &[3, 0xE8, 0xFF, 0xFE]), 1007),
        ("text that isn't UTF-8", frame(FIN | TEXT, &[0xCE, 0xBA, 0xFF]), 1007),
        ("a surrogate", frame(FIN | TEXT, &[0xED, 0xA0, 0x80]), 1007),
        ("half a character", frame(FIN | TEXT, &[0xF0, 0x9F, 0x98]), 1007),
        ("a character cut wrong", two(frame(TEXT, &[0xF0, 0x9F]), frame(FIN | CONTINUATION, b"x")), 1007),
        ("a first fragment that isn't UTF-8", frame(TEXT, &[0xFF]), 1007),
        ("half a frame that isn't UTF-8", frame(FIN | TEXT, &[0xFF; 9])[..8].to_vec(), 1007),
        ("a large frame", frame(FIN | BINARY, &[0; 1001]), 1009),
        ("a large message", two(frame(BINARY, &[0; 600]), frame(FIN | CONTINUATION, &[0; 600])), 1009),
        ("a large promise", vec![0x82, 0xFF, 0x7F, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0, 0, 0, 0], 1009),
    ]
}

#[test]
fn messages_before_a_violation_are_answered() {
    run(async {
        let rig = Rig::start();
        let mut peer = rig.echo().await;
        let bytes = [
            frame(FIN | TEXT, b"good"),
            frame(FIN | 0x3, b"bad"),
            frame(FIN | TEXT, b"late"),
        ]
        .concat();
        peer.write(&bytes).await;
        assert_eq!(peer.receive().await, Some((FIN | TEXT, b"good".to_vec())));
        assert_eq!(peer.closed().await.0, 1002);
        peer.ended().await;
    });
}

#[test]
fn a_close_is_answered_with_its_code_and_the_server_ends_the_connection() {
    run(async {
        let rig = Rig::start();
        for code in [1000, 1001, 1003, 1011, 1014, 3000, 4999_u16] {
            let mut peer = rig.echo().await;
            peer.send(CLOSE, &[&code.to_be_bytes()[..], b"bye"].concat())
                .await;
            assert_eq!(peer.closed().await.0, code);
            peer.ended().await;
        }
        let mut peer = rig.echo().await;
        peer.send(CLOSE, b"").await;
        assert_eq!(
            peer.closed().await.0,
            1005,
            "a close without a code is answered by one"
        );
        peer.ended().await;
        rig.until_unconnected().await;
    });
}

#[test]
fn a_peer_that_sends_on_after_a_violation_still_reads_the_close_frame() {
    run(async {
        let rig = Rig::with(
            &hub::Limits::default(),
            Config {
                max_message: 1000,
                ..Config::default()
            },
        );
        let mut peer = rig.echo().await;
        // The connection would be reset if these bytes stayed unread.
        peer.write(&frame(FIN | BINARY, &vec![0; 3 << 20])).await;
        assert_eq!(peer.closed().await.0, 1009);
        peer.ended().await;
    });
}

#[test]
fn a_peer_is_pinged_and_one_that_stays_silent_is_dropped() {
    run(async {
        let config = Config {
            ping_interval: Duration::from_millis(80),
            ping_timeout: Duration::from_millis(160),
            ..Config::default()
        };
        let rig = Rig::with(&hub::Limits::default(), config);
        let (mut silent, mut alive) = (rig.echo().await, rig.echo().await);
        let (mut silent_ws, _) = rig.ws().await;
        let begin = Instant::now();
        let mut pings = 0;
        while begin.elapsed() < Duration::from_millis(700) {
            if let (0x89, payload) = alive.receive().await.unwrap() {
                pings += 1;
                alive.send(PONG, &payload).await;
            }
        }
        assert!(pings >= 4, "{pings} pings");
        alive.command("still here").await;
        while alive.receive().await.unwrap().0 != FIN | TEXT {}
        for peer in [&mut silent, &mut silent_ws] {
            while let Some((first, _)) = peer.receive().await {
                assert_eq!(first, FIN | PING);
            }
        }
        rig::until(|| rig.connections.load(std::sync::atomic::Ordering::Relaxed) == 1).await;
    });
}

#[test]
fn an_echo_that_is_not_taken_stops_the_reading_and_loses_nothing() {
    run(async {
        let rig = Rig::start();
        let mut peer = Peer::dial(rig.address, "/echo", "", Some(4096)).await;
        let message = vec![7; 60_000];
        let one = frame(FIN | BINARY, &message);
        let mut sent = 0;
        // Until the kernel's buffers at both ends are full.
        while let Ok(written) =
            tokio::time::timeout(Duration::from_millis(300), peer.stream.writable()).await
        {
            written.unwrap();
            let at = sent % one.len();
            match peer.stream.try_write(&one[at..]) {
                Ok(written) => sent += written,
                Err(error) => assert_eq!(error.kind(), std::io::ErrorKind::WouldBlock),
            }
            assert!(sent < 64 << 20, "the server takes in without end");
        }
        for _ in 0..sent / one.len() {
            assert_eq!(peer.receive().await, Some((FIN | BINARY, message.clone())));
        }
    });
}
