//! `data` is any JSON value, and it comes back to the letter.

use transport::{Audience, Transport};

use crate::{Lab, Message};

/// Requests and events carry any JSON text unchanged: numbers no machine type holds, escapes, white space within, deep nesting, long strings.
/// Where messages are lines, line feeds in that white space are spaces, and nothing else is.
pub async fn data_travels_to_the_letter<T: Transport>() {
    let lab = Lab::<T>::start();
    let mut peers = lab.connect_many(2).await;
    for (number, sent) in values().iter().enumerate() {
        let id = number as u64;
        peers[0].request(id, sent);
        let mut told = peers[0].tell(Audience::Others, "value", sent);
        let mut data = sent.clone();
        if !T::INFO.capabilities.to_the_letter {
            data = sent.replace('\n', " ");
            if let Message::Event { data: told, .. } = &mut told {
                told.clone_from(&data);
            }
        }
        let reply = peers[0].next().await;
        assert!(
            reply
                == Message::Reply {
                    id,
                    data: data.clone()
                },
            "{} came back as {reply:?}",
            shorten(&data)
        );
        let event = peers[1].next().await;
        assert!(event == told, "{} arrived as {event:?}", shorten(&data));
    }
    peers[0].request(u64::MAX, "0");
    assert_eq!(
        peers[0].next().await,
        Message::Reply {
            id: u64::MAX,
            data: "0".into()
        }
    );
}

/// Requests under way at the same time are answered in order, each with its own id and data, the same id twice too.
pub async fn requests_under_way_are_told_apart<T: Transport>() {
    let lab = Lab::<T>::start();
    let mut peer = lab.connect().await;
    for id in 0..50 {
        peer.request(id % 20, &format!("[{id}]"));
    }
    for id in 0..50 {
        assert_eq!(
            peer.next().await,
            Message::Reply {
                id: id % 20,
                data: format!("[{id}]")
            }
        );
    }
}

fn values() -> Vec<String> {
    let fixed = [
        "null",
        "true",
        "false",
        "0",
        "-0",
        "-0.0",
        "1e400",
        "1E-999",
        "3.141592653589793238462643383279502884197169399375105820974944592",
        "123456789012345678901234567890123456789012345678901234567890",
        r#""""#,
        r#""\u0000\u001f\b\f\n\r\t\"\\\/""#,
        r#""\ud83d\ude00""#,
        r#""a lone surrogate \ud800 is JSON (RFC 8259 section 8.2)""#,
        "\"naïve 日本語 🦀 \u{2028}\u{feff}\"",
        "[]",
        "{}",
        r#"{"op":"event","event":"x","from":"y","data":{"op":"gap","missed":9}}"#,
        r#"{"a":1,"a":2,"":3}"#,
        "{ \"spaced\" :\t[ 1 ,\n 2 ] }",
        r#"["},{","],[","\\"]"#,
    ];
    let mut values: Vec<String> = fixed.map(String::from).to_vec();
    values.push(format!(
        "{}{}",
        "[".repeat(hub::wire::MAX_DEPTH),
        "]".repeat(hub::wire::MAX_DEPTH)
    ));
    values.push(format!("{}1{}", r#"{"a":"#.repeat(100), "}".repeat(100)));
    // Around the lengths where WebSocket headers and read buffers change.
    for length in [60, 70, 125, 126, 127, 4_000, 4_096, 65_450, 65_536, 300_000] {
        values.push(format!("\"{}\"", "x".repeat(length)));
    }
    values
}

fn shorten(data: &str) -> String {
    data.chars().take(60).collect()
}
