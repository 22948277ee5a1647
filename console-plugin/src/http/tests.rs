#![allow(clippy::unwrap_used, reason = "tests")]

use axum::routing::get;
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};

use super::*;

const DEADLINE: Duration = Duration::from_mins(1);

/// A server with one place and an answer that no socket's buffers hold.
async fn one_place(timeouts: Timeouts) -> (SocketAddr, CancellationToken) {
    let listener = listen("127.0.0.1", 0, "test", "none").await.unwrap();
    let address = listener.address();
    let router = Router::new()
        .route("/small", get(|| async { "here" }))
        .route("/large", get(|| async { vec![b'x'; 64 << 20] }));
    let shutdown = CancellationToken::new();
    tokio::spawn(serve_with(
        listener,
        None,
        router,
        1,
        timeouts,
        Metrics::new(|_| {}),
        shutdown.clone(),
    ));
    (address, shutdown)
}

async fn is_answered(address: SocketAddr) {
    let asked = async {
        let mut stream = TcpStream::connect(address).await.unwrap();
        let request = b"GET /small HTTP/1.1\r\nhost: x\r\nconnection: close\r\n\r\n";
        stream.write_all(request).await.unwrap();
        let mut text = String::new();
        stream.read_to_string(&mut text).await.unwrap();
        assert!(text.ends_with("here"), "{text}");
    };
    tokio::time::timeout(DEADLINE, asked).await.unwrap();
}

#[tokio::test]
async fn a_connection_that_says_nothing_gives_its_place_back() {
    let (address, shutdown) = one_place(Timeouts {
        idle: Duration::from_millis(100),
        ..TIMEOUTS
    })
    .await;
    let _silent = TcpStream::connect(address).await.unwrap();
    is_answered(address).await;
    shutdown.cancel();
}

#[tokio::test]
async fn a_client_that_does_not_read_gives_its_place_back() {
    let (address, shutdown) = one_place(Timeouts {
        stalled: Duration::from_millis(100),
        ..TIMEOUTS
    })
    .await;
    let mut deaf = TcpStream::connect(address).await.unwrap();
    let request = b"GET /large HTTP/1.1\r\nhost: x\r\n\r\n";
    deaf.write_all(request).await.unwrap();
    is_answered(address).await;
    shutdown.cancel();
}
