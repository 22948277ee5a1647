//! Lists taken apart: one sample per element, or per combination of the elements of several lists.
//!
//! **Invariant:** the first list of `flatten` varies fastest, and a record gives at most [`PARTS_MAX`] parts.

use crate::model::{Key, Record, StringMap, ValueRef};

/// More combinations than any real flow has; what a hostile record has beyond is left out.
pub const PARTS_MAX: usize = 1024;

/// One element of a list.
#[derive(Clone, Copy, Debug)]
pub enum Element<'a> {
    Plain(ValueRef<'a>),
    Map(&'a StringMap),
    Object(&'a serde_json::Map<String, serde_json::Value>),
}

/// One element of each flattened list, in the order of `flatten`; `None` where the record has no list, and nothing at
/// all if it has none.
pub type Part<'a> = [Option<Element<'a>>];

/// Where a label, filter or value takes its text from.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Source {
    Field(Key),
    /// Element of the list at this place of `flatten`, or the named member of it.
    Flat {
        place: usize,
        member: Option<String>,
    },
}

impl Source {
    /// `key` is a field, or `Field>member` of a flattened one.
    pub fn new(key: &str, flatten: &[String]) -> Self {
        let (field, member) = match key.split_once('>') {
            Some((field, member)) => (field, Some(member.to_owned())),
            None => (key, None),
        };
        match flatten.iter().position(|name| name == field) {
            Some(place) => Self::Flat { place, member },
            None => Self::Field(key.into()),
        }
    }

    #[inline]
    pub fn get<'a>(&self, record: &'a Record, part: &Part<'a>) -> Option<ValueRef<'a>> {
        match self {
            Self::Field(key) => record.get(key),
            Self::Flat { place, member } => match ((*part.get(*place)?)?, member) {
                (Element::Plain(value), None) => Some(value),
                (Element::Map(map), Some(member)) => map
                    .iter()
                    .find(|(name, _)| name == member)
                    .map(|(_, value)| ValueRef::Text(value)),
                (Element::Object(map), Some(member)) => map.get(member).map(ValueRef::Json),
                _ => None,
            },
        }
    }
}

/// Calls `each` with every part of the record; false if some were left out.
pub fn parts<'a>(record: &'a Record, flatten: &[Key], mut each: impl FnMut(&Part<'a>)) -> bool {
    if !flatten
        .iter()
        .any(|key| record.get(key).is_some_and(is_list))
    {
        each(&[]);
        return true;
    }
    let lists: Vec<Vec<Element<'a>>> = flatten
        .iter()
        .map(|key| elements(record.get(key)))
        .collect();
    let combinations = lists
        .iter()
        .map(|list| list.len().max(1))
        .fold(1, usize::saturating_mul);
    let mut part = vec![None; lists.len()];
    for number in 0..combinations.min(PARTS_MAX) {
        let mut rest = number;
        for (place, list) in lists
            .iter()
            .enumerate()
            .filter(|(_, list)| !list.is_empty())
        {
            part[place] = Some(list[rest % list.len()]);
            rest /= list.len();
        }
        each(&part);
    }
    combinations <= PARTS_MAX
}

const fn is_list(value: ValueRef<'_>) -> bool {
    matches!(
        value,
        ValueRef::Names(_)
            | ValueRef::Bits(_)
            | ValueRef::Maps(_)
            | ValueRef::Json(serde_json::Value::Array(_))
    )
}

fn elements(value: Option<ValueRef<'_>>) -> Vec<Element<'_>> {
    match value {
        Some(ValueRef::Names(names)) => names
            .iter()
            .map(|name| Element::Plain(ValueRef::Text(name)))
            .collect(),
        Some(ValueRef::Bits(names)) => names
            .iter()
            .map(|name| Element::Plain(ValueRef::Text(name)))
            .collect(),
        Some(ValueRef::Maps(maps)) => maps.iter().map(Element::Map).collect(),
        Some(ValueRef::Json(serde_json::Value::Array(items))) => items
            .iter()
            .map(|item| {
                item.as_object()
                    .map_or(Element::Plain(ValueRef::Json(item)), Element::Object)
            })
            .collect(),
        _ => Vec::new(),
    }
}
