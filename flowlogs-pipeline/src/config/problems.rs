//! What is wrong with a configuration: everything at once, each with its path.

use std::fmt::{self, Write as _};

/// Findings that are kept; more of them are counted only.
pub const PROBLEMS_MAX: usize = 1000;

/// How far a problem goes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Severity {
    /// The pipeline starts without what is meant; `--check` refuses it.
    Warning,
    /// The pipeline does not start.
    Error,
}

/// One finding.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Problem {
    /// Whether it stops the start.
    pub severity: Severity,
    /// Where, such as `parameters[1].write.loki.url`.
    pub path: String,
    /// What, in lower case, with the next step.
    pub message: String,
}

impl fmt::Display for Problem {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if self.path.is_empty() {
            f.write_str(&self.message)
        } else {
            write!(f, "{}: {}", self.path, self.message)
        }
    }
}

/// Collects findings while a configuration is walked.
#[derive(Debug, Default)]
pub struct Problems {
    path: String,
    found: Vec<Problem>,
    left_out: usize,
    has_errors: bool,
}

impl Problems {
    /// Runs `check` with `key` appended to the path.
    pub fn at<T>(&mut self, key: &str, check: impl FnOnce(&mut Self) -> T) -> T {
        let length = self.path.len();
        if !self.path.is_empty() {
            self.path.push('.');
        }
        self.path.push_str(key);
        let result = check(self);
        self.path.truncate(length);
        result
    }

    /// Runs `check` with the place in a list appended to the path.
    pub fn at_index<T>(&mut self, index: usize, check: impl FnOnce(&mut Self) -> T) -> T {
        let length = self.path.len();
        // Writing to a String cannot fail.
        let _ = write!(self.path, "[{index}]");
        let result = check(self);
        self.path.truncate(length);
        result
    }

    /// Notes an error at `key` below the present path (empty: at the path itself).
    pub fn error(&mut self, key: &str, message: impl fmt::Display) {
        self.note(Severity::Error, key, &message);
    }

    /// Notes a warning at `key` below the present path (empty: at the path itself).
    pub fn warn(&mut self, key: &str, message: impl fmt::Display) {
        self.note(Severity::Warning, key, &message);
    }

    /// The findings, in order; the first [`PROBLEMS_MAX`] of them.
    pub fn found(&self) -> &[Problem] {
        &self.found
    }

    /// How many there are, with those that were not kept.
    pub fn count(&self) -> usize {
        self.found.len() + self.left_out
    }

    /// Whether the pipeline cannot start.
    pub const fn has_errors(&self) -> bool {
        self.has_errors
    }

    /// Whether an error was noted at `key` below the present path.
    pub fn has_error_at(&self, key: &str) -> bool {
        let path = self.joined(key);
        self.found
            .iter()
            .any(|problem| problem.severity == Severity::Error && problem.path == path)
    }

    fn joined(&self, key: &str) -> String {
        match (self.path.is_empty(), key.is_empty()) {
            (_, true) => self.path.clone(),
            (true, false) => key.to_owned(),
            (false, false) => format!("{}.{key}", self.path),
        }
    }

    fn note(&mut self, severity: Severity, key: &str, message: &dyn fmt::Display) {
        self.has_errors |= severity == Severity::Error;
        if self.found.len() == PROBLEMS_MAX {
            self.left_out += 1;
            return;
        }
        let message = message.to_string();
        self.found.push(Problem {
            severity,
            path: self.joined(key),
            message,
        });
    }
}
