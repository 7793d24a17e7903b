//! Yardsticks: programs so small that little but the kernel is left to pay for, against which the
//! lab's servers and its load generator are measured.
//!
//! An absolute figure (messages a second) says as much about the machine and its neighbours as
//! about the program. A ratio to a yardstick that ran in the same minutes on the same core
//! survives both. So the ceiling is written here, in safe Rust, on bare epoll, and every figure of
//! `cargo xtask speed` is a ratio to it. Yardsticks are not products: they trust their peer, know
//! only what the measurement needs and stop at the first error.
//!
//! The programs are this package's examples (`yardsticks/`):
//!
//! - `raw-ws-echo`: the WebSocket echo server, the ceiling;
//! - `raw-ws-load`: the WebSocket load loop (echo, broadcast, idle connections);
//! - `raw-http-load`: the HTTP load loop (echo, parked long-polls);
//! - `hyper-http-echo`: the smallest hyper server that echoes;
//! - `hyper-http-load`: the smallest hyper client loop, the generator's yardstick.
//!
//! What they share is in [`raw`]. Beside them, and sharing nothing with them, is what measures the lab itself:
//!
//! - `protocols.rs`, `transports/`: the transports side by side, over loopback sockets (`cargo bench`);
//! - `parts.rs`, `hot/`: the lab's hot paths one by one (`cargo bench`);
//! - `instructions.rs`: the same loops and paths for callgrind (`cargo xtask instructions`), and `instructions.json`, what they executed;
//! - `subjects/`: `pushlab-echo-load`, the load generator on the plain `POST /echo` that other generators can load as well
//!   (`cargo xtask oracle`).

// An error of a yardstick is an I/O error, and ends the program.
#![allow(clippy::missing_errors_doc)]

pub mod raw;
