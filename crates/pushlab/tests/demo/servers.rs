//! Servers of their own for a page of the demo, on whose network a test lays its hands.

use std::collections::BTreeMap;
use std::io::{BufRead, BufReader};
use std::net::SocketAddr;
use std::process::{Child, ChildStdout, Command, Stdio};

use serde_json::Value;

/// A running `pushlab serve --all`, one hub behind all of its servers; killed when dropped.
pub(crate) struct Servers {
    _process: Running,
    /// The URL of each transport's server.
    urls: BTreeMap<String, String>,
}

impl Servers {
    /// Servers that let pages of `origin` in.
    pub(crate) fn start(origin: &str, options: &[&str]) -> Self {
        let mut arguments = vec!["serve", "--all", "--allow-origin", origin];
        arguments.extend(options);
        let mut process = Running::start(&arguments);
        let mut urls = BTreeMap::new();
        // The last of the registry.
        while !urls.contains_key("socket-io-websocket") {
            let ready = process.json_line();
            let text = |field: &str| ready[field].as_str().expect("a text").to_owned();
            urls.insert(text("transport"), text("url"));
        }
        Self {
            _process: process,
            urls,
        }
    }

    /// Where a transport's server is.
    pub(crate) fn address(&self, transport: &str) -> SocketAddr {
        let (_, rest) = self.urls[transport].split_once("://").expect("a URL");
        let authority = rest.split('/').next().unwrap_or_default();
        authority.parse().expect("an address")
    }

    /// What a module is told, by way of `address`.
    pub(crate) fn url_at(&self, transport: &str, address: SocketAddr) -> String {
        self.urls[transport].replace(&self.address(transport).to_string(), &address.to_string())
    }

    /// What modules are told, as a JavaScript object.
    pub(crate) fn urls(&self) -> String {
        Value::from_iter(self.urls.clone()).to_string()
    }
}

/// A program that runs, and is killed at the latest when the test ends.
struct Running {
    child: Child,
    lines: BufReader<ChildStdout>,
}

impl Running {
    fn start(arguments: &[&str]) -> Self {
        let mut child = Command::new(env!("CARGO_BIN_EXE_pushlab"))
            .args(arguments)
            .stdin(Stdio::null())
            .stdout(Stdio::piped())
            .spawn()
            .expect("the program starts");
        let lines = BufReader::new(child.stdout.take().expect("it is piped"));
        Self { child, lines }
    }

    fn json_line(&mut self) -> Value {
        let mut line = String::new();
        self.lines.read_line(&mut line).expect("it says something");
        serde_json::from_str(&line).unwrap_or_else(|error| panic!("{error}: {line:?}"))
    }
}

impl Drop for Running {
    fn drop(&mut self) {
        // It may have ended already.
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}
