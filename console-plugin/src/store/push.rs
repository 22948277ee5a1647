//! Loki's push request, as protobuf (snappy block) or JSON, decoded straight into column builders.
//!
//! Called for each push before it is acknowledged and again when the write-ahead log is read at the start.
//!
//! **Invariant:** pure and deterministic: the same body gives the same rows; memory is bounded by the limits whatever
//! the body claims; a line that cannot be stored is counted and costs only itself.

mod envelope;
mod json_request;
mod labels;
#[cfg(test)]
mod tests;

use super::batch::push_text;
use super::fields::{COLUMNS, FieldId, Kind};
use super::json::{self, Value};
use super::lines::{Lines, Span};

/// How a body is written.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Encoding {
    /// Protobuf, compressed as one snappy block.
    Protobuf = 1,
    Json = 2,
}

impl Encoding {
    pub fn from_byte(byte: u8) -> Option<Self> {
        [Self::Protobuf, Self::Json]
            .into_iter()
            .find(|encoding| *encoding as u8 == byte)
    }
}

/// How often the memory of the lines is looked at, in lines.
const MEMORY_LINES: usize = 256;

/// Bounds of a push.
#[derive(Debug, Clone, Copy)]
pub struct PushLimits {
    /// Of the body after decompression, and of its lines as rows: a line of two bytes may take a place in all columns.
    pub decoded_bytes: usize,
    pub line_bytes: usize,
    pub lines: usize,
    /// Row times that are accepted, Unix milliseconds.
    pub oldest_ms: i64,
    pub newest_ms: i64,
}

/// Why a whole push is refused.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum PushError {
    #[error("the body is {bytes} bytes decompressed, store.limits.pushDecodedBytes allows {limit}")]
    TooLarge { bytes: usize, limit: usize },
    #[error("the body is not a snappy block: {0}")]
    Snappy(String),
    #[error("the body is not a push request: {what} at byte {offset}")]
    Protobuf { what: &'static str, offset: usize },
    #[error("the body is not a JSON push request: {0}")]
    Json(String),
    #[error("the body has more than {limit} lines (store.limits.pushLines)")]
    TooManyLines { limit: usize },
    #[error("the labels {labels:?} are not readable: {what}")]
    Labels { labels: String, what: &'static str },
    #[error(
        "the lines take more than {limit} bytes as rows, which is what store.limits.pushDecodedBytes allows: push fewer at a time"
    )]
    TooMuchMemory { limit: usize },
    #[error("none of the {lines} lines can be stored: line 1: {reason}")]
    NoLine {
        lines: usize,
        reason: String,
        /// By cause in the order of [`LineFault::ALL`].
        faults: [u64; 4],
    },
}

impl PushError {
    pub fn kind(&self) -> &'static str {
        match self {
            Self::TooLarge { .. } | Self::TooMuchMemory { .. } => "too_large",
            Self::Snappy(_) => "snappy",
            Self::Protobuf { .. } => "protobuf",
            Self::Json(_) => "json",
            Self::TooManyLines { .. } => "too_many_lines",
            Self::Labels { .. } => "labels",
            Self::NoLine { .. } => "no_line",
        }
    }
}

/// Why one line is left out.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum LineFault {
    NotJson,
    TooLong,
    TooOld,
    InFuture,
}

impl LineFault {
    pub const ALL: [Self; 4] = [Self::NotJson, Self::TooLong, Self::TooOld, Self::InFuture];

    pub fn label(self) -> &'static str {
        match self {
            Self::NotJson => "not_json",
            Self::TooLong => "too_long",
            Self::TooOld => "too_old",
            Self::InFuture => "in_future",
        }
    }
}

/// A decoded push.
#[derive(Debug, Default)]
pub struct Push {
    pub lines: Lines,
    /// Lines left out, by cause in the order of [`LineFault::ALL`].
    pub faults: [u64; 4],
    /// The first of them, for the log.
    pub first_fault: Option<String>,
    /// Values of the dictionary's fields that are kept as extra fields, because their column holds another type.
    pub mistyped: u64,
}

