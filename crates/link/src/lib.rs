//! The network between clients and a server: delay, jitter, bandwidth and faults, made for real and measured by itself.
//!
//! What is wanted is a [`scenario::Link`]; what was had is a [`measure::LinkReport`].
//!
//! | module | concern |
//! | --- | --- |
//! | `dice` | draws delays and harm from their laws, by a seed |
//! | `shaper` | when what comes to a link leaves it: bandwidth, queue, delay |
//! | `tally` | counts what one direction did |
//! | `clock` | the link's time, which stands still in a stall |
//! | `handle` | how a running link is spoken to |
//! | [`relay`] | a link of byte streams: it takes connections and passes their bytes on |
//! | [`packets`] | a link of IP packets, which can lose some |

mod clock;
mod dice;
mod handle;
pub mod packets;
pub mod relay;
mod shaper;
mod tally;

pub use dice::Dice;
pub use handle::Handle;
pub use packets::{Packets, PacketsError};
pub use relay::Relay;
pub use shaper::{Admission, Shaper};
pub use tally::{Tally, Unit};

/// How a link fails, all its connections at once.
///
/// Behind a silent end of a relay there is still a kernel, which acknowledges what comes until its buffers are full and answers keep-alives: what
/// a peer can notice is that no answer comes, not that nothing is acknowledged.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Cut {
    /// Both ends of each connection are reset.
    Reset,
    /// Connections stay open and carry nothing any more, in either direction, an end included. New ones work.
    Silence,
    /// The client's end of each connection is reset; the server's stays open and silent.
    HalfOpen,
    /// Of the next bytes for each client, the first half arrives; then both ends are reset.
    MidMessage,
}

impl Cut {
    /// All of them, in the order in which help lists them.
    pub const ALL: [Self; 4] = [Self::Reset, Self::Silence, Self::HalfOpen, Self::MidMessage];

    /// The name used in scenario files and on the control channel.
    pub fn name(self) -> &'static str {
        match self {
            Self::Reset => "reset",
            Self::Silence => "silence",
            Self::HalfOpen => "half-open",
            Self::MidMessage => "mid-message",
        }
    }

    /// The cut of that name.
    pub fn named(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|cut| cut.name() == name)
    }
}
