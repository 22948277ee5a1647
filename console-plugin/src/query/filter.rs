//! The grammar of the `filters` parameter:
//!
//! ```text
//! filters = group *( "|" group )           or
//! group   = item  *( "&" item )            and
//! item    = key ( "=" | "!=" | ">=" | "~" | "!~" ) value *( "," value )
//! value   = text | '"' text '"'            quotes: exact; "*": any text; "": empty or missing
//! ```
//!
//! **Invariant:** keys leave here as plain names and values without quotes or control characters;
//! an item of no known form is refused, since without it more flows would be found than were asked for.

use super::parameters::unescape;
use super::{BadRequest, excerpt};

/// Conditions of all groups together.
const CONDITIONS_MAX: usize = 256;
/// Values of one condition.
const VALUES_MAX: usize = 1000;
/// Values of all conditions together: a full condition, and the same with its sides exchanged.
const VALUES_ALL_MAX: usize = 2 * VALUES_MAX;

/// How a field is compared with the values.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Operator {
    /// `=`: one of the values.
    Equal,
    /// `!=`: none of the values.
    NotEqual,
    /// `>=`: at least one of the numbers.
    AtLeast,
    /// `~`: contains one of the values.
    Match,
    /// `!~`: contains none of the values.
    NotMatch,
}

/// One value of a condition.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Value {
    /// Without quotes; `*` stands for any text.
    pub text: String,
    /// It was quoted: the whole field must be equal.
    pub is_exact: bool,
}

impl Value {
    /// `""`: the field is empty or missing.
    pub fn is_missing(&self) -> bool {
        self.text.is_empty()
    }
}

/// A field, a comparison and its values.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Condition {
    /// Name of a field, or of both of its sides without `Src` and `Dst`.
    pub key: String,
    /// How they are compared.
    pub operator: Operator,
    /// At least one.
    pub values: Vec<Value>,
}

/// Conditions that must all hold.
pub type Group = Vec<Condition>;

/// Reads the parameter's value, already decoded once with the query string. It is decoded a second
/// time here, because pages encode it twice.
pub fn parse(parameter: &str) -> Result<Vec<Group>, BadRequest> {
    let text = unescape(parameter)?;
    let (mut conditions, mut values) = (0, 0);
    text.split('|')
        .map(|group| {
            let mut parsed = Vec::new();
            for item in group.split('&') {
                if let Some(condition) = parse_item(item)? {
                    conditions += 1;
                    if conditions > CONDITIONS_MAX {
                        return Err(BadRequest::new(format!(
                            "more than {CONDITIONS_MAX} filters in the request"
                        )));
                    }
                    values += condition.values.len();
                    if values > VALUES_ALL_MAX {
                        return Err(BadRequest::new(format!(
                            "more than {VALUES_ALL_MAX} values in the request"
                        )));
                    }
                    parsed.push(condition);
                }
            }
            Ok(parsed)
        })
        .collect()
}

fn parse_item(item: &str) -> Result<Option<Condition>, BadRequest> {
    if item.is_empty() {
        return Ok(None);
    }
    let unknown = || {
        BadRequest::new(format!(
            "invalid filter \"{}\": it must be a field, one of = != >= ~ !~, and values without these signs",
            excerpt(item)
        ))
    };
    let (key, operator, values) = if item.contains('=') {
        let mut parts = item.split('=');
        let (Some(key), Some(values), None) = (parts.next(), parts.next(), parts.next()) else {
            return Err(unknown());
        };
        if let Some(key) = key.strip_suffix('!') {
            (key, Operator::NotEqual, values)
        } else if let Some(key) = key.strip_suffix('>') {
            (key, Operator::AtLeast, values)
        } else {
            (key, Operator::Equal, values)
        }
    } else if item.contains('~') {
        let mut parts = item.split('~');
        let (Some(key), Some(values)) = (parts.next(), parts.next()) else {
            return Err(unknown());
        };
        match key.strip_suffix('!') {
            Some(key) => (key, Operator::NotMatch, values),
            None => (key, Operator::Match, values),
        }
    } else {
        return Err(unknown());
    };
    check_key(key)?;
    Ok(Some(Condition {
        key: key.to_owned(),
        operator,
        values: parse_values(values)?,
    }))
}

/// A name is a letter or underscore, then letters, digits and underscores.
pub fn check_key(key: &str) -> Result<(), BadRequest> {
    let mut characters = key.chars();
    let is_name = characters
        .next()
        .is_some_and(|c| c.is_ascii_alphabetic() || c == '_')
        && characters.all(|c| c.is_ascii_alphanumeric() || c == '_');
    if is_name {
        Ok(())
    } else {
        Err(BadRequest::new(format!(
            "invalid field name: {}",
            excerpt(key)
        )))
    }
}

fn parse_values(text: &str) -> Result<Vec<Value>, BadRequest> {
    // Letters of any script, blanks and `@` occur in names of subnets and interfaces; NetObserv refuses these.
    let is_allowed = |c: char| c.is_alphanumeric() || "_-.,\"*:/ @".contains(c);
    if !text.chars().all(is_allowed) {
        return Err(BadRequest::new(format!(
            "unauthorized sign in flows request: {}",
            excerpt(text)
        )));
    }
    let values: Vec<Value> = text
        .split(',')
        .map(|value| Value {
            is_exact: value.len() >= 2 && value.starts_with('"') && value.ends_with('"'),
            text: value.replace('"', ""),
        })
        .collect();
    if values.len() > VALUES_MAX {
        return Err(BadRequest::new(format!(
            "more than {VALUES_MAX} values in one filter"
        )));
    }
    Ok(values)
}

#[cfg(test)]
mod tests;
