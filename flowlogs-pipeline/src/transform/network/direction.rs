//! The direction of a flow as seen from its node, instead of from the interface.
//!
//! **Invariant:** what the reporter cannot tell stays as it was.

use super::config::DirectionInfo;
use crate::model::{Key, Record, Value, ValueRef};

const INGRESS: i64 = 0;
const EGRESS: i64 = 1;
const INNER: i64 = 2;

/// The rule `reinterpret_direction`.
pub struct Direction {
    reporter: Key,
    source_host: Key,
    destination_host: Key,
    output: Key,
    previous: Option<Key>,
}

impl Direction {
    /// Resolves the names of fields.
    pub fn new(info: &DirectionInfo) -> Self {
        let optional = |name: &str| (!name.is_empty()).then(|| Key::from(name));
        Self {
            reporter: info.reporter_ip_field.as_str().into(),
            source_host: info.src_host_field.as_str().into(),
            destination_host: info.dst_host_field.as_str().into(),
            output: info.flow_direction_field.as_str().into(),
            previous: optional(&info.if_direction_field),
        }
    }

    /// Applies the rule to one record.
    pub fn apply(&self, record: &mut Record) {
        if let Some(key) = &self.previous
            && let Some(value) = record.get(&self.output).map(ValueRef::to_value)
        {
            record.set(key, value);
        }
        if let Some(direction) = self.decide(record) {
            record.set(&self.output, Value::int(direction));
        }
    }

    fn decide(&self, record: &Record) -> Option<i64> {
        let reporter = record
            .get(&self.reporter)
            .filter(|value| is_text(*value) && !value.is_empty_text())?;
        let host = |key| record.get(key).filter(|value| !value.is_empty_text());
        match (host(&self.source_host), host(&self.destination_host)) {
            (Some(source), Some(destination)) if is_same(source, destination) => Some(INNER),
            (Some(source), _) if is_same(source, reporter) => Some(EGRESS),
            (_, Some(destination)) if is_same(destination, reporter) => Some(INGRESS),
            _ => None,
        }
    }
}

const fn is_text(value: ValueRef<'_>) -> bool {
    matches!(
        value,
        ValueRef::Text(_) | ValueRef::Address(_) | ValueRef::Mac(_)
    )
}

/// Compares texts; addresses without writing them out.
fn is_same(one: ValueRef<'_>, other: ValueRef<'_>) -> bool {
    match (one, other) {
        (ValueRef::Address(one), ValueRef::Address(other)) => one == other,
        (ValueRef::Text(one), ValueRef::Text(other)) => one == other,
        _ => {
            let (mut left, mut right) = (String::new(), String::new());
            one.write_text(&mut left);
            other.write_text(&mut right);
            left == right
        }
    }
}
