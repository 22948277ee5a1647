#![allow(clippy::unwrap_used, reason = "tests")]
use axum::http::{Request, Response, StatusCode};
use kube::Client;
use kube::client::Body;
use serde_json::{Value, json};
use tower_test::mock;

use super::{Facts, FactsError, NetworkPlugin, discover};

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
            let mut response = Response::new(Body::from(serde_json::to_vec(&body).unwrap()));
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
