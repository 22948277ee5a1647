#![allow(clippy::unwrap_used, reason = "tests")]

use std::time::{Duration, Instant};

use proptest::prelude::*;

use super::*;
use crate::store::batch::Batch;
use crate::store::rows::Rows;

const LIMITS: PushLimits = PushLimits {
    decoded_bytes: 1 << 20,
    line_bytes: 1000,
    lines: 50,
    oldest_ms: 1_000,
    newest_ms: 1_000_000,
};

fn json(stream: &str, lines: &[&str]) -> Vec<u8> {
    let values: Vec<_> = lines.iter().map(|line| ["5000000000", line]).collect();
    format!(
        r#"{{"streams":[{{"stream":{stream},"values":{}}}]}}"#,
        serde_json::to_string(&values).unwrap()
    )
    .into_bytes()
}

fn batch_of(push: &Push) -> Batch {
    let mut rows = Rows::default();
    rows.append(&push.lines);
    rows.batch()
}

fn rows(body: &[u8]) -> Result<(Vec<String>, [u64; 4]), PushError> {
    let push = decode(Encoding::Json, body, &LIMITS, Lines::default())?;
    let batch = batch_of(&push);
    let rows = (0..batch.rows).map(|row| {
        let record = batch.record(row);
        let labels: Vec<String> = record
            .labels
            .iter()
            .map(|(name, value)| format!("{name}={value}"))
            .collect();
        format!("{} {} {}", record.time_ms, labels.join(","), record.line)
    });
    Ok((rows.collect(), push.faults))
}

/// A protobuf push of one stream with one line at 5 s.
fn protobuf(labels: &str, line: &str) -> Vec<u8> {
    let field = |number: u8, bytes: &[u8]| {
        // A length of two bytes, the first of which says that another follows.
        let length = bytes.len() as u16;
        let mut out = vec![number << 3 | 2, length as u8 | 0x80, (length >> 7) as u8];
        out.extend_from_slice(bytes);
        out
    };
    let entry = [field(1, &[0x08, 5]), field(2, line.as_bytes())].concat();
    let stream = [field(1, labels.as_bytes()), field(2, &entry)].concat();
    snap::raw::Encoder::new()
        .compress_vec(&field(1, &stream))
        .unwrap()
}

#[test]
fn labels_and_line_become_one_row() {
    let stream = r#"{"app":"x","FlowDirection":"1","SrcK8S_Namespace":"shop","Empty":""}"#;
    let body = json(
        stream,
        &[
            r#"{"Bytes":7,"TimeFlowEndMs":6000}"#,
            r#"{"SrcK8S_Namespace":"other","Odd":[1]}"#,
        ],
    );
    let expected = [
        r#"6000 FlowDirection=1,SrcK8S_Namespace=shop,app=x {"Bytes":7,"TimeFlowEndMs":6000}"#,
        // A label wins over a field of the line, and the entry's time stands in for a missing one.
        r#"5000 FlowDirection=1,SrcK8S_Namespace=shop,app=x {"TimeFlowEndMs":5000,"Odd":[1]}"#,
    ];
    assert_eq!(
        rows(&body).unwrap(),
        (expected.map(str::to_owned).to_vec(), [0; 4])
    );
}

