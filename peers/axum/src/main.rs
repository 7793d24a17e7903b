//! The `WebSocket` of axum: `/echo` sends each message back, `/shootout` speaks the shootout protocol.
//!
//! The runtime is tokio's `current_thread`, for a peer is given one CPU: a second worker would only be in its way.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use axum::Router;
use axum::extract::State;
use axum::extract::ws::{Message, Utf8Bytes, WebSocket, WebSocketUpgrade};
use axum::response::Response;
use axum::routing::get;
use axum::serve::ListenerExt;
use futures_util::{FutureExt, SinkExt, StreamExt};
use peer_support::{MAX_MESSAGE, QUEUE, shootout};
use tokio::net::TcpListener;
use tokio::sync::broadcast;
use tokio::sync::broadcast::error::{RecvError, TryRecvError};

type Error = Box<dyn std::error::Error>;

#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<(), Error> {
    let router = Router::new()
        .route("/echo", get(async |ws| upgrade(ws).on_upgrade(echo)))
        .route("/shootout", get(join))
        .with_state(Arc::new(Everyone::new()));
    let listener = TcpListener::from_std(peer_support::listen()?)?;
    peer_support::ready(listener.local_addr()?)?;
    // A stream that can't be told to send at once is broken already; its connection will find out.
    let listener = listener.tap_io(|stream| drop(stream.set_nodelay(true)));
    axum::serve(listener, router).await?;
    Ok(())
}

/// tungstenite allocates a connection's read buffer at once, 128 KiB by default; its documentation advises 4 KiB for many
/// connections, which is larger than most messages of the scenarios. axum offers no compression.
fn upgrade(ws: WebSocketUpgrade) -> WebSocketUpgrade {
    ws.read_buffer_size(4096).max_message_size(MAX_MESSAGE)
}

/// Answers all messages that have come in one write.
async fn echo(mut ws: WebSocket) {
    while let Some(Ok(message)) = ws.next().await {
        let mut next = Some(message);
        while let Some(message) = next {
            if is_data(&message) && ws.feed(message).await.is_err() {
                return;
            }
            next = match ws.next().now_or_never() {
                Some(Some(Ok(message))) => Some(message),
                Some(_) => return,
                None => None,
            };
        }
        if ws.flush().await.is_err() {
            return;
        }
    }
}

fn is_data(message: &Message) -> bool {
    matches!(message, Message::Text(_) | Message::Binary(_))
}

/// All connections of `/shootout`.
struct Everyone {
    broadcasts: broadcast::Sender<Arc<Broadcast>>,
    next: AtomicU64,
}

struct Broadcast {
    from: u64,
    text: Utf8Bytes,
    result: Utf8Bytes,
}

impl Everyone {
    fn new() -> Self {
        Self {
            broadcasts: broadcast::Sender::new(QUEUE),
            next: AtomicU64::new(0),
        }
    }
}

async fn join(ws: WebSocketUpgrade, State(everyone): State<Arc<Everyone>>) -> Response {
    upgrade(ws).on_upgrade(async move |mut ws| {
        // An error ends this connection alone. One that has fallen more than `QUEUE` broadcasts behind is closed: it would
        // have lost some.
        if take_part(&mut ws, &everyone).await.is_err() {
            drop(ws.send(Message::Close(None)).await);
        }
    })
}

async fn take_part(ws: &mut WebSocket, everyone: &Everyone) -> Result<(), Error> {
    let id = everyone.next.fetch_add(1, Ordering::Relaxed);
    let mut inbox = everyone.broadcasts.subscribe();
    loop {
        tokio::select! {
            broadcast = inbox.recv() => {
                let mut next = match broadcast {
                    Ok(broadcast) => Some(broadcast),
                    Err(error @ (RecvError::Lagged(_) | RecvError::Closed)) => return Err(error.into()),
                };
                while let Some(broadcast) = next {
                    ws.feed(Message::Text(broadcast.text.clone())).await?;
                    if broadcast.from == id {
                        ws.feed(Message::Text(broadcast.result.clone())).await?;
                    }
                    next = match inbox.try_recv() {
                        Ok(broadcast) => Some(broadcast),
                        Err(TryRecvError::Empty) => None,
                        Err(error) => return Err(error.into()),
                    };
                }
                ws.flush().await?;
            }
            message = ws.next() => match message.transpose()? {
                Some(Message::Text(text)) => match shootout::read(&text)? {
                    shootout::Message::Echo => ws.send(Message::Text(text)).await?,
                    shootout::Message::Broadcast(payload) => {
                        let count = everyone.broadcasts.receiver_count();
                        let result = shootout::result(payload, count).into();
                        // This connection listens too, so it isn't sent into the void.
                        let _ = everyone.broadcasts.send(Arc::new(Broadcast { from: id, text, result }));
                    }
                },
                Some(Message::Binary(_)) => return Err("binary isn't of the protocol".into()),
                Some(_) => {}
                None => return Ok(()),
            },
        }
    }
}
