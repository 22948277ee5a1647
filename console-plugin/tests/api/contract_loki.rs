//! The golden lines of the pipeline's contract, pushed as it pushes them and asked for again.

use std::collections::BTreeMap;

use crate::console::Console;
use http::StatusCode;
use prost::Message;
use serde_json::{Map, Value};

const CONTRACT: &str = include_str!("../../contracts/vendored/flowlogs-pipeline/loki.json");

#[derive(Clone, PartialEq, Message)]
struct PushRequest {
    #[prost(message, repeated, tag = "1")]
    streams: Vec<Stream>,
}

#[derive(Clone, PartialEq, Message)]
struct Stream {
    #[prost(string, tag = "1")]
    labels: String,
    #[prost(message, repeated, tag = "2")]
    entries: Vec<Entry>,
}

#[derive(Clone, PartialEq, Message)]
struct Entry {
    #[prost(message, optional, tag = "1")]
    timestamp: Option<prost_types::Timestamp>,
    #[prost(string, tag = "2")]
    line: String,
}

fn push_of(golden: &Value) -> Vec<u8> {
    let nanoseconds: i64 = golden["timestamp_ns"].as_str().unwrap().parse().unwrap();
    let timestamp = prost_types::Timestamp {
        seconds: nanoseconds / 1_000_000_000,
        nanos: i32::try_from(nanoseconds % 1_000_000_000).unwrap(),
    };
    let entry = Entry {
        timestamp: Some(timestamp),
        line: golden["line"].as_str().unwrap().to_owned(),
    };
    let stream = Stream {
        labels: golden["labels"].as_str().unwrap().to_owned(),
        entries: vec![entry],
    };
    let message = PushRequest {
        streams: vec![stream],
    }
    .encode_to_vec();
    snap::raw::Encoder::new().compress_vec(&message).unwrap()
}

/// Labels and fields of a row together, without the fields that say nothing.
fn fields(labels: &Map<String, Value>, line: &str) -> BTreeMap<String, Value> {
    let line: Map<String, Value> = serde_json::from_str(line).unwrap();
    let fields = labels.clone().into_iter().chain(line);
    fields.filter(|(_, value)| !value.is_null()).collect()
}

/// Reads `{a="b", c="d"}`; the quoted texts are as JSON writes them.
fn labels_of(text: &str) -> Map<String, Value> {
    let mut labels = Map::new();
    let mut rest = text.trim_start_matches('{');
    while let Some((name, after)) = rest.split_once('=') {
        let mut values = serde_json::Deserializer::from_str(after).into_iter::<Value>();
        labels.insert(
            name.trim_start_matches([',', ' ']).to_owned(),
            values.next().unwrap().unwrap(),
        );
        rest = &after[values.byte_offset()..];
    }
    labels
}

#[tokio::test(flavor = "multi_thread")]
async fn golden_lines_come_back_whole() {
    let contract: Value = serde_json::from_str(CONTRACT).unwrap();
    for golden in contract["golden"].as_array().unwrap() {
        let console =
            Console::start_keeping("address: 127.0.0.1, authCheck: none", "1000000h", "").await;
        assert_eq!(
            console.push_bytes(push_of(golden)).await,
            StatusCode::NO_CONTENT,
            "{}",
            golden["name"]
        );
        let second: i64 = golden["timestamp_ns"]
            .as_str()
            .unwrap()
            .parse::<i64>()
            .unwrap()
            / 1_000_000_000;
        let path = format!(
            "/api/loki/flow/records?startTime={second}&endTime={second}&recordType=flowLog"
        );
        let answer = console.get(&path).await.json();
        let stream = &answer["result"][0];
        let entry = &stream["values"][0];
        assert_eq!(entry[0], golden["timestamp_ns"], "{}", golden["name"]);
        assert_eq!(
            fields(
                stream["stream"].as_object().unwrap(),
                entry[1].as_str().unwrap()
            ),
            fields(
                &labels_of(golden["labels"].as_str().unwrap()),
                golden["line"].as_str().unwrap()
            ),
            "{}",
            golden["name"]
        );
        console.app.stop().await;
    }
}

#[test]
fn the_labels_of_the_contract_are_the_dictionarys() {
    let contract: Value = serde_json::from_str(CONTRACT).unwrap();
    let labels: Vec<&str> = contract["labels"]
        .as_array()
        .unwrap()
        .iter()
        .map(|label| label.as_str().unwrap())
        .collect();
    assert_eq!(plugin_backend::fields::dictionary().labels(), labels);
}
