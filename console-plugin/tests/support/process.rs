//! The built binary as a process of its own.
//!
//! **Invariant:** everything goes through its command line, its log, its ports and signals.

use std::io::{self, BufRead as _, BufReader};
use std::net::SocketAddr;
use std::process::{Child, Command, Output, Stdio};
use std::time::{Duration, Instant};

use http::{Method, Request, StatusCode};
use http_body_util::{BodyExt as _, Full};
use hyper_util::rt::TokioIo;

/// Longer than a loaded machine needs for anything here.
pub const DEADLINE: Duration = Duration::from_mins(2);

/// Runs it to its end.
pub fn run(arguments: &[&str]) -> Output {
    Command::new(env!("CARGO_BIN_EXE_plugin-backend"))
        .args(arguments)
        .output()
        .unwrap()
}

/// Waits for a condition; whether it came true in time.
pub fn comes_true(is_so: impl Fn() -> bool) -> bool {
    let started = Instant::now();
    while !is_so() && started.elapsed() < DEADLINE {
        std::thread::yield_now();
    }
    is_so()
}

/// A backend that serves. It is killed when the test ends early.
pub struct Backend {
    child: Child,
    pub page: SocketAddr,
    pub push: SocketAddr,
}

impl Backend {
    /// Starts it and waits until it says where it serves.
    pub fn start(config: &str) -> Self {
        let mut child = Command::new(env!("CARGO_BIN_EXE_plugin-backend"))
            .args(["-config", config])
            .stderr(Stdio::piped())
            .spawn()
            .unwrap();
        let mut log = BufReader::new(child.stderr.take().unwrap());
        let mut line = String::new();
        while !line.contains("serving") {
            line.clear();
            assert_ne!(log.read_line(&mut line).unwrap(), 0, "it does not serve");
        }
        // What it says later must not fill the pipe.
        std::thread::spawn(move || io::copy(&mut log, &mut io::sink()));
        let address = |name: &str| {
            let (_, rest) = line.split_once(name).unwrap();
            rest.split_whitespace().next().unwrap().parse().unwrap()
        };
        Self {
            page: address("page="),
            push: address("push="),
            child,
        }
    }

    /// Kills it, with no time to do anything.
    pub fn kill(&mut self) {
        self.child.kill().unwrap();
        self.child.wait().unwrap();
    }

    /// Asks it to stop and waits until it has.
    pub fn stop(mut self) {
        let process = self.child.id().to_string();
        let asked = Command::new("kill").arg(process).status().unwrap();
        assert!(asked.success());
        let status = self.child.wait().unwrap();
        assert_eq!(status.code(), Some(0));
    }
}

impl Drop for Backend {
    fn drop(&mut self) {
        // It may have ended already.
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// One request on a connection of its own; an error when the server is gone before it has answered.
pub fn exchange(
    address: SocketAddr,
    method: Method,
    path: &str,
    body: String,
) -> Result<(StatusCode, String), Box<dyn std::error::Error>> {
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()?;
    runtime.block_on(async {
        let stream = tokio::net::TcpStream::connect(address).await?;
        let (mut sender, connection) =
            hyper::client::conn::http1::handshake(TokioIo::new(stream)).await?;
        tokio::spawn(connection);
        let request = Request::builder()
            .method(method)
            .uri(path)
            .header("host", "localhost")
            .header("content-type", "application/json")
            .body(Full::<bytes::Bytes>::from(body))?;
        let (head, body) = sender.send_request(request).await?.into_parts();
        let body = body.collect().await?.to_bytes();
        Ok((head.status, String::from_utf8_lossy(&body).into_owned()))
    })
}
