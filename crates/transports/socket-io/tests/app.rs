//! Socket.IO's own operations for applications: the five forms, rooms, acks, and that they reach the lab's other clients.

mod rig;

use std::io;
use std::sync::Arc;

use bytes::Bytes;
use conformance::raw::{Connection, string_field};
use conformance::{Lab, run};
use rig::{entered, exchange, next, say, say_binary};
use socket_io::app::{App, Event, Io, Socket};
use socket_io::{Both, SocketIo, SocketIoClient, serve};
use transport::{Client, ClientError, Info, Protocol, Server, Target, Transport};

/// Does what the name of an event says.
#[derive(Debug)]
struct Operations {
    io: Io,
}

impl App for Operations {
    fn connected(&self, socket: &Socket<'_>) {
        socket.emit("you are", &socket.id().to_string()).unwrap();
    }

    fn event(&self, socket: &Socket<'_>, event: &Event<'_>) {
        let first = || -> String { serde_json::from_str(event.arguments[0].get()).unwrap() };
        match event.name {
            "io.emit" => self.io.emit("heard", &1).unwrap(),
            "io.to(room).emit" => self.io.to("blue", "heard", &2).unwrap(),
            "socket.broadcast.to(room).emit" => socket.broadcast_to("blue", "heard", &3).unwrap(),
            "socket.emit" => socket.emit("heard", &4).unwrap(),
            "socket.broadcast.to(id).emit" => {
                let id = first().parse().unwrap();
                socket.broadcast_to_id(id, "heard", &5).unwrap();
            }
            "socket.broadcast.emit" => socket.broadcast("heard", &6).unwrap(),
            "join" => socket.join(&first()).unwrap(),
            "leave" => socket.leave(&first()).unwrap(),
            "sizes" => {
                let sizes: Vec<usize> = event.attachments.iter().map(Bytes::len).collect();
                assert!(event.wants_answer());
                socket.answer(event, &sizes).unwrap();
            }
            "refused" => {
                assert!(socket.join("").is_err() && socket.emit("", &1).is_err());
                assert!(!event.wants_answer());
                socket.answer(event, &"nobody waits for it").unwrap();
            }
            other => panic!("{other}"),
        }
    }

    fn disconnected(&self, socket: &Socket<'_>) {
        // The server speaks for one that has left.
        let id = socket.id().to_string();
        // A server that ends has nobody to tell.
        let _ = self.io.emit("left", &id);
    }
}

/// The transport with that application.
#[derive(Debug)]
struct WithApp;

impl Protocol for WithApp {
    const INFO: Info = SocketIo::<Both>::INFO;
    type Client = SocketIoClient;

    async fn connect(target: &Target) -> Result<SocketIoClient, ClientError> {
        SocketIo::<Both>::connect(target).await
    }
}

impl Transport for WithApp {
    async fn serve(server: Server) -> io::Result<()> {
        let io = Io::new(server.door.clone());
        serve::<Both>(server, Arc::new(Operations { io })).await
    }
}

