//! The server of the probe: a thread that answers each frame when its law says so, to the microsecond.
//!
//! Time is kept virtually: when an answer is due follows from when its frame came and from the law, not from when the thread got
//! round to it. The thread sleeps until shortly before the next answer and then spins, reading what comes meanwhile.

use std::collections::VecDeque;
use std::io::{self, ErrorKind, Read, Write};
use std::net::{TcpListener, TcpStream};
use std::os::fd::OwnedFd;
use std::sync::Arc;
use std::thread::{self, JoinHandle};

use measure::{PauseMonitor, Pauses, now};
use rustix::buffer::spare_capacity;
use rustix::event::epoll::{self, CreateFlags, Event, EventData, EventFlags};
use rustix::event::{EventfdFlags, Timespec, eventfd};
use rustix::io::Errno;
use rustix::time::{
    Itimerspec, TimerfdClockId, TimerfdFlags, TimerfdTimerFlags, timerfd_create, timerfd_settime,
};

use super::{Frame, SCHEME};
use crate::command::selftest::law::Service;
use crate::command::selftest::waits::Task;
use crate::cpus;

/// The thread wakes this much before an answer is due, nanoseconds: more than an idle CPU takes to wake. It has that CPU to itself.
const SPIN: u64 = 500_000;

/// What `epoll` calls the files that are no connections.
const LISTENER: u64 = u64::MAX;
const END: u64 = u64::MAX - 1;
const TIMER: u64 = u64::MAX - 2;

/// How long the server takes.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) enum Behaviour {
    /// Each answer is due so many nanoseconds after its frame came: as many servers as there are frames.
    Delay(u64),
    /// One server and a queue: first come, first served. The service of a frame is that of the customer with its id as a number, and
    /// none for the id by which the generator confirms that a session stands.
    Queue(Service),
}

/// A running server. Dropping it ends it.
#[derive(Debug)]
pub(crate) struct ProbeServer {
    url: String,
    end: Arc<OwnedFd>,
    /// Watches the CPUs of the thread.
    monitor: PauseMonitor,
    task: Task,
    thread: Option<JoinHandle<()>>,
}

impl ProbeServer {
    /// Starts it on these CPUs; anywhere if there are none.
    ///
    /// # Errors
    /// No socket, file or thread is to be had, or a CPU may not be used.
    pub(crate) fn start(behaviour: Behaviour, cpus: &[u32]) -> io::Result<Self> {
        let listener = TcpListener::bind("127.0.0.1:0")?;
        listener.set_nonblocking(true)?;
        let url = format!("{SCHEME}{}", listener.local_addr()?);
        let end = Arc::new(eventfd(0, EventfdFlags::CLOEXEC | EventfdFlags::NONBLOCK)?);
        let poller = epoll::create(CreateFlags::CLOEXEC)?;
        // The time-out of `epoll_wait` counts in milliseconds.
        let flags = TimerfdFlags::CLOEXEC | TimerfdFlags::NONBLOCK;
        let timer = timerfd_create(TimerfdClockId::Monotonic, flags)?;
        let watch = |data| EventData::new_u64(data);
        epoll::add(&poller, &listener, watch(LISTENER), EventFlags::IN)?;
        epoll::add(&poller, &end, watch(END), EventFlags::IN)?;
        epoll::add(&poller, &timer, watch(TIMER), EventFlags::IN)?;
        let worker = Worker {
            behaviour,
            listener,
            poller,
            timer,
            alarm: 0,
            connections: Vec::new(),
            due: VecDeque::new(),
            free: 0,
        };
        let cpus = cpus.to_vec();
        let (started, is_started) = std::sync::mpsc::channel();
        let run = move || {
            let pins = if cpus.is_empty() {
                Ok(())
            } else {
                cpus::pin(&cpus)
            };
            let monitor = pins.and_then(|()| PauseMonitor::start());
            let go = monitor.is_ok();
            // Whoever started it waits for this.
            let _ = started.send(monitor.map(|monitor| (monitor, Task::this_thread())));
            if go {
                worker.run();
            }
        };
        let thread = thread::Builder::new().name("probe".into()).spawn(run)?;
        let (monitor, task) = is_started.recv().map_err(io::Error::other)??;
        Ok(Self {
            url,
            end,
            monitor,
            task,
            thread: Some(thread),
        })
    }

    /// The measured part begins.
    pub(crate) fn forget_pauses(&self) {
        self.monitor.reset(measure::now());
    }

    /// When its CPUs were taken from it, since then.
    pub(crate) fn pauses(&self) -> Pauses {
        self.monitor.read(measure::now())
    }

    /// The thread, for who asks how long it waited.
    pub(crate) fn task(&self) -> Task {
        self.task
    }

    /// What its clients connect to.
    pub(crate) fn url(&self) -> &str {
        &self.url
    }
}

impl Drop for ProbeServer {
    fn drop(&mut self) {
        // The counter can't be full, having been 0.
        let _ = rustix::io::write(&self.end, &1_u64.to_ne_bytes());
        if let Some(thread) = self.thread.take() {
            // If it panicked, the connections broke, which the measurement says.
            let _ = thread.join();
        }
    }
}

