//! Tests of the record and of its values.
#![allow(clippy::unwrap_used, reason = "tests")]

use std::sync::Arc;

use proptest::prelude::*;
use rstest::rstest;

use super::*;

fn text_of(value: ValueRef<'_>) -> String {
    let mut text = String::new();
    value.write_text(&mut text);
    text
}

#[rstest]
#[case(serde_json::json!(1.0), "1")]
#[case(serde_json::json!(1e21), "1000000000000000000000")]
#[case(serde_json::json!(0.000_000_1), "0.0000001")]
#[case(serde_json::json!(true), "true")]
#[case(serde_json::json!(["a", 1, null]), "[a 1 <nil>]")]
#[case(serde_json::json!([{"k": "v", "a": "b"}]), "[map[a:b k:v]]")]
fn json_values_have_the_text_of_the_specification(
    #[case] json: serde_json::Value,
    #[case] expected: &str,
) {
    assert_eq!(text_of(Value::from_json(json).view()), expected);
}

#[test]
fn addresses_are_written_dotted_or_as_rfc_5952() {
    let text = |ip: &str| {
        text_of(ValueRef::Address(Address::from(
            ip.parse::<std::net::IpAddr>().unwrap(),
        )))
    };
    assert_eq!(text("10.0.0.5"), "10.0.0.5");
    assert_eq!(text("::ffff:10.0.0.5"), "10.0.0.5");
    assert_eq!(text("2001:DB8:0:0:0:0:0:5"), "2001:db8::5");
    assert_eq!(
        text_of(ValueRef::Mac(Mac(0x0a58_0a00_0005))),
        "0a:58:0a:00:00:05"
    );
}

#[test]
fn an_unusual_spelling_of_an_address_stays_as_it_was_written() {
    let mut record = Record::new();
    record.set(&"SrcAddr".into(), Value::from_json("2001:DB8::5".into()));
    assert_eq!(
        record.field(Field::SrcAddr),
        Some(ValueRef::Text("2001:DB8::5"))
    );
    record.set(&"SrcAddr".into(), Value::from_json("2001:db8::5".into()));
    assert!(matches!(
        record.field(Field::SrcAddr),
        Some(ValueRef::Address(_))
    ));
}

#[test]
fn a_value_keeps_the_type_of_its_origin() {
    let mut record = Record::new();
    record.set_number(Field::Bytes, 1500);
    assert_eq!(
        record.field(Field::Bytes),
        Some(ValueRef::Number(Number::U64(1500)))
    );
    record.set_field(Field::Bytes, Value::from_json(1500.into()));
    assert_eq!(
        record.field(Field::Bytes),
        Some(ValueRef::Number(Number::F64(1500.0)))
    );
    record.set_number(Field::Packets, 4_294_967_297);
    assert_eq!(
        record.field(Field::Packets),
        Some(ValueRef::Number(Number::U32(1)))
    );
    record.set_number(Field::IPSecRetCode, -22_i64 as u64);
    assert_eq!(
        record.field(Field::IPSecRetCode),
        Some(ValueRef::Number(Number::I32(-22)))
    );
}

#[test]
fn a_record_seen_by_no_interface_has_null_lists_and_no_networks() {
    let mut record = Record::new();
    record.set_observed(Some(Arc::new(Observed {
        interfaces: vec!["eth0".into()],
        udns: vec!["".into()],
        directions: vec![1],
    })));
    assert_eq!(text_of(record.field(Field::Interfaces).unwrap()), "[eth0]");
    record.set_observed(None);
    assert_eq!(record.field(Field::Interfaces), Some(ValueRef::Null));
    assert_eq!(record.field(Field::IfDirections), Some(ValueRef::Null));
    assert_eq!(record.field(Field::Udns), None);
}

#[test]
fn names_of_the_dictionary_resolve_and_others_do_not() {
    for field in Field::sorted() {
        assert_eq!(Field::from_name(field.name()), Some(*field));
    }
    assert_eq!(Key::from("_RecordType"), Key::Known(Field::RecordType));
    assert_eq!(Key::from("srcAddr"), Key::Other("srcAddr".into()));
}

#[test]
fn a_record_stays_small() {
    assert_eq!(size_of::<Value>(), 24);
    assert!(size_of::<Record>() <= 320, "{} bytes", size_of::<Record>());
}

#[test]
fn a_text_literal_equals_texts_and_addresses_only() {
    assert!(TextLiteral::new("10.0.0.5").equals(ValueRef::Address(Address::from_v4(0x0a00_0005))));
    assert!(TextLiteral::new("0a:58:0a:00:00:05").equals(ValueRef::Mac(Mac(0x0a58_0a00_0005))));
    assert!(!TextLiteral::new("6").equals(ValueRef::Number(Number::U8(6))));
}

fn any_key() -> impl Strategy<Value = Key> {
    prop_oneof![
        3 => (0..FIELD_COUNT).prop_map(|place| Key::Known(Field::sorted()[place])),
        1 => "[a-c]".prop_map(|name| Key::from(name.as_str())),
    ]
}

fn any_value() -> impl Strategy<Value = Value> {
    prop_oneof![
        any::<u64>().prop_map(|n| Value::Number(Number::U64(n))),
        any::<u16>().prop_map(|n| Value::Number(Number::U16(n))),
        any::<u32>().prop_map(|bits| Value::Address(Address::from_v4(bits))),
        any::<i32>().prop_map(|n| Value::Number(Number::F64(f64::from(n)))),
        "[a-z]{0,3}".prop_map(|text| Value::from_json(text.into())),
        Just(Value::Null),
    ]
}

proptest! {
    #[test]
    fn an_address_is_written_as_by_the_standard_library(bits in any::<u32>(), octets in any::<[u8; 16]>()) {
        for address in [Address::from_v4(bits), Address::from_v4(bits & 0x0909_0909), Address::from_octets(octets)] {
            prop_assert_eq!(text_of(ValueRef::Address(address)), address.to_ip().to_string());
        }
    }

    #[test]
    fn a_record_behaves_as_a_map(steps in prop::collection::vec((any_key(), prop::option::of(any_value())), 0..60)) {
        let mut record = Record::new();
        let mut model: std::collections::HashMap<String, Value> = std::collections::HashMap::new();
        for (key, value) in steps {
            if let Some(value) = value {
                record.set(&key, value.clone());
                model.insert(key.name().to_owned(), value);
            } else {
                record.remove(&key);
                model.remove(key.name());
            }
        }
        prop_assert_eq!(record.iter().count(), model.len());
        for (name, value) in record.iter() {
            prop_assert_eq!(value, model[name].view());
            prop_assert_eq!(record.get(&name.into()), Some(value));
        }
        for name in model.keys() {
            prop_assert!(record.has(&name.as_str().into()));
        }
    }
}
