//! Certificates between components: which are ours to make, and what they become.

use std::collections::BTreeMap;

use crate::support::{self, Beside, NAMESPACE, ask, desired_with, kubernetes, messages, openshift};
use jiff::Timestamp;
use netobserv_operator::certificates::Keyring;
use netobserv_operator::cluster::Facts;
use netobserv_operator::desired::Desired;
use netobserv_operator::desired::certificates::{Certificates, Maker, Ring, makers};
use netobserv_operator::desired::references::{self, Content, Known, State};
use netobserv_operator::object::Key;
use netobserv_operator::scope::Scope;
use serde_json::{Value, json};

fn service(tls: &str) -> Value {
    json!({"processor": {"service": {"tlsType": tls}}})
}

fn metrics(model: &str) -> Value {
    let server = json!({"server": {"tls": {"type": "Auto"}}});
    json!({"deploymentModel": model, "kafka": {"address": "k", "topic": "t"},
        "processor": {"metrics": server}, "agent": {"ebpf": {"metrics": server}}})
}

fn content(labels: &Value) -> Content {
    let object = json!({"metadata": {"labels": labels}, "data": {}});
    Content::of("Secret", &serde_json::from_value(object).unwrap())
}

/// What the cluster holds: these of somebody else, and of the rest nothing.
fn held(spec: &Value, facts: &Facts, theirs: &[&str]) -> Known {
    let references = ask(spec, facts, &Beside::default(), references::all);
    let sources = references.into_iter().map(|reference| {
        let is_theirs = theirs.contains(&reference.source.to_string().as_str());
        let state = if is_theirs {
            State::Found(content(&json!({})))
        } else {
            State::Missing
        };
        (reference.source, state)
    });
    Known {
        sources: sources.collect(),
        ..Known::default()
    }
}

fn ring(ring: Ring) -> Keyring {
    let now = Timestamp::from_second(1_800_000_000).unwrap();
    let plan = ring.plan(&Scope::new(NAMESPACE));
    Keyring::advance(None, &plan, now).unwrap().0
}

/// The objects where the cluster holds that; the rings that are ours are made.
fn made(spec: &Value, facts: &Facts, theirs: &[&str]) -> Desired {
    let mut beside = Beside {
        references: held(spec, facts, theirs),
        ..Beside::default()
    };
    let makers = ask(spec, facts, &beside, makers);
    beside.certificates.rings = makers
        .into_iter()
        .filter(|(_, maker)| *maker == Maker::Operator)
        .map(|(name, _)| (name, Ok(ring(name))))
        .collect();
    desired_with(spec, facts, &beside)
}

/// `Kind namespace/name` of what holds certificates.
fn holders(desired: &Desired) -> Vec<String> {
    let items = desired.items.iter().map(|item| &item.object);
    items
        .filter(|object| {
            let data = object.body()["data"].as_object();
            data.is_some_and(|data| {
                data.contains_key("service-ca.crt") || data.contains_key("tls.crt")
            })
        })
        .map(|object| object.key().to_string())
        .collect()
}

