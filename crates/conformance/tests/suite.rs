//! Every promise on every transport, and between transports. A new transport is one line here.

conformance::conformance! {
    inproc: ::inproc::InProc,
    tcp: ::tcp::Tcp,
    request_response: ::request_response::RequestResponse,
    long_poll: ::long_poll::LongPoll,
    sse: ::sse::Sse,
    websocket: ::websocket::WebSocket,
}
