//! Every promise on every transport, and between transports. A new transport is one line here.

conformance::conformance! {
    inproc: ::inproc::InProc,
    tcp: ::tcp::Tcp,
    request_response: ::request_response::RequestResponse,
    long_poll: ::long_poll::LongPoll,
    sse: ::sse::Sse,
    websocket: ::websocket::WebSocket,
    socket_io: ::socket_io::SocketIo<::socket_io::Both>,
    socket_io_polling: ::socket_io::SocketIo<::socket_io::Polling>,
    socket_io_websocket: ::socket_io::SocketIo<::socket_io::WebSocket>,
}
