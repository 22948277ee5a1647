//! The executor and DuckDB answer the same questions over the same files alike.
//!
//! Needs a Python with the `duckdb` wheel: `NETOBSERV_PYTHON`, or the one that the set-up puts into the cache.

use std::collections::BTreeMap;
use std::io::Write as _;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use plugin_backend::store::Store;
use plugin_backend::store::push::Encoding;
use plugin_backend::store::query::{
    AggregateQuery, Filter, Function, RecordsQuery, Test, TimeRange, ValuesQuery,
};
use serde_json::Value;

use crate::flows;
use crate::flows::Random;
use crate::support::{T0, config, control, wait_until};

/// Several pages of rows (8,192 each) in an hour.
const ROWS: u64 = 60_000;
const SEGMENT_ROWS: usize = 17_000;
const SPAN_MS: i64 = 3 * 3_600_000;
const QUERIES: usize = 240;

/// Rows as text cells and a number last, for comparison in any order.
type Rows = BTreeMap<Vec<String>, f64>;

struct Question {
    sql: String,
    ours: Rows,
    text: String,
}

#[test]
fn generated_queries_have_the_answers_of_duckdb() {
    let Some(python) = python() else { return };
    let folder = tempfile::tempdir().unwrap();
    let mut settings = config(folder.path());
    // Files of several pages, several of them per hour.
    settings.limits.segment_rows = SEGMENT_ROWS;
    let store = Store::open(settings).unwrap();
    let mut flows = flows::Flows::new(7, ROWS, T0, SPAN_MS);
    for _ in 0..ROWS / 1_000 {
        store
            .push(Encoding::Protobuf, flows.push(1_000).into())
            .unwrap();
    }
    // At the end there is time to begin sealing the last segment, and not for a backlog.
    wait_until("only the last segment is left", || {
        store.sizes().head_rows < SEGMENT_ROWS
    });
    store.shutdown();
    assert_eq!(store.sizes().file_rows, ROWS);

    let table = format!(
        "read_parquet('{}/flows/*/*.parquet')",
        folder.path().display()
    );
    let mut random = Random(99);
    let questions: Vec<Question> = (0..QUERIES)
        .map(|at| match at % 4 {
            0 => records(&store, &table, &mut random),
            1 => values(&store, &table, &mut random),
            _ => aggregate(&store, &table, &mut random),
        })
        .collect();
    let answers = duckdb(&python, &questions);
    let mut non_empty = 0;
    for (question, theirs) in questions.iter().zip(&answers) {
        non_empty += usize::from(!theirs.is_empty());
        assert_eq!(
            question.ours.len(),
            theirs.len(),
            "{}\n{}",
            question.text,
            question.sql
        );
        for ((our_key, ours), (their_key, theirs)) in question.ours.iter().zip(theirs) {
            assert_eq!(our_key, their_key, "{}\n{}", question.text, question.sql);
            let tolerance = 1e-9 * theirs.abs().max(1.0);
            assert!(
                (ours - theirs).abs() <= tolerance,
                "{our_key:?}: {ours} {theirs}\n{}\n{}",
                question.text,
                question.sql
            );
        }
    }
    assert!(
        non_empty > QUERIES / 2,
        "most questions must have an answer, {non_empty} had"
    );
}

fn records(store: &Store, table: &str, random: &mut Random) -> Question {
    let (filter, condition) = filter(random, 3);
    let start_ms = T0 + random.below(SPAN_MS as u64) as i64;
    let range = TimeRange {
        start_ms,
        end_ms: start_ms + 1 + random.below(SPAN_MS as u64) as i64,
    };
    let query = RecordsQuery {
        range,
        filter,
        limit: 1 + random.below(300) as usize,
    };
    // Rows of equal time may be chosen differently, so times and their number are compared.
    let mut ours = Rows::new();
    for record in store.records(&query, &control()).unwrap().records {
        *ours.entry(vec![record.time_ms.to_string()]).or_default() += 1.0;
    }
    let sql = format!(
        "SELECT t::VARCHAR, count(*) FROM (SELECT TimeFlowEndMs AS t FROM {table} WHERE t >= {} AND t < {} AND {condition} \
         ORDER BY t DESC LIMIT {}) GROUP BY ALL",
        range.start_ms, range.end_ms, query.limit
    );
    Question {
        sql,
        ours,
        text: format!("{query:?}"),
    }
}