#[test]
fn values_of_unexpected_types_are_kept_as_they_came() {
    let body = json(
        "{}",
        &[r#"{"Bytes":1.5,"SrcAddr":7,"Flags":"SYN","Packets":-9223372036854775808,"Proto":null}"#],
    );
    let line = r#"{"TimeFlowEndMs":5000,"Bytes":1.5,"SrcAddr":7,"Flags":"SYN","Packets":-9223372036854775808}"#;
    assert_eq!(rows(&body).unwrap().0, [format!("5000  {line}")]);
    let push = decode(Encoding::Json, &body, &LIMITS, Lines::default()).unwrap();
    assert_eq!(push.mistyped, 4, "each is counted");
}

#[test]
fn a_bad_line_costs_only_itself() {
    let long = format!(r#"{{"A":"{}"}}"#, "x".repeat(1_000));
    let lines = [
        r#"{"Bytes":1}"#,
        "no json",
        r#"{"TimeFlowEndMs":999}"#,
        r#"{"TimeFlowEndMs":1000001}"#,
        &long,
        r#"{"Bytes":2}"#,
    ];
    let (rows, faults) = rows(&json("{}", &lines)).unwrap();
    assert_eq!(rows.len(), 2);
    assert_eq!(faults, [1, 1, 1, 1]);
}

#[test]
fn a_label_that_is_the_time_is_judged_as_one() {
    let time = |label: &str| {
        let body = json(
            &format!(r#"{{"TimeFlowEndMs":"{label}"}}"#),
            &[r#"{"TimeFlowEndMs":6000}"#],
        );
        let push = decode(Encoding::Json, &body, &LIMITS, Lines::default());
        push.map(|push| push.lines.time_bounds())
    };
    assert_eq!(time("7000").unwrap(), Some((7000, 7000)), "as other labels");
    assert_eq!(time("soon").unwrap(), Some((6000, 6000)), "not a number");
    for (label, expected) in [
        ("1000001", [0, 0, 0, 1]),
        ("9223372036854775807", [0, 0, 0, 1]),
        ("999", [0, 0, 1, 0]),
        ("-9223372036854775808", [0, 0, 1, 0]),
    ] {
        match time(label) {
            Err(PushError::NoLine { faults, .. }) => assert_eq!(faults, expected, "{label}"),
            other => panic!("{label}: {other:?}"),
        }
    }
}

#[test]
fn labels_are_few_and_each_is_given_once() {
    let labels = |count: usize| {
        let labels: Vec<String> = (0..count).map(|at| format!("l{at}=\"\"")).collect();
        format!("{{{}}}", labels.join(","))
    };
    let objects = |count: usize| labels(count).replace('l', "\"l").replace('=', "\":");
    let of = |encoding, body: &[u8]| decode(encoding, body, &LIMITS, Lines::default());
    for (what, encoding, body, is_taken) in [
        ("few", Encoding::Protobuf, protobuf(&labels(64), "{}"), true),
        (
            "many",
            Encoding::Protobuf,
            protobuf(&labels(65), "{}"),
            false,
        ),
        ("few", Encoding::Json, json(&objects(64), &["{}"]), true),
        ("many", Encoding::Json, json(&objects(65), &["{}"]), false),
        (
            "a column twice",
            Encoding::Protobuf,
            protobuf(r#"{Bytes="1",app="x",Bytes="1"}"#, "{}"),
            false,
        ),
        (
            "a column twice, where the second was expected",
            Encoding::Protobuf,
            protobuf(r#"{Bytes="1",Packets="1",Bytes="1",Packets="1"}"#, "{}"),
            false,
        ),
        (
            "another twice",
            Encoding::Protobuf,
            protobuf(r#"{app="x",app=""}"#, "{}"),
            false,
        ),
    ] {
        match of(encoding, &body) {
            Ok(_) => assert!(is_taken, "{what}"),
            Err(PushError::Labels { .. }) => assert!(!is_taken, "{what}"),
            Err(other) => panic!("{what}: {other}"),
        }
    }
}

#[test]
fn lines_that_say_little_cannot_take_much_memory() {
    // A number takes a place in all lines before it.
    let names: Vec<String> = COLUMNS
        .all
        .iter()
        .filter(|column| matches!(column.kind, Kind::Int))
        .map(|column| format!("\"{}\":5000", column.name))
        .collect();
    let full = format!("{{{}}}", names.join(","));
    let mut lines = vec!["{}"; 20_000];
    lines.push(&full);
    let limits = PushLimits {
        lines: 50_000,
        line_bytes: 1 << 20,
        ..LIMITS
    };
    let of = |decoded_bytes| {
        let limits = PushLimits {
            decoded_bytes,
            ..limits
        };
        decode(
            Encoding::Json,
            &json("{}", &lines),
            &limits,
            Lines::default(),
        )
    };
    let error = of(1 << 20).map(drop).unwrap_err();
    assert_eq!(error.kind(), "too_large", "{error}");
    assert!(of(64 << 20).is_ok());
}

#[test]
fn an_error_repeats_little_of_a_body_however_long_its_texts_are() {
    let long = "ü".repeat(10_000);
    for (body, expected) in [
        (
            format!(r#"{{"streams":"{long}"}}"#),
            "at line 1 column 20013",
        ),
        (
            format!(r#"{{"streams":[{{"stream":{{}},"values":[["{long}","{{}}"]]}}]}}"#),
            "is not a time",
        ),
    ] {
        let error = decode(Encoding::Json, body.as_bytes(), &LIMITS, Lines::default());
        let text = error.expect_err(expected).to_string();
        assert!(text.contains(expected), "{text}");
        assert!(text.len() < 1_000, "{} bytes", text.len());
    }
}

#[test]
fn what_is_no_push_is_refused_with_its_place() {
    let decode = |encoding, body: &[u8]| {
        decode(encoding, body, &LIMITS, Lines::default()).map(|push| push.lines.len)
    };
    let snappy = |message: &[u8]| snap::raw::Encoder::new().compress_vec(message).unwrap();
    for (encoding, body, expected) in [
        (
            Encoding::Json,
            json("{}", &["x"]),
            "none of the 1 lines can be stored: line 1: an object expected at byte 0",
        ),
        (
            Encoding::Json,
            json("{}", &["{}"; 51]),
            "more than 50 lines",
        ),
        (Encoding::Json, b"{".to_vec(), "not a JSON push request"),
        (Encoding::Json, vec![b' '; (1 << 20) + 1], "allows 1048576"),
        (
            Encoding::Json,
            br#"{"streams":[{"stream":{},"values":[["x","{}"]]}]}"#.to_vec(),
            "\"x\" is not a time",
        ),
        (
            Encoding::Protobuf,
            b"\xff\xff\xff".to_vec(),
            "not a snappy block",
        ),
        (
            Encoding::Protobuf,
            snappy(&vec![0; (1 << 20) + 1]),
            "allows 1048576",
        ),
        (
            Encoding::Protobuf,
            snappy(b"\x0a\x05\x0a"),
            "a field ends early at byte 2",
        ),
        (
            Encoding::Protobuf,
            snappy(b"\x0f"),
            "an unknown wire type at byte 1",
        ),
        (
            Encoding::Protobuf,
            snappy(&[0xff; 12]),
            "a number is too long at byte 10",
        ),
        (
            Encoding::Protobuf,
            protobuf("{a=b}", "{}"),
            "a quote expected",
        ),
    ] {
        let error = decode(encoding, &body).unwrap_err().to_string();
        assert!(error.contains(expected), "{error}");
    }
    assert_eq!(
        decode(Encoding::Json, b"{}").unwrap(),
        0,
        "an empty push is one"
    );
    assert_eq!(
        decode(
            Encoding::Json,
            br#"{"streams":[{"values":[["5000000000","{}",{"m":"1"}]]}]}"#
        )
        .unwrap(),
        1
    );
}

#[test]
fn protobuf_labels_are_read_as_go_writes_them() {
    let of = |labels: &str| {
        let push = decode(
            Encoding::Protobuf,
            &protobuf(labels, "{}"),
            &LIMITS,
            Lines::default(),
        )?;
        Ok::<_, PushError>(batch_of(&push).record(0).labels)
    };
    let pair = |name: &str, value: &str| (name.to_owned(), value.to_owned());
    assert_eq!(of("{}").unwrap(), []);
    assert_eq!(
        of(r#"{a="x", b="y,}z"}"#).unwrap(),
        [pair("a", "x"), pair("b", "y,}z")]
    );
    assert_eq!(
        of(r#"{ a = "\"\\\n\x41\u00e9\U0001f600\101" , }"#).unwrap(),
        [pair("a", "\"\\\nAé😀A")]
    );
    for wrong in [
        "{",
        "{a}",
        "{=\"x\"}",
        "{1a=\"x\"}",
        "{a=\"x}",
        r#"{a="\q"}"#,
        r#"{a="\u12"}"#,
        r#"{a="x"b="y"}"#,
    ] {
        assert!(
            matches!(of(wrong), Err(PushError::Labels { .. })),
            "{wrong}"
        );
    }
}

#[test]
fn labels_of_streams_in_any_order_are_read_alike() {
    let parse = |text: &str, expected: &'static str| {
        let mut found = Vec::new();
        let outcome = labels::parse(text, expected, |name, value| {
            found.push(format!("{name}:{value}"));
            match name {
                "a" => "b=\"",
                "b" => "a=\"",
                _ => "",
            }
        });
        outcome.map(|()| found)
    };
    for (text, expected) in [
        (r#"{a="x", b="y", c="z"}"#, Ok(vec!["a:x", "b:y", "c:z"])),
        (
            r#"{a="x",b = "y\"z",c=""}"#,
            Ok(vec!["a:x", "b:y\"z", "c:"]),
        ),
        (
            r#"{b="1234567890\\", bb="2"}"#,
            Ok(vec!["b:1234567890\\", "bb:2"]),
        ),
        ("{b=\"a\tb\"}", Ok(vec!["b:a\tb"])),
        (r#"{a="x",b="y",a="z"}"#, Err("each label once expected")),
        (r#"{a="x",b="y}"#, Err("a closing quote expected")),
        (r#"{a="x"b="y"}"#, Err("a comma expected")),
    ] {
        let expected = expected.map(|all| all.into_iter().map(str::to_owned).collect());
        for guess in ["", "a=\"", "b=\""] {
            assert_eq!(parse(text, guess), expected, "{text}, {guess}");
        }
    }
}

proptest! {
    #[test]
    fn no_body_takes_long_or_panics(bytes in proptest::collection::vec(any::<u8>(), 0..300), is_json: bool) {
        let started = Instant::now();
        let encoding = if is_json { Encoding::Json } else { Encoding::Protobuf };
        let _ = decode(encoding, &bytes, &LIMITS, Lines::default());
        let _ = decode(Encoding::Protobuf, &snap::raw::Encoder::new().compress_vec(&bytes).unwrap(), &LIMITS, Lines::default());
        prop_assert!(started.elapsed() < Duration::from_mins(1));
    }

    #[test]
    fn a_broken_push_never_panics(at in 0usize..200, value: u8, line in "\\{\"[a-zA-Z]{1,9}\":[0-9\\[\\]{}\",]{0,9}\\}") {
        let body = protobuf(r#"{app="x"}"#, &line);
        let mut message = snap::raw::Decoder::new().decompress_vec(&body).unwrap();
        let at = at % message.len();
        message[at] = value;
        let body = snap::raw::Encoder::new().compress_vec(&message).unwrap();
        if let Ok(push) = decode(Encoding::Protobuf, &body, &LIMITS, Lines::default()) {
            let batch = batch_of(&push);
            for row in 0..batch.rows {
                prop_assert!(serde_json::from_str::<serde_json::Value>(&batch.record(row).line).is_ok());
            }
        }
    }
}
