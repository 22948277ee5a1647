//! Connections that the components open: certificates that nobody shows.

use super::Subject;
use crate::apis::flowcollector::v1beta2::loki::LokiMode;
use crate::apis::flowcollector::v1beta2::prometheus::QuerierMode;
use crate::apis::flowcollector::v1beta2::shared::ClientTls;
use crate::apis::validation::Findings;

/// As with NetObserv, neither Loki nor Prometheus is shown a certificate.
pub fn check(subject: &Subject<'_>, findings: &mut Findings) {
    let effective = &subject.effective;
    let manual = effective.loki.manual.clone().unwrap_or_default();
    let is_loki = effective.uses_loki() && effective.loki.mode == LokiMode::Manual;
    let querier = effective.querier.manual.clone().unwrap_or_default();
    let manager = querier.alert_manager.and_then(|manager| manager.tls);
    // Without OpenShift's own Prometheus, `Auto` means what is said by hand.
    let is_manual =
        effective.querier.mode == QuerierMode::Manual || subject.facts.openshift == Ok(None);
    let is_prometheus = effective.asks_prometheus() && is_manual;
    for (is_used, path, tls) in [
        (is_loki, "spec.loki.manual.tls", manual.tls),
        (
            is_prometheus,
            "spec.prometheus.querier.manual.tls",
            querier.tls,
        ),
        (
            is_prometheus,
            "spec.prometheus.querier.manual.alertManager.tls",
            manager,
        ),
    ] {
        if is_used && tls.is_some_and(|tls| has_user_certificate(&tls)) {
            findings.warn(
                format!("{path}.userCert"),
                "is not used: no certificate is shown to this server",
                "remove it, and let the server accept clients without one",
            );
        }
    }
}

fn has_user_certificate(tls: &ClientTls) -> bool {
    let name = tls.user_cert.as_ref().and_then(|cert| cert.name.as_ref());
    tls.enable == Some(true) && name.is_some_and(|name| !name.is_empty())
}
