//! Durations as Go's `ParseDuration` reads them: `30s`, `1m30s`, `500ms`, `1.5h`.
//!
//! Used by the configuration and by the `step` and `rateInterval` parameters.
//! The operator and the pipeline have readers of their own: the one keeps the text, the other takes nanoseconds too.
//! **Invariant:** pure; never accepts a bare number (other than `0`) or a negative duration.

use std::borrow::Cow;
use std::time::Duration;

use schemars::{JsonSchema, Schema, SchemaGenerator, json_schema};
use serde::{Deserialize, Deserializer, Serialize, Serializer};

/// Why a text is not a duration.
#[derive(Debug, thiserror::Error, PartialEq, Eq)]
#[error("\"{0}\" is not a duration such as \"30s\" or \"1m30s\"")]
pub struct DurationError(pub String);

/// A duration written in Go syntax.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct GoDuration(pub Duration);

/// Parses Go's duration syntax.
pub fn parse(text: &str) -> Result<Duration, DurationError> {
    let shown = |c: char| if c.is_control() { ' ' } else { c };
    let error = || DurationError(text.chars().take(64).map(shown).collect());
    let mut rest = text.strip_prefix('+').unwrap_or(text);
    if rest == "0" {
        return Ok(Duration::ZERO);
    }
    if rest.is_empty() {
        return Err(error());
    }
    let mut seconds = 0f64;
    while !rest.is_empty() {
        let digits = rest
            .find(|c: char| !c.is_ascii_digit() && c != '.')
            .ok_or_else(error)?;
        let number: f64 = rest[..digits].parse().map_err(|_| error())?;
        rest = &rest[digits..];
        let unit_end = rest
            .find(|c: char| c.is_ascii_digit() || c == '.')
            .unwrap_or(rest.len());
        let scale = match &rest[..unit_end] {
            "ns" => 1e-9,
            "us" | "µs" | "μs" => 1e-6,
            "ms" => 1e-3,
            "s" => 1.0,
            "m" => 60.0,
            "h" => 3600.0,
            _ => return Err(error()),
        };
        seconds += number * scale;
        rest = &rest[unit_end..];
    }
    // Go's own limit is 292 years; anything near it is a typing error.
    Duration::try_from_secs_f64(seconds)
        .ok()
        .filter(|d| d.as_secs() < 1 << 33)
        .ok_or_else(error)
}

impl<'de> Deserialize<'de> for GoDuration {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let text = Cow::<'de, str>::deserialize(deserializer)?;
        parse(&text).map(Self).map_err(serde::de::Error::custom)
    }
}

impl Serialize for GoDuration {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(&format_args!("{}s", self.0.as_secs_f64()))
    }
}

impl JsonSchema for GoDuration {
    fn schema_name() -> Cow<'static, str> {
        "Duration".into()
    }

    fn json_schema(_: &mut SchemaGenerator) -> Schema {
        json_schema!({
            "type": "string",
            "pattern": r"^\+?(0|([0-9]*\.?[0-9]+(ns|us|µs|ms|s|m|h))+)$",
            "description": "Go duration, such as 30s or 1m30s"
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn go_durations_are_read() {
        for (text, expected) in [
            ("30s", Some(Duration::from_secs(30))),
            ("1m30s", Some(Duration::from_secs(90))),
            ("500ms", Some(Duration::from_millis(500))),
            ("1.5h", Some(Duration::from_mins(90))),
            ("0", Some(Duration::ZERO)),
            ("15", None),
            ("-1s", None),
            ("", None),
            ("s", None),
            ("1x", None),
            ("1s ", None),
            ("99999999999999h", None),
        ] {
            assert_eq!(parse(text).ok(), expected, "{text}");
        }
    }
}
