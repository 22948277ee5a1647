//! The `prom` stage and its server, read as Prometheus would.

use std::fmt::Write as _;
use std::io::Write as _;
use std::process::{Command, Stdio};
use std::sync::Arc;
use std::time::{Duration, Instant};

use flowlogs_pipeline::encode::prom::EncodeProm;
use flowlogs_pipeline::metrics::{self, Operational, Registry, operational};
use flowlogs_pipeline::model::{Batch, Field, Record, Text};
use flowlogs_pipeline::stage::{BuildContext, Terminal};
use flowlogs_pipeline::{http, tls};
use serde_json::{Value as Json, json};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};
use tokio_util::sync::CancellationToken;

const PATIENCE: Duration = Duration::from_mins(1);

fn stage(config: Json, metrics: &Operational) -> EncodeProm {
    let context = BuildContext {
        name: "prom".into(),
        metrics: metrics.clone(),
        runtime: tokio::runtime::Handle::current(),
    };
    EncodeProm::new(&serde_json::from_value(config).unwrap(), &context).unwrap()
}

fn flows(count: u64) -> Batch {
    let flow = |number: u64| {
        let mut record = Record::new();
        record.set_number(Field::Bytes, 10);
        record.set_number(Field::TimeFlowRttNs, 3_000_000);
        record.set_text(
            Field::SrcK8SNamespace,
            Text::Shared(format!("ns-{number}\"\\\n").into()),
        );
        record
    };
    (0..count).map(flow).collect::<Vec<_>>().into()
}

fn settings() -> Json {
    json!({"prefix": "netobserv_", "metrics": [
        {"name": "namespace_bytes_total", "type": "counter", "help": "Bytes\nby \\ namespace.", "valueKey": "Bytes",
            "labels": ["SrcK8S_Namespace"]},
        {"name": "namespace_rtt_seconds", "type": "histogram", "help": "RTT.", "valueKey": "TimeFlowRttNs",
            "valueScale": 1e9, "labels": ["SrcK8S_Namespace"]},
        {"name": "last_bytes", "type": "gauge", "help": "Last.", "valueKey": "Bytes"},
    ]})
}

/// Sends one request and reads all of the answer.
async fn ask(address: std::net::SocketAddr, request: &str) -> String {
    let exchange = async {
        let mut stream = TcpStream::connect(address).await.unwrap();
        stream.write_all(request.as_bytes()).await.unwrap();
        let mut answer = Vec::new();
        stream.read_to_end(&mut answer).await.unwrap();
        String::from_utf8(answer).unwrap()
    };
    tokio::time::timeout(PATIENCE, exchange).await.unwrap()
}

const GET: &str = "GET /metrics HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n";

