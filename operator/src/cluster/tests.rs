#![allow(clippy::unwrap_used, reason = "tests")]
use std::cell::Cell;

use axum::http::{Request, Response, StatusCode};
use kube::Client;
use kube::client::Body;
use serde_json::{Value, json};
use tower_test::mock;

use super::subnets::{Sources, label};
use super::{Facts, FactsError, NetworkPlugin, Subnets, discover};

const CLUSTER_VERSION: &str = "/apis/config.openshift.io/v1/clusterversions/version";
const NETWORK: &str = "/apis/config.openshift.io/v1/networks/cluster";
const NODES: &str = "/api/v1/nodes";
const ENDPOINTS: &str = "/apis/discovery.k8s.io/v1/namespaces/default/endpointslices";

/// What an OpenShift of two nodes answers.
fn answer(path: &str) -> Option<Value> {
    Some(match path {
        "/apis" => {
            json!({"kind": "APIGroupDiscoveryList", "apiVersion": "apidiscovery.k8s.io/v2", "metadata": {},
            "items": [{"metadata": {"name": "security.openshift.io"}, "versions": [{"version": "v1", "resources": [{
                "resource": "securitycontextconstraints", "singularResource": "", "scope": "Cluster", "verbs": ["get"],
                "responseKind": {"group": "security.openshift.io", "version": "v1", "kind": "SecurityContextConstraints"},
            }]}]}]})
        }
        "/api" => {
            json!({"kind": "APIGroupDiscoveryList", "apiVersion": "apidiscovery.k8s.io/v2", "metadata": {},
            "items": []})
        }
        CLUSTER_VERSION => json!({"metadata": {"name": "version"}, "spec": {"clusterID": "an-id"},
            "status": {"history": [{"state": "Completed", "version": "4.14.5"}]}}),
        NETWORK => {
            json!({"metadata": {"name": "cluster"}, "spec": {"networkType": "OVNKubernetes"}})
        }
        NODES => {
            json!({"kind": "PartialObjectMetadataList", "apiVersion": "meta.k8s.io/v1", "metadata": {},
            "items": [{"metadata": {"name": "a"}}, {"metadata": {"name": "b"}}]})
        }
        ENDPOINTS => {
            json!({"kind": "EndpointSliceList", "apiVersion": "discovery.k8s.io/v1", "metadata": {},
            "items": [{"metadata": {"name": "kubernetes"}, "addressType": "IPv4",
                "ports": [{"name": "https", "port": 6443, "protocol": "TCP"}],
                "endpoints": [{"addresses": ["10.0.0.1"]}]}]})
        }
        _ => return None,
    })
}

/// Discovers while the API server answers with `status` to `failing`.
async fn facts(
    known: Option<&Facts>,
    failing: &str,
    status: StatusCode,
) -> Result<Facts, FactsError> {
    let answers = |path: &str| match answer(path) {
        _ if path == failing => Err(status),
        Some(answer) => Ok(answer),
        None => Err(StatusCode::NOT_FOUND),
    };
    facts_of(known, answers).await
}

/// Discovers with those answers, by path.
async fn facts_of(
    known: Option<&Facts>,
    answers: impl Fn(&str) -> Result<Value, StatusCode>,
) -> Result<Facts, FactsError> {
    let (service, mut requests) = mock::pair::<Request<Body>, Response<Body>>();
    let client = Client::new(service, "netobserv");
    let server = async {
        while let Some((request, reply)) = requests.next_request().await {
            let (code, body) = match answers(request.uri().path()) {
                Ok(answer) => (StatusCode::OK, serde_json::to_vec(&answer).unwrap()),
                // As the API server says it of an API that it does not serve.
                Err(StatusCode::NOT_FOUND) => {
                    (StatusCode::NOT_FOUND, b"404 page not found\n".to_vec())
                }
                Err(code) => {
                    let body = json!({"kind": "Status", "apiVersion": "v1", "status": "Failure",
                        "code": code.as_u16(), "message": "no",
                        "reason": code.canonical_reason().unwrap().replace(' ', "")});
                    (code, serde_json::to_vec(&body).unwrap())
                }
            };
            let mut response = Response::new(Body::from(body));
            *response.status_mut() = code;
            reply.send_response(response);
        }
    };
    tokio::select! {
        facts = discover(&client, known) => facts,
        () = server => unreachable!("the server answers for ever"),
    }
}

async fn complete() -> Facts {
    facts(None, "", StatusCode::OK).await.unwrap()
}

