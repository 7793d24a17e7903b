//! The course as its users meet it: the real `pushlab demo`, and pages of it in a real browser.
//!
//! | module | holds |
//! | --- | --- |
//! | `rig` | the programs, and where they are |
//! | `modules` | the browser's end of each transport: one suite over all |

mod modules;
mod rig;
