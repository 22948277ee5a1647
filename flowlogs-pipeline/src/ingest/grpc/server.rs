//! The connections of the gRPC ingester: HTTP/2 with bounds.
//!
//! **Invariant:** no peer holds a connection without calling or answering pings, and `serve` returns only when every
//! call that was accepted has been answered or the time for it is over.

use std::io;
use std::sync::Arc;
use std::time::Duration;

use hyper::service::service_fn;
use hyper_util::rt::{TokioExecutor, TokioIo, TokioTimer};
use tokio::net::TcpListener;
use tokio::time::sleep;
use tokio_util::sync::CancellationToken;

use super::service::Collector;
use crate::http::{Limits, Serve, Socket, accept_loop};
use crate::tls::ServerTls;

const LIMITS: Limits = Limits {
    // Agents: one a node.
    connections_max: 4096,
    // Within the time to drain, so that the stages have some of it too. The agent repeats elsewhere what is cut.
    drain_timeout: Duration::from_secs(10),
};
/// Calls of one connection at once; an agent has one or two.
const STREAMS_MAX: u32 = 8;
/// Bytes of one call under way.
const STREAM_WINDOW_BYTES: u32 = 1 << 20;
/// Bytes of one connection under way.
const CONNECTION_WINDOW_BYTES: u32 = 4 << 20;
/// Bytes of the headers of one call.
const HEADERS_BYTES_MAX: u32 = 16 << 10;
/// An agent that is silent for this long is pinged.
const PING_PERIOD: Duration = Duration::from_secs(30);
/// An agent that does not answer a ping within this time is gone.
const PING_TIMEOUT: Duration = Duration::from_secs(20);
/// A peer must have called once by then: before HTTP/2 has begun nobody can ping it.
const FIRST_CALL_TIMEOUT: Duration = Duration::from_mins(1);

/// Serves until `stop`, then lets the calls under way end.
pub async fn serve(
    listener: TcpListener,
    tls: Option<Arc<ServerTls>>,
    service: Collector,
    stop: CancellationToken,
) {
    accept_loop(listener, tls, LIMITS, service, stop).await;
}

impl Serve for Collector {
    async fn connection(self, socket: Box<dyn Socket>, stop: CancellationToken) {
        let called = CancellationToken::new();
        let note = called.clone();
        let service = service_fn(move |request| {
            note.cancel();
            self.call(request)
        });
        let connection = hyper::server::conn::http2::Builder::new(TokioExecutor::new())
            .timer(TokioTimer::new())
            .max_concurrent_streams(STREAMS_MAX)
            .initial_stream_window_size(STREAM_WINDOW_BYTES)
            .initial_connection_window_size(CONNECTION_WINDOW_BYTES)
            .max_header_list_size(HEADERS_BYTES_MAX)
            .keep_alive_interval(PING_PERIOD)
            .keep_alive_timeout(PING_TIMEOUT)
            .serve_connection(TokioIo::new(socket), service);
        tokio::pin!(connection);
        let ended = tokio::select! {
            biased;
            ended = connection.as_mut() => ended,
            () = is_silent(&called, &stop) => {
                tracing::debug!("connection without a call closed");
                return;
            }
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
        let code = match error.kind() {
            io::ErrorKind::TimedOut => "DeadlineExceeded",
            _ => "Unauthenticated",
        };
        self.refused_connection(code, error);
    }
}

/// Ends when the peer has not called in time, or not before the stop; never once it has.
async fn is_silent(called: &CancellationToken, stop: &CancellationToken) {
    tokio::select! {
        biased;
        () = called.cancelled() => std::future::pending().await,
        () = stop.cancelled() => {}
        () = sleep(FIRST_CALL_TIMEOUT) => {}
    }
}
