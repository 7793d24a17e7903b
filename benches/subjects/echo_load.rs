//! The lab's own load generator against the plain `POST /echo`, which any other HTTP load generator
//! can load as well: the subject that `cargo xtask oracle` holds against oha and wrk. Prints one
//! line of JSON.
//!
//! What runs is the generator itself (`load::run`, with its plan, pacer, users, clock and
//! histograms) on the lab's own HTTP/1.1 connection ([`Line`]). Only the session protocol is left
//! out: a request's payload goes to `/echo` as it is, and the body that comes back is the reply.

use std::collections::VecDeque;
use std::rc::Rc;
use std::task::{Context, Poll};

use anyhow::{Context as _, bail, ensure};
use clap::Parser;
use load::Hooks;
use measure::{Distribution, Measurement, Outcome, Which};
use scenario::{ArmInfo, Case, parse};
use serde_json::{Value, json};
use transport::http::client::{Host, Line};
use transport::{
    Capabilities, Client, ClientError, Command, Incoming, Info, Protocol, Target, Ticket, Traffic,
    Welcome,
};

/// The lab's load generator on `POST /echo`: a closed loop of depth 1, or an open one
#[derive(Parser)]
struct Args {
    /// The server, `http://HOST:PORT`
    url: String,
    /// How many connections
    #[arg(long, default_value_t = 50)]
    connections: usize,
    /// Requests a second, all connections together, evenly spaced; without it the loop is closed
    #[arg(long)]
    rate: Option<u32>,
    /// Bytes of each body
    #[arg(long, default_value_t = 64)]
    payload: usize,
    /// Measured seconds
    #[arg(long, default_value_t = 5.0)]
    seconds: f64,
    /// Seconds before them that do not count
    #[arg(long, default_value_t = 0.5)]
    warm_up: f64,
}

fn main() -> anyhow::Result<()> {
    benches::raw::usage::prepare()?;
    let args = Args::parse();
    let case = case(&args)?;
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build_local(tokio::runtime::LocalOptions::default())?;
    let running = load::run::<Echo>(Target::new(&args.url), &case, Hooks::default());
    let measurement = runtime.block_on(running);
    println!("{}", said(&measurement)?);
    Ok(())
}

/// The load as a scenario, which is what the generator takes.
fn case(args: &Args) -> anyhow::Result<Case> {
    let pace = args.rate.map_or_else(
        || "mode = \"closed\"\ndepth = 1".to_owned(),
        |rate| format!("mode = \"open\"\narrivals = \"constant\"\nrate = \"{rate}/s\""),
    );
    let ms = |seconds: f64| (seconds * 1000.0).round();
    let text = format!(
        "name = \"oracle\"\nquestion = \"Do others measure the same?\"\nkind = \"echo\"\n\
         duration = \"{}ms\"\nwarm-up = \"{}ms\"\ntrials = 1\n\n\
         [load]\n{pace}\npayload = \"{} B\"\n\n[population]\nclients = {}\n",
        ms(args.seconds),
        ms(args.warm_up),
        args.payload,
        args.connections
    );
    let arms = [ArmInfo {
        name: Echo::INFO.name,
        network: Echo::INFO.url.is_some(),
        options: Echo::INFO.options,
    }];
    let scenario = parse(&text, "the command line", &arms)?;
    scenario.cases().pop().context("one arm, one trial")
}

/// The figures, latencies in nanoseconds.
fn said(measurement: &Measurement) -> anyhow::Result<Value> {
    if let Outcome::Failed { reason } = &measurement.outcome {
        bail!("{reason}");
    }
    let errors = measurement.errors.brief();
    ensure!(errors.is_empty(), "{errors}");
    let figures = |which| {
        let figures = measurement.latencies.distribution(which);
        figures.map(json_of).context("nothing was measured")
    };
    let counts = &measurement.counts;
    Ok(json!({
        "seconds": measurement.measured_s,
        "completed": counts.completed,
        "censored": counts.censored,
        // With the warm-up, for who measures the cost of the whole process.
        "all": measurement.latencies.total(Which::Response).len() + counts.warm_up_discarded,
        "response": figures(Which::Response)?,
        "service": figures(Which::Service)?,
        "slip_p99_ns": measurement.slip.map(|slip| slip.p99_ns),
    }))
}

