//! Dynamically typed values: owned ([`Value`]) and as read from a record ([`ValueRef`]).

use std::fmt::Write as _;
use std::sync::Arc;

use compact_str::CompactString;

use super::{Address, Mac};

/// Text that is a constant of the program or shared between records.
#[derive(Clone, Debug)]
pub enum Text {
    /// A name the program knows.
    Static(&'static str),
    /// Shared, for example by all records of one pod.
    Shared(Arc<str>),
}

impl Text {
    /// The text.
    pub fn as_str(&self) -> &str {
        match self {
            Self::Static(text) => text,
            Self::Shared(text) => text,
        }
    }
}

impl PartialEq for Text {
    fn eq(&self, other: &Self) -> bool {
        self.as_str() == other.as_str()
    }
}

impl From<&str> for Text {
    fn from(text: &str) -> Self {
        Self::Shared(text.into())
    }
}

/// A number with the width of its origin. Two numbers are equal only if their types are too.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Number {
    /// From a protobuf or a writer of this width.
    U8(u8),
    /// From a protobuf of this width.
    U16(u16),
    /// From a protobuf of this width.
    U32(u32),
    /// From a protobuf of this width.
    U64(u64),
    /// From a protobuf of this width.
    I32(i32),
    /// From a protobuf of this width.
    I64(i64),
    /// A plain integer, as rules of this program write.
    Int(i64),
    /// From JSON.
    F64(f64),
}

impl Number {
    /// As an integer; a float is cut towards zero, a huge unsigned number wraps.
    pub const fn as_integer(self) -> i64 {
        match self {
            Self::U8(n) => n as i64,
            Self::U16(n) => n as i64,
            Self::U32(n) => n as i64,
            Self::U64(n) => n as i64,
            Self::I32(n) => n as i64,
            Self::I64(n) | Self::Int(n) => n,
            Self::F64(n) => n as i64,
        }
    }

    /// As a float.
    pub const fn as_float(self) -> f64 {
        match self {
            Self::U8(n) => n as f64,
            Self::U16(n) => n as f64,
            Self::U32(n) => n as f64,
            Self::U64(n) => n as f64,
            Self::I32(n) => n as f64,
            Self::I64(n) | Self::Int(n) => n as f64,
            Self::F64(n) => n,
        }
    }

    /// Appends the decimal text: the fewest digits, never an exponent.
    pub fn write_text(self, out: &mut String) {
        let mut digits = itoa::Buffer::new();
        match self {
            Self::U64(n) => out.push_str(digits.format(n)),
            Self::F64(n) if n.is_infinite() => out.push_str(if n > 0.0 { "+Inf" } else { "-Inf" }),
            Self::F64(n) => {
                // Writing to a String cannot fail.
                let _ = write!(out, "{n}");
            }
            whole => out.push_str(digits.format(whole.as_integer())),
        }
    }
}

/// Bytes of one node of a JSON map, for up to eleven entries.
const JSON_NODE_MEMORY: usize = 11 * (size_of::<String>() + size_of::<serde_json::Value>());

/// Bytes that a JSON value holds beside itself.
fn json_memory(value: &serde_json::Value) -> usize {
    match value {
        serde_json::Value::Array(items) => {
            size_of_val(&**items) + items.iter().map(json_memory).sum::<usize>()
        }
        serde_json::Value::Object(map) => {
            let nodes = map.len().div_ceil(11) * JSON_NODE_MEMORY;
            nodes + map.values().map(json_memory).sum::<usize>()
        }
        _ => 0,
    }
}

/// Names of the bits of a number, in the order in which they are listed.
#[derive(Debug)]
pub struct BitTable(pub &'static [(u16, &'static str)]);

/// TCP flags as the agent's kernel programs set them: the eight of the header and three combinations.
pub static TCP_FLAGS: BitTable = BitTable(&[
    (1, "FIN"),
    (2, "SYN"),
    (4, "RST"),
    (8, "PSH"),
    (16, "ACK"),
    (32, "URG"),
    (64, "ECE"),
    (128, "CWR"),
    (256, "SYN_ACK"),
    (512, "FIN_ACK"),
    (1024, "RST_ACK"),
]);

