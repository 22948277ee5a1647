//! What can be asked of the store and what it answers: plain data, no arrow, no I/O.
//!
//! The planner of the API builds these, the executor reads them.
//!
//! **Invariant:** values arrive here already parsed; nothing in this file is ever turned into a query text.

use std::net::IpAddr;
use std::time::{Duration, Instant};

use ipnet::IpNet;
use tokio_util::sync::CancellationToken;

/// A span of row times (`TimeFlowEndMs`), Unix milliseconds: `start_ms <= time < end_ms`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct TimeRange {
    pub start_ms: i64,
    pub end_ms: i64,
}

impl TimeRange {
    /// Everything the store holds.
    pub const ALL: Self = Self {
        start_ms: i64::MIN,
        end_ms: i64::MAX,
    };

    pub fn contains(self, time_ms: i64) -> bool {
        self.start_ms <= time_ms && time_ms < self.end_ms
    }

    /// Whether some time of `min_ms..=max_ms` lies in the range.
    pub fn touches(self, min_ms: i64, max_ms: i64) -> bool {
        self.start_ms <= max_ms && min_ms < self.end_ms
    }
}

/// A condition on a row. Two-valued: a test of a field that the row lacks is false, and its negation true.
#[derive(Debug, Clone, PartialEq)]
pub enum Filter {
    /// All of them; empty is true.
    And(Vec<Filter>),
    /// Any of them; empty is false.
    Or(Vec<Filter>),
    Not(Box<Filter>),
    /// `field` may be any name; one that the dictionary lacks is looked for among the row's unknown fields and labels.
    Match {
        field: String,
        test: Test,
    },
}

impl Filter {
    /// True for every row.
    pub const TRUE: Self = Self::And(Vec::new());

    pub fn matches(field: &str, test: Test) -> Self {
        Self::Match {
            field: field.to_owned(),
            test,
        }
    }

    /// The row has the field (an empty text counts as present).
    pub fn present(field: &str) -> Self {
        Self::matches(field, Test::Present)
    }

    pub fn equals(field: &str, value: &str) -> Self {
        Self::matches(field, Test::Equals(value.to_owned()))
    }

    /// The row lacks the field or its text is empty: what a label matcher `field=""` means.
    pub fn empty_or_missing(field: &str) -> Self {
        Self::Or(vec![Self::present(field).negate(), Self::equals(field, "")])
    }

    #[must_use]
    pub fn negate(self) -> Self {
        Self::Not(Box::new(self))
    }
}

/// What a value is compared with. A number is compared by its decimal text, except where said; a list passes when one
/// of its elements does.
#[derive(Debug, Clone, PartialEq)]
pub enum Test {
    Present,
    /// The whole text is equal; for a number the value is equal (`080` is 80).
    Equals(String),
    /// The whole text fits the pattern, in which `*` stands for any text and nothing else is special.
    Glob {
        pattern: String,
        ignore_case: bool,
    },
    /// The regular expression (syntax of the `regex` crate, limited in size) matches somewhere in the text.
    Regex(String),
    /// A number (or a text that is a decimal integer) that is at least this.
    AtLeast(i64),
    /// An IP address in the network.
    InNetwork(IpNet),
    /// An IP address from the first to the second, both included.
    InAddresses(IpAddr, IpAddr),
}

/// The newest rows of a range.
#[derive(Debug, Clone, PartialEq)]
pub struct RecordsQuery {
    pub range: TimeRange,
    pub filter: Filter,
    /// Rows to answer at most; the store has its own upper bound (`store.limits.records`).
    pub limit: usize,
}

/// One row. Labels and line together hold every field that was pushed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Record {
    pub time_ms: i64,
    /// Stream labels, sorted by name: the label fields of the dictionary and unknown labels of the push.
    pub labels: Vec<(String, String)>,
    /// All other fields as one JSON object, in the dictionary's order, unknown fields last.
    pub line: String,
}

/// Newest first; rows of equal time in no particular but stable order.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RecordsAnswer {
    pub records: Vec<Record>,
    pub stats: QueryStats,
}

/// How the values of a group within one step become one number.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Function {
    /// Sum of the value field per second of `range_ms`; without a value field rows per second.
    Rate,
    /// Rows, whatever the value field.
    Count,
    Sum,
    Avg,
    Min,
    Max,
    /// The quantile, interpolated linearly between neighbours.
    P90,
    P99,
}

/// Series of numbers: one per group, one sample per step in which the group has a row.
#[derive(Debug, Clone, PartialEq)]
pub struct AggregateQuery {
    /// First step, Unix milliseconds.
    pub start_ms: i64,
    /// Last step at the latest (included), Unix milliseconds.
    pub end_ms: i64,
    pub step_ms: i64,
    /// The sample at step `t` covers row times in `(t - range_ms, t]`.
    pub range_ms: i64,
    pub filter: Filter,
    /// Fields to group by; a list counts with its first element. Empty: one group of all rows.
    pub group_by: Vec<String>,
    pub function: Function,
    /// Number that is aggregated; rows without it do not count. `None` counts rows (for `Rate` and `Count`).
    pub value_field: Option<String>,
    /// The sum, rate, ... is multiplied by this.
    pub factor: f64,
    /// Groups kept per step: those of the highest value, for `Min` of the lowest.
    pub top_k: usize,
}

/// One group. A field that its rows lack is absent from `labels`, as an empty label is in `LogQL`.
#[derive(Debug, Clone, PartialEq)]
pub struct Series {
    /// Sorted by name.
    pub labels: Vec<(String, String)>,
    /// `(step time in Unix milliseconds, value)`, ascending.
    pub samples: Vec<(i64, f64)>,
}

#[derive(Debug, Clone, PartialEq)]
pub struct AggregateAnswer {
    /// Sorted by labels.
    pub series: Vec<Series>,
    pub stats: QueryStats,
}

/// Distinct values of a field (of a list: its elements) with how many rows have them.
#[derive(Debug, Clone, PartialEq)]
pub struct ValuesQuery {
    pub field: String,
    /// Only values that begin with this, letters' case ignored.
    pub prefix: String,
    pub range: TimeRange,
    pub filter: Filter,
    pub limit: usize,
}

#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ValueCount {
    pub value: String,
    pub count: u64,
}

/// Most frequent first, equal counts by value. The empty text is not a value.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ValuesAnswer {
    pub values: Vec<ValueCount>,
    /// More values exist than the limit let through.
    pub is_limited: bool,
    pub stats: QueryStats,
}

/// What a query cost.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct QueryStats {
    pub files: u64,
    pub row_groups: u64,
    pub row_groups_pruned: u64,
    pub rows_scanned: u64,
    pub rows_matched: u64,
    pub elapsed_us: u64,
}

/// When to give a query up.
#[derive(Debug, Clone)]
pub struct Control {
    pub deadline: Instant,
    /// Cancelled when nobody waits for the answer any more.
    pub cancel: CancellationToken,
}

impl Control {
    /// A query that nobody cancels.
    pub fn within(time: Duration) -> Self {
        Self {
            deadline: Instant::now() + time,
            cancel: CancellationToken::new(),
        }
    }
}