impl Push {
    fn fault(&mut self, fault: LineFault, reason: impl FnOnce() -> String) {
        self.faults[fault as usize] += 1;
        self.first_fault.get_or_insert_with(reason);
    }
}

/// Decodes a body. Refused only if the request itself is not readable or none of its lines can be stored.
/// `lines` is empty; it is handed in so that its memory can be used again.
pub fn decode(
    encoding: Encoding,
    body: &[u8],
    limits: &PushLimits,
    lines: Lines,
) -> Result<Push, PushError> {
    let push = Push {
        lines,
        ..Push::default()
    };
    let mut decoder = Decoder {
        limits,
        push,
        lines: 0,
        known_labels: Vec::new(),
        label_time: None,
        other_labels: String::new(),
        extra: String::new(),
        follower: vec![0; COLUMNS.all.len() + 1],
        label_follower: vec![0; COLUMNS.all.len() + 1],
        last_label: COLUMNS.all.len(),
    };
    match encoding {
        Encoding::Protobuf => envelope::protobuf(body, &mut decoder)?,
        Encoding::Json => json_request::read(body, &mut decoder)?,
    }
    decoder.check_memory()?;
    match decoder.push {
        Push {
            lines,
            first_fault: Some(reason),
            faults,
            ..
        } if lines.len == 0 => Err(PushError::NoLine {
            lines: decoder.lines,
            reason,
            faults,
        }),
        push => Ok(push),
    }
}

/// Receives the parts of an envelope in order.
struct Decoder<'a> {
    limits: &'a PushLimits,
    push: Push,
    lines: usize,
    /// Labels of the stream whose lines follow, in the columns that hold them.
    known_labels: Vec<(FieldId, LabelValue)>,
    /// The label that is the time of its lines: they are judged by it.
    label_time: Option<i64>,
    /// Those that no column is for, as members of a JSON object.
    other_labels: String,
    /// Members of the line at hand that no column holds.
    extra: String,
    /// The column whose field came after that of each column last time: lines of one writer have one order.
    follower: Vec<FieldId>,
    /// The same for labels, and the label at hand.
    label_follower: Vec<FieldId>,
    last_label: FieldId,
}

#[derive(Debug)]
enum LabelValue {
    Int(i64),
    Text(Span),
}

/// The column of a field's name, to be expected after `previous` from now on.
fn column_of(follower: &mut [FieldId], previous: FieldId, key: &str) -> Option<FieldId> {
    let guess = follower[previous];
    if COLUMNS.all[guess].name == key {
        return Some(guess);
    }
    let found = COLUMNS.field(key)?;
    follower[previous] = found;
    Some(found)
}

/// How the member after that of a column probably begins.
fn expected_after(follower: &[FieldId], previous: FieldId) -> &'static str {
    COLUMNS.all[follower[previous]].member
}

