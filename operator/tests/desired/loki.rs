//! Where flows are kept: the Loki for trying things out, the store built into the console, what a LokiStack says.

use crate::support::{
    self, NAMESPACE, PRIVILEGED, console_plugins, container, find, kubernetes, volumes,
};
use netobserv_operator::apis::flowcollector::v1beta2::status::ComponentState;
use netobserv_operator::cluster::Facts;
use netobserv_operator::desired::{Component, Desired, LokiStack};
use serde_json::{Value, json};

const CONSOLE: &str = "netobserv-plugin";

/// Kind and name of what keeps flows, sorted.
fn of_loki(desired: &Desired) -> Vec<String> {
    let ours = desired
        .items
        .iter()
        .filter(|item| item.component == Component::Loki);
    let mut names: Vec<_> = ours
        .map(|item| format!("{} {}", item.object.key().kind, item.object.key().name))
        .collect();
    names.sort();
    names
}

#[test]
fn each_mode_has_its_objects_and_no_others() {
    let demo: &[&str] = &[
        "ConfigMap loki-config",
        "Deployment loki",
        "PersistentVolumeClaim loki-store",
        "Service loki",
    ];
    let store: &[&str] = &[
        "PersistentVolumeClaim netobserv-store",
        "Service flowlogs-pipeline-losses",
        "Service netobserv-ebpf-agent-losses",
        "Service netobserv-store",
    ];
    let silent =
        json!({"loki": {"mode": "Embedded"}, "agent": {"ebpf": {"metrics": {"enable": false}}}});
    let held = json!({"loki": {"mode": "Embedded"}, "execution": {"mode": "OnHold"}});
    for (spec, expected) in [
        (json!({}), &[][..]),
        (json!({"loki": {"mode": "LokiStack"}}), &[]),
        (
            json!({"loki": {"mode": "Monolithic", "monolithic": {"installDemoLoki": true}}}),
            demo,
        ),
        (
            json!({"loki": {"mode": "Manual", "monolithic": {"installDemoLoki": true}}}),
            &[],
        ),
        (json!({"loki": {"mode": "Embedded"}}), store),
        (json!({"loki": {"mode": "Embedded", "enable": false}}), &[]),
        (silent, &[store[0], store[1], store[3]]),
        (held, &store[..1]),
    ] {
        let desired = support::desired(&spec, &kubernetes());
        assert_eq!(of_loki(&desired), expected, "{spec}");
    }
}

#[test]
fn the_demo_loki_is_netobservs() {
    let spec = json!({"loki": {"mode": "Monolithic", "monolithic": {"installDemoLoki": true}}});
    let desired = support::desired(&spec, &kubernetes());
    let workload = find(&desired, "Deployment", "loki").unwrap();
    let container = container(&workload);
    assert_eq!(container["image"], "registry/loki:v4");
    assert_eq!(
        container["args"],
        json!(["-config.file=/etc/loki/local-config.yaml"])
    );
    assert_eq!(container["securityContext"]["readOnlyRootFilesystem"], true);
    assert_eq!(
        workload["spec"]["template"]["spec"]["volumes"],
        json!([
            {"name": "loki-store", "persistentVolumeClaim": {"claimName": "loki-store"}},
            {"name": "loki-config", "configMap": {"name": "loki-config"}},
        ])
    );
    let claim = find(&desired, "PersistentVolumeClaim", "loki-store").unwrap();
    assert_eq!(
        claim["spec"],
        json!({"accessModes": ["ReadWriteOnce"], "volumeMode": "Filesystem",
            "resources": {"requests": {"storage": "10Gi"}}})
    );
    let service = find(&desired, "Service", "loki").unwrap();
    assert_eq!(
        service["spec"]["ports"],
        json!([{"port": 3100, "protocol": "TCP", "targetPort": 3100}])
    );
    let config = find(&desired, "ConfigMap", "loki-config").unwrap();
    let config: Value =
        serde_saphyr::from_str(config["data"]["local-config.yaml"].as_str().unwrap()).unwrap();
    for (pointer, expected) in [
        ("/auth_enabled", json!(false)),
        ("/server/http_listen_port", json!(3100)),
        ("/server/grpc_listen_port", json!(9096)),
        ("/server/grpc_server_max_recv_msg_size", json!(10_485_760)),
        ("/target", json!("all")),
        ("/common/replication_factor", json!(1)),
        ("/common/ring/kvstore/store", json!("inmemory")),
        ("/schema_config/configs/0/schema", json!("v13")),
        ("/schema_config/configs/0/store", json!("tsdb")),
        (
            "/schema_config/configs/0/index",
            json!({"prefix": "index_", "period": "24h"}),
        ),
        ("/compactor/retention_enabled", json!(true)),
        ("/compactor/compaction_interval", json!("5m")),
        ("/compactor/retention_delete_delay", json!("2h")),
        (
            "/query_range/results_cache/cache/embedded_cache/max_size_mb",
            json!(500),
        ),
        ("/limits_config/ingestion_rate_mb", json!(10)),
        ("/limits_config/ingestion_burst_size_mb", json!(10)),
        ("/limits_config/max_label_names_per_series", json!(30)),
        ("/limits_config/reject_old_samples_max_age", json!("15m")),
        ("/limits_config/max_line_size", json!(256_000)),
        ("/limits_config/max_entries_limit_per_query", json!(10_000)),
        ("/limits_config/max_query_length", json!("721h")),
        ("/limits_config/retention_period", json!("24h")),
        ("/limits_config/per_stream_rate_limit", json!("3MB")),
        ("/limits_config/per_stream_rate_limit_burst", json!("15MB")),
        ("/limits_config/split_queries_by_interval", json!("1m")),
    ] {
        assert_eq!(config.pointer(pointer), Some(&expected), "{pointer}");
    }
}

