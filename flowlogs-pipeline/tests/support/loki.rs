//! A Loki that takes pushes as the real one does and answers what a test wants.
//!
//! It refuses what Loki would refuse: another method, path, content type, a body that is not snappy or protobuf,
//! labels that do not parse, a timestamp out of protobuf's range.
#![allow(
    clippy::unwrap_used,
    dead_code,
    reason = "tests; each test file uses a part of it"
)]

use std::collections::VecDeque;
use std::convert::Infallible;
use std::net::SocketAddr;
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

use bytes::Bytes;
use flowlogs_pipeline::model::{Batch, Record, Value};
use http_body_util::{BodyExt, Full};
use hyper::body::Incoming;
use hyper::service::service_fn;
use hyper::{HeaderMap, Request, Response, StatusCode};
use hyper_util::rt::TokioIo;
use prost::Message;
use serde_json::{Value as Json, json};
use tokio::net::TcpListener;
use tokio_rustls::TlsAcceptor;

/// No test waits longer than this for something to happen.
pub const PATIENCE: Duration = Duration::from_mins(1);

#[derive(Clone, PartialEq, Message)]
pub struct PushRequest {
    #[prost(message, repeated, tag = "1")]
    pub streams: Vec<Stream>,
}

#[derive(Clone, PartialEq, Message)]
pub struct Stream {
    #[prost(string, tag = "1")]
    pub labels: String,
    #[prost(message, repeated, tag = "2")]
    pub entries: Vec<Entry>,
}

#[derive(Clone, PartialEq, Message)]
pub struct Entry {
    #[prost(message, optional, tag = "1")]
    pub timestamp: Option<prost_types::Timestamp>,
    #[prost(string, tag = "2")]
    pub line: String,
}

/// What the fake does with the next push; 204 when nothing is planned.
#[derive(Clone, Copy, Debug)]
pub enum Answer {
    Status(u16),
    /// Takes the body and never answers.
    Hang,
    /// Takes the body and closes the connection.
    Reset,
}

/// One push as it came.
#[derive(Clone, Debug)]
pub struct Pushed {
    pub headers: HeaderMap,
    pub request: PushRequest,
    pub answer: u16,
    pub at: Instant,
    /// Which connection it came over.
    pub connection: usize,
}

#[derive(Default)]
struct State {
    plan: VecDeque<Answer>,
    pushed: Vec<Pushed>,
    mistakes: Vec<String>,
}

#[derive(Clone)]
pub struct FakeLoki {
    pub address: SocketAddr,
    state: Arc<Mutex<State>>,
}

impl FakeLoki {
    pub async fn start() -> Self {
        Self::start_with(None).await
    }

    pub async fn start_with(tls: Option<TlsAcceptor>) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        Self::start_on(listener, tls)
    }

    pub fn start_on(listener: TcpListener, tls: Option<TlsAcceptor>) -> Self {
        let fake = Self {
            address: listener.local_addr().unwrap(),
            state: Arc::default(),
        };
        let state = Arc::clone(&fake.state);
        tokio::spawn(async move {
            for connection in 0.. {
                let (stream, _) = listener.accept().await.unwrap();
                let (state, tls) = (Arc::clone(&state), tls.clone());
                tokio::spawn(async move {
                    match tls {
                        None => serve(stream, state, connection).await,
                        Some(tls) => {
                            if let Ok(stream) = tls.accept(stream).await {
                                serve(stream, state, connection).await;
                            }
                        }
                    }
                });
            }
        });
        fake
    }

    pub fn url(&self) -> String {
        format!("http://{}", self.address)
    }

    /// What the next pushes get.
    pub fn plan(&self, answers: &[Answer]) {
        self.state.lock().unwrap().plan.extend(answers);
    }

    pub fn pushed(&self) -> Vec<Pushed> {
        self.state.lock().unwrap().pushed.clone()
    }

    /// What a real Loki would have complained about.
    pub fn mistakes(&self) -> Vec<String> {
        self.state.lock().unwrap().mistakes.clone()
    }

    /// All accepted lines with their labels, in order of arrival.
    pub fn lines(&self) -> Vec<(String, String)> {
        let accepted = self
            .pushed()
            .into_iter()
            .filter(|pushed| pushed.answer == 204);
        accepted
            .flat_map(|pushed| pushed.request.streams)
            .flat_map(|stream| {
                let labels = stream.labels;
                stream
                    .entries
                    .into_iter()
                    .map(move |entry| (labels.clone(), entry.line))
            })
            .collect()
    }
}

/// Polls until `is_done`, for a test that runs outside a runtime.
pub fn wait_until(what: &str, mut is_done: impl FnMut() -> bool) {
    let deadline = Instant::now() + PATIENCE;
    while !is_done() {
        assert!(Instant::now() < deadline, "waited in vain until {what}");
        std::thread::park_timeout(Duration::from_millis(5));
    }
}

