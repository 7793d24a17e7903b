//! How each subject is measured: a fresh server on one CPU, a fresh client on another, and the
//! client's JSON.

use std::fmt;
use std::fs;
use std::path::PathBuf;
use std::process::Command;

use anyhow::{Context, ensure};
use serde_json::Value;

use crate::children::Running;

/// Something that can be measured.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
pub(crate) enum Subject {
    /// Echoes per server CPU second.
    WsEcho(Server, Shape),
    /// Deliveries per server CPU second.
    Broadcast {
        /// Who receives.
        subscribers: usize,
        /// Publishes in flight.
        window: usize,
    },
    /// Bytes of server memory a connection.
    IdleWebSocket,
    /// Bytes of server memory a connection with a session and a held poll.
    ParkedLongPoll,
    /// Requests per server CPU second.
    HttpEcho(Server),
    /// Round trips per client CPU second.
    GenerateHttp(Server),
    /// Round trips per client CPU second.
    GenerateWs(Server),
}

/// Whose figure it is (of a generator, too).
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
pub(crate) enum Server {
    Pushlab,
    Yardstick,
}

/// The shape of an echo load.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
pub(crate) struct Shape {
    connections: usize,
    depth: usize,
    payload: usize,
}

impl Shape {
    pub(crate) const fn new(connections: usize, depth: usize, payload: usize) -> Self {
        Self {
            connections,
            depth,
            payload,
        }
    }
}

/// Where and how long everything is measured.
pub(crate) struct Bench {
    pub(crate) server_cpu: usize,
    pub(crate) client_cpu: usize,
    /// The measured part of one repeat.
    pub(crate) seconds: f64,
    /// The lab's binary.
    pub(crate) pushlab: PathBuf,
    /// The folder of the yardsticks.
    pub(crate) yardsticks: PathBuf,
}

impl Bench {
    /// Measures once: messages per CPU second, or bytes.
    pub(crate) fn measure(&self, subject: Subject) -> anyhow::Result<f64> {
        match subject {
            Subject::WsEcho(server, shape) => {
                let server = match server {
                    Server::Pushlab => self.pushlab("websocket")?,
                    Server::Yardstick => self.yardstick_server("raw-ws-echo")?,
                };
                let depth = shape.depth.to_string();
                let said = self.load(
                    "raw-ws-load",
                    Some("echo"),
                    &server,
                    shape.connections,
                    shape.payload,
                    &["--depth", &depth],
                )?;
                per_second(&said, "server_cpu_ns")
            }
            Subject::Broadcast {
                subscribers,
                window,
            } => {
                let server = self.pushlab("websocket")?;
                let window = window.to_string();
                let said = self.load(
                    "raw-ws-load",
                    Some("broadcast"),
                    &server,
                    subscribers,
                    64,
                    &["--window", &window],
                )?;
                per_second(&said, "server_cpu_ns")
            }
            Subject::IdleWebSocket => {
                let server = self.pushlab("websocket")?;
                let said = self.load("raw-ws-load", Some("idle"), &server, MANY, 64, &[])?;
                number(&said, "bytes_per_connection")
            }
            Subject::ParkedLongPoll => {
                let server = self.pushlab("long-poll")?;
                let said = self.load("raw-http-load", Some("park"), &server, MANY, 64, &[])?;
                number(&said, "bytes_per_connection")
            }
            Subject::HttpEcho(server) => {
                let server = match server {
                    Server::Pushlab => self.pushlab("request-response")?,
                    Server::Yardstick => self.yardstick_server("hyper-http-echo")?,
                };
                let said = self.load("raw-http-load", Some("echo"), &server, 64, 64, &[])?;
                per_second(&said, "server_cpu_ns")
            }
            Subject::GenerateHttp(Server::Yardstick) => {
                let server = self.pushlab("request-response")?;
                let said = self.load("hyper-http-load", None, &server, 64, 64, &[])?;
                per_second(&said, "client_cpu_ns")
            }
            Subject::GenerateWs(Server::Yardstick) => {
                let server = self.pushlab("websocket")?;
                let said = self.load("raw-ws-load", Some("echo"), &server, 64, 64, &[])?;
                per_second(&said, "client_cpu_ns")
            }
            Subject::GenerateHttp(Server::Pushlab) => self.generate("request-response"),
            Subject::GenerateWs(Server::Pushlab) => self.generate("websocket"),
        }
    }

    /// A lab server with one worker, ready.
    fn pushlab(&self, transport: &str) -> anyhow::Result<Ready> {
        let mut command = Command::new(&self.pushlab);
        let cpu = self.server_cpu.to_string();
        let most = (MANY + MANY / 5).to_string();
        command.args(["serve", transport, "--listen", "127.0.0.1:0"]);
        command.args(["--threads", "1", "--pin", &cpu, "--max-connections", &most]);
        command.args(["--die-with-parent", &std::process::id().to_string()]);
        self.ready(command)
    }

    fn yardstick_server(&self, name: &str) -> anyhow::Result<Ready> {
        self.ready(Command::new(self.yardsticks.join(name)))
    }

