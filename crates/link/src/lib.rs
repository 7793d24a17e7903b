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
pub use scenario::Cut;
pub use shaper::{Admission, Shaper};
pub use tally::{Tally, Unit};
