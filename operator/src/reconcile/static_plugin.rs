//! The plugin of OpenShift's console that is there without a FlowCollector: it goes with the operator's own Deployment,
//! which is asked for until it is known.

use k8s_openapi::apimachinery::pkg::apis::meta::v1::OwnerReference;
use kube::Client;

use super::Settings;
use crate::apis::flowcollector::v1beta2::status::ComponentState;
use crate::cluster::Facts;
use crate::deployment;
use crate::desired::{self, Component, Desired, Problem, StaticInputs};
use crate::object::ObjectError;
use crate::refusal;

/// Makes it.
pub struct StaticPlugin {
    client: Client,
    owner: Option<OwnerReference>,
}

impl StaticPlugin {
    /// Nobody was asked yet.
    pub fn new(client: Client) -> Self {
        Self {
            client,
            owner: None,
        }
    }

    /// Its objects; none on a cluster without OpenShift's console. While it is not known whether there is an owner, they
    /// stay as they are.
    pub async fn desired(
        &mut self,
        facts: &Facts,
        settings: &Settings,
    ) -> Result<Desired, ObjectError> {
        let mut problem = None;
        if facts.is_openshift() && self.owner.is_none() {
            // None of a manager that runs elsewhere.
            match deployment::owner(&self.client, &settings.namespace).await {
                Ok(owner) => self.owner = owner,
                Err(error) => problem = Some(error),
            }
        }
        let desired = desired::static_plugin(&StaticInputs {
            facts,
            images: &settings.images,
            namespace: &settings.namespace,
            owner: self.owner.clone(),
        })?;
        Ok(match problem {
            None => desired,
            Some(error) => as_it_is(&desired, &error),
        })
    }
}

/// Changes nothing of what there may be.
fn as_it_is(desired: &Desired, error: &kube::Error) -> Desired {
    let keep = desired.items.iter().map(|item| item.object.key().clone());
    Desired {
        keep: keep.collect(),
        problems: vec![Problem {
            component: Component::StaticPlugin,
            state: ComponentState::Degraded,
            reason: "StaticPluginError",
            message: format!(
                "the operator's own Deployment cannot be read: {}",
                refusal::words(error)
            ),
        }],
        ..Desired::default()
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, reason = "tests")]
    use std::collections::{BTreeSet, VecDeque};
    use std::sync::{Arc, Mutex};

    use axum::body::Body as Answer;
    use hyper::{Request, Response, StatusCode};
    use kube::client::Body;
    use serde_json::{Value, json};
    use tower::BoxError;

    use super::*;
    use crate::cluster::SECURITY_CONTEXT_CONSTRAINTS;
    use crate::desired::{ConsoleImages, Images};

    /// An API server that gives these answers, one after the other.
    fn server(answers: &[(StatusCode, Value)]) -> Client {
        let answers = Arc::new(Mutex::new(VecDeque::from(answers.to_vec())));
        let service = tower::service_fn(move |_: Request<Body>| {
            let (status, body) = answers.lock().unwrap().pop_front().unwrap();
            let mut answer = Response::new(Answer::from(body.to_string()));
            *answer.status_mut() = status;
            std::future::ready(Ok::<_, BoxError>(answer))
        });
        Client::new(service, "default")
    }

    fn failure(code: u16) -> (StatusCode, Value) {
        let body = json!({"kind": "Status", "apiVersion": "v1", "metadata": {}, "status": "Failure", "code": code,
            "reason": if code == 404 { "NotFound" } else { "InternalError" }, "message": "m"});
        (StatusCode::from_u16(code).unwrap(), body)
    }

    #[tokio::test]
    async fn while_the_owner_cannot_be_read_all_stays_as_it_is() {
        let facts = Facts {
            apis: BTreeSet::from([
                SECURITY_CONTEXT_CONSTRAINTS.to_owned(),
                "consoleplugins.console.openshift.io/v1".to_owned(),
            ]),
            openshift_version: Some("4.19.0".to_owned()),
            ..Facts::default()
        };
        let settings = Settings {
            images: Images {
                agent: "i/a".to_owned(),
                pipeline: "i/p".to_owned(),
                console: ConsoleImages::parse("i/c").unwrap(),
                demo_loki: "i/l".to_owned(),
                bytecode: "i/b".to_owned(),
            },
            is_downstream: false,
            namespace: "netobserv".to_owned(),
        };
        let deployment = json!({"apiVersion": "meta.k8s.io/v1", "kind": "PartialObjectMetadata",
            "metadata": {"name": "netobserv-controller-manager", "uid": "u"}});
        let found = (StatusCode::OK, deployment);
        let mut plugin = StaticPlugin::new(server(&[failure(500), failure(404), found]));

        let unknown = plugin.desired(&facts, &settings).await.unwrap();
        assert!(unknown.items.is_empty() && unknown.registrations.is_empty());
        assert!(!unknown.keep.is_empty());
        assert_eq!(unknown.problems[0].state, ComponentState::Degraded);
        for owners in [0, 1, 1] {
            let desired = plugin.desired(&facts, &settings).await.unwrap();
            assert_eq!(desired.items.len(), unknown.keep.len());
            assert!(desired.problems.is_empty());
            // What belongs to no namespace is owned by nothing in one.
            let items = desired.items.iter();
            for item in items.filter(|item| item.object.key().namespace.is_some()) {
                let found = &item.object.body()["metadata"]["ownerReferences"];
                let count = found.as_array().map_or(0, Vec::len);
                assert_eq!(count, owners, "{}", item.object.key());
            }
        }
    }
}
