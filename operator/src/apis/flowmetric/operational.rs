//! Names that the pipeline gives its own metrics, behind the same prefix: it would not start with another metric of that
//! name.

/// Of NetObserv's pipeline and of ours, without the prefix.
const NAMES: [&str; 31] = [
    "conntrack_aggregator_errors",
    "conntrack_end_connections",
    "conntrack_hash_errors",
    "conntrack_input_records",
    "conntrack_memory_connections",
    "conntrack_output_records",
    "conntrack_tcp_flags",
    "encode_prom_errors",
    "encode_prom_metrics_reported",
    "ingest_batch_size_bytes",
    "ingest_errors",
    "ingest_flows_processed",
    "ingest_latency_ms",
    "ingest_synthetic_flows_processed",
    "loki_batch_retries_total",
    "loki_dropped_bytes_total",
    "loki_dropped_entries_total",
    "loki_encoded_bytes_total",
    "loki_request_duration_seconds",
    "loki_sent_bytes_total",
    "loki_sent_entries_total",
    "metrics_dropped",
    "metrics_processed",
    "pipeline_loki_queue_bytes",
    "pipeline_records_dropped_total",
    "records_written",
    "secondary_network_indexer_hit",
    "stage_duration_ms",
    "stage_in_queue_size",
    "stage_out_queue_size",
    "stream_lag_seconds",
];

/// Whether a name without the prefix is taken.
pub fn is_taken(name: &str) -> bool {
    NAMES.contains(&name)
}
