//! Network namespaces: made, and entered by a thread.

use std::fs::{self, File};
use std::io;
use std::marker::PhantomData;
use std::os::fd::AsFd;
use std::path::{Path, PathBuf};
use std::sync::mpsc::{self, Sender};
use std::thread::{self, JoinHandle};

use nix::sched::CloneFlags;
use rustix::thread::{LinkNameSpaceType, gettid, move_into_link_name_space};

/// Settings that change what a benchmark shows and that each namespace has for itself, below `/proc/sys/net`. A new one begins with the
/// kernel's defaults for some of them; but a link is to be the only difference between a run with it and one without, and a manifest is to be right
/// about both.
const SETTINGS: &[&str] = &[
    "core/somaxconn",
    "ipv4/ip_local_port_range",
    "ipv4/tcp_congestion_control",
    "ipv4/tcp_max_syn_backlog",
    "ipv4/tcp_rmem",
    "ipv4/tcp_tw_reuse",
    "ipv4/tcp_wmem",
];

/// A network namespace that lives as long as this value, and no longer than the process, however that ends: no file keeps it, only a parked
/// thread of this process and whoever has entered it.
#[derive(Debug)]
pub struct Namespace {
    path: PathBuf,
    /// Closed to let the thread go.
    hold: Option<Sender<()>>,
    keeper: Option<JoinHandle<()>>,
}

impl Namespace {
    /// Makes one with the caller's settings of the network, runs `furnish` on a thread inside it, and gives what that returned.
    ///
    /// # Errors
    /// The process may make no namespaces (`CAP_SYS_ADMIN`), no thread can be started, or `furnish` failed.
    pub(super) fn make<T: Send + 'static>(
        furnish: impl FnOnce() -> io::Result<T> + Send + 'static,
    ) -> io::Result<(Self, T)> {
        let (hold, release) = mpsc::channel::<()>();
        let (tell, told) = mpsc::channel();
        let keeper = thread::Builder::new()
            .name("namespace".into())
            .stack_size(256 << 10)
            .spawn(move || {
                let made = settle().and_then(|()| furnish());
                let made = made.map(|furnished| (gettid().as_raw_nonzero(), furnished));
                if tell.send(made).is_ok() {
                    // Parked until the other end is closed.
                    let _ = release.recv();
                }
            })?;
        // A thread that ended without a word has panicked.
        let gone = || io::Error::other("the namespace's thread is gone");
        let (thread, furnished) = told.recv().map_err(|_| gone())??;
        let namespace = Self {
            path: format!("/proc/{}/task/{thread}/ns/net", std::process::id()).into(),
            hold: Some(hold),
            keeper: Some(keeper),
        };
        Ok((namespace, furnished))
    }

    /// The file that names it to every process of the machine, as `nsenter --net=PATH` takes it.
    pub fn path(&self) -> &Path {
        &self.path
    }

    /// What the kernel counts of its devices, as in `/proc/net/dev`.
    pub(super) fn device_counts(&self) -> String {
        // From `…/ns/net` to `…/net/dev` of the same thread.
        let task = self.path.ancestors().nth(2).unwrap_or(&self.path);
        fs::read_to_string(task.join("net/dev")).unwrap_or_default()
    }

    /// Moves the calling thread into the namespace that `path` names, until the guard is dropped. Sockets that the thread makes meanwhile,
    /// and processes and threads that it starts, belong to that namespace for good.
    ///
    /// # Errors
    /// There is no such namespace (any more), or the process may not enter it (`CAP_SYS_ADMIN`).
    pub fn enter(path: &Path) -> io::Result<Entered> {
        let name = |error: io::Error| {
            io::Error::new(
                error.kind(),
                format!(
                    "can't enter the network namespace {}: {error}",
                    path.display()
                ),
            )
        };
        let home = File::open("/proc/thread-self/ns/net")?;
        let there = File::open(path).map_err(name)?;
        move_into(&there).map_err(name)?;
        Ok(Entered {
            home,
            _thread: PhantomData,
        })
    }
}

impl Drop for Namespace {
    fn drop(&mut self) {
        self.hold = None;
        if let Some(keeper) = self.keeper.take() {
            let _ = keeper.join();
        }
    }
}

/// The calling thread is in another network namespace while this lives.
#[derive(Debug)]
#[must_use = "the thread goes home when this is dropped"]
pub struct Entered {
    home: File,
    /// It belongs to its thread.
    _thread: PhantomData<*const ()>,
}

impl Drop for Entered {
    fn drop(&mut self) {
        // It needs the right that the way in needed. A process that gave it up meanwhile stays where it is.
        let _ = move_into(&self.home);
    }
}

/// Leaves the process's namespace for one of this thread's own, and takes the settings along.
fn settle() -> io::Result<()> {
    let read = |name: &str| {
        let path = format!("/proc/sys/net/{name}");
        // What this kernel doesn't have needs no care.
        fs::read_to_string(&path).ok().map(|value| (path, value))
    };
    let settings: Vec<_> = SETTINGS.iter().filter_map(|name| read(name)).collect();
    nix::sched::unshare(CloneFlags::CLONE_NEWNET)?;
    for (path, value) in settings {
        if fs::read_to_string(&path).is_ok_and(|default| default != value) {
            let value = value.trim();
            fs::write(&path, value).map_err(|error| {
                let what = format!("{path} can't be set to {value}, as it is outside: {error}");
                io::Error::new(error.kind(), what)
            })?;
        }
    }
    Ok(())
}

fn move_into(namespace: &File) -> io::Result<()> {
    let network = Some(LinkNameSpaceType::Network);
    Ok(move_into_link_name_space(namespace.as_fd(), network)?)
}
