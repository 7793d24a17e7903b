//! How many connections a relay takes: any number, or as whoever made it says.

use std::fmt;

/// Who says whether there is room for another connection, if anyone does.
#[derive(Default)]
pub(super) struct Room(Option<Box<Judge>>);

type Judge = dyn Fn(usize) -> bool + Send;

impl Room {
    pub(super) fn new(has_room: impl Fn(usize) -> bool + Send + 'static) -> Self {
        Self(Some(Box::new(has_room)))
    }

    /// Whether there is, beside so many.
    pub(super) fn is_there(&self, connections: usize) -> bool {
        self.0.as_ref().is_none_or(|has_room| has_room(connections))
    }
}

impl fmt::Debug for Room {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        let state = if self.0.is_some() { "limited" } else { "any" };
        write!(formatter, "Room({state})")
    }
}
