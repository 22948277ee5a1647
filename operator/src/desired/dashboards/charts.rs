//! Charts of the predefined metrics.

use crate::apis::flowmetric::{Chart, ChartQuery, ChartType, ChartUnit};

use super::grafana::TOP;

/// Dashboard of the predefined metrics.
const DASHBOARD: &str = "Main";
/// Layers of traffic between namespaces and workloads, each drawn on its own.
const LAYERS: [&str; 2] = ["infra", "app"];

/// What a metric is split by.
#[derive(Debug, Clone, Copy)]
struct Group {
    name: &'static str,
    labels: &'static str,
    legend: &'static str,
}

const NODE: Group = Group {
    name: "node",
    labels: "SrcK8S_HostName,DstK8S_HostName",
    legend: "source:{{SrcK8S_HostName}}, dest:{{DstK8S_HostName}}",
};
const NAMESPACE: Group = Group {
    name: "namespace",
    labels: "SrcK8S_Namespace,DstK8S_Namespace",
    legend: "source:{{SrcK8S_Namespace}}, dest:{{DstK8S_Namespace}}",
};
const WORKLOAD: Group = Group {
    name: "workload",
    labels: "SrcK8S_Namespace,SrcK8S_OwnerName,DstK8S_Namespace,DstK8S_OwnerName",
    legend: "source:{{SrcK8S_OwnerName}}/{{SrcK8S_Namespace}}, dest:{{DstK8S_OwnerName}}/{{DstK8S_Namespace}}",
};

/// A graph before it is split by groups. In the query stand `$FILTERS` and `$LABELS`.
struct Graph<'a> {
    row: &'a str,
    kind: ChartType,
    title: &'a str,
    unit: Option<ChartUnit>,
    /// Unit in the title.
    unit_text: &'a str,
    query: &'a str,
}

/// Charts of one metric; `made` are the names of all that are made.
pub fn of(metric: &str, made: &[String]) -> Vec<Chart> {
    let Some((group, name)) = metric.split_once('_') else {
        return Vec::new();
    };
    let group = match group {
        "node" => NODE,
        "namespace" => NAMESPACE,
        _ => WORKLOAD,
    };
    let is_made = |name: &str| made.iter().any(|other| other == name);
    match name {
        "egress_bytes_total" => traffic(group, "egress", ChartUnit::BytesPerSecond),
        "ingress_bytes_total" => traffic(group, "ingress", ChartUnit::BytesPerSecond),
        "egress_packets_total" | "ingress_packets_total" => {
            let direction = name.split('_').next().unwrap_or_default();
            let bytes = format!("{direction}_bytes_total");
            // Bytes say the same; those of workloads also have the charts of namespaces.
            if is_made(&format!("{}_{bytes}", group.name))
                || (group.name == NAMESPACE.name && is_made(&format!("workload_{bytes}")))
            {
                return Vec::new();
            }
            traffic(group, direction, ChartUnit::PacketsPerSecond)
        }
        "rtt_seconds" => latency(group, "TCP latency", "TCP latencies", "sRTT"),
        "drop_packets_total" => {
            let mut charts = vec![stat(
                "Drops",
                Some(ChartUnit::PacketsPerSecond),
                "sum(rate($METRIC[2m]))",
                "",
            )];
            charts.extend(drops(group, ChartUnit::PacketsPerSecond));
            charts
        }
        "drop_bytes_total" => drops(group, ChartUnit::BytesPerSecond),
        "dns_latency_seconds" => dns(group),
        "network_policy_events_total" => policies(group),
        "ipsec_flows_total" => ipsec(),
        _ => Vec::new(),
    }
}

fn traffic(group: Group, direction: &str, unit: ChartUnit) -> Vec<Chart> {
    let mut charts = vec![stat(
        &format!("Total {direction} traffic"),
        Some(unit),
        "sum(rate($METRIC[2m]))",
        "",
    )];
    charts.extend(per_group(
        group,
        true,
        &Graph {
            row: "Traffic rates",
            kind: ChartType::StackArea,
            title: &format!("Top {direction} traffic"),
            unit: Some(unit),
            unit_text: unit.as_str(),
            query: "sum(rate($METRIC{$FILTERS}[2m])) by ($LABELS)",
        },
    ));
    charts
}

fn drops(group: Group, unit: ChartUnit) -> Vec<Chart> {
    per_group(
        group,
        false,
        &Graph {
            row: "Byte and packet drops",
            kind: ChartType::StackArea,
            title: "Top drops",
            unit: Some(unit),
            unit_text: unit.as_str(),
            query: "sum(rate($METRIC{$FILTERS}[2m])) by ($LABELS)",
        },
    )
}

