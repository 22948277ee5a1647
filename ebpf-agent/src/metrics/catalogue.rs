//! The catalogue of operational metrics, from which they are registered and `contracts/metrics.json` is written.
//!
//! **Invariant:** a metric that is not here does not exist. `is_loss` marks counters whose growth is data lost, by cause,
//! which the console adds up.

use serde::Serialize;

/// One metric; its name is without the prefix.
#[derive(Clone, Copy, Debug, Serialize)]
pub struct Entry {
    pub name: &'static str,
    #[serde(rename = "type")]
    pub kind: &'static str,
    pub labels: &'static [&'static str],
    pub help: &'static str,
    #[serde(rename = "loss", skip_serializing_if = "std::ops::Not::not")]
    pub is_loss: bool,
    /// Not known to NetObserv's agent.
    #[serde(rename = "addition", skip_serializing_if = "std::ops::Not::not")]
    pub is_ours: bool,
}

const fn entry(
    name: &'static str,
    kind: &'static str,
    labels: &'static [&'static str],
    help: &'static str,
) -> Entry {
    Entry {
        name,
        kind,
        labels,
        help,
        is_loss: false,
        is_ours: false,
    }
}

const fn ours(entry: Entry) -> Entry {
    Entry {
        is_ours: true,
        ..entry
    }
}

const fn loss(entry: Entry) -> Entry {
    Entry {
        is_loss: true,
        ..entry
    }
}

pub const EVICTIONS: Entry = entry(
    "evictions_total",
    "counter",
    &["source", "reason"],
    "Evictions",
);
pub const EVICTED_FLOWS: Entry = entry(
    "evicted_flows_total",
    "counter",
    &["source", "reason"],
    "Flows evicted",
);
pub const MAP_READ: Entry = entry(
    "lookup_and_delete_map_duration_seconds",
    "histogram",
    &[],
    "Time to read and empty the kernel maps",
);
pub const DROPPED_FLOWS: Entry = loss(entry(
    "dropped_flows_total",
    "counter",
    &["source", "reason"],
    "Flows lost: source flow-fetcher counts packets without room in the flow table (CannotReadFlowsHashMap: flows, CannotUpdateDNSHashMap: packets whose DNS data alone is lost), the others flows that were not delivered",
));
pub const BUFFER_SIZE: Entry = entry("buffer_size", "gauge", &["name"], "Entries of flow buffers");
pub const INTERFACE_BUFFER_SIZE: Entry = entry(
    "iface_buffer_size",
    "gauge",
    &["name"],
    "Entries of interface tables",
);
pub const EXPORTED_BATCHES: Entry = entry(
    "exported_batch_total",
    "counter",
    &["exporter"],
    "Messages delivered",
);
pub const SAMPLING_RATE: Entry = entry(
    "sampling_rate",
    "gauge",
    &[],
    "One packet in this many is kept",
);
pub const ERRORS: Entry = entry(
    "errors_total",
    "counter",
    &["component", "error", "severity"],
    "Errors",
);
pub const INTERFACE_EVENTS: Entry = entry(
    "interface_events_total",
    "counter",
    &["type", "ifname", "ifindex", "netns", "mac", "retries"],
    "Interface events; labels but the type are filled by METRICS_LEVEL",
);
pub const FEATURE_ENABLED: Entry = ours(entry(
    "feature_enabled",
    "gauge",
    &["feature"],
    "1 for a feature that works, 0 for one that was asked for and does not",
));
pub const QUEUED_BATCHES: Entry = ours(entry(
    "queued_batches",
    "gauge",
    &[],
    "Messages waiting for the exporter",
));
pub const SEND_RETRIES: Entry = ours(entry(
    "send_retries_total",
    "counter",
    &["exporter", "reason"],
    "Messages sent again, by what happened before",
));
pub const BUILD_INFO: Entry = ours(entry(
    "build_info",
    "gauge",
    &["version", "commit"],
    "1, with the version that runs",
));

/// Metrics with the prefix.
pub const PREFIXED: &[Entry] = &[
    EVICTIONS,
    EVICTED_FLOWS,
    MAP_READ,
    DROPPED_FLOWS,
    BUFFER_SIZE,
    INTERFACE_BUFFER_SIZE,
    EXPORTED_BATCHES,
    SAMPLING_RATE,
    ERRORS,
    INTERFACE_EVENTS,
    FEATURE_ENABLED,
    QUEUED_BATCHES,
    SEND_RETRIES,
    BUILD_INFO,
];

pub const CPU_SECONDS: Entry = entry(
    "process_cpu_seconds_total",
    "counter",
    &[],
    "User and system CPU time spent",
);
pub const RESIDENT_MEMORY: Entry = entry(
    "process_resident_memory_bytes",
    "gauge",
    &[],
    "Resident memory",
);
pub const START_TIME: Entry = entry(
    "process_start_time_seconds",
    "gauge",
    &[],
    "Start of the process since the epoch",
);
pub const OPEN_FDS: Entry = entry("process_open_fds", "gauge", &[], "Open file descriptors");

/// Metrics of the process, without a prefix as everywhere.
pub const PROCESS: &[Entry] = &[CPU_SECONDS, RESIDENT_MEMORY, START_TIME, OPEN_FDS];

#[derive(Serialize)]
struct Contract {
    default_prefix: &'static str,
    prefixed: &'static [Entry],
    unprefixed: &'static [Entry],
}

/// `contracts/metrics.json`.
pub fn contract() -> String {
    let default_prefix = crate::config::variables::variable("METRICS_PREFIX").default;
    let contract = Contract {
        default_prefix,
        prefixed: PREFIXED,
        unprefixed: PROCESS,
    };
    let mut text =
        serde_json::to_string_pretty(&contract).expect("strings and booleans always serialize");
    text.push('\n');
    text
}