#[tokio::test]
async fn what_an_openshift_says_is_known() {
    let facts = complete().await;
    assert!(facts.is_openshift());
    assert_eq!(facts.openshift_version.as_deref(), Some("4.14.5"));
    assert_eq!(facts.cluster_id.as_deref(), Some("an-id"));
    assert_eq!(facts.network_plugin, NetworkPlugin::OvnKubernetes);
    assert_eq!(facts.nodes, Some(2));
    assert_eq!(facts.api_server_addresses, ["10.0.0.1"]);
    assert_eq!(facts.api_server_ports, [6443]);
}

#[tokio::test]
async fn many_nodes_are_counted_by_one_page() {
    let asked = Cell::new(0);
    let answers = |path: &str| {
        let mut answer = answer(path).ok_or(StatusCode::NOT_FOUND)?;
        if path == NODES {
            asked.set(asked.get() + 1);
            answer["metadata"] = json!({"continue": "more", "remainingItemCount": 698});
        }
        Ok(answer)
    };
    let facts = facts_of(None, answers).await.unwrap();
    assert_eq!((facts.nodes, asked.get()), (Some(700), 1));
}

#[tokio::test]
async fn a_question_that_fails_changes_nothing_of_what_is_known() {
    let known = complete().await;
    for path in [CLUSTER_VERSION, NETWORK, NODES, ENDPOINTS] {
        for status in [StatusCode::INTERNAL_SERVER_ERROR, StatusCode::FORBIDDEN] {
            let facts = facts(Some(&known), path, status).await.unwrap();
            assert_eq!(facts, known, "{path} {status}");
        }
    }
}

#[tokio::test]
async fn the_first_facts_are_not_guessed_where_a_question_fails() {
    for path in ["/apis", CLUSTER_VERSION, NETWORK, NODES, ENDPOINTS] {
        let facts = facts(None, path, StatusCode::INTERNAL_SERVER_ERROR).await;
        assert!(facts.is_err(), "{path}: {facts:?}");
    }
}

#[tokio::test]
async fn what_may_not_be_read_is_unknown_and_the_rules_say_so() {
    let facts_without = async |path| facts(None, path, StatusCode::FORBIDDEN).await.unwrap();
    let rules = facts_without(NODES).await.for_rules();
    assert!(rules.nodes.is_err(), "{rules:?}");
    let rules = facts_without(CLUSTER_VERSION).await.for_rules();
    assert!(rules.openshift.is_err(), "{rules:?}");
    let network = facts_without(NETWORK).await.network_plugin;
    assert_eq!(network, NetworkPlugin::Unknown);
}

#[tokio::test]
async fn an_openshift_without_its_configuration_is_worked_on() {
    for path in [CLUSTER_VERSION, NETWORK] {
        let facts = facts(None, path, StatusCode::NOT_FOUND).await.unwrap();
        assert!(facts.is_openshift(), "{path}");
        assert_eq!(facts.openshift_version.is_none(), path == CLUSTER_VERSION);
    }
}

const DEFINITIONS: &str = "/apis/apiextensions.k8s.io/v1/customresourcedefinitions";
const SECURITY: &str = "security.openshift.io";
const CONSTRAINTS: &str = "securitycontextconstraints";
const MONITORS: &str = "servicemonitors.monitoring.coreos.com/v1";

/// Discovery's answer with those groups: name, resources of `v1`, freshness.
fn groups(groups: &[(&str, &[&str], &str)]) -> Value {
    let items: Vec<_> = groups
        .iter()
        .map(|(group, resources, freshness)| {
            let resources: Vec<_> = resources
                .iter()
                .map(|resource| json!({"resource": resource}))
                .collect();
            json!({"metadata": {"name": group},
                "versions": [{"version": "v1", "freshness": freshness, "resources": resources}]})
        })
        .collect();
    json!({"kind": "APIGroupDiscoveryList", "apiVersion": "apidiscovery.k8s.io/v2", "metadata": {},
        "items": items})
}

fn definitions(names: &[&str]) -> Value {
    let items = names.iter().map(|name| json!({"metadata": {"name": name}}));
    json!({"kind": "PartialObjectMetadataList", "apiVersion": "meta.k8s.io/v1", "metadata": {},
        "items": items.collect::<Vec<_>>()})
}

/// What an OpenShift answers whose discovery and definitions are those.
async fn facts_with(
    known: Option<&Facts>,
    apis: &Value,
    defined: &Result<Value, StatusCode>,
) -> Result<Facts, FactsError> {
    let answers = |path: &str| match path {
        "/apis" => Ok(apis.clone()),
        DEFINITIONS => defined.clone(),
        _ => answer(path).ok_or(StatusCode::NOT_FOUND),
    };
    facts_of(known, answers).await
}

