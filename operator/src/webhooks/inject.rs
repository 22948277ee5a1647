//! Telling the API server where our webhooks are and whom to trust: in the conversion of our definition and in the
//! configuration of our admission webhooks.

use std::sync::{Mutex, MutexGuard, PoisonError};

use k8s_openapi::ByteString;
use k8s_openapi::api::admissionregistration::v1::ValidatingWebhookConfiguration;
use k8s_openapi::apiextensions_apiserver::pkg::apis::apiextensions::v1::CustomResourceDefinition;
use kube::Client;
use kube::api::{Api, Patch, PatchParams};
use serde_json::{Value, json};

use crate::scope::FIELD_MANAGER;
use crate::scope::webhook::{CONFIGURATION, DEFINITION, SERVICE};

/// How the API server reaches us.
#[derive(Debug, Clone)]
pub struct Target {
    namespace: String,
    url: Option<String>,
}

impl Target {
    /// By the Service in that namespace, or by a URL.
    pub fn new(namespace: &str, url: Option<&str>) -> Self {
        Self {
            namespace: namespace.to_owned(),
            url: url.map(|url| url.trim_end_matches('/').to_owned()),
        }
    }

    /// Names that the certificate must have.
    pub fn names(&self) -> Vec<String> {
        let service = format!("{SERVICE}.{}.svc", self.namespace);
        let mut names = vec![service.clone(), format!("{service}.cluster.local")];
        let host = self.url.as_deref().and_then(|url| {
            let authority = url.strip_prefix("https://")?.split('/').next()?;
            Some(
                authority
                    .rsplit_once(':')
                    .map_or(authority, |(host, _)| host),
            )
        });
        names.extend(host.map(|host| host.trim_matches(['[', ']']).to_owned()));
        names
    }

    fn client_config(&self, path: &str, authorities: &str) -> Value {
        let bundle = ByteString(authorities.as_bytes().to_vec());
        match &self.url {
            Some(url) => json!({"url": format!("{url}{path}"), "caBundle": bundle}),
            None => json!({
                "service": {"name": SERVICE, "namespace": self.namespace, "path": path, "port": 443},
                "caBundle": bundle,
            }),
        }
    }
}

/// Tells it, again where that is gone.
pub struct Injector {
    client: Client,
    target: Target,
    /// The definition when all was right in it.
    right: Mutex<Option<Right>>,
}

/// Which version of an object says whom to trust, and whom.
#[derive(PartialEq)]
struct Right {
    version: Option<String>,
    authorities: String,
}

impl Injector {
    /// Nobody was told yet.
    pub fn new(client: Client, target: Target) -> Self {
        Self {
            client,
            target,
            right: Mutex::new(None),
        }
    }

    /// Writes it where it is not there yet.
    pub async fn inject(&self, authorities: &str) -> Result<(), kube::Error> {
        self.tell_definition(authorities).await?;
        into_configuration(&self.client, &self.target, authorities).await
    }

    /// The definition is large, so it is read whole only if it is another than the last time all was right.
    async fn tell_definition(&self, authorities: &str) -> Result<(), kube::Error> {
        let api: Api<CustomResourceDefinition> = Api::all(self.client.clone());
        let Some(head) = api.get_metadata_opt(DEFINITION).await? else {
            return Ok(());
        };
        let right = Some(Right {
            version: head.metadata.resource_version,
            authorities: authorities.to_owned(),
        });
        if *self.right() == right {
            return Ok(());
        }
        let Some(definition) = api.get_opt(DEFINITION).await? else {
            return Ok(());
        };
        let version = definition.metadata.resource_version.clone();
        if !write_into(&api, definition, &self.target, authorities).await? {
            *self.right() = right.map(|right| Right { version, ..right });
        }
        Ok(())
    }

