//! The parser against the standard's examples, and against a naive one that has the whole stream.

use proptest::prelude::*;

use super::*;

/// A block as it can be kept.
#[derive(Debug, Clone, PartialEq, Eq)]
struct Kept {
    id: Option<String>,
    event: String,
    data: Option<String>,
    retry: Option<u64>,
}

const LIMIT: usize = 4096;

fn text(bytes: &[u8]) -> String {
    String::from_utf8_lossy(bytes).into_owned()
}

/// What comes of a stream in these pieces.
fn parsed<'a>(pieces: impl IntoIterator<Item = &'a [u8]>) -> Vec<Kept> {
    let mut parser = Parser::new(LIMIT);
    let mut kept = Vec::new();
    for piece in pieces {
        parser
            .feed(piece, &mut |block| {
                kept.push(Kept {
                    id: block.id.map(text),
                    event: text(block.event),
                    data: block.data.map(text),
                    retry: block.retry,
                });
                Ok(())
            })
            .unwrap();
    }
    kept
}

/// The standard's algorithm as it reads: all lines first, then the fields of each block.
fn naive(stream: &[u8]) -> Vec<Kept> {
    let stream = stream.strip_prefix(MARK).unwrap_or(stream);
    let (mut lines, mut line, mut at) = (Vec::new(), Vec::new(), 0);
    while at < stream.len() {
        match stream[at] {
            b'\r' => {
                if stream.get(at + 1) == Some(&b'\n') {
                    at += 1;
                }
                lines.push(std::mem::take(&mut line));
            }
            b'\n' => lines.push(std::mem::take(&mut line)),
            byte => line.push(byte),
        }
        at += 1;
    }
    let mut blocks = Vec::new();
    let (mut id, mut event, mut data, mut retry) = (None, String::new(), None::<String>, None);
    for line in lines {
        if line.is_empty() {
            if id.is_some() || data.is_some() || retry.is_some() {
                blocks.push(Kept {
                    id: id.take(),
                    event: std::mem::take(&mut event),
                    data: data.take(),
                    retry: retry.take(),
                });
            }
            event.clear();
            continue;
        }
        let colon = line.iter().position(|byte| *byte == b':');
        let (name, value) = match colon {
            Some(colon) => {
                let value = &line[colon + 1..];
                (&line[..colon], value.strip_prefix(b" ").unwrap_or(value))
            }
            None => (&line[..], &[][..]),
        };
        match name {
            b"id" if !value.contains(&0) => id = Some(text(value)),
            b"event" => event = text(value),
            b"data" => {
                data = Some(match data {
                    Some(before) => format!("{before}\n{}", text(value)),
                    None => text(value),
                });
            }
            b"retry" if value.iter().all(u8::is_ascii_digit) => {
                retry = text(value).parse().ok().or(retry);
            }
            _ => {}
        }
    }
    blocks
}

fn data(blocks: &[Kept]) -> Vec<&str> {
    blocks
        .iter()
        .filter_map(|block| block.data.as_deref())
        .collect()
}

#[test]
fn the_examples_of_the_standard_are_read_as_it_says() {
    let stock = parsed([&b"data: YHOO\ndata: +2\ndata: 10\n\n"[..]]);
    assert_eq!(data(&stock), ["YHOO\n+2\n10"]);

    let stream = b": test stream\n\ndata: first event\nid: 1\n\ndata:second event\nid\n\ndata:  third event\n\n";
    let blocks = parsed([&stream[..]]);
    assert_eq!(
        data(&blocks),
        ["first event", "second event", " third event"]
    );
    let ids: Vec<_> = blocks.iter().map(|block| block.id.as_deref()).collect();
    assert_eq!(ids, [Some("1"), Some(""), None]);

    // An empty data buffer is told from none: the standard fires the first event here, and not the unfinished third.
    let blocks = parsed([&b"data\n\ndata\ndata\n\ndata:"[..]]);
    assert_eq!(data(&blocks), ["", "\n"]);

    let same = parsed([&b"data:test\n\ndata: test\n\n"[..]]);
    assert_eq!(data(&same), ["test", "test"]);
}

#[test]
fn all_line_ends_are_line_ends_wherever_a_piece_ends() {
    let stream =
        b"\xEF\xBB\xBFid: 7\r\ndata: a\rdata: b\n\r\n:\r\rretry: 250\r\n\r\nevent: e\ndata: c\n\n";
    let whole = parsed([&stream[..]]);
    assert_eq!(whole, naive(stream));
    assert_eq!(data(&whole), ["a\nb", "c"]);
    assert_eq!((whole[1].retry, whole[2].event.as_str()), (Some(250), "e"));
    for at in 0..=stream.len() {
        let (one, other) = stream.split_at(at);
        assert_eq!(parsed([one, other]), whole, "cut at {at}");
    }
    for length in 1..stream.len() {
        assert_eq!(parsed(stream.chunks(length)), whole, "pieces of {length}");
    }
}

