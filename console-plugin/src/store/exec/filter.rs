//! Filters made ready to run: fields resolved, patterns compiled, evaluated column by column.
//!
//! **Invariant:** a test of a dictionary column is evaluated once per dictionary value, not per row; a row that lacks
//! the field fails the test.

use std::net::IpAddr;
use std::ops::RangeInclusive;

use arrow::array::Array as _;
use arrow::buffer::BooleanBuffer;
use regex::{Regex, RegexBuilder};

use crate::store::batch::Batch;
use crate::store::error::StoreError;
use crate::store::fields::{COLUMNS, FieldId, Kind};
use crate::store::json::{self, Value};
use crate::store::query::{Filter, Test, TimeRange};

/// Bytes that one compiled pattern may take.
const PATTERN_BYTES: usize = 1 << 20;

/// A filter, compiled.
#[derive(Debug)]
pub enum Condition {
    All(Vec<Condition>),
    Any(Vec<Condition>),
    Not(Box<Condition>),
    Leaf(Subject, Matcher),
}

/// Where a field is found.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Subject {
    Column(FieldId),
    /// A name that the dictionary lacks: a member of the collecting columns.
    Unknown(String),
}

impl Subject {
    pub fn of(field: &str) -> Self {
        COLUMNS
            .field(field)
            .map_or_else(|| Self::Unknown(field.to_owned()), Self::Column)
    }

    /// Columns that must be decoded for it.
    pub fn columns(&self) -> Vec<FieldId> {
        match self {
            Self::Column(id) => vec![*id],
            Self::Unknown(_) => vec![COLUMNS.labels, COLUMNS.extra],
        }
    }
}

/// A test, compiled.
#[derive(Debug)]
pub enum Matcher {
    Present,
    Equals { text: String, number: Option<i64> },
    Pattern(Regex),
    AtLeast(i64),
    Network(ipnet::IpNet),
    Addresses(RangeInclusive<IpAddr>),
}

impl Matcher {
    fn compile(test: &Test) -> Result<Self, StoreError> {
        Ok(match test {
            Test::Present => Self::Present,
            Test::Equals(text) => Self::Equals {
                text: text.clone(),
                number: text.parse().ok(),
            },
            Test::Glob {
                pattern,
                ignore_case,
            } => {
                let parts: Vec<String> = pattern.split('*').map(regex::escape).collect();
                Self::Pattern(compile(
                    &format!("(?s)^{}$", parts.join(".*")),
                    *ignore_case,
                )?)
            }
            Test::Regex(pattern) => Self::Pattern(compile(pattern, false)?),
            Test::AtLeast(number) => Self::AtLeast(*number),
            Test::InNetwork(network) => Self::Network(*network),
            Test::InAddresses(first, last) => Self::Addresses(*first..=*last),
        })
    }

    fn text(&self, text: &str) -> bool {
        match self {
            Self::Present => true,
            Self::Equals { text: wanted, .. } => text == wanted,
            Self::Pattern(pattern) => pattern.is_match(text),
            Self::AtLeast(least) => text.parse::<i64>().is_ok_and(|number| number >= *least),
            Self::Network(network) => text
                .parse::<IpAddr>()
                .is_ok_and(|address| network.contains(&address)),
            Self::Addresses(range) => text.parse::<IpAddr>().is_ok_and(|address| {
                // Addresses of the other family are ordered before or after all of this one.
                address.is_ipv4() == range.start().is_ipv4() && range.contains(&address)
            }),
        }
    }

    /// A list passes when an element does.
    fn json(&self, json: &str) -> bool {
        if matches!(self, Self::Present) {
            return true;
        }
        let mut is_found = false;
        json::elements(json, |text| is_found = is_found || self.text(text));
        is_found
    }

    fn number(&self, number: i64) -> bool {
        match self {
            Self::Present => true,
            Self::Equals { number: wanted, .. } => *wanted == Some(number),
            Self::AtLeast(least) => number >= *least,
            Self::Pattern(pattern) => pattern.is_match(&number.to_string()),
            Self::Network(_) | Self::Addresses(_) => false,
        }
    }
}

fn compile(pattern: &str, ignore_case: bool) -> Result<Regex, StoreError> {
    RegexBuilder::new(pattern)
        .case_insensitive(ignore_case)
        .size_limit(PATTERN_BYTES)
        .build()
        .map_err(|error| {
            StoreError::InvalidQuery(format!("the pattern \"{pattern}\" cannot be used: {error}"))
        })
}

/// Rows that pass.
#[derive(Debug, Clone)]
pub enum Mask {
    Nothing,
    Everything,
    Some(BooleanBuffer),
}

impl Mask {
    fn of(buffer: BooleanBuffer) -> Self {
        match buffer.count_set_bits() {
            0 => Self::Nothing,
            set if set == buffer.len() => Self::Everything,
            _ => Self::Some(buffer),
        }
    }

