//! Where flows are kept: the demo Loki and the built-in store.

use std::time::Duration;

use super::Subject;
use crate::apis::flowcollector::v1beta2::shared::HpaStatus;
use crate::apis::validation::Findings;

/// What helps against every limit of the built-in store.
const ADVICE: &str = "or keep flows in a Loki of your own";
/// The least the store takes.
const RETENTION_MIN: Duration = Duration::from_mins(1);

pub fn check(subject: &Subject<'_>, findings: &mut Findings) {
    let effective = &subject.effective;
    if effective.uses_demo_loki() {
        findings.warn(
            "spec.loki.monolithic.installDemoLoki",
            "the demo Loki is not for production",
            "install Loki, or use the mode Embedded",
        );
    }
    if effective.uses_embedded_store() {
        check_embedded(subject, findings);
    }
}

/// The store is part of the console's only pod.
fn check_embedded(subject: &Subject<'_>, findings: &mut Findings) {
    let effective = &subject.effective;
    let console = &effective.console;
    if console.replicas.is_some_and(|replicas| replicas > 1) {
        findings.refuse(
            "spec.consolePlugin.replicas",
            "must be 1 when spec.loki.mode is Embedded, since the store is in the console's pod",
            format!("set it to 1, {ADVICE}"),
        );
    }
    let autoscaler = console.autoscaler.as_ref().and_then(|hpa| hpa.status);
    if autoscaler == Some(HpaStatus::Enabled) {
        findings.refuse(
            "spec.consolePlugin.autoscaler",
            "cannot be used when spec.loki.mode is Embedded, since the store is in the console's pod",
            format!("remove it, {ADVICE}"),
        );
    }
    if console.unmanaged_replicas == Some(true) {
        findings.refuse(
            "spec.consolePlugin.unmanagedReplicas",
            "cannot be used when spec.loki.mode is Embedded, since the store is in the console's pod",
            format!("remove it, {ADVICE}"),
        );
    }
    if console.enable == Some(false) {
        findings.refuse(
            "spec.consolePlugin.enable",
            "must be true when spec.loki.mode is Embedded, since the store is in the console's pod",
            format!("set it to true, {ADVICE}"),
        );
    }
    let retention = effective
        .loki
        .embedded
        .as_ref()
        .and_then(|e| e.retention.as_ref());
    if let Some(age) = retention.and_then(|r| r.age.as_ref())
        && age.parse().is_ok_and(|age| age < RETENTION_MIN)
    {
        findings.refuse(
            "spec.loki.embedded.retention.age",
            format!("{:?} is too short", age.0),
            "set it to 1m or more",
        );
    }
    let is_openshift = matches!(subject.facts.openshift, Ok(Some(_)));
    if console.standalone.unwrap_or(!is_openshift) {
        findings.warn(
            "spec.consolePlugin.standalone",
            "whoever reaches the page sees all flows, since it asks for no login and the store has no users",
            "restrict who reaches the page, for example by an authenticating proxy",
        );
    }
}