#[tokio::test(flavor = "multi_thread")]
async fn a_stage_with_a_port_serves_its_own_metrics_only() {
    let metrics = Operational::new(Registry::default(), "netobserv_");
    let mut config = settings();
    config["port"] = 0.into();
    config["address"] = "127.0.0.1".into();
    let mut stage = stage(config, &metrics);
    stage.write(&flows(2000));
    let address = stage.address().unwrap();
    let answer = ask(address, GET).await;
    assert!(
        answer.starts_with("HTTP/1.1 200 OK\r\n"),
        "{}",
        &answer[..100]
    );
    assert!(answer.contains("content-type: text/plain; version=0.0.4"));
    assert_eq!(
        answer.matches("netobserv_namespace_bytes_total{").count(),
        2000
    );
    assert!(!answer.contains("metrics_processed"));
    assert!(
        !metrics
            .registry()
            .to_text()
            .contains("namespace_bytes_total{")
    );
    assert!(
        ask(
            address,
            "GET / HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n"
        )
        .await
        .starts_with("HTTP/1.1 404")
    );
    assert!(
        ask(
            address,
            "POST /metrics HTTP/1.1\r\nHost: x\r\nConnection: close\r\nContent-Length: 0\r\n\r\n"
        )
        .await
        .starts_with("HTTP/1.1 405")
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn an_oversized_header_is_refused() {
    let metrics = Operational::new(Registry::default(), "");
    let mut config = settings();
    config["port"] = 0.into();
    config["address"] = "127.0.0.1".into();
    let stage = stage(config, &metrics);
    let request = format!(
        "GET /metrics HTTP/1.1\r\nHost: x\r\nX-Big: {}\r\n\r\n",
        "a".repeat(3_000_000)
    );
    let exchange = async {
        let mut stream = TcpStream::connect(stage.address().unwrap()).await.unwrap();
        // The server may close while we still write.
        let _ = stream.write_all(request.as_bytes()).await;
        let mut answer = [0; 12];
        // Or have reset the connection before we read.
        match stream.read_exact(&mut answer).await {
            Ok(_) => String::from_utf8_lossy(&answer).into_owned(),
            Err(_) => "HTTP/1.1 431".into(),
        }
    };
    assert_eq!(
        tokio::time::timeout(PATIENCE, exchange).await.unwrap(),
        "HTTP/1.1 431"
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn a_client_that_says_nothing_is_disconnected() {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    let handler = |_| http::text(hyper::StatusCode::OK, "");
    let server = tokio::spawn(http::serve(
        listener,
        None,
        handler,
        CancellationToken::new(),
    ));
    assert_eq!(ask(address, "GET /metr").await, "");
    server.abort();
}

#[tokio::test(flavor = "multi_thread")]
async fn a_taken_address_is_said() {
    let taken = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let port = taken.local_addr().unwrap().port();
    let context = BuildContext {
        name: "prom".into(),
        metrics: Operational::new(Registry::default(), ""),
        runtime: tokio::runtime::Handle::current(),
    };
    let config = serde_json::from_value(json!({"address": "127.0.0.1", "port": port})).unwrap();
    let Err(error) = EncodeProm::new(&config, &context) else {
        panic!("bound a taken port")
    };
    assert!(
        error.to_string().contains(&format!("127.0.0.1:{port}")),
        "{error}"
    );
}

/// Two families of one name could show the same series twice, and Prometheus refuses such a scrape.
#[tokio::test(flavor = "multi_thread")]
async fn a_metric_that_exists_already_is_refused() {
    let metrics = Operational::new(Registry::default(), "netobserv_");
    metrics.counter(&operational::RECORDS_WRITTEN, &["x"]);
    let _other_stage = stage(settings(), &metrics);
    let context = BuildContext {
        name: "prom".into(),
        metrics,
        runtime: tokio::runtime::Handle::current(),
    };
    for (name, kind) in [("records_written", "gauge"), ("last_bytes", "gauge")] {
        let config = json!({"prefix": "netobserv_", "metrics": [{"name": name, "type": kind}]});
        let Err(error) = EncodeProm::new(&serde_json::from_value(config).unwrap(), &context) else {
            panic!("{name} is registered")
        };
        let expected = format!("'netobserv_{name}' exists already");
        assert!(error.to_string().contains(&expected), "{error}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn the_server_speaks_tls_and_stops() {
    // A second test of the process finds it installed already.
    let _ = rustls::crypto::aws_lc_rs::default_provider().install_default();
    let folder = tempfile::tempdir().unwrap();
    let pair = rcgen::generate_simple_self_signed(vec!["localhost".to_owned()]).unwrap();
    let (cert_path, key_path) = (folder.path().join("tls.crt"), folder.path().join("tls.key"));
    std::fs::write(&cert_path, pair.cert.pem()).unwrap();
    std::fs::write(&key_path, pair.signing_key.serialize_pem()).unwrap();
    let files = tls::ServerFiles {
        cert_path: cert_path.clone(),
        key_path,
        client_ca_path: None,
        protocols: &[],
        versions: rustls::ALL_VERSIONS,
    };
    let server = tls::ServerTls::load(files).unwrap();
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    let stop = CancellationToken::new();
    let health = flowlogs_pipeline::health::Health::default();
    let running = tokio::spawn(http::serve(
        listener,
        Some(server),
        move |r| health.answer(&r),
        stop.clone(),
    ));

    let client = tls::ClientTls {
        ca_file: Some(cert_path),
        ..tls::ClientTls::default()
    }
    .load()
    .unwrap();
    let stream = TcpStream::connect(address).await.unwrap();
    let name = rustls::pki_types::ServerName::try_from("localhost").unwrap();
    let mut stream = tokio_rustls::TlsConnector::from(Arc::new(client))
        .connect(name, stream)
        .await
        .unwrap();
    stream
        .write_all(b"GET /live HTTP/1.1\r\nHost: x\r\n\r\n")
        .await
        .unwrap();
    let mut answer = [0; 12];
    stream.read_exact(&mut answer).await.unwrap();
    assert_eq!(&answer, b"HTTP/1.1 503");

    stop.cancel();
    tokio::time::timeout(PATIENCE, running)
        .await
        .unwrap()
        .unwrap();
    // A child that another test has just forked listens too until it runs its program.
    let deadline = Instant::now() + PATIENCE;
    while TcpStream::connect(address).await.is_ok() {
        assert!(Instant::now() < deadline, "it still listens");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn promtool_finds_nothing_to_complain_about() {
    let metrics = Operational::new(Registry::default(), "netobserv_");
    metrics::process::register(metrics.registry()).unwrap();
    for definition in operational::TABLE {
        let labels = vec!["va\"l\\ue\n"; definition.labels.len()];
        match definition.kind {
            metrics::text::Kind::Counter => metrics.counter(definition, &labels).inc(),
            metrics::text::Kind::Gauge => metrics.gauge(definition, &labels).set(1),
            metrics::text::Kind::Histogram => metrics.histogram(definition, &labels).observe(0.2),
            metrics::text::Kind::Summary => metrics.summary(definition, &labels).observe(3.0),
        }
    }
    let mut stage = stage(settings(), &metrics);
    stage.write(&flows(10));
    let text = metrics.registry().to_text();
    let Ok(mut promtool) = Command::new("promtool")
        .args(["check", "metrics"])
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
    else {
        assert!(
            std::env::var_os("CI").is_none(),
            "promtool is missing: install the package prometheus"
        );
        eprintln!("skipped: promtool is missing (package prometheus)");
        return;
    };
    promtool
        .stdin
        .take()
        .unwrap()
        .write_all(text.as_bytes())
        .unwrap();
    let output = promtool.wait_with_output().unwrap();
    let complaints = String::from_utf8_lossy(&output.stderr).into_owned();
    // NetObserv's names break Prometheus' conventions; the syntax must not.
    let mut serious = String::new();
    for line in complaints
        .lines()
        .filter(|line| !is_about_netobserv_names(line))
    {
        let _ = writeln!(serious, "{line}");
    }
    assert_eq!(serious, "", "exit {:?}", output.status.code());
    assert!(
        output
            .status
            .code()
            .is_some_and(|code| code == 0 || code == 3),
        "{complaints}"
    );
}

fn is_about_netobserv_names(line: &str) -> bool {
    [
        "\"_total\" suffix",
        "use base unit",
        "abbreviated units",
        "'snake_case' not 'camelCase'",
    ]
    .iter()
    .any(|lint| line.contains(lint))
}
