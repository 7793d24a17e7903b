//! Every class of error, with its whole message; and that no text makes the parser panic.

use proptest::prelude::*;
use scenario::{
    ArmInfo, Arrivals, Connection, Kind, Pace, PollPacing, Population, SlowConsumer, load, parse,
};

const ARMS: &[ArmInfo<'_>] = &[
    ArmInfo {
        name: "inproc",
        network: false,
        options: &[],
    },
    ArmInfo {
        name: "request-response",
        network: true,
        options: &["connection", "poll-interval", "poll-pacing", "pool"],
    },
    ArmInfo {
        name: "long-poll",
        network: true,
        options: &["hold", "cursor", "pool", "batching"],
    },
    ArmInfo {
        name: "websocket",
        network: true,
        options: &["batching"],
    },
];

const GOOD: &str = r#"name = "good-one"
question = "Does it parse?"
kind = "rooms"
transports = ["request-response", "long-poll"]
duration = "5s"
warm-up = "500ms"
trials = 4
seed = 7

[load]
mode = "open"
arrivals = "constant"
rate = "500/s"
payload = "1 KiB"

[population]
rooms = 10
members = 5
publishers = 2

[client]
connection = "fresh"
poll-interval = "20ms"
poll-pacing = "fixed-delay"
hold = "30s"
pool = 2

[server]
threads = 2
mailbox-messages = 100
mailbox-bytes = "64 KiB"
slow-consumer = "drop-oldest"
batching = false
"#;

#[test]
fn a_good_file_becomes_typed_values() {
    let scenario = parse(GOOD, "good.toml", ARMS).unwrap();
    assert_eq!(
        (
            scenario.name.as_str(),
            scenario.kind,
            scenario.trials,
            scenario.seed
        ),
        ("good-one", Kind::Rooms, 4, 7)
    );
    assert_eq!(scenario.transports, ["request-response", "long-poll"]);
    assert_eq!(
        (scenario.duration.as_millis(), scenario.warm_up.as_millis()),
        (5000, 500)
    );
    let load = scenario.load.unwrap();
    assert_eq!(
        (load.pace, load.payload),
        (
            Pace::Open {
                arrivals: Arrivals::Constant,
                rate: 500.0
            },
            1024
        )
    );
    assert_eq!(
        scenario.population,
        Population::Rooms {
            rooms: 10,
            members: 5,
            publishers: 2,
            others: false,
        }
    );
    assert_eq!(scenario.population.connections(), 50);
    let client = scenario.client;
    assert_eq!(
        (client.connection, client.poll_pacing, client.pool),
        (Connection::Fresh, PollPacing::FixedDelay, 2)
    );
    assert_eq!(
        (client.poll_interval.as_millis(), client.hold.as_millis()),
        (20, 30_000)
    );
    let server = scenario.server;
    assert_eq!(
        (
            server.threads,
            server.mailbox_messages,
            server.mailbox_bytes
        ),
        (2, 100, 65_536)
    );
    assert_eq!(
        (server.slow_consumer, server.batching),
        (SlowConsumer::DropOldest, false)
    );
    assert_eq!((scenario.quick, scenario.text.as_str()), (false, GOOD));
}

#[test]
fn what_is_left_out_has_a_default() {
    let text = "name = 'x'\nquestion = 'x'\nkind = 'echo'\nduration = '1s'\npopulation.clients = 3\n\
                load = { mode = 'closed', payload = '40 B' }";
    let scenario = parse(text, "x.toml", ARMS).unwrap();
    assert_eq!(
        scenario.transports,
        ["inproc", "request-response", "long-poll", "websocket"]
    );
    assert_eq!(
        (scenario.warm_up.as_millis(), scenario.trials, scenario.seed),
        (2000, 5, 1)
    );
    assert_eq!(scenario.load.unwrap().pace, Pace::Closed { depth: 1 });
    assert_eq!(
        (
            scenario.server.mailbox_messages,
            scenario.server.mailbox_bytes
        ),
        (4096, 1 << 20)
    );
    assert_eq!(
        (
            scenario.client.poll_interval.as_millis(),
            scenario.client.hold.as_secs()
        ),
        (50, 25)
    );
}

/// The message for [`GOOD`] with one piece of it replaced.
#[track_caller]
fn expect(from: &str, to: &str, message: &str) {
    assert!(GOOD.contains(from), "{from}");
    let text = GOOD.replacen(from, to, 1);
    assert_eq!(
        parse(&text, "f.toml", ARMS).unwrap_err().to_string(),
        message
    );
}

