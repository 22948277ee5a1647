//! What the tests of desired objects share: objects of a specification, without a cluster.
#![allow(
    dead_code,
    clippy::unwrap_used,
    reason = "tests; no test file uses all of it"
)]

use std::sync::Arc;

use k8s_openapi::apimachinery::pkg::apis::meta::v1::OwnerReference;
use netobserv_operator::apis::flowcollectorslice::FlowCollectorSlice;
use netobserv_operator::apis::flowmetric::FlowMetric;
use netobserv_operator::cluster::Facts;
use netobserv_operator::desired::certificates::Certificates;
use netobserv_operator::desired::recordings::Recordings;
use netobserv_operator::desired::references::Known;
use netobserv_operator::desired::{self, ConsoleImages, Desired, Images, Inputs, LokiStack};
use netobserv_operator::effective::Effective;
use netobserv_operator::scope::Scope;
use serde_json::Value;

/// Namespace of the components in these tests.
pub const NAMESPACE: &str = "netobserv";
/// Namespace of the agents in these tests.
pub const PRIVILEGED: &str = "netobserv-privileged";

/// Templates of health rules.
pub const TEMPLATES: [&str; 11] = [
    "PacketDropsByKernel",
    "PacketDropsByDevice",
    "IPsecErrors",
    "NetpolDenied",
    "LatencyHighTrend",
    "DNSErrors",
    "DNSNxDomain",
    "ExternalEgressHighTrend",
    "ExternalIngressHighTrend",
    "Ingress5xxErrors",
    "IngressHTTPLatencyTrend",
];

/// A Kubernetes with the Prometheus operator.
pub fn kubernetes() -> Facts {
    facts(&[
        "servicemonitors.monitoring.coreos.com/v1",
        "prometheusrules.monitoring.coreos.com/v1",
    ])
}

/// An OpenShift of that version.
pub fn openshift(version: &str) -> Facts {
    let mut facts = kubernetes();
    let constraints = "securitycontextconstraints.security.openshift.io/v1";
    facts.apis.insert(constraints.to_owned());
    facts.openshift_version = Some(version.to_owned());
    facts
}

/// The same with OpenShift's console.
pub fn console_plugins(version: &str) -> Facts {
    let mut facts = openshift(version);
    for api in [
        "consoleplugins.console.openshift.io/v1",
        "consoles.operator.openshift.io/v1",
    ] {
        facts.apis.insert(api.to_owned());
    }
    facts
}

/// A cluster that serves those APIs of other projects.
pub fn facts(apis: &[&str]) -> Facts {
    Facts {
        apis: apis.iter().map(|api| (*api).to_owned()).collect(),
        ..Facts::default()
    }
}

/// What a cluster holds beside the FlowCollector, and bears on its objects.
#[derive(Default)]
pub struct Beside {
    pub references: Known,
    pub certificates: Certificates,
    pub lokistack: Option<LokiStack>,
    pub recordings: Recordings,
    pub is_downstream: bool,
    pub metrics: Vec<Arc<FlowMetric>>,
    pub slices: Vec<Arc<FlowCollectorSlice>>,
}

/// All objects of a specification on a cluster.
pub fn desired(spec: &Value, facts: &Facts) -> Desired {
    desired_with(spec, facts, &Beside::default())
}

/// The same with a LokiStack.
pub fn desired_on(spec: &Value, facts: &Facts, lokistack: &LokiStack) -> Desired {
    let beside = Beside {
        lokistack: Some(lokistack.clone()),
        ..Beside::default()
    };
    desired_with(spec, facts, &beside)
}

/// The same with FlowMetrics and slices, as JSON.
pub fn desired_beside(spec: &Value, facts: &Facts, metrics: &[Value], slices: &[Value]) -> Desired {
    fn parsed<T: serde::de::DeserializeOwned>(values: &[Value]) -> Vec<Arc<T>> {
        let parse = |value: &Value| Arc::new(serde_json::from_value(value.clone()).unwrap());
        values.iter().map(parse).collect()
    }
    let beside = Beside {
        metrics: parsed(metrics),
        slices: parsed(slices),
        ..Beside::default()
    };
    desired_with(spec, facts, &beside)
}

/// The same with all that.
pub fn desired_with(spec: &Value, facts: &Facts, beside: &Beside) -> Desired {
    ask(spec, facts, beside, |inputs| {
        desired::objects(inputs).unwrap()
    })
}

