//! The command line: Go-style flags (one or two dashes, `-name value` or `-name=value`), the names of NetObserv's
//! operator.
//!
//! **Invariant:** pure; reads no file and no environment.

use std::path::PathBuf;

use clap::{ArgAction, Parser};

use crate::desired::{ConsoleImages, ImageError, Images};
use crate::tls::Files;

/// Deploys and keeps the network observability stack from one custom resource.
#[derive(Debug, Clone, Parser)]
#[command(
    name = "manager",
    version = concat!(env!("CARGO_PKG_VERSION"), " (commit ", env!("BUILD_COMMIT"), ", ", env!("BUILD_DATE"), ")"),
    about,
    after_help = "Flags may be written with one dash (-namespace NAME), as Go programs take them.\n\
                  Exit codes: 0 ended as asked, 1 cannot start or failed, 2 wrong command line."
)]
#[allow(clippy::struct_excessive_bools, reason = "they are flags")]
pub struct Arguments {
    /// Where metrics are served; 0 turns them off
    #[arg(long, default_value = ":8080", value_name = "ADDRESS")]
    pub metrics_bind_address: String,
    /// Certificate of the metrics server; with its key, metrics are served by TLS
    #[arg(long, default_value = "", value_name = "FILE")]
    pub metrics_cert_file: String,
    /// Key of that certificate
    #[arg(long, default_value = "", value_name = "FILE")]
    pub metrics_cert_key_file: String,
    /// Where /healthz and /readyz are served; 0 turns them off
    #[arg(long, default_value = ":8081", value_name = "ADDRESS")]
    pub health_probe_bind_address: String,
    /// Where the webhooks are served; 0 turns them off
    #[arg(long, default_value = ":9443", value_name = "ADDRESS")]
    pub webhook_bind_address: String,
    /// Folder with tls.crt and tls.key for the webhooks; without these files the manager makes its own certificate
    #[arg(
        long,
        default_value = "/tmp/k8s-webhook-server/serving-certs",
        value_name = "FOLDER"
    )]
    pub webhook_cert_dir: PathBuf,
    /// How the API server reaches the webhooks when not by their Service, as https://127.0.0.1:9443
    #[arg(long, value_name = "URL")]
    pub webhook_url: Option<String>,
    /// Accepted for compatibility: there is no profiling port
    #[arg(long, default_value = "", value_name = "ADDRESS")]
    pub profiling_bind_address: String,
    /// Reconcile only while holding the Lease 7a7ecdcd.netobserv.io
    #[arg(long, value_name = "BOOL", default_value = "false", default_missing_value = "true",
        num_args = 0..=1, require_equals = true, action = ArgAction::Set, value_parser = boolean)]
    pub leader_elect: bool,
    /// Image of the eBPF agent
    #[arg(
        long,
        default_value = "localhost/netobserv/netobserv-ebpf-agent:main",
        value_name = "IMAGE"
    )]
    pub ebpf_agent_image: String,
    /// Image of the pipeline
    #[arg(
        long,
        default_value = "localhost/netobserv/flowlogs-pipeline:main",
        value_name = "IMAGE"
    )]
    pub flowlogs_pipeline_image: String,
    /// Image of the console, or key=image entries with ; between them; a key is default or a minimum OpenShift version
    #[arg(
        long,
        default_value = "localhost/netobserv/network-observability-console-plugin:main",
        value_name = "IMAGES"
    )]
    pub console_plugin_images: String,
    /// Image of the kernel programs for the eBPF Manager
    #[arg(
        long,
        default_value = "quay.io/netobserv/ebpf-bytecode:main",
        value_name = "IMAGE"
    )]
    pub ebpf_bytecode_image: String,
    /// Namespace of the operator itself
    #[arg(long, default_value = "netobserv", value_name = "NAME")]
    pub namespace: String,
    /// Image of the demo Loki
    #[arg(long, default_value = "grafana/loki:3.5.0", value_name = "IMAGE")]
    pub demo_loki_image: String,
    /// Deploy as the product build does: scraped by OpenShift's own Prometheus
    #[arg(long, value_name = "BOOL", default_value = "false", default_missing_value = "true",
        num_args = 0..=1, require_equals = true, action = ArgAction::Set, value_parser = boolean)]
    pub downstream_deployment: bool,
    /// Accepted for compatibility: all servers speak HTTP/1.1
    #[arg(long, value_name = "BOOL", default_value = "false", default_missing_value = "true",
        num_args = 0..=1, require_equals = true, action = ArgAction::Set, value_parser = boolean)]
    pub enable_http2: bool,
    /// Print version and build date as NetObserv does, and exit
    #[arg(long = "v")]
    pub compatible_version: bool,
    /// Level of the log: debug, info, error, or a number as zap's verbosity
    #[arg(long, default_value = "info", value_name = "LEVEL")]
    pub zap_log_level: String,
    /// Form of the log: console or json
    #[arg(long, default_value = "console", value_name = "FORM")]
    pub zap_encoder: String,
    /// Accepted for compatibility
    #[arg(long, default_value = "", value_name = "BOOL", default_missing_value = "true",
        num_args = 0..=1, require_equals = true)]
    pub zap_devel: String,
    /// Accepted for compatibility
    #[arg(long, default_value = "", value_name = "LEVEL")]
    pub zap_stacktrace_level: String,
    /// Accepted for compatibility: times are ISO 8601
    #[arg(long, default_value = "", value_name = "FORM")]
    pub zap_time_encoding: String,
}

