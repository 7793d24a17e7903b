//! What `GET /events` asks for, in its target and in `Last-Event-ID`.

use std::time::Duration;

use hyper::header::HeaderMap;

use super::session::{Form, MAX_WAIT};

/// The parameters of `GET /events`.
#[derive(Debug, Default, Clone, Copy, PartialEq)]
pub(super) struct Query<'a> {
    pub(super) after: Option<After>,
    pub(super) wait: Option<Duration>,
    /// For pages of other origins: an `EventSource` has no headers of one's own, and a poll with one costs a preflight for each new cursor, since a
    /// browser keeps their answers by the whole URL (Fetch, "CORS-preflight cache").
    pub(super) token: Option<&'a str>,
}

/// What a poll has received already.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(super) enum After {
    /// So many messages.
    Cursor(u64),
    /// Whatever there was: our extension, for showing what a client without a cursor loses between two polls. A server that answers at once
    /// could never answer such a poll with anything, so it refuses it, and a stream has no gaps between polls.
    Now,
}

impl<'a> Query<'a> {
    /// Parses strictly: what is unknown or there twice is refused.
    pub(super) fn parse(query: &'a str, form: Form) -> Result<Self, &'static str> {
        let mut parsed = Self::default();
        if query.is_empty() {
            return Ok(parsed);
        }
        let waits = form == Form::Held;
        for pair in query.split('&') {
            match pair.split_once('=') {
                Some(("after", _)) if parsed.after.is_some() => {
                    return Err("`after` is there twice");
                }
                Some(("after", "now")) if waits => parsed.after = Some(After::Now),
                Some(("after", "now")) => {
                    return Err("`after=now` is for polls that are held; this server holds none");
                }
                Some(("after", value)) => {
                    let received = number(value).ok_or("`after` is a count of messages")?;
                    parsed.after = Some(After::Cursor(received));
                }
                Some(("wait", _)) if waits && parsed.wait.is_some() => {
                    return Err("`wait` is there twice");
                }
                Some(("wait", value)) if waits => {
                    parsed.wait = Some(seconds(value).ok_or("`wait` is a number of seconds")?);
                }
                Some(("token", _)) if parsed.token.is_some() => {
                    return Err("`token` is there twice");
                }
                Some(("token", value)) => parsed.token = Some(value),
                _ => {
                    return Err(match form {
                        Form::AtOnce | Form::Stream => "only `after` and `token` are known here",
                        Form::Held => "only `after`, `wait` and `token` are known here",
                    });
                }
            }
        }
        Ok(parsed)
    }
}

/// What the client of a stream has received, as `Last-Event-ID` tells it (HTML section 9.2.4).
pub(super) fn last_event_id(headers: &HeaderMap) -> Result<Option<u64>, &'static str> {
    const MALFORMED: &str = "`Last-Event-ID` is a count of messages";
    let mut values = headers.get_all("last-event-id").iter();
    let Some(value) = values.next() else {
        return Ok(None);
    };
    if values.next().is_some() {
        return Err("`Last-Event-ID` is there twice");
    }
    let received = value.to_str().ok().and_then(number);
    received.map(Some).ok_or(MALFORMED)
}

/// Digits alone; `parse` would take a sign.
fn number(text: &str) -> Option<u64> {
    text.bytes()
        .all(|byte| byte.is_ascii_digit())
        .then(|| text.parse().ok())?
}

/// A decimal number of seconds, at most [`MAX_WAIT`].
fn seconds(text: &str) -> Option<Duration> {
    let is_plain = text
        .bytes()
        .all(|byte| byte.is_ascii_digit() || byte == b'.');
    let seconds: f64 = is_plain.then(|| text.parse().ok())??;
    Some(Duration::from_secs_f64(seconds.min(MAX_WAIT.as_secs_f64())))
}

#[cfg(test)]
mod tests {
    use hyper::header::HeaderValue;

    use super::*;

    #[test]
    fn a_query_is_taken_to_the_letter() {
        let parse = |query| Query::parse(query, Form::Held);
        assert_eq!(parse(""), Ok(Query::default()));
        assert_eq!(
            parse("after=7"),
            Ok(Query {
                after: Some(After::Cursor(7)),
                ..Query::default()
            })
        );
        assert_eq!(
            parse("after=now").map(|query| query.after),
            Ok(Some(After::Now))
        );
        let both = Query {
            after: Some(After::Cursor(0)),
            wait: Some(Duration::from_millis(250)),
            token: None,
        };
        assert_eq!(parse("wait=0.25&after=0"), Ok(both));
        assert_eq!(
            parse("wait=1000").map(|query| query.wait),
            Ok(Some(MAX_WAIT))
        );
        for bad in [
            "after",
            "after=",
            "after=-1",
            "after=+1",
            "after=1.0",
            "after=18446744073709551616",
            "after=1&after=1",
            "after=now&after=now",
            "after=Now",
            "after=1&",
            "wait=",
            "wait=.",
            "wait=-1",
            "wait=inf",
            "wait=nan",
            "wait=1e3",
            "wait=25s",
            "wait=1&wait=2",
            "since=1",
            "&",
            "=",
        ] {
            assert!(parse(bad).is_err(), "{bad}");
        }
        for form in [Form::AtOnce, Form::Stream] {
            assert!(Query::parse("wait=1", form).is_err(), "{form:?}");
            assert!(Query::parse("after=now", form).is_err(), "{form:?}");
        }
    }

    #[test]
    fn a_query_may_tell_the_token_once() {
        let query = Query {
            after: Some(After::Cursor(7)),
            token: Some("t"),
            wait: None,
        };
        for form in [Form::AtOnce, Form::Held, Form::Stream] {
            assert_eq!(Query::parse("token=t&after=7", form), Ok(query));
            assert!(Query::parse("token=t&token=t", form).is_err(), "{form:?}");
        }
    }

    #[test]
    fn a_last_event_id_is_a_cursor_or_malformed() {
        let parse = |values: &[&'static str]| {
            let mut headers = HeaderMap::new();
            for value in values {
                headers.append("last-event-id", HeaderValue::from_static(value));
            }
            last_event_id(&headers).ok()
        };
        assert_eq!(parse(&[]), Some(None));
        assert_eq!(parse(&["0"]), Some(Some(0)));
        assert_eq!(parse(&["18446744073709551615"]), Some(Some(u64::MAX)));
        for bad in ["", "-1", "+1", "1.0", "x", "18446744073709551616"] {
            assert_eq!(parse(&[bad]), None, "{bad}");
        }
        assert_eq!(parse(&["1", "1"]), None);
    }
}
