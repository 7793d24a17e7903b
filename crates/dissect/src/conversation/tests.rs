//! Conversations as they stand in RFCs, in any pieces; and what is no conversation at all.

use proptest::prelude::*;
use serde_json::{Value, json};

use super::*;
use crate::message::Part;
use crate::{Counts, Frame};

/// What each side says, in turn.
type Turns = Vec<(Way, Vec<u8>)>;

fn turns(said: &[(Way, &str)]) -> Turns {
    said.iter()
        .map(|(way, text)| (*way, text.as_bytes().to_vec()))
        .collect()
}

/// The messages of turns that come in one piece each; the clock is how many pieces there were.
fn messages(turns: &Turns) -> Vec<Message> {
    pieces(turns.iter().map(|(way, bytes)| (*way, &bytes[..])))
}

fn pieces<'a>(pieces: impl Iterator<Item = (Way, &'a [u8])>) -> Vec<Message> {
    let mut conversation = Conversation::new();
    let mut messages = Vec::new();
    for (number, (way, bytes)) in (1..).zip(pieces) {
        conversation.feed(
            way,
            1000 * number,
            1000 * number + 500,
            bytes,
            &mut messages,
        );
    }
    conversation.end(&mut messages);
    messages
}

/// Kind, title, payload, overhead, exchange.
fn brief(messages: &[Message]) -> Vec<(Kind, &str, u64, u64, u64)> {
    let of = |message: &'_ Message| {
        (
            message.kind,
            message.payload,
            message.overhead,
            message.exchange,
        )
    };
    messages
        .iter()
        .map(|message| {
            let (kind, payload, overhead, exchange) = of(message);
            (kind, message.title.as_str(), payload, overhead, exchange)
        })
        .collect()
}

fn text(part: &Part) -> &str {
    part.text.as_deref().unwrap_or_default()
}

/// A frame, masked as a client's are.
fn masked(first: u8, payload: &[u8]) -> Vec<u8> {
    const MASK: [u8; 4] = [0x37, 0xfa, 0x21, 0x3d];
    let mut frame = head(first, 0x80, payload.len());
    frame.extend(MASK);
    frame.extend(payload.iter().zip(MASK.iter().cycle()).map(|(a, b)| a ^ b));
    frame
}

fn unmasked(first: u8, payload: &[u8]) -> Vec<u8> {
    let mut frame = head(first, 0, payload.len());
    frame.extend(payload);
    frame
}

fn head(first: u8, mask: u8, length: usize) -> Vec<u8> {
    match length {
        0..126 => vec![first, mask | length as u8],
        126..=0xffff => [&[first, mask | 0x7e][..], &(length as u16).to_be_bytes()].concat(),
        _ => [&[first, mask | 0x7f][..], &(length as u64).to_be_bytes()].concat(),
    }
}

fn chunk(payload: &str) -> String {
    format!("{:x}\r\n{payload}\r\n", payload.len())
}

const ASK: &str = "GET /events?after=3 HTTP/1.1\r\nHost: x\r\n\r\n";
const UPGRADE: &str =
    "GET /ws HTTP/1.1\r\nHost: x\r\nConnection: keep-alive, Upgrade\r\nUpgrade: websocket\r\n\r\n";
const SWITCHED: &str =
    "HTTP/1.1 101 Switching Protocols\r\nConnection: Upgrade\r\nUpgrade: WebSocket\r\n\r\n";
const STREAM: &str =
    "HTTP/1.1 200 OK\r\nContent-Type: text/event-stream\r\nTransfer-Encoding: chunked\r\n\r\n";

#[test]
fn a_request_and_its_response_with_every_part() {
    let said = turns(&[
        (
            Way::Up,
            "POST /commands HTTP/1.1\r\nHost: x\r\nContent-Length: 5\r\n\r\nhello",
        ),
        (
            Way::Down,
            "HTTP/1.1 202 Accepted\r\nContent-Length: 2\r\n\r\nok",
        ),
    ]);
    let messages = messages(&said);
    assert_eq!(
        brief(&messages),
        [
            (Kind::Request, "POST /commands", 5, 55, 1),
            (Kind::Response, "202", 2, 44, 1)
        ]
    );
    assert_eq!(
        serde_json::to_value(&messages[0]).unwrap(),
        json!({
            "exchange": 1, "way": "up", "sent_us": 1.0, "arrived_us": 1.5,
            "kind": "request", "title": "POST /commands", "payload": 5, "overhead": 55,
            "useless": false, "preflight": false, "cut": false,
            "parts": [
                {"role": "start-line", "text": "POST /commands HTTP/1.1\r\n"},
                {"role": "header", "text": "Host: x\r\n"},
                {"role": "header", "text": "Content-Length: 5\r\n\r\n"},
                {"role": "payload", "text": "hello"},
            ],
        })
    );
    let response = serde_json::to_value(&messages[1]).unwrap();
    assert_eq!(response["status"], 202);
    assert_eq!(response["continues"], Value::Null);
}

