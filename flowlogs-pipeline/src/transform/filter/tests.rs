//! Tests of the filter transform: the worked examples 21.7 of the compatibility reference.
#![allow(clippy::unwrap_used, reason = "tests")]

use rstest::rstest;
use serde_json::json;

use super::*;
use crate::model::{Field, Number};

fn build(config: serde_json::Value) -> TransformFilter {
    TransformFilter::new(&serde_json::from_value(config).unwrap()).unwrap()
}

fn apply(stage: &mut TransformFilter, record: Record) -> Option<Record> {
    let mut batch = Batch::from(vec![record]);
    stage.transform(&mut batch);
    batch.records.pop()
}

fn record(fields: &[(&str, Value)]) -> Record {
    let mut record = Record::new();
    for (name, value) in fields {
        record.set(&Key::from(*name), value.clone());
    }
    record
}

fn text(record: &Record, name: &str) -> Option<String> {
    record.get(&name.into()).map(|value| {
        let mut text = String::new();
        value.write_text(&mut text);
        text
    })
}

const U8_1: Value = Value::Number(Number::U8(1));
const FLOAT_1: Value = Value::Number(Number::F64(1.0));

#[rstest]
#[case(false, Value::int(1), true)]
#[case(true, Value::int(1), false)]
#[case(true, U8_1, true)]
#[case(true, FLOAT_1, true)]
#[case(false, FLOAT_1, false)]
fn equality_is_of_type_and_value(#[case] cast: bool, #[case] value: Value, #[case] is_kept: bool) {
    let mut stage = build(json!({"rules": [{"type": "remove_entry_if_equal",
        "removeEntry": {"input": "FlowDirection", "value": 1, "castInt": cast}}]}));
    assert_eq!(
        apply(&mut stage, record(&[("FlowDirection", value)])).is_some(),
        is_kept
    );
}

#[rstest]
#[case("remove_entry_if_not_equal", None, true)]
#[case("remove_entry_if_not_equal", Some("b"), false)]
#[case("remove_entry_if_not_equal", Some("a"), true)]
#[case("remove_entry_if_exists", Some("a"), false)]
#[case("remove_entry_if_exists", None, true)]
#[case("remove_entry_if_doesnt_exist", None, false)]
#[case("remove_entry_if_doesnt_exist", Some("a"), true)]
fn entries_are_removed(
    #[case] kind: &str,
    #[case] value: Option<&'static str>,
    #[case] is_kept: bool,
) {
    let mut stage =
        build(json!({"rules": [{"type": kind, "removeEntry": {"input": "x", "value": "a"}}]}));
    let given = value.map_or_else(Record::new, |value| record(&[("x", Value::text(value))]));
    assert_eq!(apply(&mut stage, given).is_some(), is_kept);
}

#[rstest]
#[case(Value::int(1), true, false)]
#[case(Value::int(1), false, true)]
#[case(Value::int(0), true, true)]
#[case(Value::int(2), true, true)]
fn all_must_be_satisfied(
    #[case] direction: Value,
    #[case] is_enriched: bool,
    #[case] is_kept: bool,
) {
    let mut stage = build(
        json!({"rules": [{"type": "remove_entry_all_satisfied", "removeEntryAllSatisfied": [
        {"type": "remove_entry_if_equal", "removeEntry": {"input": "FlowDirection", "value": 1, "castInt": true}},
        {"type": "remove_entry_if_exists", "removeEntry": {"input": "DstK8S_OwnerName"}}]}]}),
    );
    let mut given = record(&[("FlowDirection", direction)]);
    if is_enriched {
        given.set_field(Field::DstK8SOwnerName, Value::text("web"));
    }
    assert_eq!(apply(&mut stage, given).is_some(), is_kept);
}

/// Repeats until a record is drawn in: each time one in ten is.
#[rstest]
#[case(Some(Value::Number(Number::U32(50))), Value::int(500))]
#[case(None, Value::int(10))]
#[case(Some(Value::Number(Number::U32(0))), Value::int(10))]
#[case(Some(Value::text("x")), Value::text("x"))]
fn a_sampled_record_says_its_interval(#[case] before: Option<Value>, #[case] expected: Value) {
    let mut stage = build(json!({"samplingField": "Sampling", "rules": [
        {"type": "keep_entry_query", "keepEntryQuery": "with(Bytes)", "keepEntrySampling": 10}]}));
    let mut given = record(&[("Bytes", U8_1)]);
    if let Some(before) = before {
        given.set_field(Field::Sampling, before);
    }
    let kept = std::iter::repeat_with(|| apply(&mut stage, given.clone()))
        .take(10_000)
        .flatten()
        .next()
        .unwrap();
    assert_eq!(kept.field(Field::Sampling).unwrap().to_value(), expected);
}

#[test]
fn a_record_drawn_out_is_offered_to_the_next_keep_rule() {
    let mut stage = build(json!({"samplingField": "Sampling", "rules": [
        {"type": "keep_entry_query", "keepEntryQuery": "with(Bytes)", "keepEntrySampling": 10},
        {"type": "keep_entry_query", "keepEntryQuery": "with(Bytes)"}]}));
    let kept: Vec<_> = (0..1000)
        .filter_map(|_| apply(&mut stage, record(&[("Bytes", U8_1)])))
        .collect();
    assert_eq!(kept.len(), 1000);
    assert!(
        kept.iter()
            .any(|record| !record.has(&Field::Sampling.into()))
    );
}

