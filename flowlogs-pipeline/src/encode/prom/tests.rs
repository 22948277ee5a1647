#![allow(clippy::unwrap_used, reason = "tests")]
use serde_json::{Value as Json, json};

use super::*;
use crate::config::{Problems, Severity};
use crate::metrics::Operational;
use crate::model::{Record, Value};

fn record(fields: &Json) -> Record {
    let mut record = Record::new();
    for (name, value) in fields.as_object().unwrap() {
        record.set(&name.as_str().into(), Value::from_json(value.clone()));
    }
    record
}

fn batch(records: &[Json]) -> Batch {
    records.iter().map(record).collect::<Vec<_>>().into()
}

struct Harness {
    runtime: tokio::runtime::Runtime,
    metrics: Operational,
    stage: EncodeProm,
}

impl Harness {
    fn new(config: Json) -> Self {
        let runtime = tokio::runtime::Builder::new_multi_thread()
            .worker_threads(1)
            .enable_all()
            .build()
            .unwrap();
        let metrics = Operational::new(Registry::default(), "o_");
        let config: PromConfig = serde_json::from_value(config).unwrap();
        let mut problems = Problems::default();
        config.validate(&mut problems);
        assert!(!problems.has_errors(), "{:?}", problems.found());
        let context = BuildContext {
            name: "p".into(),
            metrics: metrics.clone(),
            runtime: runtime.handle().clone(),
        };
        let stage = EncodeProm::new(&config, &context).unwrap();
        Self {
            runtime,
            metrics,
            stage,
        }
    }

    /// The samples shown, but for the operational ones.
    fn samples(&self) -> Vec<String> {
        self.all()
            .into_iter()
            .filter(|line| !line.starts_with("o_"))
            .collect()
    }

    fn all(&self) -> Vec<String> {
        let text = self.metrics.registry().to_text();
        let mut lines: Vec<_> = text
            .lines()
            .filter(|line| !line.starts_with('#'))
            .map(String::from)
            .collect();
        lines.sort();
        lines
    }
}

/// One metric of prefix `t_`, some records, what is shown.
fn check(metric: &Json, records: &[Json], expected: &[&str]) {
    let mut harness = Harness::new(json!({"prefix": "t_", "metrics": [metric]}));
    harness.stage.write(&batch(records));
    assert_eq!(harness.samples(), expected);
}

