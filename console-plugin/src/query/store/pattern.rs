//! Patterns of filters: `*` for any text, and texts that are contained.
//!
//! **Invariant:** each pattern and their number are bounded, because a source turns each into a small program before it
//! looks at its first row.

use crate::query::BadRequest;
use crate::store::query::{Filter, Test};

/// Patterns of one request, the sides of a key without side counted each.
const PATTERNS_MAX: usize = 256;
/// Characters of one pattern.
const CHARACTERS_MAX: usize = 256;
/// Signs for any text in one pattern.
const WILDCARDS_MAX: usize = 16;

/// A test that the whole text fits the pattern.
pub fn pattern(field: &str, text: &str, ignore_case: bool) -> Result<Test, BadRequest> {
    if text.chars().count() > CHARACTERS_MAX {
        return Err(BadRequest(format!(
            "filter {field}: a value with ~ or * has more than {CHARACTERS_MAX} characters"
        )));
    }
    if text.matches('*').count() > WILDCARDS_MAX {
        return Err(BadRequest(format!(
            "filter {field}: a value has more than {WILDCARDS_MAX} times *"
        )));
    }
    Ok(Test::Glob {
        pattern: text.to_owned(),
        ignore_case,
    })
}

/// Refuses a request with too many patterns.
pub fn check_number(filters: &[Filter]) -> Result<(), BadRequest> {
    let number: usize = filters.iter().map(number_of).sum();
    if number > PATTERNS_MAX {
        return Err(BadRequest(format!(
            "{number} values with ~ or * are more than {PATTERNS_MAX}; use whole values with ="
        )));
    }
    Ok(())
}

fn number_of(filter: &Filter) -> usize {
    match filter {
        Filter::And(filters) | Filter::Or(filters) => filters.iter().map(number_of).sum(),
        Filter::Not(filter) => number_of(filter),
        Filter::Match { test, .. } => usize::from(matches!(test, Test::Glob { .. })),
    }
}
