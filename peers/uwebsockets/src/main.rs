//! uWebSockets by way of its C interface: `/echo` sends each message back, `/shootout` speaks the shootout protocol.
//!
//! The crate's own `listen` takes a port alone and opens it to every network, and it has neither `publish` to everyone nor the
//! number of subscribers: those three go straight to the C interface.

use std::cell::Cell;
use std::ffi::{CString, c_char, c_int, c_void};
use std::io;
use std::net::SocketAddr;
use std::str;

use libuwebsockets_sys::{
    us_listen_socket_t, us_socket_local_port, uws_app_listen_config_t, uws_app_listen_with_config,
    uws_app_t, uws_num_subscribers, uws_publish,
};
use peer_support::{MAX_MESSAGE, shootout};
use uwebsockets_rs::app::App;
use uwebsockets_rs::us_socket_context_options::UsSocketContextOptions;
use uwebsockets_rs::websocket::{Opcode, WebSocket};
use uwebsockets_rs::websocket_behavior::{CompressOptions, WebSocketBehavior};

/// The topic of all connections of `/shootout`.
const EVERYONE: &str = "everyone";

/// Which of the interface's two kinds of sockets: those without TLS.
const PLAIN: c_int = 0;

fn main() -> io::Result<()> {
    let address = peer_support::address()?;
    let mut app = App::new(UsSocketContextOptions {
        key_file_name: None,
        cert_file_name: None,
        passphrase: None,
        dh_params_file_name: None,
        ca_file_name: None,
        ssl_ciphers: None,
        ssl_prefer_low_memory_usage: None,
    });
    let native = app.get_native_app().get_native();

    let mut echo = behavior();
    echo.message = Some(Box::new(|ws, message, opcode| {
        ws.send_with_options(message, opcode, false, true);
    }));
    let mut everyone = behavior();
    everyone.open = Some(Box::new(|ws| {
        ws.subscribe(EVERYONE);
    }));
    everyone.message = Some(Box::new(move |ws, message, _| {
        take_part(native, &ws, message);
    }));
    app.ws("/echo", echo).ws("/shootout", everyone);

    peer_support::ready(listen(native, address)?)?;
    app.run();
    Err(io::Error::other("the loop has ended"))
}

/// What its documentation calls defaults, but for the sizes: a message as large as with the other peers, and 1 MiB that may wait
/// for a slow connection, which is closed beyond that instead of losing messages in silence.
fn behavior() -> WebSocketBehavior<false> {
    WebSocketBehavior {
        compression: CompressOptions::Disabled.into(),
        max_payload_length: u32::try_from(MAX_MESSAGE).expect("1 MiB"),
        idle_timeout: 120,
        max_backpressure: 1 << 20,
        close_on_backpressure_limit: true,
        reset_idle_timeout_on_send: true,
        send_pings_automatically: true,
        max_lifetime: 0,
        upgrade: None,
        open: None,
        message: None,
        ping: None,
        pong: None,
        close: None,
        drain: None,
        subscription: None,
    }
}

fn take_part(app: *mut uws_app_t, ws: &WebSocket, message: &[u8]) {
    let read = str::from_utf8(message)
        .ok()
        .and_then(|text| shootout::read(text).ok());
    match read {
        Some(shootout::Message::Echo) => {
            ws.send_with_options(message, Opcode::Text, false, true);
        }
        Some(shootout::Message::Broadcast(payload)) => {
            let count = publish(app, message);
            // Sent after the broadcast: whatever was published is written before what is sent to one.
            ws.send_with_options(
                shootout::result(payload, count).as_bytes(),
                Opcode::Text,
                false,
                true,
            );
        }
        None => ws.end(1003, None),
    }
}

/// Sends a text to every subscriber, its sender too, and says to how many.
fn publish(app: *mut uws_app_t, message: &[u8]) -> usize {
    let (topic, length) = (EVERYONE.as_ptr().cast::<c_char>(), EVERYONE.len());
    // SAFETY: the app lives as long as `main`, whose loop calls this, and the pointers with their lengths as long as the calls.
    unsafe {
        let bytes = message.as_ptr().cast::<c_char>();
        uws_publish(
            PLAIN,
            app,
            topic,
            length,
            bytes,
            message.len(),
            Opcode::Text.into(),
            false,
        );
        uws_num_subscribers(PLAIN, app, topic, length) as usize
    }
}

/// Listens on one address alone. uSockets sets `TCP_NODELAY` on what it accepts, and its backlog is 512.
fn listen(app: *mut uws_app_t, mut address: SocketAddr) -> io::Result<SocketAddr> {
    /// Called before `uws_app_listen_with_config` returns, with null if it can't listen.
    unsafe extern "C" fn listening(
        socket: *mut us_listen_socket_t,
        _: uws_app_listen_config_t,
        port: *mut c_void,
    ) {
        if !socket.is_null() {
            // SAFETY: a listening socket is a socket, and `port` is the cell below.
            unsafe {
                (*port.cast::<Cell<c_int>>()).set(us_socket_local_port(PLAIN, socket.cast()));
            }
        }
    }
    let host = CString::new(address.ip().to_string())?;
    let port = Cell::new(0);
    let config = uws_app_listen_config_t {
        port: address.port().into(),
        host: host.as_ptr(),
        options: 0,
    };
    // SAFETY: host and cell outlive the call, and it keeps neither.
    unsafe {
        uws_app_listen_with_config(
            PLAIN,
            app,
            config,
            Some(listening),
            (&raw const port).cast_mut().cast(),
        );
    };
    match u16::try_from(port.get()) {
        Ok(port) if port > 0 => address.set_port(port),
        _ => {
            return Err(io::Error::new(
                io::ErrorKind::AddrInUse,
                format!("can't listen on {address}"),
            ));
        }
    }
    Ok(address)
}
