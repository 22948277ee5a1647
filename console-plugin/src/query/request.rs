//! What a request asks, as types: the parameters with their defaults and their error texts.
//!
//! **Invariant:** the clock is an argument; a request means the same whenever it is read with the
//! same `now`.

use super::BadRequest;
use super::excerpt;
use super::filter::{self, Group};
use super::parameters::Parameters;
use crate::config::duration;

/// Range of a request that gives none, as a ready Loki has it.
const DEFAULT_RANGE_S: i64 = 3600;
/// Times beyond this (year 2262) do not fit nanoseconds.
const SECONDS_MAX: i64 = i64::MAX / 1_000_000_000;
/// Defaults of the metrics request.
const RATE_INTERVAL: &str = "1m";
const STEP: &str = "30s";

/// Which records of conversation tracking are meant.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum RecordType {
    /// Plain flows.
    FlowLog,
    /// The first record of a conversation.
    NewConnection,
    /// A record of a living conversation.
    Heartbeat,
    /// The last record of a conversation.
    EndConnection,
    /// All three of a conversation.
    AllConnections,
    /// Everything that is stored; no request asks for it.
    Any,
}

/// Which source may answer a metrics request.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum DataSource {
    /// Any that can.
    Auto,
    /// The one that holds flows.
    Loki,
    /// Prometheus alone.
    Prometheus,
}

/// Which flows are meant, by what was dropped of them.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum PacketLoss {
    /// All flows.
    All,
    /// Nothing got through.
    Dropped,
    /// Something was dropped.
    HasDrops,
    /// Nothing was dropped.
    Sent,
}

/// Function of a metrics request.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Function {
    /// Rows.
    Count,
    /// Sum.
    Sum,
    /// Mean.
    Avg,
    /// Least.
    Min,
    /// Greatest.
    Max,
    /// 90th percentile.
    P90,
    /// 99th percentile.
    P99,
    /// Per second.
    Rate,
}

/// A span in milliseconds: from, included, to, excluded.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Span {
    /// First millisecond.
    pub start_ms: i64,
    /// One past the last millisecond.
    pub end_ms: i64,
    /// The start was given as "this long ago", so that it moves with the clock.
    pub is_relative: bool,
}

/// What all requests about flows share.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct FlowRequest {
    /// When.
    pub span: Span,
    /// How many rows, or how many series per step.
    pub limit: Option<usize>,
    /// Which records.
    pub record_type: RecordType,
    /// Which flows.
    pub packet_loss: PacketLoss,
    /// One namespace only.
    pub namespace: Option<String>,
    /// Filters: any group, all of its conditions.
    pub groups: Vec<Group>,
}

/// A request for series.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct MetricsRequest {
    /// What is shared with records.
    pub flow: FlowRequest,
    /// Who may answer.
    pub data_source: DataSource,
    /// Field to aggregate, or `Flows`, `DnsFlows`.
    pub kind: String,
    /// How.
    pub function: Function,
    /// Aggregation key or field.
    pub aggregate_by: String,
    /// Further aggregation keys, plural, joined by `+`.
    pub groups: String,
    /// Window of rates.
    pub rate_interval_ms: i64,
    /// Distance of samples, and window of everything but rates.
    pub step_ms: i64,
}

impl FlowRequest {
    /// Reads the shared parameters.
    pub fn read(parameters: &Parameters, now_ms: i64) -> Result<Self, BadRequest> {
        Ok(Self {
            span: read_span(parameters, now_ms)?,
            limit: read_limit(parameters.get("limit"))?,
            record_type: match parameters.get("recordType") {
                "" | "flowLog" => RecordType::FlowLog,
                "newConnection" => RecordType::NewConnection,
                "heartbeat" => RecordType::Heartbeat,
                "endConnection" => RecordType::EndConnection,
                "allConnections" => RecordType::AllConnections,
                other => return Err(invalid("record type", other)),
            },
            packet_loss: match parameters.get("packetLoss") {
                "" | "all" => PacketLoss::All,
                "dropped" => PacketLoss::Dropped,
                "hasDrops" => PacketLoss::HasDrops,
                "sent" => PacketLoss::Sent,
                other => return Err(invalid("packet loss", other)),
            },
            namespace: read_namespace(parameters.get("namespace"))?,
            groups: filter::parse(parameters.get("filters"))?,
        })
    }
}

