//! Loss counters in a Prometheus metrics page.
//!
//! **Invariant:** only counters that mean lost records are taken, each with its cause, of which [`unit_of`] knows what was
//! counted; a line that is not understood is passed over.

use std::collections::BTreeMap;
use std::time::Instant;

use super::Unit;

/// Counters of lost records: name (the agent's prefix is configurable, so only its end) and labels
/// that make up the cause.
const COUNTERS: [(&str, &[&str]); 4] = [
    ("dropped_flows_total", &["source", "reason"]),
    (
        "netobserv_pipeline_records_dropped_total",
        &["stage", "cause"],
    ),
    ("netobserv_store_lines_refused_total", &["cause"]),
    (DAMAGED, &[]),
];
/// Pushes whose number of records nobody can tell any more.
const DAMAGED: &str = "netobserv_store_damaged_frames_total";
const DAMAGED_CAUSE: &str = "damaged log";
/// What the agent's kernel programs lose, all of it packets but for [`READ_FAILED`].
const KERNEL: &str = "flow-fetcher";
/// Flows that no eviction could read.
const READ_FAILED: &str = "CannotReadFlowsHashMap";
/// Answers of DNS that were not matched to their queries: the packets are counted in their flows, so no record is lost.
const DNS_ONLY: &str = "CannotUpdateDNSHashMap";
/// When the process started, as all Prometheus clients say it.
const START_TIME: &str = "process_start_time_seconds";
/// Between the parts of a cause.
const SEPARATOR: &str = ": ";
/// Causes of one page.
const CAUSES_MAX: usize = 1000;

/// What a metrics page says.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Page {
    /// Totals by cause.
    pub totals: BTreeMap<String, u64>,
    /// Start of the process, Unix seconds, where it is told.
    pub started_s: Option<f64>,
    /// Where its start and the time of its answer are told.
    pub age: Option<Age>,
}

/// How long a process had been running when it answered, both times by its own clock.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Age {
    /// Whole seconds: more is not told of the time of an answer.
    pub seconds: f64,
    /// When that was, by a clock that nobody sets.
    pub read_at: Instant,
}

/// Reads a page in text format, with or without OpenMetrics' additions.
pub fn parse(page: &str) -> Page {
    let mut result = Page::default();
    for line in page.lines().filter(|line| !line.starts_with('#')) {
        let Some(sample) = Sample::parse(line) else {
            continue;
        };
        if sample.name == START_TIME {
            result.started_s = Some(sample.value);
            continue;
        }
        let Some((counter, labels)) = COUNTERS
            .iter()
            .find(|(name, _)| sample.name.ends_with(name))
        else {
            continue;
        };
        let parts: Vec<&str> = labels
            .iter()
            .filter_map(|label| sample.labels.iter().find(|(name, _)| name == label))
            .map(|(_, value)| value.as_str())
            .filter(|value| !value.is_empty())
            .collect();
        if parts == [KERNEL, DNS_ONLY] {
            continue;
        }
        let cause = if *counter == DAMAGED {
            DAMAGED_CAUSE.to_owned()
        } else if parts.is_empty() {
            "unknown".to_owned()
        } else {
            parts.join(SEPARATOR)
        };
        if result.totals.len() < CAUSES_MAX || result.totals.contains_key(&cause) {
            *result.totals.entry(cause).or_default() += sample.value as u64;
        }
    }
    result
}

/// What was counted of a cause.
pub fn unit_of(cause: &str) -> Unit {
    match cause.split_once(SEPARATOR) {
        Some((KERNEL, reason)) if reason != READ_FAILED => Unit::Packets,
        None if cause == DAMAGED_CAUSE => Unit::Pushes,
        _ => Unit::Records,
    }
}

struct Sample<'a> {
    name: &'a str,
    labels: Vec<(&'a str, String)>,
    value: f64,
}

impl<'a> Sample<'a> {
    fn parse(line: &'a str) -> Option<Self> {
        let name_end = line.find(['{', ' '])?;
        let name = &line[..name_end];
        let mut rest = &line[name_end..];
        let mut labels = Vec::new();
        if let Some(mut inside) = rest.strip_prefix('{') {
            loop {
                inside = inside.trim_start_matches([',', ' ']);
                if let Some(after) = inside.strip_prefix('}') {
                    rest = after;
                    break;
                }
                let (label, after) = inside.split_once("=\"")?;
                let (value, after) = quoted(after)?;
                labels.push((label, value));
                inside = after;
            }
        }
        let value: f64 = rest.split_ascii_whitespace().next()?.parse().ok()?;
        value.is_finite().then_some(Self {
            name,
            labels,
            value,
        })
    }
}

/// The text up to the closing quote, and what follows it.
fn quoted(text: &str) -> Option<(String, &str)> {
    let mut value = String::new();
    let mut characters = text.char_indices();
    while let Some((index, character)) = characters.next() {
        match character {
            '"' => return Some((value, &text[index + 1..])),
            '\\' => value.push(match characters.next()?.1 {
                'n' => '\n',
                other => other,
            }),
            other => value.push(other),
        }
    }
    None
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lost_records_are_found_by_cause() {
        let page = parse(
            "# HELP netobserv_agent_dropped_flows_total lost\n\
             netobserv_agent_dropped_flows_total{source=\"limiter\",reason=\"full\"} 12\n\
             netobserv_agent_dropped_flows_total{reason=\"a \\\"b\\\"\",source=\"fetcher\"} 3 1700000000\n\
             netobserv_pipeline_records_dropped_total{stage=\"loki\",cause=\"rejected\",} 4e2\n\
             netobserv_agent_dropped_flows_total{source=\"flow-fetcher\",reason=\"CannotCreateFlowsHashMap\"} 50\n\
             netobserv_agent_dropped_flows_total{source=\"flow-fetcher\",reason=\"CannotReadFlowsHashMap\"} 6\n\
             netobserv_agent_dropped_flows_total{source=\"flow-fetcher\",reason=\"CannotUpdateDNSHashMap\"} 1000\n\
             netobserv_agent_evicted_flows_total{source=\"hashmap\"} 99\n\
             netobserv_store_lines_refused_total{cause=\"not JSON\"} 7\n\
             netobserv_store_damaged_frames_total 2\n\
             process_start_time_seconds 1700000000.5\n\
             broken{ 1\n\
             netobserv_pipeline_records_dropped_total{stage=\"x\",cause=\"y\"} NaN\n",
        );
        let totals: Vec<_> = page
            .totals
            .iter()
            .map(|(cause, total)| ((cause.as_str(), unit_of(cause)), *total))
            .collect();
        assert_eq!(
            totals,
            [
                (("damaged log", Unit::Pushes), 2),
                (("fetcher: a \"b\"", Unit::Records), 3),
                (
                    ("flow-fetcher: CannotCreateFlowsHashMap", Unit::Packets),
                    50
                ),
                (("flow-fetcher: CannotReadFlowsHashMap", Unit::Records), 6),
                (("limiter: full", Unit::Records), 12),
                (("loki: rejected", Unit::Records), 400),
                (("not JSON", Unit::Records), 7),
            ]
        );
        assert_eq!(page.started_s, Some(1_700_000_000.5));
    }
}
