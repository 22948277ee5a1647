//! Records moved together.

use super::Record;

/// Records in one batch at most: small enough that a batch stays in a core's second-level cache while the
/// stages of a chain pass over it.
pub const BATCH_RECORDS_MAX: usize = 512;

/// Records moved together, in order of arrival. Branches share a batch behind an `Arc`.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Batch {
    /// The records, at most [`BATCH_RECORDS_MAX`] from our own ingesters.
    pub records: Vec<Record>,
}

impl Batch {
    /// Number of records.
    pub fn len(&self) -> usize {
        self.records.len()
    }

    /// Whether there is no record.
    pub fn is_empty(&self) -> bool {
        self.records.is_empty()
    }
}

impl From<Vec<Record>> for Batch {
    fn from(records: Vec<Record>) -> Self {
        Self { records }
    }
}
