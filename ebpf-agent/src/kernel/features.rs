//! What can be switched on besides plain flows, and whether this kernel can: one feature, one file.
//!
//! **Invariant:** whether a feature runs is found by trying, never by the kernel's version, and a feature that cannot
//! run takes nothing else down.

pub mod dns;
pub mod rtt;

/// Whether, and how, a feature runs.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Status {
    /// In the best way.
    Runs {
        hook: &'static str,
    },
    /// In another way; `reason` says why not in the best.
    RunsLesser {
        hook: &'static str,
        reason: String,
    },
    Off {
        reason: String,
    },
}

/// A feature that was asked for.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct FeatureStatus {
    pub name: &'static str,
    pub status: Status,
}