#[test]
fn what_nobody_else_provides_is_ours() {
    const AGENT: &str = "Secret netobserv-privileged/ebpf-agent-cert";
    const TRUST: &str = "ConfigMap netobserv/netobserv-ca";
    const AGENT_METRICS: &str = "Secret netobserv-privileged/ebpf-agent-svc-prom";
    let store =
        json!({"loki": {"mode": "Embedded"}, "processor": {"service": {"tlsType": "Disabled"}}});
    let held_back = json!({"execution": {"mode": "OnHold"}});
    let direct = json!({"deploymentModel": "Direct"});
    for (name, spec, facts, theirs, expected) in [
        (
            "an empty specification",
            json!({}),
            kubernetes(),
            &[][..],
            vec![PIPELINE, AGENTS_TRUST],
        ),
        (
            "mutual",
            service("Auto-mTLS"),
            kubernetes(),
            &[],
            vec![PIPELINE, AGENTS_TRUST, AGENT, TRUST],
        ),
        ("plain", service("Disabled"), kubernetes(), &[], vec![]),
        ("Direct", direct, kubernetes(), &[], vec![]),
        ("on hold", held_back, kubernetes(), &[], vec![]),
        ("OpenShift", json!({}), openshift("4.19.0"), &[], vec![]),
        (
            "mutual on OpenShift",
            service("Auto-mTLS"),
            openshift("4.19.0"),
            &[],
            vec![AGENT, TRUST],
        ),
        (
            "metrics",
            metrics("Direct"),
            kubernetes(),
            &[],
            vec![
                "Secret netobserv/flowlogs-pipeline-prom",
                TRUST,
                AGENT_METRICS,
                AGENTS_TRUST,
            ],
        ),
        (
            "metrics with Kafka",
            metrics("Kafka"),
            kubernetes(),
            &[],
            vec![
                "Secret netobserv/flowlogs-pipeline-transformer-prom",
                TRUST,
                AGENT_METRICS,
                AGENTS_TRUST,
            ],
        ),
        (
            "metrics on OpenShift",
            metrics("Direct"),
            openshift("4.19.0"),
            &[],
            vec![],
        ),
        (
            "the store",
            store,
            kubernetes(),
            &[],
            vec![
                "Secret netobserv/netobserv-store-cert",
                "Secret netobserv/netobserv-store-client-cert",
            ],
        ),
        (
            "a part is theirs",
            service("Auto-mTLS"),
            kubernetes(),
            &[PIPELINE],
            vec![],
        ),
        (
            "whom to trust is theirs",
            json!({}),
            kubernetes(),
            &[AGENTS_TRUST],
            vec![],
        ),
        (
            "the agents' is theirs on OpenShift",
            service("Auto-mTLS"),
            openshift("4.19.0"),
            &[AGENT],
            vec![],
        ),
    ] {
        let made = made(&spec, &facts, theirs);
        assert_eq!(holders(&made), expected, "{name}");
    }
}

#[test]
fn what_somebody_else_provides_in_part_is_asked_for() {
    let theirs = ["Secret netobserv/flowlogs-pipeline-cert"];
    let made = made(&service("Auto-mTLS"), &kubernetes(), &theirs);
    let path = "spec.processor.service.tlsType";
    let missing = |object: &str| {
        format!("{path}: {object} does not exist; create it, or change the reference")
    };
    assert_eq!(
        messages(&made),
        [
            format!(
                "{path}: {} has no key tls.crt, tls.key; add it, or change the reference",
                theirs[0]
            ),
            missing("ConfigMap netobserv-privileged/netobserv-ca"),
            missing("Secret netobserv-privileged/ebpf-agent-cert"),
            missing("ConfigMap netobserv/netobserv-ca"),
        ]
    );
}

/// The two objects of the ring of an empty specification.
const PIPELINE: &str = "Secret netobserv/flowlogs-pipeline-cert";
const AGENTS_TRUST: &str = "ConfigMap netobserv-privileged/netobserv-ca";

/// The same cluster, where each object is in such a state, and these are ours as the watches of our objects show them.
fn known(spec: &Value, states: &[(&str, State)], ours: &[&str]) -> Known {
    let mut known = held(spec, &kubernetes(), &[]);
    for (source, state) in &mut known.sources {
        let name = source.to_string();
        if let Some((_, given)) = states.iter().find(|(given, _)| *given == name) {
            *state = given.clone();
        }
        if ours.contains(&name.as_str()) {
            known.ours.insert(source.clone());
        }
    }
    known
}

#[test]
fn what_cannot_be_read_is_made_by_nobody_anew_and_taken_from_nobody() {
    let spec = json!({});
    let unreadable = || State::Unreadable("forbidden".to_owned());
    let ours = || State::Found(content(&json!({"netobserv-managed": "true"})));
    let theirs = || State::Found(content(&json!({})));
    let unknown = |object: &str, was_ours| Maker::Unknown {
        reason: format!("{object} cannot be read: forbidden"),
        was_ours,
    };
    for (name, pipeline, trust, seen, expected) in [
        ("all ours", ours(), ours(), &[][..], Maker::Operator),
        (
            "nothing known",
            unreadable(),
            unreadable(),
            &[],
            unknown(PIPELINE, false),
        ),
        (
            "all ours as the other watches show",
            unreadable(),
            unreadable(),
            &[PIPELINE, AGENTS_TRUST],
            Maker::Operator,
        ),
        (
            "a part ours, the other not known",
            ours(),
            unreadable(),
            &[PIPELINE],
            unknown(AGENTS_TRUST, true),
        ),
        (
            "a part theirs, the other not known",
            theirs(),
            unreadable(),
            &[AGENTS_TRUST],
            Maker::Other,
        ),
    ] {
        let states = [(PIPELINE, pipeline), (AGENTS_TRUST, trust)];
        let beside = Beside {
            references: known(&spec, &states, seen),
            ..Beside::default()
        };
        let makers = ask(&spec, &kubernetes(), &beside, makers);
        assert_eq!(
            makers,
            BTreeMap::from([(Ring::Components, expected)]),
            "{name}"
        );
    }
}

