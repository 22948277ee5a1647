//! Addresses of Loki and Prometheus, and whether they are of the same mind as the TLS beside them.

use http::Uri;

use super::Subject;
use crate::apis::flowcollector::v1beta2::loki::LokiMode;
use crate::apis::flowcollector::v1beta2::prometheus::QuerierMode;
use crate::apis::flowcollector::v1beta2::shared::ClientTls;
use crate::apis::validation::Findings;

/// A field that holds an address.
struct Address<'a> {
    path: &'static str,
    url: Option<&'a String>,
    /// Path of the TLS settings, and these.
    tls: (&'static str, Option<&'a ClientTls>),
    /// What comes of it where there is none; none where nothing does.
    without: Option<&'static str>,
}

pub fn check(subject: &Subject<'_>, findings: &mut Findings) {
    let effective = &subject.effective;
    if effective.uses_loki() && !effective.uses_demo_loki() {
        check_loki(subject, findings);
    }
    // Without OpenShift's own Prometheus, `Auto` means what is said by hand.
    let is_manual = effective.querier.mode == QuerierMode::Manual;
    if effective.asks_prometheus() && (is_manual || subject.facts.openshift == Ok(None)) {
        check_prometheus(subject, is_manual, findings);
    }
}

fn check_loki(subject: &Subject<'_>, findings: &mut Findings) {
    const NOT_WRITTEN: Option<&str> = Some("no flows are kept");
    const NOT_READ: Option<&str> = Some("the console shows no flows");
    let loki = &subject.effective.loki;
    let monolithic = loki.monolithic.clone().unwrap_or_default();
    let microservices = loki.microservices.clone().unwrap_or_default();
    let manual = loki.manual.clone().unwrap_or_default();
    let address = |path, url, tls, without| Address {
        path,
        url,
        tls,
        without,
    };
    // Of two servers, the one that takes flows first.
    let two = |paths: [_; 2], urls: [_; 2], tls| {
        vec![
            address(paths[0], urls[0], tls, NOT_WRITTEN),
            address(paths[1], urls[1], tls, NOT_READ),
        ]
    };
    let addresses = match loki.mode {
        LokiMode::Monolithic => vec![address(
            "spec.loki.monolithic.url",
            monolithic.url.as_ref(),
            ("spec.loki.monolithic.tls", monolithic.tls.as_ref()),
            NOT_WRITTEN,
        )],
        LokiMode::Microservices => two(
            [
                "spec.loki.microservices.ingesterUrl",
                "spec.loki.microservices.querierUrl",
            ],
            [
                microservices.ingester_url.as_ref(),
                microservices.querier_url.as_ref(),
            ],
            ("spec.loki.microservices.tls", microservices.tls.as_ref()),
        ),
        LokiMode::Manual => {
            let mut addresses = two(
                [
                    "spec.loki.manual.ingesterUrl",
                    "spec.loki.manual.querierUrl",
                ],
                [manual.ingester_url.as_ref(), manual.querier_url.as_ref()],
                ("spec.loki.manual.tls", manual.tls.as_ref()),
            );
            addresses.push(address(
                "spec.loki.manual.statusUrl",
                manual.status_url.as_ref(),
                ("spec.loki.manual.statusTls", manual.status_tls.as_ref()),
                None,
            ));
            addresses
        }
        LokiMode::LokiStack | LokiMode::Embedded => Vec::new(),
    };
    check_all(&addresses, findings);
}

fn check_prometheus(subject: &Subject<'_>, is_manual: bool, findings: &mut Findings) {
    let manual = subject.effective.querier.manual.clone().unwrap_or_default();
    let mut addresses = vec![Address {
        path: "spec.prometheus.querier.manual.url",
        url: manual.url.as_ref(),
        tls: ("spec.prometheus.querier.manual.tls", manual.tls.as_ref()),
        without: Some("the console shows no metrics"),
    }];
    // `Auto` asks no Alertmanager.
    if let Some(manager) = manual.alert_manager.as_ref().filter(|_| is_manual) {
        addresses.push(Address {
            path: "spec.prometheus.querier.manual.alertManager.url",
            url: manager.url.as_ref(),
            tls: (
                "spec.prometheus.querier.manual.alertManager.tls",
                manager.tls.as_ref(),
            ),
            without: None,
        });
    }
    check_all(&addresses, findings);
}

fn check_all(addresses: &[Address<'_>], findings: &mut Findings) {
    let mut authorities = Vec::new();
    for address in addresses {
        check_address(address, findings);
        let (path, tls) = address.tls;
        if !authorities.contains(&path) {
            authorities.push(path);
            check_authority(path, tls, findings);
        }
    }
}

fn check_address(address: &Address<'_>, findings: &mut Findings) {
    const ADVICE: &str = "write it as http://loki.example.svc:3100/ or https://…";
    let Some(url) = address.url.filter(|url| !url.is_empty()) else {
        if let Some(consequence) = address.without {
            findings.warn(
                address.path,
                format!("is empty, so {consequence}"),
                "write an address, or remove it for the default",
            );
        }
        return;
    };
    let Some(is_encrypted) = scheme(url) else {
        let problem = format!("{url:?} is no URL of HTTP: scheme, host and perhaps port and path");
        findings.refuse(address.path, problem, ADVICE);
        return;
    };
    let (path, tls) = address.tls;
    let is_enabled = tls.is_some_and(|tls| tls.enable == Some(true));
    if is_enabled && !is_encrypted {
        findings.warn(
            address.path,
            format!("{url:?} is in clear, and {path}.enable has no effect on it"),
            format!("begin it with https://, or remove {path}"),
        );
    } else if is_encrypted && !is_enabled {
        findings.warn(
            address.path,
            format!("{url:?} is asked by TLS, and without {path}.enable only authorities of the system are trusted"),
            format!("set {path}.enable and name the authority, unless a public one vouches for the server"),
        );
    }
}

/// Whether a URL asks for TLS; none if it is no URL of HTTP.
fn scheme(url: &str) -> Option<bool> {
    let parsed: Uri = url.parse().ok()?;
    let is_encrypted = match parsed.scheme_str()? {
        "http" => false,
        "https" => true,
        _ => return None,
    };
    let authority = parsed.authority()?;
    let host = authority.host();
    // What follows the host is a port.
    let after = authority.as_str().rsplit('@').next()?.strip_prefix(host)?;
    let is_port = after.is_empty() || authority.port_u16().is_some_and(|port| port > 0);
    (!host.is_empty() && is_port).then_some(is_encrypted)
}

/// A reference without a name is none, so that authorities of the system are asked instead of the one that was meant.
pub fn check_authority(path: &str, tls: Option<&ClientTls>, findings: &mut Findings) {
    let used = tls.filter(|tls| tls.enable == Some(true) && tls.insecure_skip_verify != Some(true));
    let authority = used.and_then(|tls| tls.ca_cert.as_ref());
    if authority.is_some_and(|authority| authority.name.as_deref().unwrap_or_default().is_empty()) {
        findings.warn(
            format!("{path}.caCert.name"),
            "is empty, so only authorities of the system are trusted",
            "name the Secret or ConfigMap with the authority, or remove caCert",
        );
    }
}
