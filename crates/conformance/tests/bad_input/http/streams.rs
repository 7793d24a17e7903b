//! What a server of event streams reads, and where a token may stand.

use ::long_poll::LongPoll;
use ::request_response::RequestResponse;
use ::sse::Sse;
use conformance::raw::Answer;
use transport::{Config, Transport};

use super::Siege;

/// A page's `EventSource` can set no header, and a poll of a page with one would cost a preflight for each new cursor.
#[test]
fn messages_may_be_asked_for_with_the_token_in_the_query() {
    async fn ask_with<T: Transport>(query: &str) -> Answer {
        let mut siege = Siege::<T>::begin(Config::default()).await;
        let request = siege.fill(&format!(
            "GET /events?{query} HTTP/1.1\r\nHost: {{host}}\r\n\r\n"
        ));
        let answer = siege.ask(request.as_bytes()).await;
        siege.bystander_is_well("a token in the query").await;
        siege.end().await;
        answer.expect("a request for messages is answered")
    }
    conformance::run(async {
        for (answer, status) in [
            (ask_with::<RequestResponse>("token={token}").await, 204),
            (ask_with::<LongPoll>("token={token}&wait=0").await, 204),
            (ask_with::<Sse>("token={token}").await, 200),
            (ask_with::<RequestResponse>("token=x").await, 401),
            (ask_with::<LongPoll>("token=x&wait=0").await, 401),
            (ask_with::<Sse>("token=x").await, 401),
        ] {
            assert_eq!(answer.status, status, "{answer:?}");
        }
    });
}

#[test]
fn a_bad_stream_is_refused() {
    conformance::run(async {
        let mut siege = Siege::<Sse>::begin(Config::default()).await;
        for (what, target, fields) in [
            ("no number", "/events", "Last-Event-ID: x\r\n"),
            ("an empty id", "/events", "Last-Event-ID:\r\n"),
            ("a negative id", "/events", "Last-Event-ID: -1\r\n"),
            (
                "an id beyond what was sent",
                "/events",
                "Last-Event-ID: 1\r\n",
            ),
            (
                "an id beyond 64 bits",
                "/events",
                "Last-Event-ID: 18446744073709551616\r\n",
            ),
            (
                "an id that is no text",
                "/events",
                "Last-Event-ID: \u{ff}\r\n",
            ),
            (
                "two ids",
                "/events",
                "Last-Event-ID: 0\r\nLast-Event-ID: 0\r\n",
            ),
            ("a token in both places", "/events?token={token}", ""),
            ("now", "/events?after=now", ""),
            ("a hold", "/events?wait=1", ""),
            ("a body", "/events", "Content-Length: 1\r\n"),
        ] {
            let request = siege.fill(&format!(
                "GET {target} HTTP/1.1\r\nHost: {{host}}\r\nAuthorization: Bearer {{token}}\r\n{fields}\r\n"
            ));
            let answer = siege
                .ask(request.as_bytes())
                .await
                .unwrap_or_else(|| panic!("{what} was not answered"));
            assert_eq!(
                (answer.status, answer.field("code")),
                (400, Some("malformed")),
                "{what}: {answer:?}"
            );
            siege.bystander_is_well(what).await;
        }
        for (what, target, status) in [
            ("no token", "/events", 401),
            ("an empty token", "/events?token=", 401),
            ("a garbled token", "/events?token=!!", 401),
            ("nobody's token", "/events?token={other}", 401),
            ("two tokens", "/events?token={token}&token={token}", 400),
            (
                "a cursor that is a word",
                "/events?token={token}&after=x",
                400,
            ),
        ] {
            let request = siege.fill(&format!("GET {target} HTTP/1.1\r\nHost: {{host}}\r\n\r\n"));
            let answer = siege
                .ask(request.as_bytes())
                .await
                .unwrap_or_else(|| panic!("{what} was not answered"));
            assert_eq!(answer.status, status, "{what}: {answer:?}");
            let token = siege.token.clone();
            assert!(
                !answer.body.contains(&token),
                "{what}: an error tells no secret"
            );
            siege.bystander_is_well(what).await;
        }
        siege.end().await;
    });
}