/// Three clients, of which the first two are in the room, and their ids.
async fn three(lab: &Lab<WithApp>) -> ([Connection; 3], [String; 3]) {
    let mut all = Vec::new();
    for number in 0..3 {
        let (mut connection, welcome) = entered(lab.address()).await;
        let id = string_field(&welcome, "sid").unwrap().to_owned();
        assert_eq!(
            next(&mut connection).await,
            format!(r#"42["you are","{id}","{id}"]"#)
        );
        if number < 2 {
            say(&mut connection, r#"42["join","blue"]"#).await;
        }
        settle(&mut connection, &[]).await;
        all.push((connection, id));
    }
    let (connections, ids): (Vec<_>, Vec<_>) = all.into_iter().unzip();
    let connections = connections.try_into();
    (connections.expect("three"), ids.try_into().expect("three"))
}

/// What came before the answer to a request that is asked now.
async fn settle(connection: &mut Connection, expected: &[String]) {
    say(
        connection,
        r#"429["pushlab:emit",{"to":"sender","event":"settled","data":0}]"#,
    )
    .await;
    let mut heard = Vec::new();
    let mut is_answered = false;
    let mut is_settled = false;
    while !(is_answered && is_settled) {
        let packet = next(connection).await;
        if packet.starts_with(r#"42["settled""#) {
            is_settled = true;
        } else if packet.starts_with("439") {
            is_answered = true;
        } else {
            heard.push(packet);
        }
    }
    assert_eq!(heard, expected);
}

#[test]
fn each_form_reaches_whom_it_names() {
    run(async {
        let lab = Lab::<WithApp>::start();
        let ([mut one, mut two, mut three], ids) = three(&lab).await;
        let private = format!(r#"42["socket.broadcast.to(id).emit","{}"]"#, ids[2]);
        for packet in [
            r#"42["io.emit"]"#,
            r#"42["io.to(room).emit"]"#,
            r#"42["socket.broadcast.to(room).emit"]"#,
            r#"42["socket.emit"]"#,
            &private,
            r#"42["socket.broadcast.emit"]"#,
        ] {
            say(&mut one, packet).await;
        }
        let io = {
            // Whoever hears the server itself learns its id.
            let first = next(&mut one).await;
            let (_, id) = first.trim_end_matches("\"]").rsplit_once('"').unwrap();
            id.to_owned()
        };
        assert!(!ids.contains(&io));
        let heard = |numbers: &[(u8, &String)]| -> Vec<String> {
            let each = numbers.iter();
            each.map(|(number, from)| format!(r#"42["heard",{number},"{from}"]"#))
                .collect()
        };
        let sender = &ids[0];
        settle(&mut one, &heard(&[(2, &io), (4, sender)])).await;
        settle(
            &mut two,
            &heard(&[(1, &io), (2, &io), (3, sender), (6, sender)]),
        )
        .await;
        settle(&mut three, &heard(&[(1, &io), (5, sender), (6, sender)])).await;

        say(&mut two, r#"42["leave","blue"]"#).await;
        settle(&mut two, &[]).await;
        say(&mut one, r#"42["io.to(room).emit"]"#).await;
        settle(&mut one, &heard(&[(2, &io)])).await;
        settle(&mut two, &[]).await;

        say(&mut three, "41").await;
        let left = format!(r#"42["left","{}","{io}"]"#, ids[2]);
        assert_eq!(next(&mut one).await, left);
    });
}

#[test]
fn an_event_is_answered_if_that_is_asked_for() {
    run(async {
        let lab = Lab::<WithApp>::start();
        let ([mut one, _two, _three], _) = three(&lab).await;
        exchange(&mut one, r#"421["sizes",1]"#, &["431[[]]"]).await;
        let two = r#"452-2["sizes",{"_placeholder":true,"num":0},{"_placeholder":true,"num":1}]"#;
        say(&mut one, two).await;
        say_binary(&mut one, &[1, 2, 3]).await;
        say_binary(&mut one, &[4]).await;
        assert_eq!(next(&mut one).await, "432[[3,1]]");
        say(&mut one, r#"42["refused"]"#).await;
        settle(&mut one, &[]).await;
    });
}

#[test]
fn the_labs_clients_hear_it_too() {
    run(async {
        let lab = Lab::<WithApp>::start();
        let mut peer = lab.connect().await;
        let welcome = peer.next().await;
        let conformance::Message::Event { event, data, .. } = &welcome else {
            panic!("{welcome:?}")
        };
        assert_eq!(
            (&**event, &**data),
            ("you are", &*format!("\"{}\"", peer.id()))
        );
        let (mut other, _) = entered(lab.address()).await;
        say(&mut other, r#"42["io.emit"]"#).await;
        assert_eq!(peer.next().await.number(), 1);
        peer.client.close().await.unwrap();
    });
}