    pub fn and(self, other: Self) -> Self {
        match (self, other) {
            (Self::Nothing, _) | (_, Self::Nothing) => Self::Nothing,
            (Self::Everything, mask) | (mask, Self::Everything) => mask,
            (Self::Some(a), Self::Some(b)) => Self::of(&a & &b),
        }
    }

    fn or(self, other: Self) -> Self {
        match (self, other) {
            (Self::Everything, _) | (_, Self::Everything) => Self::Everything,
            (Self::Nothing, mask) | (mask, Self::Nothing) => mask,
            (Self::Some(a), Self::Some(b)) => Self::of(&a | &b),
        }
    }

    fn not(self) -> Self {
        match self {
            Self::Nothing => Self::Everything,
            Self::Everything => Self::Nothing,
            Self::Some(buffer) => Self::Some(!&buffer),
        }
    }

    /// How many of `rows` pass.
    pub fn count(&self, rows: usize) -> usize {
        match self {
            Self::Nothing => 0,
            Self::Everything => rows,
            Self::Some(buffer) => buffer.count_set_bits(),
        }
    }
}

impl Condition {
    /// What to begin with: conditions of one column of texts each, of which every row that passes passes one. Best are
    /// those of the columns that rows are ordered by. Of alternatives only those are worth it, as others let many rows
    /// pass. Each column is there once, however many alternatives there are.
    pub fn leads(&self) -> Option<Vec<Lead<'_>>> {
        if let Some(column) = self.lead_column() {
            return Some(vec![Lead::of(column, self)]);
        }
        match self {
            Self::All(parts) => parts
                .iter()
                .filter_map(|part| match part.only_column(Kind::Text) {
                    Some(column) => Some(vec![Lead::of(column, part)]),
                    None => part.leads(),
                })
                .min_by_key(|leads| {
                    let is_any = |test: fn(FieldId) -> bool| leads.iter().any(|l| test(l.column));
                    (
                        is_any(|id| !is_address(id)),
                        is_any(|id| id != COLUMNS.source),
                    )
                }),
            Self::Any(parts) => {
                let mut leads: Vec<Lead> = Vec::new();
                for lead in parts.iter().map(Self::leads) {
                    for lead in lead? {
                        if !is_address(lead.column) {
                            return None;
                        }
                        match leads.iter_mut().find(|other| other.column == lead.column) {
                            Some(other) => other.parts.extend(lead.parts),
                            None => leads.push(lead),
                        }
                    }
                }
                Some(leads)
            }
            Self::Leaf(..) | Self::Not(_) => None,
        }
    }

    /// Whether a row that passes one of its leads passes it, so that nothing else need be looked at.
    pub fn is_its_leads(&self) -> bool {
        self.lead_column().is_some()
            || match self {
                Self::All(parts) => parts.len() == 1 && parts[0].is_its_leads(),
                Self::Any(parts) => parts.iter().all(Self::is_its_leads),
                Self::Leaf(..) | Self::Not(_) => false,
            }
    }

    /// The column of texts that it reads alone, if it is worth beginning with.
    fn lead_column(&self) -> Option<FieldId> {
        self.only_column(Kind::Text)
            .filter(|column| is_address(*column) || !matches!(self, Self::Any(_) | Self::Not(_)))
    }

    /// The only column that it reads, if there is one and it is of this kind.
    fn only_column(&self, kind: Kind) -> Option<FieldId> {
        let mut columns = Vec::new();
        self.columns(&mut columns);
        columns.dedup();
        match columns[..] {
            [id] if COLUMNS.all[id].kind == kind => Some(id),
            _ => None,
        }
    }

    /// Whether it is true of a row with this text in the only column that it reads.
    fn holds(&self, text: Option<&str>) -> bool {
        match self {
            Self::All(parts) => parts.iter().all(|part| part.holds(text)),
            Self::Any(parts) => parts.iter().any(|part| part.holds(text)),
            Self::Not(part) => !part.holds(text),
            Self::Leaf(_, matcher) => text.is_some_and(|text| matcher.text(text)),
        }
    }

    pub fn compile(filter: &Filter) -> Result<Self, StoreError> {
        let all = |filters: &[Filter]| {
            filters
                .iter()
                .map(Self::compile)
                .collect::<Result<Vec<_>, _>>()
        };
        Ok(match filter {
            Filter::And(filters) => Self::All(all(filters)?),
            Filter::Or(filters) => Self::Any(all(filters)?),
            Filter::Not(filter) => Self::Not(Box::new(Self::compile(filter)?)),
            Filter::Match { field, test } => {
                Self::Leaf(Subject::of(field), Matcher::compile(test)?)
            }
        })
    }

    /// Adds the columns it reads.
    pub fn columns(&self, ids: &mut Vec<FieldId>) {
        match self {
            Self::All(conditions) | Self::Any(conditions) => {
                for condition in conditions {
                    condition.columns(ids);
                }
            }
            Self::Not(condition) => condition.columns(ids),
            Self::Leaf(subject, _) => ids.extend(subject.columns()),
        }
    }

    pub fn evaluate(&self, batch: &Batch) -> Mask {
        // Of one column of texts each text is looked at once, however many parts there are.
        if let Some(id) = self.only_column(Kind::Text) {
            return texts(batch, id, self.holds(None), |text| self.holds(Some(text)));
        }
        match self {
            Self::All(conditions) => {
                let mut mask = Mask::Everything;
                for condition in conditions {
                    if matches!(mask, Mask::Nothing) {
                        break;
                    }
                    mask = mask.and(condition.evaluate(batch));
                }
                mask
            }
            Self::Any(conditions) => {
                let mut mask = Mask::Nothing;
                for condition in conditions {
                    if matches!(mask, Mask::Everything) {
                        break;
                    }
                    mask = mask.or(condition.evaluate(batch));
                }
                mask
            }
            Self::Not(condition) => condition.evaluate(batch).not(),
            Self::Leaf(Subject::Column(id), matcher) => match COLUMNS.all[*id].kind {
                Kind::Int => ints(batch, *id, |number| matcher.number(number)),
                Kind::Text => texts(batch, *id, false, |text| matcher.text(text)),
                Kind::Json => texts(batch, *id, false, |json| matcher.json(json)),
            },
            Self::Leaf(Subject::Unknown(name), matcher) => {
                let has = |object: &str| {
                    member(object, name).is_some_and(|json| matcher.json_or_text(&json))
                };
                let of = |id| texts(batch, id, false, has);
                of(COLUMNS.labels).or(of(COLUMNS.extra))
            }
        }
    }
}

