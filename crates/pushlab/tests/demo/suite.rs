//! The browser's end of each transport, in Chromium, on a page of the demo, with the real servers: one suite over all of them.

use std::time::Duration;

use browser::{Browser, Page, Theme, Viewport};
use conformance::{Cut, Direction, Proxy, run};
use serde::Deserialize;
use serde_json::{Value, json};

use crate::rig::{Demo, PATIENCE};
use crate::servers::Servers;

/// Modules, and whether their replies survive a cut.
const MODULES: [(&str, bool); 7] = [
    ("request-response", false),
    ("long-poll", true),
    ("sse", true),
    ("websocket", true),
    ("socket-io", false),
    ("socket-io-polling", false),
    ("socket-io-websocket", false),
];

const DESK: Viewport = Viewport::wide(1280, Theme::Light);

/// A page of the demo, and servers that let it in.
struct Stage {
    demo: Demo,
    servers: Servers,
    _browser: Browser,
    page: Page,
}

impl Stage {
    async fn set(options: &[&str]) -> Self {
        let demo = Demo::start();
        let servers = Servers::start(demo.origin(), options);
        let browser = Browser::start().await.unwrap();
        let page = browser.open(&demo.url, DESK).await.unwrap();
        page.run(include_str!("suite.js")).await.unwrap();
        Self {
            demo,
            servers,
            _browser: browser,
            page,
        }
    }

    /// What `suite.NAME(module, URL of its server, …)` comes to.
    async fn ask(&self, name: &str, module: &str) -> Value {
        let address = self.servers.address(module);
        self.ask_at(name, module, address).await
    }

    async fn ask_at(&self, name: &str, module: &str, address: std::net::SocketAddr) -> Value {
        let (url, urls) = (self.servers.url_at(module, address), self.servers.urls());
        let call = format!("suite.{name}('{module}', '{url}', {urls})");
        self.eval(&call).await
    }

    async fn eval(&self, call: &str) -> Value {
        let told = self.page.eval(call).await;
        told.unwrap_or_else(|error| panic!("{call}: {error}"))
    }

    /// Nothing but what was cut off is complained of, and nobody but the lab was asked.
    async fn keeps_to_itself(&self) {
        for complaint in self.page.complaints().await.unwrap() {
            let is_cut = CUT.iter().any(|part| complaint.contains(part))
                // The browser sent a poll again whose engine had ended with its connection.
                || complaint.contains("status of 400") && complaint.contains("/socket.io/");
            assert!(is_cut, "{complaint}");
        }
        for request in self.page.requests().await.unwrap() {
            let url = request.url;
            let is_local = url.starts_with(self.demo.origin())
                || url.starts_with("http://127.0.0.1:")
                || url.starts_with("ws://127.0.0.1:");
            assert!(is_local || request.inline, "{url}");
        }
    }
}

/// What a browser complains of when connections are cut, wherever that is.
const CUT: [&str; 11] = [
    "net::ERR_CONNECTION_RESET",
    "net::ERR_CONNECTION_CLOSED",
    "net::ERR_SOCKET_NOT_CONNECTED",
    "net::ERR_EMPTY_RESPONSE",
    "net::ERR_FAILED",
    "net::ERR_HEADERS_TRUNCATED",
    "net::ERR_INCOMPLETE_CHUNKED_ENCODING",
    "net::ERR_CONTENT_LENGTH_MISMATCH",
    "Connection closed before receiving a handshake response",
    "Invalid frame header",
    // A head that ends too early is taken for a whole one, without what didn't come of its fields.
    "has been blocked by CORS policy",
];

#[test]
fn each_module_speaks_its_wire() {
    run(async {
        let stage = Stage::set(&[]).await;
        for (module, _) in MODULES {
            let told = stage.ask("audiences", module).await;
            let own = |number: u32| json!([format!("event {number}"), number, true]);
            let last = [json!(["connect", 0, true]), json!(["end", null, true])];
            let heard = |numbers: &[u32], is_in_room: bool| {
                let mut heard: Vec<Value> = numbers.iter().copied().map(own).collect();
                heard.extend(last.clone());
                if is_in_room {
                    heard.push(json!(["after leaving", null, true]));
                }
                heard.push(json!(["end again", null, true]));
                Value::from(heard)
            };
            assert_eq!(
                told["heard"][0],
                heard(&[0, 2, 3], true),
                "{module}: the sender"
            );
            assert_eq!(
                told["heard"][1],
                heard(&[0, 1, 3, 4], false),
                "{module}: in its room"
            );
            assert_eq!(
                told["heard"][2],
                heard(&[0, 1, 5], false),
                "{module}: outside"
            );
            assert_eq!(told["echoes"], true, "{module}: data as it was");
            assert_eq!(
                told["welcomes"],
                json!([[[true, false]], [[true, false]], [[true, false]]]),
                "{module}"
            );
            assert_eq!(
                told["states"],
                json!(["connecting", "open", "closed"]),
                "{module}"
            );
            assert_eq!(told["errors"], json!([]), "{module}");
            assert_eq!(
                told["after"],
                json!(["closed", "the client is closed"]),
                "{module}"
            );
        }
        assert_eq!(stage.page.complaints().await.unwrap(), Vec::<String>::new());
        stage.keeps_to_itself().await;
    });
}