fn json_of(figures: Distribution) -> Value {
    json!({
        "mean_ns": figures.mean_ns,
        "p50_ns": figures.p50_ns,
        "p90_ns": figures.p90_ns,
        "p99_ns": figures.p99_ns,
        "p999_ns": figures.p999_ns,
        "max_ns": figures.max_ns,
    })
}

/// A client that posts to `/echo`. It has no session, and nothing to serve.
struct Echo;

impl Protocol for Echo {
    const INFO: Info = Info {
        name: "echo",
        title: "POST /echo without a session",
        url: Some(("http://", "")),
        options: &[],
        capabilities: Capabilities {
            pushed_replies: false,
            ..Capabilities::FULL
        },
        browser: None,
    };

    type Client = Connection;

    async fn connect(target: &Target) -> Result<Connection, ClientError> {
        let host = Host::resolve(target, Self::INFO.name).await?;
        let head = format!(
            "POST /echo HTTP/1.1\r\nhost: {}\r\n{}content-length: ",
            host.name(),
            host.head_end()
        );
        Ok(Connection {
            line: Line::new(&host),
            host,
            head,
            welcome: Welcome {
                session: String::new(),
                token: String::new(),
                resumed: false,
            },
            queue: VecDeque::new(),
            asked: 0,
            traffic: Traffic::default(),
        })
    }
}

/// One connection: one request at a time, the others wait in the order in which they came.
struct Connection {
    host: Rc<Host>,
    line: Line,
    head: String,
    welcome: Welcome,
    queue: VecDeque<(u64, String)>,
    /// The id of the request under way.
    asked: u64,
    traffic: Traffic,
}

impl Client for Connection {
    fn welcome(&self) -> &Welcome {
        &self.welcome
    }

    fn send(&mut self, command: &Command<'_>) {
        if let Command::Request { id, data } = command {
            self.queue.push_back((*id, (*data).to_owned()));
        }
    }

    fn poll(
        &mut self,
        cx: &mut Context<'_>,
        each: &mut impl FnMut(Incoming<'_>),
    ) -> Poll<Result<(), ClientError>> {
        if !self.line.is_busy() {
            let Some((id, data)) = self.queue.pop_front() else {
                return Poll::Pending;
            };
            let head = &self.head;
            self.line.begin(true, |out| {
                out.extend_from_slice(head.as_bytes());
                out.extend_from_slice(data.len().to_string().as_bytes());
                out.extend_from_slice(b"\r\n\r\n");
                out.extend_from_slice(data.as_bytes());
            });
            self.asked = id;
            self.traffic.requests += 1;
            self.traffic.payload_up += data.len() as u64;
        }
        let answer = std::task::ready!(self.line.poll(cx))?;
        let data = std::str::from_utf8(answer.body);
        match (answer.status, data) {
            (200, Ok(data)) => {
                self.traffic.payload_down += data.len() as u64;
                each(Incoming::Reply {
                    id: self.asked,
                    data,
                });
                Poll::Ready(Ok(()))
            }
            (200, Err(error)) => Poll::Ready(Err(ClientError::Protocol(error.to_string()))),
            (status, _) => Poll::Ready(Err(ClientError::Refused {
                status,
                message: String::new(),
            })),
        }
    }

    fn traffic(&self) -> Traffic {
        let meter = self.host.meter();
        Traffic {
            wire_up: meter.up(),
            wire_down: meter.down(),
            connections: meter.connections(),
            ..self.traffic
        }
    }

    fn ticket(&self) -> Ticket {
        Ticket {
            token: String::new(),
            received: 0,
        }
    }

    async fn close(self) -> Result<(), ClientError> {
        Ok(())
    }
}
