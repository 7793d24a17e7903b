//! Ctrl-C and SIGTERM: the first asks to stop, the second ends the process at once.

use std::io;
use std::process;
use std::thread;

use tokio::runtime;
use tokio::signal::unix::{Signal, SignalKind, signal};
use tokio::sync::watch;

/// Whether to stop.
#[derive(Clone, Debug)]
pub(crate) struct Stop(watch::Sender<bool>);

impl Stop {
    /// Listens from now on, on a thread of its own: the generator's thread may be busy spinning.
    ///
    /// # Errors
    /// The thread or the handlers can't be set up.
    pub(crate) fn listen() -> io::Result<Self> {
        let sender = watch::Sender::new(false);
        let stop = Self(sender.clone());
        let runtime = runtime::Builder::new_current_thread().enable_io().build()?;
        let mut signals = {
            let _context = runtime.enter();
            Signals::new()?
        };
        thread::Builder::new()
            .name("signals".into())
            .stack_size(128 << 10)
            .spawn(move || {
                runtime.block_on(async {
                    signals.next().await;
                    sender.send_replace(true);
                    let code = signals.next().await;
                    process::exit(code);
                });
            })?;
        Ok(stop)
    }

    /// Stops as a first signal would.
    pub(crate) fn ask(&self) {
        self.0.send_replace(true);
    }

    /// Whether the first signal has come.
    pub(crate) fn is_asked(&self) -> bool {
        *self.0.borrow()
    }

    /// The same for those who wait for it in their own way.
    pub(crate) fn watch(&self) -> watch::Receiver<bool> {
        self.0.subscribe()
    }

    /// Waits for the first signal.
    pub(crate) async fn asked(&self) {
        // An error would mean that the sender is gone, which is here.
        let _ = self.0.subscribe().wait_for(|asked| *asked).await;
    }
}

/// The signals that end a process politely.
struct Signals {
    interrupt: Signal,
    terminate: Signal,
    hang_up: Signal,
}

impl Signals {
    fn new() -> io::Result<Self> {
        Ok(Self {
            interrupt: signal(SignalKind::interrupt())?,
            terminate: signal(SignalKind::terminate())?,
            hang_up: signal(SignalKind::hangup())?,
        })
    }

    /// Waits for the next one; the exit code that a shell would give it.
    async fn next(&mut self) -> i32 {
        tokio::select! {
            _ = self.interrupt.recv() => 130,
            _ = self.terminate.recv() => 143,
            _ = self.hang_up.recv() => 129,
        }
    }
}