/// What came of a session that was cut again and again.
#[derive(Debug, Deserialize)]
struct Outcome {
    published: u64,
    said: u64,
    heard: Vec<u64>,
    witnessed: Vec<u64>,
    unknown: Vec<u64>,
    refused: Vec<Value>,
    resumed: Vec<bool>,
    gaps: Vec<u64>,
    answered: u64,
    unanswered: u64,
}

#[test]
fn each_module_hears_everything_once_and_in_order_wherever_it_is_cut() {
    run(async {
        let stage = Stage::set(&[]).await;
        for (module, replies_survive) in MODULES {
            let proxy = Proxy::start(stage.servers.address(module)).await;
            stage.ask_at("begin", module, proxy.address()).await;
            for round in 0..24_u64 {
                let cut = if round % 2 == 0 { Cut::Reset } else { Cut::End };
                let (cuts, welcomes) = (proxy.cuts(), "suite.under.listener.welcomes.length");
                let before: u64 = stage.page.eval(welcomes).await.unwrap();
                match round % 4 {
                    0 => proxy.cut(cut),
                    1 => proxy.cut_after(Direction::Up, 97 * round, cut),
                    _ => proxy.cut_after(Direction::Down, 53 * round, cut),
                }
                // A polling client isn't always disturbed: its browser may have had the connection replaced in silence.
                let mut looks = 0;
                while proxy.cuts() == cuts && looks < 2_000 {
                    tokio::time::sleep(Duration::from_millis(5)).await;
                    looks += 1;
                }
                assert!(
                    proxy.cuts() > cuts,
                    "{module}: nothing was cut in round {round}"
                );
                let back = format!(
                    "{welcomes} > {before} || suite.under.listener.client.state === 'open'"
                );
                stage.page.wait_for_within(PATIENCE, &back).await.unwrap();
            }
            proxy.heal();
            let told = stage.eval("suite.finish()").await;
            let told: Outcome = serde_json::from_value(told).unwrap();
            println!(
                "{module}: {} published, {} cuts, {} welcomes, {} said, {} witnessed, {} unknown, {} answered, {} not",
                told.published,
                proxy.cuts(),
                told.resumed.len(),
                told.said,
                told.witnessed.len(),
                told.unknown.len(),
                told.answered,
                told.unanswered
            );
            let all: Vec<u64> = (0..told.published).collect();
            // Engine.IO's polls have no cursor, and Chromium sends a request again, without a word to the page, if the connection was used before
            // and broke without an answer. What the lost answer brought is lost then: the only promise is to go on.
            let has_cursor = !matches!(module, "socket-io" | "socket-io-polling");
            if has_cursor {
                assert_eq!(told.heard, all, "{module}");
            } else {
                assert_eq!(told.heard.last(), all.last(), "{module}");
            }
            assert_eq!(told.gaps, Vec::<u64>::new(), "{module}");
            assert_eq!(told.refused, Vec::<Value>::new(), "{module}");
            assert!(
                told.resumed.iter().all(|resumed| *resumed),
                "{module}: {:?}",
                told.resumed
            );
            // What it said itself arrives in order. Once, unless the browser itself sends a request again; and what is missing was told, where
            // the wire can tell.
            let mut once: Vec<u64> = Vec::new();
            for number in &told.witnessed {
                if !once.contains(number) {
                    once.push(*number);
                }
            }
            assert!(once.is_sorted(), "{module}: {:?}", told.witnessed);
            if module.starts_with("websocket") || module == "socket-io-websocket" {
                assert_eq!(
                    once.len(),
                    told.witnessed.len(),
                    "{module}: {:?}",
                    told.witnessed
                );
            } else if !module.starts_with("socket-io") {
                let missing = (0..told.said).filter(|number| !once.contains(number));
                let untold: Vec<u64> = missing
                    .filter(|number| !told.unknown.contains(number))
                    .collect();
                assert_eq!(untold, Vec::<u64>::new(), "{module}");
            }
            if replies_survive {
                assert!(told.answered > 0, "{module}");
            }
        }
        stage.keeps_to_itself().await;
    });
}

