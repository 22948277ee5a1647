//! The binary is killed while writers push to it: what it acknowledged is there once after the next start, and what it
//! did not is taken when it is pushed again.

use std::collections::HashMap;
use std::net::SocketAddr;
use std::path::Path;
use std::sync::Mutex;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Instant;

use crate::process::{Backend, DEADLINE, comes_true, exchange, run};
use http::{Method, StatusCode};

const WRITERS: usize = 3;
const ROWS_PER_PUSH: usize = 20;
/// Pushes acknowledged in a round before the kill: another number each, so that the kill falls elsewhere.
const ROUNDS: [usize; 4] = [11, 40, 23, 67];

/// Segments of a few pushes, so that seals and merges are cut through as well.
fn write_config(folder: &Path) -> String {
    let path = folder.join("console.yaml");
    let text = format!(
        "server: {{port: 0, address: 127.0.0.1, metricsPort: 0, metricsAddress: 127.0.0.1, authCheck: none}}\n\
         store: {{path: {}, listen: \"127.0.0.1:0\", limits: {{segmentRows: 200, freeBytes: 0}}}}\n",
        folder.join("store").display()
    );
    std::fs::write(&path, text).unwrap();
    path.display().to_string()
}

/// A push whose rows no other has, over three hours.
fn body(writer: usize, push: usize) -> String {
    let now_ms = jiff::Timestamp::now().as_millisecond();
    let values: Vec<[String; 2]> = (0..ROWS_PER_PUSH)
        .map(|row| {
            let end_ms = now_ms - (row % 3) as i64 * 3_600_000;
            let line = format!(r#"{{"DnsName":"{writer}-{push}-{row}","TimeFlowEndMs":{end_ms}}}"#);
            [format!("{now_ms}000000"), line]
        })
        .collect();
    serde_json::json!({"streams": [{"stream": {"app": "x"}, "values": values}]}).to_string()
}

/// Pushes until the server is gone; what was not acknowledged stays in `unanswered` and is pushed first the next time.
fn write(
    address: SocketAddr,
    writer: usize,
    next: &AtomicUsize,
    unanswered: &Mutex<Option<String>>,
    acknowledged: &AtomicUsize,
) {
    let mut unanswered = unanswered.lock().unwrap();
    loop {
        let body = unanswered
            .get_or_insert_with(|| body(writer, next.fetch_add(1, Ordering::Relaxed)))
            .clone();
        match exchange(address, Method::POST, "/loki/api/v1/push", body) {
            Ok((StatusCode::NO_CONTENT, _)) => {
                *unanswered = None;
                acknowledged.fetch_add(1, Ordering::Relaxed);
            }
            Ok((status, text)) => panic!("{status}: {text}"),
            Err(_) => return,
        }
    }
}

/// How often each row is there.
fn rows(page: SocketAddr) -> HashMap<String, usize> {
    let path = "/api/loki/export?format=csv&columns=DnsName&timeRange=86400&limit=50000";
    let (status, text) = exchange(page, Method::GET, path, String::new()).unwrap();
    assert_eq!(status, StatusCode::OK, "{text}");
    let mut rows = HashMap::new();
    for name in text
        .lines()
        .skip(1)
        .map(|line| line.rsplit(',').next().unwrap())
    {
        *rows.entry(name.to_owned()).or_default() += 1;
    }
    rows
}

#[test]
fn every_acknowledged_row_is_there_once_after_kills_during_ingest() {
    let folder = tempfile::tempdir().unwrap();
    let config = write_config(folder.path());
    let next: Vec<AtomicUsize> = (0..WRITERS).map(|_| AtomicUsize::new(0)).collect();
    let unanswered: Vec<Mutex<Option<String>>> = (0..WRITERS).map(|_| Mutex::default()).collect();
    let mut backend = Backend::start(&config);
    for wanted in ROUNDS {
        let acknowledged = AtomicUsize::new(0);
        std::thread::scope(|scope| {
            for writer in 0..WRITERS {
                let (next, unanswered) = (&next[writer], &unanswered[writer]);
                let (acknowledged, push) = (&acknowledged, backend.push);
                scope.spawn(move || write(push, writer, next, unanswered, acknowledged));
            }
            comes_true(|| acknowledged.load(Ordering::Relaxed) >= wanted);
            // It ends the writers too, so that a test that fails does not hang.
            backend.kill();
        });
        let acknowledged = acknowledged.into_inner();
        assert!(acknowledged >= wanted, "{acknowledged} of {wanted} pushes");
        backend = Backend::start(&config);
        let found = rows(backend.page);
        for writer in 0..WRITERS {
            let is_open = unanswered[writer].lock().unwrap().is_some();
            let pushed = next[writer].load(Ordering::Relaxed) - usize::from(is_open);
            for push in 0..pushed {
                for row in 0..ROWS_PER_PUSH {
                    let name = format!("{writer}-{push}-{row}");
                    assert_eq!(found.get(&name), Some(&1), "row {name} after {wanted}");
                }
            }
        }
        assert!(
            found.values().all(|count| *count == 1),
            "no row is there twice"
        );
    }

    // The pushes that were cut off are pushed again, whether or not they had been stored.
    for body in unanswered
        .iter()
        .filter_map(|body| body.lock().unwrap().take())
    {
        let answer = exchange(backend.push, Method::POST, "/loki/api/v1/push", body).unwrap();
        assert_eq!(answer.0, StatusCode::NO_CONTENT, "{}", answer.1);
    }
    let found = rows(backend.page);
    let pushed: usize = next.iter().map(|next| next.load(Ordering::Relaxed)).sum();
    assert_eq!(found.len(), pushed * ROWS_PER_PUSH);
    assert!(
        found.values().all(|count| *count == 1),
        "no row is there twice"
    );

    let store = folder.path().join("store").display().to_string();
    let verified = |backend: Backend| {
        backend.stop();
        let output = run(&["store", "verify", &store]);
        let text = |bytes: &[u8]| String::from_utf8_lossy(bytes).into_owned();
        let told = text(&output.stdout) + &text(&output.stderr);
        assert_eq!(output.status.code(), Some(0), "{told}");
        told
    };
    let mut told = verified(backend);
    // What a slow disk does not take in the time that there is at the end, the next start seals.
    let started = Instant::now();
    while told.contains(" are in the log") && started.elapsed() < DEADLINE {
        told = verified(Backend::start(&config));
    }
    let expected = format!(" {} rows,", pushed * ROWS_PER_PUSH);
    assert!(
        told.contains(&expected) && told.contains(" 0 damaged"),
        "{told}"
    );
}
