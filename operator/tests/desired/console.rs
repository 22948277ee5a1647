//! The console's objects: which there are in each situation, its pod, its place in OpenShift's console.

use crate::support::{
    self, NAMESPACE, console_plugins, container, environment, find, kubernetes, openshift, volumes,
};
use k8s_openapi::apimachinery::pkg::apis::meta::v1::OwnerReference;
use netobserv_operator::cluster::Facts;
use netobserv_operator::desired::{
    Component, ConsoleImages, Desired, Images, StaticInputs, static_plugin,
};
use serde_json::{Value, json};

const APP: &str = "netobserv-plugin";

/// One object, that must be there.
fn object(spec: Value, facts: &Facts, kind: &str, name: &str) -> Value {
    find(&support::desired(&spec, facts), kind, name)
        .unwrap_or_else(|| panic!("no {kind} {name} of {spec}"))
}

/// Kind and name of the console's objects, sorted.
fn of_console(desired: &Desired) -> Vec<String> {
    let ours = desired
        .items
        .iter()
        .filter(|item| item.component == Component::Console);
    let mut names: Vec<_> = ours
        .map(|item| format!("{} {}", item.object.key().kind, item.object.key().name))
        .collect();
    names.sort();
    names
}

const NAMESPACED: [&str; 7] = [
    "ClusterRoleBinding netobserv-token-review-plugin",
    "ConfigMap console-plugin-config",
    "Deployment netobserv-plugin",
    "Service netobserv-plugin",
    "Service netobserv-plugin-metrics",
    "ServiceAccount netobserv-plugin",
    "ServiceMonitor netobserv-plugin",
];
const PLUGIN: &str = "ConsolePlugin netobserv-plugin";

#[test]
fn the_console_is_there_where_it_has_something_to_show_and_somewhere_to_be_shown() {
    let hold = json!({"execution": {"mode": "OnHold"}});
    let off = json!({"consolePlugin": {"enable": false}});
    let blind = json!({"loki": {"mode": "Monolithic", "enable": false},
        "prometheus": {"querier": {"mode": "Auto", "enable": false}}});
    let by_hand = json!({"consolePlugin": {"advanced": {"register": false}}});
    let alone = json!({"consolePlugin": {"standalone": true}});
    let within = json!({"consolePlugin": {"standalone": false}});
    // What OpenShift's console shall list: none says nothing about it.
    for (spec, facts, has_workload, has_plugin, is_registered) in [
        (json!({}), kubernetes(), true, false, Some(true)),
        (json!({}), console_plugins("4.19.3"), true, true, Some(true)),
        (alone, console_plugins("4.19.3"), true, true, Some(true)),
        (within, kubernetes(), false, false, Some(true)),
        (hold, console_plugins("4.19.3"), false, true, Some(true)),
        (off, console_plugins("4.19.3"), false, false, Some(false)),
        (blind, console_plugins("4.19.3"), false, false, Some(false)),
        (by_hand, console_plugins("4.19.3"), true, true, None),
    ] {
        let desired = support::desired(&spec, &facts);
        let mut expected: Vec<&str> = vec![];
        expected.extend(has_workload.then_some(NAMESPACED).into_iter().flatten());
        expected.extend(has_plugin.then_some(PLUGIN));
        expected.sort_unstable();
        assert_eq!(of_console(&desired), expected, "{spec}");
        let registered = desired.registrations.iter().find(|r| r.plugin == APP);
        assert_eq!(registered.map(|r| r.is_wanted), is_registered, "{spec}");
    }
}

#[test]
fn labels_are_netobservs() {
    let desired = support::desired(
        &json!({"consolePlugin": {"autoscaler": {"status": "Enabled"}}}),
        &kubernetes(),
    );
    let all = json!({"app": APP, "netobserv-managed": "true", "part-of": "netobserv-operator", "version": "v3"});
    for (kind, name, expected) in [
        ("Deployment", APP, all.clone()),
        ("ConfigMap", "console-plugin-config", all.clone()),
        ("Service", APP, all.clone()),
        ("Service", "netobserv-plugin-metrics", all.clone()),
        ("HorizontalPodAutoscaler", APP, all),
        (
            "ServiceAccount",
            APP,
            json!({"app": APP, "netobserv-managed": "true"}),
        ),
        ("ServiceMonitor", APP, json!({"netobserv-managed": "true"})),
    ] {
        let object = find(&desired, kind, name).unwrap();
        assert_eq!(object["metadata"]["labels"], expected, "{kind} {name}");
        assert_eq!(object["metadata"]["ownerReferences"][0]["name"], "cluster");
    }
}

