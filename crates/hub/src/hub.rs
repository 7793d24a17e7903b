//! The state machine: sessions and rooms, and what a command does to them.
//!
//! Pure: `now` is passed in, ids and tokens too; nothing here waits, reads or writes. Whoever drives it calls a method,
//! then looks at [`Hub::settle`] for the sessions that have something to take and those that have ended.

use std::sync::Arc;
use std::time::{Duration, Instant};

use hashbrown::HashMap;
use indexmap::IndexSet;
use slab::Slab;

use crate::event::Event;
use crate::wire::{Audience, Command, write_reply};
use crate::{BeyondSent, Limits, Mailbox, SessionId, Token};

/// A session's place in its [`Hub`]; another session may have it after the session has ended.
pub type Key = usize;

type Members = IndexSet<Key, foldhash::fast::RandomState>;

/// All sessions of a shard.
#[derive(Debug)]
pub struct Hub {
    limits: Limits,
    sessions: Slab<Member>,
    by_id: HashMap<SessionId, Key>,
    by_token: HashMap<Token, Key>,
    rooms: HashMap<Arc<str>, Members>,
    /// Sessions that overflowed, until when that is remembered.
    gone: HashMap<Token, Instant>,
    ready: Vec<Key>,
    ended: Vec<Key>,
}

#[derive(Debug)]
struct Member {
    id: SessionId,
    token: Token,
    mailbox: Mailbox,
    rooms: Vec<Arc<str>>,
    attached: bool,
    /// When it ends, unless it is attached.
    expires: Instant,
    /// When its allowance of commands is whole again (the theoretical arrival time of the generic cell rate algorithm, ITU-T I.371).
    allowance: Instant,
    /// Whether it stands in `ready`.
    ready: bool,
    /// Whether it stands in `ended`; its mailbox takes no more.
    overflowed: bool,
}

/// Why a token resumes nothing.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ResumeError {
    /// No session has it, or its retention window has passed.
    Unknown,
    /// The session ended by overflow.
    Gone,
}

/// Why a command was not carried out.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Outcome {
    /// It was.
    Done,
    /// The session is in as many rooms as it may be.
    TooManyRooms,
}

impl Hub {
    /// An empty hub.
    pub fn new(limits: Limits) -> Self {
        Self {
            limits,
            sessions: Slab::new(),
            by_id: HashMap::new(),
            by_token: HashMap::new(),
            rooms: HashMap::new(),
            gone: HashMap::new(),
            ready: Vec::new(),
            ended: Vec::new(),
        }
    }

    /// Opens a session without a connection; `None` when there are as many as there may be.
    pub fn open(&mut self, id: SessionId, token: Token, now: Instant) -> Option<Key> {
        if self.sessions.len() >= self.limits.max_sessions {
            return None;
        }
        let key = self.sessions.insert(Member {
            id,
            token,
            mailbox: Mailbox::default(),
            rooms: Vec::new(),
            attached: false,
            expires: now + self.limits.retention,
            allowance: now,
            ready: false,
            overflowed: false,
        });
        self.by_id.insert(id, key);
        self.by_token.insert(token, key);
        Some(key)
    }

    /// The session that has `token`.
    ///
    /// # Errors
    /// [`ResumeError`] says why there is none.
    pub fn find(&mut self, token: Token, now: Instant) -> Result<Key, ResumeError> {
        let Some(&key) = self.by_token.get(&token) else {
            return Err(if self.gone.contains_key(&token) {
                ResumeError::Gone
            } else {
                ResumeError::Unknown
            });
        };
        let member = &self.sessions[key];
        if !member.attached && member.expires <= now {
            self.close(key);
            return Err(ResumeError::Unknown);
        }
        Ok(key)
    }

    /// A connection (or a held poll) has the session: it doesn't expire.
    pub fn attach(&mut self, key: Key) {
        self.sessions[key].attached = true;
    }

    /// No connection has it any more: its retention window begins.
    pub fn detach(&mut self, key: Key, now: Instant) {
        let member = &mut self.sessions[key];
        member.attached = false;
        member.expires = now + self.limits.retention;
    }

