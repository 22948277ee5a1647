//! What each fuzz target does with its bytes, whoever chooses them: libFuzzer (`fuzz_targets/`), or `tests/fuzz.rs`, which
//! changes the seeds at random for a few seconds in every `cargo test`.
//!
//! **Invariant:** what must hold for any bytes is asserted here and nowhere else: it ends, in time and memory that the
//! input's length bounds, with a result that can be used or an error that can be shown.

#[path = "cost.rs"]
mod cost;

use std::sync::LazyLock;
use std::time::Duration;

use plugin_backend::config::{self, FrontendConfig};
use plugin_backend::fields::dictionary;
use plugin_backend::query::BadRequest;
use plugin_backend::query::filter::check_key;
use plugin_backend::query::parameters::Parameters;
use plugin_backend::query::plan::Planner;
use plugin_backend::query::request::{
    FlowRequest, MetricsRequest, read_kind, read_namespace, read_span,
};
use plugin_backend::query::store as translate;
use plugin_backend::store::config::StoreConfig;
use plugin_backend::store::push::{self, Encoding, PushLimits};
use plugin_backend::store::query::{AggregateQuery, Control, Filter, RecordsQuery, ValuesQuery};
use plugin_backend::store::{Store, StoreError};

use cost::Limits;

/// A value of two bytes becomes a test of each side's field.
const QUERY: Limits = Limits {
    heap: (64 << 10, 512),
    time: (Duration::from_millis(100), Duration::from_micros(20)),
};
/// A pattern becomes a program of some kilobytes before the first row is looked at, and there may be 256. Threads that the
/// store starts are not seen; the query's own deadline is for those.
const ANSWER: Limits = Limits {
    heap: (16 << 20, 512),
    time: (Duration::from_secs(8), Duration::from_micros(20)),
};
/// The claimed length of a snappy block may be 32 times the body's.
const PUSH: Limits = Limits {
    heap: (2 << 20, 256),
    time: (Duration::from_millis(500), Duration::from_micros(20)),
};
/// Beside the rows one entry is held, whose text may have to be copied.
const JSON_PUSH: Limits = Limits {
    heap: (3 << 20, 2),
    time: PUSH.time,
};
/// The text is read twice and laid beside its schema.
const CONFIGURATION: Limits = Limits {
    heap: (16 << 20, 1024),
    time: (Duration::from_secs(2), Duration::from_micros(100)),
};

/// Longer addresses are refused before they are read.
const ADDRESS_BYTES_MAX: usize = 48 << 10;
/// Characters of an error; what it repeats of a request is cut.
const ERROR_CHARACTERS_MAX: usize = 400;
const NOW_MS: i64 = 1_700_000_007_500;

/// What a request asks of the store.
enum Asked {
    Records(RecordsQuery),
    Series(AggregateQuery),
    Values(ValuesQuery),
    /// A route that reads parameters and asks the store nothing of its own.
    Nothing,
}

/// Path and query of a request to any route with parameters. What is not refused is asked of a store.
pub fn query(input: &[u8]) {
    let Ok(address) = std::str::from_utf8(&input[..input.len().min(ADDRESS_BYTES_MAX)]) else {
        return;
    };
    let (path, query) = address.split_once('?').unwrap_or((address, ""));
    let asked = match QUERY.hold(input, || read(path, query)) {
        Ok(asked) => asked,
        Err(error) => {
            let text = error.to_string();
            assert!(!text.is_empty() && text.chars().count() <= ERROR_CHARACTERS_MAX);
            assert!(!text.contains(char::is_control), "{text:?}");
            return;
        }
    };
    // Far beyond what the few rows take; reached only by work that no row is the reason for.
    let control = Control::within(Duration::from_mins(1));
    let store = &STORE.0;
    let answered = ANSWER.hold(input, || match &asked {
        Asked::Records(query) => {
            check_fields(&query.filter);
            store.records(query, &control).map(drop)
        }
        Asked::Series(query) => {
            check_fields(&query.filter);
            store.aggregate(query, &control).map(drop)
        }
        Asked::Values(query) => {
            check_fields(&query.filter);
            store.values(query, &control).map(drop)
        }
        Asked::Nothing => Ok(()),
    });
    // What was found valid is never refused later, and a few rows never need much.
    assert!(answered.is_ok(), "{answered:?}");
}

fn read(path: &str, query: &str) -> Result<Asked, BadRequest> {
    const LIMIT: usize = 1000;
    let planner = Planner {
        dictionary: dictionary(),
        aggregation_keys: FrontendConfig::default().aggregation_keys(),
    };
    let parameters = Parameters::parse(query)?;
    let flow = || FlowRequest::read(&parameters, NOW_MS);
    Ok(match path {
        "/api/loki/flow/records" => {
            let plan = planner.records(flow()?)?;
            Asked::Records(translate::records(dictionary(), &plan, LIMIT)?)
        }
        "/api/loki/export" => {
            let columns = parameters.get("columns").split(',');
            columns
                .filter(|column| !column.is_empty())
                .try_for_each(check_key)?;
            let plan = planner.records(flow()?)?;
            Asked::Records(translate::records(dictionary(), &plan, LIMIT)?)
        }
        "/api/flow/metrics" => {
            let plan = planner.metrics(MetricsRequest::read(&parameters, NOW_MS)?)?;
            Asked::Series(translate::metrics(dictionary(), &plan)?)
        }
        "/api/resources/names" => {
            read_kind(parameters.get("kind"))?;
            read_namespace(parameters.get("namespace"))?;
            Asked::Nothing
        }
        "/api/losses" => {
            read_span(&parameters, NOW_MS)?;
            Asked::Nothing
        }
        path => {
            let field = path.trim_start_matches("/api/fields/");
            check_key(field)?;
            let limit = flow()?.limit.unwrap_or(LIMIT).min(LIMIT);
            let plan = planner.values(field, parameters.get("prefix"), flow()?, limit)?;
            Asked::Values(translate::values(dictionary(), &plan)?)
        }
    })
}

