//! A transport whose type is forgotten, as the demo needs it.

use std::io;
use std::pin::Pin;

use transport::{Info, Server, Transport};

/// A future that stays on its thread.
pub type Local<'a, T> = Pin<Box<dyn Future<Output = T> + 'a>>;

/// A transport that pages can use.
#[derive(Clone, Copy, Debug)]
pub struct Lane {
    /// What it is.
    pub info: Info,
    /// Its server.
    pub serve: fn(Server) -> Local<'static, io::Result<()>>,
}

impl Lane {
    /// That of a transport.
    pub const fn of<T: Transport>() -> Self {
        Self {
            info: T::INFO,
            serve: |server| Box::pin(T::serve(server)),
        }
    }
}