    /// A sign of life without a connection: the retention window begins anew.
    pub fn touch(&mut self, key: Key, now: Instant) {
        self.sessions[key].expires = now + self.limits.retention;
    }

    /// The session tells its cursor, see [`Mailbox`]; `None` repeats the last one it told.
    ///
    /// # Errors
    /// [`BeyondSent`].
    pub fn rewind(&mut self, key: Key, received: Option<u64>) -> Result<(), BeyondSent> {
        self.sessions[key].mailbox.rewind(received)
    }

    /// The session wants nothing of what was sent to it so far: all of it counts as received.
    pub fn forget(&mut self, key: Key) {
        self.sessions[key].mailbox.forget();
    }

    /// Whether the session may give `commands` more commands now.
    #[must_use]
    pub fn admit(&mut self, key: Key, commands: usize, now: Instant) -> bool {
        let member = &mut self.sessions[key];
        let cost = Duration::from_secs(1)
            .mul_f64(commands as f64 / f64::from(self.limits.max_rate.max(1)));
        let whole = member.allowance.max(now) + cost;
        if whole.duration_since(now) > Duration::from_secs(1) {
            return false;
        }
        member.allowance = whole;
        true
    }

    /// Carries out a command. Replies go to `replies` as JSON, separated by commas, or into the session's own mailbox without it.
    pub fn apply(
        &mut self,
        key: Key,
        command: &Command<'_>,
        replies: Option<&mut Vec<u8>>,
    ) -> Outcome {
        match command {
            Command::Join { room } => return self.join(key, room),
            Command::Leave { room } => self.leave(key, room),
            Command::Emit { to, event, data } => {
                let from = self.sessions[key].id;
                self.post(from, to, &Event::new(event, from, data));
            }
            Command::Request { id, data } => match replies {
                Some(replies) => {
                    if replies.last() == Some(&b'}') {
                        replies.push(b',');
                    }
                    write_reply(replies, *id, data);
                }
                None => self.push(key, &Event::reply(*id, data)),
            },
            // Resuming and ending are the door's business, and the transport's: it doesn't pass them on.
            Command::Resume { .. } | Command::End => {}
        }
        Outcome::Done
    }

    /// Puts an event into the mailboxes of its audience; `from` may be a session of another hub.
    pub fn post(&mut self, from: SessionId, to: &Audience<'_>, event: &Arc<Event>) {
        let sender = self.by_id.get(&from).copied();
        match to {
            Audience::Everyone => self.post_all(None, event),
            Audience::Others => self.post_all(sender, event),
            Audience::Sender => {
                if let Some(key) = sender {
                    self.push(key, event);
                }
            }
            Audience::Session(id) => {
                if let Some(&key) = id
                    .parse()
                    .ok()
                    .and_then(|id: SessionId| self.by_id.get(&id))
                {
                    self.push(key, event);
                }
            }
            Audience::Room(room) => self.post_room(room, None, event),
            Audience::RoomOthers(room) => self.post_room(room, sender, event),
        }
    }

    /// The mailbox of a session.
    pub fn mailbox(&mut self, key: Key) -> &mut Mailbox {
        &mut self.sessions[key].mailbox
    }

    /// The public id of a session.
    pub fn id(&self, key: Key) -> SessionId {
        self.sessions[key].id
    }

    /// Ends a session for good.
    pub fn close(&mut self, key: Key) {
        let Some(member) = self.sessions.try_remove(key) else {
            return;
        };
        self.by_id.remove(&member.id);
        self.by_token.remove(&member.token);
        for room in &member.rooms {
            leave_room(&mut self.rooms, room, key);
        }
    }

    /// Ends the sessions whose retention window has passed, and forgets overflows as old; returns how many sessions ended.
    pub fn expire(&mut self, now: Instant) -> usize {
        let expired: Vec<Key> = self
            .sessions
            .iter()
            .filter(|(_, m)| !m.attached && m.expires <= now)
            .map(|(key, _)| key)
            .collect();
        for &key in &expired {
            self.close(key);
        }
        self.gone.retain(|_, until| *until > now);
        expired.len()
    }

