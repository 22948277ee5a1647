//! Flows over TLS through a whole pipeline: with the right authority, without a client certificate, with a wrong one.

use std::path::{Path, PathBuf};

use crate::pipeline::{Running, send_over};
use flowlogs_pipeline::ingest::protobuf::pbflow::{Record, Records};
use rcgen::{CertifiedKey, KeyPair, generate_simple_self_signed};
use serde_json::json;
use tonic::Status;
use tonic::transport::{Certificate, ClientTlsConfig, Endpoint, Identity};

const NAME: &str = "pipeline.test";

fn pair() -> CertifiedKey<KeyPair> {
    generate_simple_self_signed(vec![NAME.into()]).unwrap()
}

fn save(folder: &Path, name: &str, text: &str) -> PathBuf {
    let path = folder.join(name);
    std::fs::write(&path, text).unwrap();
    path
}

/// A pipeline that writes nothing, and the certificate its clients must believe.
fn start(folder: &Path, client_authority: Option<&str>) -> (Running, String) {
    // Another test of the process may have installed it.
    let _ = rustls::crypto::aws_lc_rs::default_provider().install_default();
    let server = pair();
    let mut grpc = json!({
        "port": 0,
        "address": "127.0.0.1",
        "certPath": save(folder, "tls.crt", &server.cert.pem()),
        "keyPath": save(folder, "tls.key", &server.signing_key.serialize_pem()),
    });
    if let Some(authority) = client_authority {
        grpc["clientCAPath"] = json!(save(folder, "ca.crt", authority));
    }
    let parameters = [
        json!({"name": "grpc", "ingest": {"type": "grpc", "grpc": grpc}}),
        json!({"name": "none", "write": {"type": "none"}}),
    ];
    let running = Running::start(&[("none", "grpc")], &parameters);
    (running, server.cert.pem())
}

async fn send(running: &Running, scheme: &str, tls: Option<ClientTlsConfig>) -> Result<(), Status> {
    let endpoint =
        Endpoint::from_shared(format!("{scheme}://{}", running.address.unwrap())).unwrap();
    let endpoint = match tls {
        Some(tls) => endpoint.tls_config(tls.domain_name(NAME)).unwrap(),
        None => endpoint,
    };
    let entries = vec![Record::default(); 3];
    send_over(endpoint, &Records { entries }).await
}

fn believing(authority: &str) -> ClientTlsConfig {
    ClientTlsConfig::new().ca_certificate(Certificate::from_pem(authority))
}

fn with_identity(tls: ClientTlsConfig, pair: &CertifiedKey<KeyPair>) -> ClientTlsConfig {
    tls.identity(Identity::from_pem(
        pair.cert.pem(),
        pair.signing_key.serialize_pem(),
    ))
}

#[tokio::test(flavor = "multi_thread")]
async fn flows_arrive_over_tls_and_neither_in_the_clear_nor_from_a_client_of_another_authority() {
    let folder = tempfile::tempdir().unwrap();
    let (running, authority) = start(folder.path(), None);
    send(&running, "https", Some(believing(&authority)))
        .await
        .unwrap();
    send(&running, "https", Some(believing(&pair().cert.pem())))
        .await
        .unwrap_err();
    send(&running, "http", None).await.unwrap_err();
    // The server may notice a refused handshake after its client did, and a client may try more than once.
    let refused = "ingest_errors{stage=\"grpc\",type=\"grpc\",code=\"Unauthenticated\"}";
    running.shows(refused, 2).await;
    running
        .shows("ingest_flows_processed{stage=\"grpc\"}", 3)
        .await;
    running.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_client_must_show_a_certificate_of_the_authority_when_one_is_set() {
    let folder = tempfile::tempdir().unwrap();
    let client = pair();
    let (running, authority) = start(folder.path(), Some(&client.cert.pem()));
    let believing = believing(&authority);
    send(
        &running,
        "https",
        Some(with_identity(believing.clone(), &client)),
    )
    .await
    .unwrap();
    send(&running, "https", Some(believing.clone()))
        .await
        .unwrap_err();
    send(&running, "https", Some(with_identity(believing, &pair())))
        .await
        .unwrap_err();
    running
        .shows("ingest_flows_processed{stage=\"grpc\"}", 3)
        .await;
    running.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn only_the_newest_tls_is_spoken() {
    let folder = tempfile::tempdir().unwrap();
    let (running, authority) = start(folder.path(), None);
    let mut roots = rustls::RootCertStore::empty();
    let certificate = rustls_pemfile::certs(&mut authority.as_bytes()).next();
    roots.add(certificate.unwrap().unwrap()).unwrap();
    for (version, is_spoken) in [
        (&rustls::version::TLS12, false),
        (&rustls::version::TLS13, true),
    ] {
        let client = rustls::ClientConfig::builder_with_protocol_versions(&[version])
            .with_root_certificates(roots.clone())
            .with_no_client_auth();
        let stream = tokio::net::TcpStream::connect(running.address.unwrap()).await;
        let handshake = tokio_rustls::TlsConnector::from(std::sync::Arc::new(client))
            .connect(NAME.try_into().unwrap(), stream.unwrap())
            .await;
        assert_eq!(handshake.is_ok(), is_spoken, "{version:?}");
    }
    running.stop().await;
}
