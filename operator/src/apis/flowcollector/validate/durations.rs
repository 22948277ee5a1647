//! Durations, whose form the schema does not check.

use super::Subject;
use crate::apis::duration::GoDuration;
use crate::apis::validation::Findings;
use crate::effective::is_whole_seconds;

/// What to do about any of them.
const ADVICE: &str = "correct it, or remove it for the default";

pub fn check(subject: &Subject<'_>, findings: &mut Findings) {
    let effective = &subject.effective;
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
        check_text(
            format!("spec.processor.advanced.{name}"),
            duration.as_ref(),
            findings,
        );
    }
    let rules = effective
        .processor
        .metrics
        .as_ref()
        .and_then(|m| m.health_rules.as_ref());
    for (at, rule) in rules.into_iter().flatten().enumerate() {
        for (variant_at, variant) in rule.variants.iter().enumerate() {
            let path = format!("spec.processor.metrics.healthRules[{at}].variants[{variant_at}]");
            for (name, duration) in [
                ("trendOffset", &variant.trend_offset),
                ("trendDuration", &variant.trend_duration),
            ] {
                check_trend(format!("{path}.{name}"), duration.as_ref(), findings);
            }
        }
    }
    let loki = &effective.loki;
    for (name, duration) in [
        ("readTimeout", &loki.read_timeout),
        ("writeTimeout", &loki.write_timeout),
        ("writeBatchWait", &loki.write_batch_wait),
    ] {
        check_text(format!("spec.loki.{name}"), duration.as_ref(), findings);
    }
    let advanced = loki.advanced.clone().unwrap_or_default();
    for (name, duration) in [
        ("writeMinBackoff", &advanced.write_min_backoff),
        ("writeMaxBackoff", &advanced.write_max_backoff),
    ] {
        check_text(
            format!("spec.loki.advanced.{name}"),
            duration.as_ref(),
            findings,
        );
    }
    let retention = loki.embedded.as_ref().and_then(|e| e.retention.as_ref());
    check_text(
        "spec.loki.embedded.retention.age".to_owned(),
        retention.and_then(|r| r.age.as_ref()),
        findings,
    );
    check_text(
        "spec.prometheus.querier.timeout".to_owned(),
        effective.querier.timeout.as_ref(),
        findings,
    );
    for (at, exporter) in effective.exporters.iter().enumerate() {
        let metrics = exporter
            .open_telemetry
            .as_ref()
            .and_then(|o| o.metrics.as_ref());
        check_text(
            format!("spec.exporters[{at}].openTelemetry.metrics.pushTimeInterval"),
            metrics.and_then(|m| m.push_time_interval.as_ref()),
            findings,
        );
    }
}

fn check_text(path: String, duration: Option<&GoDuration>, findings: &mut Findings) {
    if let Some(Err(error)) = duration.map(GoDuration::parse) {
        findings.refuse(path, error.to_string(), ADVICE);
    }
}

/// Prometheus would refuse the rules made of it.
fn check_trend(path: String, duration: Option<&GoDuration>, findings: &mut Findings) {
    let Some(duration) = duration else { return };
    match duration.parse() {
        Ok(parsed) if !is_whole_seconds(parsed) => findings.refuse(
            path,
            format!("{:?} is not 1s or more in whole seconds", duration.0),
            ADVICE,
        ),
        Ok(_) => {}
        Err(error) => findings.refuse(path, error.to_string(), ADVICE),
    }
}
