//! The program as its users meet it: a real process, its output, its files, its exit code.

mod common;
mod run;
mod selftest;
mod serve;
mod usage;
