//! `pushlab link --backend packets` as a process: its namespaces, with a server in one and a client in the other. Needs root; without, each test
//! says so and passes.

use std::io::{BufReader, Read, Write};
use std::net::{TcpListener, TcpStream};
use std::path::Path;
use std::process::Stdio;
use std::time::{Duration, Instant};

use crate::common::{PATIENCE, Running, authority, http, pushlab};
use crate::usage::refused;
use link::packets::{self, Namespace};
use rustix::process::Signal;
use serde_json::Value;

/// A link that takes orders, and its ready line.
struct Wire {
    link: Running,
    ready: Value,
}

impl Wire {
    /// None, and the reason printed, where there can't be one.
    fn new(flags: &[&str]) -> Option<Self> {
        if let Err(error) = packets::check() {
            eprintln!("not run: {error}");
            return None;
        }
        let arguments = [&["link", "--backend", "packets"], flags].concat();
        let mut child = pushlab(&arguments).stdin(Stdio::piped()).spawn().unwrap();
        let lines = BufReader::new(child.stdout.take().unwrap());
        let mut link = Running { child, lines };
        let ready = link.json_line();
        assert_eq!(ready["ready"], "packets");
        Some(Self { link, ready })
    }

    /// What `make` makes in the namespace of an end, `client` or `server`.
    fn at<T>(&self, end: &str, make: impl FnOnce(&str) -> T) -> T {
        let text = |what: &str| self.ready[format!("{end}_{what}")].as_str().unwrap();
        let _there = Namespace::enter(Path::new(text("namespace"))).unwrap();
        make(text("address"))
    }

    fn tell(&mut self, line: &str) {
        let input = self.link.child.stdin.as_mut().unwrap();
        writeln!(input, "{line}").unwrap();
    }

    fn report(&mut self) -> Value {
        self.tell("report 0");
        let line = self.link.line();
        serde_json::from_str(line.strip_prefix("link ").unwrap()).unwrap()
    }
}

#[test]
fn a_server_at_one_end_is_reached_from_the_other() {
    let Some(mut wire) = Wire::new(&["--rtt", "40ms"]) else {
        return;
    };
    let start = |address: &str| {
        Running::start(&[
            "serve",
            "request-response",
            "--listen",
            &format!("{address}:0"),
        ])
    };
    let mut server = wire.at("server", start);
    let url = server.url();
    let request = "GET /healthz HTTP/1.1\r\nHost: HOST\r\nConnection: close\r\n\r\n";
    let began = Instant::now();
    let answer = wire.at("client", |_| http(authority(&url), request));
    assert!(answer.starts_with("HTTP/1.1 200"), "{answer}");
    // One round trip of the kernel's to connect, one for the request.
    assert!(began.elapsed() >= Duration::from_millis(80));
    wire.link.signal(Signal::TERM);
    assert_eq!(wire.link.wait().code(), Some(0));
    let said = wire.link.complaints();
    let lines: Vec<&str> = said.lines().collect();
    assert_eq!(lines.len(), 2, "{said}");
    assert!(
        lines[0].starts_with("up: ") && lines[1].starts_with("down: "),
        "{said}"
    );
}

#[test]
fn it_reports_and_obeys_and_says_what_it_cant_do() {
    let Some(mut wire) = Wire::new(&["--control"]) else {
        return;
    };
    let listener = wire.at("server", |address| TcpListener::bind((address, 0)).unwrap());
    let to = listener.local_addr().unwrap();
    let connect = |_: &str| TcpStream::connect(to).unwrap();
    let mut client = wire.at("client", connect);
    let (mut server, _) = listener.accept().unwrap();
    client.set_read_timeout(Some(PATIENCE)).unwrap();
    let began = Instant::now();
    wire.tell("stall 200");
    // Answered after the stall was heard.
    let report = wire.report();
    // The handshake: SYN and ACK up, SYN and ACK in one down.
    assert_eq!(
        (&report["up"]["units"], &report["down"]["units"]),
        (&2.into(), &1.into())
    );
    server.write_all(b"late").unwrap();
    client.read_exact(&mut [0; 4]).unwrap();
    assert!(began.elapsed() >= Duration::from_millis(200));
    wire.tell("cut mid-message");
    wire.tell("cut reset");
    wire.report();
    // Unless the server has been told already, in answer to an acknowledgement of the client's that was under way, and the client with it.
    let _ = server.write_all(b"lost");
    let error = client.read(&mut [0; 4]).unwrap_err();
    assert_eq!(error.kind(), std::io::ErrorKind::ConnectionReset);
    wire.at("client", connect);
    wire.link.signal(Signal::TERM);
    assert_eq!(wire.link.wait().code(), Some(0));
    let said = wire.link.complaints();
    assert!(
        said.contains("cut mid-message") && said.contains("half-open"),
        "{said}"
    );
}

#[test]
fn a_relays_addresses_are_refused() {
    let link = |flags: &[&'static str]| [&["link", "--backend", "packets"], flags].concat();
    for flag in ["--to", "--listen"] {
        refused(
            &link(&[flag, "127.0.0.1:1"]),
            2,
            &[flag, "neither listens nor connects"],
        );
    }
    refused(&link(&["--set-up", "2"]), 2, &["kernel's own handshake"]);
}
