//! The plugin of OpenShift's console that is there without a FlowCollector: it goes with the operator's own Deployment,
//! which is asked for once.

use k8s_openapi::apimachinery::pkg::apis::meta::v1::OwnerReference;
use kube::Client;

use super::Settings;
use crate::cluster::Facts;
use crate::deployment;
use crate::desired::{self, Desired, StaticInputs};
use crate::object::ObjectError;

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

    /// Its objects; none on a cluster without OpenShift's console.
    pub async fn desired(
        &mut self,
        facts: &Facts,
        settings: &Settings,
    ) -> Result<Desired, ObjectError> {
        if facts.is_openshift() && self.owner.is_none() {
            self.owner = self.ask(&settings.namespace).await;
        }
        desired::static_plugin(&StaticInputs {
            facts,
            images: &settings.images,
            namespace: &settings.namespace,
            owner: self.owner.clone(),
        })
    }

    /// None for an operator that runs elsewhere.
    async fn ask(&self, namespace: &str) -> Option<OwnerReference> {
        match deployment::owner(&self.client, namespace).await {
            Ok(owner) => owner,
            Err(error) => {
                tracing::warn!(%error, "cannot read the operator's own Deployment");
                None
            }
        }
    }
}
