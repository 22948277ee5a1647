//! A whole console in this process, on free ports and a folder of its own.
//!
//! **Invariant:** what it is sent by tests is what any client could send; nothing is reached inside.

#![allow(
    clippy::needless_pass_by_value,
    reason = "calls with json!() read best so"
)]

use std::net::SocketAddr;

use http::{HeaderMap, Request, StatusCode};
use http_body_util::{BodyExt as _, Full};
use hyper_util::rt::TokioIo;
use plugin_backend::app::App;
use plugin_backend::config;
use serde_json::{Value, json};
use tempfile::TempDir;

pub struct Console {
    pub app: App,
    pub folder: TempDir,
}

pub struct Answer {
    pub status: StatusCode,
    pub headers: HeaderMap,
    pub body: String,
}

impl Answer {
    pub fn json(&self) -> Value {
        serde_json::from_str(&self.body).unwrap_or_else(|_| panic!("no JSON: {}", self.body))
    }

    pub fn message(&self) -> String {
        self.json()["message"]
            .as_str()
            .unwrap_or_default()
            .to_owned()
    }

    pub fn header(&self, name: &str) -> &str {
        self.headers
            .get(name)
            .map_or("", |value| value.to_str().unwrap())
    }
}

impl Console {
    /// On loopback, for everybody.
    pub async fn start() -> Self {
        Self::start_with("address: 127.0.0.1, authCheck: none", "").await
    }

    /// With keys of `server` and further text of the configuration.
    pub async fn start_with(server: &str, more: &str) -> Self {
        Self::start_keeping(server, "168h", more).await
    }

    /// With an age of retention too.
    pub async fn start_keeping(server: &str, age: &str, more: &str) -> Self {
        Self::start_in(tempfile::tempdir().unwrap(), server, age, more).await
    }

    /// In a folder whose `store` may hold something.
    pub async fn start_in(folder: TempDir, server: &str, age: &str, more: &str) -> Self {
        let pages = folder.path().join("dist");
        std::fs::create_dir_all(&pages).unwrap();
        std::fs::write(pages.join("index.html"), "<html>page</html>").unwrap();
        let text = format!(
            "server: {{port: 0, metricsPort: 0, metricsAddress: 127.0.0.1, staticPath: {pages}, {server}}}\n\
             store: {{path: {store}, listen: \"127.0.0.1:0\", retention: {{age: {age}}}}}\n{more}",
            pages = pages.display(),
            store = folder.path().join("store").display(),
        );
        let loaded = config::parse("test.yaml", &text).unwrap();
        Self {
            app: App::start(loaded.config).await.unwrap(),
            folder,
        }
    }

    /// Where the page's files are.
    pub fn pages(&self) -> std::path::PathBuf {
        self.folder.path().join("dist")
    }

    pub async fn get(&self, path: &str) -> Answer {
        self.send(Request::get(path).header("host", "localhost"), "")
            .await
    }

    /// With the bytes of the body, which need not be text.
    pub async fn send_for_bytes(&self, request: http::request::Builder) -> (Answer, bytes::Bytes) {
        exchange_bytes(self.page(), request.body(Full::default()).unwrap()).await
    }

    pub async fn send(&self, request: http::request::Builder, body: &str) -> Answer {
        exchange(
            self.page(),
            request.body(Full::from(body.to_owned())).unwrap(),
        )
        .await
    }

    pub fn page(&self) -> SocketAddr {
        SocketAddr::from(([127, 0, 0, 1], self.app.page.port()))
    }

    /// The text of the metrics port.
    pub async fn metrics(&self) -> String {
        exchange(
            self.app.metrics,
            Request::get("/metrics")
                .header("host", "localhost")
                .body(Full::default())
                .unwrap(),
        )
        .await
        .body
    }

    /// Sends a push as a Loki writer's protobuf.
    pub async fn push_bytes(&self, body: Vec<u8>) -> StatusCode {
        let request = Request::post("/loki/api/v1/push")
            .header("host", "localhost")
            .header("content-type", "application/x-protobuf");
        exchange(self.app.push, request.body(Full::from(body)).unwrap())
            .await
            .status
    }

