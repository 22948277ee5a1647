//! FlowCollectorSlices: labels, filters, and what is told about each.

use crate::support::{desired_beside, find, kubernetes, openshift};
use netobserv_operator::apis::flowcollector::v1beta2::processor::SubnetLabel;
use netobserv_operator::desired::Desired;
use serde_json::{Value, json};

/// A slice `namespace/name`.
fn slice(key: &str, spec: Value) -> Value {
    let (namespace, name) = key.split_once('/').unwrap();
    json!({"apiVersion": "flows.netobserv.io/v1alpha1", "kind": "FlowCollectorSlice",
        "metadata": {"name": name, "namespace": namespace}, "spec": spec})
}

fn labelled(key: &str, labels: Value) -> Value {
    slice(key, json!({"subnetLabels": labels}))
}

/// Part of a dynamic stage; null without the stage.
fn dynamic(desired: &Desired, stage: &str, pointer: &str) -> Value {
    let config = find(desired, "ConfigMap", "flowlogs-pipeline-config-dynamic").unwrap();
    let config: Value =
        serde_json::from_str(config["data"]["config.json"].as_str().unwrap()).unwrap();
    let stages = config["parameters"].as_array().unwrap();
    let stage = stages.iter().find(|other| other["name"] == stage);
    stage
        .and_then(|stage| stage.pointer(pointer))
        .cloned()
        .unwrap_or_default()
}

fn allow_list(entries: Value) -> Value {
    json!({"processor": {"slicesConfig":
        {"enable": true, "collectionMode": "AllowList", "namespacesAllowList": entries}}})
}

fn rules(spec: &Value, slices: &[Value]) -> Value {
    let desired = desired_beside(spec, &kubernetes(), &[], slices);
    dynamic(&desired, "filters", "/transform/filter/rules")
}

fn keep(query: &str) -> Value {
    json!({"type": "keep_entry_query", "keepEntryQuery": query})
}

fn of_namespace(operator: &str, name: &str) -> Value {
    keep(&format!(
        "SrcK8S_Namespace{operator}\"{name}\" or DstK8S_Namespace{operator}\"{name}\""
    ))
}

fn sampled(mut rule: Value, one_in: i32) -> Value {
    rule["keepEntrySampling"] = one_in.into();
    rule
}

#[test]
fn an_allow_list_keeps_listed_namespaces_and_those_with_a_slice() {
    let spec = allow_list(json!(["team-x", "/^ci-/", "team-x"]));
    let slices = [
        slice("team-x/c", json!({"sampling": 9})),
        slice("team-a/b", json!({})),
        slice("team-a/a", json!({"sampling": 3})),
    ];
    let desired = desired_beside(&spec, &kubernetes(), &[], &slices);
    assert_eq!(
        dynamic(&desired, "filters", "/transform/filter/rules"),
        json!([
            of_namespace("=", "team-x"),
            of_namespace("=~", "^ci-"),
            sampled(of_namespace("=", "team-a"), 3),
        ])
    );
    let told: Vec<_> = desired
        .slices
        .iter()
        .map(|told| (told.name.as_str(), told.filter.clone().unwrap()))
        .collect();
    let query = r#"SrcK8S_Namespace="team-a" or DstK8S_Namespace="team-a""#;
    let skipped = "(skipped, not needed)";
    assert_eq!(
        told,
        [
            ("a", query.to_owned()),
            ("b", skipped.to_owned()),
            ("c", skipped.to_owned())
        ]
    );
}

#[test]
fn filters_follow_the_collection_mode() {
    let nothing = keep("with(SrcAddr) and without(SrcAddr)");
    let team = [slice("team-a/a", json!({"sampling": 2}))];
    let off =
        json!({"processor": {"slicesConfig": {"enable": false, "collectionMode": "AllowList"}}});
    let always = json!({"processor": {"slicesConfig": {"enable": true}}});
    let mut filtered = allow_list(json!([]));
    filtered["processor"]["filters"] = json!([{"query": "DstPort=443"}]);
    for (spec, slices, expected) in [
        (off, &team[..], Value::Null),
        (always, &team, Value::Null),
        (
            allow_list(json!([])),
            &team,
            json!([sampled(of_namespace("=", "team-a"), 2)]),
        ),
        // Nothing is allowed, so nothing is kept.
        (allow_list(json!([])), &[], json!([nothing])),
        // What the administrator keeps comes first, and is enough.
        (filtered.clone(), &[], json!([keep("DstPort=443")])),
        (
            filtered,
            &team,
            json!([keep("DstPort=443"), sampled(of_namespace("=", "team-a"), 2)]),
        ),
        // What is special to the query language is written as it wants it.
        (
            allow_list(json!(["/^a\\d+$/"])),
            &[],
            json!([of_namespace("=~", "^a\\\\d+$")]),
        ),
    ] {
        assert_eq!(rules(&spec, slices), expected, "{spec}");
    }
    // The sampling of the first slice that asks for one is the namespace's.
    let two = [
        slice("team-a/a", json!({})),
        slice("team-a/b", json!({"sampling": 7})),
    ];
    assert_eq!(
        rules(&allow_list(json!([])), &two),
        json!([sampled(of_namespace("=", "team-a"), 7)])
    );
}

