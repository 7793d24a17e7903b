//! The wire, over real sockets: by hand, by the native client, by a browser.
//!
//! | module | holds |
//! | --- | --- |
//! | `rig` | a session and its streams by hand |
//! | `table` | the rows of the HTTP table, and a stream by the byte |
//! | `endurance` | quiet streams, ones that nobody reads, ones whose client is gone |
//! | `client` | the native client |
//! | `browser` | a browser's own `EventSource` |

mod browser;
mod client;
mod endurance;
mod rig;
mod table;
