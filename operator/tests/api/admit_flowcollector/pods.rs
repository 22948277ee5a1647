//! Pods of the components: what the API server would refuse.

use serde_json::{Value, json};

use super::{check, facts, kafka};

#[test]
fn requests_are_not_above_limits() {
    let requests = |section: &'static str| match section {
        "agent" => "spec.agent.ebpf.resources.requests.memory",
        "processor" => "spec.processor.resources.requests.memory",
        _ => "spec.consolePlugin.resources.requests.memory",
    };
    let spec = |section: &str, resources: &Value| match section {
        "agent" => json!({ "agent": { "ebpf": { "resources": resources } } }),
        section => json!({ section: { "resources": resources } }),
    };
    for section in ["agent", "processor", "consolePlugin"] {
        for (request, limit, is_refused) in [
            ("2Gi", "1Gi", true),
            ("1025Mi", "1Gi", true),
            ("1024Mi", "1Gi", false),
            ("1G", "1Gi", false),
        ] {
            let resources = json!({ "requests": { "cpu": "4", "memory": request }, "limits": { "memory": limit } });
            let error = (requests(section), "more than the limit");
            let errors = is_refused.then_some(error).into_iter().collect();
            check(&spec(section, &resources), &facts(), &vec![], &errors);
        }
        let negative = json!({ "requests": { "memory": "-1Mi" } });
        let errors = vec![(requests(section), "less than 0")];
        check(&spec(section, &negative), &facts(), &vec![], &errors);
    }
}

#[test]
fn tolerations_are_such_as_kubernetes_knows() {
    let path = "spec.processor.advanced.scheduling.tolerations[0]";
    let operator = "spec.processor.advanced.scheduling.tolerations[0].operator";
    let effect = "spec.processor.advanced.scheduling.tolerations[0].effect";
    let key = "spec.processor.advanced.scheduling.tolerations[0].key";
    for (toleration, errors) in [
        (json!({ "operator": "Exists" }), vec![]),
        (
            json!({ "key": "a", "value": "b", "effect": "NoExecute" }),
            vec![],
        ),
        (
            json!({ "key": "a", "operator": "Exist" }),
            vec![(operator, "\"Exist\"")],
        ),
        (json!({ "value": "b" }), vec![(key, "missing")]),
        (
            json!({ "key": "a", "effect": "NoRun" }),
            vec![(effect, "\"NoRun\"")],
        ),
    ] {
        let scheduling = json!({ "tolerations": [toleration] });
        let spec = json!({ "processor": { "advanced": { "scheduling": scheduling } } });
        check(&spec, &facts(), &vec![], &errors);
        assert!(errors.iter().all(|(at, _)| at.starts_with(path)));
    }
}

#[test]
fn an_autoscaler_has_room() {
    let least = "spec.processor.kafkaConsumerAutoscaler.minReplicas";
    let most = "spec.processor.kafkaConsumerAutoscaler.maxReplicas";
    let console = "spec.consolePlugin.autoscaler.minReplicas";
    let hpa = |least: i32, most: Value| json!({ "status": "Enabled", "minReplicas": least, "maxReplicas": most });
    let consumers = |autoscaler: Value| json!({ "kafkaConsumerAutoscaler": autoscaler });
    for (spec, errors) in [
        (kafka(consumers(hpa(2, json!(2)))), vec![]),
        (kafka(consumers(hpa(5, json!(2)))), vec![(least, "2")]),
        // The default of the greatest is 3.
        (kafka(consumers(hpa(5, json!(null)))), vec![(least, "3")]),
        (
            kafka(consumers(hpa(0, json!(0)))),
            vec![(least, "less than 1"), (most, "less than 1")],
        ),
        (
            kafka(consumers(json!({ "minReplicas": 5, "maxReplicas": 2 }))),
            vec![],
        ),
        // There is none in the other models.
        (json!({ "processor": consumers(hpa(5, json!(2))) }), vec![]),
        (
            json!({ "consolePlugin": { "autoscaler": hpa(5, json!(2)) } }),
            vec![(console, "more than maxReplicas")],
        ),
    ] {
        check(&spec, &facts(), &vec![], &errors);
    }
}
