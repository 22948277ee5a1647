//! Where flows go.
//!
//! **Invariant:** an export that this version does not have is refused: going on without it would lose every flow.

use std::time::Duration;

use super::features::Notice;
use super::reader::Reader;

/// The exporter and its queue.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ExportConfig {
    /// Messages queued before the exporter.
    pub queue_length: usize,
    /// Time to deliver the queue at shutdown.
    pub drain_timeout: Duration,
    pub grpc: GrpcConfig,
}

/// Flows by gRPC.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct GrpcConfig {
    pub host: String,
    pub port: u16,
    /// `None`: plain text.
    pub tls: Option<TlsFiles>,
    pub message_max_flows: usize,
    pub send_timeout: Duration,
    pub reconnect: Option<Reconnect>,
}

/// Certificate files of a client.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct TlsFiles {
    pub ca_path: String,
    /// Client certificate and its key.
    pub identity: Option<(String, String)>,
}

/// A connection renewed at a period.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Reconnect {
    pub period: Duration,
    /// The period used is chosen once in `[period - spread, period + spread)`.
    pub spread: Duration,
}

pub(super) fn read(
    reader: &mut Reader,
    notices: &mut Vec<Notice>,
    queue_length: usize,
) -> ExportConfig {
    let export = reader.string("EXPORT");
    match export.as_str() {
        "grpc" => {}
        "kafka" | "ipfix+udp" | "ipfix+tcp" | "direct-flp" => {
            reader.problem(format!(
                "EXPORT: {export:?} is not available in this version, use grpc"
            ));
        }
        _ => reader.problem(format!(
            "EXPORT: wrong flow export type {export:?}, use grpc"
        )),
    }
    let (host, port) = read_target(reader);
    if export == "grpc" && (host.is_empty() || port == 0) {
        reader.problem(format!(
            "missing target host or port: {host}:{port}, set TARGET_HOST and TARGET_PORT"
        ));
    }
    let period = reader.duration("GRPC_RECONNECT_TIMER");
    let spread = reader.duration("GRPC_RECONNECT_TIMER_RANDOMIZATION");
    let grpc = GrpcConfig {
        host,
        port,
        tls: read_tls(reader, notices),
        message_max_flows: reader.count("GRPC_MESSAGE_MAX_FLOWS", 1),
        send_timeout: reader.period("GRPC_SEND_TIMEOUT"),
        reconnect: (!period.is_zero()).then_some(Reconnect {
            period,
            spread: if spread < period {
                spread
            } else {
                Duration::ZERO
            },
        }),
    };
    let own_length = reader.count("EXPORTER_BUFFER_LENGTH", 0);
    let drain_timeout = reader.duration("EXPORTER_DRAIN_TIMEOUT");
    ExportConfig {
        queue_length: if own_length == 0 {
            queue_length
        } else {
            own_length
        },
        drain_timeout,
        grpc,
    }
}

/// The older names win over the newer ones, as in NetObserv's agent.
fn read_target(reader: &mut Reader) -> (String, u16) {
    let mut host = reader.string("TARGET_HOST");
    let mut port = reader.port("TARGET_PORT");
    let older_host = reader.string("FLOWS_TARGET_HOST");
    if !older_host.is_empty() {
        host = older_host;
    }
    let (older_port, capture_port) = (
        reader.port("FLOWS_TARGET_PORT"),
        reader.port("PCA_SERVER_PORT"),
    );
    if older_port != 0 {
        port = older_port;
    } else if capture_port != 0 {
        port = capture_port;
    }
    (host, port)
}

/// Half a configuration is as NetObserv's agent takes it, and told: flows would go another way than was meant.
fn read_tls(reader: &mut Reader, notices: &mut Vec<Notice>) -> Option<TlsFiles> {
    let ca_path = reader.string("TARGET_TLS_CA_CERT_PATH");
    let certificate = reader.string("TARGET_TLS_USER_CERT_PATH");
    let key = reader.string("TARGET_TLS_USER_KEY_PATH");
    if certificate.is_empty() != key.is_empty() {
        notices.push(Notice::other(
            "TARGET_TLS_USER_CERT_PATH and TARGET_TLS_USER_KEY_PATH: only one is set, the agent shows no certificate to the collector".to_owned(),
        ));
    }
    if ca_path.is_empty() && !(certificate.is_empty() && key.is_empty()) {
        notices.push(Notice::other(
            "TARGET_TLS_CA_CERT_PATH is not set: flows are sent in plain text, without the client certificate".to_owned(),
        ));
    }
    let identity = (!certificate.is_empty() && !key.is_empty()).then_some((certificate, key));
    (!ca_path.is_empty()).then_some(TlsFiles { ca_path, identity })
}
