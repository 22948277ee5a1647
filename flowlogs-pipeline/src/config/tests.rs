//! Tests of reading and checking configurations.
#![allow(clippy::unwrap_used, reason = "tests")]

use std::io::Write as _;

use rstest::rstest;
use serde_json::json;

use super::load::default_file;
use super::problems::PROBLEMS_MAX;
use super::stages::StageKind;
use super::*;

fn load_text(text: &str, extension: &str) -> Loaded {
    let mut file = tempfile::Builder::new()
        .suffix(extension)
        .tempfile()
        .unwrap();
    file.write_all(text.as_bytes()).unwrap();
    load(Some(file.path()), &Overlay::default())
}

fn load_json(value: &serde_json::Value) -> Loaded {
    load_text(&value.to_string(), ".json")
}

fn texts(loaded: &Loaded) -> Vec<String> {
    loaded
        .problems
        .found()
        .iter()
        .map(ToString::to_string)
        .collect()
}

/// A pipeline with `stage` between an ingester and a writer.
fn with_transform(transform: &serde_json::Value) -> serde_json::Value {
    json!({
        "pipeline": [{"name": "in"}, {"name": "t", "follows": "in"}, {"name": "out", "follows": "t"}],
        "parameters": [
            {"name": "in", "ingest": {"type": "stdin"}},
            {"name": "t", "transform": transform},
            {"name": "out", "write": {"type": "none"}}]})
}

#[test]
fn what_the_operator_writes_is_read_without_a_word() {
    let loaded = load_json(&json!({
        "health": {"port": 8080},
        "log-level": "info",
        "metricsSettings": {"port": 9401, "prefix": "netobserv_", "noPanic": true},
        "pipeline": [{"name": "grpc"}, {"name": "enrich", "follows": "grpc"}, {"name": "loki", "follows": "enrich"},
            {"name": "prometheus", "follows": "enrich"}],
        "parameters": [
            {"name": "grpc", "ingest": {"type": "grpc", "grpc": {"port": 2055}}},
            {"name": "enrich", "transform": {"type": "network", "network": {
                "rules": [{"type": "reinterpret_direction"},
                    {"type": "decode_tcp_flags", "decode_tcp_flags": {"input": "Flags", "output": "Flags"}},
                    {"type": "add_subnet_label", "add_subnet_label": {"input": "SrcAddr", "output": "SrcSubnetLabel"}}],
                "kubeConfig": {},
                "subnetLabels": [{"cidrs": ["10.0.0.0/16", "2001:db8::/32"], "name": "Machines"}],
                "directionInfo": {"reporterIPField": "AgentIP", "srcHostField": "SrcK8S_HostIP",
                    "dstHostField": "DstK8S_HostIP", "flowDirectionField": "FlowDirection"}}}},
            {"name": "loki", "write": {"type": "loki", "loki": {
                "url": "http://loki:3100", "tenantID": "network", "batchWait": "1s", "batchSize": 10_485_760,
                "timeout": "10s", "minBackoff": "1s", "maxBackoff": "5s", "maxRetries": 2,
                "labels": ["SrcK8S_Namespace"], "staticLabels": {"app": "netobserv-flowcollector"},
                "clientConfig": {"follow_redirects": false, "proxy_url": null},
                "timestampLabel": "TimeFlowEndMs", "timestampScale": "1ms"}}},
            {"name": "prometheus", "encode": {"type": "prom", "prom": {
                "metrics": [{"name": "flows_total", "type": "counter", "help": "…", "filters": [], "valueKey": "",
                    "labels": ["SrcAddr"], "remap": null, "flatten": null, "buckets": null}],
                "prefix": "netobserv_", "expiryTime": "0s"}}}]}));
    assert_eq!(texts(&loaded), Vec::<String>::new());
    let config = loaded.config.unwrap();
    assert_eq!(config.health_address.as_deref(), Some(":8080"));
    assert_eq!(config.metrics.port, 9401);
    let kinds: Vec<_> = config
        .graph
        .nodes
        .iter()
        .map(|node| node.config.kind())
        .collect();
    assert_eq!(
        kinds,
        [
            StageKind::Ingest,
            StageKind::Transform,
            StageKind::Write,
            StageKind::Encode
        ]
    );
    assert_eq!(config.graph.nodes[1].followers, [2, 3]);
}

