//! Prometheus text format 0.0.4: the few lines of syntax every collector needs.
//!
//! Called by the instruments, the expiring families and the process collector.
//! **Invariant:** appends to the buffer it is given and never allocates a string of its own.

use std::io::Write;

/// What a metric is, as the `# TYPE` line says it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kind {
    Counter,
    Gauge,
    Histogram,
    Summary,
}

impl Kind {
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Counter => "counter",
            Self::Gauge => "gauge",
            Self::Histogram => "histogram",
            Self::Summary => "summary",
        }
    }
}

/// Appends the `# HELP` and `# TYPE` lines.
pub fn header(out: &mut Vec<u8>, name: &str, kind: Kind, help: &str) {
    if !help.is_empty() {
        out.extend_from_slice(b"# HELP ");
        out.extend_from_slice(name.as_bytes());
        out.push(b' ');
        for &byte in help.as_bytes() {
            match byte {
                b'\\' => out.extend_from_slice(b"\\\\"),
                b'\n' => out.extend_from_slice(b"\\n"),
                _ => out.push(byte),
            }
        }
        out.push(b'\n');
    }
    out.extend_from_slice(b"# TYPE ");
    out.extend_from_slice(name.as_bytes());
    out.push(b' ');
    out.extend_from_slice(kind.as_str().as_bytes());
    out.push(b'\n');
}

/// Appends `name<suffix>{labels} value`; `labels` is already rendered, without braces.
pub fn sample(out: &mut Vec<u8>, name: &str, suffix: &str, labels: &str, value: f64) {
    sample_start(out, name, suffix, labels);
    out.push(b' ');
    float(out, value);
    out.push(b'\n');
}

/// Like [`sample`], with one more label, for `le` and `quantile`.
pub fn sample_with(
    out: &mut Vec<u8>,
    name: &str,
    suffix: &str,
    labels: &str,
    extra: (&str, f64),
    value: f64,
) {
    out.extend_from_slice(name.as_bytes());
    out.extend_from_slice(suffix.as_bytes());
    out.push(b'{');
    if !labels.is_empty() {
        out.extend_from_slice(labels.as_bytes());
        out.push(b',');
    }
    out.extend_from_slice(extra.0.as_bytes());
    out.extend_from_slice(b"=\"");
    float(out, extra.1);
    out.extend_from_slice(b"\"} ");
    float(out, value);
    out.push(b'\n');
}

fn sample_start(out: &mut Vec<u8>, name: &str, suffix: &str, labels: &str) {
    out.extend_from_slice(name.as_bytes());
    out.extend_from_slice(suffix.as_bytes());
    if !labels.is_empty() {
        out.push(b'{');
        out.extend_from_slice(labels.as_bytes());
        out.push(b'}');
    }
}

/// Appends a number as Prometheus reads it.
pub fn float(out: &mut Vec<u8>, value: f64) {
    // Counters are nearly always whole; below 2^53 the integer path is exact and ten times faster.
    if value.fract() == 0.0 && value.abs() < 9_007_199_254_740_992.0 {
        out.extend_from_slice(itoa::Buffer::new().format(value as i64).as_bytes());
    } else if value.is_nan() {
        out.extend_from_slice(b"NaN");
    } else if value.is_infinite() {
        out.extend_from_slice(if value > 0.0 { b"+Inf" } else { b"-Inf" });
    } else {
        // Writing into a vector cannot fail.
        let _ = write!(out, "{value}");
    }
}

/// Appends `name="value"` with the value escaped, after a comma unless it is the first label.
pub fn label(out: &mut String, name: &str, value: &str) {
    if !out.is_empty() {
        out.push(',');
    }
    out.push_str(name);
    out.push_str("=\"");
    escape(out, value);
    out.push('"');
}

/// Appends a label value with `\`, `"` and line feeds escaped.
pub fn escape(out: &mut String, value: &str) {
    // Without an early end the compiler compares 16 bytes at a time, and hardly any value needs more.
    let is_special = |byte| matches!(byte, b'\\' | b'"' | b'\n');
    if !value
        .bytes()
        .fold(false, |found, byte| found | is_special(byte))
    {
        out.push_str(value);
        return;
    }
    let mut clean_from = 0;
    for (at, byte) in value.bytes().enumerate() {
        let replacement = match byte {
            b'\\' => "\\\\",
            b'"' => "\\\"",
            b'\n' => "\\n",
            _ => continue,
        };
        out.push_str(&value[clean_from..at]);
        out.push_str(replacement);
        clean_from = at + 1;
    }
    out.push_str(&value[clean_from..]);
}

/// True for a name Prometheus accepts for a metric; labels may not hold a colon.
pub fn is_metric_name(name: &str) -> bool {
    is_name(name, |byte| byte == b':')
}

/// True for a name Prometheus accepts for a label.
pub fn is_label_name(name: &str) -> bool {
    is_name(name, |_| false)
}

fn is_name(name: &str, also: impl Fn(u8) -> bool) -> bool {
    !name.is_empty()
        && !name.as_bytes()[0].is_ascii_digit()
        && name
            .bytes()
            .all(|byte| byte.is_ascii_alphanumeric() || byte == b'_' || also(byte))
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, reason = "tests")]
    use super::*;

    fn written(write: impl Fn(&mut Vec<u8>)) -> String {
        let mut out = Vec::new();
        write(&mut out);
        String::from_utf8(out).unwrap()
    }

    #[test]
    fn numbers_are_written_as_prometheus_reads_them() {
        for (value, expected) in [
            (0.0, "0"),
            (-3.0, "-3"),
            (0.005, "0.005"),
            (1_704_164_647_006.0, "1704164647006"),
            (f64::INFINITY, "+Inf"),
            (f64::NEG_INFINITY, "-Inf"),
            (f64::NAN, "NaN"),
        ] {
            assert_eq!(written(|out| float(out, value)), expected);
        }
    }

    #[test]
    fn labels_and_help_are_escaped() {
        let mut out = String::new();
        label(&mut out, "a", "x\\y\"z\n");
        label(&mut out, "b", "é");
        assert_eq!(out, r#"a="x\\y\"z\n",b="é""#);
        assert_eq!(
            written(|out| header(out, "m", Kind::Gauge, "one\\two\nthree")),
            "# HELP m one\\\\two\\nthree\n# TYPE m gauge\n"
        );
    }

    #[test]
    fn a_sample_without_labels_has_no_braces() {
        assert_eq!(
            written(|out| sample(out, "m", "_sum", "", 1.5)),
            "m_sum 1.5\n"
        );
        assert_eq!(
            written(|out| sample_with(out, "m", "_bucket", "", ("le", f64::INFINITY), 2.0)),
            "m_bucket{le=\"+Inf\"} 2\n"
        );
    }

    #[test]
    fn names_follow_the_grammar() {
        assert!(is_metric_name("a:b_1"));
        assert!(!is_label_name("a:b"));
        for bad in ["", "1a", "a-b", "a b", "é"] {
            assert!(!is_metric_name(bad), "{bad}");
        }
    }
}
