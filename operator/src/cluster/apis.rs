//! Which APIs the cluster serves. One that was found once stays found, since its loss would look like another platform:
//! it goes only with its definition. What tells OpenShift from others never goes.

use std::collections::BTreeSet;

use k8s_openapi::apiextensions_apiserver::pkg::apis::apiextensions::v1::CustomResourceDefinition;
use kube::Client;
use kube::api::{Api, ListParams};
use kube::core::discovery::v2::APIGroupDiscoveryList;

use super::SECURITY_CONTEXT_CONSTRAINTS;
use super::discover::{FactsError, PAGE, is_refused};

/// What discovery calls a version whose server did not answer.
const STALE: &str = "Stale";

/// One answer of discovery.
struct Served {
    /// As `plural.group/version`.
    apis: BTreeSet<String>,
    /// As `group/version`: what is said of them may be old or nothing.
    stale: BTreeSet<String>,
}

/// Resources of all groups but the core one, as `plural.group/version`; `known` are those of before.
pub async fn apis(
    client: &Client,
    known: Option<&BTreeSet<String>>,
) -> Result<BTreeSet<String>, FactsError> {
    let answer = client.list_api_groups_aggregated().await;
    let served = Served::read(answer.map_err(FactsError::Apis)?);
    if served.apis.is_empty() {
        return Err(FactsError::NoApis);
    }
    match known {
        None => first(client, served).await,
        Some(known) => Ok(later(client, served, known).await),
    }
}

/// The first time there is nothing to fall back on: whether this is OpenShift must be certain.
async fn first(client: &Client, served: Served) -> Result<BTreeSet<String>, FactsError> {
    if served.apis.contains(SECURITY_CONTEXT_CONSTRAINTS) {
        return Ok(served.apis);
    }
    if served.is_stale(SECURITY_CONTEXT_CONSTRAINTS) {
        return Err(FactsError::Platform);
    }
    match definitions(client).await {
        Ok(definitions) if definitions.contains(resource(SECURITY_CONTEXT_CONSTRAINTS)) => {
            Err(FactsError::Platform)
        }
        Err(source) if !is_refused(&source) => Err(FactsError::Fact {
            fact: "the definitions of kinds",
            source,
        }),
        Ok(_) | Err(_) => Ok(served.apis),
    }
}

/// What is served, and what is known and may be so still.
async fn later(client: &Client, served: Served, known: &BTreeSet<String>) -> BTreeSet<String> {
    let lost: Vec<&String> = known.difference(&served.apis).collect();
    let (mut kept, doubtful): (Vec<_>, Vec<_>) = lost
        .into_iter()
        .partition(|api| *api == SECURITY_CONTEXT_CONSTRAINTS || served.is_stale(api));
    if !doubtful.is_empty() {
        match definitions(client).await {
            Ok(definitions) => kept.extend(
                doubtful
                    .into_iter()
                    .filter(|api| definitions.contains(resource(api))),
            ),
            Err(error) => {
                tracing::warn!(%error, "cannot read the definitions of kinds; all that were known stay");
                kept.extend(doubtful);
            }
        }
    }
    if !kept.is_empty() {
        tracing::warn!(
            apis = ?kept,
            "not served now, but not removed either; taken as still there"
        );
    }
    let kept: BTreeSet<String> = kept.into_iter().cloned().collect();
    served.apis.into_iter().chain(kept).collect()
}

impl Served {
    fn read(list: APIGroupDiscoveryList) -> Self {
        let mut served = Self {
            apis: BTreeSet::new(),
            stale: BTreeSet::new(),
        };
        for item in list.items {
            let group = item.metadata.and_then(|metadata| metadata.name);
            let group = group.unwrap_or_default();
            for version in item.versions {
                let name = version.version.unwrap_or_default();
                let plurals = version.resources.into_iter();
                for plural in plurals.filter_map(|resource| resource.resource) {
                    served.apis.insert(format!("{plural}.{group}/{name}"));
                }
                if version.freshness.as_deref() == Some(STALE) {
                    served.stale.insert(format!("{group}/{name}"));
                }
            }
        }
        served
    }

    /// Whether nothing certain was said of an API's version of its group.
    fn is_stale(&self, api: &str) -> bool {
        let version = api.split_once('.').map_or("", |(_, version)| version);
        self.stale.contains(version)
    }
}

/// `plural.group` of an API, which is also the name of its definition.
fn resource(api: &str) -> &str {
    api.split_once('/').map_or(api, |(resource, _)| resource)
}

/// Names of all definitions of kinds.
async fn definitions(client: &Client) -> Result<BTreeSet<String>, kube::Error> {
    let api: Api<CustomResourceDefinition> = Api::all(client.clone());
    let mut parameters = ListParams::default().limit(PAGE);
    let mut names = BTreeSet::new();
    loop {
        let page = api.list_metadata(&parameters).await?;
        names.extend(page.items.into_iter().filter_map(|item| item.metadata.name));
        match page.metadata.continue_ {
            Some(token) if !token.is_empty() => {
                parameters = parameters.continue_token(&token);
            }
            _ => return Ok(names),
        }
    }
}
