//! One edit after the other on a running FlowCollector: each reaches its state, touches only what it concerns, writes
//! nothing twice, and leaves no trace once it is taken back.

use crate::support::control_plane::{NAMESPACE, create, parse};
use crate::support::{Snapshot, World, eventually};
use k8s_openapi::api::core::v1::ConfigMap;
use kube::api::{Api, DeleteParams, Patch, PatchParams};
use netobserv_operator::apis::flowmetric::FlowMetric;
use serde_json::{Value, json};

const AGENT: &str = "DaemonSet netobserv-privileged/netobserv-ebpf-agent";
const PIPELINE: &str = "Deployment netobserv/flowlogs-pipeline";
const NODE_PIPELINE: &str = "DaemonSet netobserv/flowlogs-pipeline";
const TRANSFORMER: &str = "Deployment netobserv/flowlogs-pipeline-transformer";
const AUTOSCALER: &str = "HorizontalPodAutoscaler netobserv/flowlogs-pipeline-transformer";
const CONSOLE: &str = "Deployment netobserv/netobserv-plugin";

/// What a write's resource and name contain if it concerns a part.
const AGENTS: &str = "netobserv-ebpf-agent";
const AGENT_MONITORING: &str = "ebpf-agent-";
const PIPELINES: &str = "flowlogs-pipeline";
const CONSOLES: &str = "plugin";
const POLICIES: &str = "networkpolicies";
const DASHBOARDS: &str = "configmaps openshift-config-managed/";
const RULES: &str = "prometheusrules";

/// What another way of the flows from agents to pipelines may touch.
const OTHER_MODEL: &[&str] = &[
    AGENTS,
    PIPELINES,
    CONSOLES,
    POLICIES,
    DASHBOARDS,
    RULES,
    "netobserv-ca",
    "cert",
    "-flp",
];

struct Edit {
    name: &'static str,
    /// Merged into the specification.
    spec: Value,
    /// Parts that it may touch.
    concerns: &'static [&'static str],
    /// Objects and a text in each, as JSON; nothing else is as short.
    shows: &'static [(&'static str, &'static str)],
    /// Objects that are not there any more.
    gone: &'static [&'static str],
    /// What the status says is missing in this cluster.
    lacks: Option<&'static str>,
}

impl Default for Edit {
    fn default() -> Self {
        Self {
            name: "",
            spec: json!({}),
            concerns: &[],
            shows: &[],
            gone: &[],
            lacks: None,
        }
    }
}

fn agents(name: &'static str, ebpf: Value, shows: &'static [(&str, &str)]) -> Edit {
    Edit {
        name,
        spec: json!({"agent": {"ebpf": ebpf}}),
        concerns: &[AGENTS, AGENT_MONITORING],
        shows,
        ..Edit::default()
    }
}

fn processor(name: &'static str, processor: Value, shows: &'static [(&str, &str)]) -> Edit {
    Edit {
        name,
        spec: json!({"processor": processor}),
        concerns: &[PIPELINES, CONSOLES, DASHBOARDS, RULES],
        shows,
        ..Edit::default()
    }
}

fn loki(name: &'static str, loki: Value, shows: &'static [(&str, &str)]) -> Edit {
    Edit {
        name,
        spec: json!({"loki": loki}),
        concerns: &[
            PIPELINES, CONSOLES, "loki", "store", "losses", "cert", POLICIES, DASHBOARDS, RULES,
        ],
        shows,
        ..Edit::default()
    }
}

