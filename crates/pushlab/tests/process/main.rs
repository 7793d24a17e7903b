//! The program as its users meet it: a real process, its output, its files, its exit code.

mod common;
mod diff;
mod faults;
mod link;
mod network;
mod packets;
mod peers;
mod run;
mod safety;
mod selftest;
mod serve;
mod usage;
mod watch;