/// A list of names held as the bits of a number. No bit set reads as null.
#[derive(Clone, Copy, Debug)]
pub struct BitNames {
    bits: u16,
    table: &'static BitTable,
}

impl BitNames {
    /// The names of `bits` in `table`; unknown bits have no name.
    pub const fn new(bits: u16, table: &'static BitTable) -> Self {
        Self { bits, table }
    }

    /// The names, in the order of the table.
    pub fn iter(self) -> impl Iterator<Item = &'static str> {
        self.table
            .0
            .iter()
            .filter(move |(bit, _)| self.bits & bit != 0)
            .map(|(_, name)| *name)
    }
}

impl PartialEq for BitNames {
    fn eq(&self, other: &Self) -> bool {
        self.iter().eq(other.iter())
    }
}

/// A map from text to text, sorted by key.
pub type StringMap = Box<[(CompactString, CompactString)]>;

/// An owned value of a record.
#[derive(Clone, Debug, PartialEq)]
pub enum Value {
    /// Text.
    Text(Text),
    /// Present, without a value.
    Null,
    /// True or false.
    Bool(bool),
    /// A number.
    Number(Number),
    /// An IP address; other stages and outputs see its text.
    Address(Address),
    /// A link-layer address; other stages and outputs see its text.
    Mac(Mac),
    /// A list of names held as bits.
    Bits(BitNames),
    /// A list of texts.
    Names(Arc<[CompactString]>),
    /// A list of plain integers.
    Ints(Arc<[i32]>),
    /// A list of maps.
    Maps(Arc<[StringMap]>),
    /// A list or map that came as JSON.
    Json(Box<serde_json::Value>),
}

impl Value {
    /// A plain integer.
    pub const fn int(value: i64) -> Self {
        Self::Number(Number::Int(value))
    }

    /// A constant text.
    pub const fn text(text: &'static str) -> Self {
        Self::Text(Text::Static(text))
    }

    /// Bytes of the elements of a list.
    pub(super) fn list_memory(&self) -> usize {
        match self {
            Self::Names(names) => size_of_val(&**names),
            Self::Ints(numbers) => size_of_val(&**numbers),
            Self::Maps(maps) => {
                let pairs: usize = maps.iter().map(|map| size_of_val(&**map)).sum();
                size_of_val(&**maps) + pairs
            }
            Self::Json(nested) => json_memory(nested),
            _ => 0,
        }
    }

    /// A value as JSON brings it: numbers are floats, lists and maps stay as they are.
    pub fn from_json(value: serde_json::Value) -> Self {
        match value {
            serde_json::Value::Null => Self::Null,
            serde_json::Value::Bool(value) => Self::Bool(value),
            serde_json::Value::Number(value) => {
                Self::Number(Number::F64(value.as_f64().unwrap_or(f64::NAN)))
            }
            serde_json::Value::String(text) => Self::Text(Text::Shared(text.into())),
            nested => Self::Json(Box::new(nested)),
        }
    }

    /// A view of the value.
    pub fn view(&self) -> ValueRef<'_> {
        match self {
            Self::Null => ValueRef::Null,
            Self::Bool(value) => ValueRef::Bool(*value),
            Self::Number(value) => ValueRef::Number(*value),
            Self::Address(value) => ValueRef::Address(*value),
            Self::Mac(value) => ValueRef::Mac(*value),
            Self::Text(value) => ValueRef::Text(value.as_str()),
            Self::Bits(value) => ValueRef::Bits(*value),
            Self::Names(value) => ValueRef::Names(value),
            Self::Ints(value) => ValueRef::Ints(value),
            Self::Maps(value) => ValueRef::Maps(value),
            Self::Json(value) => ValueRef::Json(value),
        }
    }
}

