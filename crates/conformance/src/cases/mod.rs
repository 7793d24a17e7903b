//! The promises, one test body each.

pub mod audiences;
pub mod bounds;
pub mod drain;
pub mod echo;
pub mod exactly_once;
pub mod order;
pub mod resume;
pub mod rooms;
pub mod shared;
pub mod slow;