    fn right(&self) -> MutexGuard<'_, Option<Right>> {
        self.right.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Whether it was not right and had to be written.
async fn write_into(
    api: &Api<CustomResourceDefinition>,
    definition: CustomResourceDefinition,
    target: &Target,
    authorities: &str,
) -> Result<bool, kube::Error> {
    let wanted = target.client_config("/convert", authorities);
    let current = definition
        .spec
        .conversion
        .and_then(|conversion| conversion.webhook)
        .and_then(|webhook| webhook.client_config);
    if serde_json::to_value(current).unwrap_or_default() == wanted {
        return Ok(false);
    }
    let conversion = json!({
        "strategy": "Webhook",
        "webhook": {"conversionReviewVersions": ["v1"], "clientConfig": wanted},
    });
    let patch = json!([
        {"op": "add", "path": "/spec/conversion", "value": conversion},
    ]);
    write(api, DEFINITION, patch).await?;
    Ok(true)
}

async fn into_configuration(
    client: &Client,
    target: &Target,
    authorities: &str,
) -> Result<(), kube::Error> {
    let api: Api<ValidatingWebhookConfiguration> = Api::all(client.clone());
    let Some(configuration) = api.get_opt(CONFIGURATION).await? else {
        return Ok(());
    };
    let version = configuration.metadata.resource_version;
    let mut patch =
        vec![json!({"op": "test", "path": "/metadata/resourceVersion", "value": version})];
    for (index, webhook) in configuration.webhooks.iter().flatten().enumerate() {
        let config = &webhook.client_config;
        let by_service = config
            .service
            .as_ref()
            .and_then(|service| service.path.clone());
        let by_url = config.url.as_deref().and_then(|url| {
            let (_, path) = url.strip_prefix("https://")?.split_once('/')?;
            Some(format!("/{path}"))
        });
        let Some(path) = by_service.or(by_url) else {
            continue;
        };
        let wanted = target.client_config(&path, authorities);
        if serde_json::to_value(config).unwrap_or_default() != wanted {
            let place = format!("/webhooks/{index}/clientConfig");
            patch.push(json!({"op": "replace", "path": place, "value": wanted}));
        }
    }
    if patch.len() == 1 {
        return Ok(());
    }
    write(&api, CONFIGURATION, Value::Array(patch)).await
}

async fn write<K>(api: &Api<K>, name: &str, patch: Value) -> Result<(), kube::Error>
where
    K: Clone + serde::de::DeserializeOwned + std::fmt::Debug,
{
    let patch = serde_json::from_value(patch).map_err(kube::Error::SerdeError)?;
    let parameters = PatchParams {
        field_manager: Some(FIELD_MANAGER.to_owned()),
        ..PatchParams::default()
    };
    api.patch(name, &parameters, &Patch::<()>::Json(patch))
        .await?;
    tracing::info!(object = name, "told the API server where the webhooks are");
    Ok(())
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, reason = "tests")]
    use std::sync::Arc;

    use axum::http::{Method, Request, Response, StatusCode};
    use kube::client::Body;
    use tower::BoxError;

    use super::*;

    /// The definition on a server, and what was asked about it since it was last looked at.
    #[derive(Default)]
    struct Server {
        version: u32,
        config: Value,
        asked: Vec<&'static str>,
    }

    fn client(server: &Arc<Mutex<Server>>) -> Client {
        let server = server.clone();
        let service = tower::service_fn(move |request: Request<Body>| {
            let mut server = server.lock().unwrap();
            let is_definition = request.uri().path().ends_with(DEFINITION);
            let accepts = request.headers().get("accept");
            let is_head = accepts
                .is_some_and(|kind| kind.to_str().unwrap().contains("PartialObjectMetadata"));
            let code = if is_definition {
                StatusCode::OK
            } else {
                StatusCode::NOT_FOUND
            };
            if is_definition {
                server.asked.push(match (request.method(), is_head) {
                    (&Method::PATCH, _) => "write",
                    (_, true) => "head",
                    (_, false) => "whole",
                });
            }
            let metadata =
                json!({"name": DEFINITION, "resourceVersion": server.version.to_string()});
            let answer = if is_head || !is_definition {
                json!({"kind": "Status", "apiVersion": "v1", "metadata": metadata, "code": code.as_u16(),
                    "status": "Failure", "message": "no", "reason": "NotFound"})
            } else {
                let conversion = json!({"strategy": "Webhook", "webhook": {"conversionReviewVersions": ["v1"],
                    "clientConfig": server.config}});
                json!({"metadata": metadata, "spec": {"group": "g", "names": {"kind": "K", "plural": "ks"},
                    "scope": "Cluster", "versions": [], "conversion": conversion}})
            };
            let mut answer = Response::new(Body::from(answer.to_string().into_bytes()));
            *answer.status_mut() = code;
            std::future::ready(Ok::<_, BoxError>(answer))
        });
        Client::new(service, "n")
    }

    #[tokio::test]
    async fn the_definition_is_read_whole_only_if_it_or_whom_to_trust_is_another() {
        let server = Arc::new(Mutex::new(Server::default()));
        let target = Target::new("ns", None);
        let injector = Injector::new(client(&server), target.clone());
        for (name, version, there, authorities, expected) in [
            ("at first", 1, "a", "a", vec!["head", "whole"]),
            ("unchanged", 1, "a", "a", vec!["head"]),
            ("changed", 2, "a", "a", vec!["head", "whole"]),
            ("unchanged since", 2, "a", "a", vec!["head"]),
            ("others", 2, "a", "b", vec!["head", "whole", "write"]),
            ("after the write", 3, "b", "b", vec!["head", "whole"]),
            ("right again", 3, "b", "b", vec!["head"]),
        ] {
            {
                let mut server = server.lock().unwrap();
                server.version = version;
                server.config = target.client_config("/convert", there);
            }
            injector.inject(authorities).await.unwrap();
            let asked = std::mem::take(&mut server.lock().unwrap().asked);
            assert_eq!(asked, expected, "{name}");
        }
    }

    #[test]
    fn the_certificate_is_for_the_service_and_for_the_url() {
        let service = [
            "netobserv-webhook-service.ns.svc",
            "netobserv-webhook-service.ns.svc.cluster.local",
        ];
        for (url, more) in [
            (None, None),
            (Some("https://127.0.0.1:9443"), Some("127.0.0.1")),
            (Some("https://[::1]:9443/"), Some("::1")),
            (Some("https://host"), Some("host")),
        ] {
            let mut expected: Vec<String> = service.map(str::to_owned).to_vec();
            expected.extend(more.map(str::to_owned));
            assert_eq!(Target::new("ns", url).names(), expected, "{url:?}");
        }
    }
}
