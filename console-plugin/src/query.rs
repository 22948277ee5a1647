//! From a request's text to what is asked of a source. Pure: no clock, no I/O, no async.
//!
//! `parameters` reads the query string, `filter` the grammar of `filters`, `request` puts both into
//! types, `plan` decides what the request means, and `store` says it in the store's words. A further
//! source adds a file beside `store` and nothing else.
//! **Invariant:** every value that comes from a request is validated in this module and nowhere else.

pub mod filter;
pub mod parameters;
pub mod plan;
pub mod request;
pub mod store;

/// What is wrong with a request; the text is shown to the user.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{0}")]
pub struct BadRequest(pub String);

impl BadRequest {
    pub(crate) fn new(text: impl Into<String>) -> Self {
        Self(text.into())
    }
}

/// A text of the request as it may be repeated in an error: short, and without control characters.
fn excerpt(text: &str) -> String {
    const CHARACTERS_MAX: usize = 80;
    let mut short: String = text
        .chars()
        .take(CHARACTERS_MAX)
        .map(|c| if c.is_control() { ' ' } else { c })
        .collect();
    if text.chars().nth(CHARACTERS_MAX).is_some() {
        short.push('…');
    }
    short
}
