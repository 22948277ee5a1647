//! Peers of the gRPC ingester that are slow, silent or greedy: they harm no other and hold no stop up.

use std::convert::Infallible;
use std::net::SocketAddr;
use std::pin::Pin;
use std::task::{Context, Poll};
use std::time::Duration;

use crate::pipeline::Running;
use bytes::Bytes;
use flowlogs_pipeline::ingest::protobuf::pbflow::{Record, Records};
use hyper::body::{Body, Frame};
use hyper::client::conn::http2::SendRequest;
use hyper_util::rt::{TokioExecutor, TokioIo};
use serde_json::json;
use tokio::io::AsyncReadExt as _;
use tokio::net::TcpStream;
use tokio::time::Instant;

/// A body that begins and never ends.
struct Endless(Option<Bytes>);

impl Body for Endless {
    type Data = Bytes;
    type Error = Infallible;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        _: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, Infallible>>> {
        match self.0.take() {
            Some(bytes) => Poll::Ready(Some(Ok(Frame::data(bytes)))),
            None => Poll::Pending,
        }
    }
}

fn start(grpc: &serde_json::Value) -> Running {
    let mut settings = json!({"port": 0, "address": "127.0.0.1"});
    let more = grpc.as_object().unwrap().clone();
    settings.as_object_mut().unwrap().extend(more);
    Running::start(
        &[("none", "grpc")],
        &[
            json!({"name": "grpc", "ingest": {"type": "grpc", "grpc": settings}}),
            json!({"name": "none", "write": {"type": "none"}}),
        ],
    )
}

async fn connect(address: SocketAddr) -> SendRequest<Endless> {
    let stream = TcpStream::connect(address).await.unwrap();
    let (sender, connection) =
        hyper::client::conn::http2::handshake(TokioExecutor::new(), TokioIo::new(stream))
            .await
            .unwrap();
    tokio::spawn(connection);
    sender
}

/// Starts a call whose message begins with these bytes.
fn call(
    sender: &mut SendRequest<Endless>,
    begin: &[u8],
) -> impl Future<Output = hyper::Result<http::Response<hyper::body::Incoming>>> + use<> {
    let begin = (!begin.is_empty()).then(|| Bytes::copy_from_slice(begin));
    let request = http::Request::post("http://pipeline/pbflow.Collector/Send")
        .header("content-type", "application/grpc")
        .header("te", "trailers")
        .body(Endless(begin));
    sender.send_request(request.unwrap())
}

fn flow() -> Records {
    Records {
        entries: vec![Record::default()],
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_peer_that_calls_and_sends_nothing_stops_no_other() {
    // The greatest message, claimed eight times; beyond that a connection may not call.
    let claim = [0, 0, 0, 0x03, 0xe8];
    for (begin, buffer) in [(&[][..], 1), (&claim[..], 9)] {
        let pipeline = start(&json!({"bufferLength": buffer, "messageBytesMax": 1000}));
        let mut sender = connect(pipeline.address.unwrap()).await;
        let calls: Vec<_> = (0..20)
            .map(|_| tokio::spawn(call(&mut sender, begin)))
            .collect();
        pipeline
            .shows("stage_in_queue_size{stage=\"grpc\"}", 8)
            .await;
        pipeline.send(&flow()).await.unwrap();
        for call in calls {
            call.abort();
        }
        drop(sender);
        pipeline.stop().await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_message_that_is_longer_than_it_says_or_than_allowed_is_refused() {
    let pipeline = start(&json!({"messageBytesMax": 1000}));
    let mut sender = connect(pipeline.address.unwrap()).await;
    for (begin, code) in [(&[0, 0, 0, 0x03, 0xe9][..], "8"), (&[0; 1006], "8")] {
        let response = call(&mut sender, begin).await.unwrap();
        assert_eq!(response.headers()["grpc-status"], code);
        // Word for word in the agent's own test of what answers mean: it cuts a message only if it knows the text.
        let status = tonic::Status::from_header_map(response.headers()).unwrap();
        let text = "message too large: more than 1000 bytes";
        assert_eq!(status.message(), text);
    }
    pipeline.stop().await;
}

/// The clock stands still but for what is waited for.
#[tokio::test(start_paused = true)]
async fn a_message_that_does_not_come_is_given_up() {
    let claim = [0, 0, 0, 0, 9, 1];
    for begin in [&[][..], &claim[..]] {
        let pipeline = start(&json!({}));
        let start = Instant::now();
        let mut sender = connect(pipeline.address.unwrap()).await;
        let response = call(&mut sender, begin).await.unwrap();
        assert_eq!(response.headers()["grpc-status"], "4");
        assert_eq!(start.elapsed().as_secs(), 30);
        let refused = "ingest_errors{stage=\"grpc\",type=\"grpc\",code=\"DeadlineExceeded\"}";
        pipeline.shows(refused, 1).await;
    }
}

#[tokio::test(start_paused = true)]
async fn a_connection_without_a_call_is_closed() {
    let pipeline = start(&json!({}));
    let start = Instant::now();
    let mut stream = TcpStream::connect(pipeline.address.unwrap()).await.unwrap();
    let ended = stream.read(&mut [0; 100]).await;
    assert!(start.elapsed() <= Duration::from_secs(61), "{ended:?}");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_silent_connection_does_not_hold_the_stop_up() {
    let pipeline = start(&json!({}));
    let _silent = TcpStream::connect(pipeline.address.unwrap()).await.unwrap();
    // Accepted after the silent one.
    pipeline.send(&flow()).await.unwrap();
    let start = Instant::now();
    pipeline.stop().await;
    // What calls under way would be given.
    assert!(start.elapsed() < Duration::from_secs(10));
}
