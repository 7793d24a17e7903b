//! A web server for a few files, at an origin of its own.

use std::net::SocketAddr;
use std::path::PathBuf;
use std::rc::Rc;

use tokio::io::{AsyncBufReadExt, AsyncWriteExt, BufReader};
use tokio::net::{TcpListener, TcpStream};
use tokio::task::{JoinHandle, spawn_local};

/// Serves as long as it lives.
pub(crate) struct Pages {
    address: SocketAddr,
    serving: JoinHandle<()>,
}

/// Path, content type and file of each page.
type Files = Vec<(&'static str, &'static str, PathBuf)>;

impl Pages {
    pub(crate) async fn serve(files: Files) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap();
        let files = Rc::new(files);
        let serving = spawn_local(async move {
            while let Ok((stream, _)) = listener.accept().await {
                let files = Rc::clone(&files);
                // A browser that goes away in between is none of our business.
                spawn_local(async move { answer(stream, &files).await.ok() });
            }
        });
        Self { address, serving }
    }

    pub(crate) fn address(&self) -> SocketAddr {
        self.address
    }
}

impl Drop for Pages {
    fn drop(&mut self) {
        self.serving.abort();
    }
}

async fn answer(stream: TcpStream, files: &Files) -> std::io::Result<()> {
    let mut stream = BufReader::new(stream);
    let mut request = String::new();
    stream.read_line(&mut request).await?;
    let mut field = String::new();
    while stream.read_line(&mut field).await? > 2 {
        field.clear();
    }
    let path = request.split(' ').nth(1).unwrap_or_default();
    let found = files.iter().find(|(known, ..)| *known == path);
    let (status, kind, body) = match found {
        Some((_, kind, file)) => ("200 OK", *kind, std::fs::read(file)?),
        None => ("404 Not Found", "text/plain", Vec::new()),
    };
    let head = format!(
        "HTTP/1.1 {status}\r\ncontent-type: {kind}; charset=utf-8\r\ncontent-length: {}\r\nconnection: close\r\n\r\n",
        body.len()
    );
    stream.write_all(head.as_bytes()).await?;
    stream.write_all(&body).await
}
