//! Our Socket.IO wire on the crate socketioxide, over hyper.
//!
//! The runtime is tokio's `current_thread`, for a peer is given one CPU.

use hyper::server::conn::http1;
use hyper_util::rt::TokioIo;
use hyper_util::service::TowerToHyperService;
use peer_support::{MAX_MESSAGE, QUEUE};
use serde::Deserialize;
use serde_json::value::RawValue;
use serde_json::{Value, json};
use socketioxide::SocketIo;
use socketioxide::extract::{AckSender, Data, SocketRef, TryData};
use tokio::net::TcpListener;

type Error = Box<dyn std::error::Error>;

fn main() -> Result<(), Error> {
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()?;
    runtime.block_on(serve())
}

async fn serve() -> Result<(), Error> {
    // Beyond `max_buffer_size` packets for one connection (128 by default) an emit to it fails and is lost. tungstenite
    // allocates a connection's read buffer at once, 128 KiB by default; its documentation advises 4 KiB for many connections.
    let (service, io) = SocketIo::builder()
        .max_buffer_size(QUEUE)
        .max_payload(MAX_MESSAGE as u64)
        .ws_max_message_size(MAX_MESSAGE)
        .ws_max_frame_size(MAX_MESSAGE)
        .ws_read_buffer_size(4096)
        .build_svc();
    io.ns("/", async |io: SocketIo, socket: SocketRef| {
        connected(io, &socket);
    });
    let listener = TcpListener::from_std(peer_support::listen()?)?;
    peer_support::ready(listener.local_addr()?)?;
    let service = TowerToHyperService::new(service);
    loop {
        let Ok((stream, _)) = listener.accept().await else {
            // The connection is gone already, or there are no file descriptors left: let others end first.
            tokio::task::yield_now().await;
            continue;
        };
        if stream.set_nodelay(true).is_err() {
            continue;
        }
        let service = service.clone();
        tokio::spawn(async move {
            let connection = http1::Builder::new().serve_connection(TokioIo::new(stream), service);
            // An error ends this connection alone.
            let _ = connection.with_upgrades().await;
        });
    }
}

/// The names that the official server refuses to emit and its client disconnects at; the crate emits them.
const RESERVED: [&str; 6] = [
    "connect",
    "connect_error",
    "disconnect",
    "disconnecting",
    "newListener",
    "removeListener",
];

/// One argument of `pushlab:emit`.
#[derive(Deserialize)]
struct Emit {
    to: Audience,
    event: String,
    data: Box<RawValue>,
}

#[derive(Deserialize)]
#[serde(rename_all = "kebab-case")]
enum Audience {
    Everyone,
    Others,
    Sender,
    Room(String),
    RoomOthers(String),
    Session(String),
}

fn connected(io: SocketIo, socket: &SocketRef) {
    socket.on(
        "pushlab:join",
        async |socket: SocketRef, TryData(room): TryData<String>, ack: AckSender| {
            let _ = match room {
                Ok(room) => {
                    socket.join(room);
                    ack.send(&json!({"op": "ok"}))
                }
                Err(_) => malformed(ack),
            };
        },
    );
    socket.on(
        "pushlab:leave",
        async |socket: SocketRef, TryData(room): TryData<String>, ack: AckSender| {
            let _ = match room {
                Ok(room) => {
                    socket.leave(room);
                    ack.send(&json!({"op": "ok"}))
                }
                Err(_) => malformed(ack),
            };
        },
    );
    socket.on(
        "pushlab:emit",
        async move |socket: SocketRef, TryData(emit): TryData<Emit>, ack: AckSender| {
            let _ = match emit {
                Ok(emit) if !RESERVED.contains(&emit.event.as_str()) => {
                    deliver(&io, &socket, emit).await;
                    ack.send(&json!({"op": "ok"}))
                }
                _ => malformed(ack),
            };
        },
    );
    // Not `RawValue`: as an argument by itself that would be the whole packet, its name too.
    socket.on(
        "pushlab:request",
        async |Data(data): Data<Value>, ack: AckSender| {
            let _ = ack.send(&data);
        },
    );
}

fn malformed(ack: AckSender) -> Result<(), socketioxide::SendError> {
    ack.send(&json!({"op": "error", "code": "malformed", "message": "wrong argument"}))
}

/// The six audiences, by the crate's own operations.
async fn deliver(io: &SocketIo, socket: &SocketRef, emit: Emit) {
    let Emit { to, event, data } = emit;
    let arguments = (data, socket.id);
    // What fails is a connection that is too slow: its messages are lost, and the lab counts them.
    let _ = match to {
        Audience::Everyone => io.emit(event, &arguments).await,
        Audience::Others => socket.broadcast().emit(event, &arguments).await,
        Audience::Room(room) => io.to(room).emit(event, &arguments).await,
        Audience::RoomOthers(room) => socket.to(room).emit(event, &arguments).await,
        Audience::Sender => {
            let _ = socket.emit(event, &arguments);
            Ok(())
        }
        Audience::Session(id) => {
            if let Some(one) = id.parse().ok().and_then(|id| io.get_socket(id)) {
                let _ = one.emit(event, &arguments);
            }
            Ok(())
        }
    };
}
