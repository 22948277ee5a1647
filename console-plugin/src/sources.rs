//! Where answers come from, behind one narrow interface. There is the built-in store; a further
//! source is a further file here and a further translation in `query`.
//!
//! Called by `api`. **Invariant:** a source bounds its own work (queries at once, time per query) and
//! stops working when the caller is gone.

pub mod store;

use std::future::Future;
use std::pin::Pin;

use tokio::sync::OwnedSemaphorePermit;

use crate::query::BadRequest;
use crate::query::plan::{MetricsPlan, RecordsPlan, ValuesPlan};
pub use crate::store::Refusal;
pub use crate::store::query::{Record, Series, ValueCount};

/// A future answer.
pub type Answer<'a, T> = Pin<Box<dyn Future<Output = Result<T, SourceError>> + Send + 'a>>;

/// A place among the queries at once. An answer keeps it until its bytes are made, since until then its memory is taken.
#[derive(Debug, Default)]
pub struct Place {
    _permit: Option<OwnedSemaphorePermit>,
}

impl From<OwnedSemaphorePermit> for Place {
    fn from(permit: OwnedSemaphorePermit) -> Self {
        Self {
            _permit: Some(permit),
        }
    }
}

/// What a query cost.
#[derive(Debug, Clone, Copy, Default, PartialEq)]
pub struct Cost {
    /// Rows looked at.
    pub rows_scanned: u64,
    /// Files looked at.
    pub files: u64,
    /// Seconds.
    pub seconds: f64,
}

/// The newest rows.
#[derive(Debug)]
pub struct Records {
    /// Newest first.
    pub records: Vec<Record>,
    /// There may be more rows than these.
    pub is_limited: bool,
    /// What it cost.
    pub cost: Cost,
    /// Its place.
    pub place: Place,
}

/// Series over time.
#[derive(Debug)]
pub struct Matrix {
    /// One per group.
    pub series: Vec<Series>,
    /// What it cost.
    pub cost: Cost,
    /// Its place.
    pub place: Place,
}

/// Values of a field.
#[derive(Debug)]
pub struct Values {
    /// Most frequent first.
    pub values: Vec<ValueCount>,
    /// There are more values than these.
    pub is_limited: bool,
}

/// Limits a source works under, as shown to the user.
#[derive(Debug, Clone, Copy)]
pub struct SourceLimits {
    /// Rows of one answer.
    pub records_max: usize,
    /// Seconds of one query.
    pub query_timeout_s: f64,
    /// Seconds a row is kept.
    pub retention_s: f64,
}

/// Something that holds flows.
pub trait Source: Send + Sync + 'static {
    /// The newest rows.
    fn records(&self, plan: RecordsPlan) -> Answer<'_, Records>;
    /// Series over time.
    fn metrics(&self, plan: MetricsPlan) -> Answer<'_, Matrix>;
    /// Distinct values of a field.
    fn values(&self, plan: ValuesPlan) -> Answer<'_, Values>;
    /// What it is bounded by.
    fn limits(&self) -> SourceLimits;
    /// Why it does not work as it should, if so; it may still answer.
    fn fault(&self) -> Option<String>;
    /// Why it takes no flows now, if so; it answers all the same.
    fn refusal(&self) -> Option<Refusal>;
    /// Intervals of which it has lost flows that it had, nobody knows how many: from and to, Unix milliseconds.
    fn damaged(&self) -> Vec<(i64, i64)>;
}

/// Why a source has no answer. Texts are those a ready Loki behind the API would cause.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum SourceError {
    /// The request cannot be asked.
    #[error("{0}")]
    BadRequest(#[from] BadRequest),
    /// The source refused; the number is the one its own answer would carry.
    #[error("Error from Loki query: [{status}] Loki message: {message}")]
    Refused {
        /// Its status.
        status: u16,
        /// Its text.
        message: String,
    },
    /// The source cannot work now.
    #[error("{0}")]
    Unavailable(String),
}

impl SourceError {
    /// The text where values of a label were asked for: without the number of a query.
    pub fn label_text(&self) -> String {
        match self {
            Self::Refused { message, .. } => format!("Loki message: {message}"),
            other => other.to_string(),
        }
    }

    /// Status towards the client: what a source refuses is a bad request, whatever its own number.
    pub fn status(&self) -> u16 {
        match self {
            Self::BadRequest(_) | Self::Refused { .. } => 400,
            Self::Unavailable(_) => 503,
        }
    }
}
