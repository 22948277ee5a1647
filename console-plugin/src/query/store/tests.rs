#![allow(clippy::unwrap_used, reason = "tests")]

use super::*;
use crate::config::FrontendConfig;
use crate::fields::dictionary;
use crate::query::parameters::Parameters;
use crate::query::plan::Planner;
use crate::query::request::{FlowRequest, MetricsRequest};

fn planner() -> Planner {
    Planner {
        dictionary: dictionary(),
        aggregation_keys: FrontendConfig::default().aggregation_keys(),
    }
}

/// Every query of a plain flow begins so.
const PLAIN: &str = "(no _RecordType | _RecordType='flowLog')";
const ONCE: &str = "(no FlowDirection | FlowDirection='0' | FlowDirection='2' | (FlowDirection='1' & (no DstK8S_Type | DstK8S_Type='Service')))";

/// Writes a filter in a form that is easy to compare.
fn shown(filter: &Filter) -> String {
    let join = |filters: &[Filter], sign: &str| {
        let parts: Vec<String> = filters.iter().map(shown).collect();
        // Absent or empty, as one word; its place in an "or" needs no brackets of its own.
        parts.join(sign)
    };
    match filter {
        Filter::Or(filters) if is_missing(filters).is_some() => {
            format!("no {}", is_missing(filters).unwrap())
        }
        Filter::And(filters) if filters.is_empty() => "true".to_owned(),
        Filter::And(filters) => format!("({})", join(filters, " & ")),
        Filter::Or(filters) => format!("({})", join(filters, " | ")),
        Filter::Not(inner) => format!("not {}", shown(inner)),
        Filter::Match { field, test } => match test {
            Test::Present => format!("has {field}"),
            Test::Equals(text) => format!("{field}='{text}'"),
            Test::Glob {
                pattern,
                ignore_case: false,
            } => format!("{field}~'{pattern}'"),
            Test::Glob {
                pattern,
                ignore_case: true,
            } => format!("{field}~'{pattern}'i"),
            Test::Regex(text) => format!("{field}~/{text}/"),
            Test::AtLeast(number) => format!("{field}>={number}"),
            Test::InNetwork(network) => format!("{field} in {network}"),
            Test::InAddresses(first, last) => format!("{field} in {first}..{last}"),
        },
    }
}

fn is_missing(filters: &[Filter]) -> Option<&str> {
    match filters {
        [
            Filter::Not(absent),
            Filter::Match {
                field,
                test: Test::Equals(text),
            },
        ] if text.is_empty() && **absent == Filter::present(field) => Some(field),
        _ => None,
    }
}

fn record_filter(filters: &str) -> Result<String, BadRequest> {
    let encoded = filters.bytes().fold(String::new(), |encoded, byte| {
        format!("{encoded}%25{byte:02X}")
    });
    let parameters = Parameters::parse(&format!("filters={encoded}"))?;
    let plan = planner().records(FlowRequest::read(&parameters, 1_700_000_000_000)?)?;
    Ok(shown(&records(dictionary(), &plan, 100)?.filter))
}