/// No name of a request reaches the store.
fn check_fields(filter: &Filter) {
    match filter {
        Filter::And(filters) | Filter::Or(filters) => filters.iter().for_each(check_fields),
        Filter::Not(filter) => check_fields(filter),
        Filter::Match { field, .. } => {
            assert!(dictionary().get(field).is_some(), "{field} is no field");
        }
    }
}

/// A store with the pushes that are this target's seeds' neighbours: a few rows of each kind in a sealed file, and as
/// many in memory.
static STORE: LazyLock<(Store, tempfile::TempDir)> = LazyLock::new(|| {
    let folder = tempfile::tempdir().expect("a folder");
    let mut config = StoreConfig::at(folder.path());
    config.retention.age.0 = Duration::from_hours(24 * 36_500);
    config.limits.free_bytes = 0;
    let store = Store::open(config.clone()).expect("a store");
    store
        .push(Encoding::Json, rows(NOW_MS).into())
        .expect("a push");
    store.shutdown();
    drop(store);
    let store = Store::open(config).expect("a store");
    store
        .push(Encoding::Json, rows(NOW_MS - 500).into())
        .expect("a push");
    assert!(store.sizes().files > 0 && store.sizes().head_rows > 0);
    (store, folder)
});

/// A push of rows whose newest ends then.
fn rows(newest_ms: i64) -> String {
    let lines: Vec<[String; 2]> = (0..50_i64)
        .map(|row| {
            let time = newest_ms - row * 1000;
            let line = serde_json::json!({
                "SrcAddr": format!("10.9.0.{row}"), "DstAddr": "2001:db8::9", "SrcPort": 40_000 + row, "DstPort": 443,
                "Proto": 6, "Bytes": 100 * row, "Packets": row, "Flags": ["SYN", "ACK"], "Interfaces": ["eth0", "br-lan"],
                "DnsName": "a".repeat(200), "DnsId": row, "DnsLatencyMs": row, "TimeFlowRttNs": 1_000_000 * row,
                "SrcMac": "0a:58:00:00:00:01", "SrcK8S_Name": format!("web-{row}"), "TimeFlowEndMs": time,
            });
            [format!("{time}000000"), line.to_string()]
        })
        .collect();
    let labels = serde_json::json!({"app": "x", "SrcK8S_Namespace": "shop", "FlowDirection": "1"});
    serde_json::json!({"streams": [{"stream": labels, "values": lines}]}).to_string()
}

/// A push: one byte that says how the rest is written, then the body. `p` is protobuf in a snappy block and `j` JSON, as
/// writers send them; `r` is protobuf that is packed here, so that damage meets the message.
pub fn push(input: &[u8]) {
    let limits = PushLimits {
        decoded_bytes: 1 << 20,
        line_bytes: 64 << 10,
        lines: 1000,
        oldest_ms: 0,
        newest_ms: 2 * NOW_MS,
    };
    let packed;
    let (encoding, body) = match input.split_first() {
        Some((b'p', body)) => (Encoding::Protobuf, body),
        Some((b'r', body)) => {
            packed = snap::raw::Encoder::new()
                .compress_vec(body)
                .expect("not that large");
            (Encoding::Protobuf, &packed[..])
        }
        Some((_, body)) => (Encoding::Json, body),
        None => return,
    };
    #[allow(
        clippy::default_trait_access,
        reason = "the store does not show the type"
    )]
    let decode = || push::decode(encoding, body, &limits, Default::default());
    let limits_of_cost = match encoding {
        Encoding::Protobuf => PUSH,
        Encoding::Json => JSON_PUSH,
    };
    match (limits_of_cost.hold(input, decode), decode()) {
        (Ok(first), Ok(second)) => {
            assert_eq!(first.faults, second.faults);
            let rows = first.lines.len;
            assert_eq!(rows, second.lines.len, "the log gives what was pushed");
            if let Some((first_ms, last_ms)) = first.lines.time_bounds() {
                assert!(limits.oldest_ms <= first_ms && last_ms <= limits.newest_ms);
            }
            assert!(rows as u64 + first.faults.iter().sum::<u64>() <= limits.lines as u64);
        }
        (Err(first), Err(second)) => {
            let text = first.to_string();
            assert_eq!(first, second);
            // It may repeat a text of the body, with its signs escaped.
            assert!(!text.is_empty() && text.len() <= 6 * body.len() + ERROR_CHARACTERS_MAX);
            assert!(!StoreError::from(first).kind().is_empty());
        }
        _ => panic!("the same body is taken once and refused once"),
    }
}

/// The console's configuration file.
pub fn config(input: &[u8]) {
    let Ok(text) = std::str::from_utf8(input) else {
        return;
    };
    match CONFIGURATION.hold(input, || config::parse("fuzz.yaml", text)) {
        Ok(loaded) => {
            let mut frontend = loaded.config.frontend;
            let shown = CONFIGURATION.hold(input, || {
                frontend.derive(dictionary());
                frontend.aggregation_keys();
                serde_json::to_string(&frontend)
            });
            assert!(shown.is_ok(), "the page's part can be sent");
            assert!(loaded.config.store.is_some(), "there is a source");
        }
        Err(error) => assert!(error.to_string().contains("fuzz.yaml")),
    }
}