/// The console's own configuration.
fn config(spec: &Value, facts: &Facts) -> Value {
    let desired = support::desired(spec, facts);
    let config_map = find(&desired, "ConfigMap", "console-plugin-config").unwrap();
    serde_saphyr::from_str(config_map["data"]["config.yaml"].as_str().unwrap()).unwrap()
}

#[test]
fn the_built_in_store_is_in_the_consoles_only_pod() {
    let spec = json!({"loki": {"mode": "Embedded"}, "consolePlugin": {"replicas": 3}});
    let desired = support::desired(&spec, &kubernetes());
    let workload = find(&desired, "Deployment", CONSOLE).unwrap();
    assert_eq!(workload["spec"]["replicas"], 1);
    assert_eq!(workload["spec"]["strategy"], json!({"type": "Recreate"}));
    assert_eq!(
        workload["spec"]["template"]["spec"]["securityContext"],
        json!({"fsGroup": 10001, "fsGroupChangePolicy": "OnRootMismatch"})
    );
    let container = container(&workload);
    assert_eq!(container["startupProbe"]["failureThreshold"], 60);
    assert_eq!(container["startupProbe"]["httpGet"]["path"], "/live");
    assert_eq!(container["resources"]["limits"], json!({"memory": "2Gi"}));
    assert_eq!(
        container["readinessProbe"]["httpGet"],
        json!({"path": "/ready", "port": 9002, "scheme": "HTTP"})
    );
    let service = find(&desired, "Service", "netobserv-store").unwrap();
    assert_eq!(service["metadata"]["namespace"], NAMESPACE);
    assert_eq!(
        service["spec"],
        json!({"ports": [{"name": "push", "port": 3100, "protocol": "TCP", "targetPort": 3100}],
            "selector": {"app": CONSOLE}})
    );
    // OpenShift gives each namespace a group of its own, and its console brings the certificate.
    let on_openshift = support::desired(&spec, &console_plugins("4.19.3"));
    let workload = find(&on_openshift, "Deployment", CONSOLE).unwrap();
    let pod = &workload["spec"]["template"]["spec"];
    assert_eq!(pod.get("securityContext"), None);
    assert_eq!(
        pod["containers"][0]["livenessProbe"]["httpGet"]["scheme"],
        "HTTPS"
    );
}

