//! The one method of the service: `/pbflow.Collector/Send`.
//!
//! **Invariant:** the memory of messages under way is bounded by `bufferLength` messages of `messageBytesMax`, and a
//! message takes part of it only from the moment its length is known; every refusal is counted with its gRPC code.

use std::convert::Infallible;
use std::future::Future;
use std::pin::Pin;
use std::sync::Arc;
use std::time::Duration;

use bytes::{Bytes, BytesMut};
use http_body_util::{BodyExt, Full, LengthLimitError, Limited};
use hyper::body::Incoming;
use tokio::sync::{Semaphore, SemaphorePermit};
use tokio::time::timeout;
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
/// An agent must have sent the length of its message by then, and from the moment there is room the message.
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

    /// Calls under way are the queue of this stage; each holds one more reference than this and the service.
    fn show_calls(&self, calls: &Arc<()>) {
        let calls = Arc::clone(calls);
        let under_way = Reading::new(move || Some(Arc::strong_count(&calls) as f64 - 2.0));
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
    calls: Arc<()>,
    /// A permit for each byte of a message that there is room for.
    room: Semaphore,
    message_bytes_max: usize,
    metrics: Metrics,
}

impl Collector {
    /// A service that sends into `inlet`.
    pub fn new(settings: Settings, inlet: Inlet) -> Self {
        let Settings {
            messages_max,
            message_bytes_max,
            metrics,
        } = settings;
        let bytes = messages_max.saturating_mul(message_bytes_max);
        let calls = Arc::new(());
        metrics.show_calls(&calls);
        Self(Arc::new(Shared {
            inlet,
            calls,
            room: Semaphore::new(bytes.min(Semaphore::MAX_PERMITS)),
            message_bytes_max,
            metrics,
        }))
    }

    /// Counts a connection that did not come to a call.
    pub fn refused_connection(&self, code: &str, error: &dyn std::error::Error) {
        self.0.metrics.error(code);
        tracing::debug!(%error, "TLS handshake failed");
    }

    /// Answers one call.
    pub fn call(
        &self,
        request: http::Request<Incoming>,
    ) -> impl Future<Output = Result<http::Response<Body>, Infallible>> + Send + use<> {
        let shared = Arc::clone(&self.0);
        async move {
            let _call = Arc::clone(&shared.calls);
            let response = match shared.receive(request).await {
                Ok((request, _room)) => {
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
        }
    }
}

impl Shared {
    /// Reads the whole request, bounded in size and time; its room is held as long as the message.
    async fn receive(
        &self,
        request: http::Request<Incoming>,
    ) -> Result<(http::Request<Full<Bytes>>, SemaphorePermit<'_>), Status> {
        if request.uri().path() != SEND {
            return Err(Status::unimplemented(
                "the only method here is /pbflow.Collector/Send",
            ));
        }
        let (parts, body) = request.into_parts();
        let mut body = Limited::new(body, self.message_bytes_max + FRAME_HEADER_BYTES);
        let mut bytes = BytesMut::new();
        self.read(&mut body, &mut bytes, FRAME_HEADER_BYTES).await?;
        let length = bytes
            .first_chunk()
            .map_or(0, |[_, length @ ..]: &[u8; FRAME_HEADER_BYTES]| {
                u32::from_be_bytes(*length)
            });
        let whole = length as usize + FRAME_HEADER_BYTES;
        if length as usize > self.message_bytes_max {
            return Err(self.too_large());
        }
        // Who waits here is slowed down by HTTP/2 and asks nothing of us; the semaphore is never closed.
        let room = self.room.acquire_many(length).await;
        let room = room.map_err(|closed| Status::unavailable(closed.to_string()))?;
        bytes.reserve(whole.saturating_sub(bytes.len()));
        self.read(&mut body, &mut bytes, usize::MAX).await?;
        if bytes.len() > whole {
            return Err(Status::invalid_argument("more than one message in a call"));
        }
        let body = Full::new(bytes.freeze());
        Ok((http::Request::from_parts(parts, body), room))
    }

    /// Reads on until there are so many bytes, or the body ends.
    async fn read(
        &self,
        body: &mut Limited<Incoming>,
        bytes: &mut BytesMut,
        at_least: usize,
    ) -> Result<(), Status> {
        let read = async {
            while bytes.len() < at_least
                && let Some(frame) = body.frame().await
            {
                let frame = frame.map_err(|error| {
                    if error.is::<LengthLimitError>() {
                        self.too_large()
                    } else {
                        Status::cancelled(error.to_string())
                    }
                })?;
                if let Ok(data) = frame.into_data() {
                    bytes.extend_from_slice(&data);
                }
            }
            Ok(())
        };
        timeout(BODY_TIMEOUT, read)
            .await
            .unwrap_or_else(|_| Err(Status::deadline_exceeded("message did not arrive in time")))
    }

    fn too_large(&self) -> Status {
        let limit = self.message_bytes_max;
        // The agent's exporter knows these words, and then cuts its message.
        Status::resource_exhausted(format!("message too large: more than {limit} bytes"))
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
        let mut flows = 0;
        for batch in &batches {
            flows += batch.len() as u64;
            self.observe_latency(batch, now);
        }
        // All or nothing: the sender of a call that ends before repeats the whole message.
        let sent = self.inlet.send(batches).await;
        sent.map_err(|closed| Status::unavailable(format!("{closed}: send again")))?;
        self.metrics.flows.add(flows);
        self.metrics.malformed.add(skipped);
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
async fn decode(message: &[u8], now: i64) -> Result<(Vec<Arc<Batch>>, u64), protobuf::Malformed> {
    let mut decoder = Decoder::new(message, now);
    let mut batches = Vec::new();
    while let Some(batch) = decoder.next_batch()? {
        batches.push(Arc::new(batch));
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
