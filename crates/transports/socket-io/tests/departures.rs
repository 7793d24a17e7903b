//! Where this server departs from the reference server: what `Info` says, shown one by one, in its order.

mod rig;

use conformance::raw::{Connection, string_field};
use conformance::run;
use rig::{Polls, WEBSOCKET, entered, exchange, lab, next, say};
use socket_io::{Both, SocketIo};
use transport::{Audience, Protocol};

#[test]
fn there_are_as_many_as_tests() {
    assert_eq!(SocketIo::<Both>::INFO.capabilities.departures.len(), 7);
}

#[test]
fn one_the_first_ping_comes_right_after_the_handshake() {
    run(async {
        let lab = lab();
        let mut connection = Connection::upgrade(lab.address(), WEBSOCKET, "").await;
        assert!(connection.text().await.starts_with('0'));
        // The interval is 20 s.
        assert_eq!(connection.text().await, "2");
    });
}

#[test]
fn two_a_clients_ping_counts_as_a_sign_of_life() {
    run(async {
        let lab = lab();
        let (mut connection, _) = entered(lab.address()).await;
        say(&mut connection, "2").await;
        exchange(&mut connection, r#"420["pushlab:request",1]"#, &["430[1]"]).await;
    });
}

#[test]
fn three_a_poll_ends_when_the_websocket_opens() {
    run(async {
        let lab = lab();
        let polls = Polls::open(lab.address()).await;
        polls.post("40/echo,").await;
        polls.packets(1).await;
        let mut poll = polls.begin_poll().await;
        let target = format!("{WEBSOCKET}&sid={}", polls.sid);
        let _websocket = Connection::upgrade(lab.address(), &target, "").await;
        assert_eq!(poll.answer().await.unwrap().body, "6");
    });
}

#[test]
fn four_an_upgrade_that_fails_ends_the_session() {
    run(async {
        let lab = lab();
        for probe in ["2prob", "5", ""] {
            let polls = Polls::open(lab.address()).await;
            polls.post("40").await;
            polls.packets(2).await;
            let target = format!("{WEBSOCKET}&sid={}", polls.sid);
            let mut connection = Connection::upgrade(lab.address(), &target, "").await;
            if !probe.is_empty() {
                say(&mut connection, probe).await;
            }
            drop(connection);
            polls.is_unknown().await;
        }
        lab.still_serves().await;
    });
}

#[test]
fn five_names_that_clients_refuse_are_escaped() {
    run(async {
        let lab = lab();
        let publisher = lab.publisher();
        let (mut connection, _) = entered(lab.address()).await;
        for name in ["connect", "disconnect", "newListener", "pushlab:gap"] {
            publisher.emit(Audience::Others, name, "1");
            let id = publisher.id();
            assert_eq!(
                next(&mut connection).await,
                format!(r#"42["pushlab:event",1,"{id}","{name}"]"#)
            );
        }
        // The native client has them back.
        let mut peer = lab.connect().await;
        let told = publisher.tell(Audience::Others, "disconnect", "2");
        assert_eq!(peer.next().await, told);
    });
}

#[test]
fn six_there_is_no_pid_to_recover_by() {
    run(async {
        let lab = lab();
        let (_, entered) = entered(lab.address()).await;
        assert_eq!(string_field(&entered, "pid"), None);
        assert!(string_field(&entered, "token").is_some());
    });
}

#[test]
fn seven_an_answer_that_nobody_asked_for_is_passed_over() {
    run(async {
        let lab = lab();
        let (mut connection, _) = entered(lab.address()).await;
        say(&mut connection, "437[1]").await;
        exchange(&mut connection, r#"420["pushlab:request",1]"#, &["430[1]"]).await;
    });
}
