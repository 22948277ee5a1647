//! The webhooks on a real API server, with a certificate of our own: conversion and admission.

use std::time::Duration;

use crate::support::control_plane::{NAMESPACE, create, parse};
use crate::support::{ControlPlane, Manager, eventually};
use k8s_openapi::api::admissionregistration::v1::ValidatingWebhookConfiguration;
use k8s_openapi::api::apps::v1::DaemonSet;
use k8s_openapi::api::core::v1::Secret;
use k8s_openapi::apiextensions_apiserver::pkg::apis::apiextensions::v1::CustomResourceDefinition;
use kube::api::{Api, DeleteParams, DynamicObject, Patch, PatchParams, PostParams};
use kube::core::{ApiResource, GroupVersionKind};
use serde_json::{Value, json};

const SECRET: &str = "netobserv-webhook-own-cert";
const CONFIGURATION: &str = "netobserv-validating-webhook-configuration";

fn collectors(plane: &ControlPlane, version: &str) -> Api<DynamicObject> {
    let kind = GroupVersionKind::gvk("flows.netobserv.io", version, "FlowCollector");
    let resource = ApiResource::from_gvk_with_plural(&kind, "flowcollectors");
    Api::all_with(plane.client.clone(), &resource)
}

/// As a chart installs it: nobody has filled in whom to trust.
async fn install_admission(plane: &ControlPlane) {
    let webhook = |name: &str, version: &str, resource: &str, path: &str| {
        json!({
            "name": name, "failurePolicy": "Fail", "sideEffects": "None", "admissionReviewVersions": ["v1"],
            "clientConfig": {"service": {"name": "netobserv-webhook-service", "namespace": NAMESPACE, "path": path}},
            "rules": [{"apiGroups": ["flows.netobserv.io"], "apiVersions": [version], "resources": [resource],
                "operations": ["CREATE", "UPDATE"]}],
        })
    };
    let configuration = json!({"metadata": {"name": CONFIGURATION}, "webhooks": [
        webhook("flowcollectorconversionwebhook.netobserv.io", "v1beta2", "flowcollectors",
            "/validate-flows-netobserv-io-v1beta2-flowcollector"),
        webhook("flowmetricvalidationwebhook.netobserv.io", "v1alpha1", "flowmetrics",
            "/validate-flows-netobserv-io-v1alpha1-flowmetric"),
    ]});
    let api: Api<ValidatingWebhookConfiguration> = Api::all(plane.client.clone());
    create(&api, &parse(configuration)).await;
}

/// Waits until the API server knows where the webhooks are.
async fn injected(plane: &ControlPlane) {
    let configurations: Api<ValidatingWebhookConfiguration> = Api::all(plane.client.clone());
    let definitions: Api<CustomResourceDefinition> = Api::all(plane.client.clone());
    eventually("the webhooks are known", async || {
        let configuration = configurations
            .get(CONFIGURATION)
            .await
            .map_err(|error| error.to_string())?;
        let is_known = configuration.webhooks.iter().flatten().all(|webhook| {
            webhook.client_config.url.is_some() && webhook.client_config.ca_bundle.is_some()
        });
        let definition = definitions
            .get("flowcollectors.flows.netobserv.io")
            .await
            .map_err(|error| error.to_string())?;
        let conversion = definition
            .spec
            .conversion
            .and_then(|conversion| conversion.webhook);
        let has_url = conversion
            .and_then(|webhook| webhook.client_config)
            .is_some_and(|config| config.url.is_some());
        (is_known && has_url)
            .then_some(())
            .ok_or_else(|| "not yet".to_owned())
    })
    .await;
}

/// Longer than it takes to notice, and much shorter than until the next look.
const REPAIR_LIMIT: Duration = Duration::from_secs(20);

/// Once everything was refused for a minute after somebody had taken away whom to trust.
async fn what_is_taken_away_is_put_back_at_once(plane: &ControlPlane) {
    let configurations: Api<ValidatingWebhookConfiguration> = Api::all(plane.client.clone());
    let definitions: Api<CustomResourceDefinition> = Api::all(plane.client.clone());
    let nothing = json!([{"op": "remove", "path": "/webhooks/0/clientConfig/caBundle"}]);
    let patch = Patch::<()>::Json(serde_json::from_value(nothing).unwrap());
    configurations
        .patch(CONFIGURATION, &PatchParams::default(), &patch)
        .await
        .unwrap();
    tokio::time::timeout(REPAIR_LIMIT, injected(plane))
        .await
        .expect("an authority is put back");
    configurations
        .delete(CONFIGURATION, &DeleteParams::default())
        .await
        .unwrap();
    install_admission(plane).await;
    tokio::time::timeout(REPAIR_LIMIT, injected(plane))
        .await
        .expect("a new configuration is told of");
    let elsewhere = json!([{"op": "replace", "path": "/spec/conversion/webhook/clientConfig",
        "value": {"service": {"name": "nobody", "namespace": NAMESPACE}}}]);
    let patch = Patch::<()>::Json(serde_json::from_value(elsewhere).unwrap());
    definitions
        .patch(
            "flowcollectors.flows.netobserv.io",
            &PatchParams::default(),
            &patch,
        )
        .await
        .unwrap();
    tokio::time::timeout(REPAIR_LIMIT, injected(plane))
        .await
        .expect("the conversion is told of again");
}

