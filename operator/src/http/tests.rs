#![allow(clippy::unwrap_used, reason = "tests")]
use std::time::Duration;

use axum::Router;
use axum::routing::get;
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::watch;
use tokio_util::sync::CancellationToken;

use super::parse;
use super::server::Server;

#[test]
fn addresses_are_read_as_go_reads_them() {
    for (text, expected) in [
        (":8081", Some("[::]:8081")),
        ("127.0.0.1:80", Some("127.0.0.1:80")),
        ("localhost:80", Some("127.0.0.1:80")),
        ("[::1]:80", Some("[::1]:80")),
        ("8081", None),
        ("host:80", None),
        (":x", None),
    ] {
        let address = parse(text).map(|address| address.to_string());
        assert_eq!(address.as_deref(), expected, "{text}");
    }
}

/// Long enough for a machine that builds something else meanwhile.
const LIMIT: Duration = Duration::from_secs(30);

/// A server with two connections: `/` answers at once, `/slow` when it is let go on.
struct Small {
    address: std::net::SocketAddr,
    go_on: CancellationToken,
    /// How many slow requests have begun.
    begun: watch::Receiver<usize>,
}

async fn small() -> Small {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    let go_on = CancellationToken::new();
    let held = go_on.clone();
    let (begins, begun) = watch::channel(0);
    let slow = get(async move || {
        begins.send_modify(|begun| *begun += 1);
        held.cancelled().await;
        "at last"
    });
    let server = Server {
        purpose: "test",
        listener,
        tls: None,
        connections_max: 2,
        router: Router::new()
            .route("/", get("at once"))
            .route("/slow", slow),
    };
    tokio::spawn(server.run(CancellationToken::new()));
    Small {
        address,
        go_on,
        begun,
    }
}

impl Small {
    async fn connect(&self) -> TcpStream {
        TcpStream::connect(self.address).await.unwrap()
    }

    async fn ask(&self, path: &str) -> TcpStream {
        let mut stream = self.connect().await;
        let request = format!("GET {path} HTTP/1.1\r\nHost: x\r\n\r\n");
        stream.write_all(request.as_bytes()).await.unwrap();
        stream
    }
}

/// Reads until that text, or until the other side closes.
async fn answer(stream: &mut TcpStream, end: &str) -> String {
    let mut all = String::new();
    let mut part = [0; 1024];
    while !all.contains(end) {
        let read = tokio::time::timeout(LIMIT, stream.read(&mut part));
        match read.await.expect("an answer in time") {
            Ok(0) | Err(_) => break,
            Ok(length) => all.push_str(&String::from_utf8_lossy(&part[..length])),
        }
    }
    all
}

#[tokio::test]
async fn idle_connections_make_room_first_those_that_never_asked() {
    let server = small().await;
    let mut known = server.ask("/").await;
    assert!(answer(&mut known, "at once").await.contains("at once"));
    let mut silent = server.connect().await;
    let mut other = server.ask("/").await;
    assert!(answer(&mut other, "at once").await.contains("at once"));
    assert_eq!(answer(&mut silent, "?").await, "", "it was closed");

    // Of those that asked, the one that has been idle longer.
    let mut third = server.ask("/").await;
    assert!(answer(&mut third, "at once").await.contains("at once"));
    assert_eq!(answer(&mut known, "?").await, "", "it was closed");
    other
        .write_all(b"GET / HTTP/1.1\r\nHost: x\r\n\r\n")
        .await
        .unwrap();
    assert!(answer(&mut other, "at once").await.contains("at once"));
}

#[tokio::test]
async fn requests_that_are_being_answered_are_not_cut_off() {
    let mut server = small().await;
    let mut first = server.ask("/slow").await;
    let mut second = server.ask("/slow").await;
    server.begun.wait_for(|begun| *begun == 2).await.unwrap();
    let mut third = server.ask("/").await;
    server.go_on.cancel();
    for stream in [&mut first, &mut second] {
        assert!(answer(stream, "at last").await.contains("at last"));
    }
    drop((first, second));
    assert!(answer(&mut third, "at once").await.contains("at once"));
}
