//! Messages out of bytes, in whatever pieces they come.
//!
//! tungstenite does this too, and more conveniently; the tests hold this reader against it. What it can't do is read
//! from a buffer that it doesn't own: each connection of it keeps one, fills it with zeros before each read, and cuts each message out of it
//! behind a reference count. Here, a message that arrives whole is unmasked where it lies, in a buffer that all connections of a thread share,
//! and handed out as a slice of that. A connection owns memory only while a message is under way.

use std::borrow::Cow;

use super::frame::{Header, MAX_HEADER, Opcode, Role, Violation, mask, may_be_sent};

/// Reads one connection's frames.
#[derive(Debug)]
pub struct Reader {
    role: Role,
    /// Most bytes of a message.
    limit: usize,
    /// What the last bytes left unfinished.
    partial: Option<Box<Partial>>,
}

/// Bytes from a peer that a reader takes messages off the front of.
#[derive(Debug)]
pub struct Input<'a>(&'a mut [u8]);

/// What a reader hands out.
#[derive(Debug, PartialEq, Eq)]
pub enum Item<'a> {
    /// A whole text message. It is UTF-8.
    Text(Cow<'a, [u8]>),
    /// A whole binary message.
    Binary(Cow<'a, [u8]>),
    /// A ping, to be answered with a pong of the same payload.
    Ping(Cow<'a, [u8]>),
    /// A pong.
    Pong,
    /// The peer closes, with a code and a reason unless it says none. Nothing comes after it.
    Close(Option<(u16, String)>),
}

/// A header, a frame or a message that isn't whole yet.
#[derive(Debug, Default)]
struct Partial {
    /// The start of a header, while no frame is under way.
    header: [u8; MAX_HEADER],
    header_size: usize,
    /// The frame under way; `length` is what is missing, and `key` is turned to fit its first byte.
    frame: Option<Header>,
    /// The payload so far of a control frame, which may come between the frames of a message.
    control: Vec<u8>,
    /// What the message under way is: text or binary.
    message: Option<Opcode>,
    /// The message so far.
    payload: Vec<u8>,
    /// How many bytes of a text are known to be UTF-8; at most three more may be the start of a character.
    checked: usize,
}

impl Reader {
    /// A reader for the end `role` of a connection that takes messages of at most `limit` bytes.
    pub fn new(role: Role, limit: usize) -> Self {
        Self {
            role,
            limit,
            partial: None,
        }
    }

    /// Takes the next message or control frame off the front of `input`; `None` when `input` is used up. What is left of a frame
    /// is kept here until its rest comes.
    ///
    /// # Errors
    /// What the peer did wrong; the reader is of no further use then.
    #[inline]
    pub fn next<'a>(&mut self, input: &mut Input<'a>) -> Result<Option<Item<'a>>, Violation> {
        if self.partial.is_none() {
            let Some(header) = Header::parse(input.0, self.role)? else {
                return self.next_slow(input);
            };
            let length = usize::try_from(header.length).unwrap_or(usize::MAX);
            let is_whole = input.0.len() - header.size >= length;
            let stands_alone = header.is_final && header.opcode != Opcode::Continuation;
            if is_whole && stands_alone && length <= self.limit {
                let payload = &mut input.take(header.size + length)[header.size..];
                let is_ascii = self.role == Role::Server && mask(payload, header.key);
                let payload: &'a [u8] = payload;
                if header.opcode == Opcode::Text {
                    if !is_ascii {
                        str::from_utf8(payload).map_err(|_| Violation::Utf8)?;
                    }
                    return Ok(Some(Item::Text(Cow::Borrowed(payload))));
                }
                return item(header.opcode, Cow::Borrowed(payload)).map(Some);
            }
        }
        self.next_slow(input)
    }

    /// The same for anything that isn't an unfragmented frame in one piece.
    #[cold]
    fn next_slow<'a>(&mut self, input: &mut Input<'a>) -> Result<Option<Item<'a>>, Violation> {
        while !input.0.is_empty() {
            let partial = self.partial.get_or_insert_default();
            let Some(frame) = &mut partial.frame else {
                partial.take_header(input, self.role, self.limit)?;
                // A frame without payload is whole with its header.
                if partial.frame.is_some_and(|frame| frame.length == 0)
                    && let Some(item) = self.finish_frame()?
                {
                    return Ok(Some(item));
                }
                continue;
            };
            let present = frame.length.min(input.0.len() as u64) as usize;
            let piece = input.take(present);
            mask(piece, frame.key);
            frame.key.rotate_left(present % 4);
            frame.length -= present as u64;
            let is_whole = frame.length == 0;
            if frame.opcode.is_control() {
                partial.control.extend_from_slice(piece);
            } else {
                partial.payload.extend_from_slice(piece);
                if partial.message == Some(Opcode::Text) {
                    partial.check_text()?;
                }
            }
            if is_whole && let Some(item) = self.finish_frame()? {
                return Ok(Some(item));
            }
        }
        Ok(None)
    }

    /// The frame under way is whole.
    fn finish_frame<'a>(&mut self) -> Result<Option<Item<'a>>, Violation> {
        let Some(partial) = &mut self.partial else {
            return Ok(None);
        };
        let Some(frame) = partial.frame.take() else {
            return Ok(None);
        };
        let item = if frame.opcode.is_control() {
            let payload = std::mem::take(&mut partial.control);
            item(frame.opcode, Cow::Owned(payload)).map(Some)
        } else if frame.is_final
            && let Some(message) = partial.message.take()
        {
            let payload = std::mem::take(&mut partial.payload);
            if message == Opcode::Text && partial.checked < payload.len() {
                return Err(Violation::Utf8);
            }
            partial.checked = 0;
            item(message, Cow::Owned(payload)).map(Some)
        } else {
            Ok(None)
        };
        if partial.message.is_none() {
            self.partial = None;
        }
        item
    }
}