#[test]
fn counters_add_values_and_gauges_keep_the_last() {
    check(
        &json!({"name": "bytes_total", "type": "counter", "valueKey": "Bytes", "labels": ["SrcAddr", "DstAddr"]}),
        &[
            json!({"SrcAddr": "10.0.0.5", "DstAddr": "10.0.0.9", "Bytes": 7}),
            json!({"SrcAddr": "10.0.0.5", "DstAddr": "10.0.0.9", "Bytes": 1}),
        ],
        &[r#"t_bytes_total{SrcAddr="10.0.0.5",DstAddr="10.0.0.9"} 8"#],
    );
    check(
        &json!({"name": "flows_total", "type": "counter"}),
        &[json!({}), json!({})],
        &["t_flows_total 2"],
    );
    check(
        &json!({"name": "smp", "type": "gauge", "valueKey": "Sampling"}),
        &[json!({"Sampling": 50}), json!({"Sampling": 20}), json!({})],
        &["t_smp 20"],
    );
}

#[test]
fn the_first_metric_of_a_name_counts() {
    let mut harness = Harness::new(json!({"prefix": "t_", "metrics": [
        {"name": "flows_total", "type": "counter"},
        {"name": "flows_total", "type": "counter", "valueKey": "Bytes"},
    ]}));
    harness.stage.write(&batch(&[json!({"Bytes": 7})]));
    assert_eq!(harness.samples(), ["t_flows_total 1"]);
}

#[test]
fn histograms_scale_and_bin() {
    let mut harness = Harness::new(json!({"prefix": "t_", "metrics": [{
        "name": "rtt_seconds", "type": "histogram", "valueKey": "TimeFlowRttNs", "valueScale": 1e9,
        "filters": [{"key": "TimeFlowRttNs", "type": "presence"}],
    }]}));
    harness.stage.write(&batch(&[
        json!({"TimeFlowRttNs": 7_000_000}),
        json!({"TimeFlowRttNs": 80_000_000}),
        json!({}),
    ]));
    let shown = harness.samples();
    for line in [
        r#"t_rtt_seconds_bucket{le="0.005"} 0"#,
        r#"t_rtt_seconds_bucket{le="0.01"} 1"#,
        r#"t_rtt_seconds_bucket{le="0.1"} 2"#,
        r#"t_rtt_seconds_bucket{le="+Inf"} 2"#,
        "t_rtt_seconds_count 2",
    ] {
        assert!(shown.contains(&line.into()), "{line} not in {shown:?}");
    }
    // The sum of two floats is off by a last digit.
    assert!(
        shown
            .iter()
            .any(|line| line.starts_with("t_rtt_seconds_sum 0.087")),
        "{shown:?}"
    );
}

#[test]
fn buckets_apply_and_agg_histograms_take_each_element() {
    check(
        &json!({"name": "h", "type": "agg_histogram", "valueKey": "recent_raw_values", "valueScale": 10, "buckets": [2, 1]}),
        &[
            json!({"recent_raw_values": [0.5, 1.5, 9]}),
            json!({"recent_raw_values": "text"}),
            json!({}),
        ],
        &[
            r#"t_h_bucket{le="+Inf"} 3"#,
            r#"t_h_bucket{le="1"} 1"#,
            r#"t_h_bucket{le="2"} 2"#,
            "t_h_count 3",
            "t_h_sum 11",
        ],
    );
}

/// Counts records by the field `n`, so that the answer names those that passed.
fn passing(filters: &Json, records: &[Json]) -> Vec<String> {
    let mut harness = Harness::new(
        json!({"metrics": [{"name": "c", "type": "counter", "filters": filters, "labels": ["n"]}]}),
    );
    let numbered: Vec<Json> = records
        .iter()
        .enumerate()
        .map(|(number, fields)| {
            let mut fields = fields.clone();
            fields["n"] = number.into();
            fields
        })
        .collect();
    harness.stage.write(&batch(&numbered));
    harness.samples()
}

fn passed(numbers: &[usize]) -> Vec<String> {
    numbers
        .iter()
        .map(|number| format!("c{{n=\"{number}\"}} 1"))
        .collect()
}

#[test]
fn filters_compare_text_and_absence_is_not_equal() {
    let directions = [
        json!({"FlowDirection": 0}),
        json!({"FlowDirection": 1}),
        json!({"FlowDirection": 2}),
        json!({}),
    ];
    let filter =
        |kind: &str, value: &str| json!([{"key": "FlowDirection", "type": kind, "value": value}]);
    assert_eq!(
        passing(&filter("not_equal", "1"), &directions),
        passed(&[0, 2, 3])
    );
    assert_eq!(passing(&filter("equal", "1"), &directions), passed(&[1]));
    assert_eq!(passing(&filter("equal", "01"), &directions), passed(&[]));
    assert_eq!(
        passing(&filter("match_regex", "0|2"), &directions),
        passed(&[0, 2])
    );
    assert_eq!(
        passing(&filter("not_match_regex", "0|2"), &directions),
        passed(&[1, 3])
    );
    assert_eq!(
        passing(&filter("presence", ""), &directions),
        passed(&[0, 1, 2])
    );
    assert_eq!(passing(&filter("absence", ""), &directions), passed(&[3]));
    assert_eq!(
        passing(
            &json!([{"key": "FlowDirection", "value": "1"}]),
            &directions
        ),
        passed(&[1])
    );
}

#[test]
fn filters_see_every_width_of_number_and_addresses_as_text() {
    use crate::model::{Field, Number};
    let mut harness = Harness::new(
        json!({"metrics": [{"name": "c", "type": "counter", "labels": ["x"], "filters": [
        {"key": "x", "value": "18446744073709551615"}, {"key": "x", "value": "7"}, {"key": "x", "value": "1.5"},
        {"key": "x", "value": "true"}, {"key": "x", "value": "2001:db8::5"}]}]}),
    );
    let mut records = Vec::new();
    for value in [
        Value::Number(Number::U64(u64::MAX)),
        Value::Number(Number::U64(7)),
        Value::Number(Number::I32(-1)),
        Value::Number(Number::F64(1.5)),
        Value::Bool(true),
        Value::Address("2001:db8::5".parse::<std::net::IpAddr>().unwrap().into()),
        Value::Text("8".into()),
    ] {
        let mut record = Record::new();
        record.set(&"x".into(), value);
        record.set_number(Field::Bytes, 1);
        records.push(record);
    }
    harness.stage.write(&records.into());
    assert_eq!(
        harness.samples(),
        [
            r#"c{x="1.5"} 1"#,
            r#"c{x="18446744073709551615"} 1"#,
            r#"c{x="2001:db8::5"} 1"#,
            r#"c{x="7"} 1"#,
            r#"c{x="true"} 1"#,
        ]
    );
}

#[test]
fn filters_of_one_key_are_joined_by_or_and_keys_by_and() {
    let labels = [json!({"lbl": "EXT:x"}), json!({"lbl": "Pods"}), json!({})];
    let filters = json!([{"key": "lbl", "type": "absence"}, {"key": "lbl", "type": "match_regex", "value": "^EXT:"}]);
    assert_eq!(passing(&filters, &labels), passed(&[0, 2]));
    let pairs = [
        json!({"a": "1", "b": "1"}),
        json!({"a": "1", "b": "2"}),
        json!({"a": "2", "b": "1"}),
    ];
    assert_eq!(
        passing(
            &json!([{"key": "a", "value": "1"}, {"key": "b", "value": "1"}]),
            &pairs
        ),
        passed(&[0])
    );
}

#[test]
fn a_filter_may_refer_to_another_field() {
    let names = [
        json!({"SrcK8S_Namespace": "shop", "DstK8S_Namespace": "shop"}),
        json!({"SrcK8S_Namespace": "shop", "DstK8S_Namespace": "ops"}),
    ];
    let filter = |kind: &str| json!([{"key": "SrcK8S_Namespace", "type": kind, "value": "$(DstK8S_Namespace)"}]);
    assert_eq!(passing(&filter("equal"), &names), passed(&[0]));
    assert_eq!(passing(&filter("not_equal"), &names), passed(&[1]));
}

#[test]
fn an_absent_label_is_empty_and_names_are_made_valid() {
    check(
        &json!({"name": "c", "type": "counter", "labels": ["SrcK8S_Namespace"]}),
        &[json!({})],
        &[r#"t_c{SrcK8S_Namespace=""} 1"#],
    );
    check(
        &json!({"name": "c", "type": "counter", "labels": ["source.ip", "b"], "remap": {"b": "9b"}}),
        &[json!({"source.ip": "q\"", "b": ["x", "y"]})],
        &[r#"t_c{source_ip="q\"",_9b="[x y]"} 1"#],
    );
}

#[test]
fn flattened_lists_count_once_per_element_that_passes() {
    check(
        &json!({"name": "b", "type": "counter", "valueKey": "Bytes", "remap": {"Interfaces": "itf"},
            "flatten": ["Interfaces"], "labels": ["Interfaces"],
            "filters": [{"key": "Interfaces", "type": "not_equal", "value": "lo"}]}),
        &[
            json!({"Interfaces": ["eth0", "lo"], "Bytes": 7}),
            json!({"Bytes": 2}),
        ],
        &[r#"t_b{itf=""} 2"#, r#"t_b{itf="eth0"} 7"#],
    );
    let events = json!({"name": "e", "type": "counter", "flatten": ["NetworkEvents"],
        "labels": ["NetworkEvents>Name"], "remap": {"NetworkEvents>Name": "name"},
        "filters": [{"key": "NetworkEvents>Feature", "value": "acl"}, {"key": "NetworkEvents>Feature", "value": "x"}]});
    check(
        &events,
        &[
            json!({"NetworkEvents": [{"Feature": "acl", "Name": "p1"}, {"Feature": "other", "Name": "p2"}]}),
            json!({"NetworkEvents": [{"Feature": "acl", "Name": "p3"}, {"Feature": "x", "Name": "p4"}]}),
            json!({}),
        ],
        &[
            r#"t_e{name="p1"} 1"#,
            r#"t_e{name="p3"} 1"#,
            r#"t_e{name="p4"} 1"#,
        ],
    );
    check(
        &json!({"name": "b", "type": "counter", "valueKey": "Bytes", "flatten": ["Interfaces"]}),
        &[json!({"Interfaces": ["eth0", "eth1"], "Bytes": 10})],
        &["t_b 20"],
    );
}

#[test]
fn the_first_flattened_list_varies_fastest() {
    let record =
        record(&json!({"Interfaces": ["i1", "i2"], "NetworkEvents": ["e1", "e2"], "Udns": []}));
    let keys: Vec<_> = ["Interfaces", "Udns", "NetworkEvents"]
        .map(Into::into)
        .into();
    let mut seen = Vec::new();
    assert!(flatten::parts(&record, &keys, |part| seen.push(format!("{part:?}"))));
    let order: Vec<_> = seen
        .iter()
        .map(|part| {
            part.split('"')
                .skip(1)
                .step_by(2)
                .collect::<Vec<_>>()
                .join(",")
        })
        .collect();
    assert_eq!(order, ["i1,e1", "i2,e1", "i1,e2", "i2,e2"]);
}

#[test]
fn a_hostile_list_is_cut_and_counted() {
    let many: Vec<_> = (0..2000).map(|number| format!("i{number}")).collect();
    let mut harness = Harness::new(
        json!({"metrics": [{"name": "c", "type": "counter", "flatten": ["Interfaces", "NetworkEvents"]}]}),
    );
    harness.stage.write(&batch(&[
        json!({"Interfaces": many, "NetworkEvents": many}),
    ]));
    assert_eq!(harness.samples(), [format!("c {}", flatten::PARTS_MAX)]);
    assert!(
        harness
            .all()
            .contains(&r#"o_encode_prom_errors{error="TooManyParts",metric="c",key=""} 1"#.into())
    );
}

#[test]
fn label_sets_beyond_the_limit_are_refused_and_counted() {
    let mut harness = Harness::new(
        json!({"maxMetrics": 2, "metrics": [{"name": "c", "type": "counter", "labels": ["SrcAddr"]}]}),
    );
    harness.stage.write(&batch(
        &[1, 2, 3, 1].map(|host| json!({"SrcAddr": format!("10.0.0.{host}")})),
    ));
    assert_eq!(
        harness.samples(),
        [r#"c{SrcAddr="10.0.0.1"} 2"#, r#"c{SrcAddr="10.0.0.2"} 1"#]
    );
    let all = harness.all();
    for line in [
        r#"o_metrics_dropped{stage="p"} 1"#,
        r#"o_metrics_processed{stage="p"} 3"#,
        r#"o_encode_prom_metrics_reported{stage="p"} 2"#,
    ] {
        assert!(all.contains(&line.into()), "{line} not in {all:?}");
    }
}

#[test]
fn a_value_that_is_no_number_or_negative_changes_nothing_and_is_counted() {
    let mut harness =
        Harness::new(json!({"metrics": [{"name": "c", "type": "counter", "valueKey": "v"}]}));
    harness.stage.write(&batch(&[
        json!({"v": "x"}),
        json!({"v": -1}),
        json!({"v": "2.5"}),
        json!({"v": [1]}),
    ]));
    assert_eq!(harness.samples(), ["c 2.5"]);
    assert!(harness.all().contains(
        &r#"o_encode_prom_errors{error="ValueConversionError",metric="c",key="v"} 3"#.into()
    ));
}

#[test]
fn idle_series_go_without_traffic() {
    let mut harness = Harness::new(
        json!({"expiryTime": "20ms", "metrics": [{"name": "c", "type": "counter", "labels": ["a"]}]}),
    );
    harness.stage.write(&batch(&[json!({"a": "1"})]));
    let deadline = Instant::now() + Duration::from_secs(30);
    while !harness.samples().is_empty() {
        assert!(Instant::now() < deadline, "the series is still there");
        std::thread::yield_now();
    }
    // It comes back, from zero.
    harness.stage.write(&batch(&[json!({"a": "1"})]));
    let shown = harness.samples();
    assert!(shown.is_empty() || shown == [r#"c{a="1"} 1"#], "{shown:?}");
    drop(harness.runtime);
}

#[test]
fn metrics_with_the_same_labels_share_a_plan() {
    let harness = Harness::new(json!({"metrics": [
        {"name": "a", "type": "counter", "labels": ["x", "y"]},
        {"name": "b", "type": "gauge", "labels": ["x", "y"], "valueKey": "z"},
        {"name": "c", "type": "counter", "labels": ["y", "x"]},
        {"name": "d", "type": "counter", "labels": ["x", "y"], "flatten": ["x"]},
    ]}));
    assert_eq!(harness.stage.plans.len(), 3);
}

#[test]
fn two_metrics_with_one_plan_each_see_every_record() {
    let mut harness = Harness::new(json!({"metrics": [
        {"name": "a", "type": "counter", "labels": ["x"], "filters": [{"key": "x", "type": "not_equal", "value": "1"}]},
        {"name": "b", "type": "counter", "labels": ["x"]},
    ]}));
    harness
        .stage
        .write(&batch(&[json!({"x": 1}), json!({"x": 2})]));
    harness.stage.write(&batch(&[json!({"x": 3})]));
    assert_eq!(
        harness.samples(),
        [
            r#"a{x="2"} 1"#,
            r#"a{x="3"} 1"#,
            r#"b{x="1"} 1"#,
            r#"b{x="2"} 1"#,
            r#"b{x="3"} 1"#
        ]
    );
}

#[test]
fn all_problems_are_reported_with_their_path() {
    let config: PromConfig = serde_json::from_value(json!({"prefix": "p-", "metrics": [
        {"name": "a", "labels": ["", "x.y", "x_y"], "type": "agg_histogram", "buckets": [1]},
        {"name": "a", "filters": [{"key": "", "type": "match_regex", "value": "("}]},
        {"name": "h", "type": "histogram", "labels": ["x"], "remap": {"x": "le"}},
        {"name": "c", "type": "counter", "labels": ["le"]},
    ]}))
    .unwrap();
    let mut problems = Problems::default();
    config.validate(&mut problems);
    let paths = |severity| -> Vec<&str> {
        let found = problems.found().iter();
        let found = found.filter(|problem| problem.severity == severity);
        found.map(|problem| problem.path.as_str()).collect()
    };
    assert_eq!(paths(Severity::Warning), ["metrics[1].name"]);
    assert_eq!(
        paths(Severity::Error),
        [
            "metrics[0].name",
            "metrics[0].labels",
            "metrics[0].labels",
            "metrics[0].valueKey",
            "metrics[1].name",
            "metrics[1].filters[0].key",
            "metrics[1].filters[0].value",
            "metrics[2].name",
            "metrics[2].labels",
            "metrics[3].name",
        ]
    );
}
