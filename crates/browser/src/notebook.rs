//! What a page asked for and what it complained about, noted as it happens.

use std::collections::HashSet;
use std::sync::{Mutex, MutexGuard, PoisonError};

use serde_json::Value;
use tokio::sync::Notify;

/// Something that a page asked for.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Request {
    /// Its address.
    pub url: String,
    /// It is the page itself, or the document of a frame in it.
    pub document: bool,
    /// It was in the page already (`data:`, `blob:`): nobody was asked. Chromium doesn't tell of `data:` pictures.
    pub inline: bool,
}

/// The notes about one page.
#[derive(Default)]
pub(crate) struct Notebook {
    notes: Mutex<Notes>,
    turned: Notify,
}

#[derive(Default)]
struct Notes {
    requests: Vec<Request>,
    complaints: Vec<String>,
    /// Loader ids of the documents that are complete.
    loaded: HashSet<String>,
}

impl Notebook {
    /// Everything it asked for so far, in order.
    pub(crate) fn requests(&self) -> Vec<Request> {
        self.notes().requests.clone()
    }

    /// Everything it complained about so far, in order.
    pub(crate) fn complaints(&self) -> Vec<String> {
        self.notes().complaints.clone()
    }

    /// Waits until a document and everything it embeds are there.
    pub(crate) async fn loaded(&self, loader: &str) {
        loop {
            let turned = self.turned.notified();
            if self.notes().loaded.contains(loader) {
                return;
            }
            turned.await;
        }
    }

    /// Notes an event of the protocol, if it is one of those that matter here.
    pub(crate) fn record(&self, method: &str, params: &Value) {
        let text = |value: &Value| value.as_str().unwrap_or_default().to_owned();
        let mut notes = self.notes();
        match method {
            "Network.requestWillBeSent" => {
                let document = params["type"] == "Document";
                notes.request(text(&params["request"]["url"]), document);
            }
            "Network.webSocketCreated" | "Network.webTransportCreated" => {
                notes.request(text(&params["url"]), false);
            }
            "Runtime.consoleAPICalled" => {
                let level = text(&params["type"]);
                if matches!(level.as_str(), "error" | "warning" | "assert") {
                    let words = params["args"].as_array().map_or(&[][..], Vec::as_slice);
                    let words: Vec<String> = words.iter().map(shown).collect();
                    notes
                        .complaints
                        .push(format!("console {level}: {}", words.join(" ")));
                }
            }
            "Runtime.exceptionThrown" => {
                let thrown = thrown(&params["exceptionDetails"]);
                notes.complaints.push(format!("uncaught: {thrown}"));
            }
            "Log.entryAdded" => {
                let entry = &params["entry"];
                let level = text(&entry["level"]);
                if matches!(level.as_str(), "error" | "warning") {
                    let (said, about) = (text(&entry["text"]), text(&entry["url"]));
                    notes
                        .complaints
                        .push(format!("log {level}: {said} ({about})"));
                }
            }
            "Page.javascriptDialogOpening" => {
                let said = text(&params["message"]);
                notes.complaints.push(format!("dialog: {said}"));
            }
            "Inspector.targetCrashed" => notes.complaints.push("the page crashed".into()),
            "Page.lifecycleEvent" if params["name"] == "load" => {
                notes.loaded.insert(text(&params["loaderId"]));
            }
            _ => {}
        }
        drop(notes);
        self.turned.notify_waiters();
    }

    fn notes(&self) -> MutexGuard<'_, Notes> {
        self.notes.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Notes {
    fn request(&mut self, url: String, document: bool) {
        let inline = url.starts_with("data:") || url.starts_with("blob:");
        self.requests.push(Request {
            url,
            document,
            inline,
        });
    }
}

/// What was thrown, of the protocol's `ExceptionDetails`.
pub(crate) fn thrown(details: &Value) -> String {
    let exception = &details["exception"];
    if exception.is_object() {
        shown(exception)
    } else {
        details["text"].as_str().unwrap_or_default().to_owned()
    }
}

/// A value of the page, as the console would show it.
fn shown(object: &Value) -> String {
    let said = object["description"].as_str();
    let said = said.or_else(|| object["value"].as_str());
    said.map_or_else(|| object["value"].to_string(), str::to_owned)
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn what_is_in_the_page_already_is_marked() {
        let notebook = Notebook::default();
        for (url, kind) in [
            ("file:///a.html", "Document"),
            ("data:image/png;base64,AA", "Image"),
        ] {
            let params = json!({ "request": { "url": url }, "type": kind });
            notebook.record("Network.requestWillBeSent", &params);
        }
        let params = json!({ "url": "ws://127.0.0.1:1/ws" });
        notebook.record("Network.webSocketCreated", &params);
        let marks = notebook.requests();
        let marks: Vec<_> = marks.iter().map(|one| (one.document, one.inline)).collect();
        assert_eq!(marks, [(true, false), (false, true), (false, false)]);
    }

    #[test]
    fn only_trouble_is_a_complaint() {
        let notebook = Notebook::default();
        let said = json!([{ "type": "string", "value": "so" }, { "type": "number", "value": 3, "description": "3" }]);
        for level in ["log", "info", "warning", "error"] {
            let params = json!({ "type": level, "args": said });
            notebook.record("Runtime.consoleAPICalled", &params);
            let params = json!({ "entry": { "level": level, "text": "said", "url": "u" } });
            notebook.record("Log.entryAdded", &params);
        }
        let params = json!({ "exceptionDetails": { "text": "Uncaught", "exception": { "description": "Error: no" } } });
        notebook.record("Runtime.exceptionThrown", &params);
        assert_eq!(
            notebook.complaints(),
            [
                "console warning: so 3",
                "log warning: said (u)",
                "console error: so 3",
                "log error: said (u)",
                "uncaught: Error: no",
            ]
        );
    }
}
