//! Admission of a FlowCollector: every error and warning, in one order, without asking the cluster.
//!
//! Called by the admission webhook and, for objects stored before it existed, by the status (`ConfigurationIssue`).

mod addresses;
mod agent;
mod connections;
mod deployment;
mod durations;
mod flow_filter;
mod health;
mod pods;
mod processor;
mod receivers;
mod store;

pub use health::candidates;

use crate::apis::flowcollector::v1beta2::FlowCollectorSpec;
use crate::apis::flowcollector::v1beta2::shared::LogLevel;
use crate::apis::validation::{ClusterFacts, Findings};
use crate::effective::Effective;

/// What the rules look at.
struct Subject<'a> {
    /// As the user wrote it.
    spec: &'a FlowCollectorSpec,
    /// As it is understood.
    effective: Effective,
    facts: &'a ClusterFacts,
}

/// Checks a specification.
pub fn validate(spec: &FlowCollectorSpec, facts: &ClusterFacts) -> Findings {
    let subject = Subject {
        spec,
        effective: Effective::of(spec),
        facts,
    };
    let mut findings = Findings::default();
    deployment::check(&subject, &mut findings);
    agent::check(&subject, &mut findings);
    processor::check(&subject, &mut findings);
    check_log_levels(&subject, &mut findings);
    store::check(&subject, &mut findings);
    pods::check(&subject, &mut findings);
    addresses::check(&subject, &mut findings);
    connections::check(&subject, &mut findings);
    receivers::check(&subject, &mut findings);
    durations::check(&subject, &mut findings);
    findings
}

fn check_log_levels(subject: &Subject<'_>, findings: &mut Findings) {
    for (path, level) in [
        (
            "spec.agent.ebpf.logLevel",
            subject.effective.agent.log_level,
        ),
        (
            "spec.processor.logLevel",
            subject.effective.processor.log_level,
        ),
    ] {
        if let Some(level @ (LogLevel::Debug | LogLevel::Trace)) = level {
            findings.warn(
                path,
                format!("level {level} costs much CPU and storage"),
                "use info outside of debugging",
            );
        }
    }
}
