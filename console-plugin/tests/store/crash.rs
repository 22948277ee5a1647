//! A store that is killed at any moment has every acknowledged row once when it is opened again.

use std::collections::HashMap;
use std::io::{BufRead as _, BufReader, Write as _};
use std::path::Path;
use std::process::{Command, Stdio};

use plugin_backend::store::Store;
use plugin_backend::store::push::Encoding;
use plugin_backend::store::query::{AggregateQuery, Filter, Function};

use crate::support::{T0, config, control, json_push};

const ROUNDS: u64 = 6;
const ROWS_PER_PUSH: u64 = 50;
const HOUR_MS: i64 = 3_600_000;

/// Run as a process of its own by the test below, which kills it.
#[test]
fn child_that_pushes_until_it_is_killed() {
    let Some(folder) = std::env::var_os("STORE_CRASH_FOLDER") else {
        return;
    };
    let first: u64 = std::env::var("STORE_CRASH_FIRST").unwrap().parse().unwrap();
    let mut settings = config(Path::new(&folder));
    // Segments of a few pushes, so that seals and merges are cut through as well.
    settings.limits.segment_rows = 200;
    let store = Store::open(settings).unwrap();
    for push in first.. {
        store.push(Encoding::Json, body(push)).unwrap();
        println!("acknowledged {push}");
        std::io::stdout().flush().unwrap();
    }
}

fn body(push: u64) -> bytes::Bytes {
    let time_ms = |row: u64| T0 + ((push + row) % 3) as i64 * HOUR_MS + push as i64;
    let lines: Vec<String> = (0..ROWS_PER_PUSH)
        .map(|row| {
            format!(
                r#"{{"DnsName":"{push}-{row}","SrcAddr":"10.0.0.{row}","TimeFlowEndMs":{}}}"#,
                time_ms(row)
            )
        })
        .collect();
    let lines: Vec<(i64, &str)> = lines.iter().map(|line| (T0, line.as_str())).collect();
    json_push(&[("app", "x")], &lines)
}

#[test]
fn every_acknowledged_row_is_there_once_after_each_kill() {
    let folder = tempfile::tempdir().unwrap();
    let mut acknowledged: Vec<u64> = Vec::new();
    let mut first = 0;
    for round in 0..ROUNDS {
        let mut child = Command::new(std::env::current_exe().unwrap())
            .args([
                "--exact",
                "crash::child_that_pushes_until_it_is_killed",
                "--nocapture",
            ])
            .env("STORE_CRASH_FOLDER", folder.path())
            .env("STORE_CRASH_FIRST", first.to_string())
            .stdout(Stdio::piped())
            .stderr(Stdio::null())
            .spawn()
            .unwrap();
        // Another number of pushes in each round, so that the kill falls elsewhere.
        let wanted = 23 + 17 * round as usize;
        let mut lines = BufReader::new(child.stdout.take().unwrap())
            .lines()
            .map_while(Result::ok);
        let mut number = |line: String| {
            line.strip_prefix("acknowledged ")
                .and_then(|n| n.trim().parse::<u64>().ok())
        };
        acknowledged.extend(lines.by_ref().filter_map(&mut number).take(wanted));
        child.kill().unwrap();
        child.wait().unwrap();
        // What it had still said before it died counts too; a line cut in the middle is not followed by a push.
        acknowledged.extend(lines.filter_map(&mut number));
        let last = *acknowledged.last().unwrap();
        first = last + 1_000;

        let store = Store::open(config(folder.path())).unwrap();
        let counts = counts(&store);
        for push in &acknowledged {
            for row in 0..ROWS_PER_PUSH {
                let key = format!("{push}-{row}");
                assert_eq!(counts.get(&key), Some(&1), "row {key} after round {round}");
            }
        }
        assert!(
            counts.values().all(|count| *count == 1),
            "no row is there twice"
        );
        store.shutdown();
        let answer =
            plugin_backend::store::tool::verify(folder.path(), &mut std::io::sink()).unwrap();
        assert_eq!(answer.damaged, 0, "sealed files are whole");
        // What a slow machine could not seal in time is in the log, for the next start.
        let left = store.sizes().head_rows as u64;
        assert_eq!(answer.rows + left, counts.len() as u64);
    }
}

fn counts(store: &Store) -> HashMap<String, u64> {
    let query = AggregateQuery {
        start_ms: T0 + 100 * HOUR_MS,
        end_ms: T0 + 100 * HOUR_MS,
        step_ms: 1,
        range_ms: 200 * HOUR_MS,
        filter: Filter::TRUE,
        group_by: vec!["DnsName".to_owned()],
        function: Function::Count,
        value_field: None,
        factor: 1.0,
        top_k: usize::MAX,
    };
    let series = store.aggregate(&query, &control()).unwrap().series;
    series
        .into_iter()
        .map(|series| (series.labels[0].1.clone(), series.samples[0].1 as u64))
        .collect()
}
