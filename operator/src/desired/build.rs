//! Pieces that the objects of several components are made of.

use std::collections::BTreeMap;

use k8s_openapi::api::autoscaling::v2::{
    CrossVersionObjectReference, HorizontalPodAutoscaler, HorizontalPodAutoscalerSpec,
};
use k8s_openapi::api::core::v1::{
    Capabilities, EnvVar, EnvVarSource, ObjectFieldSelector, PodSpec, ResourceRequirements,
    SecurityContext, Service, ServicePort, ServiceSpec,
};
use k8s_openapi::apimachinery::pkg::apis::meta::v1::{LabelSelector, ObjectMeta};
use k8s_openapi::apimachinery::pkg::util::intstr::IntOrString;

use crate::apis::flowcollector::v1beta2::shared::{Hpa, Scheduling};
use crate::object::quantity;
use crate::scope::label;

/// Most replicas of an autoscaler, unless told otherwise.
const REPLICAS_MAX: i32 = 3;

/// Texts by name.
pub type Labels = BTreeMap<String, String>;

/// Name, namespace and labels.
pub fn metadata(name: &str, namespace: Option<&str>, labels: Labels) -> ObjectMeta {
    ObjectMeta {
        name: Some(name.to_owned()),
        namespace: namespace.map(str::to_owned),
        labels: (!labels.is_empty()).then_some(labels),
        ..ObjectMeta::default()
    }
}

/// Owned copies of constant pairs.
pub fn texts<const N: usize>(pairs: [(&str, &str); N]) -> Labels {
    pairs
        .into_iter()
        .map(|(key, value)| (key.to_owned(), value.to_owned()))
        .collect()
}

/// Labels of a component's objects.
pub fn labels(app: &str) -> Labels {
    texts([(label::PART_OF, label::PART_OF_VALUE), (label::APP, app)])
}

/// Labels of a component's workload.
pub fn versioned_labels(app: &str, version: &str) -> Labels {
    let mut labels = labels(app);
    labels.insert(label::VERSION.to_owned(), version.to_owned());
    labels
}

/// Selects a component's pods.
pub fn selector(app: &str) -> LabelSelector {
    LabelSelector {
        match_labels: Some(texts([(label::APP, app)])),
        ..LabelSelector::default()
    }
}

/// A variable with a value.
pub fn variable(name: &str, value: impl Into<String>) -> EnvVar {
    EnvVar {
        name: name.to_owned(),
        value: Some(value.into()),
        value_from: None,
    }
}

/// A variable with the address of the pod's node.
pub fn host_address(name: &str) -> EnvVar {
    EnvVar {
        name: name.to_owned(),
        value: None,
        value_from: Some(EnvVarSource {
            field_ref: Some(ObjectFieldSelector {
                api_version: Some("v1".to_owned()),
                field_path: "status.hostIP".to_owned(),
            }),
            ..EnvVarSource::default()
        }),
    }
}

/// No escalation, a read-only root, no capability.
pub fn restricted() -> SecurityContext {
    SecurityContext {
        allow_privilege_escalation: Some(false),
        read_only_root_filesystem: Some(true),
        capabilities: Some(Capabilities {
            drop: Some(vec!["ALL".to_owned()]),
            add: None,
        }),
        ..SecurityContext::default()
    }
}

/// `GOMEMLIMIT`: nine tenths of the memory limit in bytes, so that the collector works before the kernel kills.
pub fn memory_limit(resources: Option<&ResourceRequirements>) -> Option<EnvVar> {
    let limit = &resources?.limits.as_ref()?.get("memory")?.0;
    let bytes = i64::try_from(quantity::units(limit)?).ok()?;
    (bytes > 0).then(|| variable("GOMEMLIMIT", (bytes - bytes / 10).to_string()))
}

/// Puts a pod on the nodes it shall run on.
pub fn schedule(pod: PodSpec, scheduling: Scheduling) -> PodSpec {
    PodSpec {
        node_selector: scheduling.node_selector,
        tolerations: scheduling.tolerations,
        affinity: scheduling.affinity,
        priority_class_name: scheduling.priority_class_name,
        ..pod
    }
}

/// A Service with one TCP port, that may have no name, in front of the pods of `app`.
pub fn service<'a>(
    metadata: ObjectMeta,
    app: &str,
    port_name: impl Into<Option<&'a str>>,
    port: u16,
) -> Service {
    Service {
        metadata,
        spec: Some(ServiceSpec {
            selector: Some(texts([(label::APP, app)])),
            ports: Some(vec![ServicePort {
                name: port_name.into().map(str::to_owned),
                port: port.into(),
                protocol: Some("TCP".to_owned()),
                target_port: Some(IntOrString::Int(port.into())),
                ..ServicePort::default()
            }]),
            ..ServiceSpec::default()
        }),
        status: None,
    }
}

/// What scales a Deployment as the specification says.
pub fn autoscaler(metadata: ObjectMeta, deployment: &str, given: &Hpa) -> HorizontalPodAutoscaler {
    HorizontalPodAutoscaler {
        metadata,
        spec: HorizontalPodAutoscalerSpec {
            scale_target_ref: CrossVersionObjectReference {
                api_version: Some("apps/v1".to_owned()),
                kind: "Deployment".to_owned(),
                name: deployment.to_owned(),
            },
            min_replicas: given.min_replicas,
            max_replicas: given.max_replicas.unwrap_or(REPLICAS_MAX),
            metrics: given.metrics.clone(),
            ..HorizontalPodAutoscalerSpec::default()
        },
        status: None,
    }
}
