//! A browser's own `EventSource`, on a page of another origin: it comes back by itself, with everything and nothing twice, and stops when told.

use std::net::SocketAddr;
use std::time::Duration;

use crate::rig::Hand;
use ::browser::{Browser, Page, Theme, Viewport};
use conformance::raw::ask;
use conformance::{Cut, Direction, Proxy, run};
use hub::Limits;
use serde_json::Value;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpListener;
use transport::Config;

const DESK: Viewport = Viewport::wide(1280, Theme::Light);

/// An empty page on a port of its own, for as long as the test runs; its origin.
async fn origin() -> String {
    const PAGE: &str = "<!doctype html><html lang=en><meta charset=utf-8><title>t</title><link rel=icon href=data:,>";
    let listener = TcpListener::bind(("127.0.0.1", 0)).await.unwrap();
    let address = listener.local_addr().unwrap();
    tokio::task::spawn_local(async move {
        while let Ok((mut connection, _)) = listener.accept().await {
            tokio::task::spawn_local(async move {
                let mut head = Vec::new();
                while !head.ends_with(b"\r\n\r\n") {
                    match connection.read_u8().await {
                        Ok(byte) => head.push(byte),
                        Err(_) => return,
                    }
                }
                let length = PAGE.len();
                let answer = format!(
                    "HTTP/1.1 200 OK\r\ncontent-type: text/html\r\nconnection: close\r\ncontent-length: {length}\r\n\r\n{PAGE}"
                );
                // A browser that closes first has what it wants.
                let _ = connection.write_all(answer.as_bytes()).await;
            });
        }
    });
    format!("http://{address}")
}

/// A session whose server lets pages of `origin` in.
async fn session(origin: &str) -> Hand {
    let config = Config {
        allow_origins: vec![origin.to_owned()],
        sse_retry: Duration::from_millis(50),
        ..Config::default()
    };
    Hand::with(&Limits::default(), config).await
}

/// Opens the session's stream by way of `server`, and keeps what it says.
async fn listen(page: &Page, server: SocketAddr, token: &str) {
    let script = format!(
        "window.got = []; window.opened = 0;
         window.source = new EventSource('http://{server}/events?token={token}');
         source.onopen = () => {{ opened += 1 }};
         source.onmessage = event => {{ got.push([event.lastEventId, JSON.parse(event.data)]) }};"
    );
    page.run(&script).await.unwrap();
}

/// The last event ids and numbers of the events that the page got.
async fn got(page: &Page) -> Vec<(u32, u32)> {
    let got: Vec<(String, Value)> = page
        .eval("got.filter(([_, message]) => message.op === 'event')")
        .await
        .unwrap();
    let number = |message: &Value| u32::try_from(message["data"].as_u64().unwrap()).unwrap();
    got.iter()
        .map(|(id, message)| (id.parse().unwrap(), number(message)))
        .collect()
}

#[test]
fn an_event_source_of_another_origin_hears_each_event_once_whatever_happens_to_its_connection() {
    run(async {
        let origin = origin().await;
        let hand = session(&origin).await;
        let proxy = Proxy::start(hand.lab.address()).await;
        let browser = Browser::start().await.unwrap();
        let page = browser.open(&origin, DESK).await.unwrap();
        listen(&page, proxy.address(), &hand.token).await;
        page.wait_for("source.readyState === EventSource.OPEN")
            .await
            .unwrap();
        let mut told = 0;
        let mut tell = async |count: u32| {
            for _ in 0..count {
                told += 1;
                hand.emit(told);
            }
            let condition = format!("got.length >= {told}");
            page.wait_for(&condition).await.unwrap();
        };
        tell(3).await;
        for round in 0..6_u64 {
            let cut = if round % 2 == 0 { Cut::End } else { Cut::Reset };
            if round < 2 {
                // Between two events; the next ones come while nobody listens.
                proxy.cut(cut);
            } else {
                // Within an event, at another place each time.
                proxy.cut_after(Direction::Down, 11 * round, cut);
            }
            let before = proxy.cuts();
            tell(3).await;
            assert!(
                round < 2 || proxy.cuts() > before,
                "nothing was cut in round {round}"
            );
        }
        let expected: Vec<_> = (1..=told).map(|number| (number, number)).collect();
        assert_eq!(got(&page).await, expected);
        let opened: u32 = page.eval("opened").await.unwrap();
        assert!(opened >= 5, "{opened} streams");

        // The page ends the session, and the browser comes back once more to be told that it is over.
        let script = format!(
            "fetch('http://{}/session', {{ method: 'DELETE', headers: {{ authorization: 'Bearer {}' }} }})
                .then(answer => answer.status)",
            proxy.address(),
            hand.token
        );
        let status: u16 = page.eval(&script).await.unwrap();
        assert_eq!(status, 204);
        page.wait_for("source.readyState === EventSource.CLOSED")
            .await
            .unwrap();
        assert_eq!(got(&page).await, expected);
        let last: String = page.eval("got.at(-1)[1].code").await.unwrap();
        assert_eq!(last, "unauthorized");
    });
}

#[test]
fn a_session_that_said_nothing_ends_an_event_source_too() {
    run(async {
        let origin = origin().await;
        let hand = session(&origin).await;
        let browser = Browser::start().await.unwrap();
        let page = browser.open(&origin, DESK).await.unwrap();
        listen(&page, hand.lab.address(), &hand.token).await;
        page.wait_for("source.readyState === EventSource.OPEN")
            .await
            .unwrap();
        assert_eq!(hand.ask("DELETE", "/session", "", "").await.status, 204);
        page.wait_for("source.readyState === EventSource.CLOSED")
            .await
            .unwrap();
        // A browser complains of any other answer than 200 and 204.
        assert_eq!(page.complaints().await.unwrap(), Vec::<String>::new());
        let opened: u32 = page.eval("opened").await.unwrap();
        assert_eq!(opened, 1);
    });
}

#[test]
fn a_page_of_an_origin_that_is_not_allowed_hears_nothing() {
    run(async {
        let (allowed, foreign) = (origin().await, origin().await);
        let hand = session(&allowed).await;
        hand.emit(1);
        let browser = Browser::start().await.unwrap();
        let page = browser.open(&foreign, DESK).await.unwrap();
        listen(&page, hand.lab.address(), &hand.token).await;
        page.wait_for("source.readyState === EventSource.CLOSED")
            .await
            .unwrap();
        let heard: (u32, Vec<Value>) = page.eval("[opened, got]").await.unwrap();
        assert_eq!(heard, (0, Vec::new()));
        // The session is untouched: whoever may listen hears it.
        let page = browser.open(&allowed, DESK).await.unwrap();
        listen(&page, hand.lab.address(), &hand.token).await;
        page.wait_for("got.length >= 1").await.unwrap();
        assert_eq!(got(&page).await, [(1, 1)]);
        let request = format!(
            "GET /healthz HTTP/1.1\r\nHost: {}\r\nOrigin: {foreign}\r\n\r\n",
            hand.lab.address()
        );
        let answer = ask(hand.lab.address(), request.as_bytes()).await.unwrap();
        assert_eq!(answer.status, 403);
    });
}
