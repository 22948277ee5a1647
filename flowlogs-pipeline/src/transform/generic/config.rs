//! Settings of the generic transform.

use schemars::JsonSchema;
use serde::Deserialize;

use crate::config::Problems;

/// Settings of the generic transform.
#[derive(Clone, Debug, Default, Deserialize, JsonSchema)]
#[serde(default)]
pub struct GenericConfig {
    /// preserve_original_keys (also when empty) or replace_keys.
    pub policy: String,
    /// Applied in order, each to the record as it came.
    pub rules: Vec<GenericRule>,
}

/// Copies one field to another.
#[derive(Clone, Debug, Default, Deserialize, JsonSchema)]
#[serde(default)]
pub struct GenericRule {
    /// Source field.
    pub input: String,
    /// Target field.
    pub output: String,
    /// Scales a number; 0 copies.
    pub multiplier: i64,
}

impl GenericConfig {
    /// Reports what cannot work.
    pub fn validate(&self, problems: &mut Problems) {
        if !matches!(
            self.policy.as_str(),
            "" | "preserve_original_keys" | "replace_keys"
        ) {
            let next = "use preserve_original_keys or replace_keys";
            problems.error(
                "policy",
                format_args!("unknown policy \"{}\": {next}", self.policy),
            );
        }
    }

    /// Whether the record keeps its fields.
    pub fn keeps_original(&self) -> bool {
        self.policy != "replace_keys"
    }
}
