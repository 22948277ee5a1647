//! YAML of two readings of one object: with cert-manager and without. What only one of them has stands in a condition
//! of the chart; of a single reading plain YAML comes.

use serde_json::{Map, Value};

/// The chart's condition.
pub const CERT_MANAGER: &str = ".Values.certManager.enable";

/// Characters around an expression of the chart within a text. They stand in no text of an object.
const OPEN: char = '\u{1}';
const CLOSE: char = '\u{2}';

/// An expression of the chart, to be put into a text.
pub fn expression(text: &str) -> String {
    format!("{OPEN}{text}{CLOSE}")
}

/// One reading.
pub fn yaml(object: &Value) -> String {
    merged(object, object)
}

/// Both readings.
pub fn merged(with: &Value, without: &Value) -> String {
    let mut out = String::new();
    both(&mut out, 0, with, without);
    out
}

fn both(out: &mut String, indent: usize, with: &Value, without: &Value) {
    match (with, without) {
        (Value::Object(with), Value::Object(without)) => map(out, indent, with, without),
        (Value::Array(with), Value::Array(without)) => list(out, indent, with, without),
        _ => line(out, indent, &scalar(with)),
    }
}

fn map(out: &mut String, indent: usize, with: &Map<String, Value>, without: &Map<String, Value>) {
    for key in keys(with, without) {
        match (with.get(key), without.get(key)) {
            (Some(a), Some(b)) if a == b || can_merge(a, b) => pair(out, indent, key, a, b),
            (a, b) => {
                conditional(out, a.is_some(), b.is_some(), |out, is_with| {
                    if let Some(value) = if is_with { a } else { b } {
                        pair(out, indent, key, value, value);
                    }
                });
            }
        }
    }
}

fn list(out: &mut String, indent: usize, with: &[Value], without: &[Value]) {
    for index in 0..with.len().max(without.len()) {
        match (with.get(index), without.get(index)) {
            (Some(a), Some(b)) if a == b || can_merge_items(a, b) => item(out, indent, a, b),
            (a, b) => {
                conditional(out, a.is_some(), b.is_some(), |out, is_with| {
                    if let Some(value) = if is_with { a } else { b } {
                        item(out, indent, value, value);
                    }
                });
            }
        }
    }
}

/// Both hold something, so that what is common stays outside of conditions.
fn can_merge(a: &Value, b: &Value) -> bool {
    match (a, b) {
        (Value::Object(a), Value::Object(b)) => !a.is_empty() && !b.is_empty(),
        (Value::Array(a), Value::Array(b)) => !a.is_empty() && !b.is_empty(),
        _ => false,
    }
}

/// An entry of a list begins with its first key, which therefore stands outside of conditions.
fn can_merge_items(a: &Value, b: &Value) -> bool {
    let (Value::Object(with), Value::Object(without)) = (a, b) else {
        return false;
    };
    let first = keys(with, without).into_iter().next();
    first.is_some_and(|first| match (with.get(first), without.get(first)) {
        (Some(a), Some(b)) => a == b || can_merge(a, b),
        _ => false,
    })
}

fn conditional(
    out: &mut String,
    has_with: bool,
    has_without: bool,
    part: impl Fn(&mut String, bool),
) {
    let not = if has_with {
        String::new()
    } else {
        "not ".to_owned()
    };
    line(out, 0, &format!("{{{{- if {not}{CERT_MANAGER} }}}}"));
    part(out, has_with);
    if has_with && has_without {
        line(out, 0, "{{- else }}");
        part(out, false);
    }
    line(out, 0, "{{- end }}");
}

fn pair(out: &mut String, indent: usize, key: &str, a: &Value, b: &Value) {
    let key = scalar(&Value::from(key));
    if is_leaf(a) {
        line(out, indent, &format!("{key}: {}", scalar(a)));
    } else {
        line(out, indent, &format!("{key}:"));
        let inner = if a.is_array() { indent } else { indent + 2 };
        both(out, inner, a, b);
    }
}