#[test]
fn one_in_ten_is_one_in_ten() {
    let mut random = Random::new();
    let kept = (0..100_000).filter(|_| random.one_in(10)).count();
    assert!((9_000..11_000).contains(&kept), "{kept}");
}

#[test]
fn a_record_that_no_query_selects_is_dropped() {
    let mut stage =
        build(json!({"rules": [{"type": "keep_entry_query", "keepEntryQuery": "with(Bytes)"}]}));
    assert!(apply(&mut stage, Record::new()).is_none());
}

#[rstest]
#[case(json!({"type": "add_field_if", "addFieldIf": {"input": "Bytes", "output": "big", "parameters": "> 1000", "assignee": "yes"}}),
    "big", "yes", "big_Evaluate")]
#[case(json!({"type": "add_field_if", "addFieldIf": {"input": "Bytes", "output": "big", "parameters": "> 1000"}}),
    "big", "1500", "big_Evaluate")]
#[case(json!({"type": "add_regex_if", "addRegexIf": {"input": "SrcAddr", "output": "net10", "parameters": "^10\\."}}),
    "net10", "10.0.0.5", "net10_Matched")]
fn fields_are_added_if(
    #[case] rule: serde_json::Value,
    #[case] name: &str,
    #[case] value: &str,
    #[case] mark: &str,
) {
    let given = record(&[
        ("Bytes", Value::Number(Number::U64(1500))),
        ("SrcAddr", Value::text("10.0.0.5")),
    ]);
    let result = apply(&mut build(json!({"rules": [rule]})), given).unwrap();
    assert_eq!(text(&result, name).as_deref(), Some(value));
    assert_eq!(text(&result, mark).as_deref(), Some("true"));
}

#[test]
fn an_absent_field_matches_no_regular_expression() {
    let mut stage = build(json!({"rules": [
        {"type": "add_regex_if", "addRegexIf": {"input": "x", "output": "y", "parameters": ".*"}}]}));
    assert_eq!(apply(&mut stage, Record::new()).unwrap(), Record::new());
}

#[test]
fn labels_are_joined_in_order() {
    let mut stage = build(json!({"rules": [
        {"type": "add_label", "addLabel": {"input": "zone", "value": "a"}},
        {"type": "add_label_if", "addLabelIf": {"input": "x", "output": "big", "parameters": "> 5", "assignee": "yes"}},
        {"type": "add_label", "addLabel": {"input": "env", "value": "dev"}}]}));
    assert_eq!(
        text(&apply(&mut stage, Record::new()).unwrap(), "labels").as_deref(),
        Some("env=dev,zone=a")
    );
    let result = apply(&mut stage, record(&[("x", Value::int(9))])).unwrap();
    assert_eq!(
        text(&result, "labels").as_deref(),
        Some("big=yes,env=dev,zone=a")
    );
}

#[test]
fn a_label_given_again_has_its_last_value() {
    let add =
        |value: &str| json!({"type": "add_label", "addLabel": {"input": "env", "value": value}});
    let mut stage = build(json!({"rules": [add("test"), add("dev"), add("a")]}));
    assert_eq!(
        text(&apply(&mut stage, Record::new()).unwrap(), "labels").as_deref(),
        Some("env=a")
    );
}

#[test]
fn an_empty_list_of_conditions_is_satisfied_by_every_record() {
    let rule = json!({"type": "remove_entry_all_satisfied", "removeEntryAllSatisfied": []});
    assert!(apply(&mut build(json!({"rules": [rule]})), Record::new()).is_none());
}

#[test]
fn fields_are_added_and_removed() {
    let mut stage = build(json!({"rules": [
        {"type": "add_field", "addField": {"input": "a", "value": 2}},
        {"type": "add_field_if_doesnt_exist", "addFieldIfDoesntExist": {"input": "b", "value": "new"}},
        {"type": "remove_field", "removeField": {"input": "c"}}]}));
    let given = record(&[
        ("a", Value::int(1)),
        ("b", Value::text("old")),
        ("c", Value::int(3)),
    ]);
    let expected = record(&[
        ("a", Value::Number(Number::F64(2.0))),
        ("b", Value::text("old")),
    ]);
    assert_eq!(apply(&mut stage, given), Some(expected));
}

#[test]
fn conditional_sampling_takes_the_first_choice_that_holds() {
    let mut stage = build(
        json!({"rules": [{"type": "conditional_sampling", "conditionalSampling": [
        {"value": 65535, "rules": [{"type": "remove_entry_if_exists", "removeEntry": {"input": "a"}}]},
        {"value": 0, "rules": [{"type": "remove_entry_if_exists", "removeEntry": {"input": "b"}}]}]}]}),
    );
    let mut kept = |fields: &[(&str, Value)]| {
        (0..50)
            .filter(|_| apply(&mut stage, record(fields)).is_some())
            .count()
    };
    assert!(kept(&[("a", U8_1), ("b", U8_1)]) < 50);
    assert_eq!(kept(&[("b", U8_1)]), 50);
    assert_eq!(kept(&[]), 50);
}