/// Conditions of one column of texts of which a row must pass one, so that a query may begin with them.
#[derive(Debug)]
pub struct Lead<'a> {
    pub column: FieldId,
    pub parts: Vec<&'a Condition>,
}

impl<'a> Lead<'a> {
    fn of(column: FieldId, part: &'a Condition) -> Self {
        Self {
            column,
            parts: vec![part],
        }
    }

    /// Rows that pass one of its parts; each text is looked at once.
    pub fn evaluate(&self, batch: &Batch) -> Mask {
        let holds = |text: Option<&str>| self.parts.iter().any(|part| part.holds(text));
        texts(batch, self.column, holds(None), |text| holds(Some(text)))
    }
}

/// One of the columns that rows are ordered by.
fn is_address(id: FieldId) -> bool {
    id == COLUMNS.source || id == COLUMNS.destination
}

impl Matcher {
    fn json_or_text(&self, member: &Member<'_>) -> bool {
        match member {
            Member::Text(text) => self.text(text),
            Member::Json(json) => self.json(json),
        }
    }
}

/// A member of one of the collecting columns.
#[derive(Debug)]
pub enum Member<'a> {
    Text(std::borrow::Cow<'a, str>),
    Json(&'a str),
}

/// The member of a JSON object with that name.
pub fn member<'a>(object: &'a str, name: &str) -> Option<Member<'a>> {
    let mut found = None;
    // The text was checked when it was stored.
    let _ = json::object(object, |key, value, json| {
        if key == name {
            found = Some(match value {
                Value::Text(text) => Member::Text(text),
                _ => Member::Json(json),
            });
        }
    });
    found
}

/// Rows of the range.
pub fn in_range(batch: &Batch, range: TimeRange) -> Mask {
    ints(batch, COLUMNS.time, |time_ms| range.contains(time_ms))
}

fn ints(batch: &Batch, id: FieldId, test: impl Fn(i64) -> bool) -> Mask {
    let Some(column) = batch.ints(id) else {
        return Mask::Nothing;
    };
    let values = column.values();
    let passes = BooleanBuffer::collect_bool(values.len(), |row| test(values[row]));
    Mask::of(match column.nulls() {
        Some(nulls) => &passes & nulls.inner(),
        None => passes,
    })
}

/// Rows whose text passes; `is_missing_true` is what a row without one counts as.
fn texts(batch: &Batch, id: FieldId, is_missing_true: bool, test: impl Fn(&str) -> bool) -> Mask {
    let Some(column) = batch.texts(id) else {
        return if is_missing_true {
            Mask::Everything
        } else {
            Mask::Nothing
        };
    };
    let values: Vec<bool> = column
        .values
        .iter()
        .map(|value| value.is_some_and(&test))
        .collect();
    if !values.contains(&true) && !is_missing_true {
        return Mask::Nothing;
    }
    let passes = BooleanBuffer::collect_bool(batch.rows, |row| {
        values.get(column.keys[row] as usize) == Some(&true)
    });
    Mask::of(match column.nulls {
        None => passes,
        Some(nulls) if is_missing_true => &passes | &!nulls.inner(),
        Some(nulls) => &passes & nulls.inner(),
    })
}

#[cfg(test)]
mod tests;