#[test]
fn conditions_mean_what_logql_would_match() {
    for (filters, expected) in [
        // Text.
        ("SrcK8S_Name=web", "SrcK8S_Name='web'"),
        ("SrcK8S_Name~web", "SrcK8S_Name~'*web*'i"),
        ("SrcK8S_Name~\"web\"", "SrcK8S_Name='web'"),
        ("SrcK8S_Name=\"we*\"", "SrcK8S_Name~'we*'"),
        (
            "SrcK8S_Name!=web,db",
            "(has SrcK8S_Name & not (SrcK8S_Name='web' | SrcK8S_Name='db'))",
        ),
        (
            "SrcK8S_Name!~web",
            "(has SrcK8S_Name & not SrcK8S_Name~'*web*'i)",
        ),
        (
            "SrcK8S_Name~web,db",
            "(SrcK8S_Name~'*web*'i | SrcK8S_Name~'*db*'i)",
        ),
        ("SrcK8S_Name=\"\"", "no SrcK8S_Name"),
        (
            "SrcK8S_Name=\"\",web",
            "(no SrcK8S_Name | SrcK8S_Name='web')",
        ),
        ("SrcK8S_Name!=\"\"", "not no SrcK8S_Name"),
        (
            "SrcK8S_Name!=\"\",web",
            "not (no SrcK8S_Name | SrcK8S_Name='web')",
        ),
        ("SrcMac=0a:58:00:00:00:01", "SrcMac~'0a:58:00:00:00:01'i"),
        // Labels: a missing one is unequal.
        ("SrcK8S_Namespace=shop", "SrcK8S_Namespace='shop'"),
        ("SrcK8S_Namespace!=shop", "not SrcK8S_Namespace='shop'"),
        (
            "SrcK8S_Namespace=shop,pay*",
            "(SrcK8S_Namespace='shop' | SrcK8S_Namespace~'pay*')",
        ),
        ("SrcK8S_Namespace~\"sh*\"", "SrcK8S_Namespace~'sh*'"),
        ("FlowDirection>=1", "FlowDirection>=1"),
        // Addresses.
        ("SrcAddr=10.9.0.1", "SrcAddr='10.9.0.1'"),
        (
            "SrcAddr=10.9.0.0/16,10.8.1.1",
            "(SrcAddr in 10.9.0.0/16 | SrcAddr='10.8.1.1')",
        ),
        ("SrcAddr=10.9.7.7/16", "SrcAddr in 10.9.0.0/16"),
        (
            "SrcAddr~10.9.0.1-10.9.0.20",
            "SrcAddr in 10.9.0.1..10.9.0.20",
        ),
        ("SrcAddr=\"10.9.0.1\"", "SrcAddr='10.9.0.1'"),
        ("SrcAddr=FE80:0:0::1", "SrcAddr='fe80::1'"),
        (
            "SrcAddr!=10.9.0.1,10.9.0.2",
            "not (SrcAddr='10.9.0.1' | SrcAddr='10.9.0.2')",
        ),
        ("SrcAddr=\"\"", "no SrcAddr"),
        // Numbers.
        ("DstPort=443,8443", "(DstPort='443' | DstPort='8443')"),
        ("DstPort=\"443\"", "DstPort='443'"),
        ("DstPort!=443", "(has DstPort & not DstPort='443')"),
        ("DstPort>=25", "DstPort>=25"),
        ("DstPort=80*", "DstPort~'80*'"),
        ("Port=80", "(SrcPort='80' | DstPort='80')"),
        (
            "Port!=80",
            "((has SrcPort | has DstPort) & not (SrcPort='80' | DstPort='80'))",
        ),
        // Lists.
        ("Flags=SYN,RST", "(Flags~'SYN'i | Flags~'RST'i)"),
        ("Flags!=SYN", "(has Flags & not Flags~'SYN'i)"),
        ("IfDirections=1", "IfDirections='1'"),
        ("NetworkEvents~deny", "NetworkEvents~'*deny*'i"),
        // Together.
        (
            "SrcPort=8080&SrcAddr=10.9.0.1",
            "(SrcPort='8080' & SrcAddr='10.9.0.1')",
        ),
        ("SrcPort=1|DstPort=1", "(SrcPort='1' | DstPort='1')"),
    ] {
        let query = record_filter(filters).unwrap();
        let expected = match expected.strip_prefix('(') {
            // One group of several conditions joins the "and" of the whole.
            Some(_) if filters.contains('&') => format!("({PLAIN} & {expected})"),
            _ => format!("({PLAIN} & {expected})"),
        };
        assert_eq!(query, expected, "{filters}");
    }
    assert_eq!(record_filter("").unwrap(), PLAIN);
    assert_eq!(
        record_filter("SrcPort=1|").unwrap(),
        PLAIN,
        "an empty group is every flow"
    );
}

#[test]
fn every_key_a_page_of_netobserv_sends_is_known_with_its_kind() {
    let value = |kind| match kind {
        "address" => "10.0.0.1",
        "number" => "7",
        _ => "x",
    };
    for (kind, keys) in [
        (
            "address",
            "SrcAddr DstAddr Addr SrcK8S_HostIP DstK8S_HostIP K8S_HostIP XlatSrcAddr XlatDstAddr",
        ),
        (
            "number",
            "SrcPort DstPort Port Proto Dscp IcmpType IcmpCode Bytes Packets PktDropBytes PktDropPackets \
             PktDropLatestFlags DnsId DnsLatencyMs DnsFlags DnsErrno TimeFlowRttNs ZoneId XlatSrcPort XlatDstPort \
             Sampling TimeFlowStartMs TimeFlowEndMs TimeReceived IfDirections",
        ),
        (
            "text",
            "SrcK8S_Namespace DstK8S_Namespace SrcK8S_OwnerName DstK8S_OwnerName SrcK8S_Type DstK8S_Type K8S_FlowLayer \
             FlowDirection _RecordType Interfaces Udns Flags NetworkEvents SrcK8S_Name SrcK8S_OwnerType SrcMac \
             SrcK8S_HostName SrcK8S_Zone SrcSubnetLabel SrcK8S_NetworkName DnsName DnsFlagsResponseCode \
             PktDropLatestState PktDropLatestDropCause K8S_ClusterName IPSecStatus _HashId TLSVersion",
        ),
    ] {
        for key in keys.split_whitespace() {
            // `FlowDirection` is a label that holds a number.
            let value = if key == "FlowDirection" {
                "1"
            } else {
                value(kind)
            };
            if let Err(error) = record_filter(&format!("{key}={value}")) {
                panic!("{key}: {error}");
            }
            let is_refused = record_filter(&format!("{key}=x")).is_err();
            assert_eq!(
                is_refused,
                kind != "text" || key == "FlowDirection",
                "{key}"
            );
        }
    }
}

