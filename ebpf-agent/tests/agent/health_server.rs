//! The HTTP server of metrics and health, asked as a scraper and a kubelet ask.

use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use netobserv_ebpf_agent::config::{MetricsLevel, MetricsServerConfig};
use netobserv_ebpf_agent::health::{Health, Server};
use netobserv_ebpf_agent::metrics::Metrics;
use rustls::{ClientConfig, RootCertStore};
use rustls_pki_types::pem::PemObject;
use rustls_pki_types::{CertificateDer, ServerName};
use tokio::io::{AsyncRead, AsyncReadExt, AsyncWrite, AsyncWriteExt};
use tokio::net::TcpStream;
use tokio::task::JoinHandle;
use tokio_util::sync::CancellationToken;

struct Running {
    address: SocketAddr,
    health: Arc<Health>,
    stop: CancellationToken,
    serving: JoinHandle<()>,
}

async fn serve(health: Health, tls: Option<(String, String)>) -> Running {
    let config = MetricsServerConfig {
        address: "127.0.0.1".to_owned(),
        port: 0,
        tls,
    };
    let metrics = Arc::new(Metrics::new("ebpf_agent_", MetricsLevel::Info));
    metrics.sampling(7);
    let health = Arc::new(health);
    let server = Server::bind(&config, metrics, Arc::clone(&health))
        .await
        .unwrap();
    let (address, stop) = (server.address().unwrap(), CancellationToken::new());
    Running {
        address,
        health,
        serving: tokio::spawn(server.run(stop.clone())),
        stop,
    }
}

async fn ask(
    mut stream: impl AsyncRead + AsyncWrite + Unpin,
    method: &str,
    path: &str,
) -> (u16, String) {
    let request = format!("{method} {path} HTTP/1.1\r\nHost: agent\r\nConnection: close\r\n\r\n");
    stream.write_all(request.as_bytes()).await.unwrap();
    let mut answer = String::new();
    stream.read_to_string(&mut answer).await.unwrap();
    (answer.split(' ').nth(1).unwrap().parse().unwrap(), answer)
}

async fn get(running: &Running, path: &str) -> (u16, String) {
    ask(
        TcpStream::connect(running.address).await.unwrap(),
        "GET",
        path,
    )
    .await
}

#[tokio::test]
async fn metrics_are_served_and_other_paths_and_methods_are_not() {
    let running = serve(Health::default(), None).await;
    let (status, answer) = get(&running, "/metrics").await;
    assert_eq!(status, 200);
    assert!(
        answer.contains("content-type: application/openmetrics-text"),
        "{answer}"
    );
    assert!(
        answer.contains("\nebpf_agent_sampling_rate 7\n"),
        "{answer}"
    );
    assert_eq!(get(&running, "/debug/pprof/").await.0, 404);
    let stream = TcpStream::connect(running.address).await.unwrap();
    assert_eq!(ask(stream, "POST", "/metrics").await.0, 405);
}

#[tokio::test]
async fn ready_follows_the_life_of_the_agent() {
    let running = serve(Health::default(), None).await;
    assert_eq!(get(&running, "/live").await.0, 200);
    assert_eq!(get(&running, "/ready").await.0, 503);
    running.health.set_ready();
    assert_eq!(get(&running, "/ready").await.0, 200);
    running.health.set_draining();
    let (status, answer) = get(&running, "/ready").await;
    assert!(status == 503 && answer.ends_with("stopping\n"), "{answer}");
    assert_eq!(get(&running, "/live").await.0, 200);
}

#[tokio::test]
async fn live_needs_a_beating_datapath_thread() {
    let running = serve(Health::new(Duration::ZERO), None).await;
    running.health.set_ready();
    for path in ["/live", "/ready"] {
        let (status, answer) = get(&running, path).await;
        assert!(status == 503 && answer.contains("stuck"), "{answer}");
    }
}

#[tokio::test]
async fn stopping_ends_idle_connections() {
    let running = serve(Health::default(), None).await;
    let mut idle = TcpStream::connect(running.address).await.unwrap();
    idle.write_all(b"GET /live HTTP/1.1\r\nHost: agent\r\n\r\n")
        .await
        .unwrap();
    let mut buffer = [0; 64];
    assert!(idle.read(&mut buffer).await.unwrap() > 0);
    running.stop.cancel();
    tokio::time::timeout(Duration::from_mins(1), running.serving)
        .await
        .unwrap()
        .unwrap();
}

#[tokio::test]
async fn a_port_that_is_taken_is_named() {
    let running = serve(Health::default(), None).await;
    let config = MetricsServerConfig {
        address: "127.0.0.1".to_owned(),
        port: running.address.port(),
        tls: None,
    };
    let metrics = Arc::new(Metrics::new("", MetricsLevel::Info));
    let error = Server::bind(&config, metrics, Arc::default())
        .await
        .err()
        .unwrap()
        .to_string();
    assert!(
        error.starts_with(&format!(
            "cannot listen on {} for metrics: ",
            running.address
        )),
        "{error}"
    );
}

#[tokio::test]
async fn tls_is_served_with_the_given_certificate() {
    let folder = tempfile::tempdir().unwrap();
    let authority = crate::certificates::Authority::new(folder.path(), "ca");
    let identity = authority.issue("server");
    let running = serve(
        Health::default(),
        Some((identity.certificate_path, identity.key_path)),
    )
    .await;
    let mut roots = RootCertStore::empty();
    roots
        .add(CertificateDer::from_pem_slice(authority.pem().as_bytes()).unwrap())
        .unwrap();
    let config = ClientConfig::builder()
        .with_root_certificates(roots)
        .with_no_client_auth();
    let connector = tokio_rustls::TlsConnector::from(Arc::new(config));
    let stream = TcpStream::connect(running.address).await.unwrap();
    let name = ServerName::try_from("127.0.0.1").unwrap();
    let stream = connector.connect(name, stream).await.unwrap();
    assert_eq!(ask(stream, "GET", "/live").await.0, 200);
}