#[test]
fn unknown_fields_get_the_nearest_name() {
    expect(
        "duration =",
        "durration =",
        "f.toml:5:1: unknown field `durration`: did you mean `duration`?",
    );
    expect(
        "warm-up =",
        "warm_up =",
        "f.toml:6:1: unknown field `warm_up`: did you mean `warm-up`?",
    );
    expect(
        "rate =",
        "rat =",
        "f.toml:13:1: unknown field `rat` in `[load]`: did you mean `rate`?",
    );
    expect(
        "[server]",
        "[servers]",
        "f.toml:28:2: unknown field `servers`: did you mean `server`?",
    );
    expect(
        "threads = 2",
        "qqqqqqqq = 2",
        "f.toml:29:1: unknown field `qqqqqqqq` in `[server]`: `threads`, `mailbox-messages`, `mailbox-bytes`, \
         `slow-consumer`, `batching` are right",
    );
}

#[test]
fn misplaced_fields_are_sent_home() {
    expect(
        "trials = 4",
        "rate = '4/s'",
        "f.toml:7:1: unknown field `rate`: it belongs in `[load]`",
    );
    expect(
        "rooms = 10",
        "threads = 10",
        "f.toml:17:1: unknown field `threads` in `[population]`: it belongs in `[server]`",
    );
    expect(
        "arrivals = \"constant\"",
        "seed = 3",
        "f.toml:12:1: unknown field `seed` in `[load]`: it belongs at the top of the file, before the first section",
    );
}

#[test]
fn unknown_values_get_the_nearest_name() {
    expect(
        "\"rooms\"",
        "\"room\"",
        "f.toml:3:8: field `kind`: \"room\" is unknown: did you mean \"rooms\"?",
    );
    expect(
        "\"rooms\"",
        "\"zzz\"",
        "f.toml:3:8: field `kind`: \"zzz\" is unknown: \"echo\", \"broadcast\", \"rooms\", \"chat\", \"private\", \"idle\" are right",
    );
    expect(
        "\"long-poll\"]",
        "\"longpoll\"]",
        "f.toml:4:35: field `transports`: \"longpoll\" is unknown: did you mean \"long-poll\"?",
    );
    expect(
        "\"open\"",
        "\"opened\"",
        "f.toml:11:8: field `mode` in `[load]`: \"opened\" is unknown: did you mean \"open\"?",
    );
    expect(
        "\"constant\"",
        "\"const\"",
        "f.toml:12:12: field `arrivals` in `[load]`: \"const\" is unknown: did you mean \"constant\"?",
    );
    expect(
        "\"drop-oldest\"",
        "\"drop\"",
        "f.toml:32:17: field `slow-consumer` in `[server]`: \"drop\" is unknown: \"disconnect\", \"drop-oldest\", \"conflate\" are right",
    );
    expect(
        "\"fresh\"",
        "\"KeepAlive\"",
        "f.toml:22:14: field `connection` in `[client]`: \"KeepAlive\" is unknown: did you mean \"keep-alive\"?",
    );
}

#[test]
fn wrong_types_say_what_is_right() {
    expect(
        "\"5s\"",
        "5",
        "f.toml:5:12: field `duration`: it must be a text, not a whole number; write, for example, duration = \"5s\"",
    );
    expect(
        "trials = 4",
        "trials = \"4\"",
        "f.toml:7:10: field `trials`: it must be a whole number, not a text; write, for example, trials = 1",
    );
    expect(
        "trials = 4",
        "trials = nan",
        "f.toml:7:10: field `trials`: it must be a whole number, not a fraction; write, for example, trials = 1",
    );
    expect(
        "batching = false",
        "batching = 0",
        "f.toml:33:12: field `batching` in `[server]`: it must be true or false, not a whole number; write, for example, batching = true",
    );
    expect(
        "[\"request-response\", \"long-poll\"]",
        "\"long-poll\"",
        "f.toml:4:14: field `transports`: it must be a list of texts, not a text; write, for example, \
         transports = [\"long-poll\", \"websocket\"]",
    );
    expect(
        "\"long-poll\"]",
        "3]",
        "f.toml:4:14: field `transports`: its items must all be texts; write, for example, \
         transports = [\"long-poll\", \"websocket\"]",
    );
    let text = "name='x'\nload = 3";
    let message = "f.toml:2:8: field `load`: it must be a section, not a whole number; write, for example, [load]";
    assert_eq!(
        parse(text, "f.toml", ARMS).unwrap_err().to_string(),
        message
    );
}

