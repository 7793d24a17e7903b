//! Socket.IO v5 by the byte: namespaces, events, answers, binary data, the lab's commands, resuming.

mod rig;

use conformance::raw::{BINARY, Frame, string_field};
use conformance::run;
use hub::Limits;
use rig::{end, entered, exchange, lab, next, say, say_binary, websocket};
use transport::{Audience, Config};

#[test]
fn namespaces_are_entered_and_left() {
    run(async {
        let lab = lab();
        let mut connection = websocket(lab.address()).await;
        exchange(
            &mut connection,
            "40/random,",
            &[r#"44/random,{"message":"Invalid namespace"}"#],
        )
        .await;
        say(&mut connection, "40/echo,").await;
        let echo = next(&mut connection).await;
        assert!(echo.starts_with(r#"40/echo,{"sid":""#), "{echo}");
        say(&mut connection, r#"40{"any":"thing"}"#).await;
        let root = next(&mut connection).await;
        assert!(root.starts_with(r#"40{"sid":""#), "{root}");
        next(&mut connection).await;
        // Both on one connection, apart.
        exchange(
            &mut connection,
            r#"42/echo,["a",1]"#,
            &[r#"42/echo,["a",1]"#],
        )
        .await;
        exchange(&mut connection, r#"42["a",1]"#, &[]).await;
        exchange(
            &mut connection,
            r#"423["pushlab:request","here"]"#,
            &[r#"433["here"]"#],
        )
        .await;
        say(&mut connection, "41").await;
        exchange(&mut connection, r#"42/echo,["b"]"#, &[r#"42/echo,["b"]"#]).await;
        lab.until_sessions(0).await;
        // Entered again it is another session.
        say(&mut connection, "40").await;
        let again = next(&mut connection).await;
        assert_ne!(string_field(&again, "sid"), string_field(&root, "sid"));
    });
}

#[test]
fn the_id_is_the_public_one_and_the_engines_stays_private() {
    run(async {
        let lab = lab();
        let mut connection =
            conformance::raw::Connection::upgrade(lab.address(), rig::WEBSOCKET, "").await;
        let open = connection.text().await;
        say(&mut connection, "40").await;
        let entered = next(&mut connection).await;
        let id = string_field(&entered, "sid").unwrap();
        assert_ne!(string_field(&open, "sid"), Some(id));
        next(&mut connection).await;
        let publisher = lab.publisher();
        publisher.emit(Audience::Session(id.into()), "private", "[1]");
        let told = format!(r#"42["private",[1],"{}"]"#, publisher.id());
        assert_eq!(next(&mut connection).await, told);
    });
}

#[test]
fn the_echo_is_verbatim() {
    run(async {
        let lab = lab();
        let mut connection = websocket(lab.address()).await;
        say(&mut connection, "40/echo,").await;
        next(&mut connection).await;
        for (sent, back) in [
            (
                r#"42/echo,["message",1,"2",{"3":[true]}]"#,
                r#"42/echo,["message",1,"2",{"3":[true]}]"#,
            ),
            (
                r#"42/echo,["x", 1e400 , null]"#,
                r#"42/echo,["x", 1e400 , null]"#,
            ),
            (
                r#"42/echo,[7,"numbers are names, too"]"#,
                r#"42/echo,[7,"numbers are names, too"]"#,
            ),
            (
                r#"42/echo,456["ack",1,"2",{"3":[false]}]"#,
                r#"43/echo,456[1,"2",{"3":[false]}]"#,
            ),
            (r#"42/echo,0["ack"]"#, "43/echo,0[]"),
        ] {
            exchange(&mut connection, sent, &[back]).await;
        }
        for (sent, back) in [
            (
                r#"452-/echo,["b",{"_placeholder":true,"num":0},{"_placeholder":true,"num":1},"t"]"#,
                r#"452-/echo,["b",{"_placeholder":true,"num":0},{"_placeholder":true,"num":1},"t"]"#,
            ),
            (
                r#"452-/echo,789["b",{"_placeholder":true,"num":0},{"_placeholder":true,"num":1}]"#,
                r#"462-/echo,789[{"_placeholder":true,"num":0},{"_placeholder":true,"num":1}]"#,
            ),
        ] {
            say(&mut connection, sent).await;
            say_binary(&mut connection, &[1, 2, 3]).await;
            say_binary(&mut connection, &[]).await;
            assert_eq!(next(&mut connection).await, back);
            for payload in [vec![1, 2, 3], vec![]] {
                assert_eq!(
                    connection.frame().await,
                    Some(Frame {
                        first: BINARY,
                        payload
                    })
                );
            }
        }
    });
}

#[test]
fn what_can_t_be_understood_or_said_now_closes() {
    run(async {
        let lab = lab();
        for text in [
            "4abc",
            "4",
            "47",
            "42",
            "42{}",
            r#"42abc["message-with-ack",1]"#,
            r#"42["unfinished""#,
            "42[]",
            "42[null]",
            r#"42["connect"]"#,
            r#"42["disconnecting",1]"#,
            "40",
            r#"44{"message":"no"}"#,
            r#"42/echo,["not entered"]"#,
            "41/echo,",
            r#"45["no count"]"#,
            r#"4599-["too many"]"#,
            "40[]",
        ] {
            let (mut connection, _) = entered(lab.address()).await;
            say(&mut connection, text).await;
            assert!(end(&mut connection).await.is_empty(), "{text}");
        }
        // Before anything was entered.
        for text in [r#"42["early"]"#, "41", "43[]"] {
            let mut connection = websocket(lab.address()).await;
            say(&mut connection, text).await;
            assert!(end(&mut connection).await.is_empty(), "{text}");
        }
        // Binary data that belongs to nothing, and text where binary data is owed.
        let (mut connection, _) = entered(lab.address()).await;
        say_binary(&mut connection, &[1]).await;
        assert!(end(&mut connection).await.is_empty());
        let (mut connection, _) = entered(lab.address()).await;
        say(
            &mut connection,
            r#"451-["b",{"_placeholder":true,"num":0}]"#,
        )
        .await;
        say(&mut connection, r#"42["a"]"#).await;
        assert!(end(&mut connection).await.is_empty());
        lab.still_serves().await;
    });
}

#[test]
fn commands_are_acknowledged() {
    run(async {
        let lab = lab();
        let (mut connection, entered) = entered(lab.address()).await;
        let id = string_field(&entered, "sid").unwrap();
        let ok = r#"[{"op":"ok"}]"#;
        exchange(
            &mut connection,
            r#"421["pushlab:join","blue"]"#,
            &[&format!("431{ok}")],
        )
        .await;
        let event = format!(r#"42["e",{{"a": 1}},"{id}"]"#);
        say(
            &mut connection,
            r#"422["pushlab:emit",{"to":{"room":"blue"},"event":"e","data":{"a": 1}}]"#,
        )
        .await;
        let mut both = [next(&mut connection).await, next(&mut connection).await];
        both.sort();
        assert_eq!(both, [event.clone(), format!("432{ok}")]);
        exchange(
            &mut connection,
            r#"423["pushlab:leave","blue"]"#,
            &[&format!("433{ok}")],
        )
        .await;
        exchange(
            &mut connection,
            r#"42["pushlab:emit",{"to":{"room":"blue"},"event":"e","data":1}]"#,
            &[],
        )
        .await;
        exchange(
            &mut connection,
            r#"424["pushlab:request",[1 , 1e400]]"#,
            &["434[[1 , 1e400]]"],
        )
        .await;
        // Refused, and the connection lives.
        for (argument, why) in [
            (r#""pushlab:join",7"#, "invalid type"),
            (r#""pushlab:join","""#, "1 to 256 bytes"),
            (r#""pushlab:join","a","b""#, "one argument"),
            (r#""pushlab:join""#, "one argument"),
            (
                r#""pushlab:emit",{"to":"nobody","event":"e","data":1}"#,
                "everyone",
            ),
            (r#""pushlab:dance",1"#, "unknown op `dance`"),
        ] {
            say(&mut connection, &format!("429[{argument}]")).await;
            let told = next(&mut connection).await;
            assert!(
                told.starts_with(r#"439[{"op":"error","code":"malformed","message":""#),
                "{told}"
            );
            assert!(
                told.ends_with(r#","error"]"#) && told.contains(why),
                "{told}"
            );
            say(&mut connection, &format!("42[{argument}]")).await;
            let told = next(&mut connection).await;
            assert!(
                told.starts_with(r#"42["pushlab:error",{"op":"error","code":"malformed""#),
                "{told}"
            );
        }
        say(
            &mut connection,
            r#"451-3["pushlab:join",{"_placeholder":true,"num":0}]"#,
        )
        .await;
        say_binary(&mut connection, &[1]).await;
        assert!(
            next(&mut connection)
                .await
                .starts_with(r#"433[{"op":"error","#)
        );
    });
}

#[test]
fn limits_are_told_in_the_answer() {
    run(async {
        let limits = Limits {
            max_rooms: 1,
            max_sessions: 1,
            ..Limits::default()
        };
        let lab = rig::BothLab::start_with(&limits, Config::default());
        let (mut connection, _) = entered(lab.address()).await;
        say(&mut connection, r#"420["pushlab:join","a"]"#).await;
        next(&mut connection).await;
        say(&mut connection, r#"421["pushlab:join","b"]"#).await;
        assert!(
            next(&mut connection)
                .await
                .starts_with(r#"431[{"op":"error","code":"limits","#)
        );
        let mut other = websocket(lab.address()).await;
        say(&mut other, "40").await;
        let refused = next(&mut other).await;
        assert!(
            refused.starts_with(r#"44{"message":"too many sessions"#),
            "{refused}"
        );
        assert!(
            refused.contains(r#""data":{"op":"error","code":"limits","#),
            "{refused}"
        );
    });
}

#[test]
fn a_session_goes_on_where_its_client_says() {
    run(async {
        let lab = lab();
        let publisher = lab.publisher();
        let (mut connection, entered) = entered(lab.address()).await;
        let (id, token) = (
            string_field(&entered, "sid").unwrap(),
            string_field(&entered, "token").unwrap(),
        );
        let event = |number: u32| format!(r#"42["n",{number},"{}"]"#, publisher.id());
        for number in 0..3 {
            publisher.emit(Audience::Others, "n", &number.to_string());
            assert_eq!(next(&mut connection).await, event(number));
        }
        drop(connection);
        lab.until_unconnected().await;
        publisher.emit(Audience::Others, "n", "3");

        // Of the three it has received two.
        let mut connection = websocket(lab.address()).await;
        say(
            &mut connection,
            &format!(r#"40{{"token":"{token}","received":2,"of":"its own"}}"#),
        )
        .await;
        let resumed = format!(r#"40{{"sid":"{id}","token":"{token}","resumed":true}}"#);
        assert_eq!(next(&mut connection).await, resumed);
        next(&mut connection).await;
        assert_eq!(next(&mut connection).await, event(2));
        assert_eq!(next(&mut connection).await, event(3));

        // Taken over: the older connection is told why, then disconnected.
        let mut newer = websocket(lab.address()).await;
        say(
            &mut newer,
            &format!(r#"40{{"token":"{token}","received":4}}"#),
        )
        .await;
        assert_eq!(next(&mut newer).await, resumed);
        let goodbye = end(&mut connection).await;
        assert!(
            goodbye[0].starts_with(r#"42["pushlab:disconnect",{"op":"error","code":"conflict","#),
            "{goodbye:?}"
        );
        assert_eq!(goodbye[1..], ["41"]);

        for (auth, told) in [
            (format!(r#"{{"token":"{token}"}}"#), "malformed"),
            (
                format!(r#"{{"token":"{token}","received":9}}"#),
                "malformed",
            ),
            (r#"{"token":7,"received":0}"#.to_owned(), "malformed"),
        ] {
            let mut other = websocket(lab.address()).await;
            say(&mut other, &format!("40{auth}")).await;
            let refused = next(&mut other).await;
            assert!(
                refused.starts_with("44{") && refused.contains(told),
                "{refused}"
            );
        }
    });
}

#[test]
fn a_drain_disconnects_each_namespace() {
    run(async {
        let lab = lab();
        let (mut connection, _) = entered(lab.address()).await;
        say(&mut connection, "40/echo,").await;
        next(&mut connection).await;
        let polls = rig::Polls::open(lab.address()).await;
        polls.post("40").await;
        polls.packets(2).await;
        let mut poll = polls.begin_poll().await;
        // The server has the poll when it has what was asked after it.
        exchange(&mut connection, r#"42/echo,["x"]"#, &[r#"42/echo,["x"]"#]).await;
        lab.drain();
        let goodbye = end(&mut connection).await;
        assert!(goodbye[0].contains(r#""code":"draining""#), "{goodbye:?}");
        assert_eq!(goodbye[1..], ["41", "41/echo,"]);
        let body = poll.answer().await.unwrap().body;
        assert!(
            body.contains(r#""code":"draining""#) && body.ends_with("\u{1e}41"),
            "{body}"
        );
        lab.ended().await;
    });
}