/// The worst, and graphs of two percentiles in milliseconds.
fn latency(group: Group, total: &str, row: &str, what: &str) -> Vec<Chart> {
    let mut charts = vec![stat(
        total,
        Some(ChartUnit::Seconds),
        "histogram_quantile(0.99, sum(rate($METRIC_bucket[2m])) by (le)) > 0",
        "p99",
    )];
    for (name, quantile) in [("P50", "0.5"), ("P99", "0.99")] {
        charts.extend(per_group(group, false, &Graph {
            row,
            kind: ChartType::Line,
            title: &format!("Top {name} {what}"),
            unit: Some(ChartUnit::Seconds),
            unit_text: "ms",
            query: &format!(
                "histogram_quantile({quantile}, sum(rate($METRIC_bucket{{$FILTERS}}[2m])) by (le,$LABELS))*1000 > 0"
            ),
        }));
    }
    charts
}

fn dns(group: Group) -> Vec<Chart> {
    let mut charts = latency(group, "DNS latency", "DNS", "DNS latency");
    charts.insert(
        1,
        stat(
            "DNS error rate",
            None,
            r#"sum(rate($METRIC_count{DnsFlagsResponseCode!="NoError"}[2m]))"#,
            "",
        ),
    );
    charts.extend(per_group(group, false, &Graph {
        row: "DNS",
        kind: ChartType::StackArea,
        title: "DNS error rate",
        unit: None,
        unit_text: "",
        query: r#"sum(rate($METRIC_count{DnsFlagsResponseCode!="NoError",$FILTERS}[2m])) by (DnsFlagsResponseCode,$LABELS)"#,
    }));
    charts
}

fn policies(group: Group) -> Vec<Chart> {
    let verdicts = [
        ("drop", r#"action="drop""#),
        ("allow", r#"action=~"allow.*""#),
    ];
    let mut charts = verdicts
        .map(|(verdict, condition)| {
            let query = format!("sum(rate($METRIC{{{condition}}}[2m]))");
            stat(&format!("Policy {verdict} rate"), None, &query, "")
        })
        .to_vec();
    for (title, (_, condition)) in ["Drop rate", "Allow rate"].into_iter().zip(verdicts) {
        charts.extend(per_group(
            group,
            false,
            &Graph {
                row: "Network Policy",
                kind: ChartType::StackArea,
                title,
                unit: None,
                unit_text: "",
                query: &format!(
                    "sum(rate($METRIC{{{condition},$FILTERS}}[2m])) by (type,direction,$LABELS)"
                ),
            },
        ));
    }
    charts
}

fn ipsec() -> Vec<Chart> {
    let encrypted = r#"sum(rate(netobserv_node_ipsec_flows_total{IPSecStatus="success"}[2m])) / sum(rate(netobserv_node_to_node_ingress_flows_total[2m]))"#;
    vec![
        stat(
            "IPsec encrypted traffic",
            Some(ChartUnit::Percent),
            encrypted,
            "",
        ),
        chart(
            "IPsec",
            ChartType::Line,
            "IPsec flows rate".to_owned(),
            None,
            "sum(rate($METRIC[2m])) by (IPSecStatus)".to_owned(),
            "{{IPSecStatus}}",
        ),
    ]
}

/// One graph for nodes, two for namespaces, four for workloads: theirs, and those of namespaces.
fn per_group(group: Group, is_row_per_group: bool, graph: &Graph) -> Vec<Chart> {
    let groups: &[Group] = match group.name {
        "node" => &[NODE],
        "namespace" => &[NAMESPACE],
        _ => &[NAMESPACE, WORKLOAD],
    };
    let unit = if graph.unit_text.is_empty() {
        String::new()
    } else {
        format!(" ({})", graph.unit_text)
    };
    let mut charts = Vec::new();
    for group in groups {
        let row = if is_row_per_group {
            format!("{} per {}", graph.row, group.name)
        } else {
            graph.row.to_owned()
        };
        let query = graph.query.replace("$LABELS", group.labels);
        let title = |layer: &str| format!("{} per {layer}{}{unit}", graph.title, group.name);
        let one = |title, query| chart(&row, graph.kind, title, graph.unit, query, group.legend);
        if group.name == NODE.name {
            charts.push(one(title(""), query.replace("$FILTERS", "")));
            continue;
        }
        for layer in LAYERS {
            // Either side may be of a namespace.
            let sides = ["Src", "Dst"].map(|side| {
                let filters = format!(r#"K8S_FlowLayer="{layer}",{side}K8S_Namespace!="""#);
                format!("({})", query.replace("$FILTERS", &filters))
            });
            charts.push(one(title(&format!("{layer} ")), sides.join(" or ")));
        }
    }
    charts
}

/// A single value in the top row.
fn stat(title: &str, unit: Option<ChartUnit>, query: &str, legend: &str) -> Chart {
    let kind = ChartType::SingleStat;
    chart("", kind, title.to_owned(), unit, query.to_owned(), legend)
}

fn chart(
    row: &str,
    kind: ChartType,
    title: String,
    unit: Option<ChartUnit>,
    prom_ql: String,
    legend: &str,
) -> Chart {
    Chart {
        dashboard_name: DASHBOARD.to_owned(),
        section_name: Some(row.to_owned()),
        title,
        unit,
        kind,
        queries: vec![ChartQuery {
            prom_ql,
            legend: legend.to_owned(),
            top: TOP as isize,
        }],
    }
}
