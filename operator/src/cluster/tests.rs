#![allow(clippy::unwrap_used, reason = "tests")]
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
            "items": [{"metadata": {"name": "kubernetes"}, "addressType": "IPv4", "ports": [],
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
    let (service, mut requests) = mock::pair::<Request<Body>, Response<Body>>();
    let client = Client::new(service, "netobserv");
    let server = async {
        while let Some((request, reply)) = requests.next_request().await {
            let path = request.uri().path();
            let answer = answer(path).filter(|_| path != failing);
            let code = match &answer {
                Some(_) => StatusCode::OK,
                None if path == failing => status,
                None => StatusCode::NOT_FOUND,
            };
            let body = answer.unwrap_or_else(|| {
                json!({"kind": "Status", "apiVersion": "v1", "status": "Failure", "code": code.as_u16(),
                    "reason": code.canonical_reason().unwrap().replace(' ', ""), "message": "no"})
            });
            let body = match code {
                // As the API server says it of an API that it does not serve.
                StatusCode::NOT_FOUND => b"404 page not found\n".to_vec(),
                _ => serde_json::to_vec(&body).unwrap(),
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
