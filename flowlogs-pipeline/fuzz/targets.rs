//! What each fuzz target does with its bytes, whoever chooses them: libFuzzer (`fuzz_targets/`), or `tests/fuzz.rs`, which
//! changes the seeds at random for a few seconds in every `cargo test`.
//!
//! **Invariant:** what must hold for any bytes is asserted here and nowhere else: it ends, in time and memory that the
//! input's length bounds, with a result that another reader agrees with.

#[path = "cost.rs"]
mod cost;

use std::time::Duration;

use flowlogs_pipeline::config::{Config, Format, StageConfig, TransformConfig, load_text};
use flowlogs_pipeline::ingest::lines::{LINE_BYTES_MAX, decode_json};
use flowlogs_pipeline::ingest::protobuf::{Decoder, Malformed, pbflow};
use flowlogs_pipeline::model::{Batch, Key, Record, Value};
use flowlogs_pipeline::stage::Transform;
use flowlogs_pipeline::transform::{
    filter::TransformFilter, generic::TransformGeneric, network::TransformNetwork,
};
use flowlogs_pipeline::write::line::{Format as LineFormat, LineWriter};
use prost::Message as _;

use cost::Limits;

const MESSAGE: Limits = Limits {
    heap: (2 << 20, 24),
    time: (Duration::from_millis(500), Duration::from_micros(1)),
};
const LINE: Limits = Limits {
    heap: (2 << 20, 8),
    time: (Duration::from_millis(500), Duration::from_micros(1)),
};
/// Regular expressions may take 10 MiB each before they are refused.
const CONFIGURATION: Limits = Limits {
    heap: (32 << 20, 256),
    time: (Duration::from_secs(10), Duration::from_micros(100)),
};

/// Larger messages are not given to the other reader, which holds some hundred bytes for each two of them.
const COMPARED_BYTES_MAX: usize = 64 << 10;

/// A `pbflow.Records`, as the gRPC ingester decodes a message; a protobuf library is the other reader.
pub fn records(input: &[u8]) {
    let ours = MESSAGE.hold(input, || decode(input));
    if input.len() > COMPARED_BYTES_MAX {
        return;
    }
    let theirs = pbflow::Records::decode(input);
    match (ours, theirs) {
        (Ok((batches, skipped)), Ok(theirs)) => {
            let records: usize = batches.iter().map(Batch::len).sum();
            assert_eq!(records as u64 + skipped, theirs.entries.len() as u64);
            for batch in batches {
                batch.records.iter().for_each(check_line);
            }
        }
        (Ok(_), Err(error)) => panic!("we take what they refuse: {error}"),
        (Err(error), Ok(_)) => assert!(error.is_too_costly(), "we refuse what they take: {error}"),
        (Err(_), Err(_)) => {}
    }
}

/// As the ingester does, which keeps the batches of a message until it has been read to its end.
fn decode(input: &[u8]) -> Result<(Vec<Batch>, u64), Malformed> {
    let mut decoder = Decoder::new(input, 0);
    let mut batches = Vec::new();
    while let Some(batch) = decoder.next_batch()? {
        batches.push(batch);
    }
    Ok((batches, decoder.skipped()))
}

/// One line of the file and standard input ingesters; `serde_json` is the other reader.
pub fn json_line(input: &[u8]) {
    // The ingesters cut lines before they are decoded.
    let input = &input[..input.len().min(LINE_BYTES_MAX)];
    let ours = LINE.hold(input, || decode_json(input, 0));
    let theirs = serde_json::from_slice::<serde_json::Map<_, serde_json::Value>>(input);
    match (ours, theirs) {
        (Ok(record), Ok(theirs)) => {
            for (name, value) in &theirs {
                let is_there = record.has(&Key::from(name.as_str()));
                assert!(is_there || value.is_null(), "{name} is missing");
            }
            check_line(&record);
        }
        (Ok(_), Err(error)) => panic!("we take what they refuse: {error}"),
        (Err(error), Ok(_)) => {
            let text = error.to_string();
            assert!(
                text.contains("values in a line"),
                "we refuse what they take: {text}"
            );
        }
        (Err(_), Err(_)) => {}
    }
}

/// A record can be written as a line that is JSON.
fn check_line(record: &Record) {
    let mut line = String::new();
    let now = std::time::SystemTime::UNIX_EPOCH;
    LineWriter::new(LineFormat::Json, false, &[]).write(record, now, &mut line);
    let read = serde_json::from_str::<serde_json::Map<_, serde_json::Value>>(&line);
    assert!(read.is_ok(), "{line}");
}

/// A configuration file, read as YAML and as JSON.
pub fn config(input: &[u8]) {
    let Ok(text) = std::str::from_utf8(input) else {
        return;
    };
    for format in [Format::Yaml, Format::Json] {
        let loaded = CONFIGURATION.hold(input, || load_text(text, format));
        assert_eq!(loaded.config.is_none(), loaded.problems.has_errors());
        for problem in loaded.problems.found() {
            assert!(!problem.message.is_empty(), "{problem:?} says nothing");
        }
        if let Some(config) = loaded.config {
            CONFIGURATION.hold(input, || run_transforms(&config));
        }
    }
}

/// What was found valid can be built, and no record harms it.
fn run_transforms(config: &Config) {
    for node in &config.graph.nodes {
        let StageConfig::Transform(transform) = &node.config else {
            continue;
        };
        let mut stage: Box<dyn Transform> = match transform {
            TransformConfig::Generic(config) => Box::new(TransformGeneric::new(config)),
            TransformConfig::Filter(config) => {
                Box::new(TransformFilter::new(config).expect("a valid filter"))
            }
            // The names of ports come from a file that the configuration names.
            TransformConfig::Network(config)
                if config.rules.iter().all(|rule| rule.r#type != "add_service") =>
            {
                Box::new(TransformNetwork::new(config).expect("valid rules"))
            }
            TransformConfig::Network(_) | TransformConfig::None => continue,
        };
        let mut batch = Batch::from(vec![flow(), Record::new()]);
        stage.transform(&mut batch);
        batch.records.iter().for_each(check_line);
    }
}

/// A record with a value of each type.
fn flow() -> Record {
    let line = br#"{"SrcAddr": "10.0.0.5", "DstAddr": "2001:db8::9", "Bytes": 1500, "Flags": ["SYN"], "x": null,
        "SrcMac": "0a:58:0a:00:00:05", "IsFirst": true, "labels": {"a": [1, -2.5e3]}, "Etype": "2048"}"#;
    let mut record = decode_json(line, 1_704_164_648).expect("an object");
    record.set(&"Proto".into(), Value::int(6));
    record
}
