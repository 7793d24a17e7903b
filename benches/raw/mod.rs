//! What the yardsticks share: bare epoll, bare sockets, and the measured window.
//!
//! - [`poll`]: epoll, and a connection that keeps what was read or written by halves;
//! - [`dial`]: many connections from spread source addresses, and the WebSocket handshake;
//! - [`frame`]: WebSocket frames;
//! - [`flight`]: the publishes of a closed-loop broadcast;
//! - [`http`]: just enough of HTTP/1.1 to count responses;
//! - [`usage`]: what a process costs, read from `/proc`;
//! - [`window`]: warm-up, the measured window, and the JSON line it ends in.

pub mod dial;
pub mod flight;
pub mod frame;
pub mod http;
pub mod poll;
pub mod usage;
pub mod window;
