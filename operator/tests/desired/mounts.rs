//! What pods mount and Prometheus selects is there, or a reference that is listed, copied and told of; and nothing is
//! listed that nobody uses. Else a pod hangs at its start, or a status complains about what does not matter.

use std::collections::{BTreeMap, BTreeSet};

use crate::properties::defaulted;
use crate::support::{self, Beside, ask};
use netobserv_operator::cluster::Facts;
use netobserv_operator::desired::references::{self, Content, Known, Reference, State};
use netobserv_operator::desired::{Desired, objects};
use serde_json::{Value, json};

/// Kind, namespace and name.
type Name = (String, String, String);

/// What somebody else puts into our namespaces without being asked in the specification.
const OF_OTHERS: [&str; 1] = ["openshift-service-ca.crt"];

/// All objects where everything that is referred to exists, with the keys that are asked for.
pub fn with_references(spec: &Value, facts: &Facts) -> Desired {
    let listed = ask(spec, facts, &Beside::default(), references::all);
    let mut keys: BTreeMap<_, BTreeSet<String>> = BTreeMap::new();
    for reference in listed.iter().filter(|reference| reference.ring.is_none()) {
        let of_source = keys.entry(reference.source.clone()).or_default();
        of_source.extend(reference.keys.iter().cloned());
    }
    let sources = keys.into_iter().map(|(source, keys)| {
        let data: BTreeMap<_, _> = keys.iter().map(|key| (key, "eA==")).collect();
        let object = serde_json::from_value(json!({"metadata": {}, "data": data})).unwrap();
        let content = Content::of(&source.kind, &object);
        (source, State::Found(content))
    });
    let beside = Beside {
        references: Known {
            sources: sources.collect(),
            ..Known::default()
        },
        ..Beside::default()
    };
    ask(spec, facts, &beside, |inputs| objects(inputs).unwrap())
}

fn text(value: &Value) -> String {
    value.as_str().unwrap_or_default().to_owned()
}

/// What the objects use of their namespaces: volumes of pods, authorities of ServiceMonitors.
fn used(desired: &Desired) -> BTreeSet<Name> {
    let mut used = BTreeSet::new();
    for item in &desired.items {
        let body = item.object.body();
        let namespace = text(&body["metadata"]["namespace"]);
        let volumes = &body["spec"]["template"]["spec"]["volumes"];
        let endpoints = &body["spec"]["endpoints"];
        for (kind, name) in volumes
            .as_array()
            .into_iter()
            .flatten()
            .flat_map(|volume| {
                [
                    ("Secret", &volume["secret"]["secretName"]),
                    ("ConfigMap", &volume["configMap"]["name"]),
                ]
            })
            .chain(
                endpoints
                    .as_array()
                    .into_iter()
                    .flatten()
                    .flat_map(|endpoint| {
                        let authority = &endpoint["tlsConfig"]["ca"];
                        [
                            ("Secret", &authority["secret"]["name"]),
                            ("ConfigMap", &authority["configMap"]["name"]),
                        ]
                    }),
            )
            .filter(|(_, name)| !name.is_null())
        {
            used.insert((kind.to_owned(), namespace.clone(), text(name)));
        }
    }
    used
}

/// What is there: our own objects, and certificates that OpenShift's service CA makes for our Services.
fn made(desired: &Desired) -> BTreeSet<Name> {
    let mut made = BTreeSet::new();
    for item in &desired.items {
        let (key, body) = (item.object.key(), item.object.body());
        let namespace = key.namespace.clone().unwrap_or_default();
        let certificate =
            &body["metadata"]["annotations"]["service.beta.openshift.io/serving-cert-secret-name"];
        if !certificate.is_null() {
            made.insert(("Secret".to_owned(), namespace.clone(), text(certificate)));
        }
        made.insert((key.kind.clone(), namespace, key.name.clone()));
    }
    made
}

/// Each property set, and combinations of what brings certificates, by name.
fn specs() -> Vec<(String, Value)> {
    let properties = crate::set_properties::all().into_iter();
    let mut specs: Vec<_> = properties
        .map(|property| (property.path, defaulted(property.spec)))
        .collect();
    for model in ["Service", "Kafka", "Direct"] {
        for metrics in ["Disabled", "Auto"] {
            for service in ["Disabled", "Auto", "Auto-mTLS"] {
                let metrics_tls = json!({"server": {"tls": {"type": metrics}}});
                let spec = json!({
                    "deploymentModel": model,
                    "agent": {"ebpf": {"metrics": metrics_tls}},
                    "processor": {"metrics": metrics_tls, "service": {"tlsType": service}},
                    "loki": {"mode": "LokiStack"},
                });
                let name = format!("{model}, {metrics}, {service}");
                specs.push((name, defaulted(spec)));
            }
        }
    }
    specs
}

/// What is wrong with one specification on one cluster.
fn wrong(spec: &Value, facts: &Facts) -> Vec<String> {
    let desired = with_references(spec, facts);
    let (made, used) = (made(&desired), used(&desired));
    let listed = ask(spec, facts, &Beside::default(), references::all);
    let name = |reference: &Reference, namespace: &str| {
        let source = &reference.source;
        (
            source.kind.clone(),
            namespace.to_owned(),
            source.name.clone(),
        )
    };
    // Where its pods are: the object itself, or its copy, which is among what is made.
    let sources: BTreeSet<Name> = listed
        .iter()
        .map(|reference| name(reference, reference.source.namespace.as_deref().unwrap()))
        .collect();
    let is_there = |needed: &&Name| {
        made.contains(*needed)
            || sources.contains(*needed)
            || OF_OTHERS.contains(&needed.2.as_str())
    };
    let missing = used.iter().filter(|needed| !is_there(needed));
    let missing = missing.map(|needed| format!("{needed:?} is used, and nobody makes or lists it"));
    let idle = listed.iter().filter(|reference| {
        reference.ring.is_none() && !used.contains(&name(reference, &reference.target))
    });
    let idle = idle.map(|reference| format!("{} is listed and not used", reference.path));
    missing.chain(idle).collect()
}

#[test]
fn whatever_is_mounted_is_there_or_listed_and_whatever_is_listed_is_used() {
    let mut found = Vec::new();
    for (name, given) in specs() {
        let mut embedded = given.clone();
        embedded["loki"]["mode"] = json!("Embedded");
        for spec in [given, embedded] {
            for facts in [support::kubernetes(), support::console_plugins("4.19.3")] {
                let wrong = wrong(&spec, &facts);
                found.extend(wrong.into_iter().map(|wrong| format!("{name}: {wrong}")));
            }
        }
    }
    assert_eq!(found, Vec::<String>::new(), "{found:#?}");
}
