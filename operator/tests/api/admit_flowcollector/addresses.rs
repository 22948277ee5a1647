//! Addresses of Loki and Prometheus, and the TLS beside them.

use netobserv_operator::apis::validation::ClusterFacts;
use serde_json::{Value, json};

use super::{check, facts};

fn monolithic(section: &Value) -> Value {
    json!({ "loki": { "mode": "Monolithic", "monolithic": section } })
}

#[test]
fn an_address_is_a_url_of_http() {
    let path = "spec.loki.monolithic.url";
    let no_url = vec![(path, "no URL")];
    for (url, warnings, errors) in [
        ("http://loki", vec![], vec![]),
        ("http://loki.a.svc.cluster.local.:3100/a?b", vec![], vec![]),
        ("http://[fd00::1]:3100/", vec![], vec![]),
        ("HTTP://user:word@loki:3100", vec![], vec![]),
        ("", vec![(path, "no flows are kept")], vec![]),
        ("loki:3100", vec![], no_url.clone()),
        ("/loki", vec![], no_url.clone()),
        ("ftp://loki", vec![], no_url.clone()),
        ("http://", vec![], no_url.clone()),
        ("http://:3100", vec![], no_url.clone()),
        ("http://loki:0/", vec![], no_url.clone()),
        ("http://loki:70000/", vec![], no_url.clone()),
        ("http://loki :3100/", vec![], no_url),
        (
            "https://loki",
            vec![(path, "spec.loki.monolithic.tls.enable")],
            vec![],
        ),
    ] {
        check(
            &monolithic(&json!({ "url": url })),
            &facts(),
            &warnings,
            &errors,
        );
    }
    // What is not used is not looked at.
    let demo = json!({ "url": "x", "installDemoLoki": true });
    let warnings = vec![("spec.loki.monolithic.installDemoLoki", "production")];
    check(&monolithic(&demo), &facts(), &warnings, &vec![]);
    for unused in [
        json!({ "enable": false, "mode": "Monolithic", "monolithic": { "url": "x" } }),
        json!({ "mode": "LokiStack", "monolithic": { "url": "x" } }),
    ] {
        check(&json!({ "loki": unused }), &facts(), &vec![], &vec![]);
    }
}

#[test]
fn every_address_of_a_mode_is_looked_at() {
    let part = |mode: &str, section: &str, block: Value| json!({ "loki": { "mode": mode, section: block } });
    for (spec, warnings, errors) in [
        (
            part(
                "Microservices",
                "microservices",
                json!({ "ingesterUrl": "", "querierUrl": "x" }),
            ),
            vec![("spec.loki.microservices.ingesterUrl", "no flows are kept")],
            vec![("spec.loki.microservices.querierUrl", "no URL")],
        ),
        (
            part(
                "Manual",
                "manual",
                json!({ "ingesterUrl": "x", "querierUrl": "", "statusUrl": "y" }),
            ),
            vec![("spec.loki.manual.querierUrl", "shows no flows")],
            vec![
                ("spec.loki.manual.ingesterUrl", "no URL"),
                ("spec.loki.manual.statusUrl", "no URL"),
            ],
        ),
    ] {
        check(&spec, &facts(), &warnings, &errors);
    }
}

#[test]
fn tls_and_scheme_are_of_one_mind() {
    let url = "spec.loki.monolithic.url";
    let authority = "spec.loki.monolithic.tls.caCert.name";
    for (address, tls, warnings) in [
        (
            "http://l",
            json!({ "enable": true }),
            vec![(url, "in clear")],
        ),
        ("http://l", json!({ "enable": false }), vec![]),
        ("https://l", json!({ "enable": true }), vec![]),
        (
            "https://l",
            json!({ "enable": true, "caCert": { "name": "", "certFile": "ca.crt" } }),
            vec![(authority, "is empty")],
        ),
        (
            "https://l",
            json!({ "enable": true, "caCert": { "name": "ca" } }),
            vec![],
        ),
        (
            "https://l",
            json!({ "enable": true, "insecureSkipVerify": true, "caCert": {} }),
            vec![],
        ),
    ] {
        let section = json!({ "url": address, "tls": tls });
        check(&monolithic(&section), &facts(), &warnings, &vec![]);
    }
}

#[test]
fn prometheus_is_asked_by_hand_where_openshifts_own_is_not() {
    let url = "spec.prometheus.querier.manual.url";
    let manager = "spec.prometheus.querier.manual.alertManager.url";
    let elsewhere = ClusterFacts {
        openshift: Ok(None),
        ..facts()
    };
    let wrong = json!({ "url": "prometheus:9090", "alertManager": { "url": "x" } });
    let (both, first) = (
        vec![(url, "no URL"), (manager, "no URL")],
        vec![(url, "no URL")],
    );
    for (facts, mode, manual, warnings, errors) in [
        (facts(), "Manual", wrong.clone(), vec![], both),
        (facts(), "Auto", wrong.clone(), vec![], vec![]),
        (elsewhere.clone(), "Auto", wrong, vec![], first),
        (
            elsewhere,
            "Auto",
            json!({ "url": "" }),
            vec![(url, "shows no metrics")],
            vec![],
        ),
        (
            facts(),
            "Manual",
            json!({ "url": "http://p:9090", "alertManager": { "url": "" } }),
            vec![],
            vec![],
        ),
    ] {
        let spec = json!({ "prometheus": { "querier": { "mode": mode, "manual": manual } } });
        check(&spec, &facts, &warnings, &errors);
    }
}
