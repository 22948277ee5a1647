//! The small servers (metrics, health): plain or TLS, with the limits NetObserv sets.
//!
//! `app` and the `prom` stage bind a listener and hand it here with a handler; the gRPC ingester uses the accept loop.
//! **Invariant:** no client can hold a connection without progress, or more memory than the limits below.

use std::convert::Infallible;
use std::io;
use std::net::{Ipv4Addr, Ipv6Addr, SocketAddr};
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll};
use std::time::Duration;

use bytes::Bytes;
use http_body_util::combinators::BoxBody;
use http_body_util::{BodyExt, Full};
use hyper::body::Incoming;
use hyper::header::{CONTENT_TYPE, HeaderValue};
use hyper::server::conn::http1;
use hyper::service::service_fn;
use hyper::{Request, Response, StatusCode};
use hyper_util::rt::{TokioIo, TokioTimer};
use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};
use tokio::net::TcpListener;
use tokio::time::{Instant, Sleep, sleep};
use tokio_util::sync::CancellationToken;

pub use self::accept::{Limits, Serve, Socket, accept_loop};

use crate::tls::ServerTls;

mod accept;

const LIMITS: Limits = Limits {
    connections_max: 64,
    drain_timeout: Duration::from_secs(2),
};
const HEADERS_BYTES_MAX: usize = 1024 * 1024;
/// Also ends idle connections: a scraper that comes every 15 seconds simply connects again.
const HEADER_TIMEOUT: Duration = Duration::from_secs(5);
/// A client that takes no byte for so long is gone.
const WRITE_TIMEOUT: Duration = Duration::from_secs(10);

pub type Body = BoxBody<Bytes, Infallible>;

/// Listens on an address; an empty one is every address of the machine, IPv6 or not.
pub fn bind(address: &str, port: u16) -> io::Result<std::net::TcpListener> {
    let listener = if address.is_empty() {
        let every = [
            SocketAddr::from((Ipv6Addr::UNSPECIFIED, port)),
            SocketAddr::from((Ipv4Addr::UNSPECIFIED, port)),
        ];
        std::net::TcpListener::bind(&every[..])?
    } else {
        std::net::TcpListener::bind((address, port))?
    };
    listener.set_nonblocking(true)?;
    Ok(listener)
}

/// Listens on `host:port` as Go writes it: `:8080` is every address, IPv6 stands in brackets.
pub fn bind_text(text: &str) -> io::Result<std::net::TcpListener> {
    let invalid = || io::Error::new(io::ErrorKind::InvalidInput, "not an address such as :8080");
    let (host, port) = text.rsplit_once(':').ok_or_else(invalid)?;
    let host = host
        .strip_prefix('[')
        .and_then(|host| host.strip_suffix(']'))
        .unwrap_or(host);
    bind(host, port.parse().map_err(|_| invalid())?)
}

/// A whole answer in memory.
pub fn full(
    status: StatusCode,
    content_type: &'static str,
    body: impl Into<Bytes>,
) -> Response<Body> {
    let mut response = Response::new(Full::new(body.into()).boxed());
    *response.status_mut() = status;
    response
        .headers_mut()
        .insert(CONTENT_TYPE, HeaderValue::from_static(content_type));
    response
}

/// A short answer for people.
pub fn text(status: StatusCode, body: &'static str) -> Response<Body> {
    full(status, "text/plain; charset=utf-8", body)
}

/// Serves until `stop`, then lets the answers under way end.
pub async fn serve<H>(
    listener: TcpListener,
    tls: Option<Arc<ServerTls>>,
    handler: H,
    stop: CancellationToken,
) where
    H: Fn(Request<Incoming>) -> Response<Body> + Clone + Send + Sync + 'static,
{
    accept_loop(listener, tls, LIMITS, Requests(handler), stop).await;
}

/// Answers each request with a function.
#[derive(Clone)]
struct Requests<H>(H);

impl<H> Serve for Requests<H>
where
    H: Fn(Request<Incoming>) -> Response<Body> + Clone + Send + Sync + 'static,
{
    async fn connection(self, socket: Box<dyn Socket>, stop: CancellationToken) {
        let service = service_fn(move |request| {
            let response = (self.0)(request);
            async { Ok::<_, Infallible>(response) }
        });
        let connection = http1::Builder::new()
            .timer(TokioTimer::new())
            .header_read_timeout(HEADER_TIMEOUT)
            .max_buf_size(HEADERS_BYTES_MAX)
            .serve_connection(TokioIo::new(WriteDeadline::new(socket)), service);
        tokio::pin!(connection);
        let ended = tokio::select! {
            ended = connection.as_mut() => ended,
            () = stop.cancelled() => {
                connection.as_mut().graceful_shutdown();
                connection.await
            }
        };
        if let Err(error) = ended {
            tracing::debug!(%error, "connection ended early");
        }
    }

    fn refused(&self, error: &io::Error) {
        tracing::debug!(%error, "TLS handshake failed");
    }
}

/// A stream whose writes fail when the peer takes nothing for [`WRITE_TIMEOUT`].
struct WriteDeadline<S> {
    stream: S,
    timer: Pin<Box<Sleep>>,
    is_waiting: bool,
}

impl<S: Unpin> WriteDeadline<S> {
    fn new(stream: S) -> Self {
        Self {
            stream,
            timer: Box::pin(sleep(WRITE_TIMEOUT)),
            is_waiting: false,
        }
    }

    fn check<T>(
        &mut self,
        context: &mut Context<'_>,
        poll: Poll<io::Result<T>>,
    ) -> Poll<io::Result<T>> {
        if poll.is_ready() {
            self.is_waiting = false;
            return poll;
        }
        if !self.is_waiting {
            self.is_waiting = true;
            self.timer.as_mut().reset(Instant::now() + WRITE_TIMEOUT);
        }
        self.timer
            .as_mut()
            .poll(context)
            .map(|()| Err(io::ErrorKind::TimedOut.into()))
    }
}

impl<S: AsyncRead + Unpin> AsyncRead for WriteDeadline<S> {
    fn poll_read(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        buffer: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stream).poll_read(context, buffer)
    }
}

impl<S: AsyncWrite + Unpin> AsyncWrite for WriteDeadline<S> {
    fn poll_write(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        bytes: &[u8],
    ) -> Poll<io::Result<usize>> {
        let poll = Pin::new(&mut self.stream).poll_write(context, bytes);
        self.check(context, poll)
    }

    fn poll_flush(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        let poll = Pin::new(&mut self.stream).poll_flush(context);
        self.check(context, poll)
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        let poll = Pin::new(&mut self.stream).poll_shutdown(context);
        self.check(context, poll)
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, reason = "tests")]
    use super::*;

    #[test]
    fn addresses_are_read_as_go_writes_them() {
        for (text, is_loopback) in [("127.0.0.1:0", true), ("localhost:0", true), (":0", false)] {
            let address = bind_text(text).unwrap().local_addr().unwrap();
            assert_eq!(address.ip().is_loopback(), is_loopback, "{text}");
        }
        for text in ["", "8080", ":http", "[::1]"] {
            assert!(bind_text(text).is_err(), "{text}");
        }
    }
}
