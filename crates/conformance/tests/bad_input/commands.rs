//! Texts that are no command, on any wire.

/// What is wrong, and the text. All of them are `malformed`; none is carried out.
pub(crate) fn bad() -> Vec<(&'static str, Vec<u8>)> {
    let mut bad: Vec<(&str, Vec<u8>)> = BAD
        .iter()
        .map(|(what, text)| (*what, text.as_bytes().to_vec()))
        .collect();
    let nested = |depth: usize| {
        format!(
            r#"{{"op":"request","id":1,"data":{}{}}}"#,
            "[".repeat(depth),
            "]".repeat(depth)
        )
        .into_bytes()
    };
    let long = "n".repeat(hub::wire::MAX_NAME + 1);
    bad.extend([
        ("data a level too deep", nested(hub::wire::MAX_DEPTH + 1)),
        ("data 100,000 levels deep", nested(100_000)),
        (
            "nothing but 200,000 brackets",
            "[".repeat(200_000).into_bytes(),
        ),
        (
            "nothing but 100,000 braces",
            r#"{"op":"#.repeat(100_000).into_bytes(),
        ),
        (
            "a room's name too long",
            format!(r#"{{"op":"join","room":"{long}"}}"#).into_bytes(),
        ),
        (
            "an event's name too long",
            format!(r#"{{"op":"emit","to":"everyone","event":"{long}","data":1}}"#).into_bytes(),
        ),
        (
            "an audience's name too long",
            format!(r#"{{"op":"emit","to":{{"room":"{long}"}},"event":"x","data":1}}"#)
                .into_bytes(),
        ),
        ("10,000 unknown fields", unknown_fields(10_000)),
        (
            "a zero byte",
            b"{\"op\":\"join\",\"room\":\"a\"}\0".to_vec(),
        ),
        (
            "a byte order mark",
            b"\xEF\xBB\xBF{\"op\":\"join\",\"room\":\"a\"}".to_vec(),
        ),
    ]);
    bad
}

/// Texts that aren't UTF-8.
pub(crate) fn no_utf8() -> Vec<(&'static str, Vec<u8>)> {
    let within =
        |bytes: &[u8]| [b"{\"op\":\"request\",\"id\":1,\"data\":\"", bytes, b"\"}"].concat();
    vec![
        ("a lone continuation byte", within(b"\x80")),
        ("a sequence cut short", within(b"\xE2\x82")),
        ("an overlong sequence", within(b"\xC0\xAF")),
        ("a surrogate in UTF-8", within(b"\xED\xA0\x80")),
        ("a code point beyond Unicode", within(b"\xF4\x90\x80\x80")),
        ("0xFF", within(b"\xFF")),
        (
            "UTF-16",
            "{\"op\":\"join\",\"room\":\"a\"}"
                .encode_utf16()
                .flat_map(|unit| [0xFF, unit as u8])
                .collect(),
        ),
    ]
}

/// Texts that look odd and are right; nobody receives what they emit.
pub(crate) fn odd() -> Vec<(&'static str, String)> {
    vec![
        (
            "an emit to an unknown room",
            r#"{"op":"emit","to":{"room":"nowhere"},"event":"x","data":1}"#.into(),
        ),
        (
            "an emit to an unknown session",
            r#"{"op":"emit","to":{"session":"nobody"},"event":"x","data":1}"#.into(),
        ),
        (
            "leaving an unknown room",
            r#"{"op":"leave","room":"nowhere"}"#.into(),
        ),
        (
            "white space around",
            " \r\n{ \"op\" : \"leave\" ,\t\"room\":\"nowhere\" }\n".into(),
        ),
        (
            "fields in another order",
            r#"{"data":null,"event":"x","to":{"room":"nowhere"},"op":"emit"}"#.into(),
        ),
        (
            "escapes in keys and ops",
            r#"{"\u006fp":"l\u0065ave","room":"nowhere"}"#.into(),
        ),
        (
            "a number no machine type holds",
            r#"{"op":"emit","to":{"room":"nowhere"},"event":"x","data":1e99999}"#.into(),
        ),
    ]
}

/// What is wrong, and the text.
const BAD: &[(&str, &str)] = &[
    ("nothing", ""),
    ("white space", " \r\n\t "),
    ("no JSON", "hello"),
    ("half a command", r#"{"op":"join","room":"#),
    (
        "two commands",
        r#"{"op":"join","room":"a"}{"op":"join","room":"b"}"#,
    ),
    ("a comma too many", r#"{"op":"join","room":"a",}"#),
    ("single quotes", "{'op':'join','room':'a'}"),
    ("a comment", r#"{"op":"join",/* which */"room":"a"}"#),
    ("NaN", r#"{"op":"request","id":1,"data":NaN}"#),
    (
        "a control character in a string",
        "{\"op\":\"join\",\"room\":\"a\nb\"}",
    ),
    ("a number where a command was expected", "7"),
    ("null", "null"),
    ("a string", r#""join""#),
    ("an array of something else", "[1,2]"),
    ("no op", r#"{"room":"a"}"#),
    ("an unknown op", r#"{"op":"shutdown"}"#),
    (
        "an op of the server",
        r#"{"op":"welcome","session":"a","token":"b","resumed":false}"#,
    ),
    ("an op in capitals", r#"{"op":"JOIN","room":"a"}"#),
    ("an op that is no string", r#"{"op":1,"room":"a"}"#),
    ("an op twice", r#"{"op":"join","op":"leave","room":"a"}"#),
    (
        "an unknown field",
        r#"{"op":"join","room":"a","colour":"blue"}"#,
    ),
    (
        "a field of another op",
        r#"{"op":"join","room":"a","id":1}"#,
    ),
    ("a field twice", r#"{"op":"join","room":"a","room":"b"}"#),
    ("no room", r#"{"op":"join"}"#),
    ("a room that is no string", r#"{"op":"join","room":["a"]}"#),
    ("an empty room", r#"{"op":"leave","room":""}"#),
    (
        "an empty event",
        r#"{"op":"emit","to":"everyone","event":"","data":1}"#,
    ),
    ("no audience", r#"{"op":"emit","event":"x","data":1}"#),
    (
        "an unknown audience",
        r#"{"op":"emit","to":"nobody","event":"x","data":1}"#,
    ),
    (
        "an audience with an unknown key",
        r#"{"op":"emit","to":{"rooms":"a"},"event":"x","data":1}"#,
    ),
    (
        "an audience with two keys",
        r#"{"op":"emit","to":{"room":"a","session":"b"},"event":"x","data":1}"#,
    ),
    (
        "an empty audience",
        r#"{"op":"emit","to":{},"event":"x","data":1}"#,
    ),
    (
        "an audience that is a number",
        r#"{"op":"emit","to":7,"event":"x","data":1}"#,
    ),
    ("no event", r#"{"op":"emit","to":"everyone","data":1}"#),
    ("no data", r#"{"op":"emit","to":"everyone","event":"x"}"#),
    ("a request without id", r#"{"op":"request","data":1}"#),
    ("a negative id", r#"{"op":"request","id":-1,"data":1}"#),
    ("a fractional id", r#"{"op":"request","id":1.5,"data":1}"#),
    (
        "an id beyond 64 bits",
        r#"{"op":"request","id":18446744073709551616,"data":1}"#,
    ),
    (
        "an id beyond any float",
        r#"{"op":"request","id":1e999,"data":1}"#,
    ),
    ("an id as a string", r#"{"op":"request","id":"1","data":1}"#),
    (
        "an id that is null",
        r#"{"op":"request","id":null,"data":1}"#,
    ),
    (
        "half a surrogate in a name",
        r#"{"op":"join","room":"\ud800"}"#,
    ),
];

fn unknown_fields(count: usize) -> Vec<u8> {
    let fields: Vec<String> = (0..count)
        .map(|number| format!(r#","field-{number}":{number}"#))
        .collect();
    format!(r#"{{"op":"join","room":"a"{}}}"#, fields.concat()).into_bytes()
}
