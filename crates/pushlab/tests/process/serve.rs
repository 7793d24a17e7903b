//! `pushlab serve` as a process: ready lines, ports, drain, limits.

use std::net::{TcpListener, TcpStream};

use crate::common::{Running, authority, http, outcome, until};
use rustix::process::Signal;

const HEALTH: &str = "GET /healthz HTTP/1.1\r\nHost: HOST\r\nConnection: close\r\n\r\n";

#[test]
fn the_ready_line_is_printed_once_it_accepts() {
    let mut server = Running::start(&["serve", "long-poll"]);
    let ready = server.json_line();
    assert_eq!(ready["transport"], "long-poll");
    let url = ready["url"].as_str().unwrap();
    assert!(url.starts_with("http://127.0.0.1:"), "{url}");
    assert!(http(authority(url), HEALTH).starts_with("HTTP/1.1 200"));
    server.signal(Signal::TERM);
    assert_eq!(server.wait().code(), Some(0));
    assert_eq!(server.complaints(), "");
}

#[test]
fn without_keep_alive_an_answer_is_the_last_of_its_connection() {
    let mut server = Running::start(&["serve", "long-poll", "--no-keep-alive"]);
    let url = server.url();
    // It is read to its end, which this request doesn't ask for.
    let answer = http(
        authority(&url),
        "GET /healthz HTTP/1.1\r\nHost: HOST\r\n\r\n",
    );
    assert!(answer.starts_with("HTTP/1.1 200"), "{answer}");
    assert!(answer.contains("connection: close\r\n"), "{answer}");
}

#[test]
fn all_transports_share_one_hub_and_one_process() {
    let mut server = Running::start(&["serve", "--all", "--threads", "2"]);
    let lines: Vec<_> = (0..8).map(|_| server.json_line()).collect();
    let names: Vec<_> = lines
        .iter()
        .map(|line| line["transport"].as_str().unwrap())
        .collect();
    assert_eq!(
        names,
        [
            "tcp",
            "request-response",
            "long-poll",
            "sse",
            "websocket",
            "socket-io",
            "socket-io-polling",
            "socket-io-websocket"
        ]
    );
    for line in &lines[1..] {
        let url = line["url"].as_str().unwrap();
        assert!(
            http(authority(url), HEALTH).starts_with("HTTP/1.1 200"),
            "{url}"
        );
    }
    for (line, start) in [
        (0, "tcp://127.0.0.1:"),
        (4, "ws://127.0.0.1:"),
        (5, "http://127.0.0.1:"),
    ] {
        let url = lines[line]["url"].as_str().unwrap();
        assert!(url.starts_with(start), "{url}");
    }
    // A session that one server opened is known to the other.
    let open =
        "POST /session HTTP/1.1\r\nHost: HOST\r\nConnection: close\r\nContent-Length: 0\r\n\r\n";
    let answer = http(authority(lines[1]["url"].as_str().unwrap()), open);
    let body = answer.split_once("\r\n\r\n").unwrap().1;
    let welcome: serde_json::Value =
        serde_json::from_str(body).unwrap_or_else(|error| panic!("{error}: {answer}"));
    let token = welcome["token"].as_str().unwrap();
    let close = format!(
        "DELETE /session HTTP/1.1\r\nHost: HOST\r\nConnection: close\r\nAuthorization: Bearer {token}\r\n\r\n"
    );
    let answer = http(authority(lines[2]["url"].as_str().unwrap()), &close);
    assert!(answer.starts_with("HTTP/1.1 204"), "{answer}");
    server.signal(Signal::INT);
    assert_eq!(server.wait().code(), Some(0));
}

#[test]
fn ports_follow_on() {
    // Four ports in a row that are free now; another test may take one before the server does, so try again.
    for _ in 0..20 {
        let probe = TcpListener::bind("127.0.0.1:0").unwrap();
        let port = probe.local_addr().unwrap().port();
        drop(probe);
        if port > u16::MAX - 3 {
            continue;
        }
        let listen = format!("127.0.0.1:{port}");
        let mut server = Running::start(&["serve", "--all", "--listen", &listen]);
        let line = server.line();
        if line.is_empty() {
            continue;
        }
        assert!(line.contains(&format!(":{port}")), "{line}");
        for step in 1..4 {
            let url = server.url();
            assert_eq!(authority(&url), format!("127.0.0.1:{}", port + step));
        }
        return;
    }
    panic!("no four free ports in a row in 20 attempts");
}

#[test]
fn a_port_in_use_is_named() {
    let taken = TcpListener::bind("127.0.0.1:0").unwrap();
    let address = taken.local_addr().unwrap().to_string();
    let (code, out, errors) = outcome(&["serve", "websocket", "--listen", &address]);
    assert_eq!((code, out.as_str()), (1, ""));
    let says = format!(
        "pushlab: can't listen on {address} for websocket: Address already in use (os error 98); choose another port"
    );
    assert!(errors.starts_with(&says), "{errors}");
}

#[test]
fn another_server_on_the_port_is_noticed_too() {
    let mut first = Running::start(&["serve", "websocket"]);
    let url = first.url();
    let (code, _, errors) = outcome(&["serve", "websocket", "--listen", authority(&url)]);
    assert_eq!(code, 1, "{errors}");
    assert!(errors.contains("already in use"), "{errors}");
}

#[test]
fn a_drain_is_told_and_ends_with_0() {
    let mut server = Running::start(&["serve", "request-response", "--drain-notice", "2s"]);
    let url = server.url();
    server.signal(Signal::TERM);
    until("503 while draining", || {
        http(authority(&url), HEALTH).starts_with("HTTP/1.1 503")
    });
    assert_eq!(server.wait().code(), Some(0));
    assert!(TcpStream::connect(authority(&url)).is_err());
}

#[test]
fn a_second_signal_ends_it_at_once() {
    let mut server = Running::start(&["serve", "request-response", "--drain-notice", "1h"]);
    let url = server.url();
    server.signal(Signal::TERM);
    until("503 while draining", || {
        http(authority(&url), HEALTH).starts_with("HTTP/1.1 503")
    });
    server.signal(Signal::INT);
    assert_eq!(server.wait().code(), Some(130));
}

#[test]
fn a_warning_says_what_a_public_address_means() {
    let mut server = Running::start(&["serve", "request-response", "--listen", "0.0.0.0:0"]);
    let url = server.url();
    assert!(url.contains("0.0.0.0"), "{url}");
    server.signal(Signal::TERM);
    assert_eq!(server.wait().code(), Some(0));
    assert!(server.complaints().contains("is not a loopback address"));
}

#[test]
fn connections_beyond_the_limit_are_refused() {
    let mut server = Running::start(&["serve", "request-response", "--max-connections", "1"]);
    let url = server.url();
    let held = TcpStream::connect(authority(&url)).unwrap();
    until("429", || {
        http(authority(&url), HEALTH).starts_with("HTTP/1.1 429")
    });
    drop(held);
    until("200 again", || {
        http(authority(&url), HEALTH).starts_with("HTTP/1.1 200")
    });
}
