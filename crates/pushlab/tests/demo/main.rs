//! The course as pages and other clients meet it: the real `pushlab demo`, real sockets, and a real browser.
//!
//! | module | holds |
//! | --- | --- |
//! | `rig` | a demo of the test's own, and plain clients of it |
//! | `protocol` | pages, headers, limits |
//! | `modules` | a page that uses a bench, in Chromium |
//! | `benches` | benches: their life, what they are told and what they tell |

mod benches;
mod modules;
mod protocol;
mod rig;
