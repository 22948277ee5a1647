//! Reads variables by the table and remembers every problem, so that all of them are told at once.
//!
//! **Invariant:** reading never stops at the first problem; a value that cannot be read counts as its default until the
//! problems are looked at.

use std::time::Duration;

use super::environment::Environment;
use super::parse;
use super::variables::{Kind, variable};

/// A reader over one environment.
pub struct Reader<'a> {
    environment: &'a dyn Environment,
    problems: Vec<String>,
}

impl<'a> Reader<'a> {
    pub fn new(environment: &'a dyn Environment) -> Self {
        Self {
            environment,
            problems: Vec::new(),
        }
    }

    /// Whether the variable is set to something.
    pub fn is_set(&self, name: &str) -> bool {
        self.environment
            .get(name)
            .is_some_and(|value| !value.is_empty())
    }

    pub fn string(&mut self, name: &str) -> String {
        self.read(name, Kind::String, |text| Ok(text.to_owned()))
    }

    pub fn boolean(&mut self, name: &str) -> bool {
        self.read(name, Kind::Bool, parse::boolean)
    }

    pub fn int(&mut self, name: &str) -> i32 {
        self.read(name, Kind::Int, parse::int)
    }

    pub fn uint16(&mut self, name: &str) -> u16 {
        self.read(name, Kind::Uint16, parse::uint16)
    }

    pub fn duration(&mut self, name: &str) -> Duration {
        self.read(name, Kind::Duration, parse::duration)
    }

    pub fn list(&mut self, name: &str) -> Vec<String> {
        self.read(name, Kind::List, |text| Ok(parse::list(text)))
    }

    /// A number of at least `least`.
    pub fn count(&mut self, name: &str, least: i32) -> usize {
        let value = self.int(name);
        if value < least {
            self.problem(format!(
                "{name}: {value} is too small, it must be at least {least}"
            ));
        }
        usize::try_from(value).unwrap_or(0)
    }

    /// A duration of more than nothing.
    pub fn period(&mut self, name: &str) -> Duration {
        let value = self.duration(name);
        if value.is_zero() {
            self.problem(format!("{name}: must be more than zero"));
        }
        value
    }

    /// A port number, or 0.
    pub fn port(&mut self, name: &str) -> u16 {
        let value = self.int(name);
        u16::try_from(value).unwrap_or_else(|_| {
            self.problem(format!("{name}: {value} is not a port"));
            0
        })
    }

    /// Adds a problem found in the meaning of values.
    pub fn problem(&mut self, problem: String) {
        self.problems.push(problem);
    }

    /// Keeps the problem of `result` and goes on without it.
    pub fn keep<T>(&mut self, result: Result<T, String>) -> Option<T> {
        result.map_err(|problem| self.problem(problem)).ok()
    }

    /// Everything that was wrong.
    pub fn into_problems(self) -> Vec<String> {
        self.problems
    }

    /// Set but empty is the same as not set. Without a default that is the empty value of the type.
    fn read<T: Default>(
        &mut self,
        name: &str,
        kind: Kind,
        parse: impl Fn(&str) -> Result<T, String>,
    ) -> T {
        let entry = variable(name);
        debug_assert_eq!(
            entry.kind, kind,
            "{name} is read as the type it has in the table"
        );
        let text = self.environment.get(name).filter(|value| !value.is_empty());
        let text = text.as_deref().unwrap_or(entry.default);
        if text.is_empty() {
            return T::default();
        }
        parse(text).unwrap_or_else(|expected| {
            self.problem(format!("{name}: {text:?} cannot be read, {expected}"));
            T::default()
        })
    }
}