#[test]
fn units_are_needed_and_ranges_kept() {
    expect(
        "\"5s\"",
        "\"5\"",
        "f.toml:5:12: field `duration`: \"5\" is not a duration: write a number and ns, us, ms, s, m or h, as in \"250ms\" or \"5s\"",
    );
    expect(
        "\"5s\"",
        "\"2h\"",
        "f.toml:5:12: field `duration`: \"2h\" is out of range: 10ms to 1h are right",
    );
    expect(
        "\"5s\"",
        "\"0s\"",
        "f.toml:5:12: field `duration`: \"0s\" is out of range: 10ms to 1h are right",
    );
    expect(
        "\"500/s\"",
        "\"0/s\"",
        "f.toml:13:8: field `rate` in `[load]`: \"0/s\" is out of range: more than 0/s and at most 10000000/s are right",
    );
    expect(
        "\"500/s\"",
        "\"NaN/s\"",
        "f.toml:13:8: field `rate` in `[load]`: \"NaN/s\" is not a rate: write a number and /s or /min, as in \"500/s\"",
    );
    expect(
        "\"500/s\"",
        "\"0.1/s\"",
        "f.toml:13:8: field `rate` in `[load]`: at this rate only 0.50 messages are expected in the measured 5s; \
         a higher rate or a longer duration is right",
    );
    expect(
        "\"1 KiB\"",
        "\"39 B\"",
        "f.toml:14:11: field `payload` in `[load]`: \"39 B\" is out of range: 40 B to 16 MiB are right",
    );
    expect(
        "\"1 KiB\"",
        "\"17 MiB\"",
        "f.toml:14:11: field `payload` in `[load]`: \"17 MiB\" is out of range: 40 B to 16 MiB are right",
    );
    expect(
        "\"1 KiB\"",
        "\"64 KiB\"",
        "f.toml:14:11: field `payload` in `[load]`: one message of 64 KiB doesn't fit into a mailbox of 64 KiB: \
         a smaller payload, or a larger `mailbox-bytes` in `[server]`, is right",
    );
    expect(
        "trials = 4",
        "trials = 0",
        "f.toml:7:10: field `trials`: 0 is out of range: 1 to 1000 are right",
    );
    expect(
        "trials = 4",
        "trials = -1",
        "f.toml:7:10: field `trials`: -1 is out of range: 1 to 1000 are right",
    );
    expect(
        "rooms = 10",
        "rooms = 0",
        "f.toml:17:9: field `rooms` in `[population]`: 0 is out of range: 1 to 1000000 are right",
    );
    let huge = "9".repeat(100);
    expect(
        "seed = 7",
        &format!("seed = {huge}"),
        &format!(
            "f.toml:8:8: field `seed`: {}… is out of range: 0 to 18446744073709551615 are right",
            &huge[..40]
        ),
    );
    expect(
        "members = 5",
        "members = 200000",
        "f.toml:18:11: field `members` in `[population]`: 10 rooms of 200000 members are 2000000 sessions: at most 1000000 are right",
    );
    expect(
        "publishers = 2",
        "publishers = 6",
        "f.toml:19:14: field `publishers` in `[population]`: a room has 5 members, so 6 of them can't publish: 1 to 5 are right",
    );
    expect(
        "\"30s\"",
        "\"61s\"",
        "f.toml:25:8: field `hold` in `[client]`: \"61s\" is out of range: 1ms to 1m are right",
    );
    expect(
        "\"good-one\"",
        "\"../etc\"",
        "f.toml:1:8: field `name`: \"../etc\" can't be part of a folder's name: 1 to 64 lower-case letters, digits and hyphens \
         (not first or last) are right",
    );
    expect(
        "\"Does it parse?\"",
        "\"\"",
        "f.toml:2:12: field `question`: one line of 1 to 300 characters is right, as in question = \"How long does a reply take?\"",
    );
}

