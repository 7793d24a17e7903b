//! The server: polls are answered at once.

use std::io;
use std::rc::Rc;

use hub::Poll;
use transport::Server;
use transport::http::session::{Asked, Events, Form, Sessions, begin_events, events_answer};
use transport::http::{self, Response};

pub(crate) async fn serve(server: Server) -> io::Result<()> {
    let handler = Sessions::new(&server, AtOnce);
    http::serve(server, handler).await
}

struct AtOnce;

impl Events for AtOnce {
    const REPLIES_IN_ANSWER: bool = true;
    const FORM: Form = Form::AtOnce;

    fn events(
        self: Rc<Self>,
        mut poll: Poll,
        asked: Asked,
    ) -> impl Future<Output = Response> + 'static {
        let mut answer = begin_events();
        let taken = poll.take_now(usize::MAX, &mut answer);
        std::future::ready(events_answer(asked.headers, answer, taken))
    }
}
