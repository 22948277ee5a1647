//! The table of variables as text: for `--help`, for `README.md`, and as the contract the operator reads.
//!
//! **Invariant:** everything is derived from the table; the committed copies are compared in the tests.

use std::fmt::Write as _;

use serde::Serialize;

use super::variables::{Support, VARIABLES, Variable};

/// One variable in `contracts/environment.json`.
#[derive(Serialize)]
struct ContractVariable {
    name: &'static str,
    #[serde(rename = "type")]
    kind: &'static str,
    default: &'static str,
    meaning: &'static str,
    /// Whether this version does what it says.
    available: bool,
    #[serde(skip_serializing_if = "Option::is_none")]
    deprecated_by: Option<&'static str>,
    /// Not known to NetObserv's agent.
    #[serde(skip_serializing_if = "std::ops::Not::not")]
    addition: bool,
}

/// `contracts/environment.json`.
pub fn contract() -> String {
    let entries: Vec<_> = VARIABLES
        .iter()
        .map(|variable| ContractVariable {
            name: variable.name,
            kind: variable.kind.as_str(),
            default: variable.default,
            meaning: variable.meaning,
            available: variable.support != Support::NotYet,
            deprecated_by: match variable.support {
                Support::Deprecated(newer) => Some(newer),
                _ => None,
            },
            addition: variable.support == Support::Ours,
        })
        .collect();
    let mut text =
        serde_json::to_string_pretty(&entries).expect("strings and booleans always serialize");
    text.push('\n');
    text
}

/// The part of `--help` that lists the variables.
pub fn help() -> String {
    let mut text = String::from("Configuration is by environment variables:\n");
    for variable in VARIABLES
        .iter()
        .filter(|variable| variable.support != Support::NotYet)
    {
        let _ = write!(text, "\n  {}", variable.name);
        if !variable.default.is_empty() {
            let _ = write!(text, "={}", variable.default);
        }
        let _ = write!(text, "\n      {}{}", variable.meaning, note(variable));
    }
    text.push_str("\n\nKnown, but not available in this version:\n");
    for variable in VARIABLES
        .iter()
        .filter(|variable| variable.support == Support::NotYet)
    {
        let _ = write!(text, "\n  {}", variable.name);
    }
    text
}

/// The table of `README.md`.
pub fn markdown() -> String {
    let mut text = String::from("| variable | type | default | meaning |\n|---|---|---|---|\n");
    for variable in VARIABLES {
        let default = if variable.default.is_empty() {
            String::new()
        } else {
            format!("`{}`", variable.default)
        };
        let meaning = variable.meaning.replace('|', "\\|");
        let kind = variable.kind.as_str();
        let _ = writeln!(
            text,
            "| `{}` | {kind} | {default} | {meaning}{} |",
            variable.name,
            note(variable)
        );
    }
    text
}

fn note(variable: &Variable) -> String {
    match variable.support {
        Support::Yes => String::new(),
        Support::Ours => " (ours)".to_owned(),
        Support::Ignored => " (accepted, does nothing)".to_owned(),
        Support::Deprecated(newer) => format!(" (deprecated, use {newer})"),
        Support::NotYet => " (not available in this version)".to_owned(),
    }
}