#[test]
fn a_bad_entry_of_the_allow_list_is_told_and_ignored() {
    let spec = allow_list(json!(["/(/", "team-x"]));
    let desired = desired_beside(&spec, &kubernetes(), &[], &[]);
    assert_eq!(
        dynamic(&desired, "filters", "/transform/filter/rules"),
        json!([of_namespace("=", "team-x")])
    );
    let problems: Vec<_> = desired.problems.iter().map(|p| &p.message).collect();
    assert!(
        problems[0].contains("namespacesAllowList[0]"),
        "{problems:?}"
    );
}

#[test]
fn labels_give_way_to_those_that_were_there_first() {
    let spec = json!({"processor": {"slicesConfig": {"enable": true},
        "subnetLabels": {"customLabels": [{"name": "Lab", "cidrs": ["10.0.0.0/16"]}]}}});
    // Ranges of one slice, how many labels are in use, a part of the warning.
    for (ranges, kept, warning) in [
        (
            json!(["10.0.4.0/24"]),
            json!([]),
            "10.0.4.0/24 is within 10.0.0.0/16 of admin",
        ),
        (json!(["10.0.0.0/16"]), json!([]), "10.0.0.0/16 is named by"),
        (
            json!(["10.0.0.0/8"]),
            json!(["10.0.0.0/8"]),
            "10.0.0.0/8 holds 10.0.0.0/16 of admin",
        ),
        (
            json!(["8.0.0.0/6"]),
            json!(["8.0.0.0/6"]),
            "8.0.0.0/6 holds 10.0.0.0/16 of admin",
        ),
        (json!(["192.0.2.0/24"]), json!(["192.0.2.0/24"]), ""),
        (
            json!(["fd00::/8", "10.0.1.1/32"]),
            json!(["fd00::/8"]),
            "10.0.1.1/32 is within",
        ),
    ] {
        let slices = [labelled("a/a", json!([{"name": "mine", "cidrs": ranges}]))];
        let desired = desired_beside(&spec, &kubernetes(), &[], &slices);
        let labels = dynamic(&desired, "subnets", "/transform/network/subnetLabels");
        let mine: Vec<_> = labels.as_array().unwrap()[1..].to_vec();
        let expected = if kept == json!([]) {
            vec![]
        } else {
            vec![json!({"cidrs": kept, "name": "mine"})]
        };
        assert_eq!(mine, expected, "{ranges}");
        let told = &desired.slices[0];
        assert_eq!(told.labels, expected.len(), "{ranges}");
        assert_eq!(told.overlaps.is_empty(), warning.is_empty(), "{told:?}");
        assert!(told.overlaps.contains(warning), "{told:?}");
        assert_eq!(told.problems, Vec::<String>::new());
    }
}

#[test]
fn slices_come_by_namespace_and_name_and_a_bad_one_harms_no_other() {
    let spec = json!({"processor": {"slicesConfig": {"enable": true}}});
    let range = |name: &str, range: &str| json!([{"name": name, "cidrs": [range]}]);
    let slices = [
        labelled("b/a", range("second", "192.0.2.0/24")),
        labelled("a/z", range("first", "192.0.2.0/24")),
        labelled(
            "c/bad",
            json!([{"name": "half", "cidrs": ["nonsense", "198.51.100.0/24"]}, {"name": "no name", "cidrs": ["10.0.0.0/8"]}]),
        ),
    ];
    let desired = desired_beside(&spec, &kubernetes(), &[], &slices);
    assert_eq!(
        dynamic(&desired, "subnets", "/transform/network/subnetLabels"),
        json!([
            {"cidrs": ["192.0.2.0/24"], "name": "first"},
            {"cidrs": ["198.51.100.0/24"], "name": "half"},
        ])
    );
    let told = &desired.slices;
    assert!(told[1].overlaps.contains("by a/z already"), "{told:?}");
    assert_eq!(told[2].problems.len(), 2, "{told:?}");
    assert_eq!(told[2].labels, 1);
}

#[test]
fn a_warning_ends_once_it_is_long() {
    let spec = json!({"processor": {"slicesConfig": {"enable": true}}});
    let ranges: Vec<_> = (0..250).map(|at| format!("10.{at}.0.0/16")).collect();
    let slices = [
        labelled("a/a", json!([{"name": "all", "cidrs": ["10.0.0.0/8"]}])),
        labelled("a/b", json!([{"name": "more", "cidrs": ranges}])),
    ];
    let desired = desired_beside(&spec, &kubernetes(), &[], &slices);
    let length = desired.slices[1].overlaps.len();
    assert!((500..600).contains(&length), "{length}");
    assert_eq!(desired.slices[1].labels, 0);
}