fn edits() -> Vec<Edit> {
    let kafka = json!({"deploymentModel": "Kafka", "kafka": {"address": "kafka.example:9092"},
    "processor": {"kafkaConsumerAutoscaler": {"status": "Enabled", "minReplicas": 2, "maxReplicas": 5, "metrics": [
        {"type": "Resource", "resource": {"name": "cpu", "target": {"type": "Utilization", "averageUtilization": 50}}},
    ]}}});
    vec![
        Edit {
            name: "sampling",
            spec: json!({"agent": {"ebpf": {"sampling": 7}}}),
            // The page says it.
            concerns: &[AGENTS, CONSOLES],
            shows: &[(AGENT, r#"{"name":"SAMPLING","value":"7"}"#)],
            ..Edit::default()
        },
        agents(
            "excluded interfaces",
            json!({"excludeInterfaces": ["lo", "br-ex"]}),
            &[(AGENT, r#"{"name":"EXCLUDE_INTERFACES","value":"lo,br-ex"}"#)],
        ),
        agents(
            "filter of the agents",
            json!({"flowFilter": {"enable": true, "rules": [{"cidr": "10.0.0.0/8", "action": "Accept"}]}}),
            &[(AGENT, "FLOW_FILTER_RULES")],
        ),
        agents(
            "metrics of the agents off",
            json!({"metrics": {"enable": false}}),
            &[],
        ),
        Edit {
            name: "features",
            spec: json!({"agent": {"ebpf": {"privileged": true, "features": ["PacketDrop", "DNSTracking", "FlowRTT"]}}}),
            concerns: &[AGENTS, PIPELINES, CONSOLES, DASHBOARDS, RULES],
            shows: &[
                (AGENT, r#"{"name":"ENABLE_PKT_DROPS","value":"true"}"#),
                (AGENT, r#""privileged":true"#),
            ],
            ..Edit::default()
        },
        processor(
            "filter of the pipeline",
            json!({"filters": [{"query": "SrcK8S_Namespace=\"a\""}]}),
            &[],
        ),
        processor(
            "metrics",
            json!({"metrics": {"includeList": ["node_flows_total"]}}),
            &[(
                "ConfigMap netobserv/flowlogs-pipeline-config-dynamic",
                "node_flows_total",
            )],
        ),
        processor(
            "consumer replicas",
            json!({"consumerReplicas": 2}),
            &[(PIPELINE, r#""replicas":2"#)],
        ),
        processor(
            "memory of the pipeline",
            json!({"resources": {"limits": {"memory": "1Gi"}}}),
            &[(PIPELINE, "966367642")],
        ),
        Edit {
            name: "an exporter",
            spec: json!({"exporters": [{"type": "IPFIX", "ipfix": {"targetHost": "collector.example", "targetPort": 4739}}]}),
            concerns: &[PIPELINES, CONSOLES, POLICIES],
            ..Edit::default()
        },
        Edit {
            name: "Kafka with an autoscaler",
            spec: kafka,
            concerns: OTHER_MODEL,
            shows: &[
                (TRANSFORMER, "flowlogs-pipeline-transformer"),
                (AUTOSCALER, r#""maxReplicas":5"#),
                (
                    AGENT,
                    r#"{"name":"KAFKA_BROKERS","value":"kafka.example:9092"}"#,
                ),
            ],
            gone: &[PIPELINE, "Service netobserv/flowlogs-pipeline"],
            ..Edit::default()
        },
        Edit {
            name: "Direct",
            spec: json!({"deploymentModel": "Direct"}),
            concerns: OTHER_MODEL,
            shows: &[(NODE_PIPELINE, r#""hostNetwork":true"#)],
            gone: &[PIPELINE, "Service netobserv/flowlogs-pipeline"],
            ..Edit::default()
        },
        Edit {
            name: "no TLS between agents and pipeline",
            spec: json!({"processor": {"service": {"tlsType": "Disabled"}}}),
            concerns: &[AGENTS, PIPELINES, "netobserv-ca", "cert"],
            ..Edit::default()
        },
        loki(
            "Loki, monolithic",
            json!({"mode": "Monolithic", "monolithic": {"url": "http://one.example:3100/"}}),
            &[(
                "ConfigMap netobserv/flowlogs-pipeline-config",
                "http://one.example:3100/",
            )],
        ),
        loki(
            "Loki, microservices",
            json!({"mode": "Microservices", "microservices": {
                "ingesterUrl": "http://in.example:3100/", "querierUrl": "http://out.example:3100/"}}),
            &[(
                "ConfigMap netobserv/flowlogs-pipeline-config",
                "http://in.example:3100/",
            )],
        ),
        loki(
            "Loki, manual",
            json!({"mode": "Manual", "manual": {"ingesterUrl": "http://me.example:3100/"}}),
            &[(
                "ConfigMap netobserv/flowlogs-pipeline-config",
                "http://me.example:3100/",
            )],
        ),
        loki("Loki off", json!({"enable": false}), &[]),
        loki(
            "Loki for trying",
            json!({"monolithic": {"installDemoLoki": true}}),
            &[],
        ),
        Edit {
            lacks: Some("the cluster has no LokiStack API"),
            ..loki("a LokiStack", json!({"mode": "LokiStack"}), &[])
        },
        loki(
            "the store in the console",
            json!({"mode": "Embedded"}),
            &[
                ("Service netobserv/netobserv-store", "3100"),
                (CONSOLE, r#""type":"Recreate""#),
            ],
        ),
        Edit {
            name: "network policies off",
            spec: json!({"networkPolicy": {"enable": false}}),
            concerns: &[POLICIES],
            ..Edit::default()
        },
        Edit {
            name: "network policies with one more namespace",
            spec: json!({"networkPolicy": {"enable": true, "additionalNamespaces": ["mine"]}}),
            concerns: &[POLICIES],
            ..Edit::default()
        },
        Edit {
            name: "no console",
            spec: json!({"consolePlugin": {"enable": false}}),
            concerns: &[CONSOLES, POLICIES],
            gone: &[CONSOLE],
            ..Edit::default()
        },
    ]
}

/// Writes of the manager since `before`, but those of the status.
fn writes_since(world: &World, before: usize) -> Vec<String> {
    let mut writes = world.plane.writes()[before..].to_vec();
    writes.retain(|write| !write.contains("/status "));
    writes
}

/// Replaces the whole specification.
async fn replace(world: &World, spec: &Value) {
    let patch = serde_json::from_value(json!([{"op": "replace", "path": "/spec", "value": spec}]));
    world
        .collectors
        .patch(
            "cluster",
            &PatchParams::default(),
            &Patch::<()>::Json(patch.unwrap()),
        )
        .await
        .expect("replace the specification");
    world.settle().await;
}

async fn spec(world: &World) -> Value {
    let collector = world.collectors.get("cluster").await.unwrap();
    serde_json::to_value(collector.spec).unwrap()
}

/// What is not as it should be after an edit.
async fn wrong_after(world: &World, edit: &Edit) -> Vec<String> {
    let before = world.plane.writes().len();
    world.merge(json!({"spec": edit.spec})).await;
    world.settle().await;
    let mut wrong = Vec::new();
    let (_, reason, _) = world.condition("Ready").await.unwrap();
    let failures = world.failures().await;
    match edit.lacks {
        Some(lacks) if failures.contains(lacks) => {}
        None if reason != "Failure" => {}
        _ => wrong.push(failures),
    }
    let writes = writes_since(world, before);
    let concerns = |write: &&String| edit.concerns.iter().any(|part| write.contains(part));
    let strange = writes.iter().filter(|write| !concerns(write));
    wrong.extend(strange.map(|write| format!("does not concern: {write}")));
    wrong.extend(twice(&writes));
    let ours = Snapshot::ours(&world.plane.client).await;
    for (key, text) in edit.shows {
        let object = ours.0.get(*key).map(Value::to_string).unwrap_or_default();
        if !object.contains(text) {
            wrong.push(format!("no {text} in {key}: {object}"));
        }
    }
    let left = edit.gone.iter().filter(|key| ours.0.contains_key(**key));
    wrong.extend(left.map(|key| format!("still there: {key}")));
    wrong
}

/// Goes back to a specification, which must give its objects.
async fn wrong_after_back_to(world: &World, spec: &Value, objects: &Snapshot) -> Vec<String> {
    let writes = world.plane.writes().len();
    replace(world, spec).await;
    let mut wrong = twice(&writes_since(world, writes));
    let ours = Snapshot::ours(&world.plane.client).await;
    let traces = ours.traces(objects);
    wrong.extend(traces.iter().map(|key| format!("left behind: {key}")));
    wrong
}

/// What was written more than once.
fn twice(writes: &[String]) -> Vec<String> {
    let count = |write: &String| writes.iter().filter(|other| *other == write).count();
    let repeated = writes.iter().filter(|write| count(write) > 1);
    repeated
        .map(|write| format!("written again: {write}"))
        .collect()
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn each_edit_reaches_its_state_and_touches_what_it_concerns() {
    let Some(world) = World::start_on(&["monitoring.coreos.com"]).await else {
        return;
    };
    world.create_collector(json!({})).await;
    world.settle().await;
    let given = spec(&world).await;
    let before = Snapshot::ours(&world.plane.client).await;
    let mut wrong = Vec::new();
    let mut check = |name: &str, problems: Vec<String>| {
        wrong.extend(
            problems
                .into_iter()
                .map(|problem| format!("{name}: {problem}")),
        );
    };
    for edit in edits() {
        check(edit.name, wrong_after(&world, &edit).await);
        let problems = wrong_after_back_to(&world, &given, &before).await;
        check(&format!("{}, taken back", edit.name), problems);
    }
    // Straight from one model to another.
    let mut models = edits();
    models.retain(|edit| edit.spec.get("deploymentModel").is_some());
    for edit in models {
        check(
            &format!("then {}", edit.name),
            wrong_after(&world, &edit).await,
        );
    }
    let problems = wrong_after_back_to(&world, &given, &before).await;
    check("all taken back", problems);
    assert!(wrong.is_empty(), "{wrong:#?}");

    flow_metrics_come_change_and_go(&world).await;
    let problems = wrong_after_back_to(&world, &given, &before).await;
    assert_eq!(problems, [""; 0]);
}

/// A metric of a user is in the part of the configuration that is read again while running: no pod is rolled.
async fn flow_metrics_come_change_and_go(world: &World) {
    let metrics: Api<FlowMetric> = world.namespaced(NAMESPACE);
    let mut before = world.plane.writes().len();
    let configs: Api<ConfigMap> = world.namespaced(NAMESPACE);
    let mut check = async |what: &str, expected: Option<&str>| {
        eventually(what, async || {
            let config = configs.get("flowlogs-pipeline-config-dynamic").await;
            let text = format!("{:?}", config.unwrap().data);
            let is_reached = match expected {
                Some(expected) => text.contains(expected),
                None => !text.contains("my_metric"),
            };
            is_reached.then_some(()).ok_or(text)
        })
        .await;
        world.settle().await;
        let writes = writes_since(world, before);
        before = world.plane.writes().len();
        let rolled =
            |write: &&String| write.contains("deployments") || write.contains("daemonsets");
        assert_eq!(writes.iter().find(rolled), None, "{what}");
    };
    let metric = json!({"metadata": {"name": "mine"},
        "spec": {"type": "Counter", "metricName": "my_metric", "valueField": "Bytes"}});
    create(&metrics, &parse(metric)).await;
    check("added", Some("my_metric")).await;
    let patch = json!({"spec": {"labels": ["SrcK8S_Zone"]}});
    metrics
        .patch("mine", &PatchParams::default(), &Patch::Merge(patch))
        .await
        .unwrap();
    check("changed", Some("SrcK8S_Zone")).await;
    metrics
        .delete("mine", &DeleteParams::default())
        .await
        .unwrap();
    check("removed", None).await;
}
