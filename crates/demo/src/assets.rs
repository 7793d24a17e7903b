//! Files of the pages, within the binary. A debug build reads them from disk instead, so that a reload shows an edit.

use std::borrow::Cow;

use rust_embed::RustEmbed;

#[derive(RustEmbed)]
#[folder = "assets/"]
struct Assets;

/// The course kit.
#[derive(RustEmbed)]
#[folder = "../../docs/course/"]
struct Course;

/// A file as it is served at `/assets/PATH`, and its type.
pub(crate) fn file(path: &str) -> Option<(&'static str, Cow<'static, [u8]>)> {
    // Fragments aren't pages.
    if path.starts_with("pages/") || !is_plain(path) {
        return None;
    }
    let content_type = content_type(path)?;
    Some((content_type, Assets::get(path)?.data))
}

/// The fragment of a page: `pages/NAME.html`.
pub(crate) fn fragment(name: &str) -> Option<String> {
    text(Assets::get(&format!("pages/{name}.html"))?.data)
}

/// A document of the course: `docs/course/NAME.md`.
pub(crate) fn document(name: &str) -> Option<String> {
    is_plain(name).then(|| text(Course::get(&format!("{name}.md"))?.data))?
}

/// The names of all documents.
pub(crate) fn documents() -> Vec<String> {
    let mut names: Vec<String> = Course::iter()
        .filter_map(|name| name.strip_suffix(".md").map(str::to_owned))
        .collect();
    names.sort_unstable();
    names
}

fn text(data: Cow<'static, [u8]>) -> Option<String> {
    String::from_utf8(data.into_owned()).ok()
}

/// Whether a path consists of plain names, so that nothing in it could lead elsewhere.
fn is_plain(path: &str) -> bool {
    path.split('/').all(|name| {
        !name.is_empty()
            && !name.starts_with('.')
            && name
                .bytes()
                .all(|byte| byte.is_ascii_alphanumeric() || matches!(byte, b'.' | b'-' | b'_'))
    })
}

/// What browsers are told that a file is; none for a kind that the pages have no use for.
fn content_type(path: &str) -> Option<&'static str> {
    let (_, ending) = path.rsplit_once('.')?;
    Some(match ending {
        "js" => JAVASCRIPT,
        "css" => "text/css; charset=utf-8",
        "json" => "application/json",
        // Recordings: a JSON value a line.
        "jsonl" => "application/jsonl",
        "svg" => "image/svg+xml",
        "png" => "image/png",
        "txt" => "text/plain; charset=utf-8",
        _ => return None,
    })
}

/// A script or a module.
pub(crate) const JAVASCRIPT: &str = "text/javascript; charset=utf-8";

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn no_path_leads_elsewhere() {
        for path in [
            "",
            "..",
            "../Cargo.toml",
            "lib/../../src/lib.rs",
            "/etc/passwd",
            "lib//bench.js",
            "%2e%2e/Cargo.toml",
            ".hidden.js",
            "lib\\bench.js",
            "lib/",
            "pages/index.html",
            "no-such.js",
        ] {
            assert!(file(path).is_none(), "{path}");
        }
        assert!(document("../../README").is_none() && document("").is_none());
    }

    #[test]
    fn files_have_the_right_types() {
        let kind = |path| file(path).map(|(kind, _)| kind);
        assert_eq!(kind("lib/bench.js"), Some(JAVASCRIPT));
        assert_eq!(content_type("a.css"), Some("text/css; charset=utf-8"));
        assert_eq!(content_type("a.exe"), None);
        assert!(fragment("index").is_some() && fragment("none").is_none());
    }
}
