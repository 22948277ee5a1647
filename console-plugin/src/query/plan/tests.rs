#![allow(clippy::unwrap_used, reason = "tests")]

use super::*;
use crate::config::FrontendConfig;
use crate::fields::dictionary;
use crate::query::parameters::Parameters;

const NOW_MS: i64 = 1_700_000_007_500;

fn planner() -> Planner {
    Planner {
        dictionary: dictionary(),
        aggregation_keys: FrontendConfig::default().aggregation_keys(),
    }
}

fn metrics(query: &str) -> Result<MetricsPlan, BadRequest> {
    let parameters = Parameters::parse(query)?;
    planner().metrics(MetricsRequest::read(&parameters, NOW_MS)?)
}

fn records(query: &str) -> Result<RecordsPlan, BadRequest> {
    planner().records(FlowRequest::read(&Parameters::parse(query)?, NOW_MS)?)
}

#[test]
fn labels_follow_the_aggregation_and_its_groups() {
    for (query, labels, required) in [
        ("aggregateBy=app", "app", None),
        ("aggregateBy=host", "SrcK8S_HostName DstK8S_HostName", None),
        (
            "aggregateBy=namespace&groups=hosts",
            "SrcK8S_Namespace DstK8S_Namespace SrcK8S_HostName DstK8S_HostName",
            None,
        ),
        (
            "aggregateBy=namespace&groups=namespaces%2Bhosts",
            "SrcK8S_Namespace DstK8S_Namespace SrcK8S_HostName DstK8S_HostName",
            None,
        ),
        ("aggregateBy=droppedCause", "PktDropLatestDropCause", None),
        ("aggregateBy=Dscp", "Dscp", Some("Dscp")),
        ("aggregateBy=FlowDirection", "FlowDirection", None),
        ("aggregateBy=Interfaces", "Interfaces", Some("Interfaces")),
    ] {
        let plan = metrics(query).unwrap();
        assert_eq!(plan.labels.join(" "), labels, "{query}");
        assert_eq!(plan.required_field.as_deref(), required, "{query}");
    }
}

#[test]
fn windows_factors_and_limits_follow_the_function() {
    let plan = metrics("aggregateBy=app&rateInterval=1m30s&step=45s").unwrap();
    assert_eq!(
        (plan.window_ms, plan.step_ms, plan.top_k),
        (90_000, 45_000, 100)
    );
    assert!(plan.counts_once);
    let plan = metrics("aggregateBy=app&type=TimeFlowRttNs&function=p99&step=15s&limit=5").unwrap();
    assert_eq!((plan.window_ms, plan.top_k), (15_000, 5));
    assert!((plan.factor - 1e-6).abs() < f64::EPSILON);
    assert!(!plan.counts_once);
    assert_eq!(
        metrics("aggregateBy=app&type=DnsFlows").unwrap().measure,
        Measure::DnsFlows
    );
}

#[test]
fn times_are_seconds_and_the_last_one_is_whole() {
    for (query, start_ms, end_ms) in [
        (
            "startTime=1700000000&endTime=1700000300",
            1_700_000_000_000,
            1_700_000_301_000,
        ),
        ("timeRange=300", NOW_MS - 300_000, NOW_MS),
        (
            "startTime=1700000000&timeRange=300",
            1_700_000_000_000,
            NOW_MS,
        ),
        ("", NOW_MS - 3_600_000, NOW_MS),
    ] {
        let span = records(query).unwrap().selection.span;
        assert_eq!((span.start_ms, span.end_ms), (start_ms, end_ms), "{query}");
    }
    // A moving range keeps its steps in place.
    let span = metrics("aggregateBy=app&timeRange=300&step=15s")
        .unwrap()
        .selection
        .span;
    assert_eq!(span.start_ms % 15_000, 0);
    let span = metrics("aggregateBy=app&startTime=1700000000&step=15s")
        .unwrap()
        .selection
        .span;
    assert_eq!(span.start_ms, 1_700_000_000_000);
}