#[test]
fn the_store_is_as_large_as_is_asked_for() {
    let default = json!({"path": "/var/lib/netobserv/flows", "listen": ":3100",
        "tls": {"certPath": "/var/store-certs/tls.crt", "keyPath": "/var/store-certs/tls.key",
            "clientCAPath": "/var/store-certs/ca.crt"},
        "retention": {"age": "168h", "bytes": 8_589_934_592_i64}});
    let with = |changes: Value| {
        let mut expected = default.clone();
        for (key, value) in changes.as_object().unwrap() {
            expected[key] = value.clone();
        }
        expected
    };
    for (embedded, console, claim, expected) in [
        (json!({}), json!({}), json!(["10Gi", null]), default.clone()),
        (
            json!({"storage": {"size": "100Gi", "class": "fast"}}),
            json!({}),
            json!(["100Gi", "fast"]),
            with(json!({"retention": {"age": "168h", "bytes": 85_899_345_920_i64}})),
        ),
        (
            json!({"retention": {"age": "24h", "bytes": "1Gi"}}),
            json!({}),
            json!(["10Gi", null]),
            with(json!({"retention": {"age": "24h", "bytes": 1_073_741_824}})),
        ),
        // A small container holds less of one query.
        (
            json!({}),
            json!({"resources": {"limits": {"memory": "1Gi"}}}),
            json!(["10Gi", null]),
            with(json!({"limits": {"queryMemory": 268_435_456}})),
        ),
    ] {
        let spec =
            json!({"loki": {"mode": "Embedded", "embedded": embedded}, "consolePlugin": console});
        let desired = support::desired(&spec, &kubernetes());
        let found = find(&desired, "PersistentVolumeClaim", "netobserv-store").unwrap();
        let found = &found["spec"];
        assert_eq!(
            json!([
                found["resources"]["requests"]["storage"],
                found.get("storageClassName")
            ]),
            claim,
            "{spec}"
        );
        assert_eq!(config(&spec, &kubernetes())["store"], expected, "{spec}");
    }
}

#[test]
fn pipelines_write_to_the_store_with_a_certificate() {
    for (model, app) in [
        ("Service", "flowlogs-pipeline"),
        ("Kafka", "flowlogs-pipeline-transformer"),
    ] {
        let spec = json!({"deploymentModel": model, "loki": {"mode": "Embedded"},
            "kafka": {"address": "k:9092", "topic": "flows"}});
        let desired = support::desired(&spec, &kubernetes());
        let config_map = find(&desired, "ConfigMap", &format!("{app}-config")).unwrap();
        let config: Value =
            serde_json::from_str(config_map["data"]["config.json"].as_str().unwrap()).unwrap();
        let stages = config["parameters"].as_array().unwrap();
        let writer = stages.iter().find(|stage| stage["name"] == "loki").unwrap();
        let writer = &writer["write"]["loki"];
        assert_eq!(writer["url"], "https://netobserv-store.netobserv.svc:3100/");
        assert_eq!(writer["maxRetries"], 60);
        assert_eq!(
            writer["clientConfig"]["tls_config"],
            json!({"ca_file": "/var/loki-certs-ca/ca.crt", "cert_file": "/var/loki-certs-user/tls.crt",
                "key_file": "/var/loki-certs-user/tls.key", "insecure_skip_verify": false})
        );
        let workload = find(&desired, "Deployment", app).unwrap();
        for volume in ["loki-certs-ca", "loki-certs-user"] {
            let expected = format!("{volume} Secret netobserv-store-client-cert -> /var/{volume}");
            assert!(
                volumes(&workload).contains(&expected),
                "{:?}",
                volumes(&workload)
            );
        }
    }
}

#[test]
fn a_store_that_would_be_nowhere_is_reported() {
    let standalone = json!({"standalone": false});
    for (name, console, facts, is_reported) in [
        ("a page of its own", json!({}), kubernetes(), false),
        ("no plugins", standalone.clone(), kubernetes(), true),
        ("a plugin", standalone, console_plugins("4.19.3"), false),
        ("switched off", json!({"enable": false}), kubernetes(), true),
    ] {
        let mut spec = json!({"loki": {"mode": "Embedded"}, "consolePlugin": console});
        let desired = support::desired(&spec, &facts);
        let mut problems = desired.problems.iter();
        let problem = problems.find(|problem| problem.reason == "NoStore");
        let problem = problem.map(|problem| (problem.component, problem.state));
        let expected = is_reported.then_some((Component::Loki, ComponentState::Failure));
        assert_eq!(problem, expected, "{name}");
        spec["execution"] = json!({"mode": "OnHold"});
        assert_eq!(support::desired(&spec, &facts).problems, [], "{name}");
    }
}

