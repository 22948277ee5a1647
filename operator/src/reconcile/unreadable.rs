//! Telling users that their FlowCollector cannot be understood, so that nothing is changed until it can.

use k8s_openapi::apimachinery::pkg::apis::meta::v1::{Condition, Time};
use kube::api::{Api, PostParams};
use kube::core::{ApiResource, DynamicObject};
use kube::{Client, ResourceExt as _};
use serde_json::json;

use super::Next;
use super::write_status::now;
use crate::apis::flowcollector::FlowCollector;
use crate::object::Invalid;

/// Tells of each FlowCollector once in each generation.
pub struct Unreadable {
    client: Client,
    /// What its status says already: of which one, in which generation.
    told: Option<(Option<String>, Option<i64>)>,
}

impl Unreadable {
    /// Nobody was told yet.
    pub fn new(client: Client) -> Self {
        Self { client, told: None }
    }

    /// One run for a FlowCollector that cannot be read.
    pub async fn run(&mut self, invalid: &Invalid) -> Next {
        let said = (invalid.metadata.uid.clone(), invalid.metadata.generation);
        if self.told.as_ref() != Some(&said) && !tell(&self.client, invalid).await {
            return Next::Error;
        }
        self.told = Some(said);
        // Only another edit can make it better.
        Next::Change
    }
}

/// Writes why into the status, and says whether that was possible; if not, why is in the log.
async fn tell(client: &Client, invalid: &Invalid) -> bool {
    let name = invalid.metadata.name.as_deref().unwrap_or_default();
    let condition = Condition {
        type_: "Ready".to_owned(),
        status: "False".to_owned(),
        reason: "InvalidConfiguration".to_owned(),
        message: format!(
            "this FlowCollector cannot be read, so nothing is changed until it is corrected: {}",
            invalid.error
        ),
        observed_generation: invalid.metadata.generation,
        last_transition_time: Time(now()),
    };
    let resource = ApiResource::erase::<FlowCollector>(&());
    let mut object = DynamicObject::new(name, &resource);
    object.metadata.resource_version = invalid.metadata.resource_version.clone();
    // The API server takes nothing but the status of it.
    object.data = json!({"status": {"conditions": [condition]}});
    let api: Api<DynamicObject> = Api::all_with(client.clone(), &resource);
    let written = api
        .replace_status(&object.name_any(), &PostParams::default(), &object)
        .await;
    if let Err(error) = &written {
        tracing::warn!(name, %error, "cannot write a status");
    }
    written.is_ok()
}