impl MetricsRequest {
    /// Reads all parameters of a metrics request.
    pub fn read(parameters: &Parameters, now_ms: i64) -> Result<Self, BadRequest> {
        let data_source = match parameters.get("dataSource") {
            "" | "auto" => DataSource::Auto,
            "loki" => DataSource::Loki,
            "prom" => DataSource::Prometheus,
            other => return Err(invalid("data source", other)),
        };
        let or = |name, default| {
            Some(parameters.get(name))
                .filter(|v| !v.is_empty())
                .unwrap_or(default)
        };
        let kind = or("type", "Bytes");
        filter::check_key(kind)?;
        let function = match or("function", "rate") {
            "count" => Function::Count,
            "sum" => Function::Sum,
            "avg" => Function::Avg,
            "min" => Function::Min,
            "max" => Function::Max,
            "p90" => Function::P90,
            "p99" => Function::P99,
            "rate" => Function::Rate,
            other => return Err(invalid("metric function", other)),
        };
        let aggregate_by = parameters.get("aggregateBy");
        if aggregate_by.is_empty() {
            return Err(BadRequest::new("aggregateBy parameter is required"));
        }
        filter::check_key(aggregate_by)?;
        Ok(Self {
            flow: FlowRequest::read(parameters, now_ms)?,
            data_source,
            kind: kind.to_owned(),
            function,
            aggregate_by: aggregate_by.to_owned(),
            groups: parameters.get("groups").to_owned(),
            rate_interval_ms: read_duration("rate interval", or("rateInterval", RATE_INTERVAL))?,
            step_ms: read_duration("step", or("step", STEP))?,
        })
    }
}

/// Reads `startTime`, `endTime` and `timeRange`.
pub fn read_span(parameters: &Parameters, now_ms: i64) -> Result<Span, BadRequest> {
    let seconds = |name: &str, what: &str| -> Result<Option<i64>, BadRequest> {
        let text = parameters.get(name);
        if text.is_empty() {
            return Ok(None);
        }
        let number = text
            .parse::<i64>()
            .ok()
            .filter(|number| (0..=SECONDS_MAX).contains(number));
        number.map(Some).ok_or_else(|| {
            let why = if text.bytes().all(|byte| byte.is_ascii_digit()) {
                format!("more than the {SECONDS_MAX} seconds that can be counted, to the year 2262")
            } else {
                "not a number of seconds".to_owned()
            };
            BadRequest::new(format!(
                "Could not parse {what}: \"{}\" is {why}",
                excerpt(text)
            ))
        })
    };
    let start = seconds("startTime", "start time")?;
    let end = seconds("endTime", "end time")?;
    let range = seconds("timeRange", "time range")?;
    // The last second counts as a whole, since the end is excluded.
    let end_ms = end.map_or(now_ms, |end| (end + 1) * 1000);
    let start_ms = match (start, range) {
        (Some(start), _) => start * 1000,
        (None, Some(range)) => now_ms - range * 1000,
        (None, None) => end_ms - DEFAULT_RANGE_S * 1000,
    };
    if start_ms > end_ms {
        return Err(BadRequest::new(
            "Could not parse start time: it is after the end time",
        ));
    }
    Ok(Span {
        start_ms,
        end_ms,
        is_relative: start.is_none(),
    })
}

/// Reads `limit`.
pub fn read_limit(text: &str) -> Result<Option<usize>, BadRequest> {
    if text.is_empty() {
        return Ok(None);
    }
    text.parse()
        .ok()
        .filter(|limit| *limit > 0)
        .map(Some)
        .ok_or_else(|| {
            BadRequest::new(format!(
                "Could not parse limit: \"{}\" is not a positive number",
                excerpt(text)
            ))
        })
}

/// Reads `namespace`.
pub fn read_namespace(text: &str) -> Result<Option<String>, BadRequest> {
    let is_name = |c: char| c.is_ascii_lowercase() || c.is_ascii_digit() || c == '-' || c == '.';
    if !text.chars().all(is_name) {
        return Err(invalid("namespace", text));
    }
    Ok(Some(text.to_owned()).filter(|namespace| !namespace.is_empty()))
}

/// Reads `kind`.
pub fn read_kind(text: &str) -> Result<&str, BadRequest> {
    if text.chars().all(|c| c.is_ascii_alphanumeric()) {
        Ok(text)
    } else {
        Err(invalid("kind", text))
    }
}

fn read_duration(what: &str, text: &str) -> Result<i64, BadRequest> {
    let error = |why: String| BadRequest::new(format!("invalid {what} {}: {why}", excerpt(text)));
    let duration = duration::parse(text).map_err(|source| error(source.to_string()))?;
    match i64::try_from(duration.as_millis()) {
        Ok(milliseconds) if milliseconds > 0 => Ok(milliseconds),
        _ => Err(error("must be at least 1ms".to_owned())),
    }
}

fn invalid(what: &str, value: &str) -> BadRequest {
    BadRequest::new(format!("invalid {what}: {}", excerpt(value)))
}