/// What is wrong with the values of flags.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum ArgumentError {
    /// A flag that must have a value has none.
    #[error("--{0} is empty")]
    Empty(&'static str),
    /// The console's images.
    #[error("--console-plugin-images: {0}")]
    Console(#[from] ImageError),
}

impl Arguments {
    /// Reads the command line of this process; prints help and version, and exits, where asked.
    pub fn read() -> Self {
        let arguments = Self::parse_from(with_two_dashes(std::env::args()));
        if arguments.compatible_version {
            println!("{}", crate::version::compatible_line());
            std::process::exit(0);
        }
        arguments
    }

    /// Files of the metrics server, if it speaks TLS.
    pub fn metrics_files(&self) -> Option<Files> {
        let is_given = !self.metrics_cert_file.is_empty() && !self.metrics_cert_key_file.is_empty();
        is_given.then(|| Files {
            certificate: PathBuf::from(&self.metrics_cert_file),
            key: PathBuf::from(&self.metrics_cert_key_file),
        })
    }

    /// The images, checked.
    pub fn images(&self) -> Result<Images, ArgumentError> {
        let checked = |name, image: &str| {
            let image = image.trim();
            if image.is_empty() {
                return Err(ArgumentError::Empty(name));
            }
            Ok(image.to_owned())
        };
        checked("namespace", &self.namespace)?;
        Ok(Images {
            agent: checked("ebpf-agent-image", &self.ebpf_agent_image)?,
            pipeline: checked("flowlogs-pipeline-image", &self.flowlogs_pipeline_image)?,
            console: ConsoleImages::parse(&self.console_plugin_images)?,
            demo_loki: self.demo_loki_image.clone(),
            bytecode: self.ebpf_bytecode_image.clone(),
        })
    }
}

/// As Go's flag package reads a bool.
fn boolean(text: &str) -> Result<bool, String> {
    match text {
        "1" | "t" | "T" | "true" | "TRUE" | "True" => Ok(true),
        "0" | "f" | "F" | "false" | "FALSE" | "False" => Ok(false),
        _ => Err("neither true nor false".to_owned()),
    }
}

/// Rewrites `-name` to `--name`, which is what clap reads. `-h` and `-V` stay.
fn with_two_dashes(arguments: impl Iterator<Item = String>) -> impl Iterator<Item = String> {
    arguments.map(|argument| match argument.strip_prefix('-') {
        Some(name)
            if !matches!(name, "h" | "V")
                && name.starts_with(|c: char| c.is_ascii_alphabetic()) =>
        {
            format!("--{name}")
        }
        _ => argument,
    })
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, reason = "tests")]
    use clap::CommandFactory as _;

    use super::*;

    fn parse(line: &str) -> Arguments {
        let words = std::iter::once("manager").chain(line.split_whitespace());
        Arguments::parse_from(with_two_dashes(words.map(str::to_owned)))
    }

    #[test]
    fn flags_of_netobservs_manifests_are_read() {
        Arguments::command().debug_assert();
        let arguments = parse(
            "--health-probe-bind-address=:8081 --metrics-bind-address=:8443 --leader-elect \
             --ebpf-agent-image=a:1 --flowlogs-pipeline-image=p:1 --console-plugin-images=default=c:1 \
             --namespace=ns --downstream-deployment=false --profiling-bind-address= \
             --metrics-cert-file=/etc/tls/tls.crt -zap-devel=true",
        );
        assert!(arguments.leader_elect);
        assert!(!arguments.downstream_deployment);
        assert_eq!(arguments.namespace, "ns");
        assert_eq!(arguments.profiling_bind_address, "");
        assert_eq!(arguments.images().unwrap().agent, "a:1");
        assert!(parse("-v").compatible_version);
        assert!(!parse("-leader-elect=false").leader_elect);
    }

    #[test]
    fn an_empty_image_or_namespace_is_refused() {
        for (line, error) in [
            (
                "--ebpf-agent-image=",
                ArgumentError::Empty("ebpf-agent-image"),
            ),
            (
                "--flowlogs-pipeline-image=",
                ArgumentError::Empty("flowlogs-pipeline-image"),
            ),
            ("--namespace=", ArgumentError::Empty("namespace")),
            (
                "--console-plugin-images=",
                ArgumentError::Console(ImageError::None),
            ),
        ] {
            assert_eq!(parse(line).images(), Err(error), "{line}");
        }
    }
}
