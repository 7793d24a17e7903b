//! long-poll.
