//! The protocol of Chrome's developer tools: JSON messages on two pipes, each ended by a zero byte. A command has a number and its answer has the same; whatever has
//! none is an event, and goes into the notebook of the page that it is about.

use std::collections::{HashMap, VecDeque};
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use serde::Deserialize;
use serde_json::{Value, json};
use tokio::io::{AsyncBufReadExt, AsyncWriteExt, BufReader};
use tokio::process::{ChildStderr, ChildStdin, ChildStdout};
use tokio::sync::{mpsc, oneshot};
use tokio::time::timeout;

use crate::chromium::Pipes;
use crate::error::BrowserError;
use crate::notebook::Notebook;

/// Longer than any answer takes, even on a busy machine.
pub(crate) const PATIENCE: Duration = Duration::from_secs(30);

/// The way to the browser, shared by its pages.
pub(crate) struct Wire {
    outgoing: mpsc::UnboundedSender<Vec<u8>>,
    next: AtomicU64,
    state: Shared,
}

/// An answer, or why there is none.
type Answer = Result<Value, String>;

type Shared = Arc<Mutex<State>>;

#[derive(Default)]
struct State {
    waiting: HashMap<u64, oneshot::Sender<Answer>>,
    notebooks: HashMap<String, Arc<Notebook>>,
    /// The last lines of its standard error.
    words: VecDeque<String>,
    ended: bool,
}

/// How much of its standard error is kept.
const LAST_LINES: usize = 20;

impl Wire {
    /// Begins to read and write; both go on until the browser ends.
    pub(crate) fn new(pipes: Pipes) -> Self {
        let (outgoing, commands) = mpsc::unbounded_channel();
        let state = Shared::default();
        tokio::spawn(write(commands, pipes.commands));
        let listening = tokio::spawn(listen(pipes.words, state.clone()));
        let reading = state.clone();
        tokio::spawn(async move {
            read(pipes.answers, &reading).await;
            // Its last words tell why it ended; a helper that still holds the pipe isn't waited for.
            let _ = timeout(Duration::from_secs(1), listening).await;
            let mut state = lock(&reading);
            state.ended = true;
            state.waiting.clear();
        });
        Self {
            outgoing,
            next: AtomicU64::new(1),
            state,
        }
    }

    /// Sends a command, to the browser itself or to a page's session, and waits for its answer.
    pub(crate) async fn call(
        &self,
        session: Option<&str>,
        method: &'static str,
        params: &Value,
    ) -> Result<Value, BrowserError> {
        let answer = self.send(session, method, params);
        match timeout(PATIENCE, answer).await {
            Ok(Ok(Ok(result))) => Ok(result),
            Ok(Ok(Err(message))) => Err(BrowserError::Refused { method, message }),
            Ok(Err(_)) => Err(BrowserError::Gone(self.last_words())),
            Err(_) => Err(BrowserError::Late {
                what: method.into(),
                after: PATIENCE,
            }),
        }
    }

    /// Sends a command; the answer may be dropped.
    pub(crate) fn send(
        &self,
        session: Option<&str>,
        method: &'static str,
        params: &Value,
    ) -> oneshot::Receiver<Answer> {
        let id = self.next.fetch_add(1, Ordering::Relaxed);
        let mut message = json!({ "id": id, "method": method, "params": params });
        if let Some(session) = session {
            message["sessionId"] = session.into();
        }
        let (sender, receiver) = oneshot::channel();
        let mut state = lock(&self.state);
        if !state.ended {
            state.waiting.insert(id, sender);
        }
        drop(state);
        let mut bytes = message.to_string().into_bytes();
        bytes.push(0);
        // If nobody takes it any more, the reader finds out and says so.
        let _ = self.outgoing.send(bytes);
        receiver
    }

    /// From now on events of this session are noted here.
    pub(crate) fn note(&self, session: &str, notebook: Arc<Notebook>) {
        lock(&self.state).notebooks.insert(session.into(), notebook);
    }

    /// Events of this session are of no interest any more.
    pub(crate) fn forget(&self, session: &str) {
        lock(&self.state).notebooks.remove(session);
    }

    fn last_words(&self) -> String {
        let state = lock(&self.state);
        let words: Vec<&str> = state.words.iter().map(String::as_str).collect();
        words.join("\n")
    }
}

/// What comes in: an answer has an id, an event a method.
#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Incoming {
    id: Option<u64>,
    #[serde(default)]
    result: Value,
    error: Option<Failure>,
    #[serde(default)]
    method: String,
    #[serde(default)]
    params: Value,
    session_id: Option<String>,
}

#[derive(Deserialize)]
struct Failure {
    message: String,
}

async fn read(answers: ChildStdout, state: &Shared) {
    let mut answers = BufReader::new(answers);
    let mut bytes = Vec::new();
    while answers.read_until(0, &mut bytes).await.is_ok() && bytes.pop() == Some(0) {
        if let Ok(message) = serde_json::from_slice(&bytes) {
            deliver(message, state);
        }
        bytes.clear();
    }
}

fn deliver(message: Incoming, state: &Shared) {
    let mut state = lock(state);
    if let Some(id) = message.id {
        let answer = match message.error {
            Some(failure) => Err(failure.message),
            None => Ok(message.result),
        };
        if let Some(waiting) = state.waiting.remove(&id) {
            let _ = waiting.send(answer);
        }
    } else if let Some(session) = message.session_id
        && let Some(notebook) = state.notebooks.get(&session).cloned()
    {
        drop(state);
        notebook.record(&message.method, &message.params);
    }
}

async fn write(mut commands: mpsc::UnboundedReceiver<Vec<u8>>, mut pipe: ChildStdin) {
    while let Some(command) = commands.recv().await {
        if pipe.write_all(&command).await.is_err() {
            break;
        }
    }
}

async fn listen(words: ChildStderr, state: Shared) {
    let mut lines = BufReader::new(words).lines();
    while let Ok(Some(line)) = lines.next_line().await {
        let words = &mut lock(&state).words;
        if words.len() == LAST_LINES {
            words.pop_front();
        }
        words.push_back(line);
    }
}

fn lock(state: &Shared) -> MutexGuard<'_, State> {
    state.lock().unwrap_or_else(PoisonError::into_inner)
}