/// As a user sees it: what kubectl says about an edit.
fn each_rule_refuses_with_its_message(plane: &ControlPlane) {
    let filter =
        |rules: Value| json!({"agent": {"ebpf": {"flowFilter": {"enable": true, "rules": rules}}}});
    let health = |variant: Value| json!({"processor": {"metrics": {"healthRules": [{"template": "PacketDropsByKernel", "variants": [variant]}]}}});
    let embedded = |console: Value| json!({"loki": {"mode": "Embedded"}, "consolePlugin": console});
    let rule = "spec.agent.ebpf.flowFilter.rules[0]";
    let variant = "spec.processor.metrics.healthRules[0].variants[0]";
    for (spec, path, problem) in [
        (
            filter(json!([{"cidr": "10.0.0.0/8"}, {"cidr": "10.0.0.0/8"}])),
            "spec.agent.ebpf.flowFilter.rules",
            "already exists in another rule",
        ),
        (
            filter(json!([{"cidr": "ten"}])),
            rule,
            "is no address range",
        ),
        (
            filter(json!([{"cidr": "10.0.0.0/8", "ports": "1-"}])),
            rule,
            "write one port as 80",
        ),
        (
            filter(json!([{"cidr": "10.0.0.0/8", "ports": 1, "destPorts": 2}])),
            rule,
            "cannot be used together with destPorts",
        ),
        (
            json!({"loki": {"enable": false}, "processor": {"logTypes": "Conversations"}}),
            "spec.processor.logTypes",
            "conversations need flows to be kept",
        ),
        (
            json!({"deploymentModel": "Service", "processor": {"service": {"tlsType": "Provided"}}}),
            "spec.processor.service",
            "tlsType is Provided",
        ),
        (
            health(json!({"groupBy": "Node", "thresholds": {}})),
            variant,
            "there is no threshold",
        ),
        (
            health(json!({"lowVolumeThreshold": "few", "thresholds": {"critical": "1"}})),
            variant,
            "is no number",
        ),
        (
            health(json!({"thresholds": {"critical": "-1"}})),
            variant,
            "is no percentage of 0 or more",
        ),
        (
            health(json!({"thresholds": {"warning": "2", "info": "3"}})),
            variant,
            "is not below the limit",
        ),
        (
            embedded(json!({"replicas": 2})),
            "spec.consolePlugin.replicas",
            "must be 1",
        ),
        (
            embedded(json!({"unmanagedReplicas": true})),
            "spec.consolePlugin.unmanagedReplicas",
            "cannot be used",
        ),
        (
            embedded(json!({"enable": false})),
            "spec.consolePlugin.enable",
            "must be true",
        ),
        (
            json!({"loki": {"mode": "Embedded", "embedded": {"retention": {"age": "1s"}}}}),
            "spec.loki.embedded.retention.age",
            "is too short",
        ),
    ] {
        let patch = json!({"spec": spec}).to_string();
        let arguments = [
            "patch",
            "flowcollector",
            "cluster",
            "--type=merge",
            "-p",
            &patch,
        ];
        let (_, refused) = plane.kubectl(&arguments);
        assert!(
            refused.contains(path) && refused.contains(problem),
            "{patch}: {refused}"
        );
    }
}