/// A record with these fields, of the types JSON has.
pub fn record(fields: &Json) -> Record {
    let mut record = Record::new();
    for (name, value) in fields.as_object().unwrap() {
        record.set(&name.as_str().into(), Value::from_json(value.clone()));
    }
    record
}

/// Flows whose `Bytes` are the numbers of the range.
pub fn flows(range: std::ops::Range<u64>) -> Batch {
    let flow = |number| json!({"Bytes": number, "SrcK8S_Namespace": "shop", "TimeFlowEndMs": 1_704_164_647_006_u64});
    range
        .map(|number| record(&flow(number)))
        .collect::<Vec<_>>()
        .into()
}

async fn serve<S>(stream: S, state: Arc<Mutex<State>>, connection: usize)
where
    S: tokio::io::AsyncRead + tokio::io::AsyncWrite + Unpin,
{
    let service = service_fn(move |request| answer(request, Arc::clone(&state), connection));
    // A planned reset ends it with an error.
    let _ = hyper::server::conn::http1::Builder::new()
        .serve_connection(TokioIo::new(stream), service)
        .await;
}

async fn answer(
    request: Request<Incoming>,
    state: Arc<Mutex<State>>,
    connection: usize,
) -> Result<Response<Full<Bytes>>, std::io::Error> {
    let mut mistakes = Vec::new();
    if request.method() != "POST" || request.uri().path() != "/loki/api/v1/push" {
        mistakes.push(format!("{} {}", request.method(), request.uri()));
    }
    let headers = request.headers().clone();
    if headers
        .get("content-type")
        .is_none_or(|kind| kind != "application/x-protobuf")
    {
        mistakes.push(format!("content type {:?}", headers.get("content-type")));
    }
    let body = request
        .into_body()
        .collect()
        .await
        .map_err(std::io::Error::other)?
        .to_bytes();
    let request = read(&body).unwrap_or_else(|mistake| {
        mistakes.push(mistake);
        PushRequest::default()
    });
    for stream in &request.streams {
        if let Err(mistake) = check_labels(&stream.labels) {
            mistakes.push(format!("{mistake} in {}", stream.labels));
        }
        if stream.entries.is_empty() || stream.entries.iter().any(|entry| !is_time(entry)) {
            mistakes.push(format!("entries of {}", stream.labels));
        }
    }
    let planned = {
        let mut state = state.lock().unwrap();
        let planned = state.plan.pop_front().unwrap_or(Answer::Status(204));
        let answer = match planned {
            Answer::Status(status) if mistakes.is_empty() => status,
            Answer::Status(_) => 400,
            Answer::Hang | Answer::Reset => 0,
        };
        state.mistakes.append(&mut mistakes);
        state.pushed.push(Pushed {
            headers,
            request,
            answer,
            at: Instant::now(),
            connection,
        });
        match planned {
            Answer::Status(_) => Answer::Status(answer),
            other => other,
        }
    };
    match planned {
        Answer::Status(status) => {
            let mut response = Response::new(Full::new(Bytes::from_static(b"because\n")));
            *response.status_mut() = StatusCode::from_u16(status).unwrap();
            Ok(response)
        }
        Answer::Hang => std::future::pending::<Result<_, Infallible>>()
            .await
            .map_err(|never| match never {}),
        Answer::Reset => Err(std::io::ErrorKind::ConnectionReset.into()),
    }
}

fn read(body: &[u8]) -> Result<PushRequest, String> {
    let message = snap::raw::Decoder::new()
        .decompress_vec(body)
        .map_err(|error| format!("snappy: {error}"))?;
    PushRequest::decode(&*message).map_err(|error| format!("protobuf: {error}"))
}

fn is_time(entry: &Entry) -> bool {
    entry
        .timestamp
        .as_ref()
        .is_some_and(|time| time.seconds > 0 && (0..1_000_000_000).contains(&time.nanos))
}

/// `{name="quoted", …}`, names valid, sorted and different.
fn check_labels(text: &str) -> Result<(), &'static str> {
    let mut rest = text.strip_prefix('{').ok_or("no opening bracket")?;
    let mut last = "";
    while rest != "}" {
        let (name, after) = rest.split_once("=\"").ok_or("no value")?;
        let is_name = |name: &str| {
            name.bytes()
                .all(|byte| byte == b'_' || byte.is_ascii_alphanumeric())
                && name
                    .bytes()
                    .next()
                    .is_some_and(|first| !first.is_ascii_digit())
        };
        if !is_name(name) || name <= last {
            return Err("a name is invalid or not in order");
        }
        last = name;
        let mut is_escaped = false;
        let end = after
            .find(|letter| {
                let is_end = letter == '"' && !is_escaped;
                is_escaped = letter == '\\' && !is_escaped;
                is_end
            })
            .ok_or("no closing quote")?;
        rest = &after[end + 1..];
        rest = rest.strip_prefix(", ").unwrap_or(rest);
    }
    Ok(())
}
