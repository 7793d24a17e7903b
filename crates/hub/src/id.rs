//! Who a session is: a public id to address it by, and a secret token to act as it.

use std::fmt;
use std::str::FromStr;

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;

/// The public name of a session: 128 random bits, 22 characters of base64url (RFC 4648 section 5) on the wire.
///
/// Knowing an id lets one address private messages to the session and gives no other right.
#[derive(Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct SessionId([u8; 16]);

/// The secret of a session: 144 random bits, 24 characters of base64url. It authenticates polls, commands and resumes.
///
/// The first two bytes also tell which shard the session lives in; at least 128 bits stay random.
#[derive(Clone, Copy, PartialEq, Eq, Hash)]
pub struct Token([u8; 18]);

impl SessionId {
    /// Characters of the wire form.
    pub(crate) const TEXT: usize = 22;

    /// An id from bytes that must be unpredictable.
    pub fn from_bytes(bytes: [u8; 16]) -> Self {
        Self(bytes)
    }

    /// Appends the 22 characters of the wire form.
    pub(crate) fn write(&self, out: &mut Vec<u8>) {
        let mut text = [0; Self::TEXT];
        encode(&self.0, &mut text);
        out.extend_from_slice(&text);
    }
}

impl Token {
    /// A token from bytes that must be unpredictable.
    pub fn from_bytes(bytes: [u8; 18]) -> Self {
        Self(bytes)
    }

    /// The shard of `shards` that this token belongs to.
    pub(crate) fn shard(&self, shards: usize) -> usize {
        usize::from(u16::from_be_bytes([self.0[0], self.0[1]])) % shards
    }

    /// A fresh token that belongs to `shard` of `shards`.
    pub(crate) fn random(shard: usize, shards: usize) -> Self {
        let mut bytes: [u8; 18] = random();
        let drawn = usize::from(u16::from_be_bytes([bytes[0], bytes[1]]));
        // The largest multiple of `shards` that leaves room for `shard` keeps the result within 16 bits.
        let block = drawn % (usize::from(u16::MAX) / shards);
        let tagged = u16::try_from(block * shards + shard).unwrap_or(u16::MAX);
        bytes[..2].copy_from_slice(&tagged.to_be_bytes());
        Self(bytes)
    }
}

impl SessionId {
    /// A fresh id.
    pub(crate) fn random() -> Self {
        Self(random())
    }
}

/// Bytes from the operating system's generator. Without one nothing here is safe, so that is not a recoverable error.
fn random<const N: usize>() -> [u8; N] {
    let mut bytes = [0; N];
    getrandom::fill(&mut bytes).expect("the operating system provides random bytes");
    bytes
}

fn encode(bytes: &[u8], text: &mut [u8]) {
    // The array lengths fix the encoded length: 4 characters for 3 bytes, rounded up.
    let written = URL_SAFE_NO_PAD.encode_slice(bytes, text);
    debug_assert_eq!(written, Ok(text.len()));
}

/// What a text was that is no id or token.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("not an id: {expected} characters of base64url were expected")]
pub struct NotAnId {
    expected: usize,
}

fn decode<const N: usize>(text: &str, expected: usize) -> Result<[u8; N], NotAnId> {
    let mut bytes = [0; N];
    if text.len() != expected {
        return Err(NotAnId { expected });
    }
    match URL_SAFE_NO_PAD.decode_slice(text, &mut bytes) {
        Ok(n) if n == N => Ok(bytes),
        _ => Err(NotAnId { expected }),
    }
}

impl FromStr for SessionId {
    type Err = NotAnId;
    fn from_str(text: &str) -> Result<Self, NotAnId> {
        decode(text, 22).map(Self)
    }
}

impl FromStr for Token {
    type Err = NotAnId;
    fn from_str(text: &str) -> Result<Self, NotAnId> {
        decode(text, 24).map(Self)
    }
}

impl fmt::Display for SessionId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&URL_SAFE_NO_PAD.encode(self.0))
    }
}

impl fmt::Display for Token {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&URL_SAFE_NO_PAD.encode(self.0))
    }
}

impl fmt::Debug for SessionId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "SessionId({self})")
    }
}

/// A secret must not reach a log by accident.
impl fmt::Debug for Token {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Token(…)")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ids_and_tokens_survive_the_wire() {
        let id = SessionId::random();
        assert_eq!(id.to_string().len(), 22);
        assert_eq!(id.to_string().parse(), Ok(id));
        for shards in [1, 2, 3, 7, 64] {
            for shard in 0..shards {
                let token = Token::random(shard, shards);
                assert_eq!(token.shard(shards), shard);
                assert_eq!(token.to_string().parse(), Ok(token));
            }
        }
    }

    #[test]
    fn other_texts_are_refused_and_secrets_are_not_shown() {
        for text in [
            "",
            "a",
            "!!!!!!!!!!!!!!!!!!!!!!",
            "ééééééééééé",
            &"A".repeat(23),
        ] {
            assert!(text.parse::<SessionId>().is_err(), "{text:?}");
            assert!(text.parse::<Token>().is_err(), "{text:?}");
        }
        assert!(!format!("{:?}", Token::random(0, 1)).contains(&Token::random(0, 1).to_string()));
    }
}