async fn an_edit_in_the_older_version_is_deployed(plane: &ControlPlane, old: &Api<DynamicObject>) {
    let patch = json!({"spec": {"agent": {"ebpf": {"sampling": 13}}}});
    old.patch("cluster", &PatchParams::default(), &Patch::Merge(patch))
        .await
        .unwrap();
    let agents: Api<DaemonSet> = Api::namespaced(plane.client.clone(), "netobserv-privileged");
    eventually("the agents sample as the older version says", async || {
        let agent = agents
            .get("netobserv-ebpf-agent")
            .await
            .map_err(|error| error.to_string())?;
        let pod = serde_json::to_string(&agent.spec.template).unwrap();
        pod.contains(r#"{"name":"SAMPLING","value":"13"}"#)
            .then_some(())
            .ok_or(pod)
    })
    .await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn versions_are_converted_and_bad_objects_refused_with_our_own_certificate() {
    let Some(plane) = ControlPlane::start().await else {
        return;
    };
    plane.install().await;
    install_admission(&plane).await;
    let kubeconfig = plane.manager_kubeconfig().await;
    let manager = Manager::start_with_webhooks(&kubeconfig).await;
    injected(&plane).await;
    what_is_taken_away_is_put_back_at_once(&plane).await;

    let (old, new) = (collectors(&plane, "v1beta1"), collectors(&plane, "v1beta2"));
    let object = json!({
        "apiVersion": "flows.netobserv.io/v1beta1", "kind": "FlowCollector", "metadata": {"name": "cluster"},
        "spec": {"deploymentModel": "DIRECT", "agent": {"type": "EBPF", "ebpf": {"sampling": 9}},
            "loki": {"url": "http://loki.example:3100/"}},
    });
    let object: DynamicObject = parse(object);
    // The API server takes a moment to take in where the webhooks are.
    eventually("a v1beta1 object is taken", async || {
        old.create(&PostParams::default(), &object)
            .await
            .map_err(|error| error.to_string())
    })
    .await;

    let converted = new.get("cluster").await.unwrap().data;
    assert_eq!(converted["spec"]["deploymentModel"], "Direct");
    assert_eq!(converted["spec"]["agent"]["ebpf"]["sampling"], 9);
    assert_eq!(
        converted["spec"]["loki"]["manual"]["ingesterUrl"],
        "http://loki.example:3100/"
    );
    assert_eq!(
        old.get("cluster").await.unwrap().data["spec"]["loki"]["url"],
        "http://loki.example:3100/"
    );
    let (output, warnings) = plane.kubectl(&["get", "flowcollectors.v1beta1.flows.netobserv.io"]);
    assert!(
        output.contains("cluster") && output.contains("DIRECT"),
        "{output}"
    );
    assert!(warnings.contains("deprecated"), "{warnings}");

    // An edit in either version is seen in the other.
    let merge = |patch: Value| Patch::Merge(patch);
    let sampling = |value: u32| json!({"spec": {"agent": {"ebpf": {"sampling": value}}}});
    old.patch("cluster", &PatchParams::default(), &merge(sampling(11)))
        .await
        .unwrap();
    assert_eq!(
        new.get("cluster").await.unwrap().data["spec"]["agent"]["ebpf"]["sampling"],
        11
    );
    new.patch("cluster", &PatchParams::default(), &merge(sampling(12)))
        .await
        .unwrap();
    assert_eq!(
        old.get("cluster").await.unwrap().data["spec"]["agent"]["ebpf"]["sampling"],
        12
    );

    // All problems at once.
    let bad = json!({"spec": {"deploymentModel": "Service", "processor": {"logTypes": "All",
        "filters": [{"query": "what ?"}]}}});
    let refused = new
        .patch("cluster", &PatchParams::default(), &merge(bad))
        .await
        .unwrap_err()
        .to_string();
    for part in [
        "spec.processor.logTypes: conversations cannot be tracked",
        "spec.processor.filters[0].query: cannot be read",
    ] {
        assert!(refused.contains(part), "{refused}");
    }
    let metrics = json!({"apiVersion": "flows.netobserv.io/v1alpha1", "kind": "FlowMetric",
        "metadata": {"name": "m", "namespace": NAMESPACE}, "spec": {"type": "Histogram", "valueField": "Bytes", "buckets": ["x"]}});
    let kind = GroupVersionKind::gvk("flows.netobserv.io", "v1alpha1", "FlowMetric");
    let resource = ApiResource::from_gvk_with_plural(&kind, "flowmetrics");
    let flow_metrics: Api<DynamicObject> =
        Api::namespaced_with(plane.client.clone(), NAMESPACE, &resource);
    let refused = flow_metrics
        .create(&PostParams::default(), &parse(metrics))
        .await
        .unwrap_err()
        .to_string();
    assert!(refused.contains("spec.buckets"), "{refused}");

    each_rule_refuses_with_its_message(&plane);
    an_edit_in_the_older_version_is_deployed(&plane, &old).await;

    // A manager that starts anew serves the same certificate.
    let secrets: Api<Secret> = Api::namespaced(plane.client.clone(), NAMESPACE);
    let before = secrets.get(SECRET).await.unwrap();
    drop(manager);
    let _manager = Manager::start_with_webhooks(&kubeconfig).await;
    eventually("conversion by the new manager", async || {
        old.get("cluster")
            .await
            .map(|_| ())
            .map_err(|error| error.to_string())
    })
    .await;
    assert_eq!(secrets.get(SECRET).await.unwrap().data, before.data);
}