impl Decoder<'_> {
    fn begin_stream(&mut self) {
        self.known_labels.clear();
        self.label_time = None;
        self.other_labels.clear();
        self.last_label = COLUMNS.all.len();
    }

    /// How the next label probably begins.
    fn expected_label(&self) -> &'static str {
        COLUMNS.all[self.label_follower[self.last_label]].label
    }

    /// An empty label is a missing one.
    fn label(&mut self, name: &str, value: &str) {
        if value.is_empty() {
            return;
        }
        let lines = &mut self.push.lines;
        let id = column_of(&mut self.label_follower, self.last_label, name);
        self.last_label = id.unwrap_or(self.last_label);
        let known = id.and_then(|id| match COLUMNS.all[id].kind {
            Kind::Text => Some((id, LabelValue::Text(lines.keep(value)))),
            Kind::Int => value.parse().ok().map(|value| (id, LabelValue::Int(value))),
            Kind::Json => None,
        });
        match known {
            Some((id, LabelValue::Int(time))) if id == COLUMNS.time => self.label_time = Some(time),
            Some(known) => self.known_labels.push(known),
            None => member(&mut self.other_labels, name, |json| push_text(json, value)),
        }
    }

    fn end_stream(&mut self) {
        if !self.other_labels.is_empty() {
            self.other_labels.push('}');
            let span = self.push.lines.keep(&self.other_labels);
            self.known_labels
                .push((COLUMNS.labels, LabelValue::Text(span)));
        }
    }

    fn check_memory(&self) -> Result<(), PushError> {
        let limit = self.limits.decoded_bytes;
        if self.push.lines.memory() > limit {
            return Err(PushError::TooMuchMemory { limit });
        }
        Ok(())
    }

    fn line(&mut self, line: &[u8], time_ms: i64) -> Result<(), PushError> {
        self.lines += 1;
        if self.lines > self.limits.lines {
            return Err(PushError::TooManyLines {
                limit: self.limits.lines,
            });
        }
        if self.lines.is_multiple_of(MEMORY_LINES) {
            self.check_memory()?;
        }
        if line.len() > self.limits.line_bytes {
            let limit = self.limits.line_bytes;
            self.push.fault(LineFault::TooLong, || {
                format!(
                    "it has {} bytes, store.limits.lineBytes allows {limit}",
                    line.len()
                )
            });
            return Ok(());
        }
        let Self {
            push: Push {
                lines, mistyped, ..
            },
            extra,
            follower,
            ..
        } = self;
        extra.clear();
        let mut previous = COLUMNS.all.len();
        let mut row_time = None;
        let outcome = match std::str::from_utf8(line) {
            Err(error) => Err(format!("UTF-8 expected at byte {}", error.valid_up_to())),
            Ok(line) => json::guided(
                line,
                expected_after(follower, previous),
                |key, value, json| {
                    let id = match key {
                        None => Some(follower[previous]),
                        Some(key) => column_of(follower, previous, key),
                    };
                    previous = id.unwrap_or(previous);
                    let is_kept = id.is_some_and(|id| match (COLUMNS.all[id].kind, &value) {
                        (Kind::Int, Value::Int(number)) => {
                            if id == COLUMNS.time {
                                row_time = Some(*number);
                            }
                            lines.set_int(id, *number)
                        }
                        (Kind::Text, Value::Text(text)) => lines.set_text(id, text),
                        // A label is answered as text, which a list or an object is not.
                        (Kind::Json, Value::Text(_)) => false,
                        (Kind::Json, _) => json != "null" && lines.set_text(id, json),
                        _ => false,
                    });
                    if !is_kept && json != "null" {
                        *mistyped += u64::from(id.is_some());
                        let name = key
                            .or(id.map(|id| COLUMNS.all[id].name))
                            .unwrap_or_default();
                        member(extra, name, |object| object.push_str(json));
                    }
                    expected_after(follower, previous)
                },
            )
            .map_err(|error| error.to_string()),
        };
        let time = self.label_time.or(row_time).unwrap_or(time_ms);
        let fault = match outcome {
            Err(reason) => Some((LineFault::NotJson, reason)),
            Ok(()) if time < self.limits.oldest_ms => Some((
                LineFault::TooOld,
                format!("its time {time} is older than store.retention.age"),
            )),
            Ok(()) if time > self.limits.newest_ms => Some((
                LineFault::InFuture,
                format!("its time {time} is further ahead than store.limits.future"),
            )),
            Ok(()) => None,
        };
        if let Some((fault, reason)) = fault {
            lines.undo();
            self.push.fault(fault, || reason);
            return Ok(());
        }
        lines.set_int(COLUMNS.time, time);
        for (id, value) in &self.known_labels {
            match value {
                LabelValue::Int(value) => drop(lines.set_int(*id, *value)),
                LabelValue::Text(span) => lines.set_kept(*id, *span),
            }
        }
        if !extra.is_empty() {
            extra.push('}');
            lines.set_text(COLUMNS.extra, extra);
        }
        lines.end();
        Ok(())
    }
}

/// Adds a member to a JSON object that is begun with the first.
fn member(object: &mut String, key: &str, value: impl FnOnce(&mut String)) {
    object.push(if object.is_empty() { '{' } else { ',' });
    push_text(object, key);
    object.push(':');
    value(object);
}
