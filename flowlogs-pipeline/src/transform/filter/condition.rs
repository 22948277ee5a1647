//! The four `remove_entry_if` conditions.
//!
//! **Invariant:** equality is of type and value: a number from JSON equals floats only, one with `castInt` plain
//! integers only.

use serde_json::Value as Json;

use super::config::{FieldRule, RemoveRule};
use crate::model::{Key, Number, Record, TextLiteral, ValueRef};

/// A condition on one field.
pub struct Condition {
    key: Key,
    test: Test,
}

enum Test {
    Exists,
    Missing,
    Equal(Expected),
    NotEqual(Expected),
}

enum Expected {
    Text(TextLiteral),
    Number(Number),
    Other(Json),
}

impl Condition {
    /// The condition of a rule of this type.
    pub fn new(kind: &str, rule: &FieldRule) -> Result<Self, String> {
        let test = match kind {
            "remove_entry_if_exists" => Test::Exists,
            "remove_entry_if_doesnt_exist" => Test::Missing,
            "remove_entry_if_equal" => Test::Equal(Expected::new(rule)?),
            "remove_entry_if_not_equal" => Test::NotEqual(Expected::new(rule)?),
            other => {
                return Err(format!(
                    "unknown condition \"{other}\": use one of the remove_entry_if types"
                ));
            }
        };
        Ok(Self {
            key: rule.input.as_str().into(),
            test,
        })
    }

    /// The conditions of a list of rules.
    pub fn all(rules: &[RemoveRule]) -> Result<Vec<Self>, String> {
        rules
            .iter()
            .map(|rule| {
                let entry = rule
                    .remove_entry
                    .as_ref()
                    .ok_or(format!("a rule {} has no removeEntry", rule.r#type))?;
                Self::new(&rule.r#type, entry)
            })
            .collect()
    }

    /// Whether it holds for a record.
    pub fn holds(&self, record: &Record) -> bool {
        let value = record.get(&self.key);
        match &self.test {
            Test::Exists => value.is_some(),
            Test::Missing => value.is_none(),
            Test::Equal(expected) => value.is_some_and(|value| expected.equals(value)),
            Test::NotEqual(expected) => value.is_some_and(|value| !expected.equals(value)),
        }
    }
}

impl Expected {
    fn new(rule: &FieldRule) -> Result<Self, String> {
        if rule.cast_int {
            let number = match &rule.value {
                Json::Number(number) => number.as_f64().map(|number| number as i64),
                Json::String(text) => text.parse().ok(),
                Json::Bool(value) => Some(i64::from(*value)),
                _ => None,
            };
            let number = number.ok_or_else(|| format!("castInt: {} is no integer", rule.value))?;
            return Ok(Self::Number(Number::Int(number)));
        }
        Ok(match &rule.value {
            Json::String(text) => Self::Text(TextLiteral::new(text)),
            Json::Number(number) => Self::Number(Number::F64(number.as_f64().unwrap_or(f64::NAN))),
            other => Self::Other(other.clone()),
        })
    }

    fn equals(&self, value: ValueRef<'_>) -> bool {
        match (self, value) {
            (Self::Text(text), value) => text.equals(value),
            (Self::Number(expected), ValueRef::Number(number)) => *expected == number,
            (Self::Other(Json::Bool(expected)), ValueRef::Bool(value)) => *expected == value,
            (Self::Other(Json::Null), ValueRef::Null) => true,
            (Self::Other(expected), ValueRef::Json(value)) => expected == value,
            _ => false,
        }
    }
}