/// A value of a record as a stage reads it.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum ValueRef<'a> {
    /// Present, without a value (JSON `null`).
    Null,
    /// True or false.
    Bool(bool),
    /// A number.
    Number(Number),
    /// Text, held raw.
    Address(Address),
    /// Text, held raw.
    Mac(Mac),
    /// Text.
    Text(&'a str),
    /// A list of names held as bits; null when no bit is set.
    Bits(BitNames),
    /// A list of texts.
    Names(&'a [CompactString]),
    /// A list of plain integers.
    Ints(&'a [i32]),
    /// A list of maps.
    Maps(&'a [StringMap]),
    /// A list or map that came as JSON.
    Json(&'a serde_json::Value),
}

impl ValueRef<'_> {
    /// An owned copy.
    pub fn to_value(self) -> Value {
        match self {
            Self::Null => Value::Null,
            Self::Bool(value) => Value::Bool(value),
            Self::Number(value) => Value::Number(value),
            Self::Address(value) => Value::Address(value),
            Self::Mac(value) => Value::Mac(value),
            Self::Text(value) => Value::Text(value.into()),
            Self::Bits(value) => Value::Bits(value),
            Self::Names(value) => Value::Names(value.into()),
            Self::Ints(value) => Value::Ints(value.into()),
            Self::Maps(value) => Value::Maps(value.into()),
            Self::Json(value) => Value::Json(Box::new(value.clone())),
        }
    }

    /// As an integer: any number (a float is cut) or decimal text; nothing else converts.
    pub fn as_integer(self) -> Option<i64> {
        match self {
            Self::Number(number) => Some(number.as_integer()),
            Self::Text(text) => text.parse().ok(),
            _ => None,
        }
    }

    /// As a float: any number or numeric text; nothing else converts.
    pub fn as_float(self) -> Option<f64> {
        match self {
            Self::Number(number) => Some(number.as_float()),
            Self::Text(text) => text.parse().ok(),
            _ => None,
        }
    }

    /// Whether the value is text that is empty, or null.
    pub fn is_empty_text(self) -> bool {
        matches!(self, Self::Null | Self::Text(""))
    }

    /// Appends the text that labels, regular expressions and group keys see.
    pub fn write_text(self, out: &mut String) {
        match self {
            Self::Null => out.push_str("<nil>"),
            Self::Bool(value) => out.push_str(if value { "true" } else { "false" }),
            Self::Number(number) => number.write_text(out),
            Self::Address(address) => address.write_text(out),
            Self::Mac(mac) => mac.write_text(out),
            Self::Text(text) => out.push_str(text),
            Self::Bits(bits) => write_list(out, bits.iter(), String::push_str),
            Self::Names(names) => write_list(out, names, |out, name| out.push_str(name)),
            Self::Ints(numbers) => {
                write_list(out, numbers, |out, number| {
                    out.push_str(itoa::Buffer::new().format(*number));
                });
            }
            Self::Maps(maps) => write_list(out, maps, |out, map| {
                write_map(
                    out,
                    map.iter().map(|(key, value)| (key.as_str(), value)),
                    |out, value| {
                        out.push_str(value);
                    },
                );
            }),
            Self::Json(value) => write_json_text(out, value),
        }
    }
}

fn write_list<T>(
    out: &mut String,
    items: impl IntoIterator<Item = T>,
    write: impl Fn(&mut String, T),
) {
    out.push('[');
    for (index, item) in items.into_iter().enumerate() {
        if index > 0 {
            out.push(' ');
        }
        write(out, item);
    }
    out.push(']');
}

fn write_map<'a, T>(
    out: &mut String,
    pairs: impl Iterator<Item = (&'a str, T)>,
    write: impl Fn(&mut String, T),
) {
    out.push_str("map");
    write_list(out, pairs, |out, (key, value)| {
        out.push_str(key);
        out.push(':');
        write(out, value);
    });
}

/// Nesting is bounded by the JSON parser's own limit.
fn write_json_text(out: &mut String, value: &serde_json::Value) {
    match value {
        serde_json::Value::Null => out.push_str("<nil>"),
        serde_json::Value::Bool(value) => out.push_str(if *value { "true" } else { "false" }),
        serde_json::Value::Number(value) => {
            Number::F64(value.as_f64().unwrap_or(f64::NAN)).write_text(out);
        }
        serde_json::Value::String(text) => out.push_str(text),
        serde_json::Value::Array(items) => write_list(out, items, write_json_text),
        serde_json::Value::Object(map) => {
            let mut pairs: Vec<_> = map
                .iter()
                .map(|(key, value)| (key.as_str(), value))
                .collect();
            pairs.sort_unstable_by_key(|(key, _)| *key);
            write_map(out, pairs.into_iter(), write_json_text);
        }
    }
}
