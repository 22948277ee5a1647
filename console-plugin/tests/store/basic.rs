//! A push is queryable at once, after a restart, and after it was sealed and merged.

use bytes::Bytes;
use plugin_backend::store::push::Encoding;
use plugin_backend::store::query::{
    AggregateQuery, Filter, Function, RecordsQuery, Test, TimeRange, ValuesQuery,
};
use plugin_backend::store::{Store, StoreError};

use crate::flows;
use crate::support::{T0, config, control, json_push, row_count, store_with_rows};

#[test]
fn a_push_is_answered_as_it_came_before_and_after_sealing() {
    let folder = tempfile::tempdir().unwrap();
    let store = Store::open(config(folder.path())).unwrap();
    let line = format!(
        r#"{{"SrcAddr":"10.0.0.1","DstAddr":"2001:db8::1","Bytes":840,"Flags":18,"Interfaces":["eth0","veth1"],"TimeFlowEndMs":{T0},"Novel":{{"a":[1,"x"]}},"Ratio":0.5,"Note":"say \"hi\""}}"#
    );
    let labels = [
        ("app", "netobserv-flowcollector"),
        ("SrcK8S_Namespace", "shop"),
        ("FlowDirection", "1"),
    ];
    store
        .push(Encoding::Json, json_push(&labels, &[(T0, &line)]))
        .unwrap();
    let query = RecordsQuery {
        range: TimeRange::ALL,
        filter: Filter::TRUE,
        limit: 10,
    };
    let live = store.records(&query, &control()).unwrap().records;
    let expected_labels = [
        ("FlowDirection", "1"),
        ("SrcK8S_Namespace", "shop"),
        ("app", "netobserv-flowcollector"),
    ];
    let expected_line = format!(
        r#"{{"SrcAddr":"10.0.0.1","DstAddr":"2001:db8::1","Flags":18,"Bytes":840,"TimeFlowEndMs":{T0},"Interfaces":["eth0","veth1"],"Novel":{{"a":[1,"x"]}},"Ratio":0.5,"Note":"say \"hi\""}}"#
    );
    assert_eq!(live.len(), 1);
    assert_eq!(live[0].time_ms, T0);
    assert_eq!(
        live[0].labels,
        expected_labels.map(|(name, value)| (name.to_owned(), value.to_owned()))
    );
    assert_eq!(live[0].line, expected_line);
    store.shutdown();
    assert_eq!(store.sizes().head_rows, 0, "sealed at the end");
    assert_eq!(store.records(&query, &control()).unwrap().records, live);
    drop(store);
    let store = Store::open(config(folder.path())).unwrap();
    assert_eq!(store.records(&query, &control()).unwrap().records, live);
    assert!(matches!(
        Store::open(config(folder.path())),
        Err(StoreError::InUse { .. })
    ));
}

#[test]
fn equal_bodies_within_ten_minutes_are_stored_once_even_after_a_restart_and_a_seal() {
    let folder = tempfile::tempdir().unwrap();
    let mut flows = flows::Flows::new(1, 100, T0, 60_000);
    let body = Bytes::from(flows.push(100));
    let store = Store::open(config(folder.path())).unwrap();
    for _ in 0..3 {
        store.push(Encoding::Protobuf, body.clone()).unwrap();
    }
    assert_eq!(row_count(&store), 100);
    store.shutdown();
    drop(store);
    let store = Store::open(config(folder.path())).unwrap();
    store.push(Encoding::Protobuf, body.clone()).unwrap();
    assert_eq!(row_count(&store), 100);
}