#[tokio::test]
async fn an_api_that_was_found_goes_only_with_its_definition() {
    let apps: (&str, &[&str], &str) = ("apps", &["deployments"], "Current");
    let security: (&str, &[&str], &str) = (SECURITY, &[CONSTRAINTS], "Current");
    let monitoring = "monitoring.coreos.com";
    let whole = groups(&[
        apps,
        security,
        (monitoring, &["servicemonitors"], "Current"),
    ]);
    let all = Ok(definitions(&["servicemonitors.monitoring.coreos.com"]));
    let none = Ok(definitions(&[]));
    let known = facts_with(None, &whole, &none).await.unwrap();
    assert!(known.is_openshift() && known.apis.contains(MONITORS));
    let error = Err(StatusCode::INTERNAL_SERVER_ERROR);
    for (name, apis, defined, has_monitors) in [
        ("all as before", whole.clone(), &none, true),
        (
            "both stale and empty",
            groups(&[apps, (SECURITY, &[], "Stale"), (monitoring, &[], "Stale")]),
            &none,
            true,
        ),
        ("both left out, still defined", groups(&[apps]), &all, true),
        ("both left out, no answer", groups(&[apps]), &error, true),
        ("both gone", groups(&[apps]), &none, false),
        ("one removed", groups(&[apps, security]), &none, false),
    ] {
        let later = facts_with(Some(&known), &apis, defined).await.unwrap();
        assert!(later.is_openshift(), "{name}");
        assert_eq!(later.apis.contains(MONITORS), has_monitors, "{name}");
        if has_monitors {
            assert_eq!(later, known, "{name}");
        }
    }
    let empty = facts_with(Some(&known), &groups(&[]), &none).await;
    assert!(matches!(empty, Err(FactsError::NoApis)), "{empty:?}");
}

#[tokio::test]
async fn monitors_choose_how_targets_are_found_where_their_definition_says_so() {
    let path = format!("{DEFINITIONS}/servicemonitors.monitoring.coreos.com");
    let apis = groups(&[("monitoring.coreos.com", &["servicemonitors"], "Current")]);
    let definition = |version: &str, properties: Value| {
        let schema = json!({"type": "object", "properties": {"spec": {"type": "object", "properties": properties}}});
        json!({"metadata": {"name": "servicemonitors.monitoring.coreos.com"}, "spec": {
            "group": "monitoring.coreos.com", "scope": "Namespaced",
            "names": {"kind": "ServiceMonitor", "plural": "servicemonitors"},
            "versions": [{"name": version, "served": true, "storage": true, "schema": {"openAPIV3Schema": schema}}]}})
    };
    let role = json!({"serviceDiscoveryRole": {"type": "string"}});
    let with = definition("v1", role.clone());
    let known = Facts {
        has_discovery_role: true,
        ..complete().await
    };
    for (name, apis, answer, known, expected) in [
        ("it has", &apis, Ok(with.clone()), None, true),
        (
            "too old",
            &apis,
            Ok(definition("v1", json!({}))),
            None,
            false,
        ),
        (
            "another version",
            &apis,
            Ok(definition("v2", role)),
            None,
            false,
        ),
        ("refused", &apis, Err(StatusCode::FORBIDDEN), None, false),
        (
            "no answer now",
            &apis,
            Err(StatusCode::BAD_GATEWAY),
            Some(&known),
            true,
        ),
        ("no such API", &groups(&[]), Ok(with), None, false),
    ] {
        let answers = |asked: &str| match asked {
            "/apis" if *apis == groups(&[]) => self::answer("/apis").ok_or(StatusCode::NOT_FOUND),
            "/apis" => Ok(apis.clone()),
            DEFINITIONS => Ok(definitions(&[])),
            _ if asked == path => answer.clone(),
            _ => self::answer(asked).ok_or(StatusCode::NOT_FOUND),
        };
        let facts = facts_of(known, answers).await.unwrap();
        assert_eq!(facts.has_discovery_role, expected, "{name}");
    }
}