#[test]
fn private_clients_come_in_pairs() {
    let text = "name='x'\nquestion='x'\nkind='private'\nduration='1s'\nload={mode='closed', payload='64 B'}\n[population]\nclients = 3";
    let message = "f.toml:7:11: field `clients` in `[population]`: private clients write to each other in pairs, and 3 is odd: 4 is right";
    assert_eq!(
        parse(text, "f.toml", ARMS).unwrap_err().to_string(),
        message
    );
}

#[test]
fn useless_fields_say_why() {
    expect(
        "payload = \"1 KiB\"",
        "payload = \"1 KiB\"\ndepth = 2",
        "f.toml:15:1: field `depth` in `[load]` is useless: with mode = \"open\" messages go out on schedule, however many are \
         outstanding; remove it, or write mode = \"closed\"",
    );
    for (name, at) in [("rate", 13), ("arrivals", 12)] {
        let mut text = GOOD.replace("\"open\"", "\"closed\"");
        if name == "arrivals" {
            text = text.replace("rate = \"500/s\"\n", "");
        }
        let message = format!(
            "f.toml:{at}:1: field `{name}` in `[load]` is useless: with mode = \"closed\" a sender sends when an answer lets it; \
             remove it, or write mode = \"open\""
        );
        assert_eq!(
            parse(&text, "f.toml", ARMS).unwrap_err().to_string(),
            message
        );
    }
    expect(
        "\"rooms\"",
        "\"echo\"",
        "f.toml:17:1: field `rooms` in `[population]` is useless: in kind = \"echo\" the population is given by `clients`; remove it",
    );
    expect(
        "\"rooms\"",
        "\"idle\"",
        "f.toml:10:2: field `load` is useless: in kind = \"idle\" clients connect and send nothing; remove the section",
    );
    expect(
        "[\"request-response\", \"long-poll\"]",
        "[\"long-poll\", \"websocket\"]",
        "f.toml:22:1: field `connection` in `[client]` is useless: none of this scenario's transports (long-poll, websocket) \
         executes it; remove it",
    );
    let idle = "name='x'\nquestion='x'\nkind='idle'\nduration='1s'\npopulation.clients=3\nserver.slow-consumer='conflate'";
    let message = "f.toml:6:8: field `slow-consumer` in `[server]` is useless: in kind = \"idle\" nothing is sent, so mailboxes \
                   stay empty; remove it";
    assert_eq!(
        parse(idle, "f.toml", ARMS).unwrap_err().to_string(),
        message
    );
    let inproc = "name='x'\nquestion='x'\nkind='echo'\ntransports=['inproc']\nduration='1s'\npopulation.clients=3\n\
                  load={mode='closed', payload='64 B'}\nserver.batching=false";
    let message = "f.toml:8:8: field `batching` in `[server]` is useless: none of this scenario's transports (inproc) executes it; remove it";
    assert_eq!(
        parse(inproc, "f.toml", ARMS).unwrap_err().to_string(),
        message
    );
}

#[test]
fn a_cursor_is_given_up_only_where_a_loss_can_be_counted() {
    let of = |kind: &str, load: &str, cursor: bool| {
        let text = format!(
            "name='x'\nquestion='x'\nkind='{kind}'\ntransports=['long-poll']\nduration='1s'\npopulation.clients=2\n{load}\nclient.cursor={cursor}"
        );
        let parsed = parse(&text, "f.toml", ARMS);
        parsed
            .map(|scenario| scenario.client.cursor)
            .map_err(|error| error.to_string())
    };
    let (open, closed) = (
        "load={mode='open', rate='10/s', payload='64 B'}",
        "load={mode='closed', payload='64 B'}",
    );
    for (load, cursor) in [(open, true), (open, false), (closed, true)] {
        assert_eq!(of("chat", load, cursor), Ok(cursor));
    }
    let message = "f.toml:8:15: field `cursor` in `[client]`: without a cursor messages are lost, and mode = \"closed\" waits for each of them \
                   for ever: choose mode = \"open\"";
    assert_eq!(of("chat", closed, false), Err(message.into()));
    let message = "f.toml:8:8: field `cursor` in `[client]` is useless: in kind = \"idle\" nothing is sent that could be lost; remove it";
    assert_eq!(of("idle", "", false), Err(message.into()));
}