/// What `question` answers about the inputs.
pub fn ask<T>(
    spec: &Value,
    facts: &Facts,
    beside: &Beside,
    question: impl FnOnce(&Inputs) -> T,
) -> T {
    let effective = Effective::of(&serde_json::from_value(spec.clone()).unwrap());
    let images = Images {
        agent: "registry/agent:v1".to_owned(),
        pipeline: "registry/pipeline:v2".to_owned(),
        console: ConsoleImages::parse("registry/console:v3").unwrap(),
        demo_loki: "registry/loki:v4".to_owned(),
        bytecode: "registry/bytecode:v5".to_owned(),
    };
    question(&Inputs {
        effective: &effective,
        scope: &Scope::new(NAMESPACE),
        owner: OwnerReference {
            api_version: "flows.netobserv.io/v1beta2".to_owned(),
            kind: "FlowCollector".to_owned(),
            name: "cluster".to_owned(),
            uid: "uid".to_owned(),
            controller: Some(true),
            block_owner_deletion: Some(true),
        },
        facts,
        images: &images,
        references: &beside.references,
        certificates: &beside.certificates,
        lokistack: beside.lokistack.as_ref(),
        recordings: &beside.recordings,
        is_downstream: beside.is_downstream,
        metrics: &beside.metrics,
        slices: &beside.slices,
    })
}

/// The body of one object.
pub fn find(desired: &Desired, kind: &str, name: &str) -> Option<Value> {
    let mut found = desired
        .items
        .iter()
        .filter(|item| item.object.key().kind == kind && item.object.key().name == name);
    let body = found.next().map(|item| item.object.body().clone());
    assert!(found.next().is_none(), "{kind} {name} is there twice");
    body
}

/// Kind and name of every object, sorted.
pub fn names(desired: &Desired) -> Vec<String> {
    let mut names: Vec<_> = desired
        .items
        .iter()
        .map(|item| format!("{} {}", item.object.key().kind, item.object.key().name))
        .collect();
    names.sort();
    names
}

/// What is said of every problem.
pub fn messages(desired: &Desired) -> Vec<&str> {
    let problems = desired.problems.iter();
    problems.map(|problem| problem.message.as_str()).collect()
}

/// The first container of a workload.
pub fn container(workload: &Value) -> &Value {
    &workload["spec"]["template"]["spec"]["containers"][0]
}

/// `NAME=value` of every variable, in order; a value from the pod's own fields is written `<field>`.
pub fn environment(workload: &Value) -> Vec<String> {
    let variables = container(workload)["env"].as_array().unwrap();
    variables
        .iter()
        .map(|variable| {
            let name = variable["name"].as_str().unwrap();
            let value = match variable["value"].as_str() {
                Some(value) => value.to_owned(),
                None => format!(
                    "<{}>",
                    variable["valueFrom"]["fieldRef"]["fieldPath"]
                        .as_str()
                        .unwrap()
                ),
            };
            format!("{name}={value}")
        })
        .collect()
}

/// `volume source -> folder` of every volume, in order.
pub fn volumes(workload: &Value) -> Vec<String> {
    let pod = &workload["spec"]["template"]["spec"];
    let volumes = pod["volumes"].as_array().cloned().unwrap_or_default();
    let mounts = container(workload)["volumeMounts"]
        .as_array()
        .cloned()
        .unwrap_or_default();
    assert_eq!(volumes.len(), mounts.len());
    volumes
        .iter()
        .zip(&mounts)
        .map(|(volume, mount)| {
            assert_eq!(volume["name"], mount["name"]);
            let text = |value: &Value| value.as_str().map(str::to_owned);
            let source = text(&volume["secret"]["secretName"])
                .map(|name| format!("Secret {name}"))
                .or_else(|| {
                    text(&volume["configMap"]["name"]).map(|name| format!("ConfigMap {name}"))
                })
                .or_else(|| text(&volume["hostPath"]["path"]))
                .or_else(|| text(&volume["csi"]["driver"]))
                .unwrap_or_else(|| "projected".to_owned());
            format!(
                "{} {source} -> {}",
                volume["name"].as_str().unwrap(),
                mount["mountPath"].as_str().unwrap()
            )
        })
        .collect()
}

/// Fails with every place in which `value` does not fit.
pub fn assert_fits(validator: &jsonschema::Validator, value: &Value, what: &Value) {
    let errors: Vec<_> = validator
        .iter_errors(value)
        .map(|error| format!("{}: {error}", error.instance_path()))
        .collect();
    assert!(errors.is_empty(), "{what}: {errors:#?}");
}

/// The schema behind references and alternatives.
pub fn described<'a>(schema: &'a Value, node: &'a Value) -> &'a Value {
    if let Some(path) = node["$ref"].as_str() {
        return described(
            schema,
            schema.pointer(path.trim_start_matches('#')).unwrap(),
        );
    }
    let alternatives = node["anyOf"].as_array().into_iter().flatten();
    let mut alternatives = alternatives.filter(|alternative| alternative["type"] != "null");
    match alternatives.next() {
        Some(alternative) => described(schema, alternative),
        None => node,
    }
}
