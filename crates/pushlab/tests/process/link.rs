//! `pushlab link` as a process: its ready line, its summary, its errors, and what it obeys on standard input.

use std::io::{BufReader, ErrorKind, Read, Write};
use std::net::{TcpListener, TcpStream};
use std::process::{Command, Stdio};
use std::time::{Duration, Instant};

use crate::common::{PATIENCE, Running, authority, http, outcome, pushlab};
use crate::usage::refused;
use rustix::process::Signal;
use serde_json::Value;

/// A link in front of a listener of ours, that takes orders.
struct Wire {
    server: TcpListener,
    link: Running,
    address: String,
}

impl Wire {
    fn new(flags: &[&str]) -> Self {
        let server = TcpListener::bind("127.0.0.1:0").unwrap();
        let to = server.local_addr().unwrap().to_string();
        let arguments = [&["link", "--to", &to, "--control"], flags].concat();
        let mut child = pushlab(&arguments).stdin(Stdio::piped()).spawn().unwrap();
        let lines = BufReader::new(child.stdout.take().unwrap());
        let mut link = Running { child, lines };
        let ready = link.json_line();
        assert_eq!(
            (&ready["ready"], &ready["to"]),
            (&"relay".into(), &to.into())
        );
        let address = ready["listen"].as_str().unwrap().to_owned();
        // The one that it looked with.
        server.accept().unwrap();
        Self {
            server,
            link,
            address,
        }
    }

