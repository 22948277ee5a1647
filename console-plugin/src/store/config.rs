//! The `store:` block of the configuration.
//!
//! **Invariant:** a block of our own, so unknown keys are refused; every limit of the store has its key here.

use std::path::PathBuf;
use std::time::Duration;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::error::Busy;
use crate::config::duration::GoDuration;

const MIB: u64 = 1 << 20;
/// Least `store.retention.bytes`: less deletes what was just stored, and 0 does not mean "no bound".
const RETENTION_BYTES_MIN: u64 = 64 * MIB;
/// Places in a decoded push are 32-bit numbers.
pub const PUSH_DECODED_BYTES_MAX: usize = 1 << 30;

/// Built-in flow store: where it keeps flows, where it is pushed to, and its limits.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct StoreConfig {
    /// Folder of the flows; created if missing.
    pub path: PathBuf,
    /// Address and port of the Loki push API.
    #[serde(default = "default_listen")]
    pub listen: String,
    /// TLS of the push API; none without it.
    #[serde(default)]
    pub tls: Option<StoreTlsConfig>,
    #[serde(default)]
    pub retention: RetentionConfig,
    #[serde(default)]
    pub limits: LimitsConfig,
}

/// Certificate of the push API.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct StoreTlsConfig {
    pub cert_path: PathBuf,
    pub key_path: PathBuf,
    /// Writers must show a certificate of this authority.
    #[serde(default, rename = "clientCAPath")]
    pub client_ca_path: Option<PathBuf>,
}

/// What is kept: a file goes when either bound is passed, oldest first.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields, default)]
pub struct RetentionConfig {
    /// Age of the newest row of a file, such as `168h`.
    pub age: GoDuration,
    /// Bytes of all sealed files together, at least 64 MiB.
    pub bytes: u64,
}

/// Bounds of everything that could grow.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields, default)]
pub struct LimitsConfig {
    /// Bytes of one push as sent.
    pub push_bytes: usize,
    /// Bytes of one push after decompression.
    pub push_decoded_bytes: usize,
    /// Bytes of one line.
    pub line_bytes: usize,
    /// Lines of one push.
    pub push_lines: usize,
    /// Pushes decoded or written at a time; further ones wait.
    pub concurrent_pushes: usize,
    /// Rows in memory that are not sealed yet; above it pushes are answered 503.
    pub head_rows: usize,
    /// Rows after which a segment of the write-ahead log is sealed into files.
    pub segment_rows: usize,
    /// Bytes after which a segment of the write-ahead log is sealed into files.
    pub segment_bytes: u64,
    /// Age at which a segment with rows is sealed into files.
    pub segment_age: GoDuration,
    /// How far in the future a row's time may lie.
    pub future: GoDuration,
    /// Digests of accepted pushes that are remembered for ten minutes.
    pub remembered_pushes: usize,
    /// Bytes that must be free on the file system for each push.
    pub free_bytes: u64,
    /// Threads of one query.
    pub query_threads: usize,
    /// Queries at a time; further ones wait within their deadline.
    pub concurrent_queries: usize,
    /// Bytes of groups and rows that all queries together may hold.
    pub query_memory: usize,
    /// Rows that one query may answer.
    pub records: usize,
    /// Bytes of file metadata kept in memory.
    pub metadata_cache_bytes: u64,
}

impl LimitsConfig {
    /// Why rows and memory of the head leave no room for a push, if so. Memory is bounded in the same proportion as rows
    /// are.
    pub fn full_head(&self, (rows, bytes): (usize, usize)) -> Option<Busy> {
        if rows >= self.head_rows {
            let limit = self.head_rows;
            return Some(Busy::Rows { rows, limit });
        }
        let segments = (self.head_rows / self.segment_rows).max(1) as u64;
        let limit = self.segment_bytes.saturating_mul(segments);
        (bytes as u64 >= limit).then_some(Busy::Memory { bytes, limit })
    }
}

impl Default for RetentionConfig {
    fn default() -> Self {
        Self {
            age: GoDuration(Duration::from_hours(168)),
            bytes: 10 * 1024 * MIB,
        }
    }
}

impl Default for LimitsConfig {
    fn default() -> Self {
        Self {
            push_bytes: 16 * MIB as usize,
            push_decoded_bytes: 64 * MIB as usize,
            line_bytes: MIB as usize,
            push_lines: 100_000,
            concurrent_pushes: 16,
            head_rows: 2_000_000,
            segment_rows: 500_000,
            segment_bytes: 256 * MIB,
            segment_age: GoDuration(Duration::from_mins(5)),
            future: GoDuration(Duration::from_hours(1)),
            remembered_pushes: 500_000,
            free_bytes: 128 * MIB,
            query_threads: std::thread::available_parallelism()
                .map_or(2, std::num::NonZero::get)
                .min(8),
            concurrent_queries: 8,
            query_memory: 512 * MIB as usize,
            records: 50_000,
            metadata_cache_bytes: 64 * MIB,
        }
    }
}

fn default_listen() -> String {
    ":3100".to_owned()
}

impl StoreConfig {
    /// The defaults for a folder.
    pub fn at(path: impl Into<PathBuf>) -> Self {
        Self {
            path: path.into(),
            listen: default_listen(),
            tls: None,
            retention: RetentionConfig::default(),
            limits: LimitsConfig::default(),
        }
    }

    /// Adds every problem of the block, with its path in the file.
    pub fn validate(&self, problems: &mut Vec<String>) {
        if self.path.as_os_str().is_empty() {
            problems.push("store.path: must name a folder".to_owned());
        }
        if self.retention.age.0 < Duration::from_mins(1) {
            problems.push("store.retention.age: must be at least 1m".to_owned());
        }
        if self.retention.bytes < RETENTION_BYTES_MIN {
            problems.push(format!(
                "store.retention.bytes: must be at least {RETENTION_BYTES_MIN} (64 MiB)"
            ));
        }
        let limits = &self.limits;
        for (name, value) in [
            ("pushBytes", limits.push_bytes),
            ("pushDecodedBytes", limits.push_decoded_bytes),
            ("lineBytes", limits.line_bytes),
            ("pushLines", limits.push_lines),
            ("concurrentPushes", limits.concurrent_pushes),
            ("headRows", limits.head_rows),
            ("segmentRows", limits.segment_rows),
            ("segmentBytes", limits.segment_bytes as usize),
            ("rememberedPushes", limits.remembered_pushes),
            ("queryThreads", limits.query_threads),
            ("concurrentQueries", limits.concurrent_queries),
            ("queryMemory", limits.query_memory),
            ("records", limits.records),
        ] {
            if value == 0 {
                problems.push(format!("store.limits.{name}: must be more than 0"));
            }
        }
        if limits.head_rows < limits.segment_rows {
            problems.push(
                "store.limits.headRows: must be at least store.limits.segmentRows".to_owned(),
            );
        }
        if limits.push_decoded_bytes > PUSH_DECODED_BYTES_MAX {
            problems.push(format!(
                "store.limits.pushDecodedBytes: must be at most {PUSH_DECODED_BYTES_MAX}"
            ));
        }
        if limits.segment_age.0.is_zero() {
            problems.push("store.limits.segmentAge: must be more than 0".to_owned());
        }
    }
}
