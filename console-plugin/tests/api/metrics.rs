//! Series over time: what a sample covers and how it is counted.

use std::collections::BTreeMap;

use crate::console::{Console, base_s, encode_twice, flow};
use http::StatusCode;
use serde_json::{Value, json};

/// Series by their labels' values, samples by seconds after the base.
type Series = BTreeMap<String, Vec<(i64, f64)>>;

async fn ask(console: &Console, second: i64, query: &str) -> (Value, Series) {
    let path = format!(
        "/api/flow/metrics?startTime={second}&endTime={}&{query}",
        second + 60
    );
    let answer = console.get(&path).await;
    assert_eq!(answer.status, StatusCode::OK, "{query}: {}", answer.body);
    let answer = answer.json();
    assert_eq!(answer["resultType"], "matrix");
    let series = answer["result"].as_array().unwrap().iter().map(|series| {
        let labels = series["metric"]
            .as_object()
            .unwrap()
            .values()
            .map(|label| label.as_str().unwrap());
        let samples = series["values"].as_array().unwrap().iter().map(|sample| {
            (
                sample[0].as_i64().unwrap() - second,
                sample[1].as_str().unwrap().parse().unwrap(),
            )
        });
        (labels.collect::<Vec<_>>().join(" "), samples.collect())
    });
    let series = series.collect();
    (answer, series)
}

fn one(name: &str, samples: &[(i64, f64)]) -> Series {
    BTreeMap::from([(name.to_owned(), samples.to_vec())])
}

const APP: &str = "netobserv-flowcollector";