#[test]
fn every_problem_is_reported_at_once_with_its_path() {
    let loaded = load_text(
        "
log-level: 5
metricsSettings: {port: 70000, colour: red}
extra: 1
pipeline:
  - {name: out, follows: in}
  - {name: lost, follows: nowhere}
parameters:
  - name: in
    ingest: {type: grpc, grpc: {bufferLength: many, certPath: x}}
  - name: t
    transform: {type: filter, filter: {rules: [{type: keep_entry_query, keepEntryQuery: 'a ='}]}}
  - name: k
    ingest: {type: kafka, kafka: {topic: t}}
  - name: m
    write: {type: mail}
  - name: out
    write: {type: none}
",
        ".yaml",
    );
    assert!(loaded.config.is_none());
    assert_eq!(
        texts(&loaded),
        [
            "extra: unknown key, ignored",
            "log-level: must be of type string, but is 5",
            "metricsSettings.colour: unknown key: remove it or correct its name",
            "metricsSettings.port: 70000 is out of range: at most 65535",
            "parameters[0].ingest.grpc.bufferLength: must be of type integer, but is \"many\"",
            "parameters[0].ingest.grpc.port: ingest port not specified",
            "parameters[0].ingest.grpc.certPath: certPath and keyPath must be set together",
            "parameters[1].transform.filter.rules[0].keepEntryQuery: query, 1:4: expected a text or a number after =, \
             not end of query",
            "parameters[2].ingest.type: the ingest stage \"kafka\" is not available in this version",
            "parameters[3].write.type: unknown write stage \"mail\": use one of loki, stdout, none",
            "pipeline[1]: unknown pipeline stage: nowhere",
            "pipeline[1]: unknown pipeline stage: lost",
            "pipeline: pipeline stage \"t\": pipeline stage from type \"transform\" should receive data from at least \
             another stage",
            "pipeline: pipeline stage \"t\": pipeline stage from type \"transform\" should send data to at least \
             another stage",
        ]
    );
}

#[test]
fn problems_beyond_a_number_are_counted_only() {
    let loaded = load_json(&json!({"pipeline": [], "parameters": vec![json!({}); 3000]}));
    assert_eq!(loaded.problems.found().len(), PROBLEMS_MAX);
    assert!(loaded.problems.count() >= 3000);
    assert!(loaded.config.is_none());
}

#[test]
fn keys_are_found_in_any_letter_case_and_free_maps_keep_theirs() {
    let loaded = load_text(
        "{PIPELINE: [{Name: in}, {NAME: out, follows: in}], parameters: [{name: in, Ingest: {TYPE: stdin}}, \
         {name: out, write: {type: loki, loki: {URL: 'http://x', staticlabels: {App: a}}}}]}",
        ".yml",
    );
    assert_eq!(texts(&loaded), Vec::<String>::new());
    let config = loaded.config.unwrap();
    let StageConfig::Write(WriteConfig::Loki(loki)) = &config.graph.nodes[1].config else {
        panic!("no loki")
    };
    assert!(loki.static_labels.contains_key("App"));
}

#[test]
fn yaml_words_are_no_booleans() {
    let loaded = load_text(
        "{pipeline: [{name: n}, {name: off, follows: n}], parameters: [{name: n, ingest: {type: stdin}}, \
         {name: off, write: {type: none}}]}",
        ".yaml",
    );
    assert_eq!(texts(&loaded), Vec::<String>::new());
}

#[rstest]
#[case(json!([]), &["pipeline: no ingesters have been defined", "pipeline: no writers have been defined"])]
#[case(json!([{"name": "a", "ingest": {"type": "stdin"}}, {"name": "a", "write": {"type": "none"}}]), &[
    "parameters: duplicate stage name \"a\"",
    "pipeline: pipeline stage \"a\": pipeline stage from type \"ingest\" should send data to at least another stage",
    "pipeline: pipeline stage \"a\": pipeline stage from type \"write\" should receive data from at least another stage"])]