struct Worker {
    behaviour: Behaviour,
    listener: TcpListener,
    poller: OwnedFd,
    timer: OwnedFd,
    /// For when the timer is set; 0 if it isn't.
    alarm: u64,
    /// By the number under which they are polled; none once they are closed.
    connections: Vec<Option<Connection>>,
    /// In order: both laws answer in the order in which frames come.
    due: VecDeque<Answer>,
    /// When the queue's server is free.
    free: u64,
}

struct Connection {
    stream: TcpStream,
    input: Vec<u8>,
}

struct Answer {
    at: u64,
    connection: usize,
    frame: Vec<u8>,
}

impl Worker {
    /// Serves until it is told to end; if it can't go on, the connections break.
    fn run(mut self) {
        const NOW: Timespec = Timespec {
            tv_sec: 0,
            tv_nsec: 0,
        };
        let mut events: Vec<Event> = Vec::with_capacity(64);
        loop {
            self.answer();
            let wake = self.due.front().map_or(0, |answer| answer.at - SPIN);
            let spin = wake > 0 && wake <= now();
            if !spin && self.set_timer(wake).is_err() {
                return;
            }
            events.clear();
            let timeout = spin.then_some(&NOW);
            match epoll::wait(&self.poller, spare_capacity(&mut events), timeout) {
                Ok(_) | Err(Errno::INTR) => {}
                Err(_) => return,
            }
            for event in &events {
                match event.data.u64() {
                    END => return,
                    LISTENER => self.accept(),
                    // It stays ready until it is set anew: the spin it is for doesn't wait anyway.
                    TIMER => {}
                    connection => self.read(connection as usize),
                }
            }
        }
    }

    /// Wakes the thread at `at`, in nanoseconds of [`now`]; never for 0.
    fn set_timer(&mut self, at: u64) -> io::Result<()> {
        if self.alarm == at {
            return Ok(());
        }
        let time = |at: u64| Timespec {
            tv_sec: (at / 1_000_000_000).cast_signed(),
            tv_nsec: (at % 1_000_000_000).cast_signed(),
        };
        let once = Itimerspec {
            it_interval: time(0),
            it_value: time(at),
        };
        timerfd_settime(&self.timer, TimerfdTimerFlags::ABSTIME, &once)?;
        self.alarm = at;
        Ok(())
    }

    /// Answers what is due.
    fn answer(&mut self) {
        while self.due.front().is_some_and(|answer| answer.at <= now()) {
            let Some(answer) = self.due.pop_front() else {
                return;
            };
            let place = &mut self.connections[answer.connection];
            // The lab's clients read; what can't be written at once is a broken connection.
            if let Some(connection) = place
                && connection.stream.write_all(&answer.frame).is_err()
            {
                *place = None;
            }
        }
    }

    fn accept(&mut self) {
        // A connection that is gone before it was accepted is nobody's.
        while let Ok((stream, _)) = self.listener.accept() {
            let number = EventData::new_u64(self.connections.len() as u64);
            let ready = stream.set_nonblocking(true).is_ok()
                && stream.set_nodelay(true).is_ok()
                && epoll::add(&self.poller, &stream, number, EventFlags::IN).is_ok();
            let input = Vec::new();
            self.connections
                .push(ready.then_some(Connection { stream, input }));
        }
    }

    fn read(&mut self, number: usize) {
        let place = &mut self.connections[number];
        let Some(connection) = place else { return };
        let mut space = [0; 1 << 14];
        let read = connection.stream.read(&mut space);
        let came = now();
        let went_on = match read {
            Ok(count @ 1..) => {
                connection.input.extend_from_slice(&space[..count]);
                self.take(number, came).is_ok()
            }
            Err(error) => matches!(error.kind(), ErrorKind::WouldBlock | ErrorKind::Interrupted),
            Ok(0) => false,
        };
        if !went_on {
            self.connections[number] = None;
        }
    }

    /// Says when the frames that came at `came` are answered.
    fn take(&mut self, number: usize, came: u64) -> io::Result<()> {
        let Some(connection) = &mut self.connections[number] else {
            return Ok(());
        };
        let mut taken = 0;
        while let Some(frame) = Frame::first(&connection.input[taken..])? {
            let at = match self.behaviour {
                Behaviour::Delay(delay) => came + delay,
                Behaviour::Queue(service) if frame.id < NO_CUSTOMER => {
                    self.free = self.free.max(came) + service.of(frame.id);
                    self.free
                }
                Behaviour::Queue(_) => self.free.max(came),
            };
            self.due.push_back(Answer {
                at,
                connection: number,
                frame: frame.whole.to_vec(),
            });
            taken += frame.whole.len();
        }
        connection.input.drain(..taken);
        Ok(())
    }
}

/// Customers are counted from 0; an id from here on is no number of one.
const NO_CUSTOMER: u64 = 1 << 32;