#[tokio::test(flavor = "multi_thread")]
async fn a_sample_covers_the_window_that_ends_with_it() {
    let console = Console::start().await;
    let second = base_s();
    console
        .push(&[
            flow(second, -15_000, json!({"Bytes": 1000})),
            flow(second, -14_999, json!({"Bytes": 1})),
            flow(second, 0, json!({"Bytes": 10})),
            flow(second, 1, json!({"Bytes": 100})),
            flow(second, 15_000, json!({"Bytes": 300})),
            flow(second, 59_000, json!({"Bytes": 7})),
        ])
        .await;
    let query = "aggregateBy=app&function=sum&step=15s";
    assert_eq!(
        ask(&console, second, query).await.1,
        one(APP, &[(0, 11.0), (15, 400.0), (60, 7.0)])
    );
    let query = "aggregateBy=app&function=count&type=Flows&step=15s";
    assert_eq!(
        ask(&console, second, query).await.1,
        one(APP, &[(0, 2.0), (15, 2.0), (60, 1.0)])
    );
    let query = "aggregateBy=app&step=30s&rateInterval=1m";
    assert_eq!(
        ask(&console, second, query).await.1,
        one(
            APP,
            &[(0, 1011.0 / 60.0), (30, 1411.0 / 60.0), (60, 407.0 / 60.0)]
        )
    );
    for (function, expected) in [
        ("avg", 200.0),
        ("min", 100.0),
        ("max", 300.0),
        ("p90", 280.0),
        ("p99", 298.0),
    ] {
        let query = format!("aggregateBy=app&function={function}&step=15s");
        let series = ask(&console, second, &query).await.1;
        assert_eq!(series[APP][1].0, 15, "{function}");
        assert!(
            (series[APP][1].1 - expected).abs() < 1e-9,
            "{function}: {}",
            series[APP][1].1
        );
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn flows_that_two_reporters_saw_count_once() {
    let console = Console::start().await;
    let second = base_s();
    console
        .push(&[
            // One flow, seen at both ends.
            flow(
                second,
                1,
                json!({"Bytes": 1, "FlowDirection": 1, "DstK8S_Type": "Pod"}),
            ),
            flow(
                second,
                2,
                json!({"Bytes": 2, "FlowDirection": 0, "DstK8S_Type": "Pod"}),
            ),
            // Within one node; to the outside; to a service; on a host without Kubernetes.
            flow(second, 3, json!({"Bytes": 4, "FlowDirection": 2})),
            flow(second, 4, json!({"Bytes": 8, "FlowDirection": 1})),
            flow(
                second,
                5,
                json!({"Bytes": 16, "FlowDirection": 1, "DstK8S_Type": "Service"}),
            ),
            flow(second, 6, json!({"Bytes": 32})),
        ])
        .await;
    for (query, expected) in [
        ("type=Bytes", 62.0),
        // A filter on the direction asks for one side's reports.
        ("type=Bytes&filters=FlowDirection%3D1", 25.0),
        // Overlapping alternatives are one "or".
        ("type=Bytes&filters=Proto%3D6|DstPort%3D443", 62.0),
        ("type=Flows&function=count", 6.0),
    ] {
        let query = format!("aggregateBy=app&function=sum&step=60s&{query}");
        let query = if query.contains("count") {
            query.replace("function=sum&", "")
        } else {
            query
        };
        assert_eq!(
            ask(&console, second, &query).await.1,
            one(APP, &[(60, expected)]),
            "{query}"
        );
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn series_are_chosen_per_step_and_labelled() {
    let console = Console::start().await;
    let second = base_s();
    let from = |address: &str, after_ms, bytes| {
        flow(
            second,
            after_ms,
            json!({"Bytes": bytes, "SrcAddr": address, "SrcSubnetLabel": "lan", "DstSubnetLabel": ""}),
        )
    };
    console
        .push(&[
            from("a", 1, 1),
            from("b", 2, 2),
            from("c", 3, 3),
            from("a", 30_001, 9),
            from("b", 30_002, 8),
            from("c", 30_003, 7),
            flow(
                second,
                4,
                json!({"Bytes": 1, "SrcAddr": "d", "Interfaces": ["eth0", "br-lan"]}),
            ),
            flow(
                second,
                5,
                json!({"Bytes": 1, "SrcAddr": "d", "Interfaces": ["br-lan"]}),
            ),
        ])
        .await;
    let (answer, series) = ask(
        &console,
        second,
        "aggregateBy=SrcAddr&function=sum&step=30s&limit=2",
    )
    .await;
    assert_eq!(
        series,
        BTreeMap::from([
            ("a".to_owned(), vec![(60, 9.0)]),
            ("b".to_owned(), vec![(30, 2.0), (60, 8.0)]),
            ("c".to_owned(), vec![(30, 3.0)]),
        ])
    );
    assert_eq!(answer["stats"]["limitReached"], true);
    assert_eq!(answer["stats"]["dataSources"], json!(["loki"]));
    // The least by the least, as `bottomk`.
    let query = "aggregateBy=SrcAddr&function=min&step=30s&limit=1";
    assert_eq!(
        ask(&console, second, query).await.1,
        BTreeMap::from([
            ("a".to_owned(), vec![(30, 1.0)]),
            ("c".to_owned(), vec![(60, 7.0)]),
        ])
    );
    let (_, series) = ask(
        &console,
        second,
        "aggregateBy=Interfaces&function=count&type=Flows&step=60s",
    )
    .await;
    assert_eq!(
        series,
        BTreeMap::from([
            ("br-lan".to_owned(), vec![(60, 1.0)]),
            ("eth0".to_owned(), vec![(60, 1.0)])
        ])
    );
    // An empty label is none, as in Prometheus.
    let (answer, _) = ask(
        &console,
        second,
        "aggregateBy=DstSubnetLabel&function=sum&step=60s",
    )
    .await;
    assert_eq!(answer["result"][0]["metric"], json!({}));
    let filters = encode_twice("SrcAddr=\"\"");
    let (answer, _) = ask(
        &console,
        second,
        &format!("aggregateBy=namespace&step=60s&filters={filters}"),
    )
    .await;
    assert_eq!(answer["result"], json!([]));
    let (answer, _) = ask(
        &console,
        second,
        "aggregateBy=namespace&step=60s&function=sum",
    )
    .await;
    assert_eq!(
        answer["result"][0]["metric"],
        json!({}),
        "labels that are missing are not there"
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn round_trips_are_milliseconds_and_dns_counts_only_dns() {
    let console = Console::start().await;
    let second = base_s();
    console
        .push(&[
            flow(second, 1, json!({"TimeFlowRttNs": 2_500_000})),
            flow(
                second,
                2,
                json!({"DnsId": 7, "DnsName": "a", "DnsLatencyMs": 0}),
            ),
            flow(
                second,
                3,
                json!({"DnsId": 8, "DnsName": "a", "DnsLatencyMs": 12}),
            ),
            flow(second, 4, json!({"DnsErrno": 110})),
        ])
        .await;
    for (query, name, expected) in [
        ("aggregateBy=app&type=TimeFlowRttNs&function=avg", APP, 2.5),
        ("aggregateBy=app&type=DnsLatencyMs&function=avg", APP, 12.0),
        ("aggregateBy=app&type=DnsFlows&function=count", APP, 3.0),
        ("aggregateBy=DnsName&type=DnsFlows&function=count", "a", 2.0),
    ] {
        assert_eq!(
            ask(&console, second, &format!("{query}&step=60s")).await.1,
            one(name, &[(60, expected)]),
            "{query}"
        );
    }
}