#[test]
fn aggregations_mean_what_logql_means() {
    let folder = tempfile::tempdir().unwrap();
    let store = Store::open(config(folder.path())).unwrap();
    let line = |second: i64, namespace: &str, bytes: &str| {
        let field = if bytes.is_empty() {
            String::new()
        } else {
            format!(r#","Bytes":{bytes}"#)
        };
        (
            T0 + second * 1000,
            format!(
                r#"{{"DstK8S_Namespace":"{namespace}","TimeFlowEndMs":{}{field}}}"#,
                T0 + second * 1000
            ),
        )
    };
    let lines = [
        line(0, "a", "100"),
        line(10, "a", "10"),
        line(11, "a", "20"),
        line(20, "b", "7"),
        line(21, "b", "40"),
        line(25, "b", ""),
        line(30, "", "1"),
    ];
    let lines: Vec<(i64, &str)> = lines
        .iter()
        .map(|(time, line)| (*time, line.as_str()))
        .collect();
    store.push(Encoding::Json, json_push(&[], &lines)).unwrap();
    let ask = |function, range_ms, top_k, value: Option<&str>| {
        let query = AggregateQuery {
            start_ms: T0 + 10_000,
            end_ms: T0 + 30_000,
            step_ms: 10_000,
            range_ms,
            filter: Filter::TRUE,
            group_by: vec!["DstK8S_Namespace".to_owned()],
            function,
            value_field: value.map(str::to_owned),
            factor: 1.0,
            top_k,
        };
        let series = store.aggregate(&query, &control()).unwrap().series;
        let text = series.iter().map(|series| {
            let label = series.labels.first().map_or("-", |label| label.1.as_str());
            let samples: Vec<_> = series
                .samples
                .iter()
                .map(|(t, v)| format!("{}={v}", (t - T0) / 1000))
                .collect();
            format!("{label}: {}", samples.join(" "))
        });
        text.collect::<Vec<_>>().join("; ")
    };
    let bytes = Some("Bytes");
    // A sample covers (t - range, t]: the row at 10 s belongs to step 10, the one at 0 s to no step.
    assert_eq!(
        ask(Function::Sum, 10_000, 9, bytes),
        "-: 30=1; a: 10=10 20=20; b: 20=7 30=40"
    );
    assert_eq!(
        ask(Function::Sum, 20_000, 9, bytes),
        "-: 30=1; a: 10=110 20=30 30=20; b: 20=7 30=47"
    );
    assert_eq!(
        ask(Function::Rate, 10_000, 9, bytes),
        "-: 30=0.1; a: 10=1 20=2; b: 20=0.7 30=4"
    );
    assert_eq!(
        ask(Function::Count, 10_000, 9, bytes),
        "-: 30=1; a: 10=1 20=1; b: 20=1 30=1"
    );
    assert_eq!(
        ask(Function::Count, 10_000, 9, None),
        "-: 30=1; a: 10=1 20=1; b: 20=1 30=2"
    );
    assert_eq!(
        ask(Function::Avg, 20_000, 9, bytes),
        "-: 30=1; a: 10=55 20=15 30=20; b: 20=7 30=23.5"
    );
    assert_eq!(
        ask(Function::Max, 20_000, 1, bytes),
        "a: 10=100 20=20; b: 30=40"
    );
    assert_eq!(
        ask(Function::Min, 20_000, 1, bytes),
        "-: 30=1; a: 10=10; b: 20=7"
    );
    assert_eq!(
        ask(Function::P90, 20_000, 9, bytes),
        "-: 30=1; a: 10=91 20=19 30=20; b: 20=7 30=36.7"
    );
}

#[test]
fn values_come_with_counts_most_frequent_first() {
    let folder = tempfile::tempdir().unwrap();
    let store = Store::open(config(folder.path())).unwrap();
    // A flow that passed an interface twice is one flow there, also in a field that this version does not know.
    let lines = [r#""eth0""#, r#""eth0","eth0""#, r#""br-ex""#].map(|names| {
        format!(r#"{{"Interfaces":[{names},"Veth9"],"Others":[{names}],"SrcPort":80}}"#)
    });
    let lines: Vec<(i64, &str)> = lines.iter().map(|line| (T0, line.as_str())).collect();
    store
        .push(Encoding::Json, json_push(&[("app", "x")], &lines))
        .unwrap();
    let ask = |field: &str, prefix: &str, limit| {
        let (field, prefix) = (field.to_owned(), prefix.to_owned());
        let query = ValuesQuery {
            field,
            prefix,
            range: TimeRange::ALL,
            filter: Filter::TRUE,
            limit,
        };
        let answer = store.values(&query, &control()).unwrap();
        let values: Vec<_> = answer
            .values
            .iter()
            .map(|v| format!("{}={}", v.value, v.count))
            .collect();
        (values.join(" "), answer.is_limited)
    };
    assert_eq!(
        ask("Interfaces", "", 9),
        ("Veth9=3 eth0=2 br-ex=1".to_owned(), false)
    );
    assert_eq!(
        ask("Interfaces", "", 2),
        ("Veth9=3 eth0=2".to_owned(), true)
    );
    assert_eq!(ask("Interfaces", "v", 9), ("Veth9=3".to_owned(), false));
    assert_eq!(ask("Others", "", 9), ("eth0=2 br-ex=1".to_owned(), false));
    assert_eq!(ask("SrcPort", "8", 9), ("80=3".to_owned(), false));
    assert_eq!(ask("app", "", 9), ("x=3".to_owned(), false));
    assert_eq!(ask("NoSuchField", "", 9), (String::new(), false));
}

#[test]
fn filters_choose_rows_alike_in_memory_and_in_files() {
    let folder = tempfile::tempdir().unwrap();
    let store = store_with_rows(folder.path());
    let test = |field: &str, test: Test| Filter::matches(field, test);
    let glob = |field: &str, pattern: &str, ignore_case| {
        test(
            field,
            Test::Glob {
                pattern: pattern.to_owned(),
                ignore_case,
            },
        )
    };
    let table = [
        (Filter::TRUE, "abcd"),
        (Filter::Or(Vec::new()), ""),
        (Filter::equals("SrcAddr", "10.0.0.1"), "a"),
        (Filter::equals("SrcPort", "080"), "b"),
        (Filter::equals("SrcPort", "x"), ""),
        (Filter::equals("SrcPort", "80").negate(), "acd"),
        (Filter::present("SrcPort"), "ab"),
        (Filter::present("SrcPort").negate(), "cd"),
        (test("SrcPort", Test::AtLeast(443)), "a"),
        (
            test("SrcAddr", Test::InNetwork("10.0.0.0/24".parse().unwrap())),
            "ab",
        ),
        (
            test("SrcAddr", Test::InNetwork("::/0".parse().unwrap())),
            "c",
        ),
        (
            test(
                "SrcAddr",
                Test::InAddresses("10.0.0.2".parse().unwrap(), "10.0.0.9".parse().unwrap()),
            ),
            "b",
        ),
        (glob("SrcK8S_Name", "WEB-*", true), "ab"),
        (glob("SrcK8S_Name", "WEB-*", false), ""),
        (glob("SrcK8S_Name", "web.1", false), ""),
        (
            test("SrcK8S_Name", Test::Regex("^web-[12]$".to_owned())),
            "ab",
        ),
        (test("SrcPort", Test::Regex("^4.3$".to_owned())), "a"),
        (Filter::equals("Interfaces", "eth1"), "b"),
        (Filter::equals("Interfaces", "eth0"), "ab"),
        (Filter::equals("Flags", "16"), "a"),
        (Filter::equals("Flags", "SYN"), "b"),
        (Filter::empty_or_missing("SrcK8S_Name"), "cd"),
        (Filter::equals("SrcK8S_Name", ""), "c"),
        (Filter::equals("Novel", "7"), "d"),
        (Filter::equals("app", "x"), "abcd"),
        (Filter::equals("_IsFirst", "true"), "d"),
        (
            Filter::And(vec![
                Filter::present("SrcPort"),
                Filter::equals("Proto", "6"),
            ]),
            "a",
        ),
    ];
    let ask = |filter: &Filter| {
        let query = RecordsQuery {
            range: TimeRange::ALL,
            filter: filter.clone(),
            limit: 100,
        };
        let records = store.records(&query, &control()).unwrap().records;
        let mut ids: Vec<String> = records
            .iter()
            .map(|r| {
                serde_json::from_str::<serde_json::Value>(&r.line).unwrap()["Id"]
                    .as_str()
                    .unwrap()
                    .to_owned()
            })
            .collect();
        ids.sort();
        ids.concat()
    };
    for (filter, expected) in &table {
        assert_eq!(ask(filter), *expected, "in memory: {filter:?}");
    }
    store.shutdown();
    for (filter, expected) in &table {
        assert_eq!(ask(filter), *expected, "in files: {filter:?}");
    }
}

#[test]
fn the_newest_records_come_first_across_memory_and_files() {
    let folder = tempfile::tempdir().unwrap();
    let mut flows = flows::Flows::new(3, 3_000, T0, 3 * 3_600_000);
    let store = Store::open(config(folder.path())).unwrap();
    for _ in 0..20 {
        store
            .push(Encoding::Protobuf, flows.push(100).into())
            .unwrap();
    }
    store.shutdown();
    drop(store);
    let store = Store::open(config(folder.path())).unwrap();
    for _ in 0..10 {
        store
            .push(Encoding::Protobuf, flows.push(100).into())
            .unwrap();
    }
    let all = RecordsQuery {
        range: TimeRange::ALL,
        filter: Filter::TRUE,
        limit: 5_000,
    };
    let all = store.records(&all, &control()).unwrap().records;
    assert_eq!(all.len(), 3_000);
    assert!(all.is_sorted_by(|a, b| a.time_ms >= b.time_ms));
    let some = RecordsQuery {
        range: TimeRange {
            start_ms: T0,
            end_ms: all[500].time_ms,
        },
        filter: Filter::equals("Proto", "6"),
        limit: 700,
    };
    let found = store.records(&some, &control()).unwrap().records;
    let expected: Vec<_> = all
        .iter()
        .filter(|r| r.time_ms < all[500].time_ms && r.line.contains(r#""Proto":6,"#))
        .take(700)
        .map(|r| r.time_ms)
        .collect();
    assert_eq!(
        found.iter().map(|r| r.time_ms).collect::<Vec<_>>(),
        expected
    );
}

#[test]
fn few_rows_are_found_by_their_address_first_and_all_else_still_counts() {
    let folder = tempfile::tempdir().unwrap();
    let mut flows = flows::Flows::new(3, 3_000, T0, 3 * 3_600_000);
    let store = Store::open(config(folder.path())).unwrap();
    for _ in 0..30 {
        store
            .push(Encoding::Protobuf, flows.push(100).into())
            .unwrap();
    }
    let ask = |filter: Filter, range| {
        let query = RecordsQuery {
            range,
            filter,
            limit: 5_000,
        };
        store.records(&query, &control()).unwrap().records
    };
    let all = ask(Filter::TRUE, TimeRange::ALL);
    let field = |record: &plugin_backend::store::query::Record, name: &str| {
        let line: serde_json::Value = serde_json::from_str(&record.line).unwrap();
        line[name].to_string().trim_matches('"').to_owned()
    };
    let (source, proto) = (field(&all[1_000], "SrcAddr"), field(&all[1_000], "Proto"));
    let range = TimeRange {
        start_ms: T0,
        end_ms: all[500].time_ms,
    };
    let filter = Filter::And(vec![
        Filter::equals("Proto", &proto),
        Filter::equals("SrcAddr", &source),
    ]);
    let is_wanted = |record: &&plugin_backend::store::query::Record| {
        range.contains(record.time_ms)
            && field(record, "SrcAddr") == source
            && field(record, "Proto") == proto
    };
    let expected: Vec<String> = all
        .iter()
        .filter(is_wanted)
        .map(|r| r.line.clone())
        .collect();
    assert!(!expected.is_empty() && expected.len() < 100);
    let count = AggregateQuery {
        start_ms: range.end_ms - 1,
        end_ms: range.end_ms - 1,
        step_ms: 1,
        range_ms: range.end_ms - range.start_ms,
        filter: filter.clone(),
        group_by: Vec::new(),
        function: Function::Count,
        value_field: None,
        factor: 1.0,
        top_k: 1,
    };
    for place in ["in memory", "in files"] {
        let found = ask(filter.clone(), range);
        let lines: Vec<String> = found.into_iter().map(|record| record.line).collect();
        assert_eq!(lines, expected, "{place}");
        let counted = store.aggregate(&count, &control()).unwrap().series;
        assert_eq!(counted[0].samples[0].1 as usize, expected.len(), "{place}");
        store.shutdown();
    }
}

#[test]
fn a_thousand_addresses_of_either_side_are_found_in_memory_and_in_files() {
    let folder = tempfile::tempdir().unwrap();
    let store = Store::open(config(folder.path())).unwrap();
    // More than a page of rows in one hour.
    let mut flows = flows::Flows::new(3, 12_000, T0, 3_000_000);
    for _ in 0..12 {
        store
            .push(Encoding::Protobuf, flows.push(1_000).into())
            .unwrap();
    }
    let ask = |filter: Filter| {
        let query = RecordsQuery {
            range: TimeRange::ALL,
            filter,
            limit: 20_000,
        };
        let records = store.records(&query, &control()).unwrap().records;
        let lines = records.into_iter().map(|record| record.line);
        lines.collect::<Vec<String>>()
    };
    let either = |addresses: &[String]| {
        let of = |field: &str| {
            let is_one = |address: &String| Filter::equals(field, address);
            Filter::Or(addresses.iter().map(is_one).collect())
        };
        Filter::Or(vec![of("SrcAddr"), of("DstAddr")])
    };
    let thousand = |second: usize| {
        let address = move |at| format!("10.{second}.{}.{}", at / 250, 1 + at % 250);
        (0..1_000).map(address).collect::<Vec<String>>()
    };
    let all: Vec<(String, [String; 2])> = ask(Filter::TRUE)
        .into_iter()
        .map(|line| {
            let fields: serde_json::Value = serde_json::from_str(&line).unwrap();
            let of = |side: &str| fields[side].as_str().unwrap().to_owned();
            let sides = [of("SrcAddr"), of("DstAddr")];
            (line, sides)
        })
        .collect();
    let frequent = thousand(128);
    // Only the last of them is there.
    let mut rare = thousand(1);
    rare[999].clone_from(&all[5_000].1[0]);
    for place in ["in memory", "in files"] {
        for wanted in [&frequent, &rare] {
            let is_wanted = |(_, sides): &&(String, [String; 2])| {
                sides.iter().any(|address| wanted.contains(address))
            };
            let expected: Vec<&String> =
                all.iter().filter(is_wanted).map(|(line, _)| line).collect();
            assert!(!expected.is_empty() && expected.len() < all.len());
            let found = ask(either(wanted));
            assert!(
                found.iter().eq(expected.iter().copied()),
                "{place}: {} rows instead of {}",
                found.len(),
                expected.len()
            );
        }
        store.shutdown();
    }
}
