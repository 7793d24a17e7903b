//! inproc.
