//! The gRPC exporter against a real server: what arrives, and what is counted when it does not.

use std::net::SocketAddr;
use std::sync::Arc;
use std::time::{Duration, Instant};

use crate::certificates::{self, Authority};
use crate::collector::pbflow::{DataLink, Network, Record, Records, Transport};
use crate::collector::{Behaviour, Collector, PATIENCE, Place, until};
use bytes::Bytes;
use netobserv_ebpf_agent::config::export::Reconnect;
use netobserv_ebpf_agent::config::{GrpcConfig, MetricsLevel, TlsFiles};
use netobserv_ebpf_agent::exporters::grpc::GrpcExporter;
use netobserv_ebpf_agent::exporters::{BatchSender, queue};
use netobserv_ebpf_agent::flow::EncodedBatch;
use netobserv_ebpf_agent::metrics::Metrics;
use prost::Message;
use tokio::task::JoinHandle;
use tokio_util::sync::CancellationToken;
use tonic::Code;
use tonic::transport::{Certificate, Identity, ServerTlsConfig};

fn config(address: SocketAddr) -> GrpcConfig {
    GrpcConfig {
        host: address.ip().to_string(),
        port: address.port(),
        tls: None,
        message_max_flows: 10_000,
        send_timeout: Duration::from_secs(30),
        reconnect: None,
    }
}

/// A batch of records that have these numbers of packets.
fn batch(packets: impl IntoIterator<Item = u64>) -> EncodedBatch {
    let record = |packets| Record {
        packets,
        data_link: Some(DataLink::default()),
        network: Some(Network::default()),
        transport: Some(Transport::default()),
        ..Record::default()
    };
    let entries: Vec<_> = packets.into_iter().map(record).collect();
    let records = entries.len() as u32;
    EncodedBatch {
        body: Bytes::from(Records { entries }.encode_to_vec()),
        records,
    }
}

struct Running {
    sender: Option<BatchSender>,
    metrics: Arc<Metrics>,
    give_up: CancellationToken,
    exporting: JoinHandle<()>,
}

fn export(config: &GrpcConfig, queue_length: usize) -> Running {
    let metrics = Arc::new(Metrics::new("", MetricsLevel::Info));
    let (sender, receiver) = queue(queue_length, Arc::clone(&metrics));
    let exporter = GrpcExporter::new(config, Arc::clone(&metrics)).unwrap();
    let give_up = CancellationToken::new();
    let exporting = tokio::spawn(exporter.run(receiver, give_up.clone()));
    Running {
        sender: Some(sender),
        metrics,
        give_up,
        exporting,
    }
}

impl Running {
    fn offer(&self, batch: EncodedBatch) {
        self.sender.as_ref().unwrap().offer(batch);
    }

    /// The value of one series; 0 if it is not there.
    fn metric(&self, series: &str) -> u64 {
        let text = self.metrics.render();
        let line = text
            .lines()
            .find_map(|line| line.strip_prefix(series)?.strip_prefix(' '));
        line.map_or(0, |value| value.parse().unwrap())
    }

    fn dropped(&self, source: &str, reason: &str) -> u64 {
        self.metric(&format!(
            r#"dropped_flows_total{{source="{source}",reason="{reason}"}}"#
        ))
    }