#[tokio::test]
async fn the_first_time_it_must_be_certain_whether_this_is_openshift() {
    let apps: (&str, &[&str], &str) = ("apps", &["deployments"], "Current");
    let plain = groups(&[apps]);
    let stale = groups(&[apps, (SECURITY, &[], "Stale")]);
    let other = groups(&[apps, ("metrics.k8s.io", &[], "Stale")]);
    let none = Ok(definitions(&["others.example.org"]));
    let defined = Ok(definitions(&[
        "securitycontextconstraints.security.openshift.io",
    ]));
    for (name, apis, definitions, is_certain) in [
        ("plain", &plain, none.clone(), true),
        ("another group is stale", &other, none.clone(), true),
        ("may not be asked", &plain, Err(StatusCode::FORBIDDEN), true),
        ("its group is stale", &stale, none, false),
        ("defined, not served", &plain, defined, false),
        (
            "no answer",
            &plain,
            Err(StatusCode::INTERNAL_SERVER_ERROR),
            false,
        ),
    ] {
        let first = facts_with(None, apis, &definitions).await;
        assert_eq!(first.is_ok(), is_certain, "{name}: {first:?}");
        if let Ok(facts) = first {
            assert!(!facts.is_openshift(), "{name}");
        }
    }
}

const INSTALL_CONFIG: &str =
    "networking:\n  machineNetwork:\n  - cidr: 10.0.0.0/16\n  networkType: OVNKubernetes\n";

fn sources() -> Sources {
    Sources {
        install_config: Ok(INSTALL_CONFIG.to_owned()),
        operator: Ok(json!({"spec": {"defaultNetwork": {"ovnKubernetesConfig": {
            "gatewayConfig": {"ipv4": {"internalMasqueradeSubnet": "169.254.64.0/18"}}}}}})),
        config: Ok(json!({"spec": {
            "clusterNetwork": [{"cidr": "10.128.0.0/14", "hostPrefix": 23}],
            "serviceNetwork": ["172.30.0.0/16"],
            "externalIP": {"autoAssignCIDRs": ["192.0.2.0/24"]}}})),
    }
}

/// `name range…` of every label.
fn ranges(subnets: &Subnets) -> Vec<String> {
    let labels = subnets.labels.iter();
    labels
        .map(|label| format!("{} {}", label.name, label.cidrs.join(" ")))
        .collect()
}

#[test]
fn address_ranges_of_the_cluster_have_names() {
    let addresses = ["10.0.0.1", "172.30.0.1", "203.0.113.1", "fd00::1", "no"].map(str::to_owned);
    let subnets = label(&sources(), &addresses, None);
    assert_eq!(
        ranges(&subnets),
        [
            "Machines 10.0.0.0/16 100.64.0.0/16 100.88.0.0/16 169.254.64.0/18",
            "Pods 10.128.0.0/14",
            "Services 172.30.0.0/16 203.0.113.1/32 fd00::1/128",
            "EXT:ExternalIP 192.0.2.0/24",
        ]
    );
    assert_eq!(subnets.problem, None);
}

#[test]
fn a_range_that_cannot_be_read_takes_no_other_away() {
    let broken = |change: fn(&mut Sources)| {
        let mut sources = sources();
        change(&mut sources);
        sources
    };
    let whole = label(&sources(), &[], None);
    for (sources, left, problem) in [
        (
            broken(|sources| sources.install_config = Err("refused".to_owned())),
            vec![
                "Machines 100.64.0.0/16 100.88.0.0/16 169.254.64.0/18",
                "Pods 10.128.0.0/14",
                "Services 172.30.0.0/16",
                "EXT:ExternalIP 192.0.2.0/24",
            ],
            "refused",
        ),
        (
            broken(|sources| sources.install_config = Ok("networking: [".to_owned())),
            vec![
                "Machines 100.64.0.0/16 100.88.0.0/16 169.254.64.0/18",
                "Pods 10.128.0.0/14",
                "Services 172.30.0.0/16",
                "EXT:ExternalIP 192.0.2.0/24",
            ],
            "install-config",
        ),
        (
            broken(|sources| sources.operator = Err("refused".to_owned())),
            vec![
                "Machines 10.0.0.0/16",
                "Pods 10.128.0.0/14",
                "Services 172.30.0.0/16",
                "EXT:ExternalIP 192.0.2.0/24",
            ],
            "Network.operator.openshift.io cluster: refused",
        ),
        (
            broken(|sources| sources.config = Err("refused".to_owned())),
            vec!["Machines 10.0.0.0/16 100.64.0.0/16 100.88.0.0/16 169.254.64.0/18"],
            "Network.config.openshift.io cluster: refused",
        ),
    ] {
        let subnets = label(&sources, &[], None);
        assert_eq!(ranges(&subnets), left);
        let found = subnets.problem.unwrap();
        assert!(found.contains(problem), "{found}");
        // What was known of it stays.
        let later = label(&sources, &[], Some(&whole));
        let sorted = |subnets: &Subnets| {
            let mut labels = subnets.labels.clone();
            for label in &mut labels {
                label.cidrs.sort();
            }
            labels
        };
        assert_eq!(sorted(&later), sorted(&whole));
        assert!(later.problem.is_some());
    }
}
