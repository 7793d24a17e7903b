//! What is told to those who watch: gathered from all threads of a bench, and handed over together.

use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use serde::Serialize;
use tokio::sync::Notify;

/// How long what is told waits for more, so that a frame of a busy bench carries many messages.
const BATCH: Duration = Duration::from_millis(20);

/// Most bytes that wait for a frame.
const MOST: usize = 512 << 10;

/// Messages that wait to be told.
#[derive(Debug, Default)]
pub(super) struct Outbox {
    pending: Mutex<Pending>,
    something: Notify,
}

#[derive(Debug, Default)]
struct Pending {
    frame: Frame,
    /// Messages for which there was no room.
    skipped: u64,
}

/// Told in place of what there was no room for.
#[derive(Serialize)]
#[serde(tag = "op", rename = "skipped")]
struct Skipped {
    count: u64,
}

impl Outbox {
    /// Tells all who watch; false if there was no room for it.
    pub(super) fn tell(&self, message: &impl Serialize) -> bool {
        let mut pending = self.lock();
        if pending.frame.0.len() >= MOST {
            pending.skipped += 1;
            return false;
        }
        let is_first = pending.frame.0.is_empty();
        let is_told = pending.frame.push(message);
        drop(pending);
        if is_first {
            self.something.notify_one();
        }
        is_told
    }

    /// The next frame: all that was told in [`BATCH`] from its first message on.
    pub(super) async fn frame(&self) -> String {
        loop {
            self.something.notified().await;
            tokio::time::sleep(BATCH).await;
            if let Some(frame) = self.take() {
                return frame;
            }
        }
    }

    fn take(&self) -> Option<String> {
        let Pending { mut frame, skipped } = std::mem::take(&mut *self.lock());
        if skipped > 0 {
            frame.push(&Skipped { count: skipped });
        }
        frame.finish()
    }

    fn lock(&self) -> MutexGuard<'_, Pending> {
        self.pending.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// A frame in the making: a JSON array.
#[derive(Debug, Default)]
pub(crate) struct Frame(Vec<u8>);

impl Frame {
    /// Adds a message; false if it can't be written, which doesn't happen to numbers and strings.
    pub(crate) fn push(&mut self, message: &impl Serialize) -> bool {
        let before = self.0.len();
        self.0.push(if before == 0 { b'[' } else { b',' });
        let is_written = serde_json::to_writer(&mut self.0, message).is_ok();
        if !is_written {
            self.0.truncate(before);
        }
        is_written
    }

    /// The text; none if nothing was added.
    pub(crate) fn finish(mut self) -> Option<String> {
        if self.0.is_empty() {
            return None;
        }
        self.0.push(b']');
        String::from_utf8(self.0).ok()
    }
}

/// A frame of one message.
pub(crate) fn one(message: &impl Serialize) -> String {
    let mut frame = Frame::default();
    frame.push(message);
    frame.finish().unwrap_or_else(|| "[]".to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn messages_become_an_array_and_what_has_no_room_is_counted() {
        let outbox = Outbox::default();
        assert!(outbox.take().is_none());
        assert!(outbox.tell(&1) && outbox.tell(&"two"));
        assert_eq!(outbox.take().unwrap(), r#"[1,"two"]"#);
        let long = "x".repeat(MOST);
        assert!(outbox.tell(&long) && !outbox.tell(&3) && !outbox.tell(&4));
        let frame = outbox.take().unwrap();
        assert!(frame.ends_with(r#",{"op":"skipped","count":2}]"#));
        assert!(outbox.take().is_none());
    }
}
