//! Tests of the generic transform: the worked examples 21.6 of the compatibility reference.
#![allow(clippy::unwrap_used, reason = "tests")]

use rstest::rstest;

use super::config::GenericRule;
use super::*;
use crate::model::Field;

fn rule(input: &str, output: &str, multiplier: i64) -> GenericRule {
    GenericRule {
        input: input.into(),
        output: output.into(),
        multiplier,
    }
}

fn apply(policy: &str, rules: Vec<GenericRule>, record: Record) -> Record {
    let mut stage = TransformGeneric::new(&GenericConfig {
        policy: policy.into(),
        rules,
    });
    let mut batch = Batch::from(vec![record]);
    stage.transform(&mut batch);
    batch.records.remove(0)
}

fn record(fields: &[(&str, Value)]) -> Record {
    let mut record = Record::new();
    for (name, value) in fields {
        record.set(&Key::from(*name), value.clone());
    }
    record
}

const fn u64(value: u64) -> Value {
    Value::Number(Number::U64(value))
}

#[test]
fn replaced_keys_are_the_only_ones_left() {
    let given = record(&[
        ("Bytes", u64(10)),
        ("DstAddr", Value::text("1.2.3.4")),
        ("Packets", u64(2)),
    ]);
    let rules = vec![
        rule("Bytes", "bytes", 0),
        rule("DstAddr", "dst", 0),
        rule("Foo", "foo", 0),
    ];
    let dst = given.field(Field::DstAddr).unwrap().to_value();
    assert_eq!(
        apply("replace_keys", rules, given),
        record(&[("bytes", u64(10)), ("dst", dst)])
    );
}

#[test]
fn preserved_keys_stay_beside_the_new_ones() {
    let given = record(&[("Bytes", u64(10))]);
    let expected = record(&[("Bytes", u64(10)), ("bytes", u64(10))]);
    assert_eq!(apply("", vec![rule("Bytes", "bytes", 0)], given), expected);
}

#[test]
fn a_rule_does_not_see_what_another_wrote() {
    let given = record(&[("a", u64(1)), ("b", u64(2))]);
    let expected = record(&[("a", u64(2)), ("b", u64(1))]);
    assert_eq!(
        apply("", vec![rule("a", "b", 0), rule("b", "a", 0)], given),
        expected
    );
}

#[rstest]
#[case(u64(10), 8, Some(u64(80)))]
#[case(Value::Number(Number::U8(100)), 3, Some(Value::Number(Number::U8(44))))]
#[case(
    Value::Number(Number::F64(1.5)),
    2,
    Some(Value::Number(Number::F64(3.0)))
)]
#[case(Value::text("10"), 8, None)]
fn a_product_keeps_the_type_of_the_number(
    #[case] value: Value,
    #[case] multiplier: i64,
    #[case] expected: Option<Value>,
) {
    let result = apply(
        "replace_keys",
        vec![rule("x", "y", multiplier)],
        record(&[("x", value)]),
    );
    assert_eq!(result.get(&"y".into()).map(ValueRef::to_value), expected);
}
