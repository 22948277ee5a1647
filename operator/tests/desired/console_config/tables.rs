//! The page's tables: columns, filters, levels and fields.

use std::collections::BTreeSet;

use serde_json::{Value, json};

use super::config;

/// The rows that NetObserv's console shows, in files of its own: words beside them may change, these may not.
const TABLES: &str = include_str!("../../data/console_frontend.txt");

/// The rows of a table, each as the line that the file of tables has.
fn lines(items: &Value, keys: &[&str]) -> Vec<String> {
    let text = |value: Option<&Value>, separator: &str| match value {
        None => String::new(),
        Some(Value::Array(items)) => {
            let items: Vec<_> = items.iter().map(|item| item.as_str().unwrap()).collect();
            items.join(separator)
        }
        Some(Value::Bool(true)) => "yes".to_owned(),
        Some(Value::String(text)) => text.clone(),
        Some(other) => other.to_string(),
    };
    let line = |item: &Value| {
        let cells = keys.iter().map(|key| {
            let separator = if *key == "fields" { "," } else { " " };
            text(item.get(*key), separator)
        });
        cells.collect::<Vec<_>>().join("|")
    };
    items.as_array().unwrap().iter().map(line).collect()
}

#[test]
fn every_row_of_netobservs_tables_is_there_and_no_other() {
    let config = config(&json!({"agent": {"ebpf": {"features": ["UDNMapping"]}},
        "processor": {"addZone": true, "multiClusterDeployment": true}}));
    let frontend = &config["frontend"];
    let mut found = vec![];
    for (table, keys) in [
        (
            "columns",
            "id|group|name|field|fields|calculated|filter|default|width|feature",
        ),
        (
            "filters",
            "id|name|component|category|autoCompleteAddsQuotes|placeholder|feature",
        ),
        (
            "scopes",
            "id|name|labels|feature|groups|filter|filters|stepInto",
        ),
        ("fields", "name|type|format"),
    ] {
        found.push(format!("[{table}]"));
        let keys: Vec<_> = keys.split('|').collect();
        found.extend(lines(&frontend[table], &keys));
    }
    let expected: Vec<_> = TABLES
        .lines()
        .filter(|line| !line.starts_with('#'))
        .map(|line| match line.split_once("] ") {
            Some((table, _)) if line.starts_with('[') => format!("{table}]"),
            _ => line.to_owned(),
        })
        .collect();
    assert_eq!(found, expected);
}

#[test]
fn what_the_page_shows_refers_only_to_what_there_is() {
    let config = config(&json!({}));
    let frontend = &config["frontend"];
    let texts = |table: &str, key: &str| -> BTreeSet<String> {
        let items = frontend[table].as_array().unwrap().iter();
        items
            .filter_map(|item| item[key].as_str().map(str::to_owned))
            .collect()
    };
    let fields = texts("fields", "name");
    let filters = texts("filters", "id");
    for field in texts("columns", "field") {
        assert!(fields.contains(&field), "no field {field}");
    }
    for filter in texts("columns", "filter") {
        assert!(
            filters.contains(&filter) || filter == "type",
            "no filter {filter}"
        );
    }
    for quick in frontend["quickFilters"].as_array().unwrap() {
        for filter in quick["filter"].as_object().unwrap().keys() {
            assert!(filters.contains(filter), "no filter {filter}");
        }
    }
    for field in frontend["fields"].as_array().unwrap() {
        assert!(field["description"].is_string(), "{field} is not explained");
    }
    let mut earlier: BTreeSet<&str> = BTreeSet::new();
    for column in frontend["columns"].as_array().unwrap() {
        let formula = column["calculated"].as_str().unwrap_or_default();
        for used in formula.split("column.").skip(1) {
            let end = used.find([',', ']', ')']).unwrap();
            assert!(
                earlier.contains(&used[..end]),
                "{formula} uses a later column"
            );
        }
        earlier.insert(column["id"].as_str().unwrap());
    }
}