#[test]
fn metrics_count_a_conversation_at_its_end() {
    for (kind, expected) in [
        ("flowLog", RecordType::FlowLog),
        ("heartbeat", RecordType::EndConnection),
        ("allConnections", RecordType::EndConnection),
    ] {
        let plan = metrics(&format!("aggregateBy=app&recordType={kind}")).unwrap();
        assert_eq!(plan.selection.record_type, expected, "{kind}");
    }
}

#[test]
fn bad_parameters_are_told_by_name() {
    for (query, expected) in [
        (
            "startTime=x",
            "Could not parse start time: \"x\" is not a number of seconds",
        ),
        (
            "endTime=-1",
            "Could not parse end time: \"-1\" is not a number of seconds",
        ),
        (
            "timeRange=1h",
            "Could not parse time range: \"1h\" is not a number of seconds",
        ),
        (
            "startTime=99999999999999",
            "Could not parse start time: \"99999999999999\" is more than the 9223372036 seconds that can be counted, to the \
             year 2262",
        ),
        (
            "startTime=20&endTime=10",
            "Could not parse start time: it is after the end time",
        ),
        (
            "limit=0",
            "Could not parse limit: \"0\" is not a positive number",
        ),
        (
            "limit=ten",
            "Could not parse limit: \"ten\" is not a positive number",
        ),
        ("recordType=x", "invalid record type: x"),
        ("packetLoss=x", "invalid packet loss: x"),
        ("namespace=a\"b", "invalid namespace: a\"b"),
        ("filters=Nonsense%3D1", "unknown filter key: Nonsense"),
        (
            "filters=SrcAddr%3E%3D1",
            "filter SrcAddr: >= needs a field that is a number",
        ),
    ] {
        assert_eq!(records(query).unwrap_err().to_string(), expected, "{query}");
    }
    for (query, expected) in [
        ("", "aggregateBy parameter is required"),
        ("aggregateBy=app&dataSource=x", "invalid data source: x"),
        ("aggregateBy=app&function=x", "invalid metric function: x"),
        (
            "aggregateBy=app&step=5",
            "invalid step 5: \"5\" is not a duration such as \"30s\" or \"1m30s\"",
        ),
        (
            "aggregateBy=app&step=0",
            "invalid step 0: must be at least 1ms",
        ),
        (
            "aggregateBy=app&rateInterval=x",
            "invalid rate interval x: \"x\" is not a duration such as \"30s\" or \"1m30s\"",
        ),
        (
            "aggregateBy=app&type=DnsFlows&function=avg",
            "invalid metric function: DnsFlows can only be counted; take count or rate",
        ),
        ("aggregateBy=nothing", "unknown aggregateBy: nothing"),
        ("aggregateBy=a)or(b", "invalid field name: a)or(b"),
        ("aggregateBy=app&groups=nothings", "unknown group: nothings"),
        (
            "aggregateBy=app&type=SrcAddr",
            "invalid type: SrcAddr is not a number to aggregate",
        ),
        ("aggregateBy=app&type=a%20b", "invalid field name: a b"),
    ] {
        assert_eq!(metrics(query).unwrap_err().to_string(), expected, "{query}");
    }
    assert!(metrics("aggregateBy=app&timeRange=9&step=1s&rateInterval=1m").is_ok());
    assert_eq!(
        metrics("aggregateBy=app&timeRange=9&step=1s&rateInterval=61s")
            .unwrap_err()
            .to_string(),
        "invalid rate interval: it covers more than 60 steps; take a longer step or a shorter interval"
    );
    // The page of NetObserv looks for "maximum resolution". Steps are counted where they are, at both ends.
    for (query, is_refused) in [
        ("step=1ms&timeRange=86400", true),
        ("step=1s&startTime=1700000000&endTime=1700010998", false),
        ("step=1s&startTime=1700000000&endTime=1700010999", true),
        ("step=1s&timeRange=11000", true),
        ("step=1s&timeRange=10999", false),
    ] {
        let told = metrics(&format!("aggregateBy=app&{query}")).err();
        let expected = "invalid step: exceeded maximum resolution of 11000 points per series; take a longer step or a \
                        shorter range";
        let expected = is_refused.then(|| BadRequest::new(expected));
        assert_eq!(told, expected, "{query}");
    }
}
