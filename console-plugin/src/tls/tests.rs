#![allow(clippy::unwrap_used, reason = "tests")]

use super::*;

fn write_identity(folder: &Path) -> ServerFiles {
    let identity = rcgen::generate_simple_self_signed(["localhost".to_owned()]).unwrap();
    let files = ServerFiles {
        certificate: folder.join("tls.crt"),
        key: folder.join("tls.key"),
        client_authority: None,
    };
    std::fs::write(&files.certificate, identity.cert.pem()).unwrap();
    std::fs::write(&files.key, identity.signing_key.serialize_pem()).unwrap();
    files
}

fn install_provider() {
    let _ = rustls::crypto::aws_lc_rs::default_provider().install_default();
}

#[test]
fn a_new_certificate_is_taken_and_a_broken_one_is_not() {
    install_provider();
    let folder = tempfile::tempdir().unwrap();
    let tls = ServerTls::load(write_identity(folder.path())).unwrap();
    let mut seen = tls.contents();
    let first = tls.current();
    tls.reload(&mut seen);
    assert!(Arc::ptr_eq(&first, &tls.current()), "nothing changed");
    std::fs::write(folder.path().join("tls.crt"), "broken").unwrap();
    tls.reload(&mut seen);
    assert!(
        Arc::ptr_eq(&first, &tls.current()),
        "a broken one is not taken"
    );
    write_identity(folder.path());
    tls.reload(&mut seen);
    assert!(!Arc::ptr_eq(&first, &tls.current()), "a good one is");
}

#[test]
fn what_is_wrong_with_files_is_told() {
    install_provider();
    let folder = tempfile::tempdir().unwrap();
    let files = write_identity(folder.path());
    let other = tempfile::tempdir().unwrap();
    let key = write_identity(other.path()).key;
    for (files, expected) in [
        (
            ServerFiles {
                key,
                ..files.clone()
            },
            "check that the key belongs to it",
        ),
        (
            ServerFiles {
                key: files.certificate.clone(),
                ..files.clone()
            },
            "no private key in it",
        ),
        (
            ServerFiles {
                certificate: files.key.clone(),
                ..files.clone()
            },
            "no certificate in it",
        ),
        (
            ServerFiles {
                certificate: folder.path().join("none"),
                ..files.clone()
            },
            "read certificate ",
        ),
        (
            ServerFiles {
                client_authority: Some(files.key.clone()),
                ..files
            },
            "no certificate in it",
        ),
    ] {
        let message = ServerTls::load(files).unwrap_err().to_string();
        assert!(message.contains(expected), "{message}");
    }
}
