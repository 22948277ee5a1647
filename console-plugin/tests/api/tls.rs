//! The page over TLS, and the push port with client certificates.

use std::path::Path;
use std::sync::Arc;

use http::{Request, StatusCode};
use http_body_util::Full;
use hyper_util::rt::TokioIo;
use plugin_backend::app::App;
use plugin_backend::config;
use rcgen::{BasicConstraints, CertificateParams, CertifiedIssuer, IsCa, KeyPair};
use rustls::{ClientConfig, RootCertStore, SupportedProtocolVersion};
use rustls_pki_types::pem::PemObject as _;
use rustls_pki_types::{CertificateDer, PrivateKeyDer, ServerName};
use tokio_rustls::TlsConnector;

type Identity = (CertificateDer<'static>, PrivateKeyDer<'static>);

fn authority() -> CertifiedIssuer<'static, KeyPair> {
    let mut params = CertificateParams::new(Vec::new()).unwrap();
    params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
    CertifiedIssuer::self_signed(params, KeyPair::generate().unwrap()).unwrap()
}

fn write_identity(
    authority: &CertifiedIssuer<'static, KeyPair>,
    folder: &Path,
    name: &str,
) -> Identity {
    let key = KeyPair::generate().unwrap();
    let params = CertificateParams::new(vec!["localhost".to_owned()]).unwrap();
    let certificate = params.signed_by(&key, authority).unwrap();
    std::fs::write(folder.join(format!("{name}.crt")), certificate.pem()).unwrap();
    std::fs::write(folder.join(format!("{name}.key")), key.serialize_pem()).unwrap();
    (
        certificate.der().clone(),
        PrivateKeyDer::from_pem_slice(key.serialize_pem().as_bytes()).unwrap(),
    )
}

async fn get(
    port: u16,
    path: &str,
    authority: &CertificateDer<'static>,
    versions: &[&'static SupportedProtocolVersion],
    identity: Option<Identity>,
) -> anyhow::Result<StatusCode> {
    let mut roots = RootCertStore::empty();
    roots.add(authority.clone())?;
    let builder =
        ClientConfig::builder_with_protocol_versions(versions).with_root_certificates(roots);
    let mut config = match identity {
        None => builder.with_no_client_auth(),
        Some((certificate, key)) => builder.with_client_auth_cert(vec![certificate], key)?,
    };
    config.alpn_protocols = vec![b"h2".to_vec(), b"http/1.1".to_vec()];
    let stream = tokio::net::TcpStream::connect(("127.0.0.1", port)).await?;
    let name = ServerName::try_from("localhost")?;
    let stream = TlsConnector::from(Arc::new(config))
        .connect(name, stream)
        .await?;
    assert_eq!(
        stream.get_ref().1.alpn_protocol(),
        Some(b"http/1.1".as_slice())
    );
    let (mut sender, connection) =
        hyper::client::conn::http1::handshake(TokioIo::new(stream)).await?;
    let connection = tokio::spawn(connection);
    let request = Request::get(path)
        .header("host", "localhost")
        .body(Full::<bytes::Bytes>::default())?;
    let answer = sender.send_request(request).await;
    connection.abort();
    Ok(answer?.status())
}

#[tokio::test(flavor = "multi_thread")]
async fn page_and_push_speak_tls_to_those_who_may() {
    let _ = rustls::crypto::aws_lc_rs::default_provider().install_default();
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path();
    let authority = authority();
    std::fs::write(path.join("ca.crt"), authority.pem()).unwrap();
    write_identity(&authority, path, "server");
    let writer = write_identity(&authority, path, "writer");
    let text = format!(
        "server: {{port: 0, metricsPort: 0, address: 127.0.0.1, metricsAddress: 127.0.0.1, authCheck: none, \
         certPath: {p}/server.crt, keyPath: {p}/server.key}}\n\
         store: {{path: {p}/store, listen: \"127.0.0.1:0\", \
         tls: {{certPath: {p}/server.crt, keyPath: {p}/server.key, clientCAPath: {p}/ca.crt}}}}\n",
        p = path.display()
    );
    let app = App::start(config::parse("test.yaml", &text).unwrap().config)
        .await
        .unwrap();
    let root = authority.der();
    let (tls12, tls13) = (&rustls::version::TLS12, &rustls::version::TLS13);
    assert_eq!(
        get(app.page.port(), "/api/status", root, &[tls13], None)
            .await
            .unwrap(),
        StatusCode::OK
    );
    assert_eq!(
        get(app.metrics.port(), "/metrics", root, &[tls13], None)
            .await
            .unwrap(),
        StatusCode::OK
    );
    assert!(
        get(app.page.port(), "/api/status", root, &[tls12], None)
            .await
            .is_err(),
        "TLS 1.2 is too old"
    );
    let push = app.push.port();
    assert!(
        get(push, "/ready", root, &[tls13], None).await.is_err(),
        "a writer needs a certificate"
    );
    assert_eq!(
        get(push, "/ready", root, &[tls13], Some(writer))
            .await
            .unwrap(),
        StatusCode::OK
    );
    app.stop().await;
}
