//! Which path leads to what.

use std::borrow::Cow;
use std::cell::Cell;
use std::rc::Rc;
use std::thread;

use hyper::{Method, StatusCode};
use serde::Serialize;
use tokio::sync::oneshot;
use transport::http::{Handler, Request, Response, error, read_body};

use crate::answer::Asked;
use crate::assets::JAVASCRIPT;
use crate::bench::{Order, Refusal, Shelf};
use crate::lessons::{LESSONS, Lesson};
use crate::{Settings, assets, course, page, watch};

/// Answers what pages ask for.
#[derive(Debug)]
pub(crate) struct Pages {
    settings: Settings,
    shelf: Rc<Shelf>,
    /// One replay at a time.
    replays: Cell<bool>,
}

impl Pages {
    pub(crate) fn new(settings: Settings, shelf: Rc<Shelf>) -> Self {
        Self {
            settings,
            shelf,
            replays: Cell::new(false),
        }
    }

    fn get(&self, asked: &Asked, path: &str) -> Response {
        let rest = path.strip_prefix('/').unwrap_or_default();
        let page = match rest.split_once('/') {
            None => match rest {
                "" => page::of("index"),
                "bench" | "hello" | "chat" | "replay" => page::of(rest),
                "course" => course::page(None),
                "lessons.json" => return asked.json(StatusCode::OK, lessons()),
                _ => None,
            },
            Some(("assets", name)) => {
                if let Some((kind, bytes)) = assets::file(name) {
                    return asked.bytes(StatusCode::OK, kind, owned(bytes));
                }
                None
            }
            Some(("modules", name)) => {
                if let Some(module) = self.module(name) {
                    return asked.bytes(StatusCode::OK, JAVASCRIPT, module);
                }
                None
            }
            Some(("course", name)) => course::page(Some(name)),
            Some(("lessons", name)) => {
                let (id, is_page) = name
                    .strip_suffix("/facts.json")
                    .map_or((name, true), |id| (id, false));
                match LESSONS.iter().find(|lesson| lesson.id == id) {
                    Some(lesson) if is_page => page::lesson(lesson),
                    Some(lesson) => return asked.json(StatusCode::OK, json(&(lesson.facts)())),
                    None => None,
                }
            }
            Some(_) => None,
        };
        match page {
            Some(page) => asked.html(StatusCode::OK, page),
            None => asked.html(StatusCode::NOT_FOUND, page::not_found()),
        }
    }

    /// The browser's end of a transport, or what these share: `NAME.js`.
    fn module(&self, file: &str) -> Option<&'static str> {
        let name = file.strip_suffix(".js")?;
        if let Some((_, text)) = transport::BROWSER.iter().find(|(known, _)| *known == name) {
            return Some(text);
        }
        let lane = self
            .settings
            .lanes
            .iter()
            .find(|lane| lane.info.name == name)?;
        lane.info.browser
    }

    /// Makes a bench.
    async fn make(&self, asked: &Asked, request: Request) -> Response {
        let body = match read_body(request.into_body(), MOST_ORDER).await {
            Ok(body) => body,
            Err(response) => return *response,
        };
        let order = match Order::parse(&body) {
            Ok(order) => order,
            Err(message) => return error(400, "malformed", &message),
        };
        match self.shelf.make(&order) {
            Ok(made) => asked.json(StatusCode::CREATED, json(&made)),
            Err(Refusal::Full(most)) => error(
                429,
                "limits",
                &format!(
                    "there are {most} benches already, which is all; close a page, or see --max-benches"
                ),
            ),
            Err(Refusal::Closed) => error(503, "draining", "the demo is about to end"),
            Err(Refusal::Failed(cause)) => {
                error(503, "bench", &format!("no bench can be made: {cause}"))
            }
        }
    }

    /// Replays the printed headers, in a thread of its own: it takes seconds.
    async fn replay(&self, asked: &Asked) -> Response {
        if self.replays.replace(true) {
            return error(429, "limits", "a replay is under way; one at a time");
        }
        let _over = Over(&self.replays);
        let (tell, told) = oneshot::channel();
        let replay = self.settings.replay;
        let started = thread::Builder::new().name("replay".into()).spawn(move || {
            // Who asked may have gone.
            let _ = tell.send(replay());
        });
        match (started, told.await) {
            (Ok(_), Ok(Ok(replay))) => asked.json(StatusCode::OK, json(&replay)),
            (Err(cause), _) | (_, Ok(Err(cause))) => error(
                500,
                "replay",
                &format!("the headers can't be replayed: {cause}"),
            ),
            (_, Err(_)) => error(500, "replay", "the replay ended without a word"),
        }
    }
}

impl Handler for Pages {
    fn handle(self: Rc<Self>, request: Request) -> impl Future<Output = Response> + 'static {
        let asked = Asked::of(&request);
        async move {
            let path = request.uri().path();
            if let Some(id) = bench_of(path) {
                return match self.shelf.find(id) {
                    Some(bench) => watch::watch(bench, request),
                    None => error(404, "not-found", "there is no such bench, or it has ended"),
                };
            }
            match path {
                "/benches" => self.make(&asked, request).await,
                REPLAY => self.replay(&asked).await,
                _ => self.get(&asked, path),
            }
        }
    }

    fn methods(&self, path: &str) -> Option<&'static [Method]> {
        match path {
            // Answered without asking.
            "/healthz" => None,
            "/benches" | REPLAY => Some(&[Method::POST]),
            _ if bench_of(path).is_some() => Some(&[Method::GET]),
            // A page that doesn't exist is answered with one that says so.
            _ => Some(&[Method::GET, Method::HEAD]),
        }
    }
}

const REPLAY: &str = "/replays/quantum-leap";

/// Most bytes of a bench's settings.
const MOST_ORDER: usize = 16 << 10;

/// The bench that a path is there to watch: `/benches/ID/watch`.
fn bench_of(path: &str) -> Option<&str> {
    path.strip_prefix("/benches/")?.strip_suffix("/watch")
}

/// What is under way is over when this is dropped, however that comes about.
struct Over<'a>(&'a Cell<bool>);

impl Drop for Over<'_> {
    fn drop(&mut self) {
        self.0.set(false);
    }
}

/// A lesson in the list of them.
#[derive(Serialize)]
struct Listed {
    id: &'static str,
    title: &'static str,
    url: String,
}

fn lessons() -> Vec<u8> {
    let listed = |lesson: &Lesson| Listed {
        id: lesson.id,
        title: lesson.title,
        url: page::url(lesson),
    };
    json(&LESSONS.iter().map(listed).collect::<Vec<_>>())
}

fn json(value: &impl Serialize) -> Vec<u8> {
    serde_json::to_vec(value).expect("numbers and strings can always be written as JSON")
}

fn owned(bytes: Cow<'static, [u8]>) -> transport::http::Body {
    match bytes {
        Cow::Borrowed(bytes) => bytes.into(),
        Cow::Owned(bytes) => bytes.into(),
    }
}