#[test]
fn while_a_ring_is_not_known_what_runs_stays() {
    let spec = json!({});
    let unreadable = State::Unreadable("no answer".to_owned());
    let theirs = State::Found(content(&json!({})));
    let failed = Certificates {
        rings: BTreeMap::from([(Ring::Components, Err("no answer".to_owned()))]),
    };
    for (name, pipeline, certificates, stays) in [
        (
            "its keeper cannot be read",
            State::Missing,
            failed.clone(),
            true,
        ),
        (
            "a part cannot be read",
            unreadable,
            Certificates::default(),
            true,
        ),
        ("it is theirs", theirs, Certificates::default(), false),
    ] {
        let mut references = known(&spec, &[(PIPELINE, pipeline)], &[]);
        let digest = "flows.netobserv.io/watched-svc-certs".to_owned();
        let workload = Key::namespaced("Deployment", "apps", NAMESPACE, "flowlogs-pipeline");
        let live = BTreeMap::from([(digest.clone(), "live".to_owned())]);
        references.annotations.insert(workload, live);
        let beside = Beside {
            references,
            certificates,
            ..Beside::default()
        };
        let made = desired_with(&spec, &kubernetes(), &beside);
        let mut kept: Vec<_> = made.keep.iter().map(ToString::to_string).collect();
        kept.sort();
        let pipeline = support::find(&made, "Deployment", "flowlogs-pipeline").unwrap();
        let annotation = &pipeline["spec"]["template"]["metadata"]["annotations"][&digest];
        if stays {
            assert_eq!(kept, [AGENTS_TRUST, PIPELINE], "{name}");
            assert_eq!(annotation, "live", "{name}");
        } else {
            assert!(kept.is_empty(), "{name}");
            assert!(annotation.is_null(), "{name}");
        }
    }
}

#[test]
fn a_ring_that_cannot_be_had_is_reported_and_the_rest_deployed() {
    let spec = json!({});
    let beside = Beside {
        references: held(&spec, &kubernetes(), &[]),
        certificates: Certificates {
            rings: BTreeMap::from([(Ring::Components, Err("no room".to_owned()))]),
        },
        ..Beside::default()
    };
    let made = desired_with(&spec, &kubernetes(), &beside);
    let path = "spec.processor.service.tlsType";
    assert_eq!(
        messages(&made),
        [
            format!(
                "{path}: Secret netobserv/flowlogs-pipeline-cert can neither be made nor renewed: no room"
            ),
            format!(
                "{path}: ConfigMap netobserv-privileged/netobserv-ca can neither be made nor renewed: no room"
            ),
        ]
    );
    assert!(support::find(&made, "DaemonSet", "netobserv-ebpf-agent").is_some());
}

#[test]
fn of_ours_only_the_pipelines_own_restarts_pods_and_of_theirs_what_the_agents_use() {
    let spec = service("Auto-mTLS");
    let digests = |made: &Desired, kind: &str, name: &str| {
        let workload = support::find(made, kind, name).unwrap();
        let annotations = &workload["spec"]["template"]["metadata"]["annotations"];
        let annotations = annotations.as_object().cloned().unwrap_or_default();
        let names = annotations.keys().filter(|name| name.contains("watched-"));
        names.cloned().collect::<Vec<_>>()
    };
    let ours = made(&spec, &kubernetes(), &[]);
    assert!(digests(&ours, "DaemonSet", "netobserv-ebpf-agent").is_empty());
    assert_eq!(
        digests(&ours, "Deployment", "flowlogs-pipeline"),
        ["flows.netobserv.io/watched-svc-certs"]
    );
    let theirs = [
        "Secret netobserv/flowlogs-pipeline-cert",
        "ConfigMap netobserv-privileged/netobserv-ca",
        "Secret netobserv-privileged/ebpf-agent-cert",
        "ConfigMap netobserv/netobserv-ca",
    ];
    let theirs = made(&spec, &kubernetes(), &theirs);
    assert_eq!(
        digests(&theirs, "DaemonSet", "netobserv-ebpf-agent"),
        [
            "flows.netobserv.io/watched-mtls-ca",
            "flows.netobserv.io/watched-mtls-user"
        ]
    );
    assert!(digests(&theirs, "Deployment", "flowlogs-pipeline").is_empty());
}
