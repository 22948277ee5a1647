//! Lines grouped by stream while a batch is open, and the message it becomes.
//!
//! Entries are kept as protobuf from the start, so that closing a batch copies each stream once and compresses.
//! The message is `PushRequest{streams=1 {labels=1, entries=2 {timestamp=1 {seconds=1, nanos=2}, line=2}}}`.
//! **Invariant:** within a stream the entries keep their order of arrival.

use std::time::Instant;

use bytes::Bytes;
use hashbrown::HashTable;

use crate::metrics::family::LabelHasher;

/// Wire type 2 (length and bytes) of fields 1 and 2; wire type 0 (number) of the same.
const BYTES_1: u8 = 0x0a;
const BYTES_2: u8 = 0x12;
const NUMBER_1: u8 = 0x08;
const NUMBER_2: u8 = 0x10;

/// A batch ready to be pushed.
#[derive(Clone, Debug)]
pub struct Push {
    pub tenant: Option<String>,
    /// The compressed message.
    pub body: Bytes,
    pub entries: u64,
}

struct Stream {
    labels: String,
    hash: u64,
    entries: Vec<u8>,
}

/// A batch that still takes lines.
pub struct OpenBatch {
    tenant: Option<String>,
    opened: Instant,
    index: HashTable<u32>,
    streams: Vec<Stream>,
    hasher: LabelHasher,
    line_bytes: usize,
    entries: u64,
}

impl OpenBatch {
    pub fn new(tenant: Option<String>, opened: Instant, hasher: LabelHasher) -> Self {
        Self {
            tenant,
            opened,
            index: HashTable::new(),
            streams: Vec::new(),
            hasher,
            line_bytes: 0,
            entries: 0,
        }
    }

    pub fn tenant(&self) -> Option<&str> {
        self.tenant.as_deref()
    }

    pub fn opened(&self) -> Instant {
        self.opened
    }

    /// Whether a line of this length may be added to a batch of at most `size`; a first line always may.
    pub fn has_room(&self, line: usize, size: usize) -> bool {
        self.entries == 0 || self.line_bytes + line <= size
    }

    /// Adds a line to the stream of these labels.
    pub fn add(&mut self, labels: &str, timestamp: (i64, i32), line: &str) {
        let hash = self.hasher.hash(labels);
        let streams = &mut self.streams;
        let found = self
            .index
            .find(hash, |&at| streams[at as usize].labels == labels)
            .copied();
        let at = found.unwrap_or_else(|| {
            let at = streams.len() as u32;
            streams.push(Stream {
                labels: labels.into(),
                hash,
                entries: Vec::new(),
            });
            self.index
                .insert_unique(hash, at, |&other| streams[other as usize].hash);
            at
        });
        entry(&mut self.streams[at as usize].entries, timestamp, line);
        self.line_bytes += line.len();
        self.entries += 1;
    }

    /// Closes the batch. Uses the processor for some milliseconds per 10 MB.
    pub fn close(self) -> Push {
        let mut message = Vec::with_capacity(
            self.streams
                .iter()
                .map(Stream::message_len)
                .map(prefixed)
                .sum(),
        );
        for stream in &self.streams {
            message.push(BYTES_1);
            varint(&mut message, stream.message_len() as u64);
            message.push(BYTES_1);
            varint(&mut message, stream.labels.len() as u64);
            message.extend_from_slice(stream.labels.as_bytes());
            message.extend_from_slice(&stream.entries);
        }
        let mut body = vec![0; snap::raw::max_compress_len(message.len())];
        // Fails only beyond 4 GiB or into too short a buffer; then an empty body is refused and counted.
        let length = snap::raw::Encoder::new()
            .compress(&message, &mut body)
            .unwrap_or(0);
        Push {
            tenant: self.tenant,
            body: Bytes::copy_from_slice(&body[..length]),
            entries: self.entries,
        }
    }
}

impl Stream {
    fn message_len(&self) -> usize {
        prefixed(self.labels.len()) + self.entries.len()
    }
}

/// Length of a field with `length` bytes of content, key and length included.
fn prefixed(length: usize) -> usize {
    1 + varint_len(length as u64) + length
}

/// Appends one `entries` field.
fn entry(out: &mut Vec<u8>, (seconds, nanos): (i64, i32), line: &str) {
    // Negative numbers are ten bytes long; the remainder is never negative.
    let timestamp = 1 + varint_len(seconds as u64) + 1 + varint_len(nanos as u64);
    out.push(BYTES_2);
    varint(out, (prefixed(timestamp) + prefixed(line.len())) as u64);
    out.push(BYTES_1);
    varint(out, timestamp as u64);
    out.push(NUMBER_1);
    varint(out, seconds as u64);
    out.push(NUMBER_2);
    varint(out, nanos as u64);
    out.push(BYTES_2);
    varint(out, line.len() as u64);
    out.extend_from_slice(line.as_bytes());
}

fn varint(out: &mut Vec<u8>, mut value: u64) {
    while value >= 0x80 {
        out.push(value as u8 | 0x80);
        value >>= 7;
    }
    out.push(value as u8);
}

const fn varint_len(value: u64) -> usize {
    ((63 - (value | 1).leading_zeros() as usize) / 7) + 1
}

#[cfg(test)]
mod tests;
