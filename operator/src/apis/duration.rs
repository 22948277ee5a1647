//! Durations written as Go writes them: `1m30s`, `500ms`, `0`.
//!
//! The pipeline and the console have readers of their own: they keep the value, this one the text.

use std::borrow::Cow;
use std::fmt;
use std::time::Duration;

use schemars::{JsonSchema, Schema, SchemaGenerator, json_schema};
use serde::{Deserialize, Serialize};
use thiserror::Error;

/// A duration kept as the text the user wrote, so that reading and writing an object changes nothing.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(transparent)]
pub struct GoDuration(pub String);

/// Why a text is no duration.
#[derive(Clone, Debug, PartialEq, Eq, Error)]
#[error(
    "{text:?} is not a duration: write a number and a unit (ns, us, ms, s, m, h), such as \"1m30s\""
)]
pub struct DurationError {
    text: String,
}

/// Units and their nanoseconds; a longer unit stands before one it begins with.
const UNITS: [(&str, f64); 8] = [
    ("ns", 1.0),
    ("us", 1e3),
    ("µs", 1e3),
    ("μs", 1e3),
    ("ms", 1e6),
    ("s", 1e9),
    ("m", 60e9),
    ("h", 3600e9),
];

/// The longest duration Go holds: 2^63 - 1 ns, about 292 years.
const NANOSECONDS_MAX: f64 = 9_223_372_036_854_775_807.0;

impl GoDuration {
    /// The value; negative durations are refused, since no field of the API has a use for one.
    pub fn parse(&self) -> Result<Duration, DurationError> {
        let error = || DurationError {
            text: self.0.clone(),
        };
        let mut rest = self.0.strip_prefix('+').unwrap_or(&self.0);
        if rest == "0" {
            return Ok(Duration::ZERO);
        }
        if rest.is_empty() {
            return Err(error());
        }
        let mut nanoseconds = 0.0;
        while !rest.is_empty() {
            let digits = rest
                .find(|c: char| !c.is_ascii_digit() && c != '.')
                .ok_or_else(error)?;
            let number: f64 = rest[..digits].parse().map_err(|_| error())?;
            rest = &rest[digits..];
            let (unit, scale) = UNITS
                .iter()
                .find(|(unit, _)| rest.starts_with(unit))
                .ok_or_else(error)?;
            nanoseconds += number * scale;
            rest = &rest[unit.len()..];
        }
        if nanoseconds > NANOSECONDS_MAX {
            return Err(error());
        }
        Ok(Duration::from_nanos(nanoseconds.round() as u64))
    }
}

impl fmt::Display for GoDuration {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl From<&str> for GoDuration {
    fn from(text: &str) -> Self {
        Self(text.to_owned())
    }
}

impl JsonSchema for GoDuration {
    fn inline_schema() -> bool {
        true
    }

    fn schema_name() -> Cow<'static, str> {
        "GoDuration".into()
    }

    fn json_schema(_: &mut SchemaGenerator) -> Schema {
        json_schema!({ "type": "string" })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn durations_are_read_as_go_reads_them() {
        for (text, expected_ms) in [
            ("0", Some(0)),
            ("0s", Some(0)),
            ("15s", Some(15_000)),
            ("+15s", Some(15_000)),
            ("1m30s", Some(90_000)),
            ("1.5h", Some(5_400_000)),
            ("250ms", Some(250)),
            ("1h0m0.5s", Some(3_600_500)),
            ("5000us", Some(5)),
            ("5000µs", Some(5)),
            ("", None),
            ("5", None),
            ("s", None),
            ("-1s", None),
            ("1 s", None),
            ("1d", None),
            (".s", None),
            ("1.2.3s", None),
            ("300000000h", None),
        ] {
            let parsed = GoDuration::from(text).parse().ok();
            assert_eq!(parsed, expected_ms.map(Duration::from_millis), "{text}");
        }
    }
}