#[test]
fn the_console_reads_the_loss_counters_of_every_pod() {
    let plain = json!({"loki": {"mode": "Embedded"}});
    assert_eq!(
        config(&plain, &kubernetes())["losses"]["targets"],
        json!([
            {"component": "agent", "url": "http://netobserv-ebpf-agent-losses.netobserv-privileged.svc:9400/metrics"},
            {"component": "pipeline", "url": "http://flowlogs-pipeline-losses.netobserv.svc:9401/metrics"},
            {"component": "console", "url": "http://127.0.0.1:9002/metrics"},
        ])
    );
    let tls = json!({"server": {"port": 9999, "tls": {"type": "Auto"}}});
    let given = json!({"server": {"tls": {"type": "Provided", "provided": {"name": "p", "certFile": "c", "certKey": "k"},
        "providedCaFile": {"type": "configmap", "name": "ca", "file": "ca.crt"}}}});
    let secure = json!({"deploymentModel": "Kafka", "kafka": {"address": "k:9092", "topic": "flows"},
        "loki": {"mode": "Embedded"}, "agent": {"ebpf": {"metrics": tls}}, "processor": {"metrics": given}});
    assert_eq!(
        config(&secure, &console_plugins("4.19.3"))["losses"]["targets"],
        json!([
            {"component": "agent", "url": "https://netobserv-ebpf-agent-losses.netobserv-privileged.svc:9999/metrics",
                "caPath": "/var/losses-agent-ca/service-ca.crt", "serverName": "ebpf-agent-svc-prom.netobserv-privileged.svc"},
            {"component": "pipeline", "url": "https://flowlogs-pipeline-losses.netobserv.svc:9401/metrics",
                "caPath": "/var/losses-pipeline-ca/ca.crt", "serverName": "flowlogs-pipeline-transformer-prom.netobserv.svc"},
            {"component": "console", "url": "https://127.0.0.1:9002/metrics",
                "caPath": "/var/losses-console-ca/service-ca.crt", "serverName": "netobserv-plugin.netobserv.svc"},
        ])
    );
    let unchecked = json!({"server": {"tls": {"type": "Provided", "insecureSkipVerify": true,
        "providedCaFile": {"name": "ca", "file": "ca.crt"}}}});
    let unchecked =
        json!({"loki": {"mode": "Embedded"}, "agent": {"ebpf": {"metrics": unchecked}}});
    let targets = &config(&unchecked, &kubernetes())["losses"]["targets"];
    assert_eq!(targets[0].get("caPath"), None, "{targets}");
    let desired = support::desired(&secure, &kubernetes());
    for (name, namespace, app, port) in [
        (
            "netobserv-ebpf-agent-losses",
            PRIVILEGED,
            "netobserv-ebpf-agent",
            9999,
        ),
        (
            "flowlogs-pipeline-losses",
            NAMESPACE,
            "flowlogs-pipeline-transformer",
            9401,
        ),
    ] {
        let service = find(&desired, "Service", name).unwrap();
        assert_eq!(service["metadata"]["namespace"], namespace);
        assert_eq!(
            service["spec"],
            json!({"clusterIP": "None", "publishNotReadyAddresses": true, "selector": {"app": app},
                "ports": [{"name": "metrics", "port": port, "protocol": "TCP"}]})
        );
    }
}

#[test]
fn a_lokistack_is_told_in_its_own_words() {
    let ready = json!({"type": "Ready", "status": "True", "message": "all is well"});
    let condition =
        |kind: &str, status: &str| json!({"type": kind, "status": status, "message": "why"});
    for (status, state, reason, message) in [
        (json!({}), ComponentState::Ready, "Ready", ""),
        (
            json!({"conditions": [ready]}),
            ComponentState::Ready,
            "Ready",
            "",
        ),
        (
            json!({"conditions": [ready, condition("StorageDegraded", "True"), condition("RulesFailed", "False")]}),
            ComponentState::Failure,
            "LokiStackIssues",
            "LokiStack logs/ls: StorageDegraded: why",
        ),
        (
            json!({"conditions": [condition("Ready", "False"), condition("Pending", "True")]}),
            ComponentState::InProgress,
            "LokiStackNotReady",
            "LokiStack logs/ls: Ready: why",
        ),
        (
            json!({"conditions": [ready, condition("StorageSchemaWarning", "True")],
                "components": {"ingester": {"Pending": ["i-0", "i-1"], "Ready": ["i-2"]}, "compactor": {"Failed": ["c-0"]}}}),
            ComponentState::InProgress,
            "LokiStackComponentIssues",
            "LokiStack logs/ls: Compactor: 1 failed (c-0); Ingester: 2 pending (i-0, i-1); StorageSchemaWarning: why",
        ),
        (
            json!({"conditions": [condition("StorageSchemaWarning", "True")], "components": {"indexGateway": {"Ready": ["g"]}}}),
            ComponentState::Degraded,
            "LokiStackWarnings",
            "LokiStack logs/ls: StorageSchemaWarning: why",
        ),
    ] {
        let stack = LokiStack::of("logs", "ls", &json!({"status": status}));
        assert_eq!(
            (stack.state, stack.reason, stack.message.as_str()),
            (state, reason, message),
            "{status}"
        );
    }
}