#[test]
fn the_pod_is_netobservs() {
    let facts = console_plugins("4.19.3");
    let workload = object(json!({}), &facts, "Deployment", APP);
    let pod = &workload["spec"]["template"]["spec"];
    assert_eq!(pod["serviceAccountName"], APP);
    let container = container(&workload);
    assert_eq!(container["name"], APP);
    assert_eq!(container["image"], "registry/console:v3");
    assert_eq!(
        container["args"],
        json!(["-loglevel", "info", "-config", "/opt/app-root/config.yaml"])
    );
    assert_eq!(
        container["resources"],
        json!({"limits": {"memory": "100Mi"}, "requests": {"cpu": "100m", "memory": "50Mi"}})
    );
    assert_eq!(environment(&workload), ["GODEBUG=http2server=0"]);
    assert_eq!(container["livenessProbe"]["tcpSocket"]["port"], 9001);
    assert_eq!(container["readinessProbe"]["tcpSocket"]["port"], 9001);
    assert_eq!(
        volumes(&workload),
        [
            "config-volume ConfigMap console-plugin-config -> /opt/app-root/",
            "netobserv-plugin-cert Secret netobserv-plugin-cert -> /var/serving-cert",
            "prom-certs-ca ConfigMap openshift-service-ca.crt -> /var/prom-certs-ca",
            "netobserv-plugin projected -> /var/run/secrets/tokens",
        ]
    );
    let annotations = &workload["spec"]["template"]["metadata"]["annotations"];
    assert!(annotations["flows.netobserv.io/config-digest"].is_string());

    let alone = object(json!({}), &kubernetes(), "Deployment", APP);
    assert_eq!(
        volumes(&alone),
        [
            "config-volume ConfigMap console-plugin-config -> /opt/app-root/",
            "netobserv-plugin projected -> /var/run/secrets/tokens",
        ]
    );
}

#[test]
fn the_pod_follows_the_specification() {
    let pod = "/spec/template/spec";
    let in_container = |field: &str| format!("{pod}/containers/0/{field}");
    for (console, pointer, expected) in [
        (json!({}), "/spec/replicas".to_owned(), json!(1)),
        (
            json!({"replicas": 3}),
            "/spec/replicas".to_owned(),
            json!(3),
        ),
        (
            json!({"replicas": 3, "unmanagedReplicas": true}),
            "/spec/replicas".to_owned(),
            Value::Null,
        ),
        (
            json!({"autoscaler": {"status": "Enabled"}}),
            "/spec/replicas".to_owned(),
            Value::Null,
        ),
        (
            json!({"imagePullPolicy": "Always"}),
            in_container("imagePullPolicy"),
            json!("Always"),
        ),
        (
            json!({"logLevel": "debug", "advanced": {"args": ["-extra"]}}),
            in_container("args"),
            json!([
                "-loglevel",
                "debug",
                "-config",
                "/opt/app-root/config.yaml",
                "-extra"
            ]),
        ),
        (
            json!({"advanced": {"env": {"GODEBUG": "x", "A": "1"}}}),
            in_container("env"),
            json!([{"name": "A", "value": "1"}, {"name": "GODEBUG", "value": "x"}]),
        ),
        (
            json!({"advanced": {"scheduling": {"nodeSelector": {"a": "b"}, "priorityClassName": "p"}}}),
            format!("{pod}/nodeSelector"),
            json!({"a": "b"}),
        ),
        (
            json!({"advanced": {"port": 9443}}),
            in_container("livenessProbe/tcpSocket/port"),
            json!(9443),
        ),
    ] {
        let spec = json!({"consolePlugin": console});
        let workload = object(spec.clone(), &kubernetes(), "Deployment", APP);
        let found = workload.pointer(&pointer).cloned().unwrap_or(Value::Null);
        assert_eq!(found, expected, "{pointer} of {spec}");
    }
}

