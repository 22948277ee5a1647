#![allow(clippy::unwrap_used, reason = "tests")]
use std::fs;

use rcgen::generate_simple_self_signed;
use tempfile::TempDir;
use tokio::net::{TcpListener, TcpStream};
use tokio_rustls::TlsConnector;

use super::*;
use crate::tls::ClientTls;

fn write_pair(folder: &TempDir, name: &str) -> ServerFiles {
    let pair = generate_simple_self_signed(vec![name.to_owned()]).unwrap();
    let (cert_path, key_path) = (folder.path().join("tls.crt"), folder.path().join("tls.key"));
    fs::write(&cert_path, pair.cert.pem()).unwrap();
    fs::write(&key_path, pair.signing_key.serialize_pem()).unwrap();
    ServerFiles {
        cert_path,
        key_path,
        client_ca_path: None,
        protocols: &[],
        versions: rustls::ALL_VERSIONS,
    }
}

/// One handshake between `server` and a client that believes `ca_file` only.
async fn handshake(server: &ServerTls, ca_file: PathBuf, name: &str) -> bool {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    let client = ClientTls {
        ca_file: Some(ca_file),
        ..ClientTls::default()
    }
    .load()
    .unwrap();
    let name = rustls::pki_types::ServerName::try_from(name.to_owned()).unwrap();
    let connect = async {
        let stream = TcpStream::connect(address).await.unwrap();
        TlsConnector::from(Arc::new(client))
            .connect(name, stream)
            .await
            .is_ok()
    };
    let accept = async {
        let (stream, _) = listener.accept().await.unwrap();
        server.acceptor().accept(stream).await.is_ok()
    };
    let (is_connected, is_accepted) = tokio::join!(connect, accept);
    is_connected && is_accepted
}

fn install_provider() {
    // A second test of the process finds it installed already.
    let _ = rustls::crypto::aws_lc_rs::default_provider().install_default();
}

#[tokio::test]
async fn a_new_pair_is_used_and_a_broken_one_is_not() {
    install_provider();
    let folder = TempDir::new().unwrap();
    let files = write_pair(&folder, "one.test");
    let server = ServerTls::load(files.clone()).unwrap();
    assert!(handshake(&server, files.cert_path.clone(), "one.test").await);

    let old = folder.path().join("old.crt");
    fs::copy(&files.cert_path, &old).unwrap();
    fs::write(&files.cert_path, "not a certificate").unwrap();
    server.reload();
    assert!(
        handshake(&server, old, "one.test").await,
        "the old pair stays"
    );

    write_pair(&folder, "two.test");
    server.reload();
    assert!(handshake(&server, files.cert_path.clone(), "two.test").await);
}

#[tokio::test]
async fn mutual_tls_refuses_a_client_without_certificate() {
    install_provider();
    let folder = TempDir::new().unwrap();
    let files = write_pair(&folder, "one.test");
    let server = ServerTls::load(ServerFiles {
        client_ca_path: Some(files.cert_path.clone()),
        ..files.clone()
    })
    .unwrap();
    assert!(!handshake(&server, files.cert_path.clone(), "one.test").await);
}

#[test]
fn errors_name_the_file() {
    install_provider();
    let folder = TempDir::new().unwrap();
    let files = write_pair(&folder, "one.test");
    fs::write(&files.key_path, "").unwrap();
    let Err(error) = ServerTls::load(files.clone()) else {
        panic!("loaded an empty key")
    };
    assert!(
        error.to_string().contains("tls.key holds no private key"),
        "{error}"
    );
    fs::remove_file(&files.cert_path).unwrap();
    let Err(error) = ServerTls::load(files) else {
        panic!("loaded a missing file")
    };
    assert!(error.to_string().starts_with("read "), "{error}");
}