    fn pair(&self) -> (TcpStream, TcpStream) {
        let client = TcpStream::connect(&self.address).unwrap();
        let (server, _) = self.server.accept().unwrap();
        for end in [&client, &server] {
            end.set_read_timeout(Some(PATIENCE)).unwrap();
        }
        (client, server)
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

fn pass(mut from: &TcpStream, mut to: &TcpStream, bytes: &[u8]) {
    from.write_all(bytes).unwrap();
    let mut got = vec![0; bytes.len()];
    to.read_exact(&mut got).unwrap();
    assert_eq!(got, bytes);
}

#[track_caller]
fn assert_reset(mut stream: &TcpStream) {
    let error = stream.read(&mut [0; 16]).unwrap_err();
    assert_eq!(error.kind(), ErrorKind::ConnectionReset);
}

#[test]
fn a_server_is_reached_through_it_and_the_summary_says_how() {
    let mut server = Running::start(&["serve", "request-response"]);
    let url = server.url();
    let to = authority(&url);
    let flags = ["--rtt", "30ms", "--bandwidth-down", "1Mbit/s"];
    let mut link = Running::start(&[&["link", "--to", to], &flags[..]].concat());
    let ready = link.json_line();
    assert_eq!(ready["to"], to);
    let listen = ready["listen"].as_str().unwrap();
    let began = Instant::now();
    let request = "GET /healthz HTTP/1.1\r\nHost: HOST\r\nConnection: close\r\n\r\n";
    assert!(http(listen, request).starts_with("HTTP/1.1 200"));
    // One round trip to connect, one for the request.
    assert!(began.elapsed() >= Duration::from_millis(60));
    link.signal(Signal::TERM);
    assert_eq!(link.wait().code(), Some(0));
    assert_eq!(
        link.line(),
        "",
        "nothing but the ready line on standard output"
    );
    let said = link.complaints();
    let lines: Vec<&str> = said.lines().collect();
    assert!(
        lines[0].starts_with("up: ") && lines[0].contains("delay p50 15"),
        "{said}"
    );
    assert!(lines[1].starts_with("down: "), "{said}");
    assert_eq!(lines.len(), 2, "{said}");
}

#[test]
fn its_report_counts_from_a_reset_on() {
    let mut wire = Wire::new(&["--delay-up", "20ms", "--set-up", "0"]);
    let (client, server) = wire.pair();
    pass(&client, &server, b"before");
    wire.tell("reset 0");
    // Answered after the reset was heard.
    wire.report();
    pass(&server, &client, b"after");
    let report = wire.report();
    assert_eq!(report["up"]["units"], 0);
    assert_eq!(report["up"]["delay"], Value::Null);
    assert_eq!(
        (&report["down"]["units"], &report["down"]["bytes"]),
        (&1.into(), &5.into())
    );
    pass(&client, &server, b"once more");
    let report = wire.report();
    let delay = report["up"]["delay"]["min_ns"].as_u64().unwrap();
    assert!(delay >= 19_900_000, "{report}");
    wire.link.signal(Signal::TERM);
    assert_eq!(wire.link.wait().code(), Some(0));
    assert_eq!(
        wire.link.complaints(),
        "",
        "who controls it asks for reports"
    );
}

#[test]
fn it_stalls_and_cuts_when_it_is_told() {
    let mut wire = Wire::new(&[]);
    let (client, server) = wire.pair();
    pass(&client, &server, b"hello");
    let began = Instant::now();
    wire.tell("stall 300");
    // Answered after the stall was heard.
    wire.report();
    pass(&client, &server, b"late");
    assert!(began.elapsed() >= Duration::from_millis(300));
    wire.tell("nonsense");
    wire.tell("cut mid-message");
    wire.report();
    (&server).write_all(b"whole").unwrap();
    let mut got = [0; 2];
    (&client).read_exact(&mut got).unwrap();
    assert_eq!(&got, b"wh");
    assert_reset(&client);
    let (client, server) = wire.pair();
    wire.tell("cut half-open");
    assert_reset(&client);
    let (client, other) = wire.pair();
    wire.tell("cut reset");
    assert_reset(&client);
    assert_reset(&other);
    // Of the half-open one the server still knows nothing.
    server
        .set_read_timeout(Some(Duration::from_millis(50)))
        .unwrap();
    let error = (&server).read(&mut [0; 16]).unwrap_err();
    assert_eq!(error.kind(), ErrorKind::WouldBlock);
}

#[test]
fn running_out_of_files_ends_it_with_a_reason() {
    let server = TcpListener::bind("127.0.0.1:0").unwrap();
    let to = server.local_addr().unwrap().to_string();
    let mut child = Command::new("sh")
        .args(["-c", "ulimit -n 40; exec \"$0\" link --to \"$1\""])
        .args([env!("CARGO_BIN_EXE_pushlab"), &to])
        .stdin(Stdio::null())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap();
    let lines = BufReader::new(child.stdout.take().unwrap());
    let mut link = Running { child, lines };
    let ready = link.json_line();
    let address = ready["listen"].as_str().unwrap();
    let clients: Vec<_> = (0..40).map(|_| TcpStream::connect(address)).collect();
    assert_eq!(link.wait().code(), Some(1));
    let said = link.complaints();
    assert!(
        said.contains("the link failed: no file is left") && said.contains("ulimit -n"),
        "{said}"
    );
    drop(clients);
}

#[test]
fn it_does_not_outlive_its_parent() {
    let (code, _, errors) = outcome(&["link", "--to", "127.0.0.1:1", "--die-with-parent", "1"]);
    assert_eq!(code, 1);
    assert!(
        errors.contains("the process that started this one has ended"),
        "{errors}"
    );
}

#[test]
fn wrong_use_is_named() {
    let link = |flags: &[&'static str]| [&["link", "--to", "127.0.0.1:1"], flags].concat();
    refused(&["link"], 2, &["--to <HOST:PORT>"]);
    refused(
        &["link", "--to", "8080"],
        2,
        &["--to 8080", "HOST:PORT is right"],
    );
    refused(
        &link(&["--listen", "x"]),
        2,
        &["--listen x", "HOST:PORT is right"],
    );
    refused(&link(&["--profile", "5g"]), 2, &["'5g'", "4g", "satellite"]);
    refused(
        &link(&["--rtt", "80"]),
        2,
        &["--rtt", "\"80\" is not a duration"],
    );
    refused(&link(&["--bandwidth", "10"]), 2, &["--bandwidth", "\"10\""]);
    refused(
        &link(&["--loss", "1%"]),
        2,
        &[
            "--loss: a relay passes on the bytes of a TCP stream",
            "--backend packets",
        ],
    );
    refused(&link(&["--jitter", "1ms"]), 2, &["more than the delay up"]);
    refused(&link(&["--spin", "2ms"]), 2, &["--spin", "at most 1ms"]);
    refused(&link(&["--pin", "1000"]), 2, &["CPU 1000 can't be used"]);
}

#[test]
fn a_server_that_is_not_there_and_a_port_that_is_taken_are_named() {
    let taken = TcpListener::bind("127.0.0.1:0").unwrap();
    let address = taken.local_addr().unwrap().to_string();
    refused(
        &["link", "--to", &address, "--listen", &address],
        1,
        &[
            &format!("can't listen on {address} for the link: Address already in use"),
            "--listen",
        ],
    );
    drop(taken);
    refused(
        &["link", "--to", &address],
        1,
        &[
            &format!("nothing answers at {address}: Connection refused"),
            "--to",
        ],
    );
}

#[test]
fn links_with_a_name_are_listed_with_their_sources() {
    let (code, text, _) = outcome(&["list", "links"]);
    assert_eq!(code, 0);
    assert!(
        text.contains("4g") && text.contains("WebPageTest"),
        "{text}"
    );
    let (_, json, _) = outcome(&["list", "links", "--json"]);
    let links: Value = serde_json::from_str(&json).unwrap();
    let dsl = links
        .as_array()
        .unwrap()
        .iter()
        .find(|link| link["name"] == "dsl")
        .unwrap();
    assert_eq!(
        (&dsl["up"]["delay_ms"], &dsl["up"]["bandwidth_bit_per_s"]),
        (&25.0.into(), &384e3.into())
    );
    let (_, json, _) = outcome(&["list", "--json"]);
    let all: Value = serde_json::from_str(&json).unwrap();
    assert_eq!(all["links"], links);
}
