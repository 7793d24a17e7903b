//! The official client, socket.io-client from npm, against this server: in Node and in Debian's Chromium, by each of its transports.
//!
//! What it must be able to do is written once, in `official/cases.js`.

mod rig;

use std::path::{Path, PathBuf};
use std::process::Stdio;
use std::time::Duration;

use browser::{Browser, Theme, Viewport};
use conformance::{Lab, run};
use hub::Limits;
use rig::pages::Pages;
use socket_io::{Arm, Both, Polling, SocketIo, WebSocket};
use tokio::process::Command;
use transport::Config;

const CASES: [&str; 8] = [
    "acks",
    "echo",
    "audiences",
    "namespaces",
    "reasons",
    "resume",
    "transports",
    "pings",
];

#[test]
fn node_by_upgrade() {
    run(in_node::<Both>(None));
}

#[test]
fn node_by_polling() {
    run(in_node::<Polling>(Some("polling")));
}

#[test]
fn node_by_websocket() {
    run(in_node::<WebSocket>(Some("websocket")));
}

/// A server of both serves a client that wants but one.
#[test]
fn node_by_one_of_both() {
    run(async {
        in_node::<Both>(Some("polling")).await;
        in_node::<Both>(Some("websocket")).await;
    });
}

#[test]
fn a_page_of_another_origin_by_upgrade() {
    run(in_a_page::<Both>("{}"));
}

#[test]
fn a_page_of_another_origin_by_polling() {
    run(in_a_page::<Polling>("{transports: ['polling']}"));
}

#[test]
fn a_page_of_another_origin_by_websocket() {
    run(in_a_page::<WebSocket>("{transports: ['websocket']}"));
}

/// A page whose origin isn't allowed gets no connection, by no transport.
#[test]
fn a_page_of_a_foreign_origin_is_refused() {
    run(async {
        let pages = Pages::serve(pages()).await;
        let lab = Lab::<SocketIo<Both>>::start();
        let browser = Browser::start().await.unwrap();
        let page = browser
            .open(&format!("http://{}/", pages.address()), DESK)
            .await
            .unwrap();
        for transport in ["polling", "websocket"] {
            let refused: bool = page
                .eval(&format!(
                    "new Promise(done => {{
                        const socket = io('http://{}', {{transports: ['{transport}'], reconnection: false, forceNew: true}});
                        socket.on('connect', () => done(false));
                        socket.on('connect_error', () => done(true));
                    }})",
                    lab.address()
                ))
                .await
                .unwrap();
            assert!(refused, "{transport}");
        }
        assert_eq!(lab.door().sessions(), 0);
    });
}

const DESK: Viewport = Viewport::wide(1280, Theme::Light);

async fn in_node<A: Arm>(transport: Option<&str>) {
    let lab = Lab::<SocketIo<A>>::start_with(&Limits::default(), config(Vec::new()));
    for case in CASES {
        let mut command = Command::new("node");
        command
            .current_dir(official())
            .args(["node.mjs", case, &format!("http://{}", lab.address())])
            .args(transport)
            .stdin(Stdio::null())
            .kill_on_drop(true);
        let ended = command.output().await.expect("node starts");
        let said = String::from_utf8_lossy(&ended.stderr);
        assert!(ended.status.success(), "{case}, {transport:?}: {said}");
    }
    lab.still_serves().await;
}

async fn in_a_page<A: Arm>(options: &str) {
    let pages = Pages::serve(pages()).await;
    let origin = format!("http://{}", pages.address());
    let config = config(vec![origin.clone()]);
    let lab = Lab::<SocketIo<A>>::start_with(&Limits::default(), config);
    let browser = Browser::start().await.unwrap();
    let page = browser.open(&origin, DESK).await.unwrap();
    page.wait_for("window.runCase !== undefined").await.unwrap();
    for case in CASES {
        let script = format!("runCase('{case}', 'http://{}', {options})", lab.address());
        let outcome = page.eval::<String>(&script).await;
        assert_eq!(outcome.as_deref().ok(), Some("ok"), "{case}: {outcome:?}");
    }
    lab.still_serves().await;
}

/// Pings often, so that there are some.
fn config(allow_origins: Vec<String>) -> Config {
    Config {
        allow_origins,
        ping_interval: Duration::from_millis(300),
        ..Config::default()
    }
}

fn official() -> PathBuf {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/official");
    let client = folder.join("node_modules/socket.io-client");
    assert!(
        client.is_dir(),
        "{} is missing: `cargo xtask test` installs it (npm ci)",
        client.display()
    );
    folder
}

fn pages() -> Vec<(&'static str, &'static str, PathBuf)> {
    let folder = official();
    let bundle = "node_modules/socket.io-client/dist/socket.io.min.js";
    vec![
        ("/", "text/html", folder.join("page.html")),
        ("/cases.js", "text/javascript", folder.join("cases.js")),
        ("/socket.io.min.js", "text/javascript", folder.join(bundle)),
    ]
}