    fn is_retrying(&self) -> bool {
        self.metric(r#"send_retries_total{exporter="grpc",reason="away"}"#) > 0
    }

    /// Closes the queue and waits until everything in it is delivered or lost.
    async fn finish(&mut self) {
        self.sender = None;
        tokio::time::timeout(Duration::from_mins(1), &mut self.exporting)
            .await
            .unwrap()
            .unwrap();
    }
}

#[tokio::test]
async fn everything_offered_arrives_once_and_is_counted() {
    let collector = Collector::start(Behaviour::default()).await;
    let mut running = export(&config(collector.address), 50);
    for first in (0..100).step_by(10) {
        running.offer(batch(first..first + 10));
    }
    running.finish().await;
    assert_eq!(collector.packets(), (0..100).collect::<Vec<_>>());
    assert_eq!(collector.connections(), 1);
    assert_eq!(
        running.metric(r#"exported_batch_total{exporter="grpc"}"#),
        10
    );
    assert_eq!(
        running.metric(r#"evicted_flows_total{source="grpc",reason=""}"#),
        100
    );
    assert_eq!(running.metric("queued_batches"), 0);
}

#[tokio::test]
async fn batches_wait_for_a_collector_that_is_away_or_comes_back() {
    let place = Place::new();
    let mut running = export(&config(place.address), 50);
    running.offer(batch([1]));
    until("a message is tried again", || running.is_retrying()).await;

    let collector = Collector::start_at(place.address, Behaviour::default()).await;
    until("the first message arrives", || collector.packets() == [1]).await;
    collector.kill().await;

    running.offer(batch([2]));
    running.offer(batch([3]));
    let collector = Collector::start_at(place.address, Behaviour::default()).await;
    running.finish().await;
    assert_eq!(collector.packets(), [2, 3]);
    assert!(
        !running.metrics.render().contains("dropped_flows_total{"),
        "{}",
        running.metrics.render()
    );
}

#[tokio::test]
async fn what_the_queue_cannot_hold_is_counted_and_the_rest_arrives() {
    let place = Place::new();
    let mut running = export(&config(place.address), 2);
    for packets in 0..20 {
        running.offer(batch([packets, 1000 + packets]));
    }
    let collector = Collector::start_at(place.address, Behaviour::default()).await;
    running.finish().await;
    let (arrived, lost) = (
        collector.packets().len() as u64,
        running.dropped("limiter", "full"),
    );
    assert!(lost > 0);
    assert_eq!(arrived + lost, 40);
}

#[tokio::test]
async fn what_is_left_when_time_is_up_is_counted() {
    let place = Place::new();
    let mut running = export(&config(place.address), 50);
    for packets in 0..10 {
        running.offer(batch([packets, packets]));
    }
    until("a message is tried again", || running.is_retrying()).await;
    running.give_up.cancel();
    running.finish().await;
    assert_eq!(running.dropped("grpc", "shutdown"), 20);
}

#[tokio::test]
async fn a_message_too_big_for_the_collector_is_cut_and_a_single_record_too_big_is_counted() {
    let behaviour = Behaviour {
        message_bytes_max: Some(100),
        ..Behaviour::default()
    };
    let collector = Collector::start(behaviour).await;
    let mut running = export(&config(collector.address), 50);
    running.offer(batch(0..100));
    let mut huge = Records::decode(batch([500, 7]).body).unwrap();
    huge.entries[0].interface = "x".repeat(200);
    running.offer(EncodedBatch {
        body: Bytes::from(huge.encode_to_vec()),
        records: 2,
    });
    running.finish().await;
    let mut expected: Vec<_> = (0..100).chain([7]).collect();
    expected.sort_unstable();
    assert_eq!(collector.packets(), expected);
    assert_eq!(running.dropped("grpc", "oversized"), 1);
}

#[tokio::test]
async fn a_collector_that_wants_smaller_messages_is_asked_once_and_is_no_failure() {
    let behaviour = Behaviour {
        message_bytes_max: Some(200),
        ..Behaviour::default()
    };
    let collector = Collector::start(behaviour).await;
    let mut running = export(&config(collector.address), 50);
    let refusals = r#"send_retries_total{exporter="grpc",reason="oversized"}"#;
    running.offer(batch(0..100));
    until("the first is delivered", || {
        collector.packets().len() == 100
    })
    .await;
    let asked = running.metric(refusals);
    assert!(asked > 0);
    for first in (100..1000).step_by(100) {
        running.offer(batch(first..first + 100));
    }
    running.finish().await;
    assert_eq!(collector.packets(), (0..1000).collect::<Vec<_>>());
    // Records of later batches are a byte or two longer, so that halves of another size may be asked for.
    let failures = r#"errors_total{component="grpc",error="CannotWriteMessage",severity="high"}"#;
    assert_eq!(
        (running.metric(refusals), running.metric(failures)),
        (asked, 0)
    );
}

#[tokio::test]
async fn a_message_the_collector_never_takes_is_counted_and_loses_nothing_else() {
    for (code, reason, failures) in [
        (Code::InvalidArgument, "invalid", 1),
        (Code::Internal, "refused", 5),
    ] {
        let behaviour = Behaviour {
            failure: Some((666, code)),
            ..Behaviour::default()
        };
        let collector = Collector::start(behaviour).await;
        let mut running = export(&config(collector.address), 50);
        running.offer(batch([1]));
        running.offer(batch([666, 667]));
        running.offer(batch([2]));
        running.finish().await;
        assert_eq!(collector.packets(), [1, 2]);
        assert_eq!(collector.failures(), failures, "{code:?}");
        assert_eq!(running.dropped("grpc", reason), 2);
    }
}

#[tokio::test]
async fn a_collector_that_takes_the_connection_and_never_answers_is_one_that_is_away() {
    let silent = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    let config = GrpcConfig {
        send_timeout: Duration::from_millis(100),
        ..config(silent.local_addr().unwrap())
    };
    let mut running = export(&config, 50);
    running.offer(batch([1]));
    until("the message is tried again", || running.is_retrying()).await;
    running.give_up.cancel();
    running.finish().await;
    assert_eq!(running.dropped("grpc", "shutdown"), 1);
}

#[tokio::test]
async fn the_connection_is_renewed_at_its_period() {
    let collector = Collector::start(Behaviour::default()).await;
    let reconnect = Some(Reconnect {
        period: Duration::from_millis(1),
        spread: Duration::ZERO,
    });
    let mut running = export(
        &GrpcConfig {
            reconnect,
            ..config(collector.address)
        },
        50,
    );
    let mut sent = 0;
    let deadline = Instant::now() + PATIENCE;
    while collector.connections() < 3 {
        assert!(Instant::now() < deadline, "the connection is never renewed");
        running.offer(batch([sent]));
        sent += 1;
        until("it arrives", || collector.packets().len() as u64 == sent).await;
    }
    running.finish().await;
}

fn server_tls(identity: &certificates::Identity) -> ServerTlsConfig {
    let read = |path| std::fs::read(path).unwrap();
    let (certificate, key) = (&identity.certificate_path, &identity.key_path);
    ServerTlsConfig::new().identity(Identity::from_pem(read(certificate), read(key)))
}

#[tokio::test]
async fn tls_trusts_the_given_authority_only() {
    let folder = tempfile::tempdir().unwrap();
    let authority = Authority::new(folder.path(), "ca");
    Authority::new(folder.path(), "other");
    let tls = Some(server_tls(&authority.issue("server")));
    let collector = Collector::start(Behaviour {
        tls,
        ..Behaviour::default()
    })
    .await;
    let with_ca = |name: &str| {
        let ca_path = folder.path().join(name).display().to_string();
        GrpcConfig {
            tls: Some(TlsFiles {
                ca_path,
                identity: None,
            }),
            ..config(collector.address)
        }
    };
    let mut running = export(&with_ca("ca.crt"), 50);
    running.offer(batch([1]));
    running.finish().await;
    assert_eq!(collector.packets(), [1]);

    let mut running = export(&with_ca("other.crt"), 50);
    running.offer(batch([2]));
    until("the handshake fails", || running.is_retrying()).await;
    running.give_up.cancel();
    running.finish().await;
    assert_eq!(collector.packets(), [1]);
}

#[tokio::test]
async fn mutual_tls_needs_the_client_certificate() {
    let folder = tempfile::tempdir().unwrap();
    let authority = Authority::new(folder.path(), "ca");
    let client = authority.issue("client");
    let tls = server_tls(&authority.issue("server"))
        .client_ca_root(Certificate::from_pem(authority.pem()));
    let collector = Collector::start(Behaviour {
        tls: Some(tls),
        ..Behaviour::default()
    })
    .await;
    let ca_path = folder.path().join("ca.crt").display().to_string();
    let with = |identity| GrpcConfig {
        tls: Some(TlsFiles {
            ca_path: ca_path.clone(),
            identity,
        }),
        ..config(collector.address)
    };
    let mut running = export(&with(None), 50);
    running.offer(batch([1]));
    until("the handshake fails", || running.is_retrying()).await;
    running.give_up.cancel();
    running.finish().await;

    let mut running = export(&with(Some((client.certificate_path, client.key_path))), 50);
    running.offer(batch([2]));
    running.finish().await;
    assert_eq!(collector.packets(), [2]);
}

#[tokio::test]
async fn certificate_files_that_cannot_be_used_stop_the_start_and_are_named() {
    let folder = tempfile::tempdir().unwrap();
    let authority = Authority::new(folder.path(), "ca");
    let (client, other) = (authority.issue("client"), authority.issue("other"));
    let ca = || folder.path().join("ca.crt").display().to_string();
    let address = "127.0.0.1:1".parse().unwrap();
    let cases = [
        (
            "/nowhere/ca.crt".to_owned(),
            None,
            "cannot load CA certificate: /nowhere/ca.crt",
        ),
        (
            client.key_path.clone(),
            None,
            "cannot load CA certificate: ",
        ),
        (
            ca(),
            Some((client.certificate_path.clone(), ca())),
            "cannot load client certificate: ",
        ),
        (
            ca(),
            Some((client.certificate_path, other.key_path)),
            "cannot load client certificate: ",
        ),
    ];
    for (ca_path, identity, expected) in cases {
        let config = GrpcConfig {
            tls: Some(TlsFiles { ca_path, identity }),
            ..config(address)
        };
        let metrics = Arc::new(Metrics::new("", MetricsLevel::Info));
        let error = GrpcExporter::new(&config, metrics)
            .err()
            .unwrap()
            .to_string();
        assert!(error.starts_with(expected), "{error}");
    }
}
