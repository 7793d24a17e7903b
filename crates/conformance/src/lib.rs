//! What every transport promises, tested by one suite that is written once.
//!
//! A test body is a function generic over [`Transport`](transport::Transport); [`conformance!`] makes a test of each
//! body for each transport it is told, and for each ordered pair of transports on one hub. So a promise can't hold on
//! one transport and be forgotten on another, and a new transport is one line in `tests/suite.rs`.
//!
//! Nothing here sleeps to be in time. That something *happens* is awaited; that something does *not* happen is proven by a marker
//! that the same mailbox must bring after it ([`Peer::settled`]).
//!
//! | module | concern |
//! | --- | --- |
//! | [`cases`] | the promises, one test body each |
//! | [`lab`](Lab) | a server on loopback with its hub, a publisher without a wire, waiting for conditions |
//! | [`peer`](Peer) | a client, awaited instead of polled |
//! | [`proxy`](Proxy) | cuts TCP connections after so many bytes, and dribbles |
//! | [`raw`] | HTTP, WebSocket and lines by the byte, for input no client would send |
//! | [`dice`](Dice) | seeded randomness |

pub mod cases;
mod dice;
pub mod lab;
mod peer;
mod proxy;
pub mod raw;

pub use dice::Dice;
pub use lab::{Lab, Publisher, run, seed};
pub use peer::{Message, Peer};
pub use proxy::{Cut, Direction, Proxy};

use transport::ClientError;

/// Checks that an error says this status, or on a WebSocket this close code.
///
/// # Panics
/// It says something else.
pub fn assert_refused(error: &ClientError, status: u16, close: u16) {
    match error {
        ClientError::Refused { status: told, .. } => assert_eq!(*told, status, "{error}"),
        ClientError::Closed { code, .. } => assert_eq!(*code, close, "{error}"),
        other => panic!("{other:?} came where a refusal with {status} or {close} was to come"),
    }
}

/// Makes a test of each body for each transport, of each pair body for each ordered pair, and one of all together:
/// `conformance! { long_poll: ::long_poll::LongPoll, … }`.
///
/// The list of bodies stands here and nowhere else.
#[macro_export]
macro_rules! conformance {
    ($($module:ident: $transport:ty),+ $(,)?) => {
        $(mod $module {
            $crate::each! { $transport;
                audiences: reach_exactly_whom_they_name, sessions_can_be_addressed_by_id, names_are_any_text;
                rooms: joining_twice_is_joining_once, what_does_not_exist_reaches_no_one, membership_changes_in_order,
                    goodbye_leaves_all_rooms;
                order: a_sender_keeps_its_order, all_see_one_order, all_see_one_order_across_shards, all_see_one_order_without_batching,
                    all_see_one_order_with_any_client_option;
                echo: data_travels_to_the_letter, requests_under_way_are_told_apart;
                exactly_once: across_gaps_between_polls, across_reconnects_after_each_message, across_cuts_at_every_byte,
                    across_a_hundred_cuts_of_one_session, across_a_trickle_of_single_bytes;
                resume: keeps_id_rooms_and_messages, brings_replies_that_were_under_way, after_the_window_gives_a_fresh_session,
                    with_a_foreign_token_gives_a_fresh_session, with_a_cursor_beyond_what_was_sent_is_refused,
                    takes_over_from_an_open_connection, works_on_any_worker;
                slow: drop_oldest_counts_what_went, conflate_keeps_the_newest_of_each_name, a_resume_beyond_what_is_kept_gets_a_gap,
                    disconnect_ends_the_slow_one_alone, drop_oldest_lets_the_slow_one_go_on;
                bounds: a_message_too_large_is_refused, one_room_too_many_is_refused, a_session_too_fast_is_refused,
                    one_connection_too_many_is_refused, one_session_too_many_is_refused;
                drain: tells_everyone_and_ends, of_an_idle_server_is_quick;
            }
        })+

        mod between {
            $crate::pairs! { [$($module: $transport),+] $($module: $transport),+ }

            #[test]
            fn all_transports_see_one_order() {
                $crate::run(async {
                    let door = $crate::lab::door(&Default::default());
                    let count = [$(stringify!($module)),+].len();
                    let ready = std::rc::Rc::new(tokio::sync::Barrier::new(count));
                    let members: Vec<std::pin::Pin<Box<dyn Future<Output = Vec<$crate::Message>>>>> =
                        vec![$(Box::pin($crate::cases::shared::member::<$transport>(door.clone(), count as u64, ready.clone()))),+];
                    $crate::cases::shared::one_order_among(members).await;
                });
            }
        }
    };
}

/// A test of each body for one transport.
#[doc(hidden)]
#[macro_export]
macro_rules! each {
    ($transport:ty; $($group:ident: $($body:ident),+;)+) => {
        $(mod $group {
            $(#[test]
            fn $body() {
                $crate::run($crate::cases::$group::$body::<$transport>());
            })+
        })+
    };
}

/// A test of each pair body for each ordered pair of transports.
#[doc(hidden)]
#[macro_export]
macro_rules! pairs {
    ($all:tt $($module:ident: $transport:ty),+) => {
        $(mod $module { $crate::pairs! { @with $transport; $all } })+
    };
    (@with $from:ty; [$($module:ident: $to:ty),+]) => {
        $(mod $module {
            #[test]
            fn one_emits_the_other_receives() {
                $crate::run($crate::cases::shared::one_emits_the_other_receives::<$from, $to>());
            }

            #[test]
            fn a_session_moves_from_one_to_the_other() {
                $crate::run($crate::cases::shared::a_session_moves_from_one_to_the_other::<$from, $to>());
            }
        })+
    };
}
