//! Does a live object hold a desired one? Fields that only the live one has are of no interest: defaults, and what
//! other controllers write.
//!
//! **Invariant:** says "no" only for what a server-side apply would really change, or we would write for ever.

use serde_json::Value;

use super::quantity;

/// Lists that others may add to.
const OPEN_LISTS: &[&str] = &["ownerReferences", "finalizers"];

/// Maps whose values are quantities.
const QUANTITY_MAPS: &[&str] = &["limits", "requests", "capacity", "hard"];
/// Fields that are quantities.
const QUANTITIES: &[&str] = &["averageValue", "sizeLimit", "divisor", "storage"];

/// Path and values of the first field in which `live` is not what `desired` says.
pub fn difference(desired: &Value, live: &Value) -> Option<String> {
    differs(desired, live, &mut Vec::new())
}

fn differs<'a>(desired: &'a Value, live: &Value, path: &mut Vec<&'a str>) -> Option<String> {
    match (desired, live) {
        (Value::Object(wanted), Value::Object(found)) => wanted.iter().find_map(|(key, value)| {
            path.push(key);
            let result = match found.get(key) {
                Some(live) => differs(value, live, path),
                None if is_zero(value) => None,
                None => Some(report(path, value, &Value::Null)),
            };
            path.pop();
            result
        }),
        (Value::Array(wanted), Value::Array(found)) => {
            if path.last().is_some_and(|key| OPEN_LISTS.contains(key)) {
                let missing = wanted
                    .iter()
                    .find(|value| !found.iter().any(|live| difference(value, live).is_none()))?;
                return Some(report(path, missing, live));
            }
            if wanted.len() != found.len() {
                return Some(report(path, desired, live));
            }
            wanted
                .iter()
                .zip(found)
                .find_map(|(value, live)| differs(value, live, path))
        }
        _ if desired == live || (is_zero(desired) && live.is_null()) => None,
        _ if is_quantity(path) && quantity::are_equal(desired, live) => None,
        _ => Some(report(path, desired, live)),
    }
}

/// The API server leaves these out of its answers, as Go's encoder does with fields that may be empty.
fn is_zero(value: &Value) -> bool {
    match value {
        Value::Null => true,
        Value::Bool(value) => !value,
        Value::Number(value) => value.as_f64() == Some(0.0),
        Value::String(value) => value.is_empty(),
        Value::Array(values) => values.is_empty(),
        Value::Object(fields) => fields.values().all(is_zero),
    }
}

fn is_quantity(path: &[&str]) -> bool {
    let parent = path.len().checked_sub(2).map(|index| path[index]);
    path.last().is_some_and(|key| QUANTITIES.contains(key))
        || parent.is_some_and(|key| QUANTITY_MAPS.contains(&key))
}

fn report(path: &[&str], desired: &Value, live: &Value) -> String {
    let place = path.join(".");
    if matches!(path.first(), Some(&"data" | &"stringData")) {
        // Secrets have no place in a log.
        return format!("{place}: the content differs");
    }
    format!(
        "{place}: {} is wanted, {} is there",
        shortened(desired),
        shortened(live)
    )
}

/// Long values only make a log unreadable.
fn shortened(value: &Value) -> String {
    const LENGTH_MAX: usize = 60;
    let text = value.to_string();
    if text.chars().count() <= LENGTH_MAX {
        return text;
    }
    let start: String = text.chars().take(LENGTH_MAX).collect();
    format!("{start}…")
}
