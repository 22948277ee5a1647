//! Tests of the query language: the truth table 21.8 of the compatibility reference, and its errors.
#![allow(clippy::unwrap_used, reason = "tests")]

use proptest::prelude::*;
use rstest::rstest;

use super::*;
use crate::model::{BitNames, Field, Number, Record, TCP_FLAGS, Value};

fn record() -> Record {
    let mut record = Record::new();
    record.set_field(Field::SrcK8SNamespace, Value::text("shop"));
    record.set_field(Field::DstK8SNamespace, Value::text("shop"));
    record.set_field(Field::Bytes, Value::Number(Number::U64(1500)));
    record.set_field(Field::Proto, Value::Number(Number::U8(6)));
    record.set_field(Field::FlowDirection, Value::int(1));
    record.set_field(Field::Flags, Value::Bits(BitNames::new(2, &TCP_FLAGS)));
    record.set_field(Field::RecordType, Value::text("flowLog"));
    record
}

#[rstest]
#[case("Proto=6", true)]
#[case("Proto=\"6\"", false)]
#[case("Proto!=\"6\"", true)]
#[case("Proto=~\"^6$\"", true)]
#[case("FlowDirection!=0", true)]
#[case("Packets!=0", false)]
#[case("DstK8S_Name!=\"x\"", true)]
#[case("DstK8S_Name!~\".*\"", true)]
#[case("DstK8S_Name=~\".*\"", false)]
#[case("without(DstK8S_Name)", true)]
#[case("SrcK8S_Namespace=\"$(DstK8S_Namespace)\"", true)]
#[case("Bytes=\"$(Packets)\"", false)]
#[case("Bytes=\"$(Bytes)\"", true)]
#[case("Bytes>1000 and Bytes<=1500", true)]
#[case("Flags=~\"SYN\"", true)]
#[case("_RecordType=~\"^flowLog$\"", true)]
#[case("with(DnsId) and Proto=17 or Proto=6", false)]
#[case("(with(DnsId) and Proto=17) or Proto=6", true)]
#[case("Proto=6 or Proto=17 and with(DnsId)", false)]
#[case("WITH(Bytes) And Proto = 6", true)]
#[case("Proto=6 // and with(DnsId)\n and /* or */ with(Bytes)", true)]
#[case("SrcK8S_Namespace=`shop`", true)]
#[case("SrcK8S_Namespace=\"\\x73h\\u006fp\"", true)]
fn the_truth_table_holds(#[case] query: &str, #[case] expected: bool) {
    let query = Query::parse(query).unwrap();
    assert_eq!(query.holds(&record(), &mut String::new()), expected);
}

/// NetObserv never finds `_RecordType` equal to a text, because of a type of its own; here it is a text.
#[test]
fn the_type_of_a_record_compares_as_text() {
    assert!(
        Query::parse("_RecordType=\"flowLog\"")
            .unwrap()
            .holds(&record(), &mut String::new())
    );
}

#[rstest]
#[case("", "1:1: expected a condition, not end of query")]
#[case("Proto=6 Proto=7", "1:9: unexpected Proto")]
#[case("Proto=6\nand", "2:4: expected a condition, not end of query")]
#[case("a.b=1", "1:2: unexpected '.'")]
#[case("Bytes=1.5", "1:7: Float values are currently unsupported")]
#[case("Bytes=0x10", "1:7: 0x10 is no decimal number")]
#[case("Bytes=-1", "1:7: unexpected '-'")]
#[case("Bytes>\"a\"", "1:7: expected a number after >, not \"a\"")]
#[case("name='x'", "1:6: unexpected '\\''")]
#[case("(Proto=6", "1:9: expected ), not end of query")]
#[case("name=\"x", "1:6: text does not end")]
fn a_bad_query_says_where(#[case] query: &str, #[case] expected: &str) {
    assert_eq!(
        Query::parse(query).err().unwrap(),
        format!("query, {expected}")
    );
}

#[test]
fn a_bad_regular_expression_is_refused() {
    assert!(Query::parse("name=~\"(\"").is_err());
}

#[test]
fn a_hostile_query_is_refused_without_harm() {
    assert!(Query::parse(&"(".repeat(100_000)).is_err());
    assert!(Query::parse(&"a=1 or ".repeat(100_000)).is_err());
}

proptest! {
    #[test]
    fn any_text_is_parsed_or_refused(query in "[a-z0-9=!~<>()\"`/* \\\\\n$.'-]{0,60}") {
        if let Ok(query) = Query::parse(&query) {
            query.holds(&record(), &mut String::new());
        }
    }
}
