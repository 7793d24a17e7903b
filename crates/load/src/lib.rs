//! The load generator: a case in, a measurement out.
//!
//! It is written once and generic over the transport: [`run`] is monomorphised for each, and inside its loop nothing is
//! dispatched at run time, so what is measured is the transport and not the lab. Modes (open, closed) and kinds (echo,
//! broadcast, …) don't multiply either: a kind is a plan of who sends to whom, a mode is who hands out the next
//! send (the pacer, or an answer that came), and the user's loop knows neither.
//!
//! All virtual users are tasks of one thread and share one clock. A user owns its client and drives all of its I/O; the
//! time of receipt is read once a batch, right after the read and before anything is done with what it brought.
//!
//! The flow: plan → connect and join, each join confirmed by an answered request → warm-up, until the latency is steady → measured
//! part, with a schedule of its own → drain, bounded → what is still missing is recorded as at least so late → goodbye.
//!
//! | module | concern |
//! | --- | --- |
//! | `plan` | a scenario becomes roles: who joins what, who sends, who should receive |
//! | `arrivals` | the schedule of an open loop: seeded, lazy, in absolute nanoseconds |
//! | `targets` | where sessions connect to: the server itself, or a link before it |
//! | `pacer` | hands out arrivals when they are due, and says how late it was |
//! | `alarm` | waits to the nanosecond that the kernel can do: a `timerfd` |
//! | `stamp` | the payload of a message: who, which, when |
//! | `outstanding` | what was sent and not yet received by all who should |
//! | `warm_up` | when the load has run long enough to count |
//! | `book` | everything counted while a case runs |
//! | `user` | the virtual user |
//! | `gather` | connects the users, within the limits of files and ports |
//! | `returning` | brings sessions back whose connection has ended |
//! | `recovering` | who is gone, who came back, and how long that took |
//! | `slow` | one session that stops reading for a while |
//! | `readings` | CPU time, memory and bytes at the two ends of the measured part |
//! | `hooks` | what a caller may listen to and say |
//! | `run` | a case from beginning to end |
//! | `rehearsal` | what an arrival costs the pacer, without waiting for it |

mod alarm;
mod arrivals;
mod book;
mod gather;
mod hooks;
mod outstanding;
mod pacer;
mod plan;
mod readings;
mod recovering;
mod rehearsal;
mod returning;
mod run;
mod slow;
mod stamp;
mod targets;
mod user;
mod warm_up;

pub use hooks::{Hooks, OnProgress, Phase, Progress, Samples, Strike};
pub use rehearsal::Rehearsal;
pub use run::{client_options, key, run};
pub use targets::Targets;
