#![allow(clippy::unwrap_used, reason = "tests")]

use std::collections::BTreeSet;

use super::*;
use crate::fields::dictionary;

const ONE_HOST: &str = include_str!("../../config/onehost-frontend.yaml");
const MINIMAL: &str = "server: {authCheck: none}\nstore: {path: /tmp/store}\n";

fn problems(text: &str) -> String {
    parse("test.yaml", text).unwrap_err().to_string()
}

#[test]
fn absent_keys_keep_their_defaults() {
    let config = parse("test.yaml", MINIMAL).unwrap().config;
    assert_eq!(
        (config.server.port, config.server.metrics_port),
        (9001, 9002)
    );
    assert_eq!(config.server.origin(), Some("*"));
    assert_eq!(config.frontend.record_types, ["flowLog"]);
    let scopes: Vec<&str> = config
        .frontend
        .scopes
        .iter()
        .map(|scope| scope.id.as_str())
        .collect();
    assert_eq!(scopes, ["host", "namespace", "owner", "resource"]);
}

#[test]
fn a_page_on_loopback_or_with_named_hosts_sends_no_origin() {
    for server in [
        "address: 127.0.0.1",
        "address: \"::1\"",
        "allowedHosts: [flows.example]",
    ] {
        let text = format!("server: {{authCheck: none, {server}}}\nstore: {{path: /tmp/store}}\n");
        assert_eq!(
            parse("test.yaml", &text).unwrap().config.server.origin(),
            None,
            "{server}"
        );
    }
    let text = "server: {authCheck: none, address: 127.0.0.1, corsOrigin: \"https://a\"}\nstore: {path: /s}\n";
    assert_eq!(
        parse("test.yaml", text).unwrap().config.server.origin(),
        Some("https://a")
    );
}

#[test]
fn unknown_keys_are_named_with_their_path() {
    let text = "server: {authCheck: none, logLevel: debug}\nstore: {path: /tmp/store}\nextra: 1\n\
                frontend: {healthRules: [], scopes: [{id: a, shortName: A}]}\n";
    let mut ignored = parse("test.yaml", text).unwrap().ignored;
    ignored.sort();
    assert_eq!(
        ignored,
        [
            "extra",
            "frontend.healthRules",
            "frontend.scopes[0].shortName",
            "server.logLevel"
        ]
    );
    assert!(problems("store: {path: /s, retain: 1h}").contains("unknown field `retain`"));
    assert!(
        problems("losses: {targets: [], every: 1s}\nstore: {path: /s}")
            .contains("unknown field `every`")
    );
}

#[test]
fn all_problems_are_told_at_once() {
    let text = "server: {address: eth0, certPath: a}\nloki: {url: http://loki}\nstore: {path: \"\"}\n\
                losses: {targets: [{component: \"\", url: \"ftp://x\"}]}\n";
    let message = problems(text);
    for part in [
        "has 8 problem(s)",
        "store and loki.url: exclude each other",
        "loki.url: Loki as a source is not available in this version",
        "server.address: \"eth0\" is not an IP address",
        "server.certPath and server.keyPath: set both or none",
        "server.authCheck: token review needs Kubernetes",
        "losses.targets[0].component: is empty",
        "losses.targets[0].url: \"ftp://x\" is not an address",
        "store.path: must name a folder",
    ] {
        assert!(message.contains(part), "{part} is not in:\n{message}");
    }
}

#[test]
fn a_retention_that_would_delete_what_was_just_stored_is_refused() {
    let store = |bytes: u64| {
        format!("server: {{authCheck: none}}\nstore: {{path: /s, retention: {{bytes: {bytes}}}}}")
    };
    for bytes in [0, 10, (64 << 20) - 1] {
        let message = problems(&store(bytes));
        assert!(
            message.contains("store.retention.bytes: must be at least 67108864 (64 MiB)"),
            "{message}"
        );
    }
    assert!(parse("test.yaml", &store(64 << 20)).is_ok());
}

#[test]
fn a_broken_file_is_told_with_its_place() {
    assert!(problems("").contains("no data source is configured; set store.path"));
    assert!(problems("server: {port: many}").contains("line 1"));
    assert!(problems("server: [").starts_with("parse configuration test.yaml: "));
    assert!(problems("loki: {url: 'http://l'}\nserver: {port: 70000}").contains("port"));
    let missing = load(std::path::Path::new("/nonexistent/x.yaml"))
        .unwrap_err()
        .to_string();
    assert!(
        missing.starts_with("read configuration /nonexistent/x.yaml: "),
        "{missing}"
    );
}

