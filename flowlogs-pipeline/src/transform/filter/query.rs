//! The language of `keep_entry_query`: conditions on fields, joined by `and` and `or`.
//!
//! **Invariant:** `or` binds tighter than `and`, as in NetObserv, whose configurations depend on it. Parsing and
//! evaluating are bounded by the length of the query.

mod lexer;
mod parser;
#[cfg(test)]
mod tests;

use regex::Regex;

use crate::model::{Key, Record, TextLiteral};

/// A parsed query.
pub struct Query(Expr);

enum Expr {
    And(Box<Expr>, Box<Expr>),
    Or(Box<Expr>, Box<Expr>),
    With(Key),
    Without(Key),
    /// Equal to a text, or not.
    Text {
        key: Key,
        literal: TextLiteral,
        is_negated: bool,
    },
    /// Equal to a text made of other fields, or not.
    Template {
        key: Key,
        parts: Vec<Part>,
        is_negated: bool,
    },
    Number {
        key: Key,
        comparison: Comparison,
        number: i64,
    },
    Regex {
        key: Key,
        regex: Regex,
        is_negated: bool,
    },
}

enum Part {
    Literal(String),
    Field(Key),
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Comparison {
    Equal,
    NotEqual,
    Less,
    LessOrEqual,
    Greater,
    GreaterOrEqual,
}

impl Query {
    /// Parses a query; errors say line and column.
    pub fn parse(text: &str) -> Result<Self, String> {
        parser::parse(text).map(Self)
    }

    /// Whether a record is selected. `scratch` is reused for texts.
    pub fn holds(&self, record: &Record, scratch: &mut String) -> bool {
        self.0.holds(record, scratch)
    }
}

impl Expr {
    fn holds(&self, record: &Record, scratch: &mut String) -> bool {
        match self {
            Self::And(left, right) => left.holds(record, scratch) && right.holds(record, scratch),
            Self::Or(left, right) => left.holds(record, scratch) || right.holds(record, scratch),
            Self::With(key) => record.has(key),
            Self::Without(key) => !record.has(key),
            Self::Text {
                key,
                literal,
                is_negated,
            } => record.get(key).is_some_and(|value| literal.equals(value)) != *is_negated,
            Self::Template {
                key,
                parts,
                is_negated,
            } => {
                let is_equal = record.get(key).is_some_and(|value| {
                    scratch.clear();
                    value.write_text(scratch);
                    let length = scratch.len();
                    for part in parts {
                        match part {
                            Part::Literal(text) => scratch.push_str(text),
                            Part::Field(key) => {
                                if let Some(value) = record.get(key) {
                                    value.write_text(scratch);
                                }
                            }
                        }
                    }
                    let (given, wanted) = scratch.split_at(length);
                    given == wanted
                });
                is_equal != *is_negated
            }
            Self::Number {
                key,
                comparison,
                number,
            } => {
                let value = record.get(key).and_then(crate::model::ValueRef::as_integer);
                value.is_some_and(|value| comparison.holds(value, *number))
            }
            Self::Regex {
                key,
                regex,
                is_negated,
            } => {
                let is_match = record.get(key).is_some_and(|value| {
                    scratch.clear();
                    value.write_text(scratch);
                    regex.is_match(scratch)
                });
                is_match != *is_negated
            }
        }
    }
}

impl Comparison {
    const fn holds(self, left: i64, right: i64) -> bool {
        match self {
            Self::Equal => left == right,
            Self::NotEqual => left != right,
            Self::Less => left < right,
            Self::LessOrEqual => left <= right,
            Self::Greater => left > right,
            Self::GreaterOrEqual => left >= right,
        }
    }
}
