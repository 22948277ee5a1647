//! Where flows are kept: the demo Loki and the built-in store.

use std::time::Duration;

use super::Subject;
use crate::apis::flowcollector::v1beta2::shared::HpaStatus;
use crate::apis::validation::Findings;
use crate::object::quantity;
use crate::scope::{console, store};

/// What helps against every limit of the built-in store.
const ADVICE: &str = "or keep flows in a Loki of your own";
/// The least the store takes.
const RETENTION_MIN: Duration = Duration::from_mins(1);
/// The least room the store takes: 64 MiB.
const RETENTION_BYTES_MIN: i64 = 64 << 20;

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
    check_port(subject, findings);
}

/// Ports that the console's pod has besides its own.
fn check_port(subject: &Subject<'_>, findings: &mut Findings) {
    let effective = &subject.effective;
    let port = effective.console_port();
    let store = effective.uses_embedded_store().then_some(store::PORT);
    let user = match port {
        console::METRICS_PORT => "its metrics",
        port if Some(port) == store => "the store",
        _ => return,
    };
    findings.refuse(
        "spec.consolePlugin.advanced.port",
        format!("{port} is taken by {user}, in the same pod"),
        "use another port, such as 9001",
    );
}

/// The store starts with no less, and flows have nowhere to go then.
fn check_room(subject: &Subject<'_>, findings: &mut Findings) {
    let embedded = subject.effective.loki.embedded.clone().unwrap_or_default();
    let given = embedded.retention.and_then(|retention| retention.bytes);
    let path = if given.is_some() {
        "spec.loki.embedded.retention.bytes"
    } else {
        "spec.loki.embedded.storage.size"
    };
    let size = embedded.storage.and_then(|storage| storage.size);
    for (path, given) in [
        ("spec.loki.embedded.retention.bytes", &given),
        ("spec.loki.embedded.storage.size", &size),
    ] {
        if let Some(given) = given
            .as_ref()
            .filter(|given| quantity::is_negative(&given.0))
        {
            let problem = format!("{} is less than 0", given.0);
            findings.refuse(path, problem, "write a size such as 10Gi");
            return;
        }
    }
    let bytes = subject.effective.store_bytes();
    if let Some(bytes) = bytes.filter(|bytes| *bytes < RETENTION_BYTES_MIN) {
        findings.refuse(
            path,
            format!(
                "the store would keep {bytes} bytes, and it needs {RETENTION_BYTES_MIN} or more"
            ),
            "raise it: 64Mi for the flows, or a volume of 80Mi",
        );
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
    check_room(subject, findings);
    let has_plugins = &subject.facts.has_console_plugins;
    if console.standalone == Some(false) && *has_plugins == Ok(false) {
        findings.refuse(
            "spec.consolePlugin.standalone",
            "must be true when spec.loki.mode is Embedded and the cluster has no API of console plugins, since there would be no store",
            format!("remove it, {ADVICE}"),
        );
    }
    // Where nobody asked for it there is nothing that the user could take back.
    if console.standalone == Some(true) {
        findings.warn(
            "spec.consolePlugin.standalone",
            "whoever reaches the page sees all flows, since it asks for no login and the store has no users",
            "restrict who reaches the page, for example by an authenticating proxy",
        );
    }
}
