//! Benchmark of the store: flows over 24 hours are pushed, then the queries of the budget run over the sealed files,
//! and DuckDB answers the same questions over the same files in the same run.
//!
//! `STORE_BENCH_ROWS` (default 10,000,000) and `STORE_BENCH_DIR` (default a temporary folder, deleted at the end) change
//! what it does, `STORE_BENCH_QUERY` asks only the queries whose name holds it; `STORE_BENCH_PYTHON` names a Python with the `duckdb` wheel, without which that half is left out.
#![allow(clippy::unwrap_used, reason = "a benchmark stops at the first error")]

#[path = "../tests/support/flows.rs"]
#[allow(dead_code, reason = "tests use more of it")]
mod flows;

use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::{Duration, Instant};

use plugin_backend::config::duration::GoDuration;
use plugin_backend::store::Store;
use plugin_backend::store::config::StoreConfig;
use plugin_backend::store::push::Encoding;
use plugin_backend::store::query::{
    AggregateQuery, Control, Filter, Function, RecordsQuery, TimeRange,
};

#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

const HOUR_MS: i64 = 3_600_000;
const DAY_MS: i64 = 24 * HOUR_MS;
/// Midnight of a day that is long over, so that hours count as settled.
const START_MS: i64 = 1_790_000_000_000 / DAY_MS * DAY_MS;
/// Rows of one push: what 100 KiB of lines come to.
const PUSH_ROWS: u64 = 130;
/// Each question is asked so often, here and of DuckDB; the best counts.
const ROUNDS: usize = 20;

fn main() {
    let rows: u64 =
        std::env::var("STORE_BENCH_ROWS").map_or(10_000_000, |rows| rows.parse().unwrap());
    let temporary = tempfile::tempdir().unwrap();
    let folder = std::env::var_os("STORE_BENCH_DIR")
        .map_or_else(|| temporary.path().to_path_buf(), PathBuf::from);
    let mut config = StoreConfig::at(&folder);
    config.retention.age = GoDuration(Duration::from_hours(24 * 36_500));
    config.retention.bytes = u64::MAX;
    config.limits.future = GoDuration(Duration::from_hours(24 * 36_500));
    if !folder.join("flows").exists() {
        ingest(&config, rows);
    }
    let store = Store::open(config).unwrap();
    let sizes = store.sizes();
    println!(
        "size: {} rows in {} files, {:.1} bytes per flow (budget 30)",
        sizes.file_rows,
        sizes.files,
        sizes.file_bytes as f64 / sizes.file_rows as f64
    );
    let ours = queries(&store);
    let theirs = duckdb(&folder);
    println!(
        "{:<44} {:>10} {:>10} {:>10}",
        format!("query (best of {ROUNDS}, warm)"),
        "ours ms",
        "DuckDB ms",
        "budget ms"
    );
    for (name, ms, budget) in ours {
        let duckdb = theirs
            .iter()
            .find(|(other, _)| *other == name)
            .map_or("-".to_owned(), |(_, ms)| format!("{ms:.1}"));
        println!("{name:<44} {ms:>10.1} {duckdb:>10} {budget:>10}");
    }
    store.shutdown();
}

fn ingest(config: &StoreConfig, rows: u64) {
    let mut flows = flows::Flows::new(42, rows, START_MS, DAY_MS);
    let store = Store::open(config.clone()).unwrap();
    let mut left = rows;
    let (mut busy, mut generating, mut bytes) = (Duration::ZERO, Duration::ZERO, 0);
    let cpu_before = process_cpu();
    while left > 0 {
        let started = thread_cpu();
        let mut bodies = Vec::new();
        while left > 0 && bodies.len() < 4_000 {
            let count = PUSH_ROWS.min(left);
            bodies.push(flows.push(count));
            left -= count;
        }
        generating += thread_cpu().saturating_sub(started);
        bytes += bodies.iter().map(Vec::len).sum::<usize>();
        let started = Instant::now();
        push_all(&store, bodies);
        busy += started.elapsed();
    }
    let started = Instant::now();
    store.shutdown();
    busy += started.elapsed();
    let cpu = process_cpu()
        .saturating_sub(cpu_before)
        .saturating_sub(generating);
    println!(
        "ingest: {:.0} flows per CPU-second from push to sealed file (budget 200,000), {:.0} flows/s wall, {:.0} bytes per flow pushed",
        rows as f64 / cpu.as_secs_f64(),
        rows as f64 / busy.as_secs_f64(),
        bytes as f64 / rows as f64
    );
}

/// A few writers, as pipelines are; a busy store is tried again.
fn push_all(store: &Store, bodies: Vec<Vec<u8>>) {
    let bodies = std::sync::Mutex::new(bodies.into_iter());
    std::thread::scope(|scope| {
        for _ in 0..4 {
            let writer = || {
                loop {
                    let Some(body) = bodies.lock().unwrap().next() else {
                        return;
                    };
                    let body = bytes::Bytes::from(body);
                    while let Err(error) = store.push(Encoding::Protobuf, body.clone()) {
                        assert_eq!(error.kind(), "busy", "{error}");
                        std::thread::park_timeout(Duration::from_millis(5));
                    }
                }
            };
            // Named, so that a profile tells the generator from the store.
            std::thread::Builder::new()
                .name("writer".to_owned())
                .spawn_scoped(scope, writer)
                .unwrap();
        }
    });
}