#[test]
fn the_page_of_one_host_names_only_what_exists() {
    let loaded = parse("onehost", &format!("{MINIMAL}{ONE_HOST}")).unwrap();
    assert_eq!(loaded.ignored, Vec::<String>::new());
    let frontend = loaded.config.frontend;
    let fields: BTreeSet<&str> = frontend
        .fields
        .iter()
        .map(|field| field.name.as_str())
        .collect();
    let filters: BTreeSet<&str> = frontend
        .filters
        .iter()
        .map(|filter| filter.id.as_str())
        .collect();
    let scopes: BTreeSet<&str> = frontend
        .scopes
        .iter()
        .map(|scope| scope.id.as_str())
        .collect();
    let columns: BTreeSet<&str> = frontend
        .columns
        .iter()
        .map(|column| column.id.as_str())
        .collect();
    assert_eq!(
        filters.len(),
        frontend.filters.len(),
        "a filter id is there twice"
    );
    assert_eq!(
        columns.len(),
        frontend.columns.len(),
        "a column id is there twice"
    );
    for field in &fields {
        assert!(dictionary().get(field).is_some(), "field {field}");
    }
    for column in &frontend.columns {
        for field in column
            .fields
            .iter()
            .chain([&column.field])
            .filter(|field| !field.is_empty())
        {
            assert!(
                fields.contains(field.as_str()),
                "column {}: field {field}",
                column.id
            );
        }
        let parts = column
            .calculated
            .split(['[', ']', '(', ')', ',', ' '])
            .filter(|part| !part.is_empty());
        for part in parts.filter(|part| !part.starts_with('\'') && part.parse::<f64>().is_err()) {
            let is_known = match part.strip_prefix("column.") {
                Some(id) => columns.contains(id),
                None => {
                    fields.contains(part)
                        || ["concat", "substract", "multiply", "or"].contains(&part)
                }
            };
            assert!(is_known, "column {}: {part}", column.id);
        }
        let filter = column.filter.as_str();
        assert!(
            filter.is_empty() || filters.contains(filter),
            "column {}: filter {filter}",
            column.id
        );
    }
    let bound: BTreeSet<&str> = frontend
        .columns
        .iter()
        .map(|column| column.filter.as_str())
        .collect();
    for filter in &filters {
        assert!(
            bound.contains(filter),
            "filter {filter} is bound to no column"
        );
    }
    for scope in &frontend.scopes {
        for label in &scope.labels {
            assert!(
                fields.contains(label.as_str()),
                "scope {}: {label}",
                scope.id
            );
        }
        assert!(
            scope
                .filters
                .iter()
                .all(|filter| filters.contains(filter.as_str())),
            "scope {}",
            scope.id
        );
        assert!(
            scope.step_into.is_empty() || scopes.contains(scope.step_into.as_str()),
            "scope {}",
            scope.id
        );
        for group in scope.groups.iter().flat_map(|group| group.split('+')) {
            assert!(
                scopes.contains(group.trim_end_matches('s')),
                "scope {}: group {group}",
                scope.id
            );
        }
    }
    for quick in &frontend.quick_filters {
        for id in quick.filter.keys() {
            assert!(
                filters.contains(id.trim_end_matches(['!', '>'])),
                "quick filter {}: {id}",
                quick.name
            );
        }
    }
    for panel in &frontend.panels {
        for part in panel.split('_') {
            let is_known = fields.contains(part)
                || [
                    "Flows", "DnsFlows", "avg", "min", "max", "p90", "p99", "sum", "count",
                ]
                .contains(&part);
            assert!(is_known, "panel {panel}: {part}");
        }
    }
}

/// Defaults of whole blocks repeat those of their keys; some keys' depend on machine and build.
fn drop_varying_defaults(schema: &mut serde_json::Value) {
    const VARYING: [&str; 3] = ["queryThreads", "buildVersion", "buildDate"];
    match schema {
        serde_json::Value::Object(map) => {
            if map.get("default").is_some_and(serde_json::Value::is_object) {
                map.remove("default");
            }
            for (name, child) in map.iter_mut() {
                if VARYING.contains(&name.as_str())
                    && let Some(property) = child.as_object_mut()
                {
                    property.remove("default");
                }
                drop_varying_defaults(child);
            }
        }
        serde_json::Value::Array(items) => items.iter_mut().for_each(drop_varying_defaults),
        _ => {}
    }
}

#[test]
fn the_schema_is_the_committed_one() {
    let mut schema = schemars::schema_for!(Config).to_value();
    drop_varying_defaults(&mut schema);
    let text = format!("{}\n", serde_json::to_string_pretty(&schema).unwrap());
    let path = concat!(env!("CARGO_MANIFEST_DIR"), "/contracts/config.schema.json");
    if std::env::var_os("UPDATE_CONTRACTS").is_some() {
        std::fs::write(path, &text).unwrap();
    }
    let committed = std::fs::read_to_string(path).unwrap_or_default();
    assert!(
        committed == text,
        "contracts/config.schema.json is old; run the tests with UPDATE_CONTRACTS=1"
    );
}
