//! The pipeline's objects of a specification: which there are in each deployment model, pods, Services, monitoring.

use crate::support::{self, container, environment, find, kubernetes, names, openshift, volumes};
use netobserv_operator::cluster::Facts;
use serde_json::{Value, json};

const APP: &str = "flowlogs-pipeline";
const TRANSFORMER: &str = "flowlogs-pipeline-transformer";
const DIGEST: &str = "flows.netobserv.io/config-digest";
const SERVING: &str = "service.beta.openshift.io/serving-cert-secret-name";

/// One object, that must be there.
fn object(spec: Value, facts: &Facts, kind: &str, name: &str) -> Value {
    find(&support::desired(&spec, facts), kind, name)
        .unwrap_or_else(|| panic!("no {kind} {name} of {spec}"))
}

#[test]
fn each_deployment_model_has_its_objects_and_no_others() {
    let common = [
        "ClusterRoleBinding netobserv-informers-flp",
        "ConfigMap flowlogs-pipeline-config",
        "ConfigMap flowlogs-pipeline-config-dynamic",
        "PrometheusRule flowlogs-pipeline-alert",
        "RoleBinding netobserv-config-watcher-flp",
        "Service flowlogs-pipeline-prom",
        "ServiceAccount flowlogs-pipeline",
        "ServiceMonitor flowlogs-pipeline-monitor",
    ];
    let transformer = [
        "ClusterRoleBinding netobserv-informers-flptransfo",
        "ConfigMap flowlogs-pipeline-transformer-config",
        "ConfigMap flowlogs-pipeline-transformer-config-dynamic",
        "Deployment flowlogs-pipeline-transformer",
        "PrometheusRule flowlogs-pipeline-transformer-alert",
        "RoleBinding netobserv-config-watcher-flptransfo",
        "Service flowlogs-pipeline-transformer-prom",
        "ServiceAccount flowlogs-pipeline-transformer",
        "ServiceMonitor flowlogs-pipeline-transformer-monitor",
    ];
    let with = |more: &[&'static str]| [&common[..], more].concat();
    for (spec, facts, expected) in [
        (
            json!({}),
            kubernetes(),
            with(&["Deployment flowlogs-pipeline", "Service flowlogs-pipeline"]),
        ),
        (
            json!({"deploymentModel": "Direct"}),
            kubernetes(),
            with(&["DaemonSet flowlogs-pipeline"]),
        ),
        (
            json!({"deploymentModel": "Direct"}),
            openshift("4.19.0"),
            with(&[
                "DaemonSet flowlogs-pipeline",
                "ClusterRoleBinding netobserv-hostnetwork-flp",
            ]),
        ),
        (
            json!({"loki": {"mode": "LokiStack"}}),
            kubernetes(),
            with(&[
                "Deployment flowlogs-pipeline",
                "Service flowlogs-pipeline",
                "ClusterRoleBinding netobserv-loki-writer-flp",
            ]),
        ),
        (
            json!({"deploymentModel": "Kafka"}),
            kubernetes(),
            transformer.to_vec(),
        ),
        (
            json!({"deploymentModel": "Kafka", "loki": {"mode": "LokiStack"},
                "processor": {"kafkaConsumerAutoscaler": {"status": "Enabled"}}}),
            kubernetes(),
            [
                &transformer[..],
                &[
                    "ClusterRoleBinding netobserv-loki-writer-flptransfo",
                    "HorizontalPodAutoscaler flowlogs-pipeline-transformer",
                ],
            ]
            .concat(),
        ),
        (
            json!({"execution": {"mode": "OnHold"}}),
            kubernetes(),
            vec![],
        ),
    ] {
        let mut expected: Vec<_> = expected.into_iter().map(str::to_owned).collect();
        expected.sort();
        let mut found = names(&support::desired(&spec, &facts));
        found.retain(|name| name.contains(APP) || name.contains("-flp"));
        assert_eq!(found, expected, "{spec}");
    }
}

#[test]
fn the_pod_is_what_netobserv_makes_it() {
    let workload = object(json!({}), &kubernetes(), "Deployment", APP);
    let template = &workload["spec"]["template"];
    let annotations = &template["metadata"]["annotations"];
    assert_eq!(annotations["prometheus.io/scrape"], "true");
    assert_eq!(annotations["prometheus.io/scrape_port"], "9401");
    let labels = json!({"app": APP, "part-of": "netobserv-operator", "version": "v2"});
    assert_eq!(template["metadata"]["labels"], labels);
    assert_eq!(
        workload["spec"]["selector"],
        json!({"matchLabels": {"app": APP}})
    );
    assert_eq!(workload["spec"]["replicas"], 3);
    assert_eq!(template["spec"]["serviceAccountName"], APP);
    let container = container(&workload);
    assert_eq!(
        container["args"],
        json!(["--config=/etc/flowlogs-pipeline/config.json"])
    );
    assert_eq!(
        container["securityContext"],
        json!({"allowPrivilegeEscalation": false, "readOnlyRootFilesystem": true, "capabilities": {"drop": ["ALL"]}})
    );
    assert_eq!(
        container["livenessProbe"],
        json!({"httpGet": {"path": "/live", "port": "health"}, "timeoutSeconds": 5, "periodSeconds": 10})
    );
    assert_eq!(
        container["startupProbe"],
        json!({"httpGet": {"path": "/ready", "port": "health"}, "timeoutSeconds": 5, "periodSeconds": 10,
            "failureThreshold": 5})
    );
    assert_eq!(
        environment(&workload),
        ["GODEBUG=http2server=0", "GOMEMLIMIT=754974720"]
    );
    assert_eq!(
        volumes(&workload),
        [
            "config-volume ConfigMap flowlogs-pipeline-config -> /etc/flowlogs-pipeline",
            "svc-certs Secret flowlogs-pipeline-cert -> /var/svc-certs",
        ]
    );
}

/// `kind name`: one field of the pod or its container, by JSON pointer.
fn check_pod(spec: Value, facts: Facts, pointer: &str, expected: Value) {
    let (kind, app) = match spec["deploymentModel"].as_str() {
        Some("Direct") => ("DaemonSet", APP),
        Some("Kafka") => ("Deployment", TRANSFORMER),
        _ => ("Deployment", APP),
    };
    let workload = object(spec.clone(), &facts, kind, app);
    let found = workload.pointer(pointer).cloned().unwrap_or(Value::Null);
    assert_eq!(found, expected, "{pointer} of {spec}");
}

#[test]
fn the_pod_follows_the_specification() {
    let pod = "/spec/template/spec";
    let ports = "/spec/template/spec/containers/0/ports";
    let health = json!({"name": "health", "containerPort": 8080});
    let metrics = json!({"name": "prometheus", "containerPort": 9401});
    for (spec, facts, pointer, expected) in [
        (
            json!({}),
            kubernetes(),
            ports.to_owned(),
            json!([{"name": "flp", "containerPort": 2055, "protocol": "TCP"}, health, metrics]),
        ),
        (
            json!({"deploymentModel": "Direct"}),
            kubernetes(),
            ports.to_owned(),
            json!([{"name": "flp", "containerPort": 2055, "hostPort": 2055, "protocol": "TCP"}, health, metrics]),
        ),
        (
            json!({"deploymentModel": "Kafka", "processor": {"advanced": {"profilePort": 6060}}}),
            kubernetes(),
            ports.to_owned(),
            json!([health, metrics, {"name": "pprof", "containerPort": 6060, "protocol": "TCP"}]),
        ),
        (
            json!({"deploymentModel": "Direct"}),
            kubernetes(),
            format!("{pod}/hostNetwork"),
            json!(true),
        ),
        (
            json!({"deploymentModel": "Direct"}),
            kubernetes(),
            format!("{pod}/dnsPolicy"),
            json!("ClusterFirstWithHostNet"),
        ),
        (
            json!({"deploymentModel": "Direct"}),
            openshift("4.19.0"),
            format!("{pod}/hostNetwork"),
            json!(null),
        ),
        (
            json!({"deploymentModel": "Direct"}),
            openshift("4.19.0"),
            format!("{pod}/dnsPolicy"),
            json!("ClusterFirst"),
        ),
        (
            json!({"deploymentModel": "Direct"}),
            kubernetes(),
            format!("{pod}/tolerations"),
            json!([{"operator": "Exists"}]),
        ),
        (
            json!({}),
            kubernetes(),
            format!("{pod}/tolerations"),
            json!(null),
        ),
        (
            json!({"processor": {"consumerReplicas": 0}}),
            kubernetes(),
            "/spec/replicas".to_owned(),
            json!(0),
        ),
        (
            json!({"processor": {"unmanagedReplicas": true}}),
            kubernetes(),
            "/spec/replicas".to_owned(),
            json!(null),
        ),
        (
            json!({"processor": {"advanced": {"enableKubeProbes": false}}}),
            kubernetes(),
            format!("{pod}/containers/0/livenessProbe"),
            json!(null),
        ),
        (
            json!({"processor": {"advanced": {"env": {"B": "1", "A": "2", "GODEBUG": "x=1"}}, "resources": {}}}),
            kubernetes(),
            format!("{pod}/containers/0/env"),
            json!([{"name": "A", "value": "2"}, {"name": "B", "value": "1"}, {"name": "GODEBUG", "value": "x=1"}]),
        ),
        (
            json!({"deploymentModel": "Kafka"}),
            kubernetes(),
            format!("{pod}/containers/0/name"),
            json!(APP),
        ),
    ] {
        check_pod(spec, facts, &pointer, expected);
    }
}

#[test]
fn certificates_are_mounted_in_the_order_of_their_use() {
    let certificate =
        |name| json!({"type": "secret", "name": name, "certFile": "c", "certKey": "k"});
    let tls = json!({"enable": true, "caCert": certificate("ca"), "userCert": certificate("user")});
    for (spec, kind, app, expected) in [
        (
            json!({"processor": {"service": {"tlsType": "Auto-mTLS"}, "metrics": {"server": {"tls": {"type": "Auto"}}}},
                "loki": {"mode": "LokiStack"}}),
            "Deployment",
            APP,
            vec![
                "svc-certs Secret flowlogs-pipeline-cert -> /var/svc-certs",
                "netobserv-ca ConfigMap netobserv-ca -> /var/netobserv-ca",
                "flowlogs-pipeline projected -> /var/run/secrets/tokens",
                "loki-certs-ca ConfigMap loki-gateway-ca-bundle -> /var/loki-certs-ca",
                "prom-certs Secret flowlogs-pipeline-prom -> /var/prom-certs",
            ],
        ),
        (
            json!({"deploymentModel": "Kafka", "kafka": {"address": "a", "topic": "t", "tls": tls},
                "exporters": [{"type": "IPFIX", "ipfix": {"targetHost": "h", "targetPort": 1, "enterpriseID": 2}},
                    {"type": "Kafka", "kafka": {"address": "a", "topic": "t", "tls": tls}}]}),
            "Deployment",
            TRANSFORMER,
            vec![
                "kafka-cert-ca Secret ca -> /var/kafka-cert-ca",
                "kafka-cert-user Secret user -> /var/kafka-cert-user",
                "kafka-export-1-ca Secret ca -> /var/kafka-export-1-ca",
                "kafka-export-1-user Secret user -> /var/kafka-export-1-user",
            ],
        ),
        (
            json!({"deploymentModel": "Direct"}),
            "DaemonSet",
            APP,
            vec![],
        ),
    ] {
        let workload = object(spec.clone(), &kubernetes(), kind, app);
        assert_eq!(volumes(&workload)[1..], expected, "{spec}");
    }
}

#[test]
fn only_what_a_restart_takes_in_changes_the_pod() {
    let digest = |processor: Value| {
        let spec = json!({"processor": processor});
        let workload = object(spec, &kubernetes(), "Deployment", APP);
        workload["spec"]["template"]["metadata"]["annotations"][DIGEST].clone()
    };
    let label =
        |cidr: &str| json!({"subnetLabels": {"customLabels": [{"name": "Lab", "cidrs": [cidr]}]}});
    let metrics = |list: Value| json!({"metrics": {"includeList": list}});
    for (first, second, is_equal) in [
        (json!({}), json!({"logLevel": "debug"}), false),
        (label("10.0.0.0/8"), label("11.0.0.0/8"), true),
        (json!({}), label("10.0.0.0/8"), false),
        (
            metrics(json!(["node_ingress_bytes_total"])),
            metrics(json!(["node_egress_bytes_total"])),
            true,
        ),
        (
            metrics(json!(["node_ingress_bytes_total"])),
            metrics(json!([])),
            false,
        ),
    ] {
        let same = digest(first.clone()) == digest(second.clone());
        assert_eq!(same, is_equal, "{first} and {second}");
    }
}

#[test]
fn openshift_is_asked_for_certificates_where_they_are_automatic() {
    for (spec, facts, name, expected) in [
        (
            json!({}),
            openshift("4.19.0"),
            APP,
            json!("flowlogs-pipeline-cert"),
        ),
        (
            json!({"processor": {"service": {"tlsType": "Auto-mTLS"}}}),
            openshift("4.19.0"),
            APP,
            json!("flowlogs-pipeline-cert"),
        ),
        (
            json!({"processor": {"service": {"tlsType": "Disabled"}}}),
            openshift("4.19.0"),
            APP,
            json!(null),
        ),
        (json!({}), kubernetes(), APP, json!(null)),
        (
            json!({}),
            openshift("4.19.0"),
            "flowlogs-pipeline-prom",
            json!(null),
        ),
        (
            json!({"processor": {"metrics": {"server": {"tls": {"type": "Auto"}}}}}),
            openshift("4.19.0"),
            "flowlogs-pipeline-prom",
            json!("flowlogs-pipeline-prom"),
        ),
    ] {
        let service = object(spec.clone(), &facts, "Service", name);
        assert_eq!(
            service["metadata"]["annotations"][SERVING], expected,
            "{spec}"
        );
    }
}

#[test]
fn services_lead_to_the_ports_of_the_specification() {
    let processor = json!({"advanced": {"port": 3055}, "metrics": {"server": {"port": 9999}}});
    for (spec, name, port_name, port, app) in [
        (json!({"processor": processor}), APP, "flp", 3055, APP),
        (
            json!({"processor": processor}),
            "flowlogs-pipeline-prom",
            "prometheus",
            9999,
            APP,
        ),
        (
            json!({"deploymentModel": "Kafka"}),
            "flowlogs-pipeline-transformer-prom",
            "prometheus",
            9401,
            TRANSFORMER,
        ),
    ] {
        let service = object(spec, &kubernetes(), "Service", name);
        let expected = json!({"selector": {"app": app}, "ports": [
            {"name": port_name, "port": port, "targetPort": port, "protocol": "TCP"}]});
        assert_eq!(service["spec"], expected, "{name}");
    }
}

#[test]
fn the_autoscaler_scales_as_it_is_told() {
    let metrics = json!([{"type": "Resource",
        "resource": {"name": "cpu", "target": {"type": "Utilization", "averageUtilization": 80}}}]);
    let spec = json!({"deploymentModel": "Kafka", "processor": {"kafkaConsumerAutoscaler":
        {"status": "Enabled", "minReplicas": 2, "maxReplicas": 7, "metrics": metrics}}});
    let desired = support::desired(&spec, &kubernetes());
    let autoscaler = find(&desired, "HorizontalPodAutoscaler", TRANSFORMER).unwrap();
    let target = json!({"apiVersion": "apps/v1", "kind": "Deployment", "name": TRANSFORMER});
    assert_eq!(
        autoscaler["spec"],
        json!({"minReplicas": 2, "maxReplicas": 7, "metrics": metrics, "scaleTargetRef": target})
    );
    let workload = find(&desired, "Deployment", TRANSFORMER).unwrap();
    assert_eq!(workload["spec"]["replicas"], Value::Null);
}

#[test]
fn metrics_get_the_namespace_they_are_about() {
    let monitor = object(
        json!({}),
        &kubernetes(),
        "ServiceMonitor",
        "flowlogs-pipeline-monitor",
    );
    let endpoint = &monitor["spec"]["endpoints"][0];
    assert_eq!(endpoint["honorLabels"], true);
    assert_eq!(endpoint["interval"], "15s");
    assert_eq!(monitor["spec"].get("serviceDiscoveryRole"), None);
    let newer = Facts {
        has_discovery_role: true,
        ..kubernetes()
    };
    let newer = object(
        json!({}),
        &newer,
        "ServiceMonitor",
        "flowlogs-pipeline-monitor",
    );
    assert_eq!(newer["spec"]["serviceDiscoveryRole"], "EndpointSlice");
    let relabelings = endpoint["metricRelabelings"].as_array().unwrap();
    for (line, expected) in [
        (
            "netobserv_workload_ingress_bytes_total@shop",
            Some((0, "shop")),
        ),
        ("netobserv_namespace_rtt_seconds_sum@web", Some((1, "web"))),
        ("netobserv_node_ingress_bytes_total@shop", None),
    ] {
        let found = relabelings.iter().enumerate().find_map(|(index, rule)| {
            let pattern = format!("^(?:{})$", rule["regex"].as_str().unwrap());
            let captures = regex::Regex::new(&pattern).unwrap().captures(line)?;
            let mut value = String::new();
            captures.expand(rule["replacement"].as_str().unwrap(), &mut value);
            Some((index, value))
        });
        let found = found
            .as_ref()
            .map(|(index, value)| (*index, value.as_str()));
        assert_eq!(found, expected, "{line}");
    }
}

#[test]
fn alerts_are_there_unless_they_are_disabled_or_make_no_sense() {
    for (spec, expected) in [
        (json!({}), vec!["NetObservNoFlows", "NetObservLokiError"]),
        (
            json!({"loki": {"enable": false, "mode": "Monolithic"}}),
            vec!["NetObservNoFlows"],
        ),
        (
            json!({"processor": {"metrics": {"disableAlerts": ["NetObservNoFlows"]}}}),
            vec!["NetObservLokiError"],
        ),
    ] {
        let rule = object(
            spec.clone(),
            &kubernetes(),
            "PrometheusRule",
            "flowlogs-pipeline-alert",
        );
        let rules = rule["spec"]["groups"][0]["rules"].as_array().unwrap();
        // Health rules stand before them.
        let alerts = rules.iter().filter_map(|rule| rule["alert"].as_str());
        let found: Vec<_> = alerts
            .filter(|name| name.starts_with("NetObserv"))
            .collect();
        assert_eq!(found, expected, "{spec}");
    }
}
