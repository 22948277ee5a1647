//! Records moved together.

use super::Record;

/// Records in one batch at most: small enough that a batch stays in a core's second-level cache while the
/// stages of a chain pass over it.
pub const BATCH_RECORDS_MAX: usize = 512;
/// Memory of one record in the bound of a queue, in bytes: what takes more counts as several records. An agent's
/// flow takes half of it, one with every feature all of it.
pub const RECORD_MEMORY: usize = 1 << 10;

/// Records moved together, in order of arrival. Branches share a batch behind an `Arc`.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Batch {
    /// The records, at most [`BATCH_RECORDS_MAX`] from our own ingesters.
    pub records: Vec<Record>,
    /// Bytes they took when they came in.
    memory: usize,
}

impl Batch {
    /// Records that take `memory` bytes together, with what they share and their texts.
    pub const fn with_memory(records: Vec<Record>, memory: usize) -> Self {
        Self { records, memory }
    }

    /// Adds a record that takes `memory` bytes.
    pub fn push(&mut self, record: Record, memory: usize) {
        self.records.push(record);
        self.memory += memory;
    }

    /// Number of records.
    pub fn len(&self) -> usize {
        self.records.len()
    }

    /// Whether there is no record.
    pub fn is_empty(&self) -> bool {
        self.records.is_empty()
    }

    /// What it counts in a queue: its records, or more if they take more than [`RECORD_MEMORY`] each. Records that a
    /// filter removed give no memory back before the batch is gone.
    pub fn weight(&self) -> usize {
        self.len().max(self.memory.div_ceil(RECORD_MEMORY))
    }
}

impl From<Vec<Record>> for Batch {
    fn from(records: Vec<Record>) -> Self {
        let memory = records.iter().map(Record::memory).sum();
        Self { records, memory }
    }
}