#[test]
fn slices_that_are_not_read_do_nothing_and_are_told_so() {
    let slices = [labelled(
        "a/a",
        json!([{"name": "mine", "cidrs": ["10.0.0.0/8"]}]),
    )];
    let desired = desired_beside(&json!({}), &kubernetes(), &[], &slices);
    assert_eq!(dynamic(&desired, "subnets", ""), Value::Null);
    assert!(!desired.slices[0].is_read);
}

#[test]
fn the_clusters_own_ranges_come_last() {
    let range = |name: &str, range: &str| SubnetLabel {
        name: name.to_owned(),
        cidrs: vec![range.to_owned()],
    };
    let mut facts = openshift("4.19.0");
    facts.subnets.labels = vec![range("Pods", "10.128.0.0/14")];
    let slices = [labelled(
        "a/a",
        json!([{"name": "mine", "cidrs": ["192.0.2.0/24"]}]),
    )];
    let labels = |detect: bool| {
        let spec = json!({"processor": {"slicesConfig": {"enable": true}, "subnetLabels": {
            "openShiftAutoDetect": detect, "customLabels": [{"name": "Lab", "cidrs": ["8.8.4.0/24"]}]}}});
        let desired = desired_beside(&spec, &facts, &[], &slices);
        let labels = dynamic(&desired, "subnets", "/transform/network/subnetLabels");
        let labels = labels.as_array().unwrap().iter();
        let names: Vec<_> = labels
            .map(|label| label["name"].as_str().unwrap().to_owned())
            .collect();
        names
    };
    assert_eq!(labels(true), ["Lab", "mine", "Pods"]);
    assert_eq!(labels(false), ["Lab", "mine"]);
}

#[test]
fn ranges_that_cannot_be_read_are_told_where_they_are_asked_for() {
    let mut facts = openshift("4.19.0");
    facts.subnets.problem = Some("refused".to_owned());
    for (detect, expected) in [(true, 1), (false, 0)] {
        let spec = json!({"processor": {"subnetLabels": {"openShiftAutoDetect": detect}}});
        let desired = desired_beside(&spec, &facts, &[], &[]);
        let problems = desired.problems.iter();
        let told = problems.filter(|problem| problem.reason == "SubnetDetectionError");
        assert_eq!(told.count(), expected);
    }
}

#[test]
fn a_range_that_is_none_does_not_reach_the_pipeline() {
    let labels = json!([{"name": "Lab", "cidrs": ["nonsense", "8.8.4.0/24"]}, {"name": "None", "cidrs": ["nonsense"]}]);
    let spec = json!({"processor": {"subnetLabels": {"customLabels": labels}}});
    let desired = desired_beside(&spec, &kubernetes(), &[], &[]);
    assert_eq!(
        dynamic(&desired, "subnets", "/transform/network/subnetLabels"),
        json!([{"cidrs": ["8.8.4.0/24"], "name": "Lab"}])
    );
}

#[test]
fn no_namespace_fills_the_pipeline() {
    let ranges = |network: usize, count: usize| -> Vec<String> {
        let range = |at: usize| format!("10.{network}.{}.{}/32", at / 256, at % 256);
        (0..count).map(range).collect()
    };
    let label = |network, count| json!([{"name": "a", "cidrs": ranges(network, count)}]);
    let mut slices = vec![
        labelled("a/a", label(0, 200)),
        // The slices of a namespace share its room.
        labelled("a/b", label(1, 60)),
        labelled("b/a", label(2, 256)),
    ];
    // With a and b these are 16 namespaces of 256 ranges each.
    slices.extend((3..17).map(|at| labelled(&format!("c{at:02}/a"), label(at, 256))));
    slices.push(labelled("d/a", label(17, 1)));
    let spec = json!({"processor": {"slicesConfig": {"enable": true}}});
    let desired = desired_beside(&spec, &kubernetes(), &[], &slices);
    let labels = dynamic(&desired, "subnets", "/transform/network/subnetLabels");
    let labels: Vec<SubnetLabel> = serde_json::from_value(labels).unwrap();
    let taken: Vec<_> = labels.iter().map(|label| label.cidrs.len()).collect();
    assert_eq!(taken[..3], [200, 56, 256]);
    assert_eq!(taken.iter().sum::<usize>(), 4096);
    let told: Vec<_> = desired
        .slices
        .iter()
        .filter(|told| !told.problems.is_empty())
        .map(|told| {
            (
                told.namespace.as_str(),
                told.name.as_str(),
                &told.problems[0][..34],
            )
        })
        .collect();
    assert_eq!(
        told,
        [
            ("a", "b", "spec.subnetLabels: 4 ranges are le"),
            ("d", "a", "spec.subnetLabels: 1 ranges are le"),
        ]
    );
}