#[test]
fn a_ticket_goes_on_after_a_reload_and_a_closed_session_is_over() {
    run(async {
        let stage = Stage::set(&[]).await;
        for (module, _) in MODULES {
            let session = stage.ask("keep", module).await;
            stage.page.reload().await.unwrap();
            stage.page.run(include_str!("suite.js")).await.unwrap();
            let told = stage.ask("goOn", module).await;
            assert_eq!(told["session"], session, "{module}");
            assert_eq!(told["numbers"], json!([1, 2, 3]), "{module}");
            assert_eq!(told["resumed"], json!([true, false]), "{module}");
        }
        stage.keeps_to_itself().await;
    });
}

#[test]
fn a_lost_session_is_replaced_and_its_rooms_are_joined_again() {
    run(async {
        let stage = Stage::set(&[]).await;
        for (module, _) in MODULES {
            let proxy = Proxy::start(stage.servers.address(module)).await;
            stage.ask_at("patient", module, proxy.address()).await;
            cut_until_noticed(&stage, &proxy).await;
            let urls = stage.servers.urls();
            let told = stage.eval(&format!("suite.lose({urls})")).await;
            assert_eq!(told["numbers"], json!([1, 2]), "{module}");
            assert_eq!(told["resumed"], json!([false, false]), "{module}");
            assert_eq!(told["isNew"], true, "{module}");
            let received = told["received"].as_u64().unwrap();
            assert!((2..=4).contains(&received), "{module}: {received}");
        }
        stage.keeps_to_itself().await;
    });
}

#[test]
fn what_could_not_be_kept_is_told() {
    run(async {
        let options = ["--mailbox-messages", "32", "--slow-consumer", "drop-oldest"];
        let stage = Stage::set(&options).await;
        for (module, _) in MODULES {
            let proxy = Proxy::start(stage.servers.address(module)).await;
            stage.ask_at("patient", module, proxy.address()).await;
            cut_until_noticed(&stage, &proxy).await;
            let told = stage.eval("suite.overflow(100)").await;
            let numbers: Vec<u64> = serde_json::from_value(told["numbers"].clone()).unwrap();
            let gaps: Vec<u64> = serde_json::from_value(told["gaps"].clone()).unwrap();
            let missed: u64 = gaps.iter().sum();
            assert!(missed > 0 && numbers.is_sorted(), "{module}: {told}");
            assert_eq!(told["resumed"], json!([false, true]), "{module}");
            // Nothing was lost without a word. What the gap counts beside them are replies from before the cut, if any.
            let heard = numbers.len() as u64;
            assert!(
                heard + missed >= 100 && heard + missed <= 101,
                "{module}: {told}"
            );
        }
        stage.keeps_to_itself().await;
    });
}

/// A short poller has no connection while it waits, so cuts go on until one hits it.
async fn cut_until_noticed(stage: &Stage, proxy: &Proxy) {
    let waits = "suite.under.one.client.state === 'waiting'";
    let mut looks = 0;
    while !stage.page.eval::<bool>(waits).await.unwrap() {
        if looks % 10 == 0 {
            proxy.cut_after(Direction::Down, 0, Cut::Reset);
            proxy.cut(Cut::Reset);
        }
        tokio::time::sleep(Duration::from_millis(20)).await;
        looks += 1;
        assert!(looks < 1_000, "no cut was noticed");
    }
    proxy.heal();
}

#[test]
fn what_waits_for_a_server_is_bounded() {
    run(async {
        let stage = Stage::set(&[]).await;
        // A port where nobody listens.
        let listener = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
        let nowhere = listener.local_addr().unwrap();
        drop(listener);
        for (module, _) in MODULES {
            let told = stage.ask_at("bounded", module, nowhere).await;
            assert_eq!(told["given"], 1_000, "{module}");
            assert_eq!(told["refused"], "too many commands wait for a connection");
            assert_eq!(told["request"], "too many commands wait for a connection");
            assert_eq!(told["state"], "closed", "{module}");
        }
    });
}
