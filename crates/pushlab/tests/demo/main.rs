//! The course as pages and other clients meet it: the real `pushlab demo`, real sockets, and a real browser.
//!
//! | module | holds |
//! | --- | --- |
//! | `rig` | a demo of the test's own, and plain clients of it |
//! | `bench` | "Side by side", used with mouse and keys |
//! | `replay` | "Replay": recordings and kept readings |
//! | `lessons` | each lesson: guessed, run, and its figures held against the models |
//! | `looks` | what holds for every page: it fits, can be read, named, printed, and asks nobody else |
//! | `protocol` | pages, headers, limits |
//! | `pages` | the first page, the course kit, and what isn't there |
//! | `modules` | a page that uses a bench, in Chromium |
//! | `chat` | the chapter's demos: two tabs, and the chat |
//! | `servers` | servers of their own for a page |
//! | `suite` | the browser's end of each transport: one suite over all |
//! | `benches` | benches: their life, what they are told and what they tell |

mod bench;
mod benches;
mod chat;
mod lessons;
mod looks;
mod modules;
mod pages;
mod protocol;
mod replay;
mod rig;
mod servers;
mod suite;
