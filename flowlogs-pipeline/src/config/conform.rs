//! Brings a parsed file into the shape of the schema: finds keys in any letter case, takes out nulls and
//! unknown keys, and reports what has the wrong type, all of it with its path.
//!
//! **Invariant:** keys of free-form maps and all values stay as written.

use serde_json::{Map, Value};

use super::GoDuration;
use super::problems::Problems;

/// What happens to a key that the schema does not know.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Unknown {
    /// NetObserv ignores it, we say so; keys below are strict again.
    WarnsHere,
    /// NetObserv ignores it, here and below; we say so.
    Warns,
    /// NetObserv refuses it.
    Fails,
}

/// Objects, by the path of their schema's key, in which NetObserv ignores unknown keys.
const LENIENT: [&str; 5] = [
    "clientConfig",
    "perfSettings",
    "health",
    "profile",
    "k8scache",
];

/// Conforms `value` to `root`, a schema whose definitions are under `$defs`.
pub fn conform(value: &mut Value, root: &Value, problems: &mut Problems) {
    Walk { root }.value(value, root, Unknown::WarnsHere, problems);
}

struct Walk<'a> {
    root: &'a Value,
}

impl<'a> Walk<'a> {
    fn value(
        &self,
        value: &mut Value,
        schema: &'a Value,
        unknown: Unknown,
        problems: &mut Problems,
    ) {
        let schema = self.resolve(schema);
        let allowed = types(schema);
        if let Value::Object(map) = value
            && (schema.get("properties").is_some() || schema.get("additionalProperties").is_some())
        {
            self.object(map, schema, unknown, problems);
        } else if let (Value::Array(items), Some(schema)) = (&mut *value, schema.get("items")) {
            items.retain(|item| !item.is_null());
            for (index, item) in items.iter_mut().enumerate() {
                problems.at_index(index, |problems| {
                    self.value(item, schema, unknown, problems);
                });
            }
        } else if !allowed.is_empty() && !allowed.iter().any(|name| has_type(value, name)) {
            let (what, given) = (allowed.join(" or "), shown(value));
            problems.error("", format_args!("must be of type {what}, but is {given}"));
            *value = Value::Null;
        } else if let Some(names) = choices(schema)
            && !names.iter().any(|name| *name == value)
        {
            let names: Vec<String> = names.iter().map(ToString::to_string).collect();
            problems.error(
                "",
                format_args!("{} is not one of {}", shown(value), names.join(", ")),
            );
            *value = Value::Null;
        } else if let Some(number) = value.as_f64()
            && let Some(bound) = out_of_range(number, schema)
        {
            problems.error("", format_args!("{value} is out of range: {bound}"));
            *value = Value::Null;
        } else if schema
            .get("format")
            .is_some_and(|format| format == "go-duration")
            && value
                .as_str()
                .is_some_and(|text| GoDuration::parse(text).is_none())
        {
            problems.error(
                "",
                format_args!("{value} is not a duration: write it as \"1m30s\" or \"100ms\""),
            );
            *value = Value::Null;
        }
    }

    fn object(
        &self,
        map: &mut Map<String, Value>,
        schema: &'a Value,
        unknown: Unknown,
        problems: &mut Problems,
    ) {
        let known = schema.get("properties").and_then(Value::as_object);
        let free = schema
            .get("additionalProperties")
            .filter(|schema| **schema != Value::Bool(false));
        for (key, mut value) in std::mem::take(map) {
            let property = known.and_then(|known| {
                known.get_key_value(&key).or_else(|| {
                    known
                        .iter()
                        .find(|(name, _)| name.eq_ignore_ascii_case(&key))
                })
            });
            if let Some((name, schema)) = property {
                // Below the top level NetObserv is strict, except where it hands a block to a lenient reader.
                let below = if unknown == Unknown::Warns || LENIENT.contains(&name.as_str()) {
                    Unknown::Warns
                } else {
                    Unknown::Fails
                };
                if value.is_null() || value == "" && self.has_no_empty_choice(schema) {
                    continue;
                }
                problems.at(name, |problems| {
                    self.value(&mut value, schema, below, problems);
                });
                if map.contains_key(name) {
                    problems.error(name, "is given twice, in different letter case");
                } else if !value.is_null() {
                    map.insert(name.clone(), value);
                }
            } else if let Some(schema) = free {
                problems.at(&key, |problems| {
                    self.value(&mut value, schema, unknown, problems);
                });
                if !value.is_null() {
                    map.insert(key, value);
                }
            } else if unknown != Unknown::Fails {
                problems.warn(&key, "unknown key, ignored");
            } else {
                problems.error(&key, "unknown key: remove it or correct its name");
            }
        }
        let required = schema.get("required").and_then(Value::as_array);
        for name in required.into_iter().flatten().filter_map(Value::as_str) {
            if !map.contains_key(name) && !problems.has_error_at(name) {
                problems.error(name, "is missing");
            }
        }
    }