#[case(json!([{"name": "a"}]), &[
    "parameters[0]: has no stage: give it one of ingest, transform, extract, encode or write with a type"])]
#[case(json!([{"name": "a", "extract": {"type": "conntrack", "conntrack": {}}}]), &[
    "parameters[0].extract.type: the extract stage \"conntrack\" is not available in this version"])]
fn a_graph_that_does_not_hold_together_is_refused(
    #[case] parameters: serde_json::Value,
    #[case] expected: &[&str],
) {
    assert_eq!(
        texts(&load_json(
            &json!({"pipeline": [], "parameters": parameters})
        )),
        expected
    );
}

#[rstest]
#[case(
    "t",
    "out",
    "pipeline[3]: stage \"out\" of type \"write\" can't send data"
)]
#[case(
    "in",
    "t",
    "pipeline[3]: stage \"in\" of type \"ingest\" can't receive data"
)]
#[case("t", "t", "pipeline: stage \"t\" follows itself through other stages")]
#[case("out", "t", "pipeline[3]: stage \"out\" follows \"t\" twice")]
fn a_wrong_link_is_refused(#[case] name: &str, #[case] follows: &str, #[case] expected: &str) {
    let mut config = with_transform(&json!({"type": "none"}));
    config["pipeline"]
        .as_array_mut()
        .unwrap()
        .push(json!({"name": name, "follows": follows}));
    assert_eq!(texts(&load_json(&config)), [expected]);
}

/// A pipeline of two prom stages, which the global server shows.
fn with_metrics(
    settings: &serde_json::Value,
    first: &serde_json::Value,
    second: &serde_json::Value,
) -> serde_json::Value {
    let stage = |name: &str, metrics: &serde_json::Value| {
        let prom = json!({"prefix": "p_", "metrics": metrics});
        json!({"name": name, "encode": {"type": "prom", "prom": prom}})
    };
    json!({
        "metricsSettings": settings,
        "pipeline": [{"name": "a", "follows": "in"}, {"name": "b", "follows": "in"}],
        "parameters": [{"name": "in", "ingest": {"type": "stdin"}}, stage("a", first), stage("b", second)]})
}

#[rstest]
#[case::histogram_beside_counter(json!({}), json!([{"name": "x", "type": "histogram"}, {"name": "x_count"}]), json!([]),
    &["parameters[1].encode.prom.metrics[1].name: 'p_x_count' is shown already: give this metric another name or prefix"])]
#[case::counter_beside_histogram(json!({}), json!([{"name": "x_bucket"}, {"name": "x", "type": "agg_histogram",
    "valueKey": "v"}]), json!([]),
    &["parameters[1].encode.prom.metrics[1].name: 'p_x_bucket' is shown already: give this metric another name or prefix"])]
#[case::gauges_are_short(json!({}), json!([{"name": "x", "type": "gauge"}, {"name": "x_count"}]), json!([]), &[])]
#[case::two_stages(json!({}), json!([{"name": "x"}]), json!([{"name": "y"}, {"name": "x"}]),
    &["parameters[2].encode.prom.metrics[1].name: 'p_x' is shown already: give this metric another name or prefix"])]
#[case::operational(json!({"prefix": "p_"}), json!([{"name": "records_written"}]), json!([]),
    &["parameters[1].encode.prom.metrics[0].name: 'p_records_written' is shown already: give this metric another name \
    or prefix"])]
#[case::other_prefix(json!({"prefix": "o_"}), json!([{"name": "records_written"}]), json!([]), &[])]
#[case::lenient(json!({"noPanic": true}), json!([{"name": "x"}]), json!([{"name": "y"}, {"name": "x"}]),
    &["parameters[2].encode.prom.metrics[1].name: 'p_x' is shown already: left out; give this metric another name or \
    prefix"])]
#[case::twice_in_a_stage(json!({}), json!([{"name": "x"}, {"name": "x"}]), json!([]),
    &["parameters[1].encode.prom.metrics[1].name: 'x' is there already: this one is left out"])]
