//! Conditions of a metric.
//!
//! **Invariant:** everything is compared as text, though numbers and addresses are not written out for it; what must
//! be written goes into a scratch text that serves a whole batch.

use regex::Regex;

use super::config::{FilterConfig, FilterKind};
use super::flatten::{Part, Source};
use crate::model::{Key, Number, Record, TextLiteral, ValueRef};

/// The conditions of one metric: groups joined by "and", within a group by "or".
#[derive(Debug)]
pub struct Filters {
    on_record: Vec<Group>,
    on_parts: Vec<Group>,
}

#[derive(Debug)]
struct Group {
    key: String,
    source: Source,
    any: Vec<Condition>,
}

#[derive(Debug)]
enum Condition {
    Equal(Expected),
    NotEqual(Expected),
    Presence,
    Absence,
    Match(Regex),
    NotMatch(Regex),
}

/// What a field is compared with.
#[derive(Debug)]
enum Expected {
    Constant {
        literal: TextLiteral,
        integer: Option<i64>,
    },
    /// Text between references to fields.
    Template(Vec<(String, Option<Key>)>),
}

impl Filters {
    pub fn new(configs: &[FilterConfig], flatten: &[String]) -> Result<Self, regex::Error> {
        let mut groups: Vec<Group> = Vec::new();
        for config in configs {
            let condition = Condition::new(config)?;
            match groups.iter_mut().find(|group| group.key == config.key) {
                Some(group) => group.any.push(condition),
                None => groups.push(Group {
                    key: config.key.clone(),
                    source: Source::new(&config.key, flatten),
                    any: vec![condition],
                }),
            }
        }
        let (on_record, on_parts) = groups
            .into_iter()
            .partition(|group| matches!(group.source, Source::Field(_)));
        Ok(Self {
            on_record,
            on_parts,
        })
    }

    /// Whether the record counts, as far as its plain fields say.
    #[inline]
    pub fn pass_record(&self, record: &Record, scratch: &mut String) -> bool {
        self.on_record
            .iter()
            .all(|group| group.passes(record, &[], scratch))
    }

    /// Whether the part counts, as far as flattened fields say.
    pub fn pass_part(&self, record: &Record, part: &Part<'_>, scratch: &mut String) -> bool {
        self.on_parts
            .iter()
            .all(|group| group.passes(record, part, scratch))
    }
}

impl Group {
    fn passes(&self, record: &Record, part: &Part<'_>, scratch: &mut String) -> bool {
        let value = self.source.get(record, part);
        self.any
            .iter()
            .any(|condition| condition.holds(value, record, scratch))
    }
}

impl Condition {
    fn new(config: &FilterConfig) -> Result<Self, regex::Error> {
        Ok(match config.kind {
            FilterKind::Equal => Self::Equal(Expected::new(&config.value)),
            FilterKind::NotEqual => Self::NotEqual(Expected::new(&config.value)),
            FilterKind::Presence => Self::Presence,
            FilterKind::Absence => Self::Absence,
            FilterKind::MatchRegex => Self::Match(Regex::new(&config.value)?),
            FilterKind::NotMatchRegex => Self::NotMatch(Regex::new(&config.value)?),
        })
    }

    fn holds(&self, value: Option<ValueRef<'_>>, record: &Record, scratch: &mut String) -> bool {
        match self {
            Self::Equal(expected) => value.is_some_and(|value| expected.is(value, record, scratch)),
            Self::NotEqual(expected) => {
                value.is_none_or(|value| !expected.is(value, record, scratch))
            }
            Self::Presence => value.is_some(),
            Self::Absence => value.is_none(),
            Self::Match(regex) => value.is_some_and(|value| matches(regex, value, scratch)),
            Self::NotMatch(regex) => value.is_none_or(|value| !matches(regex, value, scratch)),
        }
    }
}

fn matches(regex: &Regex, value: ValueRef<'_>, scratch: &mut String) -> bool {
    match value {
        ValueRef::Text(text) => regex.is_match(text),
        other => regex.is_match(written(other, scratch)),
    }
}

fn written<'a>(value: ValueRef<'_>, scratch: &'a mut String) -> &'a str {
    scratch.clear();
    value.write_text(scratch);
    scratch
}

impl Expected {
    fn new(text: &str) -> Self {
        let pieces = references(text);
        if pieces.iter().any(|(_, field)| field.is_some()) {
            return Self::Template(pieces);
        }
        // Only the text that the number itself would have: "007" is not 7.
        let integer = text
            .parse::<i64>()
            .ok()
            .filter(|integer| integer.to_string() == text);
        Self::Constant {
            literal: TextLiteral::new(text),
            integer,
        }
    }

    fn is(&self, value: ValueRef<'_>, record: &Record, scratch: &mut String) -> bool {
        match (self, value) {
            (
                Self::Constant { integer, .. },
                ValueRef::Number(
                    number @ (Number::U8(_)
                    | Number::U16(_)
                    | Number::U32(_)
                    | Number::I32(_)
                    | Number::I64(_)
                    | Number::Int(_)),
                ),
            ) => *integer == Some(number.as_integer()),
            (
                Self::Constant { literal, .. },
                ValueRef::Text(_) | ValueRef::Address(_) | ValueRef::Mac(_),
            ) => literal.equals(value),
            (Self::Constant { literal, .. }, value) => written(value, scratch) == literal.as_str(),
            (Self::Template(pieces), value) => {
                // The value, and behind it what it is compared with.
                let length = written(value, scratch).len();
                for (text, field) in pieces {
                    scratch.push_str(text);
                    if let Some(value) = field.as_ref().and_then(|field| record.get(field)) {
                        value.write_text(scratch);
                    }
                }
                scratch[..length] == scratch[length..]
            }
        }
    }
}

/// Splits at `$(Field)`: each piece is text and the reference behind it.
fn references(text: &str) -> Vec<(String, Option<Key>)> {
    let mut pieces = Vec::new();
    let mut rest = text;
    while let Some((before, name, after)) = rest.split_once("$(").and_then(|(before, behind)| {
        behind
            .split_once(')')
            .map(|(name, after)| (before, name, after))
    }) {
        pieces.push((before.to_owned(), Some(name.into())));
        rest = after;
    }
    pieces.push((rest.to_owned(), None));
    pieces
}