#[test]
fn missing_fields_show_an_example() {
    expect(
        "name = \"good-one\"\n",
        "",
        "f.toml:1:1: field `name` is missing: write, for example, name = \"my-experiment\"",
    );
    expect(
        "duration = \"5s\"\n",
        "",
        "f.toml:1:1: field `duration` is missing: write, for example, duration = \"5s\"",
    );
    expect(
        "rate = \"500/s\"\n",
        "",
        "f.toml:10:2: field `rate` in `[load]` is missing: write, for example, rate = \"500/s\"",
    );
    let text = "name='x'\nquestion='x'\nkind='echo'\nduration='1s'";
    let message = "f.toml:1:1: field `load` is missing: write, for example, [load] with mode = \"open\", rate = \"500/s\" and payload = \"64 B\"";
    assert_eq!(
        parse(text, "f.toml", ARMS).unwrap_err().to_string(),
        message
    );
    let text = format!("{text}\nload={{mode='closed', payload='64 B'}}");
    let message = "f.toml:1:1: field `population` is missing: write, for example, [population] with clients = 50";
    assert_eq!(
        parse(&text, "f.toml", ARMS).unwrap_err().to_string(),
        message
    );
}

#[test]
fn lists_of_transports_are_sane() {
    let list = "[\"request-response\", \"long-poll\"]";
    expect(
        list,
        "[]",
        "f.toml:4:14: field `transports`: the list is empty: name at least one transport, or leave the field out to compare all",
    );
    expect(
        list,
        "[\"long-poll\", \"long-poll\"]",
        "f.toml:4:28: field `transports`: \"long-poll\" is listed twice: name each transport once",
    );
}

#[test]
fn lists_of_peers_are_sane() {
    let field = "transports = [\"request-response\", \"long-poll\"]";
    let with = |peers: &str| format!("{field}\npeers = {peers}");
    let good = GOOD.replace(field, &with("[\"ws\", \"nchan\"]"));
    let scenario = parse(&good, "f.toml", ARMS).unwrap();
    assert_eq!(scenario.peers, ["ws", "nchan"]);
    expect(
        field,
        &with("[]"),
        "f.toml:5:9: field `peers`: the list is empty: name at least one peer, or leave the field out to compare none",
    );
    expect(
        field,
        &with("[\"ws\", \"ws\"]"),
        "f.toml:5:16: field `peers`: \"ws\" is listed twice: name each peer once",
    );
    expect(
        field,
        &with("[\"../ws\"]"),
        "f.toml:5:10: field `peers`: \"../ws\" is no name of a peer: that of its folder below peers/ is right, 1 to 64 lower-case letters, digits and hyphens",
    );
    expect(
        field,
        &with("\"ws\""),
        "f.toml:5:9: field `peers`: it must be a list of texts, not a text; write, for example, peers = [\"ws\", \"nchan\"]",
    );
}

/// [`GOOD`] with a link, and these sections behind it.
fn faulty(more: &str) -> String {
    format!("{GOOD}\n[link]\nrtt = \"20ms\"\n\n{more}")
}

/// The message for [`faulty`], without its place.
#[track_caller]
fn expect_fault(more: &str, message: &str) {
    let error = parse(&faulty(more), "f.toml", ARMS).unwrap_err();
    let error = error.to_string();
    assert!(error.ends_with(message), "{error}\n{message}");
}

#[test]
fn faults_become_typed_values() {
    let text = faulty(
        "[reconnect]\njitter = '5s'\ndead-after = '31s'\n\
         [[fault]]\nat = '1s'\nevery = '2s'\nwhat = 'kill-server'\nfor = '500ms'\n\
         [[fault]]\nat = '2s'\nwhat = 'cut-link'\nhow = 'half-open'\n",
    );
    let scenario = parse(&text, "f.toml", ARMS).unwrap();
    let reconnect = scenario.reconnect.unwrap();
    assert_eq!(
        (
            reconnect.jitter.as_secs(),
            reconnect.backoff.as_millis(),
            reconnect.longest_backoff.as_secs(),
            reconnect.dead_after.map(|after| after.as_secs())
        ),
        (5, 500, 10, Some(31))
    );
    let times: Vec<(u128, &str)> = scenario
        .fault_schedule()
        .iter()
        .map(|(at, fault)| (at.as_millis(), fault.what.name()))
        .collect();
    assert_eq!(
        times,
        [
            (1000, "kill-server"),
            (2000, "cut-link"),
            (3000, "kill-server")
        ]
    );
    // A quick run has them all, on a faster clock.
    let quick = scenario.quick();
    let times: Vec<u128> = quick
        .fault_schedule()
        .iter()
        .map(|(at, _)| at.as_millis())
        .collect();
    assert_eq!(times, [200, 400, 600]);
    assert_eq!(quick.reconnect.unwrap().jitter.as_millis(), 1000);
    assert!(parse(GOOD, "f.toml", ARMS).unwrap().faults.is_empty());
}

