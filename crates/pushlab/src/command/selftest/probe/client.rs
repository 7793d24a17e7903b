//! The client of the probe.

use std::io;
use std::net::SocketAddr;
use std::pin::Pin;
use std::task::{Context, Poll, ready};

use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};
use transport::stream::{Counted, Meter, connect};
use transport::{Client, ClientError, Command, Incoming, Target, Ticket, Traffic, Welcome};

use super::{Frame, SCHEME};

/// One connection. Requests alone are of use: the probe has no rooms and no events.
#[derive(Debug)]
pub(crate) struct ProbeClient {
    stream: Counted,
    meter: Meter,
    welcome: Welcome,
    output: Vec<u8>,
    input: Vec<u8>,
    received: u64,
    traffic: Traffic,
}

impl ProbeClient {
    pub(super) async fn connect(target: &Target) -> Result<Self, ClientError> {
        let address = target.url.strip_prefix(SCHEME);
        let address = address.and_then(|address| address.parse::<SocketAddr>().ok());
        let address = address.ok_or_else(|| ClientError::Target {
            url: target.url.clone(),
            transport: "probe",
            reason: "probe://127.0.0.1:80 would be one",
        })?;
        let meter = Meter::default();
        let stream = connect(target, address, &meter).await?;
        Ok(Self {
            stream,
            meter,
            welcome: Welcome {
                session: "probe".to_owned(),
                token: String::new(),
                resumed: false,
            },
            output: Vec::new(),
            input: Vec::with_capacity(1 << 12),
            received: 0,
            traffic: Traffic::default(),
        })
    }

    /// Writes all that is queued, as far as the socket takes it.
    fn flush(&mut self, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        while !self.output.is_empty() {
            let written = ready!(Pin::new(&mut self.stream).poll_write(cx, &self.output))?;
            self.output.drain(..written);
        }
        Poll::Ready(Ok(()))
    }

    /// Reads what is there; `Ready(false)` at the end of the stream.
    fn fill(&mut self, cx: &mut Context<'_>) -> Poll<io::Result<bool>> {
        let mut space = [0; 1 << 14];
        let mut buffer = ReadBuf::new(&mut space);
        ready!(Pin::new(&mut self.stream).poll_read(cx, &mut buffer))?;
        self.input.extend_from_slice(buffer.filled());
        Poll::Ready(Ok(!buffer.filled().is_empty()))
    }

    /// Hands over the frames that are whole. True if there were any.
    fn hand_over(&mut self, each: &mut impl FnMut(Incoming<'_>)) -> Result<bool, ClientError> {
        let mut taken = 0;
        while let Some(frame) = Frame::first(&self.input[taken..]).map_err(ClientError::Broken)? {
            let data = std::str::from_utf8(frame.data)
                .map_err(|error| ClientError::Protocol(error.to_string()))?;
            self.received += 1;
            self.traffic.payload_down += data.len() as u64;
            each(Incoming::Reply { id: frame.id, data });
            taken += frame.whole.len();
        }
        self.input.drain(..taken);
        Ok(taken > 0)
    }
}

impl Client for ProbeClient {
    fn welcome(&self) -> &Welcome {
        &self.welcome
    }

    fn send(&mut self, command: &Command<'_>) {
        if let Command::Request { id, data } = command {
            Frame::write(&mut self.output, *id, data.as_bytes());
            self.traffic.payload_up += data.len() as u64;
        }
    }

    fn poll(
        &mut self,
        cx: &mut Context<'_>,
        each: &mut impl FnMut(Incoming<'_>),
    ) -> Poll<Result<(), ClientError>> {
        if let Poll::Ready(Err(error)) = self.flush(cx) {
            return Poll::Ready(Err(ClientError::Broken(error)));
        }
        loop {
            match ready!(self.fill(cx)) {
                Ok(true) if self.hand_over(each)? => return Poll::Ready(Ok(())),
                Ok(true) => {}
                Ok(false) => {
                    let (code, reason) = (1006, String::new());
                    return Poll::Ready(Err(ClientError::Closed { code, reason }));
                }
                Err(error) => return Poll::Ready(Err(ClientError::Broken(error))),
            }
        }
    }

    fn traffic(&self) -> Traffic {
        Traffic {
            payload_up: self.traffic.payload_up,
            payload_down: self.traffic.payload_down,
            ..self.meter.traffic([&self.stream])
        }
    }

    fn ticket(&self) -> Ticket {
        Ticket {
            token: String::new(),
            received: self.received,
        }
    }

    async fn close(self) -> Result<(), ClientError> {
        Ok(())
    }
}
