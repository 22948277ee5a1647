//! Values of a record as JSON text.
//!
//! **Invariant:** what is appended is valid JSON whatever the value holds.

use std::fmt::Write as _;

use crate::model::{Number, ValueRef};

/// Appends a value.
pub fn value(out: &mut String, value: ValueRef<'_>) {
    match value {
        ValueRef::Null => out.push_str("null"),
        ValueRef::Bool(value) => out.push_str(if value { "true" } else { "false" }),
        // JSON knows no infinity.
        ValueRef::Number(Number::F64(number)) if !number.is_finite() => out.push_str("null"),
        ValueRef::Number(number) => number.write_text(out),
        // Digits, letters, dots and colons only: nothing to escape.
        ValueRef::Address(address) => {
            out.push('"');
            address.write_text(out);
            out.push('"');
        }
        ValueRef::Mac(mac) => {
            out.push('"');
            mac.write_text(out);
            out.push('"');
        }
        ValueRef::Text(text) => string(out, text),
        ValueRef::Bits(names) => {
            let mut names = names.iter().peekable();
            if names.peek().is_none() {
                out.push_str("null");
            } else {
                list(out, names, string);
            }
        }
        ValueRef::Names(names) => list(out, names, |out, name| string(out, name)),
        ValueRef::Ints(numbers) => {
            list(out, numbers, |out, number| {
                out.push_str(itoa::Buffer::new().format(*number));
            });
        }
        ValueRef::Maps(maps) => list(out, maps, |out, map| {
            out.push('{');
            for (index, (name, text)) in map.iter().enumerate() {
                if index > 0 {
                    out.push(',');
                }
                string(out, name);
                out.push(':');
                string(out, text);
            }
            out.push('}');
        }),
        // Writing to a String cannot fail.
        ValueRef::Json(json) => {
            let _ = write!(out, "{json}");
        }
    }
}

fn list<T>(
    out: &mut String,
    items: impl IntoIterator<Item = T>,
    mut write: impl FnMut(&mut String, T),
) {
    out.push('[');
    for (index, item) in items.into_iter().enumerate() {
        if index > 0 {
            out.push(',');
        }
        write(out, item);
    }
    out.push(']');
}

/// Appends a quoted string; as NetObserv, without escaping what only HTML minds.
pub fn string(out: &mut String, text: &str) {
    let is_special = |byte| byte < 0x20 || byte == b'"' || byte == b'\\';
    out.push('"');
    // Without an early end the compiler compares 16 bytes at a time, and hardly any text needs more.
    if !text
        .bytes()
        .fold(false, |found, byte| found | is_special(byte))
    {
        out.push_str(text);
        out.push('"');
        return;
    }
    let mut clean_from = 0;
    for (at, byte) in text.bytes().enumerate() {
        if !is_special(byte) {
            continue;
        }
        out.push_str(&text[clean_from..at]);
        clean_from = at + 1;
        match byte {
            b'"' => out.push_str("\\\""),
            b'\\' => out.push_str("\\\\"),
            b'\n' => out.push_str("\\n"),
            b'\r' => out.push_str("\\r"),
            b'\t' => out.push_str("\\t"),
            control => {
                // Writing to a String cannot fail.
                let _ = write!(out, "\\u{control:04x}");
            }
        }
    }
    out.push_str(&text[clean_from..]);
    out.push('"');
}
