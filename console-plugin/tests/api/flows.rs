//! Records and export, as a page asks for them.

use crate::console::{Console, base_s, encode_twice, flow};
use http::StatusCode;
use serde_json::{Value, json};

/// Numbers of bytes of all rows of an answer, sorted: tests give each row its own.
fn bytes_of(answer: &Value) -> Vec<i64> {
    let mut bytes: Vec<i64> = answer["result"]
        .as_array()
        .unwrap()
        .iter()
        .flat_map(|stream| stream["values"].as_array().unwrap())
        .map(|entry| {
            serde_json::from_str::<Value>(entry[1].as_str().unwrap()).unwrap()["Bytes"]
                .as_i64()
                .unwrap()
        })
        .collect();
    bytes.sort_unstable();
    bytes
}

#[tokio::test(flavor = "multi_thread")]
async fn records_are_streams_with_labels_and_lines() {
    let console = Console::start().await;
    let second = base_s();
    console
        .push(&[
            flow(
                second,
                123,
                json!({"SrcK8S_Namespace": "shop", "FlowDirection": 0, "Bytes": 840}),
            ),
            flow(
                second,
                200,
                json!({"SrcK8S_Namespace": "shop", "FlowDirection": 0, "Bytes": 841}),
            ),
            flow(
                second,
                300,
                json!({"Flags": ["SYN", "ACK"], "Interfaces": ["eth0"]}),
            ),
        ])
        .await;
    let answer = console
        .get(&format!(
            "/api/loki/flow/records?startTime={second}&endTime={second}&limit=50&recordType=flowLog"
        ))
        .await;
    assert_eq!(answer.status, StatusCode::OK, "{}", answer.body);
    assert_eq!(answer.header("content-type"), "application/json");
    let answer = answer.json();
    assert_eq!(answer["resultType"], "streams");
    assert_eq!(answer["stats"]["numQueries"], 1);
    assert_eq!(answer["stats"]["totalEntries"], 3);
    assert_eq!(answer["stats"]["duplicates"], 0);
    assert_eq!(answer["stats"]["limitReached"], false);
    assert_eq!(answer["stats"]["dataSources"], json!(["loki"]));
    assert!(answer["unixTimestamp"].as_i64().unwrap() >= second);
    let streams = answer["result"].as_array().unwrap();
    let shop = streams
        .iter()
        .find(|stream| stream["stream"]["SrcK8S_Namespace"] == "shop")
        .unwrap();
    assert_eq!(
        shop["stream"],
        json!({"app": "netobserv-flowcollector", "SrcK8S_Namespace": "shop", "FlowDirection": "0"})
    );
    let values = shop["values"].as_array().unwrap();
    assert_eq!(values.len(), 2);
    assert_eq!(
        values[0][0],
        format!("{}", (second * 1000 + 200) * 1_000_000),
        "newest first"
    );
    let line: Value = serde_json::from_str(values[1][1].as_str().unwrap()).unwrap();
    assert_eq!(
        line,
        json!({
            "TimeFlowStartMs": second * 1000 + 113, "TimeFlowEndMs": second * 1000 + 123, "TimeReceived": second,
            "SrcAddr": "10.0.0.1", "DstAddr": "10.0.0.2", "SrcPort": 40000, "DstPort": 443, "Proto": 6,
            "Bytes": 840, "Packets": 1,
        })
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn filters_select_rows() {
    let console = Console::start().await;
    let second = base_s();
    console
        .push(&[
            flow(second, 0, json!({"Bytes": 1, "SrcAddr": "10.9.0.7", "DstPort": 80, "SrcMac": "0A:58:00:00:00:01"})),
            flow(second, 1, json!({"Bytes": 2, "SrcAddr": "10.8.0.1", "DstPort": 443, "Flags": ["SYN", "RST"]})),
            flow(second, 2, json!({"Bytes": 3, "SrcAddr": "fd00::7", "DstPort": 53, "DnsName": "Example.com", "DnsId": 7})),
            flow(second, 3, json!({"Bytes": 4, "SrcAddr": "10.9.0.9", "DstPort": 8080, "Interfaces": ["eth0", "br-lan"]})),
            flow(second, 4, json!({"Bytes": 5, "SrcPort": 80, "DstPort": 50000, "SrcK8S_Namespace": "shop"})),
            flow(second, 5, json!({"Bytes": 6, "DstPort": 1, "DstK8S_Namespace": "shop", "PktDropPackets": 3, "PktDropBytes": 9})),
            flow(second, 6, json!({"Bytes": 7, "DstPort": 2, "_RecordType": "endConnection", "_HashId": "ab"})),
        ])
        .await;
    for (filters, expected) in [
        ("", vec![1, 2, 3, 4, 5, 6]),
        ("SrcAddr=10.9.0.0/16", vec![1, 4]),
        ("SrcAddr=10.9.0.1-10.9.0.8", vec![1]),
        ("SrcAddr=fd00:0:0::7", vec![3]),
        ("SrcAddr!=10.9.0.0/16&DstPort!=443,53", vec![5, 6]),
        ("DstPort=80,443", vec![1, 2]),
        ("DstPort>=8080", vec![4, 5]),
        ("Port=80", vec![1, 5]),
        ("DstPort=8*", vec![1, 4]),
        ("Flags=SYN", vec![2]),
        ("Flags!=SYN", vec![]),
        ("Interfaces=eth0", vec![4]),
        ("Interfaces=br-lan", vec![4]),
        ("Interfaces=eth", vec![]),
        ("Interfaces~ETH", vec![4]),
        ("DnsName~example", vec![3]),
        ("DnsName=example.com", vec![]),
        ("DnsName=\"Example.c*\"", vec![3]),
        ("DnsName=Example.com&DnsId=7", vec![3]),
        ("DnsName!=x", vec![3]),
        ("SrcMac=0a:58:00:00:00:01", vec![1]),
        ("DnsName=\"\"&SrcAddr=10.8.0.1", vec![2]),
        ("DstPort=80|DstPort=443|DstPort=80", vec![1, 2]),
        ("SrcK8S_Namespace!=shop&DstPort>=50000", vec![]),
        ("SrcK8S_Namespace=\"\"&DstPort>=8080", vec![4]),
    ] {
        let path = format!(
            "/api/loki/flow/records?timeRange=3600&filters={}",
            encode_twice(filters)
        );
        let answer = console.get(&path).await;
        assert_eq!(answer.status, StatusCode::OK, "{filters}: {}", answer.body);
        assert_eq!(bytes_of(&answer.json()), expected, "{filters}");
    }
    for (query, expected) in [
        ("namespace=shop", vec![5, 6]),
        ("packetLoss=hasDrops", vec![6]),
        ("packetLoss=sent", vec![1, 2, 3, 4, 5]),
        ("packetLoss=dropped", vec![]),
        ("recordType=endConnection", vec![7]),
        ("recordType=allConnections", vec![7]),
        ("recordType=heartbeat", vec![]),
    ] {
        let answer = console
            .get(&format!("/api/loki/flow/records?timeRange=3600&{query}"))
            .await;
        assert_eq!(bytes_of(&answer.json()), expected, "{query}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn the_range_ends_with_its_last_second_and_the_limit_is_told() {
    let console = Console::start().await;
    let second = base_s();
    console
        .push(&[
            flow(second, -1, json!({"Bytes": 1})),
            flow(second, 0, json!({"Bytes": 2})),
            flow(second, 999, json!({"Bytes": 3})),
            flow(second, 1000, json!({"Bytes": 4})),
        ])
        .await;
    let answer = console
        .get(&format!(
            "/api/loki/flow/records?startTime={second}&endTime={second}"
        ))
        .await
        .json();
    assert_eq!(bytes_of(&answer), [2, 3]);
    let answer = console
        .get("/api/loki/flow/records?timeRange=3600&limit=2")
        .await
        .json();
    assert_eq!(bytes_of(&answer), [3, 4], "the newest");
    assert_eq!(answer["stats"]["limitReached"], true);
    let answer = console
        .get("/api/loki/flow/records?timeRange=3600&limit=1000000")
        .await;
    assert_eq!(answer.status, StatusCode::BAD_REQUEST);
    assert!(
        answer.message().contains("max entries limit"),
        "{}",
        answer.body
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn an_export_is_a_file_of_csv() {
    let console = Console::start().await;
    let second = base_s();
    console
        .push(&[flow(
            second,
            0,
            json!({"Bytes": 840, "Flags": ["SYN", "ACK"], "SrcK8S_Namespace": "shop"}),
        )])
        .await;
    let path = "/api/loki/export?format=csv&timeRange=3600";
    let answer = console
        .get(&format!(
            "{path}&columns=SrcK8S_Namespace,Bytes,Flags,DnsName"
        ))
        .await;
    assert_eq!(answer.status, StatusCode::OK);
    assert_eq!(answer.header("content-type"), "text/csv");
    let name = answer.header("content-disposition");
    assert!(name.starts_with("attachment; filename=export-20"), "{name}");
    assert_eq!(
        answer.body,
        format!(
            "TimeFlowStartMs,TimeFlowEndMs,TimeReceived,SrcK8S_Namespace,Bytes,Flags,DnsName\n\
             {},{},{second},shop,840,[SYN ACK],\n",
            second * 1000 - 10,
            second * 1000
        )
    );
    let all = console.get(path).await.body;
    assert!(
        all.starts_with("TimeFlowStartMs,TimeFlowEndMs,TimeReceived,Bytes,DstAddr,"),
        "{all}"
    );
    for (query, expected) in [
        ("format=xml", "export format \"xml\" is not valid"),
        ("format=csv&columns=a%22b", "invalid field name: a\"b"),
    ] {
        let answer = console.get(&format!("/api/loki/export?{query}")).await;
        assert_eq!(
            (answer.status, answer.message().as_str()),
            (StatusCode::BAD_REQUEST, expected)
        );
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn names_and_values_are_offered() {
    let console = Console::start().await;
    let second = base_s();
    let pod = |name: &str, namespace: &str| {
        json!({"SrcK8S_Name": name, "SrcK8S_Type": "Pod", "SrcK8S_Namespace": namespace,
            "SrcK8S_OwnerName": "web", "SrcK8S_OwnerType": "Deployment", "DstK8S_Namespace": "pay"})
    };
    console
        .push(&[
            flow(second, 0, pod("web-1", "shop")),
            flow(second, 1, pod("web-2", "shop")),
            flow(second, 2, pod("web-2", "shop")),
            flow(second, 3, pod("x", "other")),
            flow(
                second,
                4,
                json!({"Interfaces": ["eth0", "br-lan"], "SrcK8S_Zone": "b"}),
            ),
        ])
        .await;
    console
        .push(&[flow(
            second,
            5,
            json!({"SrcK8S_Namespace": "talk", "SrcK8S_Name": "phone", "SrcK8S_Type": "Pod",
                "_RecordType": "endConnection"}),
        )])
        .await;
    for (path, expected) in [
        (
            "/api/resources/namespaces",
            json!(["other", "pay", "shop", "talk"]),
        ),
        (
            "/api/resources/names?kind=Pod&namespace=talk",
            json!(["phone"]),
        ),
        ("/api/resources/zones", json!(["b"])),
        ("/api/resources/clusters", json!([])),
        ("/api/resources/udns", json!([])),
        (
            "/api/resources/names?kind=Pod&namespace=shop",
            json!(["web-1", "web-2"]),
        ),
        ("/api/resources/names?kind=Deployment", json!(["web"])),
        ("/api/resources/names?kind=Node", json!([])),
    ] {
        assert_eq!(console.get(path).await.json(), expected, "{path}");
    }
    let values = console
        .get("/api/fields/SrcK8S_Name/values?prefix=WEB&timeRange=3600")
        .await
        .json();
    assert_eq!(
        values,
        json!({"values": [{"value": "web-2", "count": 2}, {"value": "web-1", "count": 1}], "limitReached": false})
    );
    let values = console
        .get("/api/fields/SrcK8S_Name/values?limit=1&timeRange=3600")
        .await
        .json();
    assert_eq!(
        values,
        json!({"values": [{"value": "web-2", "count": 2}], "limitReached": true})
    );
    let values = console
        .get("/api/fields/Interfaces/values?timeRange=3600")
        .await
        .json();
    assert_eq!(
        values["values"],
        json!([{"value": "br-lan", "count": 1}, {"value": "eth0", "count": 1}])
    );
    let status = console.get("/api/status").await.json();
    assert_eq!(
        status,
        json!({
            "loki": {"isEnabled": true, "namespacesCount": 4, "isReady": true, "error": "", "errorCode": 0},
            "prometheus": {"isEnabled": false, "namespacesCount": 0, "isReady": false, "error": "", "errorCode": 0},
        })
    );
}
