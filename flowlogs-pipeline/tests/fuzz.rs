//! A short run of the fuzz targets, in a program of its own, whose allocator counts: every seed as it is, then many with
//! random damage; and inputs made to be costly.
#![allow(clippy::unwrap_used, reason = "tests")]

#[path = "../fuzz/targets.rs"]
#[allow(clippy::expect_used, reason = "tests")]
mod targets;

#[path = "support/fuzz_run.rs"]
mod harness;

use harness::run;

#[test]
fn any_message_is_decoded_or_refused_without_harm() {
    run("records", 5_000, targets::records);
}

#[test]
fn any_line_is_decoded_or_refused_without_harm() {
    run("json_line", 5_000, targets::json_line);
}

#[test]
fn any_configuration_is_taken_or_refused_without_harm() {
    run("config", 300, targets::config);
}

/// The limit of one message of gRPC.
const MESSAGE_BYTES: usize = 4 << 20;

/// A field of protobuf with a length: its number and its content.
fn field(number: u8, content: &[u8]) -> Vec<u8> {
    // Numbers above 15 take two bytes.
    let key = u16::from(number) << 3 | 2;
    let mut bytes = match key {
        0..0x80 => vec![key as u8],
        _ => vec![key as u8 | 0x80, (key >> 7) as u8],
    };
    let mut length = content.len();
    while length >= 0x80 {
        bytes.push(length as u8 | 0x80);
        length >>= 7;
    }
    bytes.push(length as u8);
    bytes.extend(content);
    bytes
}

#[test]
fn a_message_made_to_be_costly_is_bounded() {
    let empty_record = field(1, &[]);
    // A drop cause and a DNS identifier of one byte each bring nine fields.
    let dense_record = field(1, &[0xa0, 0x01, 2, 0xa8, 0x01, 1]);
    let empty_interfaces = field(26, &[]).repeat(MESSAGE_BYTES / 3 - 10);
    let empty_events = field(27, &[]).repeat(MESSAGE_BYTES / 3 - 10);
    let groups = [0x0b].repeat(MESSAGE_BYTES);
    for message in [
        empty_record.repeat(MESSAGE_BYTES / empty_record.len()),
        dense_record.repeat(MESSAGE_BYTES / dense_record.len()),
        field(1, &empty_interfaces),
        field(1, &empty_events),
        field(1, &groups),
        groups,
    ] {
        targets::records(&message);
    }
}

#[test]
fn a_line_made_to_be_costly_is_bounded() {
    use std::fmt::Write as _;

    let mut names = String::from("{\"a\":0");
    for number in 0..100_000 {
        write!(names, ",\"{number:x}\":0").unwrap();
    }
    for line in [
        names + "}",
        format!("{{\"a\":[{}0]}}", "{\"\":0},".repeat(140_000)),
        format!("{{\"a\":[{}0]}}", "[],".repeat(300_000)),
        "{\"a\":".repeat(200_000),
        format!("{{\"a\":{}", "[".repeat(1_000_000)),
        format!("{{\"a\":\"{}\"}}", "\\u0041".repeat(170_000)),
    ] {
        targets::json_line(line.as_bytes());
    }
}

#[test]
fn a_configuration_made_to_be_costly_is_bounded() {
    use std::fmt::Write as _;

    let mut bomb = String::from("a0: &a0 [x, x]\n");
    for level in 1..30 {
        writeln!(bomb, "a{level}: &a{level} [*a{0}, *a{0}]", level - 1).unwrap();
    }
    for text in [
        bomb,
        "[".repeat(20_000),
        "a:\n ".repeat(2_000),
        format!("{{\"parameters\": [{}{{}}]}}", "{},".repeat(5_000)),
        format!(
            "{{\"pipeline\": [{}{{}}]}}",
            "{\"name\": \"a\", \"follows\": \"b\"},".repeat(2_000)
        ),
        "{\"log-level\": \"a\", \"LOG-LEVEL\": \"b\"}".into(),
    ] {
        targets::config(text.as_bytes());
    }
}
