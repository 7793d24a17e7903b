//! Those who watch a bench: their places, and what waits for each.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use tokio::sync::{Notify, mpsc};
use tokio_tungstenite::tungstenite::Utf8Bytes;

/// Most who watch a bench at once.
pub(super) const MOST: usize = 16;
/// Most frames and bytes that wait for one who takes them slowly; further ones are left out.
const MOST_FRAMES: usize = 256;
const MOST_BYTES: usize = 2 << 20;

/// The places of a bench, and how many are taken.
#[derive(Debug, Default)]
pub(super) struct Seats {
    taken: AtomicUsize,
    changed: Notify,
}

/// A place, given back when it is dropped.
#[derive(Debug)]
pub(crate) struct Seat(Arc<Seats>);

/// What one who watches is handed.
#[derive(Debug)]
pub(crate) struct Frames {
    frames: mpsc::Receiver<Utf8Bytes>,
    waiting: Arc<AtomicUsize>,
}

/// The other end of it.
#[derive(Debug)]
pub(crate) struct Watcher {
    frames: mpsc::Sender<Utf8Bytes>,
    /// Bytes in the channel.
    waiting: Arc<AtomicUsize>,
    /// Frames left out since the last one that wasn't.
    left_out: u64,
}

impl Seats {
    /// A place, if there is one.
    pub(super) fn take(self: &Arc<Self>) -> Option<Seat> {
        let before = self.taken.fetch_add(1, Ordering::SeqCst);
        let seat = Seat(Arc::clone(self));
        self.changed.notify_one();
        (before < MOST).then_some(seat)
    }

    pub(super) fn taken(&self) -> usize {
        self.taken.load(Ordering::SeqCst)
    }

    /// Waits until a place has been taken or given back since the last time.
    pub(super) async fn changed(&self) {
        self.changed.notified().await;
    }
}

impl Drop for Seat {
    fn drop(&mut self) {
        self.0.taken.fetch_sub(1, Ordering::SeqCst);
        self.0.changed.notify_one();
    }
}

/// Both ends.
pub(crate) fn channel() -> (Watcher, Frames) {
    let (sender, frames) = mpsc::channel(MOST_FRAMES);
    let waiting = Arc::new(AtomicUsize::new(0));
    let watcher = Watcher {
        frames: sender,
        waiting: Arc::clone(&waiting),
        left_out: 0,
    };
    (watcher, Frames { frames, waiting })
}

impl Frames {
    /// The next one; none when the bench has ended.
    pub(crate) async fn next(&mut self) -> Option<Utf8Bytes> {
        let frame = self.frames.recv().await?;
        self.waiting.fetch_sub(frame.len(), Ordering::SeqCst);
        Some(frame)
    }
}

impl Watcher {
    /// Hands a frame over, or leaves it out where too much waits already; false if nobody is there any more.
    pub(super) fn hand(&mut self, frame: &Utf8Bytes) -> bool {
        if self.left_out > 0 {
            let note = format!(r#"[{{"op":"skipped","frames":{}}}]"#, self.left_out);
            if self.offer(note.into()).is_ok() {
                self.left_out = 0;
            }
        }
        match self.offer(frame.clone()) {
            Ok(()) => true,
            Err(Left::Full) => {
                self.left_out += 1;
                true
            }
            Err(Left::Gone) => false,
        }
    }

    fn offer(&self, frame: Utf8Bytes) -> Result<(), Left> {
        let length = frame.len();
        let before = self.waiting.fetch_add(length, Ordering::SeqCst);
        let offered = if before > 0 && before + length > MOST_BYTES {
            Err(Left::Full)
        } else {
            self.frames.try_send(frame).map_err(|error| match error {
                mpsc::error::TrySendError::Full(_) => Left::Full,
                mpsc::error::TrySendError::Closed(_) => Left::Gone,
            })
        };
        if offered.is_err() {
            self.waiting.fetch_sub(length, Ordering::SeqCst);
        }
        offered
    }
}

/// Why a frame wasn't handed over.
enum Left {
    Full,
    Gone,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn places_are_limited_and_given_back() {
        let seats = Arc::new(Seats::default());
        let mut taken: Vec<Seat> = (0..MOST).map(|_| seats.take().unwrap()).collect();
        assert!(seats.take().is_none());
        assert_eq!(seats.taken(), MOST);
        taken.pop();
        assert!(seats.take().is_some());
    }

    #[tokio::test]
    async fn who_is_slow_is_told_how_much_was_left_out() {
        let (mut watcher, mut frames) = channel();
        let large = Utf8Bytes::from("x".repeat(MOST_BYTES / 2));
        for _ in 0..5 {
            assert!(watcher.hand(&large));
        }
        for _ in 0..2 {
            assert_eq!(frames.next().await.unwrap().len(), large.len());
        }
        assert!(watcher.hand(&"[]".into()));
        let note = frames.next().await.unwrap();
        assert_eq!(note.as_str(), r#"[{"op":"skipped","frames":3}]"#);
        assert_eq!(frames.next().await.unwrap().as_str(), "[]");
        drop(frames);
        assert!(!watcher.hand(&"[]".into()));
    }
}
