//! pushlab.
fn main() {}
