//! The server: polls are held.

use std::io;
use std::pin::Pin;
use std::rc::Rc;
use std::sync::Arc;
use std::task::{Context, Poll as TaskPoll, ready};
use std::time::Duration;

use hub::Poll;
use hyper::header::HeaderMap;
use pin_project_lite::pin_project;
use tokio::time::{Sleep, sleep};
use transport::http::session::{
    Asked, Events, Form, MAX_WAIT, Sessions, begin_events, events_answer,
};
use transport::http::{self, Response};
use transport::{Config, Server};

pub(crate) async fn serve(server: Server) -> io::Result<()> {
    let events = Holds {
        config: Arc::clone(&server.config),
    };
    let handler = Sessions::new(&server, events);
    http::serve(server, handler).await
}

struct Holds {
    config: Arc<Config>,
}

impl Events for Holds {
    const REPLIES_IN_ANSWER: bool = false;
    const FORM: Form = Form::Held;

    fn events(
        self: Rc<Self>,
        poll: Poll,
        asked: Asked,
    ) -> impl Future<Output = Response> + 'static {
        Hold {
            poll,
            most: if self.config.batching { usize::MAX } else { 1 },
            answer: begin_events(),
            headers: asked.headers,
            wait: asked.wait.unwrap_or(self.config.hold).min(MAX_WAIT),
            over: None,
        }
    }
}

pin_project! {
    /// A poll until it is answered. All that a quiet client costs beside its connection, so it holds no more than it needs.
    struct Hold {
        poll: Poll,
        most: usize,
        answer: Vec<u8>,
        headers: HeaderMap,
        wait: Duration,
        // Set when there is nothing to answer with at once.
        #[pin]
        over: Option<Sleep>,
    }
}

impl Future for Hold {
    type Output = Response;

    fn poll(self: Pin<&mut Self>, cx: &mut Context<'_>) -> TaskPoll<Response> {
        let mut this = self.project();
        let taken = match this.poll.poll_take(cx, *this.most, this.answer) {
            TaskPoll::Ready(taken) => taken.map(Some),
            TaskPoll::Pending if this.wait.is_zero() => Ok(None),
            TaskPoll::Pending => {
                if this.over.is_none() {
                    // The fields keep the whole buffer alive that hyper has read them into.
                    *this.headers = HeaderMap::new();
                    this.over.set(Some(sleep(*this.wait)));
                }
                if let Some(over) = this.over.as_pin_mut() {
                    ready!(over.poll(cx));
                }
                Ok(None)
            }
        };
        TaskPoll::Ready(events_answer(
            std::mem::take(this.headers),
            std::mem::take(this.answer),
            taken,
        ))
    }
}
