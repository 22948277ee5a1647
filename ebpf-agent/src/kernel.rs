//! The kernel side as user space sees it: loads the programs, attaches them, swaps and reads their maps.
//!
//! Called by the datapath thread and by eviction. Synchronous; each call may take as long as the kernel does (a swap
//! waits for running programs: 10 ms as a rule, hundreds at worst), so never on an async thread.
//!
//! **Invariant:** knows nothing of export, of names or of configuration beyond [`Settings`]. `unsafe` stands in
//! `mapping`, `maps`, `memory`, `sharing` and `table` only, around calls that no library wraps.

mod attach;
mod btf;
mod features;
mod load;
mod mapping;
mod maps;
mod memory;
mod offsets;
mod sharing;
mod table;

pub use attach::AttachKind;
pub use features::{FeatureStatus, Status};
pub use load::{Counters, Datapath};
pub use netobserv_ebpf_abi as abi;

use crate::config::AttachConfig;

/// What the programs are loaded with.
#[derive(Clone, Copy, Debug)]
pub struct Settings {
    /// Flows that each generation of the table has room for, `CACHE_MAX_FLOWS`.
    pub cache_max_flows: u32,
    /// One packet in this many; 0 and 1 are all, and each flow says which.
    pub sampling: u32,
    /// Port to track DNS on besides 53; `None` is off.
    pub dns_port: Option<u16>,
    pub rtt: bool,
    pub attach: AttachConfig,
}

/// Why the kernel refused. Each text holds all that is known of the cause, so no cause has a `source` of its own: whoever
/// prints a chain of errors would say it twice.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    #[error(
        "load kernel programs: {}; the agent needs CAP_BPF, CAP_PERFMON and CAP_NET_ADMIN, and Linux 5.12 (arm64: 5.18) or later with BPF enabled; if memory is short, a smaller CACHE_MAX_FLOWS",
        chain(.0)
    )]
    Object(aya::EbpfError),
    #[error("load kernel program {name}: {}", describe(cause))]
    Program {
        name: &'static str,
        cause: Box<aya::programs::ProgramError>,
    },
    #[error("kernel program {0} is not in the object")]
    NoProgram(&'static str),
    #[error("kernel map {name}: {}", chain(cause))]
    Map {
        name: &'static str,
        cause: aya::maps::MapError,
    },
    #[error("kernel map {0} is not in the object")]
    NoMap(&'static str),
    #[error("{call} on kernel map {map}: {cause}")]
    MapCall {
        call: &'static str,
        map: &'static str,
        cause: std::io::Error,
    },
    #[error(
        "share maps with network namespace {netns}: {cause}; watching other namespaces needs CAP_SYS_ADMIN"
    )]
    Sharing { netns: u32, cause: String },
    #[error(
        "enter network namespace {name} of interface {interface}: {cause}; watching other namespaces needs CAP_SYS_ADMIN"
    )]
    EnterNetns {
        name: String,
        interface: String,
        cause: std::io::Error,
    },
    #[error(
        "attach to interface {interface} ({step}): {}{}",
        describe(cause),
        attach::next_step(step, cause)
    )]
    Attach {
        interface: String,
        step: &'static str,
        cause: Box<aya::programs::ProgramError>,
    },
    #[error("detach from interface {interface} ({step}): {}", describe(cause))]
    Detach {
        interface: String,
        step: &'static str,
        cause: Box<aya::programs::ProgramError>,
    },
}

impl Error {
    /// Stable label for metrics; those of attachments are NetObserv's.
    pub fn kind(&self) -> &'static str {
        match self {
            Self::Object(_) | Self::NoProgram(_) | Self::NoMap(_) => "LoadObject",
            Self::Program { .. } => "LoadProgram",
            Self::Map { .. } | Self::MapCall { .. } => "Map",
            Self::Sharing { .. } => "AttachUnknownError",
            Self::EnterNetns { .. } => "Attach:CantSetNetNS-B",
            Self::Attach { step, .. } | Self::Detach { step, .. } => step,
        }
    }
}

/// An error and its causes in one line. Some of the library's errors repeat their cause, some leave it out.
fn chain(error: &dyn std::error::Error) -> String {
    let mut text = error.to_string();
    let mut cause = error.source();
    while let Some(error) = cause {
        let inner = error.to_string();
        if !text.contains(&inner) {
            text = format!("{text}: {inner}");
        }
        cause = error.source();
    }
    text
}

/// A program error in one line: the verifier's log fills pages, and says why in its last lines.
fn describe(error: &aya::programs::ProgramError) -> String {
    const LINES: usize = 3;
    const STATISTICS: [&str; 3] = ["verification time", "stack depth", "processed"];
    let aya::programs::ProgramError::LoadError {
        io_error,
        verifier_log,
    } = error
    else {
        return chain(error);
    };
    let log = verifier_log.to_string();
    let lines: Vec<_> = log
        .lines()
        .map(str::trim)
        // Its statistics follow the reason.
        .filter(|line| !line.is_empty() && !STATISTICS.iter().any(|start| line.starts_with(start)))
        .collect();
    match &lines[lines.len().saturating_sub(LINES)..] {
        [] => io_error.to_string(),
        last => format!("{io_error} ({})", last.join("; ")),
    }
}