#[test]
fn what_is_no_field_changes_nothing() {
    let stream = b"Data: x\n data: x\ndata : x\nid: a\0b\nretry: 1x\nretry:\nretry: -1\nretry: 99999999999999999999\nfoo\n: c\ndata: y\n\n";
    let blocks = parsed([&stream[..]]);
    assert_eq!(blocks, naive(stream));
    assert_eq!(
        (data(&blocks), &blocks[0].id, blocks[0].retry),
        (vec!["y"], &None, None)
    );
}

#[test]
fn what_is_whole_in_its_piece_is_not_copied_and_nothing_is_kept() {
    let piece = b"id: 1\ndata: {\"op\":\"gap\",\"missed\":1}\n\n:\n\nid: 2\ndata: x\n\n".to_vec();
    let range = piece.as_ptr_range();
    let (mut parser, mut seen) = (Parser::new(LIMIT), 0);
    parser
        .feed(&piece, &mut |block| {
            seen += 1;
            assert!(range.contains(&block.data.unwrap().as_ptr()));
            assert!(range.contains(&block.id.unwrap().as_ptr()));
            Ok(())
        })
        .unwrap();
    assert_eq!((seen, parser.line.capacity()), (2, 0));
    assert!(parser.fields.data.is_none() && parser.fields.id.is_none());
}

#[test]
fn an_event_may_be_as_large_as_the_limit() {
    let fits = format!("data: {}\n\n", "x".repeat(LIMIT));
    assert_eq!(parsed([fits.as_bytes()]).len(), 1);
    let half = format!("data: {}\n", "x".repeat(LIMIT / 2));
    for bad in [
        format!("data: {}\n\n", "x".repeat(LIMIT + 1)),
        format!("data: {}", "x".repeat(LIMIT + NAME)),
        format!(": {}", "x".repeat(LIMIT + NAME)),
        half.repeat(3),
    ] {
        for length in [1, 100, bad.len()] {
            let mut parser = Parser::new(LIMIT);
            let fed = bad
                .as_bytes()
                .chunks(length)
                .try_for_each(|piece| parser.feed(piece, &mut |_| Ok(())));
            assert!(fed.is_err(), "{} bytes in pieces of {length}", bad.len());
        }
    }
}

/// A line that means something, or nearly does.
fn line() -> impl Strategy<Value = Vec<u8>> {
    let value = prop_oneof![
        "[a-z0-9:\u{e9} ]{0,12}".prop_map(String::into_bytes),
        prop::collection::vec(
            any::<u8>().prop_filter("no line end", |byte| !b"\r\n".contains(byte)),
            0..8
        ),
    ];
    let name = prop::sample::select(
        &[
            "data", "data:", "data: ", "id: ", "id", "event:", "retry: ", "retry: 5", ":", "",
            "foo: ", "\u{feff}",
        ][..],
    );
    (name, value).prop_map(|(name, value)| [name.as_bytes(), &value].concat())
}

proptest! {
    #[test]
    fn any_stream_in_any_pieces_is_what_a_naive_parser_reads(
        lines in prop::collection::vec((line(), prop::sample::select(&["\n", "\r", "\r\n", "\n\n", "\r\r", "\r\n\r\n"][..])), 0..20),
        marked in any::<bool>(),
        cuts in prop::collection::vec(any::<prop::sample::Index>(), 0..8),
    ) {
        let mut stream = if marked { MARK.to_vec() } else { Vec::new() };
        for (line, end) in &lines {
            stream.extend_from_slice(line);
            stream.extend_from_slice(end.as_bytes());
        }
        let expected = naive(&stream);
        prop_assert_eq!(&parsed([&stream[..]]), &expected);
        prop_assert_eq!(&parsed(stream.chunks(1)), &expected);
        let mut cuts: Vec<usize> = cuts.iter().map(|cut| cut.index(stream.len() + 1)).collect();
        cuts.extend([0, stream.len()]);
        cuts.sort_unstable();
        let pieces = cuts.windows(2).map(|two| &stream[two[0]..two[1]]);
        prop_assert_eq!(&parsed(pieces), &expected);
    }

    #[test]
    fn no_bytes_make_it_panic(bytes in prop::collection::vec(any::<u8>(), 0..300)) {
        prop_assert_eq!(parsed([&bytes[..]]), naive(&bytes));
    }
}