#[test]
fn services_scaling_and_scraping_are_netobservs() {
    let facts = console_plugins("4.19.3");
    let spec = json!({"consolePlugin": {"advanced": {"port": 9443}, "autoscaler": {"status": "Enabled", "maxReplicas": 5}}});
    let desired = support::desired(&spec, &facts);
    let page = find(&desired, "Service", APP).unwrap();
    assert_eq!(
        page["spec"],
        json!({"ports": [{"port": 9443, "protocol": "TCP", "targetPort": 9443}], "selector": {"app": APP}})
    );
    assert_eq!(
        page["metadata"]["annotations"]["service.beta.openshift.io/serving-cert-secret-name"],
        "netobserv-plugin-cert"
    );
    let metrics = find(&desired, "Service", "netobserv-plugin-metrics").unwrap();
    assert_eq!(
        metrics["spec"]["ports"],
        json!([{"name": "metrics", "port": 9002, "protocol": "TCP", "targetPort": 9002}])
    );
    let monitor = find(&desired, "ServiceMonitor", APP).unwrap();
    assert_eq!(
        monitor["spec"],
        json!({"namespaceSelector": {"matchNames": [NAMESPACE]}, "selector": {"matchLabels": {"app": APP}},
            "endpoints": [{"port": "metrics", "interval": "15s", "scheme": "https", "tlsConfig": {
                "serverName": "netobserv-plugin.netobserv.svc",
                "ca": {"configMap": {"name": "openshift-service-ca.crt", "key": "service-ca.crt"}},
                "cert": {"secret": {"name": "netobserv-plugin-cert", "key": "tls.crt"}},
                "keySecret": {"name": "netobserv-plugin-cert", "key": "tls.key"}}}]})
    );
    let alone = object(json!({}), &kubernetes(), "ServiceMonitor", APP);
    assert_eq!(alone["spec"]["endpoints"][0]["scheme"], "http");
    let autoscaler = find(&desired, "HorizontalPodAutoscaler", APP).unwrap();
    assert_eq!(
        autoscaler["spec"],
        json!({"scaleTargetRef": {"apiVersion": "apps/v1", "kind": "Deployment", "name": APP}, "maxReplicas": 5})
    );
    let plugin = find(&desired, "ConsolePlugin", APP).unwrap();
    assert_eq!(
        plugin["spec"],
        json!({"displayName": "NetObserv plugin", "i18n": {"loadType": "Lazy"},
            "backend": {"type": "Service", "service": {"name": APP, "namespace": NAMESPACE, "port": 9443, "basePath": "/"}},
            "proxy": [{"alias": "backend", "authorization": "UserToken", "endpoint": {"type": "Service",
                "service": {"name": APP, "namespace": NAMESPACE, "port": 9443}}}]})
    );
}

fn images(console: &str) -> Images {
    Images {
        agent: String::new(),
        pipeline: String::new(),
        console: ConsoleImages::parse(console).unwrap(),
        demo_loki: String::new(),
        bytecode: String::new(),
    }
}

#[test]
fn the_plugin_with_the_forms_is_there_from_openshift_4_15_on() {
    let owner = OwnerReference {
        name: "netobserv-controller-manager".to_owned(),
        ..OwnerReference::default()
    };
    for (facts, console, is_there) in [
        (console_plugins("4.19.3"), "i:x", true),
        (console_plugins("4.15.0-rc.1"), "i:x", true),
        (console_plugins("4.14.9"), "i:x", false),
        (openshift("4.19.3"), "i:x", false),
        (kubernetes(), "i:x", false),
        (console_plugins("4.16.0"), "4.17.0=i:x", false),
    ] {
        let desired = static_plugin(&StaticInputs {
            facts: &facts,
            images: &images(console),
            namespace: "operators",
            owner: Some(owner.clone()),
        })
        .unwrap();
        let expected: &[&str] = if is_there {
            &[
                "ConsolePlugin netobserv-plugin-static",
                "Deployment netobserv-plugin-static",
                "Service netobserv-plugin-static",
            ]
        } else {
            &[]
        };
        assert_eq!(support::names(&desired), expected, "{facts:?}");
        assert_eq!(desired.registrations.len(), usize::from(is_there));
        if !is_there {
            continue;
        }
        let deployment = find(&desired, "Deployment", "netobserv-plugin-static").unwrap();
        assert_eq!(deployment["metadata"]["namespace"], "operators");
        assert_eq!(
            deployment["metadata"]["ownerReferences"][0]["name"],
            "netobserv-controller-manager"
        );
        assert_eq!(container(&deployment)["args"], json!(["-loglevel", "info"]));
        assert_eq!(
            volumes(&deployment),
            [
                "netobserv-plugin-static-cert Secret netobserv-plugin-static-cert -> /var/serving-cert"
            ]
        );
        let plugin = find(&desired, "ConsolePlugin", "netobserv-plugin-static").unwrap();
        assert_eq!(plugin["metadata"].get("ownerReferences"), None);
        assert_eq!(plugin["spec"]["displayName"], "NetObserv static plugin");
        assert_eq!(plugin["spec"].get("proxy"), None);
    }
}

#[test]
fn an_openshift_without_an_image_of_the_console_is_told() {
    let facts = console_plugins("4.14.0");
    let desired = support::ask(&json!({}), &facts, &support::Beside::default(), |inputs| {
        let images = images("4.15.0=i:b");
        let inputs = netobserv_operator::desired::Inputs {
            images: &images,
            ..inputs.clone()
        };
        netobserv_operator::desired::objects(&inputs).unwrap()
    });
    assert_eq!(of_console(&desired), [PLUGIN]);
    let problem = desired
        .problems
        .iter()
        .find(|p| p.component == Component::Console);
    assert_eq!(problem.unwrap().reason, "ConsolePluginImageError");
}
