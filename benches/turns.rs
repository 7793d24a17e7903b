//! What a benchmark is to whoever measures it: something that can be done many times in a row and says how long that took.
//!
//! criterion asks for the time (`iter_custom`), callgrind counts the instructions; both call the same thing, so that they speak
//! of the same code.

use std::time::Duration;

/// Does something so many times; how long that took. What must happen in between but isn't measured is left out.
pub(crate) type Turns = Box<dyn FnMut(u64) -> Duration>;
