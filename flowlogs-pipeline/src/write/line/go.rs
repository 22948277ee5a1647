//! Values as Go's `%v` prints them: like the text of labels, but floats may have an exponent.
//!
//! **Invariant:** only floats differ from [`ValueRef::write_text`].

use std::fmt::Write as _;

use crate::model::{Number, ValueRef};

/// Go writes an exponent from this one on, and below -4.
const EXPONENT_FROM: i32 = 6;

/// Appends a value.
pub fn value(out: &mut String, value: ValueRef<'_>) {
    match value {
        ValueRef::Number(Number::F64(number)) => float(out, number),
        ValueRef::Json(json) => nested(out, json),
        other => other.write_text(out),
    }
}

fn float(out: &mut String, number: f64) {
    let scientific = format!("{number:e}");
    let parts = scientific
        .split_once('e')
        .and_then(|(digits, exponent)| Some((digits, exponent.parse::<i32>().ok()?)));
    match parts {
        Some((digits, exponent)) if !(-4..EXPONENT_FROM).contains(&exponent) => {
            let sign = if exponent < 0 { '-' } else { '+' };
            // Writing to a String cannot fail.
            let _ = write!(out, "{digits}e{sign}{:02}", exponent.abs());
        }
        _ => Number::F64(number).write_text(out),
    }
}

fn nested(out: &mut String, json: &serde_json::Value) {
    match json {
        serde_json::Value::Number(number) => float(out, number.as_f64().unwrap_or(f64::NAN)),
        serde_json::Value::Array(items) => {
            out.push('[');
            for (index, item) in items.iter().enumerate() {
                if index > 0 {
                    out.push(' ');
                }
                nested(out, item);
            }
            out.push(']');
        }
        serde_json::Value::Object(map) => {
            let mut pairs: Vec<_> = map.iter().collect();
            pairs.sort_unstable_by_key(|(name, _)| *name);
            out.push_str("map[");
            for (index, (name, item)) in pairs.into_iter().enumerate() {
                if index > 0 {
                    out.push(' ');
                }
                out.push_str(name);
                out.push(':');
                nested(out, item);
            }
            out.push(']');
        }
        plain => ValueRef::Json(plain).write_text(out),
    }
}