#[case::prefix(json!({"prefix": "net-observ_"}), json!([]), json!([]),
    &["metricsSettings.prefix: 'net-observ_' cannot begin the name of a metric: use letters, digits, '_' and ':', not \
    starting with a digit"])]
fn no_metric_doubles_or_hides_another(
    #[case] settings: serde_json::Value,
    #[case] first: serde_json::Value,
    #[case] second: serde_json::Value,
    #[case] expected: &[&str],
) {
    let loaded = load_json(&with_metrics(&settings, &first, &second));
    assert_eq!(texts(&loaded), expected);
    let is_error = |problem: &Problem| problem.severity == Severity::Error;
    let errors = loaded.problems.found().iter().any(is_error);
    assert_eq!(loaded.config.is_none(), errors);
}

#[test]
fn process_metrics_are_hidden_by_none_unless_they_are_suppressed() {
    for (suppressed, problems) in [(false, 1), (true, 0)] {
        let settings = json!({"suppressDefaultMetrics": suppressed});
        let mut config = with_metrics(&settings, &json!([{"name": "open_fds"}]), &json!([]));
        config["parameters"][1]["encode"]["prom"]["prefix"] = "process_".into();
        assert_eq!(texts(&load_json(&config)).len(), problems);
        // A server of its own shows its own names only.
        config["parameters"][1]["encode"]["prom"]["port"] = 0.into();
        assert_eq!(texts(&load_json(&config)).len(), 0);
    }
}

#[test]
fn with_no_panic_the_other_metrics_are_shown() {
    let settings = json!({"noPanic": true});
    let config = with_metrics(
        &settings,
        &json!([{"name": "x"}]),
        &json!([{"name": "y"}, {"name": "x"}]),
    );
    let config = load_json(&config).config.unwrap();
    let StageConfig::Encode(EncodeConfig::Prom(stage)) = &config.graph.nodes[2].config else {
        panic!("no prom stage")
    };
    let names: Vec<_> = stage
        .metrics
        .iter()
        .map(|metric| metric.name.as_str())
        .collect();
    assert_eq!(names, ["y"]);
}

#[test]
fn below_the_client_settings_of_loki_unknown_keys_are_ignored_and_elsewhere_not() {
    let config = |loki: serde_json::Value| {
        json!({
            "pipeline": [{"name": "out", "follows": "in"}],
            "parameters": [{"name": "in", "ingest": {"type": "stdin"}},
                {"name": "out", "write": {"type": "loki", "loki": loki}}]})
    };
    let lenient = json!({"url": "http://x", "clientConfig": {"other": 1, "tls_config": {"colour": {"a": 1}}}});
    let loaded = load_json(&config(lenient));
    let path = "parameters[1].write.loki.clientConfig";
    assert_eq!(
        texts(&loaded),
        [
            format!("{path}.other: unknown key, ignored"),
            format!("{path}.tls_config.colour: unknown key, ignored")
        ]
    );
    assert!(loaded.config.is_some());
    assert!(
        load_json(&config(json!({"url": "http://x", "colour": 1})))
            .config
            .is_none()
    );
}

#[test]
fn an_empty_text_is_no_choice() {
    let loaded = load_text(
        "
pipeline: [{name: out, follows: in}]
parameters:
  - {name: in, ingest: {type: file, file: {filename: x, decoder: {type: ''}}}}
  - name: out
    encode: {type: prom, prom: {metrics: [{name: m, type: '', filters: [{key: a, value: b, type: ''}]}]}}
",
        ".yaml",
    );
    assert_eq!(texts(&loaded), Vec::<String>::new());
    assert!(loaded.config.is_some());
}

#[rstest]
#[case(json!({"type": "generic", "generic": {"policy": "other"}}), "generic.policy: unknown policy \"other\": use \
    preserve_original_keys or replace_keys")]
#[case(json!({"type": "network", "network": {"rules": [{"type": "add_kubernetes", "kubernetes": {}}]}}),
    "network.rules[0].type: the rule \"add_kubernetes\" is not available in this version")]
#[case(json!({"type": "network", "network": {"subnetLabels": [{"name": "a", "cidrs": ["10.0.0.0/99"]}]}}),
    "network.subnetLabels[0].cidrs: \"10.0.0.0/99\" is not a subnet such as 10.0.0.0/8")]
