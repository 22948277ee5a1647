#![allow(clippy::unwrap_used, reason = "tests")]

use proptest::prelude::*;

use super::*;

/// Writes groups in a form that is easy to compare.
fn shown(groups: &[Group]) -> String {
    let operator = |operator| match operator {
        Operator::Equal => "=",
        Operator::NotEqual => "!=",
        Operator::AtLeast => ">=",
        Operator::Match => "~",
        Operator::NotMatch => "!~",
    };
    let value = |value: &Value| {
        if value.is_exact {
            format!("'{}'", value.text)
        } else {
            value.text.clone()
        }
    };
    let condition = |c: &Condition| {
        let values: Vec<_> = c.values.iter().map(value).collect();
        format!("{} {} [{}]", c.key, operator(c.operator), values.join(", "))
    };
    let group = |g: &Group| g.iter().map(condition).collect::<Vec<_>>().join(" and ");
    groups
        .iter()
        .map(|g| format!("({})", group(g)))
        .collect::<Vec<_>>()
        .join(" or ")
}

#[test]
fn items_are_read_as_the_specification_says() {
    for (text, expected) in [
        ("", "()"),
        (
            "SrcPort=80&DstPort=90",
            "(SrcPort = [80] and DstPort = [90])",
        ),
        (
            "SrcPort=80|DstPort=90",
            "(SrcPort = [80]) or (DstPort = [90])",
        ),
        ("SrcK8S_Name!=a,b", "(SrcK8S_Name != [a, b])"),
        ("DstPort>=1024", "(DstPort >= [1024])"),
        ("a=1&", "(a = [1])"),
        ("SrcK8S_Name~x~y", "(SrcK8S_Name ~ [x])"),
        ("SrcK8S_Name!~x", "(SrcK8S_Name !~ [x])"),
        (
            "SrcK8S_Name=\"we*\",\"\",x",
            "(SrcK8S_Name = ['we*', '', x])",
        ),
        ("SrcK8S_Name%3Da%2Cb", "(SrcK8S_Name = [a, b])"),
        (
            "SrcAddr~10.9.0.1-10.9.0.20",
            "(SrcAddr ~ [10.9.0.1-10.9.0.20])",
        ),
        ("SrcAddr=fe80::1/64", "(SrcAddr = [fe80::1/64])"),
        ("a=1|", "(a = [1]) or ()"),
        (
            "SrcSubnetLabel=\"Büro 2\",wg0@nas",
            "(SrcSubnetLabel = ['Büro 2', wg0@nas])",
        ),
    ] {
        assert_eq!(shown(&parse(text).unwrap()), expected, "{text}");
    }
}

#[test]
fn broken_filters_are_refused() {
    for (text, expected) in [
        ("SrcK8S_Name=a'b", "unauthorized sign in flows request: a'b"),
        ("SrcK8S_Name=`", "unauthorized sign in flows request: `"),
        ("SrcK8S_Name=a}b", "unauthorized sign in flows request: a}b"),
        (
            "SrcK8S_Name=a;drop",
            "unauthorized sign in flows request: a;drop",
        ),
        (
            "SrcK8S_Name=a\\b",
            "unauthorized sign in flows request: a\\b",
        ),
        ("Src\"Addr=1", "invalid field name: Src\"Addr"),
        ("key~a=b", "invalid field name: key~a"),
        ("=b", "invalid field name: "),
        (
            "a=1&SrcAddr",
            "invalid filter \"SrcAddr\": it must be a field, one of = != >= ~ !~, and values without these signs",
        ),
        (
            "a=b=c",
            "invalid filter \"a=b=c\": it must be a field, one of = != >= ~ !~, and values without these signs",
        ),
        ("a%zz", "invalid URL escape in \"a%zz\""),
    ] {
        assert_eq!(parse(text).unwrap_err().to_string(), expected, "{text}");
    }
}

#[test]
fn the_number_of_filters_and_values_is_bounded() {
    assert!(parse(&"a=1&".repeat(CONDITIONS_MAX)).is_ok());
    assert!(parse(&"a=1&".repeat(CONDITIONS_MAX + 1)).is_err());
    let full = format!("a=1{}", ",1".repeat(VALUES_MAX - 1));
    assert!(parse(&format!("{full},1")).is_err());
    assert!(parse(&format!("{full}|{full}")).is_ok());
    assert!(parse(&format!("{full}|{full}|a=1")).is_err());
}

proptest! {
    #[test]
    fn any_text_is_read_or_refused(text in "\\PC{0,200}|[a-z]{1,3}[!>]?[=~](\\w|[%2-7 ,@\"]){0,9}") {
        if let Ok(groups) = parse(&text) {
            prop_assert!(!groups.is_empty());
            for condition in groups.iter().flatten() {
                prop_assert!(check_key(&condition.key).is_ok());
                prop_assert!(!condition.values.is_empty());
                for value in &condition.values {
                    prop_assert!(value.text.chars().all(|c| c.is_alphanumeric() || "_-.*:/ @".contains(c)));
                }
            }
        }
    }

    #[test]
    fn what_a_page_encodes_is_what_is_read(
        key in "[A-Za-z_][A-Za-z0-9_]{0,12}",
        values in prop::collection::vec("[A-Za-z0-9_.*:/-]{1,12}", 1..4),
    ) {
        let text = format!("{key}={}", values.join(","));
        let encoded = text.bytes().fold(String::new(), |encoded, byte| format!("{encoded}%{byte:02X}"));
        let groups = parse(&encoded).unwrap();
        prop_assert_eq!(groups.len(), 1);
        prop_assert_eq!(&groups[0][0].key, &key);
        let read: Vec<_> = groups[0][0].values.iter().map(|value| value.text.clone()).collect();
        prop_assert_eq!(read, values);
    }
}
