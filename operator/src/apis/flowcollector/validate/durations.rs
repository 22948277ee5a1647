//! Durations, whose form the schema does not check.

use super::Subject;
use crate::apis::duration::GoDuration;
use crate::apis::validation::Findings;

pub fn check(subject: &Subject<'_>, findings: &mut Findings) {
    let effective = &subject.effective;
    let mut check = |path: String, duration: Option<&GoDuration>| {
        if let Some(Err(error)) = duration.map(GoDuration::parse) {
            findings.refuse(
                path,
                error.to_string(),
                "correct it, or remove it for the default",
            );
        }
    };
    let advanced = effective.processor.advanced.clone().unwrap_or_default();
    for (name, duration) in [
        (
            "conversationHeartbeatInterval",
            &advanced.conversation_heartbeat_interval,
        ),
        ("conversationEndTimeout", &advanced.conversation_end_timeout),
        (
            "conversationTerminatingTimeout",
            &advanced.conversation_terminating_timeout,
        ),
    ] {
        check(format!("spec.processor.advanced.{name}"), duration.as_ref());
    }
    let rules = effective
        .processor
        .metrics
        .as_ref()
        .and_then(|m| m.health_rules.as_ref());
    for (at, rule) in rules.into_iter().flatten().enumerate() {
        for (variant_at, variant) in rule.variants.iter().enumerate() {
            let path = format!("spec.processor.metrics.healthRules[{at}].variants[{variant_at}]");
            check(format!("{path}.trendOffset"), variant.trend_offset.as_ref());
            check(
                format!("{path}.trendDuration"),
                variant.trend_duration.as_ref(),
            );
        }
    }
    let loki = &effective.loki;
    for (name, duration) in [
        ("readTimeout", &loki.read_timeout),
        ("writeTimeout", &loki.write_timeout),
        ("writeBatchWait", &loki.write_batch_wait),
    ] {
        check(format!("spec.loki.{name}"), duration.as_ref());
    }
    let advanced = loki.advanced.clone().unwrap_or_default();
    for (name, duration) in [
        ("writeMinBackoff", &advanced.write_min_backoff),
        ("writeMaxBackoff", &advanced.write_max_backoff),
    ] {
        check(format!("spec.loki.advanced.{name}"), duration.as_ref());
    }
    let retention = loki.embedded.as_ref().and_then(|e| e.retention.as_ref());
    check(
        "spec.loki.embedded.retention.age".to_owned(),
        retention.and_then(|r| r.age.as_ref()),
    );
    check(
        "spec.prometheus.querier.timeout".to_owned(),
        effective.querier.timeout.as_ref(),
    );
    for (at, exporter) in effective.exporters.iter().enumerate() {
        let metrics = exporter
            .open_telemetry
            .as_ref()
            .and_then(|o| o.metrics.as_ref());
        check(
            format!("spec.exporters[{at}].openTelemetry.metrics.pushTimeInterval"),
            metrics.and_then(|m| m.push_time_interval.as_ref()),
        );
    }
}