    fn ready(&self, mut command: Command) -> anyhow::Result<Ready> {
        let mut process = Running::start(&mut command, Some(self.server_cpu))?;
        let line: Value = serde_json::from_str(&process.line()?).context("no ready line")?;
        let url = line["url"].as_str().context("no url in the ready line")?;
        Ok(Ready {
            url: url.to_owned(),
            process,
        })
    }

    /// Runs a yardstick's load loop and returns what it said.
    fn load(
        &self,
        name: &str,
        mode: Option<&str>,
        server: &Ready,
        connections: usize,
        payload: usize,
        options: &[&str],
    ) -> anyhow::Result<Value> {
        let mut command = Command::new(self.yardsticks.join(name));
        command.args(mode).arg(server.address()?);
        command.args(["--connections", &connections.to_string()]);
        command.args(["--payload", &payload.to_string()]);
        command.args(["--seconds", &self.seconds.to_string()]);
        command.args(["--server", &server.process.pid().to_string()]);
        self.client(command.args(options))
    }

    /// Round trips per CPU second of the lab's own generator in a closed loop.
    fn generate(&self, transport: &str) -> anyhow::Result<f64> {
        let server = self.pushlab(transport)?;
        let folder = self.yardsticks.with_file_name("speed");
        fs::create_dir_all(&folder)?;
        let scenario = folder.join(format!("{transport}.toml"));
        let text = format!(
            "name = \"speed\"\nquestion = \"What does a round trip cost the generator?\"\n\
             kind = \"echo\"\ntransports = [\"{transport}\"]\nduration = \"{}ms\"\n\
             warm-up = \"500ms\"\ntrials = 1\n\n\
             [load]\nmode = \"closed\"\ndepth = 1\npayload = \"64 B\"\n\n\
             [population]\nclients = 64\n",
            (self.seconds * 1000.0).round()
        );
        fs::write(&scenario, text)?;
        let mut command = Command::new(&self.pushlab);
        command.args(["load", "--transport", transport, "--target", &server.url]);
        command
            .arg(&scenario)
            .arg("--json")
            .arg("--out")
            .arg(&folder);
        let said = self.client(&mut command)?;
        // A closed loop runs its generator at the limit on purpose, so a verdict is not asked for; and
        // it never spins, so that the metric, which leaves spinning out, is all of the CPU time.
        let metrics = &said["arms"][0]["metrics"];
        let errors = number(&metrics["errors"], "median")?;
        ensure!(errors == 0.0, "{errors} errors: {said}");
        Ok(1e6 / number(&metrics["generator_cpu_us_per_message"], "median")?)
    }

    fn client(&self, command: &mut Command) -> anyhow::Result<Value> {
        let said = Running::start(command, Some(self.client_cpu))?.output()?;
        serde_json::from_str(&said).with_context(|| format!("not JSON: {said}"))
    }
}

/// Connections held by the memory figures.
const MANY: usize = 10_000;

/// A server that accepts; killed on drop.
struct Ready {
    process: Running,
    url: String,
}

impl Ready {
    /// `HOST:PORT` of the URL.
    fn address(&self) -> anyhow::Result<&str> {
        let rest = self.url.split_once("://").map(|(_, rest)| rest);
        let rest = rest.with_context(|| format!("not a URL: {}", self.url))?;
        Ok(rest.split('/').next().unwrap_or(rest))
    }
}

/// The count per CPU second of one side.
fn per_second(said: &Value, cpu: &str) -> anyhow::Result<f64> {
    let count = number(said, "count")?;
    ensure!(count > 0.0, "nothing was counted: {said}");
    Ok(count / number(said, cpu)? * 1e9)
}

fn number(said: &Value, name: &str) -> anyhow::Result<f64> {
    said[name]
        .as_f64()
        .with_context(|| format!("no {name}: {said}"))
}

impl fmt::Display for Subject {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let whose = |server: &Server, yardstick: &'static str| match server {
            Server::Pushlab => "pushlab",
            Server::Yardstick => yardstick,
        };
        match self {
            Self::WsEcho(server, shape) => write!(
                f,
                "{}, WebSocket echo, {} connections, depth {}, {} B",
                whose(server, "raw epoll"),
                shape.connections,
                shape.depth,
                shape.payload
            ),
            Self::Broadcast {
                subscribers,
                window,
            } => write!(f, "pushlab, broadcast to {subscribers}, window {window}"),
            Self::IdleWebSocket => write!(f, "pushlab, idle WebSockets"),
            Self::ParkedLongPoll => write!(f, "pushlab, parked long-polls"),
            Self::HttpEcho(server) => write!(f, "{}, HTTP echo", whose(server, "minimal hyper")),
            Self::GenerateHttp(server) => {
                write!(f, "{}, HTTP load", whose(server, "minimal hyper"))
            }
            Self::GenerateWs(server) => write!(f, "{}, WebSocket load", whose(server, "raw epoll")),
        }
    }
}
