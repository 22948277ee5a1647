//! The one method of the service: `/pbflow.Collector/Send`.
//!
//! **Invariant:** the memory of calls under way is bounded by `bufferLength` messages of `messageBytesMax`; every
//! refusal is counted with its gRPC code.

use std::convert::Infallible;
use std::future::Future;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll};
use std::time::Duration;

use bytes::Bytes;
use http_body_util::{BodyExt, Full, Limited};
use hyper::body::Incoming;
use tokio::sync::Semaphore;
use tonic::body::Body;
use tonic::server::{Grpc, UnaryService};
use tonic::{Code, Request, Response, Status};

use super::codec::RawCodec;
use crate::ingest::protobuf::Decoder;
use crate::ingest::{now_milliseconds, protobuf};
use crate::metrics::operational::{
    INGEST_BATCH_SIZE_BYTES, INGEST_ERRORS, INGEST_FLOWS_PROCESSED, INGEST_LATENCY_MS,
    STAGE_DURATION_MS, STAGE_IN_QUEUE_SIZE,
};
use crate::metrics::{Counter, Histogram, Operational, Reading, Summary};
use crate::model::{Batch, Field};
use crate::topology::Inlet;

const SEND: &str = "/pbflow.Collector/Send";
/// Before each message gRPC puts a flag and the length.
const FRAME_HEADER_BYTES: usize = 5;
/// An agent must have sent its message by then.
const BODY_TIMEOUT: Duration = Duration::from_secs(30);

/// What the service is made of.
pub struct Settings {
    pub messages_max: usize,
    pub message_bytes_max: usize,
    pub metrics: Metrics,
}

/// The ingester's metrics.
pub struct Metrics {
    stage: String,
    operational: Operational,
    flows: Counter,
    latency: Histogram,
    batch_bytes: Summary,
    duration: Histogram,
    malformed: Counter,
}

impl Metrics {
    /// The cells of the stage.
    pub fn new(operational: &Operational, stage: &str) -> Self {
        Self {
            stage: stage.to_owned(),
            operational: operational.clone(),
            flows: operational.counter(&INGEST_FLOWS_PROCESSED, &[stage]),
            latency: operational.histogram(&INGEST_LATENCY_MS, &[stage]),
            batch_bytes: operational.summary(&INGEST_BATCH_SIZE_BYTES, &[stage]),
            duration: operational.histogram(&STAGE_DURATION_MS, &[stage]),
            malformed: operational.records_dropped(stage, "malformed"),
        }
    }

    /// Calls under way are the queue of this stage.
    fn show_calls(&self, permits: &Arc<Semaphore>, messages_max: usize) {
        let permits = Arc::clone(permits);
        let under_way =
            Reading::new(move || Some((messages_max - permits.available_permits()) as f64));
        self.operational
            .reading(&STAGE_IN_QUEUE_SIZE, &[&self.stage], under_way);
    }

    fn error(&self, code: &str) {
        self.operational
            .counter(&INGEST_ERRORS, &[&self.stage, "grpc", code])
            .inc();
    }
}

/// The service; clones share everything.
#[derive(Clone)]
pub struct Collector(Arc<Shared>);

struct Shared {
    inlet: Inlet,
    permits: Arc<Semaphore>,
    message_bytes_max: usize,
    metrics: Metrics,
}

impl Collector {
    /// A service that sends into `inlet`.
    pub fn new(settings: Settings, inlet: Inlet) -> Self {
        let messages_max = settings.messages_max.min(Semaphore::MAX_PERMITS);
        let permits = Arc::new(Semaphore::new(messages_max));
        settings.metrics.show_calls(&permits, messages_max);
        Self(Arc::new(Shared {
            inlet,
            permits,
            message_bytes_max: settings.message_bytes_max,
            metrics: settings.metrics,
        }))
    }

    /// Counts a connection that did not come to a call.
    pub fn refused_connection(&self, code: &str, error: &dyn std::error::Error) {
        self.0.metrics.error(code);
        tracing::debug!(%error, "TLS handshake failed");
    }
}

impl tower::Service<http::Request<Incoming>> for Collector {
    type Response = http::Response<Body>;
    type Error = Infallible;
    type Future = Pin<Box<dyn Future<Output = Result<Self::Response, Infallible>> + Send>>;

    fn poll_ready(&mut self, _: &mut Context<'_>) -> Poll<Result<(), Infallible>> {
        Poll::Ready(Ok(()))
    }