fn item(out: &mut String, indent: usize, a: &Value, b: &Value) {
    if is_leaf(a) {
        line(out, indent, &format!("- {}", scalar(a)));
        return;
    }
    let start = out.len();
    both(out, indent + 2, a, b);
    // The first line of what is inside takes the dash.
    out.replace_range(start + indent..=start + indent, "-");
}

fn is_leaf(value: &Value) -> bool {
    match value {
        Value::Object(map) => map.is_empty(),
        Value::Array(list) => list.is_empty(),
        _ => true,
    }
}

fn line(out: &mut String, indent: usize, text: &str) {
    out.extend(std::iter::repeat_n(' ', indent));
    out.push_str(text);
    out.push('\n');
}

/// As Kubernetes' own tools order them; the rest by name.
fn keys<'a>(with: &'a Map<String, Value>, without: &'a Map<String, Value>) -> Vec<&'a String> {
    let mut keys: Vec<&String> = with.keys().chain(without.keys()).collect();
    let rank = |key: &str| {
        ["apiVersion", "kind", "metadata"]
            .iter()
            .position(|first| *first == key)
    };
    keys.sort_by_key(|key| (rank(key).unwrap_or(usize::MAX), *key));
    keys.dedup();
    keys
}

/// Plain where nothing could be read otherwise, else in double quotes.
fn scalar(value: &Value) -> String {
    let Value::String(text) = value else {
        return value.to_string();
    };
    let is_word = text
        .starts_with(|first: char| first.is_ascii_alphabetic() || matches!(first, '/' | '$'))
        && text
            .chars()
            .all(|c| c.is_ascii_alphanumeric() || " ./-_$()=,".contains(c))
        && !text.ends_with(' ');
    // What YAML takes for something else than text.
    let other = ["null", "true", "false", "yes", "no", "on", "off", "y", "n"];
    if is_word && !other.contains(&text.to_lowercase().as_str()) {
        return text.clone();
    }
    let quoted: String = text
        .chars()
        .map(|c| match c {
            OPEN => "{{ ".to_owned(),
            CLOSE => " }}".to_owned(),
            c => escaped(c),
        })
        .collect();
    format!("\"{quoted}\"")
}

fn escaped(c: char) -> String {
    match c {
        '"' => "\\\"".to_owned(),
        '\\' => "\\\\".to_owned(),
        '\n' => "\\n".to_owned(),
        '\t' => "\\t".to_owned(),
        c if c.is_control() => format!("\\u{:04x}", u32::from(c)),
        c => c.to_string(),
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn what_only_one_reading_has_stands_in_a_condition() {
        let with = json!({"kind": "K", "apiVersion": "v1", "a": {"x": 1, "z": ["p", "q"]}, "l": [{"m": "yes", "n": []}]});
        let without = json!({"kind": "K", "apiVersion": "v1", "a": {"z": ["p"]}, "l": [{"m": "no", "n": []}]});
        let expected = "apiVersion: v1\nkind: K\na:\n{{- if .Values.certManager.enable }}\n  x: 1\n{{- end }}\n  z:\n  - p\n\
            {{- if .Values.certManager.enable }}\n  - q\n{{- end }}\nl:\n\
            {{- if .Values.certManager.enable }}\n- m: \"yes\"\n  \"n\": []\n{{- else }}\n- m: \"no\"\n  \"n\": []\n{{- end }}\n";
        assert_eq!(merged(&with, &without), expected);
        let equal = json!([{"a": [{"b": "x: y"}], "c": {}}]);
        assert_eq!(yaml(&equal), "- a:\n  - b: \"x: y\"\n  c: {}\n");
    }

    #[test]
    fn a_text_stays_what_it_is() {
        for (text, expected) in [
            ("a b", "a b".to_owned()),
            ("true", "\"true\"".to_owned()),
            ("{{label}}", "\"{{label}}\"".to_owned()),
            ("1", "\"1\"".to_owned()),
            ("\"\\\n", "\"\\\"\\\\\\n\"".to_owned()),
            (&expression(".Values.x"), "\"{{ .Values.x }}\"".to_owned()),
        ] {
            assert_eq!(scalar(&Value::from(text)), expected);
        }
    }
}