fn values(store: &Store, table: &str, random: &mut Random) -> Question {
    let (filter, condition) = filter(random, 2);
    let field =
        ["SrcK8S_Namespace", "DstPort", "SrcAddr", "Proto", "DnsName"][random.below(5) as usize];
    let range = TimeRange {
        start_ms: T0,
        end_ms: T0 + SPAN_MS / 2,
    };
    let query = ValuesQuery {
        field: field.to_owned(),
        prefix: String::new(),
        range,
        filter,
        limit: usize::MAX,
    };
    let answer = store.values(&query, &control()).unwrap();
    let ours = answer
        .values
        .into_iter()
        .map(|value| (vec![value.value], value.count as f64))
        .collect();
    let sql = format!(
        "SELECT {field}::VARCHAR, count(*) FROM {table} WHERE TimeFlowEndMs >= {} AND TimeFlowEndMs < {} AND {condition} \
         AND {field} IS NOT NULL GROUP BY ALL",
        range.start_ms, range.end_ms
    );
    Question {
        sql,
        ours,
        text: format!("{query:?}"),
    }
}

fn aggregate(store: &Store, table: &str, random: &mut Random) -> Question {
    const FIELDS: [(&str, &str); 7] = [
        ("SrcK8S_Namespace", "SrcK8S_Namespace"),
        ("DstK8S_OwnerName", "DstK8S_OwnerName"),
        ("Proto", "Proto::VARCHAR"),
        ("FlowDirection", "FlowDirection::VARCHAR"),
        ("DstAddr", "DstAddr"),
        ("DnsFlagsResponseCode", "DnsFlagsResponseCode"),
        ("Interfaces", "json_extract_string(Interfaces, '$[0]')"),
    ];
    const FUNCTIONS: [(Function, &str); 8] = [
        (Function::Rate, "sum(v) / RANGE"),
        (Function::Count, "count(*)"),
        (Function::Sum, "sum(v)"),
        (Function::Avg, "avg(v)"),
        (Function::Min, "min(v)"),
        (Function::Max, "max(v)"),
        (Function::P90, "quantile_cont(v, 0.9)"),
        (Function::P99, "quantile_cont(v, 0.99)"),
    ];
    let (filter, condition) = filter(random, 3);
    let mut fields = FIELDS.to_vec();
    fields.rotate_left(random.below(7) as usize);
    fields.truncate(random.below(5) as usize);
    let (function, sql_function) = FUNCTIONS[random.below(8) as usize];
    let value = ["Bytes", "Packets", "TimeFlowRttNs", "DnsLatencyMs"][random.below(4) as usize];
    let is_one_step = random.chance(30);
    let step_ms = if is_one_step {
        SPAN_MS
    } else {
        60_000 * (1 + random.below(40) as i64)
    };
    let range_ms = if random.chance(50) {
        step_ms
    } else {
        30_000 * (1 + random.below(80) as i64)
    };
    let start_ms = T0 + random.below(SPAN_MS as u64 / 2) as i64;
    let query = AggregateQuery {
        start_ms,
        end_ms: if is_one_step {
            start_ms
        } else {
            start_ms + random.below(SPAN_MS as u64) as i64
        },
        step_ms,
        range_ms,
        filter,
        group_by: fields
            .iter()
            .map(|(field, _)| (*field).to_owned())
            .collect(),
        function,
        value_field: Some(value.to_owned()),
        factor: 1.0,
        top_k: usize::MAX,
    };
    let mut ours = Rows::new();
    for series in store.aggregate(&query, &control()).unwrap().series {
        let label = |name: &str| {
            series
                .labels
                .iter()
                .find(|(n, _)| n == name)
                .map(|(_, value)| value.clone())
                .unwrap_or_default()
        };
        let key: Vec<String> = fields.iter().map(|(field, _)| label(field)).collect();
        for (time_ms, value) in series.samples {
            let key = key.iter().cloned().chain([time_ms.to_string()]).collect();
            assert_eq!(
                ours.insert(key, value),
                None,
                "each group and step is there once"
            );
        }
    }
    let groups: Vec<_> = fields
        .iter()
        .map(|(_, sql)| format!("coalesce({sql}, ''), "))
        .collect();
    let groups = groups.concat();
    let sql_function = sql_function.replace("RANGE", &format!("({range_ms} / 1000.0)"));
    let sql = format!(
        "SELECT {groups} s.t::VARCHAR, {sql_function} FROM (SELECT *, {value} AS v FROM {table} WHERE {condition} AND v IS NOT NULL), \
         (SELECT unnest(range({start_ms}, {} + 1, {step_ms})) AS t) s \
         WHERE TimeFlowEndMs > s.t - {range_ms} AND TimeFlowEndMs <= s.t GROUP BY ALL",
        query.end_ms
    );
    Question {
        sql,
        ours,
        text: format!("{query:?}"),
    }
}

