//! Labels of metrics, in the order in which they are written.
//!
//! **Invariant:** labels are words of the source, but for those of an interface event.

use prometheus_client::encoding::EncodeLabelSet;

#[derive(Clone, Debug, PartialEq, Eq, Hash, EncodeLabelSet)]
pub struct SourceReason {
    pub source: &'static str,
    pub reason: &'static str,
}

#[derive(Clone, Debug, PartialEq, Eq, Hash, EncodeLabelSet)]
pub struct Name {
    pub name: &'static str,
}

#[derive(Clone, Debug, PartialEq, Eq, Hash, EncodeLabelSet)]
pub struct Exporter {
    pub exporter: &'static str,
}

#[derive(Clone, Debug, PartialEq, Eq, Hash, EncodeLabelSet)]
pub struct ExporterReason {
    pub exporter: &'static str,
    pub reason: &'static str,
}

#[derive(Clone, Debug, PartialEq, Eq, Hash, EncodeLabelSet)]
pub struct ErrorLabels {
    pub component: &'static str,
    pub error: &'static str,
    pub severity: &'static str,
}

#[derive(Clone, Debug, PartialEq, Eq, Hash, EncodeLabelSet)]
pub struct Feature {
    pub feature: &'static str,
}

#[derive(Clone, Debug, PartialEq, Eq, Hash, EncodeLabelSet)]
pub struct Build {
    pub version: &'static str,
    pub commit: &'static str,
}

#[derive(Clone, Debug, Default, PartialEq, Eq, Hash, EncodeLabelSet)]
pub struct EventLabels {
    pub r#type: &'static str,
    pub ifname: String,
    pub ifindex: String,
    pub netns: String,
    pub mac: String,
    pub retries: String,
}

/// How bad an error is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Severity {
    High,
    Medium,
    Low,
}

impl Severity {
    /// The label.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::High => "high",
            Self::Medium => "medium",
            Self::Low => "low",
        }
    }
}

/// What happened to an interface.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum InterfaceEvent {
    AttachTcx,
    AttachTc,
    AttachFail,
    DetachTcx,
    DetachTc,
    DetachFail,
    Subscribed,
    Unsubscribed,
}

impl InterfaceEvent {
    /// The label.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::AttachTcx => "attach_tcx",
            Self::AttachTc => "attach_tc",
            Self::AttachFail => "attach_fail",
            Self::DetachTcx => "detach_tcx",
            Self::DetachTc => "detach_tc",
            Self::DetachFail => "detach_fail",
            Self::Subscribed => "reg_subscribed",
            Self::Unsubscribed => "reg_unsubscribed",
        }
    }
}