    /// Whether an empty text is none of the texts that an enumeration allows: it means that the key is not set.
    fn has_no_empty_choice(&self, schema: &'a Value) -> bool {
        choices(self.resolve(schema)).is_some_and(|names| names.iter().all(|name| *name != ""))
    }

    /// Follows references, and takes the alternative to null of an optional value.
    fn resolve(&self, mut schema: &'a Value) -> &'a Value {
        loop {
            if let Some(reference) = schema.get("$ref").and_then(Value::as_str) {
                let definition = reference
                    .strip_prefix('#')
                    .and_then(|pointer| self.root.pointer(pointer));
                schema = definition.unwrap_or(&Value::Bool(true));
            } else if let Some(choice) =
                schema
                    .get("anyOf")
                    .and_then(Value::as_array)
                    .and_then(|choices| {
                        choices
                            .iter()
                            .find(|choice| choice.get("type") != Some(&"null".into()))
                    })
            {
                schema = choice;
            } else {
                return schema;
            }
        }
    }
}

fn types(schema: &Value) -> Vec<&str> {
    match schema.get("type") {
        Some(Value::String(name)) => vec![name],
        Some(Value::Array(names)) => names
            .iter()
            .filter_map(Value::as_str)
            .filter(|name| *name != "null")
            .collect(),
        _ => Vec::new(),
    }
}

fn has_type(value: &Value, name: &str) -> bool {
    match name {
        "string" => value.is_string(),
        "boolean" => value.is_boolean(),
        "integer" => value.is_i64() || value.is_u64(),
        "number" => value.is_number(),
        "array" => value.is_array(),
        "object" => value.is_object(),
        _ => true,
    }
}

/// The texts an enumeration allows.
fn choices(schema: &Value) -> Option<Vec<&Value>> {
    if let Some(names) = schema.get("enum").and_then(Value::as_array) {
        return Some(names.iter().collect());
    }
    let alternatives = schema.get("oneOf").and_then(Value::as_array)?;
    let constant = |alternative: &'_ Value| {
        alternative.get("const").is_some() || alternative.get("enum").is_some()
    };
    alternatives.iter().all(constant).then(|| {
        alternatives
            .iter()
            .flat_map(|alternative| match alternative.get("const") {
                Some(name) => vec![name],
                None => choices(alternative).unwrap_or_default(),
            })
            .collect()
    })
}

fn out_of_range(number: f64, schema: &Value) -> Option<String> {
    let bound = |key: &str| schema.get(key).and_then(Value::as_f64);
    let width = schema.get("format").and_then(Value::as_str);
    let minimum = bound("minimum");
    let maximum = bound("maximum").or(match width {
        Some("uint32") => Some(f64::from(u32::MAX)),
        Some("int32") => Some(f64::from(i32::MAX)),
        _ => None,
    });
    if let Some(minimum) = minimum.filter(|minimum| number < *minimum) {
        return Some(format!("at least {minimum}"));
    }
    maximum
        .filter(|maximum| number > *maximum)
        .map(|maximum| format!("at most {maximum}"))
}

/// A value in a message, cut so that a secret or a whole block does not fill the screen.
fn shown(value: &Value) -> String {
    match value {
        Value::Object(_) => "an object".into(),
        Value::Array(_) => "a list".into(),
        scalar => scalar.to_string().chars().take(80).collect(),
    }
}
