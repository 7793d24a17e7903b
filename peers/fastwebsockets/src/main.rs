//! fastwebsockets over hyper: `/echo` sends each message back, `/shootout` speaks the shootout protocol.
//!
//! The runtime is tokio's `current_thread`, as in the crate's own echo server: a peer is given one CPU.

use std::convert::Infallible;
use std::rc::Rc;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use bytes::Bytes;
use fastwebsockets::upgrade::{self, UpgradeFut};
use fastwebsockets::{
    FragmentCollector, FragmentCollectorRead, Frame, OpCode, Payload, WebSocketError,
    WebSocketWrite,
};
use http_body_util::Empty;
use hyper::body::Incoming;
use hyper::server::conn::http1;
use hyper::service::service_fn;
use hyper::upgrade::Upgraded;
use hyper::{Request, Response, StatusCode};
use hyper_util::rt::TokioIo;
use peer_support::{MAX_MESSAGE, QUEUE, shootout};
use tokio::io::WriteHalf;
use tokio::net::TcpListener;
use tokio::sync::{broadcast, mpsc};

type Error = Box<dyn std::error::Error>;

fn main() -> Result<(), Error> {
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_io()
        .build()?;
    tokio::task::LocalSet::new().block_on(&runtime, serve())
}

async fn serve() -> Result<(), Error> {
    let everyone = Rc::new(Everyone {
        broadcasts: broadcast::Sender::new(QUEUE),
        next: AtomicU64::new(0),
    });
    let listener = TcpListener::from_std(peer_support::listen()?)?;
    peer_support::ready(listener.local_addr()?)?;
    loop {
        let Ok((stream, _)) = listener.accept().await else {
            // The connection is gone already, or there are no file descriptors left: let others end first.
            tokio::task::yield_now().await;
            continue;
        };
        if stream.set_nodelay(true).is_err() {
            continue;
        }
        let everyone = everyone.clone();
        tokio::task::spawn_local(async move {
            let service = service_fn(|request| {
                std::future::ready(Ok::<_, Infallible>(answer(request, &everyone)))
            });
            let connection = http1::Builder::new().serve_connection(TokioIo::new(stream), service);
            // An error ends this connection alone.
            let _ = connection.with_upgrades().await;
        });
    }
}

/// The crate has no compression.
fn answer(mut request: Request<Incoming>, everyone: &Rc<Everyone>) -> Response<Empty<Bytes>> {
    let refused = |status| {
        let mut response = Response::new(Empty::new());
        *response.status_mut() = status;
        response
    };
    let is_echo = match request.uri().path() {
        "/echo" => true,
        "/shootout" => false,
        _ => return refused(StatusCode::NOT_FOUND),
    };
    let Ok((response, upgraded)) = upgrade::upgrade(&mut request) else {
        return refused(StatusCode::UPGRADE_REQUIRED);
    };
    let everyone = everyone.clone();
    tokio::task::spawn_local(async move {
        // An error ends this connection alone. Without the budget, as the crate's documentation advises.
        let _ = if is_echo {
            tokio::task::unconstrained(echo(upgraded)).await
        } else {
            take_part(upgraded, &everyone).await
        };
    });
    response
}

async fn echo(upgraded: UpgradeFut) -> Result<(), Error> {
    let mut ws = upgraded.await?;
    ws.set_max_message_size(MAX_MESSAGE);
    let mut ws = FragmentCollector::new(ws);
    loop {
        let frame = ws.read_frame().await?;
        match frame.opcode {
            OpCode::Close => return Ok(()),
            OpCode::Text | OpCode::Binary => ws.write_frame(frame).await?,
            _ => {}
        }
    }
}

/// All connections of `/shootout`.
struct Everyone {
    broadcasts: broadcast::Sender<Arc<Broadcast>>,
    next: AtomicU64,
}

struct Broadcast {
    from: u64,
    text: Bytes,
    result: String,
}

/// What a connection's reader has its writer send: the answer to a ping or a close, or an echo.
type Answer = (OpCode, Bytes);

/// Reading can't be given up half-way in this crate, so a connection is split: one end reads, the other writes.
async fn take_part(upgraded: UpgradeFut, everyone: &Everyone) -> Result<(), Error> {
    let mut ws = upgraded.await?;
    ws.set_max_message_size(MAX_MESSAGE);
    let (read, write) = ws.split(tokio::io::split);
    let id = everyone.next.fetch_add(1, Ordering::Relaxed);
    let inbox = everyone.broadcasts.subscribe();
    // A client that asks without reading the answers isn't read any more once this is full.
    let (answer, answers) = mpsc::channel(64);
    tokio::select! {
        end = reader(FragmentCollectorRead::new(read), answer, id, everyone) => end,
        end = writer(write, answers, inbox, id) => end,
    }
}

async fn reader<S: tokio::io::AsyncRead + Unpin>(
    mut read: FragmentCollectorRead<S>,
    answer: mpsc::Sender<Answer>,
    id: u64,
    everyone: &Everyone,
) -> Result<(), Error> {
    loop {
        let frame = read
            .read_frame(&mut |obliged: Frame<'_>| {
                let bytes = Bytes::copy_from_slice(&obliged.payload);
                let sent = answer.send((obliged.opcode, bytes));
                async { sent.await.map_err(|_| WebSocketError::ConnectionClosed) }
            })
            .await?;
        match frame.opcode {
            OpCode::Text => {
                let text = std::str::from_utf8(&frame.payload)?;
                match shootout::read(text)? {
                    shootout::Message::Echo => {
                        answer
                            .send((OpCode::Text, Bytes::copy_from_slice(&frame.payload)))
                            .await?;
                    }
                    shootout::Message::Broadcast(payload) => {
                        let result =
                            shootout::result(payload, everyone.broadcasts.receiver_count());
                        let text = Bytes::copy_from_slice(&frame.payload);
                        // This connection listens too, so it isn't sent into the void.
                        let _ = everyone.broadcasts.send(Arc::new(Broadcast {
                            from: id,
                            text,
                            result,
                        }));
                    }
                }
            }
            OpCode::Binary => return Err("binary isn't of the protocol".into()),
            OpCode::Close => return Ok(()),
            _ => {}
        }
    }
}

/// Writes each message by itself, for the crate has no buffer of messages. A connection that has fallen more than `QUEUE`
/// broadcasts behind is closed: it would have lost some.
async fn writer(
    mut write: WebSocketWrite<WriteHalf<TokioIo<Upgraded>>>,
    mut answers: mpsc::Receiver<Answer>,
    mut inbox: broadcast::Receiver<Arc<Broadcast>>,
    id: u64,
) -> Result<(), Error> {
    loop {
        tokio::select! {
            broadcast = inbox.recv() => {
                let broadcast = broadcast?;
                write.write_frame(Frame::text(Payload::Borrowed(&broadcast.text))).await?;
                if broadcast.from == id {
                    write.write_frame(Frame::text(Payload::Borrowed(broadcast.result.as_bytes()))).await?;
                }
            }
            Some((opcode, bytes)) = answers.recv() => {
                write.write_frame(Frame::new(true, opcode, None, Payload::Borrowed(&bytes))).await?;
            }
            else => return Ok(()),
        }
    }
}
