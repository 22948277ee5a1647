//! From a file to a checked [`Config`].
//!
//! **Invariant:** a key that is ignored is always reported, with its path.

use std::path::{Path, PathBuf};

use serde_json::Value;

use super::Config;

/// Keys and values of the file: far more than any page has.
const NODES_MAX: usize = 50_000;
/// Those that anchors repeat.
const REPEATED_MAX: usize = 10_000;

/// Why a configuration cannot be used.
#[derive(Debug, thiserror::Error)]
pub enum ConfigError {
    /// The file cannot be read.
    #[error("read configuration {path}: {source}; check -config and the file's permissions")]
    Read {
        /// Which file.
        path: PathBuf,
        /// Why.
        source: std::io::Error,
    },
    /// The text is not YAML of the expected shape.
    #[error("parse configuration {origin}: {message}")]
    Parse {
        /// Where the text came from.
        origin: String,
        /// What is wrong, with line and column.
        message: String,
    },
    /// The values make no sense together.
    #[error("configuration {origin} has {} problem(s):\n - {}", .problems.len(), .problems.join("\n - "))]
    Invalid {
        /// Where the text came from.
        origin: String,
        /// All problems.
        problems: Vec<String>,
    },
}

/// A checked configuration and what was ignored in it.
#[derive(Debug)]
pub struct Loaded {
    /// The configuration.
    pub config: Config,
    /// Paths of unknown keys.
    pub ignored: Vec<String>,
}

/// Reads and checks a file.
pub fn load(path: &Path) -> Result<Loaded, ConfigError> {
    let text = std::fs::read_to_string(path).map_err(|source| ConfigError::Read {
        path: path.to_owned(),
        source,
    })?;
    parse(&path.display().to_string(), &text)
}

/// Checks a text; `origin` names it in errors.
pub fn parse(origin: &str, text: &str) -> Result<Loaded, ConfigError> {
    let parse_error = |message: String| ConfigError::Parse {
        origin: origin.to_owned(),
        message,
    };
    // `yes` and `on` stay text: Go's YAML reader, whose files these are, reads only true and false.
    let options = || {
        serde_saphyr::options! {
            strict_booleans: true,
            budget: serde_saphyr::budget! { max_nodes: NODES_MAX },
            alias_limits: serde_saphyr::alias_limits! { max_total_replayed_events: REPEATED_MAX },
        }
    };
    let text = if text.trim().is_empty() { "{}" } else { text };
    let config: Config = serde_saphyr::from_str_with_options(text, options())
        .map_err(|error| parse_error(error.to_string()))?;
    let value: Value = serde_saphyr::from_str_with_options(text, options())
        .map_err(|error| parse_error(error.to_string()))?;
    let problems = config.problems();
    if !problems.is_empty() {
        return Err(ConfigError::Invalid {
            origin: origin.to_owned(),
            problems,
        });
    }
    let schema = schemars::schema_for!(Config).to_value();
    let mut ignored = Vec::new();
    unknown_keys(&schema, &schema, &value, &mut String::new(), &mut ignored);
    Ok(Loaded { config, ignored })
}

/// Walks a value beside its schema and collects the paths the schema does not know.
fn unknown_keys(
    root: &Value,
    schema: &Value,
    value: &Value,
    path: &mut String,
    ignored: &mut Vec<String>,
) {
    let schema = resolve(root, schema);
    match value {
        Value::Object(map) => {
            let properties = schema.get("properties").and_then(Value::as_object);
            for (key, child) in map {
                let length = path.len();
                if !path.is_empty() {
                    path.push('.');
                }
                path.push_str(key);
                match properties.and_then(|properties| properties.get(key)) {
                    Some(child_schema) => unknown_keys(root, child_schema, child, path, ignored),
                    None => match schema.get("additionalProperties") {
                        Some(any @ Value::Object(_)) => {
                            unknown_keys(root, any, child, path, ignored);
                        }
                        _ => ignored.push(path.clone()),
                    },
                }
                path.truncate(length);
            }
        }
        Value::Array(items) => {
            let Some(item_schema) = schema.get("items") else {
                return;
            };
            for (index, item) in items.iter().enumerate() {
                let length = path.len();
                path.push('[');
                path.push_str(&index.to_string());
                path.push(']');
                unknown_keys(root, item_schema, item, path, ignored);
                path.truncate(length);
            }
        }
        _ => {}
    }
}

/// Follows `$ref` and the `anyOf` that an optional block becomes.
fn resolve<'a>(root: &'a Value, schema: &'a Value) -> &'a Value {
    let mut schema = schema;
    loop {
        if let Some(reference) = schema.get("$ref").and_then(Value::as_str) {
            schema = root
                .pointer(reference.trim_start_matches('#'))
                .unwrap_or(&Value::Null);
        } else if let Some(options) = schema.get("anyOf").and_then(Value::as_array) {
            schema = options
                .iter()
                .find(|option| option.get("$ref").is_some())
                .unwrap_or(&Value::Null);
        } else {
            return schema;
        }
    }
}
