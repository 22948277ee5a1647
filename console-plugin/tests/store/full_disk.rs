//! A full disk is survived.

use std::fs;
use std::os::unix::fs::MetadataExt as _;
use std::path::Path;
use std::process::Command;
use std::time::{Duration, Instant};

use plugin_backend::store::Store;
use plugin_backend::store::push::Encoding;

use crate::flows;
use crate::support::{HOUR_MS, T0, config, row_count, wait_until};

/// The whole console over the folder; it must say what it serves and that pushes are refused.
fn start_app(root: &Path) -> anyhow::Result<()> {
    let text = format!(
        "server: {{port: 0, address: 127.0.0.1, authCheck: none, metricsPort: 0, metricsAddress: 127.0.0.1}}\n\
         store: {{path: {}, listen: \"127.0.0.1:0\", retention: {{age: 876000h}}}}\n",
        root.display()
    );
    let config = plugin_backend::config::parse("test.yaml", &text)?.config;
    let runtime = tokio::runtime::Runtime::new()?;
    runtime.block_on(async {
        plugin_backend::app::App::start(config).await?.stop().await;
        Ok(())
    })
}

/// Run in a mount namespace of its own by the test below, on a file system of 8 MiB.
#[test]
fn child_that_fills_its_disk() {
    let Some(folder) = std::env::var_os("STORE_FULL_FOLDER") else {
        return;
    };
    let root = Path::new(&folder);
    let mut settings = config(root);
    settings.limits.free_bytes = 2 << 20;
    // Kept losses, whose last line was cut.
    let losses = root.join("losses/entries.jsonl");
    let kept = r#"{"component":"agent","from":4000000000000,"to":4000000000001,"cause":"full","records":2}"#;
    fs::create_dir(root.join("losses")).unwrap();
    fs::write(&losses, format!("{kept}\n{kept}\n{{\"compon")).unwrap();
    let store = Store::open(settings.clone()).unwrap();
    let mut flows = flows::Flows::new(1, 1_000_000, T0, HOUR_MS);
    let filler = root.join("filler");
    fs::write(&filler, vec![0; 6 << 20]).unwrap();
    let body = bytes::Bytes::from(flows.push(500));
    assert_eq!(store.refusal(), None, "nothing was pushed yet");
    store.push(Encoding::Protobuf, body.clone()).unwrap_err();
    let refusal = store.refusal().unwrap();
    assert!(refusal.reason.contains("free some space"), "{refusal:?}");
    assert_eq!(store.fault(), None, "it can be read");
    fs::remove_file(&filler).unwrap();
    wait_until("room is seen without a push", || store.refusal().is_none());
    store.push(Encoding::Protobuf, body).unwrap();
    let mut rows = 500;
    let body = loop {
        let body = bytes::Bytes::from(flows.push(500));
        match store.push(Encoding::Protobuf, body.clone()) {
            Ok(()) => rows += 500,
            Err(error) => {
                assert_eq!(error.kind(), "disk_full", "{error}");
                break body;
            }
        }
        assert!(rows < 1_000_000, "the disk must become full");
    };
    assert_eq!(
        row_count(&store),
        rows,
        "reading goes on and nothing refused is there"
    );
    // A file of somebody else fills the rest: the disk really has no byte left.
    let mut rest = fs::File::create(&filler).unwrap();
    while std::io::Write::write_all(&mut rest, &[0; 4096]).is_ok() {}
    drop(rest);
    assert!(store.push(Encoding::Protobuf, body.clone()).is_err());
    assert_eq!(row_count(&store), rows);
    let started = Instant::now();
    store.shutdown();
    assert!(
        started.elapsed() < Duration::from_secs(20),
        "a stop must not wait for room: {:?}",
        started.elapsed()
    );
    drop(store);
    let mut opened = None;
    wait_until("the first store must let go of the folder", || {
        opened = Store::open(settings.clone()).ok();
        opened.is_some()
    });
    let store = opened.unwrap();
    let refusal = store.refusal().unwrap();
    assert!(refusal.reason.contains("free some space"), "{refusal:?}");
    assert_eq!(
        row_count(&store),
        rows,
        "a full disk is read from the start"
    );
    store.shutdown();
    drop(store);
    wait_until("the store must let go of the folder", || {
        start_app(root).is_ok()
    });
    let read = fs::read_to_string(&losses).unwrap();
    assert_eq!(read, format!("{kept}\n{kept}\n"), "a cut line goes");
    // Not even the name of a file has room.
    let mut names = 0;
    while fs::write(root.join(format!("name-{names}")), "").is_ok() {
        names += 1;
    }
    wait_until("the app must let go of the folder", || {
        start_app(root).is_ok()
    });
    for name in 0..names {
        fs::remove_file(root.join(format!("name-{name}"))).unwrap();
    }
    fs::remove_file(&filler).unwrap();
    settings.limits.free_bytes = 1 << 16;
    wait_until("the first store must let go of the folder", || {
        Store::open(settings.clone()).is_ok_and(|store| {
            store.push(Encoding::Protobuf, body.clone()).unwrap();
            row_count(&store) == rows + 500
        })
    });
}

#[test]
fn a_full_disk_refuses_pushes_and_goes_on_reading() {
    // The owner of this process's folder is its effective user.
    if fs::metadata("/proc/self").unwrap().uid() != 0 {
        assert!(
            std::env::var_os("CI").is_none(),
            "this test needs root, to mount a small file system"
        );
        eprintln!("skipped: only root can mount a small file system");
        return;
    }
    let folder = tempfile::tempdir().unwrap();
    let script = r#"mount -t tmpfs -o size=8m,nr_inodes=1000 store-test "$STORE_FULL_FOLDER" && exec "$0" --exact full_disk::child_that_fills_its_disk --nocapture"#;
    let output = Command::new("unshare")
        .args(["--mount", "sh", "-c", script])
        .arg(std::env::current_exe().unwrap())
        .env("STORE_FULL_FOLDER", folder.path())
        .output()
        .unwrap();
    assert!(
        output.status.success(),
        "{}",
        String::from_utf8_lossy(&output.stderr)
    );
}
