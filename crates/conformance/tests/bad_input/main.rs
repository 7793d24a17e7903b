//! Nothing that a client sends may crash or wedge a server: each wire has one table of bad input with what the server must answer, and after
//! each line the same server serves a client that did nothing wrong.

mod commands;
mod http;
mod socket_io;
mod tcp;
mod websocket;

use std::cell::Cell;
use std::rc::Rc;

use conformance::raw::Connection;

/// A client writes `piece` over and over and reads nothing: the server has to stop reading too, or to end the connection (after it has
/// passed over some of it, so that a close frame isn't lost), and goes on serving `bystander`.
pub(crate) async fn flood(
    mut connection: Connection,
    piece: Vec<u8>,
    mut bystander: impl AsyncFnMut(),
) {
    let written = Rc::new(Cell::new(0_u64));
    let count = Rc::clone(&written);
    let writing = tokio::task::spawn_local(async move {
        while connection.send(&piece).await {
            count.set(count.get() + piece.len() as u64);
        }
    });
    let (mut before, mut quiet) = (0, 0);
    while quiet < 20 {
        bystander().await;
        let now = written.get();
        quiet = if now == before { quiet + 1 } else { 0 };
        before = now;
    }
    writing.abort();
}