    /// Notes until when the overflow of a session that [`settle`](Self::settle) reported is remembered.
    fn remember(&mut self, token: Token, now: Instant) {
        // Bounded like the sessions: beyond that, an overflow is told as an unknown token.
        if self.gone.len() < self.limits.max_sessions {
            self.gone.insert(token, now + self.limits.retention);
        }
    }

    /// What happened since the last call: the sessions that have something to take (in `ready`), and the keys of those that overflowed and
    /// are gone (in `ended`). Both lists are replaced.
    pub fn settle(&mut self, ready: &mut Vec<Key>, ended: &mut Vec<Key>, now: Instant) {
        ready.clear();
        ended.clear();
        for key in std::mem::take(&mut self.ended) {
            // It may have been closed since.
            if let Some(member) = self.sessions.get(key) {
                let token = member.token;
                self.close(key);
                self.remember(token, now);
                ended.push(key);
            }
        }
        std::mem::swap(&mut self.ready, ready);
        ready.retain(|&key| {
            self.sessions.get_mut(key).is_some_and(|member| {
                member.ready = false;
                true
            })
        });
    }

    /// Sessions open, with or without a connection.
    pub fn len(&self) -> usize {
        self.sessions.len()
    }

    /// Whether no session is open.
    pub fn is_empty(&self) -> bool {
        self.sessions.is_empty()
    }

    /// Rooms that somebody is in.
    pub fn rooms(&self) -> usize {
        self.rooms.len()
    }

    fn join(&mut self, key: Key, room: &str) -> Outcome {
        let member = &mut self.sessions[key];
        if member.rooms.iter().any(|joined| **joined == *room) {
            return Outcome::Done;
        }
        if member.rooms.len() >= self.limits.max_rooms {
            return Outcome::TooManyRooms;
        }
        let name = self
            .rooms
            .get_key_value(room)
            .map_or_else(|| Arc::from(room), |(name, _)| Arc::clone(name));
        member.rooms.push(Arc::clone(&name));
        self.rooms.entry(name).or_default().insert(key);
        Outcome::Done
    }

    fn leave(&mut self, key: Key, room: &str) {
        let rooms = &mut self.sessions[key].rooms;
        if let Some(at) = rooms.iter().position(|joined| **joined == *room) {
            rooms.swap_remove(at);
            leave_room(&mut self.rooms, room, key);
        }
    }

    fn push(&mut self, key: Key, event: &Arc<Event>) {
        deliver(
            &mut self.sessions[key],
            key,
            event,
            &self.limits,
            &mut self.ready,
            &mut self.ended,
        );
    }

    fn post_all(&mut self, but: Option<Key>, event: &Arc<Event>) {
        for (key, member) in &mut self.sessions {
            if Some(key) != but {
                deliver(
                    member,
                    key,
                    event,
                    &self.limits,
                    &mut self.ready,
                    &mut self.ended,
                );
            }
        }
    }

    fn post_room(&mut self, room: &str, but: Option<Key>, event: &Arc<Event>) {
        let Some(members) = self.rooms.get(room) else {
            return;
        };
        for &key in members {
            if Some(key) != but {
                deliver(
                    &mut self.sessions[key],
                    key,
                    event,
                    &self.limits,
                    &mut self.ready,
                    &mut self.ended,
                );
            }
        }
    }
}

/// Puts an event into one mailbox. A free function, so that the caller may be in the middle of another field of the hub.
fn deliver(
    member: &mut Member,
    key: Key,
    event: &Arc<Event>,
    limits: &Limits,
    ready: &mut Vec<Key>,
    ended: &mut Vec<Key>,
) {
    if member.overflowed {
        return;
    }
    if member.mailbox.push(event, limits).is_err() {
        member.overflowed = true;
        ended.push(key);
    } else if !member.ready {
        member.ready = true;
        ready.push(key);
    }
}

fn leave_room(rooms: &mut HashMap<Arc<str>, Members>, room: &str, key: Key) {
    if let Some(members) = rooms.get_mut(room) {
        members.swap_remove(&key);
        if members.is_empty() {
            rooms.remove(room);
        }
    }
}