#[test]
fn a_time_is_exact_to_the_nanosecond() {
    let mut messages = Vec::new();
    let mut conversation = Conversation::new();
    let (sent, arrived) = (8_640_000_123_456_789, 8_640_000_123_456_790);
    conversation.feed(Way::Up, sent, arrived, ASK.as_bytes(), &mut messages);
    let text = serde_json::to_string(&messages[0]).unwrap();
    assert!(
        text.contains(r#""sent_us":8640000123456.789,"arrived_us":8640000123456.79,"#),
        "{text}"
    );
}

#[test]
fn a_message_takes_from_its_first_byte_to_its_last() {
    let said = turns(&[
        (Way::Up, "GET / HT"),
        (Way::Up, "TP/1.1\r\n"),
        (Way::Up, "\r\n"),
    ]);
    let messages = messages(&said);
    assert_eq!((messages[0].sent, messages[0].arrived), (1000, 3500));
}

#[test]
fn what_brought_nothing_is_useless() {
    let poll = "GET /socket.io/?EIO=4&transport=polling&sid=x HTTP/1.1\r\n\r\n";
    let post = "POST /x HTTP/1.1\r\nContent-Length: 0\r\n\r\n";
    let packets = |packets: &str| {
        format!(
            "HTTP/1.1 200 OK\r\nContent-Length: {}\r\n\r\n{packets}",
            packets.len()
        )
    };
    for (request, response, useless) in [
        (ASK, "HTTP/1.1 204 No Content\r\n\r\n".into(), true),
        (
            ASK,
            "HTTP/1.1 304 Not Modified\r\nContent-Length: 9\r\n\r\n".into(),
            true,
        ),
        (ASK, packets("{}"), false),
        (ASK, packets("2"), false),
        (post, "HTTP/1.1 204 No Content\r\n\r\n".into(), false),
        (poll, packets("2"), true),
        (poll, packets("6"), true),
        (poll, packets("2\u{1e}6"), true),
        (poll, packets("2\u{1e}42[\"event\"]"), false),
        (poll, packets("3probe"), false),
    ] {
        let said = turns(&[(Way::Up, request), (Way::Down, &response)]);
        let messages = messages(&said);
        assert_eq!(messages.len(), 2, "{response}");
        assert_eq!(
            (messages[0].useless, messages[1].useless),
            (false, useless),
            "{request}{response}"
        );
    }
}

#[test]
fn a_preflight_and_its_answer_are_marked() {
    let said = turns(&[
        (
            Way::Up,
            "OPTIONS /commands HTTP/1.1\r\nAccess-Control-Request-Method: POST\r\n\r\n",
        ),
        (Way::Down, "HTTP/1.1 204 No Content\r\n\r\n"),
        (Way::Up, "OPTIONS * HTTP/1.1\r\n\r\n"),
        (Way::Down, "HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n"),
    ]);
    let marks: Vec<bool> = messages(&said).iter().map(|one| one.preflight).collect();
    assert_eq!(marks, [true, true, false, false]);
}

#[test]
fn responses_answer_requests_in_order() {
    let said = turns(&[
        (Way::Up, &ASK.repeat(3)),
        (
            Way::Down,
            "HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 200 OK\r\nContent-Length: 1\r\n\r\na\
             HTTP/1.1 204 No Content\r\n\r\n",
        ),
        (Way::Down, "HTTP/1.1 500 Oh\r\n\r\nuntil the end"),
        (Way::Down, " of it"),
    ]);
    let messages = messages(&said);
    let exchanges: Vec<u64> = messages.iter().map(|message| message.exchange).collect();
    assert_eq!(exchanges, [1, 2, 3, 1, 1, 2, 3]);
    let last = messages.last().unwrap();
    assert_eq!((last.title.as_str(), last.payload), ("500", 19));
}

#[test]
fn heads_without_a_body_have_none_whatever_they_say() {
    let said = turns(&[
        (Way::Up, "HEAD / HTTP/1.1\r\n\r\n"),
        (Way::Down, "HTTP/1.1 200 OK\r\nContent-Length: 70\r\n\r\n"),
        (Way::Up, ASK),
        (Way::Down, "HTTP/1.1 200 OK\r\nContent-Length: 1\r\n\r\na"),
    ]);
    let messages = messages(&said);
    assert_eq!(messages.len(), 4);
    assert_eq!((messages[1].payload, messages[3].payload), (0, 1));
}

#[test]
fn chunks_are_framing() {
    let body = "5;name=\"v\"\r\nhello\r\n1\r\n!\r\n0\r\nTrailer: x\r\n\r\n";
    let response = format!("HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n{body}");
    let said = turns(&[(Way::Up, ASK), (Way::Down, &response), (Way::Up, ASK)]);
    let messages = messages(&said);
    assert_eq!(messages.len(), 3);
    assert_eq!(messages[1].payload, 6);
    let parts: Vec<(Role, &str)> = messages[1]
        .parts
        .iter()
        .map(|part| (part.role, text(part)))
        .collect();
    assert_eq!(
        parts[2..],
        [
            (Role::Chunk, "5;name=\"v\"\r\n"),
            (Role::Payload, "hello"),
            (Role::Chunk, "\r\n1\r\n"),
            (Role::Payload, "!"),
            (Role::Chunk, "\r\n0\r\nTrailer: x\r\n\r\n"),
        ]
    );
}

#[test]
fn events_of_a_stream_are_messages() {
    let two = chunk("event: tick\nid: 7\ndata: one\n\ndata: two\ndata: and more\n\n");
    let split = [chunk("data: in p"), chunk("ieces\n\n")].concat();
    let said = turns(&[
        (Way::Up, ASK),
        (Way::Down, STREAM),
        (Way::Down, &chunk("retry: 500\nid: 3\n\n")),
        (Way::Down, &two),
        (Way::Down, &split),
        (Way::Down, &chunk(": still here\n\n")),
        (Way::Down, "0\r\n\r\n"),
        (Way::Up, ASK),
        (Way::Down, "HTTP/1.1 204 No Content\r\n\r\n"),
    ]);
    let messages = messages(&said);
    let titles: Vec<_> = messages
        .iter()
        .map(|one| (one.kind, one.title.as_str(), one.exchange))
        .collect();
    assert_eq!(
        titles,
        [
            (Kind::Request, "GET /events?after=3", 1),
            (Kind::Response, "200", 1),
            (Kind::Event, "retry, id", 1),
            (Kind::Event, "tick, 3 B", 1),
            (Kind::Event, "message, 11 B", 1),
            (Kind::Event, "message, 9 B", 1),
            (Kind::Comment, "comment", 1),
            (Kind::Response, "end of the stream", 1),
            (Kind::Request, "GET /events?after=3", 2),
            (Kind::Response, "204", 2),
        ]
    );
    assert!(messages[1].continues);
    let parts: Vec<(Role, &str)> = messages[3]
        .parts
        .iter()
        .map(|part| (part.role, text(part)))
        .collect();
    assert_eq!(
        parts,
        [
            (Role::Chunk, "37\r\n"),
            (Role::Field, "event: tick\n"),
            (Role::Field, "id: 7\n"),
            (Role::Field, "data: "),
            (Role::Payload, "one"),
            (Role::Field, "\n"),
            (Role::Field, "\n"),
        ]
    );
    // The end of the chunk belongs to the last event in it.
    assert_eq!(messages[4].parts.last().map(text), Some("\r\n"));
    assert_eq!(messages[2].payload, 0);
}

#[test]
fn lines_of_a_stream_end_in_three_ways() {
    for end in ["\n", "\r\n", "\r"] {
        let stream = format!("\u{feff}data:a{end}{end}:c{end}{end}data{end}{end}")
            + &format!("event: b{end}data:  d{end}{end}what: ever{end}{end}");
        let response = "HTTP/1.1 200 OK\r\nContent-Type: text/event-stream; charset=utf-8\r\n\r\n";
        let said = turns(&[(Way::Up, ASK), (Way::Down, response), (Way::Down, &stream)]);
        let messages = messages(&said);
        let titles: Vec<_> = messages[2..].iter().map(|one| one.title.as_str()).collect();
        assert_eq!(
            titles,
            [
                "message, 1 B",
                "comment",
                "message, 0 B",
                "b, 2 B",
                "comment"
            ],
            "{end:?}"
        );
    }
}

#[test]
fn a_connection_becomes_a_websocket() {
    let mut said = turns(&[(Way::Up, UPGRADE), (Way::Down, SWITCHED)]);
    said.push((Way::Down, unmasked(0x81, b"welcome")));
    said.push((Way::Up, masked(0x81, "grüße".as_bytes())));
    // A message in two frames, with a ping in between.
    said.push((Way::Up, masked(0x01, b"be")));
    said.push((Way::Down, unmasked(0x89, b"1")));
    said.push((Way::Up, masked(0x8a, b"1")));
    said.push((Way::Up, masked(0x80, b"gun")));
    said.push((Way::Down, unmasked(0xc2, &[0xff; 300])));
    said.push((Way::Down, unmasked(0x82, &vec![7; 70_000])));
    said.push((Way::Up, masked(0x88, b"\x03\xe8end")));
    said.push((Way::Down, unmasked(0x88, b"")));
    let messages = messages(&said);
    assert_eq!(
        brief(&messages[2..]),
        [
            (Kind::Frame, "text, 7 B", 7, 2, 1),
            (Kind::Frame, "text, 7 B", 7, 6, 1),
            (Kind::Frame, "text, 2 B, more follows", 2, 6, 1),
            (Kind::Frame, "ping, 1 B", 1, 2, 1),
            (Kind::Frame, "pong, 1 B", 1, 6, 1),
            (Kind::Frame, "continuation, 3 B", 3, 6, 1),
            (Kind::Frame, "binary, 300 B", 300, 4, 1),
            (Kind::Frame, "binary, 70000 B", 70_000, 10, 1),
            (Kind::Frame, "close 1000, end", 5, 6, 1),
            (Kind::Frame, "close", 0, 2, 1),
        ]
    );
    assert_eq!(
        serde_json::to_value(&messages[3].parts).unwrap(),
        json!([
            {"role": "frame-header", "hex": "8187"},
            {"role": "mask", "hex": "37fa213d"},
            {"role": "payload", "text": "grüße", "hex": "5088e281f46544"},
        ])
    );
    let frame = |index: usize| messages[index].frame.clone().unwrap();
    assert_eq!(
        frame(8),
        Frame {
            fin: true,
            rsv: 4,
            opcode: "binary".into(),
            masked: false,
            length: 300
        }
    );
    assert!(!frame(4).fin && frame(4).masked);
    assert!(!messages[8].cut && messages[9].cut);
    assert_eq!(messages[9].parts[1].hex.as_ref().unwrap().len(), 2 * 4096);
}

#[test]
fn what_follows_a_refused_upgrade_is_http() {
    let said = turns(&[
        (Way::Up, &[UPGRADE, ASK].concat()),
        (
            Way::Down,
            "HTTP/1.1 403 Forbidden\r\nContent-Length: 0\r\n\r\n",
        ),
        (Way::Down, "HTTP/1.1 204 No Content\r\n\r\n"),
    ]);
    let messages = messages(&said);
    let kinds: Vec<_> = messages
        .iter()
        .map(|one| (one.kind, one.exchange))
        .collect();
    // The second request passed before the first was answered, and what it is was known then.
    assert_eq!(
        kinds,
        [
            (Kind::Request, 1),
            (Kind::Response, 1),
            (Kind::Request, 2),
            (Kind::Response, 2)
        ]
    );
    assert_eq!((messages[2].sent, messages[2].arrived), (1000, 1500));
}

#[test]
fn frames_that_did_not_wait_for_the_answer_are_frames() {
    let mut said = turns(&[(Way::Up, UPGRADE)]);
    said.push((Way::Up, masked(0x81, b"early")));
    said.extend(turns(&[(Way::Down, SWITCHED)]));
    let messages = messages(&said);
    assert_eq!(messages[2].title, "text, 5 B");
    assert_eq!(messages[2].sent, 2000);
}

#[test]
fn another_protocol_is_something_else() {
    let lines = turns(&[
        (Way::Up, "{\"op\":\"join\",\"room\":\"r\"}\n"),
        (Way::Down, "{\"op\":\"welcome\"}\n"),
    ]);
    let tunnel = turns(&[
        (Way::Up, "CONNECT x:1 HTTP/1.1\r\n\r\n"),
        (Way::Down, "HTTP/1.1 200 OK\r\n\r\n"),
        (Way::Up, "anything\r\n\r\n"),
        (Way::Down, "at all"),
    ]);
    let mut hello = vec![0x16, 3, 1, 2, 0, 1];
    hello.extend([b'x'; 100]);
    for (said, others) in [(lines, 2), (tunnel, 2), (vec![(Way::Up, hello)], 1)] {
        let messages = messages(&said);
        let found = messages.iter().filter(|one| one.kind == Kind::Other);
        assert_eq!(found.count(), others, "{messages:?}");
        assert_sums(&said, &messages);
    }
}

#[test]
fn what_makes_no_sense_is_something_else_from_then_on() {
    let absurd = |fields: &str| format!("GET / HTTP/1.1\r\n{fields}\r\n\r\n");
    for head in [
        absurd("Content-Length: 3\r\nContent-Length: 4"),
        absurd("Content-Length: -1"),
        absurd("Content-Length: 99999999999999999999"),
        absurd("Transfer-Encoding: gzip"),
        absurd("no colon"),
        format!("GET / HTTP/1.1\r\n{}", "A: b\r\n".repeat(20_000)),
        format!("GET /{} HTTP/1.1\r\n\r\n", "x".repeat(70_000)),
        "G\0T / HTTP/1.1\r\n\r\n".into(),
    ] {
        let said = turns(&[(Way::Up, &head), (Way::Up, ASK)]);
        let messages = messages(&said);
        assert!(messages.iter().all(|one| one.kind == Kind::Other), "{head}");
        assert_sums(&said, &messages);
    }
    for body in [
        "x\r\n",
        "5\r\nhelloworld",
        "fffffffffffffffff\r\n",
        "\r\n",
        ";\r\n",
    ] {
        let response = format!("HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n{body}");
        let said = turns(&[(Way::Up, ASK), (Way::Down, &response)]);
        let messages = messages(&said);
        assert!(
            messages[1..].iter().all(|one| one.kind == Kind::Other),
            "{body}"
        );
        assert_sums(&said, &messages);
    }
    let mut said = turns(&[(Way::Up, UPGRADE), (Way::Down, SWITCHED)]);
    said.push((
        Way::Down,
        [0x82, 127, 0xff, 0, 0, 0, 0, 0, 0, 0, 1, 2].to_vec(),
    ));
    let messages = messages(&said);
    assert_eq!(messages[2].kind, Kind::Other);
    assert_sums(&said, &messages);
}

#[test]
fn what_is_unfinished_says_so() {
    let mut said = turns(&[(Way::Up, UPGRADE), (Way::Down, SWITCHED)]);
    said.push((Way::Down, unmasked(0x81, b"0123456789")[..7].to_vec()));
    said.push((Way::Up, masked(0x81, b"x")[..4].to_vec()));
    let frames = messages(&said);
    let titles: Vec<_> = frames[2..].iter().map(|one| one.title.as_str()).collect();
    assert_eq!(titles, ["4 B of a frame's head", "text, 10 B, unfinished"]);
    assert_sums(&said, &frames);
    for (said, title) in [
        (
            turns(&[(Way::Up, "POST / HTTP/1.1\r\nContent-Length: 9\r\n\r\nabc")]),
            "POST /, unfinished",
        ),
        (turns(&[(Way::Up, "POST / HTT")]), "10 B"),
        (
            turns(&[
                (Way::Up, ASK),
                (Way::Down, STREAM),
                (Way::Down, "9\r\ndata: abc"),
            ]),
            "message, 3 B, unfinished",
        ),
        (turns(&[(Way::Up, UPGRADE), (Way::Up, "held")]), "4 B"),
    ] {
        let messages = messages(&said);
        assert_eq!(messages.last().unwrap().title, title);
        assert_sums(&said, &messages);
    }
}

#[test]
fn much_is_counted_and_little_is_kept() {
    let large = format!(
        "HTTP/1.1 200 OK\r\nContent-Length: 3000000\r\n\r\n{}",
        "ä".repeat(1_500_000)
    );
    let mut crumbs = "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n".to_owned();
    crumbs.push_str(&"1\r\nx\r\n".repeat(100_000));
    crumbs.push_str("0\r\n\r\n");
    let said = turns(&[
        (Way::Up, &ASK.repeat(2)),
        (Way::Down, &large),
        (Way::Down, &crumbs),
    ]);
    let messages = messages(&said);
    assert_sums(&said, &messages);
    for (message, payload) in messages[2..].iter().zip([3_000_000, 100_000]) {
        assert!(message.cut);
        assert_eq!(message.payload, payload);
        assert!(message.parts.len() <= 256);
        let shown: usize = message.parts.iter().map(|part| text(part).len()).sum();
        assert!(shown <= 16 << 10, "{shown}");
    }
    // A cut is no reason to show a text as numbers.
    assert_eq!(messages[2].parts[2].text.as_ref().unwrap().len(), 4096);
}

#[test]
fn too_much_that_is_unanswered_is_given_up() {
    let said = turns(&[(Way::Up, &ASK.repeat(5_000))]);
    let requests = messages(&said);
    assert_sums(&said, &requests);
    assert_eq!(requests.len(), 1024 + 2);
    assert_eq!(requests.last().unwrap().kind, Kind::Other);
    let mut said = turns(&[(Way::Up, UPGRADE)]);
    said.extend((0..3_000).map(|_| (Way::Up, masked(0x81, b"impatient"))));
    let frames = messages(&said);
    assert_sums(&said, &frames);
    assert!(frames[1..].iter().all(|one| one.kind == Kind::Other));
}

#[test]
fn totals_are_the_sums() {
    let said = turns(&[
        (Way::Up, ASK),
        (Way::Down, "HTTP/1.1 204 No Content\r\n\r\n"),
        (
            Way::Up,
            "OPTIONS / HTTP/1.1\r\nAccess-Control-Request-Method: GET\r\n\r\n",
        ),
        (Way::Down, "HTTP/1.1 200 OK\r\nContent-Length: 3\r\n\r\nyes"),
    ]);
    let mut counts = Counts::default();
    counts.open();
    counts.open();
    counts.close();
    for message in &messages(&said) {
        counts.take(message);
    }
    assert_eq!(
        serde_json::to_value(counts).unwrap(),
        json!({
            "requests": 2, "preflights": 1, "useless": 1, "messages_up": 2, "messages_down": 2,
            "payload_up": 0, "payload_down": 3, "overhead_up": 99, "overhead_down": 65,
            "open": 1, "opened": 2, "skipped": 0,
        })
    );
}

/// Payload and overhead are all bytes that were passed, and the parts of what isn't cut are those bytes.
#[track_caller]
fn assert_sums(said: &Turns, messages: &[Message]) {
    for way in [Way::Up, Way::Down] {
        let bytes: Vec<u8> = said
            .iter()
            .filter(|(from, _)| *from == way)
            .flat_map(|(_, bytes)| bytes.iter().copied())
            .collect();
        let own = messages.iter().filter(|one| one.way == way);
        let sum: u64 = own.clone().map(|one| one.payload + one.overhead).sum();
        assert_eq!(sum, bytes.len() as u64, "{way:?}");
        let mut rest = &bytes[..];
        for message in own {
            let (its, after) = rest.split_at((message.payload + message.overhead) as usize);
            if !message.cut {
                let parts: Vec<u8> = message.parts.iter().flat_map(on_the_wire).collect();
                assert_eq!(parts, its, "{message:?}");
            }
            rest = after;
        }
    }
}

fn on_the_wire(part: &Part) -> Vec<u8> {
    match (&part.hex, &part.text) {
        (Some(hex), _) => (0..hex.len())
            .step_by(2)
            .map(|at| u8::from_str_radix(&hex[at..at + 2], 16).unwrap())
            .collect(),
        (None, Some(text)) => text.as_bytes().to_vec(),
        (None, None) => Vec::new(),
    }
}

/// A turn that begins and ends an exchange, or several.
fn exchange() -> impl Strategy<Value = Turns> {
    let body = proptest::collection::vec(any::<u8>(), 0..300);
    let plain = (body.clone(), body, any::<bool>()).prop_map(|(up, down, chunked)| {
        let framed = |head: &str, body: &[u8]| {
            let mut message = head.as_bytes().to_vec();
            if chunked {
                message.extend(b"Transfer-Encoding: chunked\r\n\r\n");
                for piece in body.chunks(37) {
                    message.extend(format!("{:X}\r\n", piece.len()).bytes());
                    message.extend(piece);
                    message.extend(b"\r\n");
                }
                message.extend(b"0\r\n\r\n");
            } else {
                message.extend(format!("Content-Length: {}\r\n\r\n", body.len()).bytes());
                message.extend(body);
            }
            message
        };
        vec![
            (Way::Up, framed("POST /x HTTP/1.1\r\nHost: h\r\n", &up)),
            (Way::Down, framed("HTTP/1.1 200 OK\r\nServer: s\r\n", &down)),
        ]
    });
    let bare = Just(turns(&[
        (Way::Up, ASK),
        (Way::Down, "HTTP/1.1 204 No Content\r\n\r\n"),
    ]));
    let line = proptest::sample::select(vec![
        "data: a", "data:b", "data", "id: 7", "event: e", ":", ": c", "retry: 1", "", "", "",
    ]);
    let end = proptest::sample::select(vec!["\n", "\r\n", "\r"]);
    let lines = proptest::collection::vec((line, end), 0..30);
    let stream = (lines, 1_usize..40).prop_map(|(lines, size)| {
        let stream: String = lines.iter().flat_map(|(line, end)| [*line, *end]).collect();
        let mut down = STREAM.to_owned();
        for piece in stream.as_bytes().chunks(size) {
            down.push_str(&chunk(std::str::from_utf8(piece).unwrap()));
        }
        down.push_str("0\r\n\r\n");
        turns(&[(Way::Up, ASK), (Way::Down, &down)])
    });
    prop_oneof![plain, bare, stream]
}

/// A few exchanges, and perhaps frames after them.
fn conversation() -> impl Strategy<Value = Turns> {
    let frame = (
        any::<bool>(),
        any::<u8>(),
        proptest::collection::vec(any::<u8>(), 0..300),
    );
    let frames = proptest::option::of(proptest::collection::vec(frame, 0..8));
    (proptest::collection::vec(exchange(), 0..4), frames).prop_map(|(exchanges, frames)| {
        let mut said = exchanges.concat();
        if let Some(frames) = frames {
            said.extend(turns(&[(Way::Up, UPGRADE), (Way::Down, SWITCHED)]));
            said.extend(frames.into_iter().map(|(up, first, payload)| {
                if up {
                    (Way::Up, masked(first, &payload))
                } else {
                    (Way::Down, unmasked(first, &payload))
                }
            }));
        }
        said
    })
}

/// Without times, which splits change.
fn timeless(mut messages: Vec<Message>) -> Vec<Message> {
    for message in &mut messages {
        (message.sent, message.arrived) = (0, 0);
    }
    messages
}

proptest! {
    #[test]
    fn every_split_gives_the_same_messages(
        said in conversation(),
        sizes in proptest::collection::vec(1_usize..60, 1..20),
    ) {
        let whole = messages(&said);
        assert_sums(&said, &whole);
        prop_assert!(whole.iter().all(|one| one.kind != Kind::Other), "{whole:?}");
        let mut sizes = sizes.iter().copied().cycle();
        let mut split = Vec::new();
        for (way, bytes) in &said {
            let mut rest = &bytes[..];
            while !rest.is_empty() {
                let size = sizes.next().unwrap_or(1).min(rest.len());
                let (piece, after) = rest.split_at(size);
                split.push((*way, piece));
                rest = after;
            }
        }
        prop_assert_eq!(timeless(pieces(split.into_iter())), timeless(whole));
    }

    #[test]
    fn no_bytes_panic_and_none_are_forgotten(
        said in conversation(),
        changes in proptest::collection::vec((any::<proptest::sample::Index>(), any::<u8>()), 0..6),
        noise in proptest::collection::vec((any::<bool>(), proptest::collection::vec(any::<u8>(), 0..100)), 0..6),
    ) {
        let mut said = said;
        for (place, byte) in changes {
            if !said.is_empty() {
                let bytes = &mut place.get_mut(&mut said[..]).1;
                if !bytes.is_empty() {
                    let index = place.index(bytes.len());
                    bytes[index] = byte;
                }
            }
        }
        let noise = noise.into_iter().map(|(up, bytes)| (if up { Way::Up } else { Way::Down }, bytes));
        said.extend(noise);
        let messages = messages(&said);
        assert_sums(&said, &messages);
        for message in &messages {
            prop_assert!(serde_json::to_string(message).is_ok());
        }
    }
}
