//! Whom the Loki stage believes, and how it is believed: certificates and tokens.

use std::sync::Arc;
use std::time::Instant;

use serde_json::{Value as Json, json};

use super::{Harness, NO_ANSWER, arrived, finish};
use crate::loki::{FakeLoki, flows, wait_until};

/// Takes as long as certificates are looked at again, 10 s.
#[test]
fn an_authority_that_changes_is_read_again() {
    let _ = rustls::crypto::aws_lc_rs::default_provider().install_default();
    let mut harness = Harness::new();
    let (acceptor, authority) = https();
    let (_, other) = https();
    harness.fake = harness
        .runtime
        .block_on(FakeLoki::start_with(Some(acceptor)));
    let file = tempfile::NamedTempFile::new().unwrap();
    std::fs::write(file.path(), other).unwrap();
    let tls = json!({"ca_file": file.path(), "server_name": "loki.test"});
    let mut stage = harness.stage(&json!({
        "url": format!("https://{}", harness.fake.address), "batchSize": 1, "maxRetries": 1_000_000,
        "minBackoff": "10ms", "maxBackoff": "10ms", "clientConfig": {"tls_config": tls},
    }));
    // The second one makes the batch of the first full.
    stage.write(&flows(0..2));
    wait_until("it was not believed", || {
        harness.metric(NO_ANSWER.0, NO_ANSWER.1) >= 1
    });
    std::fs::write(file.path(), authority).unwrap();
    finish(stage);
    assert_eq!(arrived(&harness.fake), [0, 1]);
}

/// A server for `loki.test`, and the authority that it is believed with.
fn https() -> (tokio_rustls::TlsAcceptor, String) {
    let pair = rcgen::generate_simple_self_signed(vec!["loki.test".to_owned()]).unwrap();
    let key = rustls::pki_types::PrivateKeyDer::try_from(pair.signing_key.serialize_der()).unwrap();
    let server = rustls::ServerConfig::builder()
        .with_no_client_auth()
        .with_single_cert(vec![pair.cert.der().clone()], key)
        .unwrap();
    let acceptor = tokio_rustls::TlsAcceptor::from(Arc::new(server));
    (acceptor, pair.cert.pem())
}

#[test]
fn https_is_checked_against_the_configured_authority() {
    // A second test of the process finds it installed already.
    let _ = rustls::crypto::aws_lc_rs::default_provider().install_default();
    let mut harness = Harness::new();
    let (acceptor, authority) = https();
    harness.fake = harness
        .runtime
        .block_on(FakeLoki::start_with(Some(acceptor)));
    let url = format!("https://{}", harness.fake.address);
    let push = |tls: Json, numbers| {
        let settings = json!({"url": url, "batchSize": 1, "clientConfig": {"tls_config": tls}});
        let mut stage = harness.stage(&settings);
        stage.write(&flows(numbers));
        stage
    };
    finish(push(
        json!({"ca": authority, "server_name": "loki.test"}),
        0..1,
    ));
    // The second one makes the batch of the first full.
    let stage = push(json!({"ca": authority, "server_name": "other.test"}), 1..3);
    wait_until("it was not believed", || {
        harness.metric(NO_ANSWER.0, NO_ANSWER.1) >= 1
    });
    stage.finish(Instant::now());
    finish(push(json!({"insecure_skip_verify": true}), 3..4));
    assert_eq!(arrived(&harness.fake), [0, 3]);
    assert_eq!(harness.lost("shutdown"), 2);
}

#[test]
fn files_that_are_missing_are_named_at_the_start() {
    let _ = rustls::crypto::aws_lc_rs::default_provider().install_default();
    let harness = Harness::new();
    let settings = json!({"url": "https://loki", "clientConfig": {"tls_config": {"ca_file": "/nowhere/ca.crt"}}});
    let Err(error) = harness.try_stage(&settings) else {
        panic!("built without its authority")
    };
    assert!(
        error.contains("loki") && error.contains("/nowhere/ca.crt"),
        "{error}"
    );
}

#[test]
fn a_rotated_token_is_used_for_the_next_push() {
    let harness = Harness::new();
    let token = tempfile::NamedTempFile::new().unwrap();
    std::fs::write(token.path(), "one").unwrap();
    let mut stage = harness
        .stage(&json!({"batchSize": 1, "clientConfig": {"bearer_token_file": token.path()}}));
    stage.write(&flows(0..2));
    wait_until("the first push came", || harness.fake.pushed().len() == 1);
    std::fs::write(token.path(), "two").unwrap();
    stage.write(&flows(2..3));
    finish(stage);
    let tokens: Vec<_> = harness
        .fake
        .pushed()
        .iter()
        .map(|push| push.headers["authorization"].to_str().unwrap().to_owned())
        .collect();
    assert_eq!(
        (
            tokens.first().map(String::as_str),
            tokens.last().map(String::as_str)
        ),
        (Some("Bearer one"), Some("Bearer two"))
    );
}
