//! Copies fields to other names, and scales numbers.
//!
//! **Invariant:** a rule sees the record as it came, never what another rule wrote.

pub mod config;
#[cfg(test)]
mod tests;

pub use config::GenericConfig;

use crate::model::{Batch, Key, Number, Record, Value, ValueRef};
use crate::stage::Transform;

/// The generic transform.
pub struct TransformGeneric {
    rules: Vec<Rule>,
    keeps_original: bool,
    /// What the rules read from one record, before anything is written to it.
    read: Vec<(usize, Value)>,
}

struct Rule {
    input: Key,
    output: Key,
    multiplier: i64,
}

impl TransformGeneric {
    /// Resolves the names of fields.
    pub fn new(config: &GenericConfig) -> Self {
        let rules = config.rules.iter().map(|rule| Rule {
            input: rule.input.as_str().into(),
            output: rule.output.as_str().into(),
            multiplier: rule.multiplier,
        });
        Self {
            rules: rules.collect(),
            keeps_original: config.keeps_original(),
            read: Vec::new(),
        }
    }
}

impl Transform for TransformGeneric {
    fn transform(&mut self, batch: &mut Batch) {
        for record in &mut batch.records {
            for (index, rule) in self.rules.iter().enumerate() {
                let value = record
                    .get(&rule.input)
                    .and_then(|value| scaled(value, rule.multiplier));
                self.read.extend(value.map(|value| (index, value)));
            }
            if !self.keeps_original {
                *record = Record::new();
            }
            for (index, value) in self.read.drain(..) {
                record.set(&self.rules[index].output, value);
            }
        }
    }
}

/// The product with the type of the value; it wraps as that type does. Without a multiplier the value itself.
fn scaled(value: ValueRef<'_>, multiplier: i64) -> Option<Value> {
    if multiplier == 0 {
        return Some(value.to_value());
    }
    let ValueRef::Number(number) = value else {
        return None;
    };
    Some(Value::Number(match number {
        Number::U8(n) => Number::U8(n.wrapping_mul(multiplier as u8)),
        Number::U16(n) => Number::U16(n.wrapping_mul(multiplier as u16)),
        Number::U32(n) => Number::U32(n.wrapping_mul(multiplier as u32)),
        Number::U64(n) => Number::U64(n.wrapping_mul(multiplier as u64)),
        Number::I32(n) => Number::I32(n.wrapping_mul(multiplier as i32)),
        Number::I64(n) => Number::I64(n.wrapping_mul(multiplier)),
        Number::Int(n) => Number::Int(n.wrapping_mul(multiplier)),
        Number::F64(n) => Number::F64(n * multiplier as f64),
    }))
}
