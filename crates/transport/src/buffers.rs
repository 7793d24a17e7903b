//! The buffers that all connections of a thread share, so that one which says nothing keeps none.

use std::cell::RefCell;

/// Most bytes of one read.
const READ: usize = 64 << 10;
/// A buffer for frames that has grown larger than this is given back.
const KEPT: usize = 128 << 10;

thread_local! {
    /// What was read last, whatever the connection: only what a message is missing is kept beyond the read.
    static SCRATCH: RefCell<Vec<u8>> = const { RefCell::new(Vec::new()) };
    /// Where the frames of a write are gathered.
    static GATHERED: RefCell<Vec<u8>> = const { RefCell::new(Vec::new()) };
}

/// Lends the thread's read buffer. A use within a use gets another one.
pub fn with_scratch<T>(use_it: impl FnOnce(&mut [u8]) -> T) -> T {
    let mut scratch = SCRATCH.take();
    if scratch.is_empty() {
        scratch.resize(READ, 0);
    }
    let result = use_it(&mut scratch);
    SCRATCH.set(scratch);
    result
}

/// Lends the thread's buffer for frames to `fill`, empty. A use within a use gets another one.
pub fn with_gathered<T>(fill: impl FnOnce(&mut Vec<u8>) -> T) -> T {
    let mut gathered = GATHERED.take();
    gathered.clear();
    let result = fill(&mut gathered);
    if gathered.capacity() <= KEPT {
        GATHERED.set(gathered);
    }
    result
}