/// A random filter and the same in SQL.
fn filter(random: &mut Random, depth: u32) -> (Filter, String) {
    let number = 1 + random.below(3) as usize;
    match if depth == 0 { 10 } else { random.below(11) } {
        0 | 1 => {
            let (filters, sql): (Vec<_>, Vec<_>) =
                (0..number).map(|_| filter(random, depth - 1)).unzip();
            (Filter::And(filters), format!("({})", sql.join(" AND ")))
        }
        2..=4 => {
            let (filters, sql): (Vec<_>, Vec<_>) =
                (0..number).map(|_| filter(random, depth - 1)).unzip();
            (Filter::Or(filters), format!("({})", sql.join(" OR ")))
        }
        5 => {
            let (filter, sql) = filter(random, depth - 1);
            (filter.negate(), format!("(NOT {sql})"))
        }
        6 => either_side(random),
        _ => leaf(random),
    }
}

/// One or several addresses, of the source or of the destination: what the page asks for a host.
fn either_side(random: &mut Random) -> (Filter, String) {
    let count = [1, 1, 2, 40][random.below(4) as usize];
    let addresses: Vec<String> = (0..count).map(|_| address(random)).collect();
    let list = format!("('{}')", addresses.join("', '"));
    let (filters, sql): (Vec<_>, Vec<_>) = ["SrcAddr", "DstAddr"]
        .map(|field| {
            let is_one = |address: &String| Filter::equals(field, address);
            let filter = Filter::Or(addresses.iter().map(is_one).collect());
            (filter, format!("coalesce({field} IN {list}, false)"))
        })
        .into_iter()
        .unzip();
    (Filter::Or(filters), format!("({})", sql.join(" OR ")))
}

/// An address that probably has flows.
fn address(random: &mut Random) -> String {
    format!("10.128.{}.{}", random.below(4), 1 + random.below(250))
}

