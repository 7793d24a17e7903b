//! The smallest hyper client loop: `conn::http1` on a current-thread runtime, each connection posts
//! to `/echo`, one request after the other. Prints one line of JSON.

use std::sync::{Arc, Mutex, PoisonError};
use std::time::Instant;

use anyhow::ensure;
use benches::raw::window::{Load, Window};
use benches::raw::{dial, usage};
use clap::Parser;
use http_body_util::{BodyExt, Full};
use hyper::body::Bytes;
use hyper::client::conn::http1::{self, SendRequest};
use hyper::header::{HOST, HeaderValue};
use hyper::{Request, StatusCode};
use hyper_util::rt::TokioIo;
use tokio::net::TcpStream;
use tokio::task::JoinSet;

/// HTTP load on hyper and nothing else.
#[derive(Parser)]
struct Args {
    #[command(flatten)]
    load: Load,
}

#[tokio::main(flavor = "current_thread")]
async fn main() -> anyhow::Result<()> {
    usage::prepare()?;
    let load = Args::parse().load;
    let mut senders = Vec::with_capacity(load.connections);
    for index in 0..load.connections {
        let stream = dial::connect(load.address, index)?;
        stream.set_nonblocking(true)?;
        let stream = TokioIo::new(TcpStream::from_std(stream)?);
        let (sender, connection) = http1::handshake(stream).await?;
        tokio::spawn(connection);
        senders.push(sender);
    }
    let window = Arc::new(Mutex::new(Window::new(&load)?));
    let mut loops = JoinSet::new();
    for sender in senders {
        loops.spawn(post(sender, load.clone(), window.clone()));
    }
    while let Some(ended) = loops.join_next().await {
        ended??;
    }
    window
        .lock()
        .unwrap_or_else(PoisonError::into_inner)
        .print()
}

async fn post(
    mut sender: SendRequest<Full<Bytes>>,
    load: Load,
    window: Arc<Mutex<Window>>,
) -> anyhow::Result<()> {
    let body = Bytes::from(vec![b'x'; load.payload]);
    let host = HeaderValue::from_str(&load.address.to_string())?;
    loop {
        let sent = Instant::now();
        let request = Request::post("/echo")
            .header(HOST, host.clone())
            .body(Full::new(body.clone()))?;
        let response = sender.send_request(request).await?;
        ensure!(response.status() == StatusCode::OK, "{}", response.status());
        let echoed = response.into_body().collect().await?.to_bytes();
        ensure!(echoed == body, "not an echo");
        let now = Instant::now();
        let mut window = window.lock().unwrap_or_else(PoisonError::into_inner);
        window.record(now - sent);
        window.count(1);
        if window.is_over(now)? {
            return Ok(());
        }
    }
}
