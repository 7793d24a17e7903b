//! Parsing what many clients of one thread are told.

use std::borrow::Cow;
use std::cell::RefCell;
use std::ops::Range;

use hub::wire::Incoming;

/// A text longer than this isn't kept for comparison.
const KEPT: usize = 64 << 10;

/// The last event that was parsed, and where its fields are.
#[derive(Default)]
struct Last {
    text: Vec<u8>,
    event: Range<usize>,
    from: Range<usize>,
    data: Range<usize>,
}

thread_local! {
    static LAST: RefCell<Last> = RefCell::default();
}

/// Hands the message `text` to `each`.
///
/// The clients of a thread all get the same bytes of a broadcast, one after the other: those are parsed once.
///
/// # Errors
/// What is wrong with the text, as the JSON parser says.
pub fn parse(text: &[u8], each: impl FnOnce(Incoming<'_>)) -> Result<(), String> {
    let known = LAST.with_borrow(|last| {
        (last.text == text).then(|| (last.event.clone(), last.from.clone(), last.data.clone()))
    });
    if let Some((event, from, data)) = known
        && let Ok(text) = str::from_utf8(text)
        && !text.is_empty()
    {
        each(Incoming::Event {
            event: Cow::Borrowed(&text[event]),
            from: Cow::Borrowed(&text[from]),
            data: &text[data],
        });
        return Ok(());
    }
    let message = Incoming::parse(text).map_err(|error| error.to_string())?;
    if let Incoming::Event {
        event: Cow::Borrowed(event),
        from: Cow::Borrowed(from),
        data,
    } = &message
        && text.len() <= KEPT
    {
        let place = |part: &str| {
            let start = part.as_ptr().addr() - text.as_ptr().addr();
            start..start + part.len()
        };
        LAST.with_borrow_mut(|last| {
            last.text.clear();
            last.text.extend_from_slice(text);
            (last.event, last.from, last.data) = (place(event), place(from), place(data));
        });
    }
    each(message);
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_event_that_was_parsed_before_is_the_same_event() {
        let first = br#"{"op":"event","event":"tick","from":"abc","data":[1,"x"]}"#;
        let other = br#"{"op":"event","event":"tock","from":"abc","data":[1,"x"]}"#;
        let escaped = br#"{"op":"event","event":"a\n","from":"abc","data":null}"#;
        for text in [
            &first[..],
            first,
            other,
            first,
            escaped,
            escaped,
            other,
            other,
        ] {
            let mut seen = 0;
            parse(text, |message| {
                assert_eq!(message, Incoming::parse(text).unwrap());
                seen += 1;
            })
            .unwrap();
            assert_eq!(seen, 1);
        }
        assert!(parse(b"", |_| {}).is_err());
        assert!(parse(b"{}", |_| {}).is_err());
    }
}