fn queries(store: &Store) -> Vec<(&'static str, f64, &'static str)> {
    let control = Control::within(Duration::from_mins(10));
    let only = std::env::var("STORE_BENCH_QUERY").unwrap_or_default();
    let end_ms = START_MS + DAY_MS;
    let aggregate =
        |fields: &[&str], hours: i64, step_ms: i64, top_k: usize, filter: Filter| AggregateQuery {
            start_ms: if step_ms > 0 {
                end_ms - hours * HOUR_MS + step_ms
            } else {
                end_ms
            },
            end_ms,
            step_ms: if step_ms > 0 {
                step_ms
            } else {
                hours * HOUR_MS
            },
            range_ms: if step_ms > 0 {
                step_ms
            } else {
                hours * HOUR_MS
            },
            filter,
            group_by: fields.iter().map(|field| (*field).to_owned()).collect(),
            function: Function::Sum,
            value_field: Some("Bytes".to_owned()),
            factor: 1.0,
            top_k,
        };
    let namespaces = ["team-8", "team-9", "team-10", "team-11", "team-12"];
    let namespaces = Filter::Or(
        namespaces
            .iter()
            .map(|name| Filter::equals("SrcK8S_Namespace", name))
            .collect(),
    );
    let address = Filter::Or(vec![
        Filter::equals("SrcAddr", "10.128.3.17"),
        Filter::equals("DstAddr", "10.128.3.17"),
    ]);
    let pair = Filter::And(vec![
        Filter::equals("SrcAddr", "10.128.3.17"),
        Filter::equals("DstAddr", "10.128.0.40"),
    ]);
    let workload = ["SrcK8S_Namespace", "SrcK8S_Name"];
    let pairs = ["SrcK8S_Name", "DstK8S_Name"];
    let newest = |hours: i64, filter: &Filter| RecordsQuery {
        range: TimeRange {
            start_ms: end_ms - hours * HOUR_MS,
            end_ms,
        },
        filter: filter.clone(),
        limit: 100,
    };
    let ask = |query: AggregateQuery| -> Box<dyn Fn() -> usize + '_> {
        let control = control.clone();
        Box::new(move || store.aggregate(&query, &control).unwrap().series.len())
    };
    let read = |query: RecordsQuery| -> Box<dyn Fn() -> usize + '_> {
        let control = control.clone();
        Box::new(move || store.records(&query, &control).unwrap().records.len())
    };
    [
        (
            "top-10 workloads, last hour",
            ask(aggregate(&workload, 1, 0, 10, Filter::TRUE)),
            "15",
        ),
        (
            "top-50 of all pairs, 24 h",
            ask(aggregate(&pairs, 24, 0, 50, Filter::TRUE)),
            "800",
        ),
        (
            "5-minute buckets of 5 namespaces, 24 h",
            ask(aggregate(
                &["SrcK8S_Namespace"],
                24,
                300_000,
                10,
                namespaces,
            )),
            "-",
        ),
        (
            "last 100 rows of an address, 1 h",
            read(newest(1, &address)),
            "10",
        ),
        (
            "last 100 rows of a pair, 24 h",
            read(newest(24, &pair)),
            "-",
        ),
        ("last 100 rows, 24 h", read(newest(24, &Filter::TRUE)), "-"),
    ]
    .into_iter()
    .filter(|(name, ..)| name.contains(&only))
    .map(|(name, run, budget)| {
        run();
        let best = (0..ROUNDS).map(|_| {
            let started = Instant::now();
            run();
            started.elapsed().as_secs_f64() * 1000.0
        });
        (name, best.fold(f64::INFINITY, f64::min), budget)
    })
    .collect()
}

/// Milliseconds of the same questions, as DuckDB needs.
fn duckdb(folder: &Path) -> Vec<(String, f64)> {
    let Some(python) = std::env::var_os("STORE_BENCH_PYTHON") else {
        return Vec::new();
    };
    let script = Path::new(env!("CARGO_MANIFEST_DIR")).join("benches/store_duckdb.py");
    let end_ms = START_MS + DAY_MS;
    let output = Command::new(python)
        .arg(script)
        .arg(folder.join("flows"))
        .arg(end_ms.to_string())
        .arg(ROUNDS.to_string())
        .output()
        .unwrap();
    assert!(
        output.status.success(),
        "{}",
        String::from_utf8_lossy(&output.stderr)
    );
    let lines = String::from_utf8(output.stdout).unwrap();
    lines
        .lines()
        .filter_map(|line| line.split_once('\t'))
        .map(|(name, ms)| (name.to_owned(), ms.parse().unwrap()))
        .collect()
}

fn process_cpu() -> Duration {
    let stat = std::fs::read_to_string("/proc/self/stat").unwrap();
    // Fields 14 and 15, counted after the command's name; in hundredths of a second.
    let fields: Vec<&str> = stat
        .rsplit_once(')')
        .unwrap()
        .1
        .split_whitespace()
        .collect();
    let ticks: u64 = fields[11].parse::<u64>().unwrap() + fields[12].parse::<u64>().unwrap();
    Duration::from_millis(ticks * 10)
}

fn thread_cpu() -> Duration {
    let stat = std::fs::read_to_string("/proc/thread-self/schedstat").unwrap();
    Duration::from_nanos(stat.split_whitespace().next().unwrap().parse().unwrap())
}
