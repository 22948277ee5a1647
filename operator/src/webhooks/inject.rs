//! Telling the API server where our webhooks are and whom to trust: in the conversion of our definition and in the
//! configuration of our admission webhooks.

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

/// Writes it where it is not there yet.
pub async fn inject(
    client: &Client,
    target: &Target,
    authorities: &str,
) -> Result<(), kube::Error> {
    into_definition(client, target, authorities).await?;
    into_configuration(client, target, authorities).await
}

async fn into_definition(
    client: &Client,
    target: &Target,
    authorities: &str,
) -> Result<(), kube::Error> {
    let api: Api<CustomResourceDefinition> = Api::all(client.clone());
    let Some(definition) = api.get_opt(DEFINITION).await? else {
        return Ok(());
    };
    let wanted = target.client_config("/convert", authorities);
    let current = definition
        .spec
        .conversion
        .and_then(|conversion| conversion.webhook)
        .and_then(|webhook| webhook.client_config);
    if serde_json::to_value(current).unwrap_or_default() == wanted {
        return Ok(());
    }
    let conversion = json!({
        "strategy": "Webhook",
        "webhook": {"conversionReviewVersions": ["v1"], "clientConfig": wanted},
    });
    let patch = json!([
        {"op": "add", "path": "/spec/conversion", "value": conversion},
    ]);
    write(&api, DEFINITION, patch).await
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
    use super::Target;

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
