//! The commands of a session, as the acknowledged events that they are here.

use std::sync::Arc;

use hub::{Command, Refused};

use super::connection::Connection;
use super::intake::refusal;
use crate::native;
use crate::packet::{Kind, begin};

/// Commands that came together, carried out together as far as their order allows.
pub(super) struct Commands<'a, 'c> {
    connection: &'c Arc<Connection>,
    gathered: Vec<Command<'a>>,
    /// Which of them asked for an answer, and by which id.
    answers: Vec<Option<u64>>,
}

impl<'a, 'c> Commands<'a, 'c> {
    pub(super) fn new(connection: &'c Arc<Connection>) -> Self {
        Self {
            connection,
            gathered: Vec::new(),
            answers: Vec::new(),
        }
    }

    pub(super) fn connection(&self) -> &'c Arc<Connection> {
        self.connection
    }

    /// A command, and the id of the answer that it asks for.
    pub(super) fn take(&mut self, command: Command<'a>, answer: Option<u64>) {
        if length(&command) > self.connection.terms.max_message {
            self.refuse(
                answer,
                "too-large",
                "a message has more bytes than this server takes; see --max-message",
            );
            return;
        }
        // Only a join can be refused alone, so that one is carried out alone.
        let is_join = matches!(command, Command::Join { .. });
        if is_join {
            self.carry_out();
        }
        self.gathered.push(command);
        self.answers.push(answer);
        if is_join {
            self.carry_out();
        }
    }

    /// What came was no command, or is one too many.
    pub(super) fn refuse(&mut self, answer: Option<u64>, code: &str, message: &str) {
        self.carry_out();
        self.tell(answer, code, message);
    }

    /// Carries out what was gathered, and answers.
    pub(super) fn carry_out(&mut self) {
        if self.gathered.is_empty() {
            return;
        }
        let Some(session) = self.connection.session() else {
            // It left, or the server told it to.
            self.gathered.clear();
            self.answers.clear();
            return;
        };
        // The replies are answers here, written below from the commands themselves.
        let mut replies = Vec::new();
        match session.answer(&self.gathered, &mut replies) {
            Ok(()) => self.answer(),
            Err(refused @ (Refused::TooFast | Refused::TooManyRooms)) => {
                let message = refused.to_string();
                let mut is_told = false;
                for answer in std::mem::take(&mut self.answers) {
                    // Those that asked for no answer are told once.
                    if answer.is_some() || !std::mem::replace(&mut is_told, true) {
                        self.tell(answer, refused.code(), &message);
                    }
                }
            }
            Err(refused) => self.connection.end(refused),
        }
        self.gathered.clear();
        self.answers.clear();
    }

    fn answer(&self) {
        for (command, answer) in self.gathered.iter().zip(&self.answers) {
            let Some(id) = *answer else { continue };
            let data = match command {
                Command::Request { data, .. } => data,
                _ => DONE,
            };
            let mut out = Vec::with_capacity(data.len() + 24);
            begin(&mut out, Kind::Ack, 0, "/", Some(id));
            out.push(b'[');
            out.extend_from_slice(data.as_bytes());
            out.push(b']');
            self.connection.push(native::text(out));
        }
    }

    fn tell(&self, answer: Option<u64>, code: &str, message: &str) {
        self.connection.push(match answer {
            Some(id) => refusal(id, code, message),
            None => native::error(native::ERROR, code, message),
        });
    }
}

/// The answer to a command that has no data to answer with.
const DONE: &str = r#"{"op":"ok"}"#;

/// How many bytes the command has in the wire protocol's own JSON, so that the limit means the same on every transport.
fn length(command: &Command<'_>) -> usize {
    match command {
        Command::Request { id, data } => {
            br#"{"op":"request","id":,"data":}"#.len()
                + itoa::Buffer::new().format(*id).len()
                + data.len()
        }
        Command::Emit { event, data, .. } => {
            br#"{"op":"emit","to":"others","event":"","data":}"#.len() + event.len() + data.len()
        }
        _ => 0,
    }
}
