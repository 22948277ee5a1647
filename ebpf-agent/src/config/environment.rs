//! Where variables come from: the process, or a table in tests.
//!
//! **Invariant:** the only place of the crate that reads the process environment.

use std::collections::BTreeMap;

/// A source of environment variables.
pub trait Environment {
    /// The value of `name`, if it is set.
    fn get(&self, name: &str) -> Option<String>;
}

/// The environment of this process. A value that is not valid UTF-8 is read with replacement characters, so that it
/// fails where it is parsed, by name.
#[derive(Debug)]
pub struct ProcessEnvironment;

impl Environment for ProcessEnvironment {
    fn get(&self, name: &str) -> Option<String> {
        std::env::var_os(name).map(|value| value.to_string_lossy().into_owned())
    }
}

impl Environment for BTreeMap<&str, &str> {
    fn get(&self, name: &str) -> Option<String> {
        BTreeMap::get(self, name).map(|value| (*value).to_owned())
    }
}
