//! The chapter's application: a page on one port, sockets on another.
//!
//! ```text
//! npm ci --prefix crates/transports/socket-io/tests/official
//! cargo run -p socket-io --example chapter [PAGE-PORT SOCKETS-PORT]
//! ```
//!
//! It prints where both are (any free ports, unless they are given). Open the page: the server prints `connection!` and tells everyone `from server`
//! `HELLO!`; the page answers `from client` `WORLD!`, which the server prints. In a second tab the same happens, so the first one has heard
//! `HELLO!` twice then.
//!
//! The page's client is the official one, from npm, and the page's origin is the only one that the sockets allow.

use std::io::{self, Write};
use std::net::SocketAddr;
use std::path::Path;
use std::process::ExitCode;
use std::rc::Rc;
use std::sync::Arc;

use bytes::Bytes;
use hub::{Door, Limits};
use hyper::header::{CONTENT_TYPE, HeaderMap, HeaderValue};
use hyper::{Method, StatusCode};
use socket_io::app::{App, Event, Io, Socket};
use socket_io::{Both, serve};
use tokio::net::TcpListener;
use tokio::task::LocalSet;
use transport::http::{self, Handler, Request, Response, recycle};
use transport::{Common, Config, DrainHandle, Server, listener};

/// What the chapter does on the server.
#[derive(Debug)]
struct Chapter {
    io: Io,
}

impl App for Chapter {
    fn connected(&self, _: &Socket<'_>) {
        say("connection!");
        if let Err(error) = self.io.emit("from server", &"HELLO!") {
            say(&format!("HELLO! could not be said: {error}"));
        }
    }

    fn event(&self, _: &Socket<'_>, event: &Event<'_>) {
        if event.name == "from client"
            && let Some(word) = event.arguments.first()
        {
            let word: String = serde_json::from_str(word.get()).unwrap_or_default();
            say(&word);
        }
    }
}

fn main() -> ExitCode {
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build();
    let outcome = match runtime {
        Ok(runtime) => LocalSet::new().block_on(&runtime, run()),
        Err(error) => Err(format!("can't start an event loop: {error}")),
    };
    match outcome {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("chapter: {error}");
            ExitCode::FAILURE
        }
    }
}

async fn run() -> Result<(), String> {
    let (page_port, sockets_port) = ports()?;
    let client = client()?;
    let door = Door::new(&Limits::default(), 1).remove(0);
    // Dropping it would stop both.
    let (_drain, drained) = DrainHandle::new();
    let bind = |port| {
        let address = SocketAddr::from(([127, 0, 0, 1], port));
        let bound = listener::bind(address, 1).map(|mut bound| bound.remove(0));
        bound
            .and_then(TcpListener::from_std)
            .map_err(|error| format!("can't listen on {address}: {error}; choose other ports"))
    };
    let (page, sockets) = (bind(page_port)?, bind(sockets_port)?);
    let address = |listener: &TcpListener| listener.local_addr().map_err(|error| error.to_string());
    let (page_address, sockets_address) = (address(&page)?, address(&sockets)?);
    let server = |listener, allow_origins| Server {
        listener,
        door: door.clone(),
        config: Arc::new(Config {
            allow_origins,
            ..Config::default()
        }),
        drain: drained.clone(),
        connections: Arc::default(),
        common: Common::default(),
    };
    let pages = Rc::new(Pages {
        page: PAGE
            .replace("SOCKETS", &format!("http://{sockets_address}"))
            .into(),
        client,
    });
    let chapter = Arc::new(Chapter {
        io: Io::new(door.clone()),
    });
    // The page may be opened as localhost, too.
    let origins =
        ["127.0.0.1", "localhost"].map(|host| format!("http://{host}:{}", page_address.port()));
    let serving = async {
        tokio::try_join!(
            http::serve(server(page, Vec::new()), pages),
            serve::<Both>(server(sockets, origins.into()), chapter),
        )
    };
    say(&format!(
        "page at http://{page_address}/, sockets at http://{sockets_address}"
    ));
    tokio::select! {
        ended = serving => ended.map(drop).map_err(|error| error.to_string()),
        () = door.run() => Ok(()),
    }
}

/// The ports on the command line, or any that are free.
fn ports() -> Result<(u16, u16), String> {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let port = |text: &str| {
        text.parse()
            .map_err(|_| format!("`{text}` is no port; usage: chapter [PAGE-PORT SOCKETS-PORT]"))
    };
    match &arguments[..] {
        [] => Ok((0, 0)),
        [page, sockets] => Ok((port(page)?, port(sockets)?)),
        _ => Err("usage: chapter [PAGE-PORT SOCKETS-PORT]".to_owned()),
    }
}

/// The official client for pages.
fn client() -> Result<Bytes, String> {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/official");
    let file = folder.join("node_modules/socket.io-client/dist/socket.io.min.js");
    std::fs::read(&file).map(Bytes::from).map_err(|error| {
        format!(
            "can't read {}: {error}; get it with\n\n    npm ci --prefix {}\n",
            file.display(),
            folder.display()
        )
    })
}

/// A line on standard output, at once: whoever watches it may be a program.
fn say(line: &str) {
    let mut out = io::stdout().lock();
    // Without a reader there is nobody to say it to.
    let _ = writeln!(out, "{line}").and_then(|()| out.flush());
}

/// The page and its client.
struct Pages {
    page: Bytes,
    client: Bytes,
}

impl Handler for Pages {
    fn handle(self: Rc<Self>, request: Request) -> impl Future<Output = Response> + 'static {
        let (body, kind) = if request.uri().path() == "/" {
            (self.page.clone(), "text/html; charset=utf-8")
        } else {
            (self.client.clone(), "text/javascript; charset=utf-8")
        };
        let mut response = recycle(HeaderMap::new(), StatusCode::OK, body.into());
        let kind = HeaderValue::from_static(kind);
        response.headers_mut().insert(CONTENT_TYPE, kind);
        std::future::ready(response)
    }

    fn methods(&self, path: &str) -> Option<&'static [Method]> {
        matches!(path, "/" | "/socket.io.min.js").then_some(&[Method::GET])
    }
}

const PAGE: &str = r#"<!doctype html>
<html lang="en">
<meta charset="utf-8">
<meta name="viewport" content="width=device-width">
<title>HELLO! WORLD!</title>
<link rel="icon" href="data:,">
<style>
  body { font: 1.2rem/1.5 system-ui, sans-serif; margin: 3rem auto; max-width: 40rem; padding: 0 1rem; color-scheme: light dark }
</style>
<h1>HELLO! WORLD!</h1>
<p>What the server says:</p>
<ol id="heard" aria-live="polite"></ol>
<script src="/socket.io.min.js"></script>
<script>
  const socket = io("SOCKETS");
  socket.on("connect", () => socket.emit("from client", "WORLD!"));
  socket.on("from server", (word) => {
    const item = document.createElement("li");
    item.textContent = word;
    document.querySelector("ol").append(item);
  });
  socket.on("connect_error", (error) => console.error(error.message));
</script>
</html>
"#;