#[test]
fn faults_fit_into_the_measured_part_one_after_the_other() {
    const KILL: &str = "[[fault]]\nat = '1s'\nwhat = 'kill-server'\nfor = '1s'\n";
    expect_fault(
        &KILL.replace("'1s'\nwhat", "'5s'\nwhat"),
        "field `at` in `[[fault]]`: 5s is not within the measured 5s: an earlier time is right",
    );
    expect_fault(
        &KILL.replace("for = '1s'", "for = '4500ms'"),
        "field `for` in `[[fault]]`: it would be over 5500ms after the measured part began, which is 5s long: end it within",
    );
    expect_fault(
        &format!("{KILL}every = '1s'\n"),
        "field `every` in `[[fault]]`: the fault lasts 1s, so it can't begin again after 1s: more is right",
    );
    expect_fault(
        &format!("{KILL}{}", KILL.replace("'1s'\nwhat", "'1500ms'\nwhat")),
        "field `at` in `[[fault]]`: a \"kill-server\" at 1500ms would meet the \"kill-server\" at 1s: faults follow each other",
    );
    expect_fault(
        &KILL.replace("for = '1s'\n", ""),
        "field `for` in `[[fault]]` is missing: write, for example, for = \"1s\"",
    );
    expect_fault(
        &KILL.replace("kill-server", "kill-servers"),
        "field `what` in `[[fault]]`: \"kill-servers\" is unknown: did you mean \"kill-server\"?",
    );
    expect_fault(
        &format!("{KILL}how = 'reset'\n"),
        "field `how` in `[[fault]]` is useless: a \"kill-server\" has one way only; remove it, or write what = \"cut-link\"",
    );
    expect_fault(
        "[[fault]]\nat = '1s'\nwhat = 'cut-link'\nhow = 'reset'\nfor = '1s'\n",
        "field `for` in `[[fault]]` is useless: a cut has no length: new connections pass at once; remove it",
    );
    expect_fault(
        "[[fault]]\nat = '1s'\nwhat = 'cut-link'\n",
        "field `how` in `[[fault]]` is missing: write, for example, how = \"reset\"",
    );
    let all_publish = faulty("[[fault]]\nat = '1s'\nwhat = 'stop-reading'\nfor = '1s'\n");
    assert!(parse(&all_publish, "f.toml", ARMS).is_ok());
    let all_publish = all_publish.replace("publishers = 2", "publishers = 5");
    let error = parse(&all_publish, "f.toml", ARMS).unwrap_err();
    assert!(
        error.to_string().contains("here no session only receives"),
        "{error}"
    );
    let without_link = faulty("[[fault]]\nat = '1s'\nwhat = 'stall-link'\nfor = '1s'\n")
        .replace("[link]\nrtt = \"20ms\"\n", "");
    let error = parse(&without_link, "f.toml", ARMS).unwrap_err();
    assert!(
        error.to_string().ends_with(
            "it needs a link that relays: write [link] with backend = \"relay\", its default"
        ),
        "{error}"
    );
}