#[case(json!({"type": "network", "network": {"rules": [{"type": "add_service"}]}}),
    "network.rules[0].add_service: is missing: the rule add_service needs it")]
#[case(json!({"type": "filter", "filter": {"rules": [{"type": "add_regex_if", "addRegexIf": 5}]}}),
    "filter.rules[0].addRegexIf: must be of type object, but is 5")]
#[case(json!({"type": "other"}), "type: unknown transform stage \"other\": use one of generic, filter, network, none")]
fn a_bad_transform_is_refused(#[case] transform: serde_json::Value, #[case] expected: &str) {
    let expected = format!("parameters[1].transform.{expected}");
    assert_eq!(
        texts(&load_json(&with_transform(&transform)))[..1],
        [expected]
    );
}

#[test]
fn flags_win_over_variables_and_variables_over_the_file() {
    let config = with_transform(&json!({"type": "none"}));
    let variables = |name: &str| match name {
        "FLOWLOGS-PIPELINE_LOG-LEVEL" => Some("debug".to_owned()),
        "FLOWLOGS-PIPELINE_HEALTHADDR" => Some(":1".to_owned()),
        "FLOWLOGS-PIPELINE_PPROFADDR" => Some(String::new()),
        "FLOWLOGS-PIPELINE_PIPELINE" => Some(config["pipeline"].to_string()),
        _ => None,
    };
    let flags = Overlay {
        texts: vec![("healthAddr", ":2".to_owned())],
        json: vec![("parameters", config["parameters"].to_string())],
    };
    let loaded = load(None, &Overlay::from_environment(variables).under(flags));
    assert_eq!(texts(&loaded), Vec::<String>::new());
    let config = loaded.config.unwrap();
    assert_eq!(
        (
            config.log_level.as_deref(),
            config.health_address.as_deref()
        ),
        (Some("debug"), Some(":2"))
    );
}

#[rstest]
#[case("{", ".json")]
#[case("a: [", ".yaml")]
#[case("{}", ".ini")]
#[case("[]", ".json")]
fn an_unreadable_file_is_an_error_that_names_it(#[case] text: &str, #[case] extension: &str) {
    let loaded = load_text(text, extension);
    assert!(loaded.config.is_none());
    assert!(
        texts(&loaded)[0].contains(extension),
        "{:?}",
        texts(&loaded)
    );
}

#[test]
fn the_default_file_is_found_by_its_extension() {
    let home = tempfile::tempdir().unwrap();
    assert_eq!(default_file(Some(home.path())), None);
    std::fs::write(home.path().join(".flowlogs-pipeline.yaml"), "").unwrap();
    assert_eq!(
        default_file(Some(home.path())),
        Some(home.path().join(".flowlogs-pipeline.yaml"))
    );
}

#[rstest]
#[case("1m30s", Some(90_000_000_000))]
#[case("1h0.5s", Some(3_600_500_000_000))]
#[case("100ms", Some(100_000_000))]
#[case("1us1ns", Some(1001))]
#[case("0", Some(0))]
#[case("0s", Some(0))]
#[case("", None)]
#[case("5", None)]
#[case("-1s", None)]
#[case("s", None)]
#[case("1d", None)]
#[case("1e9h", None)]
fn durations_are_written_as_in_go(#[case] text: &str, #[case] nanoseconds: Option<u128>) {
    assert_eq!(
        GoDuration::parse(text).map(|duration| duration.as_nanos()),
        nanoseconds
    );
}

#[test]
fn the_committed_schema_is_what_the_types_say() {
    let path = concat!(env!("CARGO_MANIFEST_DIR"), "/contracts/config.schema.json");
    let mut schema = serde_json::to_string_pretty(&schemars::schema_for!(Root)).unwrap();
    schema.push('\n');
    if std::env::var_os("UPDATE_CONTRACTS").is_some() {
        std::fs::write(path, &schema).unwrap();
    }
    let committed = std::fs::read_to_string(path).unwrap_or_default();
    assert_eq!(committed, schema, "run the tests with UPDATE_CONTRACTS=1");
}
