//! The lab's protocol on a bare TCP connection, a JSON object a line: the floor that WebSocket and HTTP stand on.
//!
//! What a WebSocket or an HTTP request costs beyond this is handshake, headers, frames, masks and their parsers, since everything else is
//! the same: hub, commands, direct writes, one write for all that is queued.
//!
//! # The wire
//!
//! Each end writes JSON texts in UTF-8, each ended by a line feed (0x0A), as <https://github.com/ndjson/ndjson-spec> has it. A carriage return before
//! it is white space, as JSON says, and a line of nothing but white space says nothing: either end may send one to keep a path open.
//! Line feeds that stand between the tokens of `data` are written as spaces, so such data arrives as the same value and not to the letter.
//!
//! ```text
//! server  {"op":"welcome","session":"…","token":"…","resumed":false}       at once: the client need not ask
//! client  {"op":"join","room":"blue"}
//! client  {"op":"request","id":7,"data":[1]}
//! server  {"op":"reply","id":7,"data":[1]}
//! server  {"op":"event","event":"chat","from":"…","data":"hello"}
//! client  {"op":"end"}                                                     and the server closes
//! ```
//!
//! - **Resume.** A client's first line may be `{"op":"resume","token":T,"received":N}`. It may be sent without waiting for the welcome; the answer is a
//!   second welcome, with `"resumed":true` where the session could be continued. The session that the connection began with is gone then (it needed
//!   a place among all sessions for that moment), and whatever came before the second welcome belonged to it. A cursor that nobody can have is
//!   answered with an error, and the connection goes on with its own session.
//! - **The end.** `{"op":"end"}` ends the session for good; the server closes the connection. A connection that just closes leaves its session to be
//!   resumed. A line counts once its line feed is there: what a cut leaves behind is no command.
//! - **Errors.** `{"op":"error","code":…,"message":…}`. A command that is `malformed` or in one room too many (`limits`) is told so, and the
//!   connection goes on. After every other error the server closes: `too-large` (a line over the limit, which is never kept whole), `limits` (too many
//!   connections, sessions or commands a second), `conflict` (another connection has resumed the session), `gone` (its mailbox overflowed), `draining`.
//! - **The first line must be a command.** Whoever begins with something else speaks something else, and is closed after `malformed`. A page
//!   in a browser can make it post commands to any port, and the first line that comes of this is `POST / HTTP/1.1`.
//! - **Dead peers** are found by TCP itself, without a byte of ours: keep-alive probes after `ping_interval` of silence (RFC 9293 section 3.8.4), and
//!   `TCP_USER_TIMEOUT` (RFC 5482) of `ping_interval` and `ping_timeout` together for probes, data, and a receiver that takes nothing. A process that hangs while its
//!   kernel answers isn't found as long as it is sent nothing; then it costs a socket, and no more.
//!
//! | module | concern |
//! | --- | --- |
//! | `server` | listener, keep-alive, drain |
//! | `connection` | the receiving side of a server's connection: lines in, and how it closes; its task and the sending side are [`transport::push`] |
//! | `session` | the commands of a read, and what only lines have: `end` and a strict beginning |
//! | `lines` | lines out of bytes |
//! | `client` | the client |

mod client;
mod connection;
mod lines;
mod server;
mod session;

use std::io;

use transport::{Capabilities, ClientError, Info, Protocol, Server, Target, Transport};

pub use client::TcpClient;

/// The transport.
#[derive(Debug)]
pub struct Tcp;

const NAME: &str = "tcp";

impl Protocol for Tcp {
    const INFO: Info = Info {
        name: NAME,
        title: "lines of JSON on a bare TCP connection: the floor of everything that has a wire",
        url: Some(("tcp://", "")),
        options: &["batching"],
        browser: None,
        capabilities: Capabilities {
            to_the_letter: false,
            ..Capabilities::FULL
        },
    };

    type Client = TcpClient;

    async fn connect(target: &Target) -> Result<TcpClient, ClientError> {
        client::connect(target).await
    }
}

impl Transport for Tcp {
    async fn serve(server: Server) -> io::Result<()> {
        server::serve(server).await
    }
}
