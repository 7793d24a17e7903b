//! How each subject is measured: a fresh server on one CPU, a fresh client on another, and the
//! client's JSON.

use std::fmt;
use std::fs;
use std::path::PathBuf;
use std::process::Command;

use anyhow::{Context, ensure};
use serde_json::Value;

use crate::children::Running;
use crate::foreign::{Foreign, Generator, Load};
use crate::lab::{Lab, Ready, number};

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
    /// Round trips per client CPU second of another load generator.
    GenerateForeign(Generator),
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
    pub(crate) lab: Lab,
    /// The measured part of one repeat.
    pub(crate) seconds: u32,
    /// The other load generators, where a row asks for them.
    pub(crate) foreign: Option<Foreign>,
}

impl Bench {
    /// Measures once: messages per CPU second, or bytes.
    pub(crate) fn measure(&self, subject: Subject) -> anyhow::Result<f64> {
        match subject {
            Subject::WsEcho(server, shape) => {
                let server = match server {
                    Server::Pushlab => self.serve("websocket")?,
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
                let server = self.serve("websocket")?;
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
                let server = self.serve("websocket")?;
                let said = self.load("raw-ws-load", Some("idle"), &server, MANY, 64, &[])?;
                number(&said, "bytes_per_connection")
            }
            Subject::ParkedLongPoll => {
                let server = self.serve("long-poll")?;
                let said = self.load("raw-http-load", Some("park"), &server, MANY, 64, &[])?;
                number(&said, "bytes_per_connection")
            }
            Subject::HttpEcho(server) => {
                let server = match server {
                    Server::Pushlab => self.serve("request-response")?,
                    Server::Yardstick => self.yardstick_server("hyper-http-echo")?,
                };
                let said = self.load("raw-http-load", Some("echo"), &server, 64, 64, &[])?;
                per_second(&said, "server_cpu_ns")
            }
            Subject::GenerateHttp(Server::Yardstick) => {
                let server = self.serve("request-response")?;
                let said = self.load("hyper-http-load", None, &server, 64, 64, &[])?;
                per_second(&said, "client_cpu_ns")
            }
            Subject::GenerateWs(Server::Yardstick) => {
                let server = self.serve("websocket")?;
                let said = self.load("raw-ws-load", Some("echo"), &server, 64, 64, &[])?;
                per_second(&said, "client_cpu_ns")
            }
            Subject::GenerateForeign(generator) => self.generate_foreign(generator),
            Subject::GenerateHttp(Server::Pushlab) => self.generate("request-response"),
            Subject::GenerateWs(Server::Pushlab) => self.generate("websocket"),
        }
    }

    fn serve(&self, transport: &str) -> anyhow::Result<Ready> {
        self.lab.serve(transport, MANY + MANY / 5)
    }

    fn yardstick_server(&self, name: &str) -> anyhow::Result<Ready> {
        let command = Command::new(self.lab.yardsticks.join(name));
        self.lab.start(command)
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
        let mut command = Command::new(self.lab.yardsticks.join(name));
        command.args(mode).arg(server.address()?);
        command.args(["--connections", &connections.to_string()]);
        command.args(["--payload", &payload.to_string()]);
        command.args(["--seconds", &self.seconds.to_string()]);
        command.args(["--server", &server.process.pid().to_string()]);
        self.client(command.args(options))
    }

    /// Round trips per CPU second of the lab's own generator in a closed loop.
    fn generate(&self, transport: &str) -> anyhow::Result<f64> {
        let server = self.serve(transport)?;
        let folder = self.folder();
        fs::create_dir_all(&folder)?;
        let scenario = folder.join(format!("{transport}.toml"));
        let text = format!(
            "name = \"speed\"\nquestion = \"What does a round trip cost the generator?\"\n\
             kind = \"echo\"\ntransports = [\"{transport}\"]\nduration = \"{}s\"\n\
             warm-up = \"500ms\"\ntrials = 1\n\n\
             [load]\nmode = \"closed\"\ndepth = 1\npayload = \"64 B\"\n\n\
             [population]\nclients = 64\n",
            self.seconds
        );
        fs::write(&scenario, text)?;
        let mut command = Command::new(&self.lab.pushlab);
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

    /// Round trips per CPU second of another generator in a closed loop, its start and end included:
    /// from outside there is no telling them apart.
    fn generate_foreign(&self, generator: Generator) -> anyhow::Result<f64> {
        let foreign = self.foreign.as_ref().context("it is not set up")?;
        let server = self.serve("request-response")?;
        let load = Load {
            url: &server.url,
            connections: 64,
            rate: None,
            payload: 64,
            seconds: self.seconds,
        };
        let said = foreign.run(generator, &load, self.lab.client_cpu)?;
        Ok(said.requests / said.cpu.as_secs_f64())
    }

    /// Where the generator writes its results.
    pub(crate) fn folder(&self) -> PathBuf {
        self.lab.yardsticks.with_file_name("speed")
    }

    fn client(&self, command: &mut Command) -> anyhow::Result<Value> {
        let said = Running::start(command, Some(self.lab.client_cpu))?.output()?;
        serde_json::from_str(&said).with_context(|| format!("not JSON: {said}"))
    }
}

/// Connections held by the memory figures.
const MANY: usize = 10_000;

/// The count per CPU second of one side.
fn per_second(said: &Value, cpu: &str) -> anyhow::Result<f64> {
    let count = number(said, "count")?;
    ensure!(count > 0.0, "nothing was counted: {said}");
    Ok(count / number(said, cpu)? * 1e9)
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
            Self::GenerateForeign(Generator::Wrk) => write!(f, "wrk, HTTP load"),
            Self::GenerateForeign(_) => write!(f, "oha, HTTP load"),
            Self::GenerateWs(server) => write!(f, "{}, WebSocket load", whose(server, "raw epoll")),
        }
    }
}