    /// Sends a request to the port for pushes or that for metrics.
    pub async fn send_to(&self, address: SocketAddr, request: http::request::Builder) -> Answer {
        exchange(address, request.body(Full::default()).unwrap()).await
    }

    /// Pushes flows; label fields are split off as a Loki writer does.
    pub async fn push(&self, flows: &[Value]) {
        const LABELS: [&str; 8] = [
            "SrcK8S_Namespace",
            "DstK8S_Namespace",
            "SrcK8S_Type",
            "DstK8S_Type",
            "SrcK8S_OwnerName",
            "DstK8S_OwnerName",
            "FlowDirection",
            "_RecordType",
        ];
        let streams: Vec<Value> = flows
            .iter()
            .map(|flow| {
                let mut line = flow.as_object().unwrap().clone();
                let mut labels = json!({"app": "netobserv-flowcollector"});
                for label in LABELS {
                    if let Some(value) = line.remove(label) {
                        labels[label] = value.as_str().map_or(value.to_string(), str::to_owned).into();
                    }
                }
                let time = line["TimeFlowEndMs"].as_i64().unwrap() * 1_000_000;
                json!({"stream": labels, "values": [[time.to_string(), Value::Object(line).to_string()]]})
            })
            .collect();
        let request = Request::post("/loki/api/v1/push")
            .header("host", "localhost")
            .header("content-type", "application/json");
        let body = json!({ "streams": streams }).to_string();
        let answer = exchange(self.app.push, request.body(Full::from(body)).unwrap()).await;
        assert_eq!(answer.status, StatusCode::NO_CONTENT, "{}", answer.body);
    }
}

/// A second ten minutes ago: new enough to be kept, old enough to be whole.
pub fn base_s() -> i64 {
    let now = std::time::SystemTime::now()
        .duration_since(std::time::UNIX_EPOCH)
        .unwrap();
    (now.as_secs() as i64 - 600) / 60 * 60
}

/// A flow that ended `after_ms` after a second, with further fields.
pub fn flow(second: i64, after_ms: i64, fields: Value) -> Value {
    let end = second * 1000 + after_ms;
    let mut flow = json!({
        "TimeFlowStartMs": end - 10, "TimeFlowEndMs": end, "TimeReceived": end / 1000,
        "SrcAddr": "10.0.0.1", "DstAddr": "10.0.0.2", "SrcPort": 40000, "DstPort": 443, "Proto": 6,
        "Bytes": 100, "Packets": 1,
    });
    for (name, value) in fields.as_object().unwrap() {
        flow[name] = value.clone();
    }
    flow
}

/// Percent-encodes everything, twice, as pages do with filters.
pub fn encode_twice(text: &str) -> String {
    encode(&encode(text))
}

/// Percent-encodes everything.
pub fn encode(text: &str) -> String {
    text.bytes().fold(String::new(), |encoded, byte| {
        format!("{encoded}%{byte:02X}")
    })
}

async fn exchange(address: SocketAddr, request: Request<Full<bytes::Bytes>>) -> Answer {
    exchange_bytes(address, request).await.0
}

async fn exchange_bytes(
    address: SocketAddr,
    request: Request<Full<bytes::Bytes>>,
) -> (Answer, bytes::Bytes) {
    let stream = tokio::net::TcpStream::connect(address).await.unwrap();
    let (mut sender, connection) = hyper::client::conn::http1::handshake(TokioIo::new(stream))
        .await
        .unwrap();
    let connection = tokio::spawn(connection);
    let (head, body) = sender.send_request(request).await.unwrap().into_parts();
    let body = body.collect().await.unwrap().to_bytes();
    connection.abort();
    let answer = Answer {
        status: head.status,
        headers: head.headers,
        body: String::from_utf8_lossy(&body).into_owned(),
    };
    (answer, body)
}
