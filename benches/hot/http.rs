//! A client's HTTP connection: what one request costs on it.

use std::future::poll_fn;
use std::task::ready;
use std::time::Instant;

use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpListener;
use tokio::runtime::{Builder, LocalOptions};
use transport::Target;
use transport::http::client::{Host, Line};

use crate::turns::Turns;

/// One request on the lab's HTTP/1.1 connection, over loopback, answered on the same thread by a
/// server that doesn't look at it: the head written, the response parsed, and the kernel's part, twice.
pub(super) fn request() -> Turns {
    let mut builder = Builder::new_current_thread();
    let runtime = builder.enable_all().build_local(LocalOptions::default());
    let runtime = runtime.expect("an event loop");
    let url = runtime.block_on(async {
        let listener = TcpListener::bind("127.0.0.1:0").await.expect("a port");
        let address = listener.local_addr().expect("bound");
        tokio::task::spawn_local(answer(listener));
        format!("http://{address}")
    });
    let host = runtime.block_on(Host::resolve(&Target::new(url), "bench"));
    let mut line = Line::new(&host.expect("an address"));
    Box::new(move |turns| {
        runtime.block_on(async {
            let started = Instant::now();
            for _ in 0..turns {
                post(&mut line).await;
            }
            started.elapsed()
        })
    })
}

async fn post(line: &mut Line) {
    line.begin(true, |out| out.extend_from_slice(REQUEST));
    let length = poll_fn(|cx| {
        let answer = ready!(line.poll(cx)).expect("an answer");
        (answer.body.len(), answer.status).into()
    });
    assert_eq!(length.await, (64, 200));
}

/// Answers each read of one connection: a client that waits for its answer sends one request a read.
async fn answer(listener: TcpListener) {
    let (mut stream, _) = listener.accept().await.expect("a client");
    let mut request = [0; 4096];
    while stream.read(&mut request).await.is_ok_and(|read| read > 0) {
        stream.write_all(ANSWER).await.expect("a reader");
    }
}

const REQUEST: &[u8] = b"POST /echo HTTP/1.1\r\nhost: 127.0.0.1:8080\r\ncontent-length: 64\r\n\r\n\
    \"xxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxx\"";
/// What a lab's server says, with the headers it says it in.
const ANSWER: &[u8] = b"HTTP/1.1 200 OK\r\ncache-control: no-store\r\ncontent-length: 64\r\n\
    date: Tue, 24 Nov 2026 12:00:00 GMT\r\n\r\n\
    \"xxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxx\"";