fn leaf(random: &mut Random) -> (Filter, String) {
    let text = |test: Test, field: &str, sql: String| {
        (
            Filter::matches(field, test),
            format!("coalesce({sql}, false)"),
        )
    };
    let number = random.below(40);
    match random.below(12) {
        0 => text(
            Test::Equals(format!("team-{number}")),
            "SrcK8S_Namespace",
            format!("SrcK8S_Namespace = 'team-{number}'"),
        ),
        1 => text(
            Test::Equals("6".to_owned()),
            "Proto",
            "Proto = 6".to_owned(),
        ),
        2 => text(
            Test::AtLeast(number as i64 * 100),
            "Bytes",
            format!("Bytes >= {}", number * 100),
        ),
        3 => (Filter::present("DnsId"), "(DnsId IS NOT NULL)".to_owned()),
        4 => {
            let pattern = format!("workload-{number}*");
            let sql = format!("DstK8S_Name LIKE 'workload-{number}%'");
            text(
                Test::Glob {
                    pattern,
                    ignore_case: false,
                },
                "DstK8S_Name",
                sql,
            )
        }
        5 => {
            let pattern = format!("*WORKLOAD*{number}*");
            let sql = format!("DstK8S_Name ILIKE '%workload%{number}%'");
            text(
                Test::Glob {
                    pattern,
                    ignore_case: true,
                },
                "DstK8S_Name",
                sql,
            )
        }
        6 => {
            let pattern = format!("^(infra|team)-{}$", number % 10);
            let sql = format!("regexp_matches(DstK8S_Namespace, '{pattern}')");
            text(Test::Regex(pattern), "DstK8S_Namespace", sql)
        }
        7 => {
            let network = format!("10.128.{}.0/24", number % 16);
            let sql = format!("SrcAddr LIKE '10.128.{}.%'", number % 16);
            text(Test::InNetwork(network.parse().unwrap()), "SrcAddr", sql)
        }
        8 | 11 => {
            let address = address(random);
            let field = ["SrcAddr", "DstAddr"][random.below(2) as usize];
            let sql = format!("{field} = '{address}'");
            text(Test::Equals(address), field, sql)
        }
        9 => {
            let sql =
                format!("list_contains(json_extract_string(Interfaces, '$[*]'), 'veth{number}')");
            text(Test::Equals(format!("veth{number}")), "Interfaces", sql)
        }
        _ => {
            let direction = number % 3;
            text(
                Test::Equals(direction.to_string()),
                "FlowDirection",
                format!("FlowDirection = {direction}"),
            )
        }
    }
}

/// Answers of all questions, by one process.
fn duckdb(python: &Path, questions: &[Question]) -> Vec<Rows> {
    const SCRIPT: &str = "
import json, sys, duckdb
connection = duckdb.connect()
connection.execute('SET enable_progress_bar = false')
print(json.dumps([connection.execute(sql).fetchall() for sql in json.load(sys.stdin)], default=float))
";
    let mut child = Command::new(python)
        .args(["-c", SCRIPT])
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .spawn()
        .unwrap();
    let sql: Vec<&str> = questions
        .iter()
        .map(|question| question.sql.as_str())
        .collect();
    child
        .stdin
        .take()
        .unwrap()
        .write_all(&serde_json::to_vec(&sql).unwrap())
        .unwrap();
    let output = child.wait_with_output().unwrap();
    assert!(output.status.success(), "DuckDB failed");
    let answers: Vec<Vec<Vec<Value>>> = serde_json::from_slice(&output.stdout).unwrap();
    let row = |mut row: Vec<Value>| {
        let value = row.pop().and_then(|value| value.as_f64()).unwrap();
        (
            row.iter()
                .map(|cell| cell.as_str().unwrap_or_default().to_owned())
                .collect(),
            value,
        )
    };
    answers
        .into_iter()
        .map(|rows| rows.into_iter().map(row).collect())
        .collect()
}

fn python() -> Option<PathBuf> {
    let path = std::env::var_os("NETOBSERV_PYTHON")
        .map(PathBuf::from)
        .or_else(|| {
            Some(PathBuf::from(std::env::var_os("HOME")?).join(".cache/netobserv/venv/bin/python"))
        })?;
    let has_duckdb = Command::new(&path)
        .args(["-c", "import duckdb"])
        .stderr(Stdio::null())
        .status()
        .is_ok_and(|status| status.success());
    if !has_duckdb {
        assert!(
            std::env::var_os("CI").is_none(),
            "{} has no module duckdb: pip install duckdb",
            path.display()
        );
        eprintln!(
            "skipped: {} has no module duckdb (pip install duckdb)",
            path.display()
        );
    }
    has_duckdb.then_some(path)
}
