#![allow(clippy::unwrap_used, reason = "tests")]
use std::time::Duration;

use proptest::prelude::*;
use serde_json::json;

use super::*;
use crate::model::Value;

fn record(fields: &serde_json::Value) -> Record {
    let mut record = Record::new();
    for (name, value) in fields.as_object().unwrap() {
        record.set(&name.as_str().into(), Value::from_json(value.clone()));
    }
    record
}

/// 2024-01-02T03:04:07.006Z.
fn moment() -> SystemTime {
    UNIX_EPOCH + Duration::from_millis(1_704_164_647_006)
}

fn check(format: Format, is_sorted: bool, fields: &serde_json::Value, expected: &str) {
    let mut out = String::new();
    LineWriter::new(format, is_sorted, &["DstMac".into(), "Own".into()]).write(
        &record(fields),
        moment(),
        &mut out,
    );
    assert_eq!(out, expected);
}

#[test]
fn json_keys_come_in_dictionary_order_or_sorted() {
    let fields = json!({"Zz": 1, "Bytes": 10, "Own": 2, "SrcAddr": "10.0.0.5", "Aa": null, "DstMac": "0a:58:0a:00:00:05"});
    check(
        Format::Json,
        false,
        &fields,
        r#"{"SrcAddr":"10.0.0.5","Bytes":10,"Aa":null,"Zz":1}"#,
    );
    check(
        Format::Json,
        true,
        &fields,
        r#"{"Aa":null,"Bytes":10,"SrcAddr":"10.0.0.5","Zz":1}"#,
    );
    check(
        Format::Json,
        false,
        &json!({"DstMac": "0a:58:0a:00:00:05"}),
        "{}",
    );
}

#[test]
fn json_holds_every_type_of_value() {
    check(
        Format::Json,
        true,
        &json!({"a": ["x", 1.5, {"k": "v"}], "b": true, "c": "q\"\\\n\r\t\u{1}é<", "d": 1e300}),
        &format!(
            r#"{{"a":["x",1.5,{{"k":"v"}}],"b":true,"c":"q\"\\\n\r\t\u0001é<","d":1{}}}"#,
            "0".repeat(300)
        ),
    );
    let mut out = String::new();
    json::value(
        &mut out,
        ValueRef::Number(crate::model::Number::F64(f64::NAN)),
    );
    assert_eq!(out, "null");
}

#[test]
fn printf_is_what_go_prints() {
    check(
        Format::Printf,
        false,
        &json!({
            "a": 1_704_164_647_006_u64, "b": 1e6, "c": 0.25, "d": 1e21, "e": null, "f": ["a", "b"], "g": 123_456,
            "h": 0.00001, "i": -1_234_567, "j": [1, "x", {"k": true}], "k": 123_456.789, "l": 0,
        }),
        "map[a:1.704164647006e+12 b:1e+06 c:0.25 d:1e+21 e:<nil> f:[a b] g:123456 h:1e-05 i:-1.234567e+06 \
         j:[1 x map[k:true]] k:123456.789 l:0]",
    );
}

#[test]
fn fields_are_aligned_and_dated() {
    check(
        Format::Fields,
        false,
        &json!({"SrcAddr": "10.0.0.5", "Bytes": 10}),
        "\n\nFlow record at Jan  2 03:04:07.006:\nBytes   = 10\nSrcAddr = 10.0.0.5",
    );
}

#[test]
fn dates_follow_the_calendar() {
    for (seconds, expected) in [
        (0, "Jan  1 00:00:00.000"),
        (951_782_400, "Feb 29 00:00:00.000"),
        (951_868_799, "Feb 29 23:59:59.000"),
        (951_868_800, "Mar  1 00:00:00.000"),
        (1_735_689_599, "Dec 31 23:59:59.000"),
    ] {
        let mut out = String::new();
        stamp(&mut out, UNIX_EPOCH + Duration::from_secs(seconds));
        assert_eq!(out, expected);
    }
}

proptest! {
    #[test]
    fn any_text_survives_as_json(name in ".*", text in ".*", number in any::<f64>().prop_filter("finite", |n| n.is_finite())) {
        let name = format!("x{name}");
        let mut record = Record::new();
        record.set(&name.as_str().into(), Value::from_json(text.clone().into()));
        record.set(&"Bytes".into(), Value::from_json(number.into()));
        let mut out = String::new();
        LineWriter::new(Format::Json, false, &[]).write(&record, moment(), &mut out);
        let read: serde_json::Value = serde_json::from_str(&out).unwrap();
        prop_assert_eq!(&read[&name], &json!(text));
        // serde_json's reader is off by a last digit now and then.
        let read = read["Bytes"].as_f64().unwrap();
        prop_assert!((read - number).abs() <= number.abs() * 1e-12, "{} {}", read, number);
    }
}