#[test]
fn values_of_the_wrong_kind_are_refused() {
    for (filters, expected) in [
        ("DstPort=http", "filter DstPort: \"http\" is not a number"),
        (
            &format!("DstPort={}", "x".repeat(81)),
            &format!("filter DstPort: \"{}…\" is not a number", "x".repeat(80)),
        ),
        ("DstPort>=1*", "filter DstPort: \"1*\" is not a number"),
        (
            "SrcAddr=10.9.0",
            "filter SrcAddr: \"10.9.0\" is not an address",
        ),
        (
            "SrcAddr=10.9.0.*",
            "filter SrcAddr: \"10.9.0.*\" is not an address",
        ),
        (
            "SrcAddr=10.9.0.0/99",
            "filter SrcAddr: \"10.9.0.0/99\" is not an address",
        ),
        (
            "SrcAddr=10.9.0.9-10.9.0.1",
            "filter SrcAddr: \"10.9.0.9-10.9.0.1\" is not an address",
        ),
    ] {
        let message = record_filter(filters).unwrap_err().to_string();
        assert!(message.starts_with(expected), "{message}");
    }
}

#[test]
fn patterns_are_bounded_in_size_and_number() {
    let many =
        |operator: &str, number: usize| format!("DnsName{operator}a{}", ",a".repeat(number - 1));
    for (filters, expected) in [
        (many("~", 256), None),
        (many("=", 1000), None),
        (format!("DnsName={}", "*a".repeat(16)), None),
        (
            many("~", 257),
            Some("257 values with ~ or * are more than 256; use whole values with ="),
        ),
        (
            format!("K8S_Name~a{}", ",a".repeat(200)),
            Some("402 values with ~ or * are more than 256; use whole values with ="),
        ),
        (
            format!("DnsName={}", "*a".repeat(17)),
            Some("filter DnsName: a value has more than 16 times *"),
        ),
        (
            format!("DnsName~{}", "a".repeat(255)),
            Some("filter DnsName: a value with ~ or * has more than 256 characters"),
        ),
    ] {
        let told = record_filter(&filters).err().map(|error| error.to_string());
        assert_eq!(told.as_deref(), expected, "{filters}");
    }
}

#[test]
fn record_types_losses_and_namespaces_are_conditions() {
    for (query, expected) in [
        ("recordType=heartbeat", "_RecordType='heartbeat'".to_owned()),
        (
            "recordType=allConnections",
            "(_RecordType='newConnection' | _RecordType='heartbeat' | _RecordType='endConnection')"
                .to_owned(),
        ),
        (
            "packetLoss=dropped",
            format!("({PLAIN} & not Packets>=1 & PktDropPackets>=1)"),
        ),
        (
            "packetLoss=hasDrops",
            format!("({PLAIN} & PktDropPackets>=1)"),
        ),
        (
            "packetLoss=sent",
            format!("({PLAIN} & not PktDropPackets>=1)"),
        ),
        (
            "namespace=shop",
            format!("({PLAIN} & (SrcK8S_Namespace='shop' | DstK8S_Namespace='shop'))"),
        ),
    ] {
        let request = FlowRequest::read(&Parameters::parse(query).unwrap(), 0).unwrap();
        let plan = planner().records(request).unwrap();
        assert_eq!(
            shown(&records(dictionary(), &plan, 100).unwrap().filter),
            expected,
            "{query}"
        );
    }
}

#[test]
fn sums_of_bytes_and_packets_count_each_flow_once() {
    let filter = |query: &str| {
        let request =
            MetricsRequest::read(&Parameters::parse(query).unwrap(), 1_700_000_000_000).unwrap();
        shown(
            &metrics(dictionary(), &planner().metrics(request).unwrap())
                .unwrap()
                .filter,
        )
    };
    assert_eq!(
        filter("aggregateBy=app"),
        format!("({PLAIN} & {ONCE} & has Bytes)")
    );
    assert_eq!(
        filter("aggregateBy=app&filters=FlowDirection%3D1|SrcPort%3D1"),
        format!("({PLAIN} & (FlowDirection='1' | (SrcPort='1' & {ONCE})) & has Bytes)")
    );
    assert_eq!(filter("aggregateBy=app&type=Flows&function=count"), PLAIN);
    assert_eq!(
        filter("aggregateBy=app&type=DnsFlows&function=count"),
        format!("({PLAIN} & (has DnsId | has DnsErrno))")
    );
    assert_eq!(
        filter("aggregateBy=DnsName&type=DnsLatencyMs&function=avg"),
        format!("({PLAIN} & has DnsName & not DnsLatencyMs='0' & has DnsLatencyMs)")
    );
}