#[test]
fn faults_need_a_network() {
    let with = |transports: &str, more: &str| {
        let text = faulty(more)
            .replace(r#"["request-response", "long-poll"]"#, transports)
            .replace("connection = \"fresh\"\n", "")
            .replace(
                "poll-interval = \"20ms\"\npoll-pacing = \"fixed-delay\"\n",
                "",
            )
            .replace("hold = \"30s\"\npool = 2\n", "")
            .replace("batching = false\n", "");
        parse(&text, "f.toml", ARMS).unwrap_err().to_string()
    };
    let error = with(
        r#"["inproc", "websocket"]"#,
        "[[fault]]\nat = '1s'\nwhat = 'kill-server'\nfor = '1s'\n",
    );
    assert!(
        error.ends_with(
            "field `fault`: inproc has no server process and no connection that could fail: list the other transports in `transports`"
        ),
        "{error}"
    );
    let error = with(r#"["inproc"]"#, "[reconnect]\n");
    assert!(error.contains("field `reconnect` is useless"), "{error}");
}

#[test]
fn waits_make_sense_together() {
    expect_fault(
        "[reconnect]\nbackoff = '2s'\nlongest-backoff = '1s'\n",
        "field `longest-backoff` in `[reconnect]`: 1s is less than `backoff`, 2s: the back-off only grows, so at least that is right",
    );
    expect_fault(
        "[reconnect]\ndead-after = '30s'\n",
        "field `dead-after` in `[reconnect]`: a client that is well may hear nothing for `hold` in `[client]`, 30s: write more than that, or a shorter `hold`",
    );
    expect_fault(
        "[reconnect]\njiter = '30s'\n",
        "unknown field `jiter` in `[reconnect]`: did you mean `jitter`?",
    );
}

#[test]
fn bursts_have_a_size_that_fits() {
    expect(
        "arrivals = \"constant\"",
        "arrivals = \"bursts\"",
        "f.toml:10:2: field `burst` in `[load]` is missing: write, for example, burst = 20",
    );
    expect(
        "arrivals = \"constant\"",
        "arrivals = \"constant\"\nburst = 20",
        "f.toml:13:1: field `burst` in `[load]` is useless: only bursts have a size; remove it, or write arrivals = \"bursts\"",
    );
    expect(
        "arrivals = \"constant\"",
        "arrivals = \"bursts\"\nburst = 2501",
        "f.toml:14:8: field `rate` in `[load]`: at this rate no whole burst of 2501 is expected in the measured 5s; a higher rate, a longer duration or a smaller burst is right",
    );
    let text = GOOD.replace("\"constant\"", "\"bursts\"\nburst = 20");
    let pace = parse(&text, "f.toml", ARMS).unwrap().load.unwrap().pace;
    let arrivals = Arrivals::Bursts { size: 20 };
    assert_eq!(
        pace,
        Pace::Open {
            arrivals,
            rate: 500.0
        }
    );
}

#[test]
fn a_sweep_keeps_the_faults() {
    let more = "[[fault]]\nat = '1s'\nwhat = 'kill-server'\nfor = '1s'\n[reconnect]\n[sweep]\nmembers = [3, 4]\n";
    let scenario = parse(&faulty(more), "f.toml", ARMS).unwrap();
    for point in scenario.sweep.unwrap().points {
        assert_eq!(point.scenario.faults.len(), 1);
        assert!(point.scenario.reconnect.is_some());
    }
}

#[test]
fn what_is_no_toml_says_where() {
    expect(
        "[load]",
        "[load",
        "f.toml:10:6: this is not TOML: unclosed table, expected `]`",
    );
    expect(
        "seed = 7",
        "trials = 7",
        "f.toml:8:1: this is not TOML: duplicate key",
    );
}

#[test]
fn columns_count_characters() {
    let text = "question = 'é'\nload = { 'é' = 1, rat = 2 }";
    let message = "f.toml:2:10: unknown field `é` in `[load]`: `mode`, `arrivals`, `burst`, `rate`, `depth`, `payload` are right";
    assert_eq!(
        parse(text, "f.toml", ARMS).unwrap_err().to_string(),
        message
    );
    let text = "load = { mode = 'é', rat = 2 }";
    assert!(
        parse(text, "f.toml", ARMS)
            .unwrap_err()
            .to_string()
            .starts_with("f.toml:1:22: unknown field `rat`")
    );
}

#[test]
fn files_that_can_not_be_read_are_named() {
    let folder = std::env::temp_dir().join(format!("scenario-errors-{}", std::process::id()));
    std::fs::create_dir_all(&folder).unwrap();
    let missing = folder.join("missing.toml");
    let message = format!(
        "{}: cannot read the scenario: No such file or directory (os error 2)",
        missing.display()
    );
    assert_eq!(load(&missing, ARMS).unwrap_err().to_string(), message);
    let message = format!(
        "{}: cannot read the scenario: Is a directory (os error 21)",
        folder.display()
    );
    assert_eq!(load(&folder, ARMS).unwrap_err().to_string(), message);
    let latin = folder.join("latin.toml");
    std::fs::write(&latin, b"name = 'x'\nquestion = '\xe9'").unwrap();
    let message = format!(
        "{}:2:13: this byte is not UTF-8: a scenario is a text file in UTF-8",
        latin.display()
    );
    assert_eq!(load(&latin, ARMS).unwrap_err().to_string(), message);
    let zeros = load(std::path::Path::new("/dev/zero"), ARMS)
        .unwrap_err()
        .to_string();
    assert_eq!(
        zeros,
        "/dev/zero:1:1: this is no scenario: it is larger than 1 MiB"
    );
    std::fs::remove_dir_all(&folder).unwrap();
}

#[test]
fn the_projects_own_scenarios_are_right() {
    let folder = concat!(env!("CARGO_MANIFEST_DIR"), "/../../scenarios");
    let more = [
        "tcp",
        "sse",
        "socket-io",
        "socket-io-polling",
        "socket-io-websocket",
    ];
    let more = more.map(|name| ArmInfo {
        name,
        network: true,
        options: &["batching"],
    });
    let arms = [ARMS, &more].concat();
    let mut kinds = Vec::new();
    let files = |folder: &str| std::fs::read_dir(folder).unwrap();
    let all = files(folder)
        .chain(files(&format!("{folder}/faults")))
        .chain(files(&format!("{folder}/claims")));
    for entry in all {
        let path = entry.unwrap().path();
        if path
            .extension()
            .is_some_and(|extension| extension == "toml")
        {
            let scenario = load(&path, &arms).unwrap_or_else(|error| panic!("{error}"));
            let stem = path.file_stem().unwrap().to_str().unwrap();
            assert_eq!(scenario.name, stem);
            kinds.push(scenario.kind);
        }
    }
    assert!(
        Kind::ALL.iter().all(|kind| kinds.contains(kind)),
        "{kinds:?}"
    );
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 2000, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn no_text_makes_it_panic(text in "\\PC{0,200}") {
        let _ = parse(&text, "f.toml", ARMS);
    }

    #[test]
    fn no_mutation_makes_it_panic(
        edits in prop::collection::vec((0usize..1000, 0usize..20, prop::sample::select(FRAGMENTS)), 1..6),
    ) {
        let mut text: Vec<char> = GOOD.chars().collect();
        for (at, cut, insert) in edits {
            let at = at % (text.len() + 1);
            let end = (at + cut).min(text.len());
            text.splice(at..end, insert.chars());
        }
        let text: String = text.into_iter().collect();
        if let Ok(scenario) = parse(&text, "f.toml", ARMS) {
            prop_assert!(scenario.trials > 0 && !scenario.transports.is_empty());
            prop_assert!(scenario.population.connections() > 0);
            let points = scenario.sweep.as_ref().map_or(1, |sweep| sweep.points.len());
            prop_assert_eq!(scenario.cases().len(), scenario.trials as usize * scenario.transports.len() * points);
        }
    }

    #[test]
    fn no_value_makes_it_panic(line in 0usize..33, value in prop::sample::select(FRAGMENTS)) {
        let lines: Vec<String> = GOOD.lines().enumerate().map(|(index, text)| match text.split_once(" = ") {
            Some((name, _)) if index == line => format!("{name} = {value}"),
            _ => text.to_owned(),
        }).collect();
        let _ = parse(&lines.join("\n"), "f.toml", ARMS);
    }
}

const FRAGMENTS: &[&str] = &[
    "",
    "\"",
    "'",
    "[",
    "]",
    "[[",
    "{",
    "}",
    "=",
    ".",
    "\n",
    "\r\n",
    "\0",
    "é",
    "\u{1F600}",
    "#",
    "-1",
    "0",
    "nan",
    "inf",
    "1e308",
    "99999999999999999999",
    "0x_",
    "\"99999999999999999999h\"",
    "\"0.00000000000000000001/s\"",
    "\"1e9/s\"",
    "\"é s\"",
    "\"5 µs\"",
    "\"18446744073709551615 B\"",
    "1979-05-27",
    "true",
    "{ a = { b = 1 } }",
    "[[[[[[[[[[",
    "\"\\u0000\"",
    "\"\"\"",
    "[load]",
    "a.b.c = 1",
    "\n[sweep]\nrate = ['9/s', '90/s']\nthreads = [1, 2]\ncombine = 'list'\n",
    "\n[sweep.members]\nfrom = 2\nto = 1e9\nsteps = 3\n",
    "\n[sweep]\nmembers = { from = 2, to = 100, steps = 3 }\n",
    "\nfind = 'highest rate with p99 < 1 ms'\n",
    "\n[[expect]]\nthat = '*.lost == 0'\nat = { rate = '9/s' }\n",
];
