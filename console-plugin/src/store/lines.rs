//! The lines of a push, decoded: numbers by column, texts as spans of one buffer. Nothing is looked up here: that is
//! done once, column by column, when the lines are appended to the head, where a column's dictionary stays in the
//! processor's cache for all lines of a push.
//!
//! Filled by the push decoder, read by [`super::rows::Rows::append`].
//!
//! **Invariant:** a column that no line has costs nothing; all columns read as having `len` rows whatever was set.

use super::fields::{COLUMNS, FieldId, Kind};
use super::words::is_equal;

/// Stands for a missing number, so that a number takes eight bytes; a line that really has it keeps it as an extra
/// field.
pub const NO_VALUE: i64 = i64::MIN;

/// A text: its place in the buffer.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Span {
    start: u32,
    length: u32,
}

impl Span {
    /// A missing text.
    pub const NONE: Self = Self {
        start: 0,
        length: u32::MAX,
    };
}

/// Decoded lines.
#[derive(Debug)]
pub struct Lines {
    pub len: usize,
    pub columns: Vec<LineColumn>,
    bytes: Vec<u8>,
    /// For the decompressed push while it is decoded.
    buffer: Vec<u8>,
}

/// The values of one column, one per line up to the last that has one.
#[derive(Debug)]
pub enum LineColumn {
    Ints(Vec<i64>),
    Texts(Vec<Span>),
}

impl Default for Lines {
    fn default() -> Self {
        let columns = COLUMNS.all.iter().map(|column| match column.kind {
            Kind::Int => LineColumn::Ints(Vec::new()),
            Kind::Text | Kind::Json => LineColumn::Texts(Vec::new()),
        });
        Self {
            len: 0,
            columns: columns.collect(),
            bytes: Vec::new(),
            buffer: Vec::new(),
        }
    }
}

impl Lines {
    /// Sets a number of the line at hand (the one at `len`). False if the column cannot hold it. A second value of the
    /// same line replaces the first.
    pub fn set_int(&mut self, id: FieldId, value: i64) -> bool {
        match &mut self.columns[id] {
            LineColumn::Ints(values) if value != NO_VALUE => {
                fit(values, self.len, NO_VALUE);
                values.push(value);
                true
            }
            _ => false,
        }
    }

    /// Sets a text of the line at hand. False if the column is one of numbers.
    pub fn set_text(&mut self, id: FieldId, value: &str) -> bool {
        let LineColumn::Texts(spans) = &mut self.columns[id] else {
            return false;
        };
        fit(spans, self.len, Span::NONE);
        // Neighbours often agree.
        let previous = spans.last().copied().unwrap_or(Span::NONE);
        let is_same =
            previous != Span::NONE && is_equal(text(&self.bytes, previous), value.as_bytes());
        spans.push(if is_same {
            previous
        } else {
            add(&mut self.bytes, value)
        });
        true
    }

    /// Keeps a text that is to be set in several lines.
    pub fn keep(&mut self, value: &str) -> Span {
        add(&mut self.bytes, value)
    }

    /// Sets a text that was kept.
    pub fn set_kept(&mut self, id: FieldId, span: Span) {
        if let LineColumn::Texts(spans) = &mut self.columns[id] {
            fit(spans, self.len, Span::NONE);
            spans.push(span);
        }
    }

    /// Takes back what was set in the line at hand.
    pub fn undo(&mut self) {
        for column in &mut self.columns {
            match column {
                LineColumn::Ints(values) => values.truncate(self.len),
                LineColumn::Texts(spans) => spans.truncate(self.len),
            }
        }
    }

    /// Ends the line at hand.
    pub fn end(&mut self) {
        self.len += 1;
    }

    /// The text of a span that is not [`Span::NONE`].
    pub fn text(&self, span: Span) -> &[u8] {
        text(&self.bytes, span)
    }

    /// First and last time; every line has one.
    pub fn time_bounds(&self) -> Option<(i64, i64)> {
        let LineColumn::Ints(times) = &self.columns[COLUMNS.time] else {
            return None;
        };
        Some((*times.iter().min()?, *times.iter().max()?))
    }

    /// A buffer to decompress into, of any length and content, to be handed back.
    pub fn take_buffer(&mut self) -> Vec<u8> {
        std::mem::take(&mut self.buffer)
    }

    pub fn keep_buffer(&mut self, buffer: Vec<u8>) {
        self.buffer = buffer;
    }

    /// Forgets all lines and keeps the memory.
    pub fn clear(&mut self) {
        self.len = 0;
        self.bytes.clear();
        for column in &mut self.columns {
            match column {
                LineColumn::Ints(values) => values.clear(),
                LineColumn::Texts(spans) => spans.clear(),
            }
        }
    }

    /// Bytes kept when all lines are forgotten, roughly.
    pub fn kept_memory(&self) -> usize {
        self.memory() + self.buffer.len()
    }

    /// Bytes of the lines, roughly.
    pub fn memory(&self) -> usize {
        let of = |column: &LineColumn| match column {
            LineColumn::Ints(values) => values.len() * size_of::<i64>(),
            LineColumn::Texts(spans) => spans.len() * size_of::<Span>(),
        };
        self.columns.iter().map(of).sum::<usize>() + self.bytes.len()
    }
}

/// Makes a column `len` long, which it nearly always is.
#[inline]
fn fit<T: Clone>(column: &mut Vec<T>, len: usize, missing: T) {
    if column.len() != len {
        column.resize(len, missing);
    }
}

/// Places fit: a push is at most 1 GiB (`store.limits.pushDecodedBytes`), and the buffer holds little more than it.
fn add(bytes: &mut Vec<u8>, value: &str) -> Span {
    let start = bytes.len() as u32;
    bytes.extend_from_slice(value.as_bytes());
    Span {
        start,
        length: value.len() as u32,
    }
}

fn text(bytes: &[u8], span: Span) -> &[u8] {
    &bytes[span.start as usize..][..span.length as usize]
}