impl<'a> Input<'a> {
    /// Everything in `bytes`.
    pub fn new(bytes: &'a mut [u8]) -> Self {
        Self(bytes)
    }

    /// What is left.
    pub fn rest(&self) -> &[u8] {
        self.0
    }

    #[inline]
    fn take(&mut self, size: usize) -> &'a mut [u8] {
        let (taken, rest) = std::mem::take(&mut self.0).split_at_mut(size);
        self.0 = rest;
        taken
    }
}

impl Partial {
    /// Takes a header byte by byte, and begins its frame once it is whole.
    fn take_header(
        &mut self,
        input: &mut Input<'_>,
        role: Role,
        limit: usize,
    ) -> Result<(), Violation> {
        while !input.0.is_empty() {
            self.header[self.header_size] = input.take(1)[0];
            self.header_size += 1;
            if let Some(header) = Header::parse(&self.header[..self.header_size], role)? {
                self.header_size = 0;
                return self.begin_frame(header, limit);
            }
        }
        Ok(())
    }

    fn begin_frame(&mut self, header: Header, limit: usize) -> Result<(), Violation> {
        if !header.opcode.is_control() {
            match (header.opcode, self.message) {
                (Opcode::Continuation, None) => return Err(Violation::NothingToContinue),
                (Opcode::Continuation, Some(_)) => {}
                (_, Some(_)) => return Err(Violation::Interrupted),
                (opcode, None) => self.message = Some(opcode),
            }
            if header.length > (limit - self.payload.len()) as u64 {
                return Err(Violation::TooLarge(limit));
            }
        }
        self.frame = Some(header);
        Ok(())
    }

    /// Refuses a text as soon as it can't become UTF-8 any more.
    fn check_text(&mut self) -> Result<(), Violation> {
        match str::from_utf8(&self.payload[self.checked..]) {
            Ok(_) => self.checked = self.payload.len(),
            Err(error) if error.error_len().is_none() => self.checked += error.valid_up_to(),
            Err(_) => return Err(Violation::Utf8),
        }
        Ok(())
    }
}

fn item(opcode: Opcode, payload: Cow<'_, [u8]>) -> Result<Item<'_>, Violation> {
    Ok(match opcode {
        Opcode::Text => Item::Text(payload),
        Opcode::Binary | Opcode::Continuation => Item::Binary(payload),
        Opcode::Ping => Item::Ping(payload),
        Opcode::Pong => Item::Pong,
        Opcode::Close => Item::Close(close(&payload)?),
    })
}

fn close(payload: &[u8]) -> Result<Option<(u16, String)>, Violation> {
    let Some((&code, reason)) = payload.split_first_chunk() else {
        return if payload.is_empty() {
            Ok(None)
        } else {
            Err(Violation::ClosePayload)
        };
    };
    let code = u16::from_be_bytes(code);
    if !may_be_sent(code) {
        return Err(Violation::CloseCode(code));
    }
    let reason = str::from_utf8(reason).map_err(|_| Violation::Utf8)?;
    Ok(Some((code, reason.to_owned())))
}

#[cfg(test)]
mod tests;
