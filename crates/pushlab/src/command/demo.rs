//! `pushlab demo`: the course, in the browser.

use std::io::{self, IsTerminal, Write};
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr, TcpListener};
use std::process::{Command, Stdio};

use anyhow::Context;
use demo::{Replay, Settings};
use serde::Serialize;
use tokio::runtime;
use transport::DrainHandle;

use super::claims::replay;
use super::serve::address::{cannot_listen, resolve, warn_if_public};
use crate::cli::DemoArgs;
use crate::exit::{Exit, Failure};
use crate::process;
use crate::registry::TRANSPORTS;
use crate::stop::Stop;

/// The line that a demo prints as soon as it accepts.
#[derive(Debug, Serialize)]
struct Ready {
    demo: String,
}

/// Serves the course until told to stop.
pub(crate) fn demo(args: &DemoArgs) -> Result<Exit, Failure> {
    let address = resolve("--listen", &args.listen)?;
    process::raise_file_limit();
    let listener = transport::listener::bind(address, 1)
        .map_err(|error| cannot_listen(address, "the demo", &error))?
        .remove(0);
    let address = listener.local_addr()?;
    warn_if_public(address);
    // Before any thread is started: a thread would not pass the handlers on.
    let stop = Stop::listen().context("can't listen for signals")?;
    let settings = Settings {
        lanes: lanes(),
        allow_origins: args.allow_origins.clone(),
        max_benches: args.max_benches as usize,
        replay: replayed,
    };
    let (drain, drained) = DrainHandle::new();
    let runtime = runtime::Builder::new_current_thread()
        .enable_all()
        .build_local(runtime::LocalOptions::default())
        .context("can't start an event loop")?;
    // Who connects from now on waits in the kernel until the pages are served.
    announce(&url(address), args.open)?;
    runtime.block_on(async {
        let serving = serve(listener, settings, drained);
        tokio::pin!(serving);
        tokio::select! {
            ended = &mut serving => ended,
            () = stop.asked() => {
                drain.start();
                serving.await
            }
        }
    })?;
    Ok(Exit::Fine)
}

async fn serve(
    listener: TcpListener,
    settings: Settings,
    drain: transport::Drain,
) -> Result<(), Failure> {
    let served = demo::serve(listener, settings, drain).await;
    Ok(served.context("the demo failed")?)
}

/// The transports that a page can use.
fn lanes() -> Vec<demo::Lane> {
    let of_pages = TRANSPORTS
        .iter()
        .filter(|entry| entry.info.browser.is_some());
    of_pages.map(|entry| entry.lane).collect()
}

fn replayed() -> io::Result<Replay> {
    let replay = replay::replay()?;
    Ok(Replay {
        heads: replay.heads,
        printed: replay.printed,
        frame: replay.frame,
        poll_ip: replay.poll_ip,
        message_ip: replay.message_ip,
    })
}

/// The first page, as a browser on this machine calls it.
fn url(address: SocketAddr) -> String {
    let ip = match address.ip() {
        IpAddr::V4(ip) if ip.is_unspecified() => Ipv4Addr::LOCALHOST.into(),
        IpAddr::V6(ip) if ip.is_unspecified() => Ipv6Addr::LOCALHOST.into(),
        ip => ip,
    };
    format!("http://{}/", SocketAddr::new(ip, address.port()))
}

fn announce(url: &str, open: bool) -> Result<(), Failure> {
    let ready = Ready {
        demo: url.to_owned(),
    };
    let mut out = io::stdout().lock();
    writeln!(out, "{}", serde_json::to_string(&ready)?)
        .and_then(|()| out.flush())
        .context("can't print the ready line")?;
    drop(out);
    if io::stderr().is_terminal() {
        eprintln!("The course is at {url} in your browser. Ctrl-C ends it.");
    }
    if open && let Err(error) = open_in_browser(url) {
        eprintln!("pushlab: can't open a browser: {error}; go to {url}");
    }
    Ok(())
}

fn open_in_browser(url: &str) -> io::Result<()> {
    let opener = if cfg!(target_os = "macos") {
        "open"
    } else {
        "xdg-open"
    };
    let silent = Stdio::null;
    let mut browser = Command::new(opener)
        .arg(url)
        .stdin(silent())
        .stdout(silent())
        .stderr(silent())
        .spawn()?;
    // It hands the address over and ends; somebody has to take its exit code.
    std::thread::spawn(move || browser.wait());
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn all_addresses_are_called_by_one_that_a_browser_can_open() {
        let url = |address: &str| url(address.parse().unwrap());
        assert_eq!(url("0.0.0.0:7"), "http://127.0.0.1:7/");
        assert_eq!(url("[::]:7"), "http://[::1]:7/");
        assert_eq!(url("10.0.0.7:7"), "http://10.0.0.7:7/");
    }
}
