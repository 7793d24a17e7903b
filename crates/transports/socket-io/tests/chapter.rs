//! The chapter's application as it is started by hand, in two tabs of a browser.

use std::path::PathBuf;
use std::process::Stdio;

use browser::{Browser, Theme, Viewport};
use conformance::lab::within;
use conformance::run;
use tokio::io::{AsyncBufReadExt, BufReader, Lines};
use tokio::process::{ChildStdout, Command};

#[test]
fn a_second_tab_makes_the_first_hear_hello_twice() {
    run(async {
        let mut server = chapter(&[]);
        server.stdout(Stdio::piped()).kill_on_drop(true);
        let mut server = server.spawn().expect("the example is built with the tests");
        let mut printed = BufReader::new(server.stdout.take().unwrap()).lines();
        let first = line(&mut printed).await;
        let (page, sockets) = first
            .strip_prefix("page at ")
            .and_then(|rest| rest.split_once(", sockets at "))
            .expect("it prints where it is");
        assert_ne!(page.trim_end_matches('/'), sockets, "two origins");

        let browser = Browser::start().await.unwrap();
        let desk = Viewport::wide(1280, Theme::Light);
        let one = browser.open(page, desk).await.unwrap();
        assert_eq!(line(&mut printed).await, "connection!");
        assert_eq!(line(&mut printed).await, "WORLD!");
        one.wait_for(&heard(1)).await.unwrap();

        let two = browser.open(page, desk).await.unwrap();
        assert_eq!(line(&mut printed).await, "connection!");
        assert_eq!(line(&mut printed).await, "WORLD!");
        one.wait_for(&heard(2)).await.unwrap();
        two.wait_for(&heard(1)).await.unwrap();
        assert_eq!(one.text("#heard").await.unwrap(), "HELLO!\nHELLO!");
        assert_eq!(two.text("#heard").await.unwrap(), "HELLO!");
        for page in [one, two] {
            assert!(page.complaints().await.unwrap().is_empty());
        }
    });
}

#[test]
fn what_is_wrong_on_the_command_line_is_told() {
    run(async {
        for (arguments, told) in [
            (&["1"][..], "usage: chapter [PAGE-PORT SOCKETS-PORT]"),
            (&["x", "y"], "`x` is no port"),
        ] {
            let ended = within("its end", chapter(arguments).output())
                .await
                .unwrap();
            let said = String::from_utf8_lossy(&ended.stderr).into_owned();
            assert!(!ended.status.success() && said.contains(told), "{said}");
        }
    });
}

fn heard(count: usize) -> String {
    format!("document.querySelectorAll('#heard li').length === {count}")
}

async fn line(printed: &mut Lines<BufReader<ChildStdout>>) -> String {
    let line = within("a line of the server", printed.next_line()).await;
    line.unwrap().expect("the server goes on")
}

/// The example, which is built wherever all of this crate's tests are; `cargo test --test chapter` alone wants `cargo build --example chapter` before.
fn chapter(arguments: &[&str]) -> Command {
    let test = std::env::current_exe().unwrap();
    let profile: PathBuf = test.ancestors().nth(2).unwrap().into();
    let mut command = Command::new(profile.join("examples/chapter"));
    command.args(arguments).stdin(Stdio::null());
    command
}