    fn call(&mut self, request: http::Request<Incoming>) -> Self::Future {
        let shared = Arc::clone(&self.0);
        Box::pin(async move {
            // Never closed, so that there is always a permit in the end.
            let _permit = shared.permits.acquire().await;
            let response = match shared.receive(request).await {
                Ok(request) => {
                    let limit = shared.message_bytes_max;
                    let mut grpc = Grpc::new(RawCodec).max_decoding_message_size(limit);
                    grpc.unary(SendMethod(Arc::clone(&shared)), request).await
                }
                Err(status) => status.into_http(),
            };
            if let Some(status) =
                Status::from_header_map(response.headers()).filter(|s| s.code() != Code::Ok)
            {
                shared.metrics.error(code_name(status.code()));
                tracing::debug!(%status, "call refused");
            }
            Ok(response)
        })
    }
}

impl Shared {
    /// Reads the whole request, bounded in size and time.
    async fn receive(
        &self,
        request: http::Request<Incoming>,
    ) -> Result<http::Request<Full<Bytes>>, Status> {
        if request.uri().path() != SEND {
            return Err(Status::unimplemented(
                "the only method here is /pbflow.Collector/Send",
            ));
        }
        let (parts, body) = request.into_parts();
        let body = Limited::new(body, self.message_bytes_max + FRAME_HEADER_BYTES);
        let body = match tokio::time::timeout(BODY_TIMEOUT, body.collect()).await {
            Ok(Ok(body)) => body.to_bytes(),
            Ok(Err(error)) if error.is::<http_body_util::LengthLimitError>() => {
                let limit = self.message_bytes_max;
                return Err(Status::resource_exhausted(format!(
                    "message is larger than {limit} bytes"
                )));
            }
            Ok(Err(error)) => return Err(Status::cancelled(error.to_string())),
            Err(_) => return Err(Status::deadline_exceeded("message did not arrive in time")),
        };
        Ok(http::Request::from_parts(parts, Full::new(body)))
    }

    /// Decodes a message as a whole, then hands its records on.
    async fn send(&self, message: Bytes) -> Result<(), Status> {
        let start = std::time::Instant::now();
        let now = now_milliseconds();
        let (batches, skipped) = decode(&message, now / 1000).await.map_err(|error| {
            let next = "the sender must speak pbflow.Records";
            Status::invalid_argument(format!("{error}; {next}"))
        })?;
        self.metrics.batch_bytes.observe(message.len() as f64);
        drop(message);
        self.metrics.malformed.add(skipped);
        for batch in batches {
            self.metrics.flows.add(batch.len() as u64);
            self.observe_latency(&batch, now);
            self.inlet.send(batch).await;
        }
        self.metrics
            .duration
            .observe(start.elapsed().as_secs_f64() * 1e3);
        Ok(())
    }

    fn observe_latency(&self, batch: &Batch, now: i64) {
        let ends = batch.records.iter().filter_map(|record| {
            record
                .field(Field::TimeFlowEndMs)
                .and_then(crate::model::ValueRef::as_integer)
        });
        self.metrics
            .latency
            .observe_all(ends.map(|end| now.saturating_sub(end) as f64 / 1e3));
    }
}

/// Gives way to other tasks between batches: each takes some 100 µs.
async fn decode(message: &[u8], now: i64) -> Result<(Vec<Batch>, u64), protobuf::Malformed> {
    let mut decoder = Decoder::new(message, now);
    let mut batches = Vec::new();
    while let Some(batch) = decoder.next_batch()? {
        batches.push(batch);
        tokio::task::yield_now().await;
    }
    Ok((batches, decoder.skipped()))
}

struct SendMethod(Arc<Shared>);

impl UnaryService<Bytes> for SendMethod {
    type Response = ();
    type Future = Pin<Box<dyn Future<Output = Result<Response<()>, Status>> + Send>>;

    fn call(&mut self, request: Request<Bytes>) -> Self::Future {
        let shared = Arc::clone(&self.0);
        Box::pin(async move { shared.send(request.into_inner()).await.map(Response::new) })
    }
}

/// The names that gRPC libraries in Go give to codes, as NetObserv's label has them.
const fn code_name(code: Code) -> &'static str {
    match code {
        Code::Ok => "OK",
        Code::Cancelled => "Canceled",
        Code::Unknown => "Unknown",
        Code::InvalidArgument => "InvalidArgument",
        Code::DeadlineExceeded => "DeadlineExceeded",
        Code::NotFound => "NotFound",
        Code::AlreadyExists => "AlreadyExists",
        Code::PermissionDenied => "PermissionDenied",
        Code::ResourceExhausted => "ResourceExhausted",
        Code::FailedPrecondition => "FailedPrecondition",
        Code::Aborted => "Aborted",
        Code::OutOfRange => "OutOfRange",
        Code::Unimplemented => "Unimplemented",
        Code::Internal => "Internal",
        Code::Unavailable => "Unavailable",
        Code::DataLoss => "DataLoss",
        Code::Unauthenticated => "Unauthenticated",
    }
}
