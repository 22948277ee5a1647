//! The OLM bundle: the ClusterServiceVersion, made of its base in `config/csv/` and of the objects, and the objects that
//! OLM does not make of it by itself.

use std::fs;
use std::path::{Path, PathBuf};

use anyhow::Context as _;
use serde_json::{Value, json};

use crate::descriptors::{self, Rules};
use crate::emit::yaml;
use crate::{Files, named};

/// Namespace of the overlays.
const NAMESPACE: &str = "netobserv";
/// Where OpenShift suggests to install. Only what names its own namespace needs to know.
const SUGGESTED: &str = "openshift-netobserv-operator";

/// Objects that OLM makes of the ClusterServiceVersion.
const MADE_BY_OLM: [(&str, &str); 7] = [
    ("Namespace", "netobserv"),
    ("ServiceAccount", "netobserv-controller-manager"),
    ("ClusterRoleBinding", "netobserv-manager-rolebinding"),
    ("RoleBinding", "netobserv-leader-election-rolebinding"),
    ("Deployment", DEPLOYMENT),
    ("Service", "netobserv-webhook-service"),
    ("ValidatingWebhookConfiguration", WEBHOOKS),
];
const WEBHOOKS: &str = "netobserv-validating-webhook-configuration";
/// Asks OpenShift's service CA to write its own authority into an object.
const INJECT: &str = "service.beta.openshift.io/inject-cabundle";
/// Roles whose rules stand in the ClusterServiceVersion.
const CLUSTER_PERMISSIONS: &str = "netobserv-manager-role";
const PERMISSIONS: &str = "netobserv-leader-election-role";
const DEPLOYMENT: &str = "netobserv-controller-manager";

/// Samples shown for each kind.
const EXAMPLES: [&str; 3] = [
    "flows_v1beta2_flowcollector.yaml",
    "flows_v1alpha1_flowmetric.yaml",
    "flows_v1alpha1_flowcollectorslice.yaml",
];

/// What stands in files.
pub struct Sources {
    base: Value,
    description: String,
    rules: Rules,
    examples: Vec<Value>,
    annotations: String,
    dockerfile: String,
}

impl Sources {
    /// Reads them.
    pub fn read(config: &Path) -> anyhow::Result<Self> {
        let text = |path: &str| {
            let path = config.join(path);
            fs::read_to_string(&path).with_context(|| format!("read {}", path.display()))
        };
        let examples = EXAMPLES
            .iter()
            .map(|name| Ok(serde_saphyr::from_str(&text(&format!("samples/{name}"))?)?));
        Ok(Self {
            base: serde_saphyr::from_str(&text("csv/base.yaml")?)?,
            description: text("csv/description.md")?,
            rules: serde_saphyr::from_str(&text("csv/descriptors.yaml")?)?,
            examples: examples.collect::<anyhow::Result<_>>()?,
            annotations: text("csv/annotations.yaml")?,
            dockerfile: text("csv/Dockerfile")?,
        })
    }
}

/// What only a release knows, but for the version.
pub struct Release<'a> {
    pub version: &'a str,
    /// Address of the project's repository.
    pub repository: Option<&'a str>,
    /// Time of the commit.
    pub created: Option<&'a str>,
}

/// The whole bundle.
pub fn files(objects: &[Value], sources: &Sources, release: &Release) -> anyhow::Result<Files> {
    let mut files = Files::from([
        (
            PathBuf::from("metadata/annotations.yaml"),
            sources.annotations.clone(),
        ),
        (PathBuf::from("Dockerfile"), sources.dockerfile.clone()),
    ]);
    let manifests = Path::new("manifests");
    let csv = csv(objects, sources, release)?;
    files.insert(
        manifests.join("netobserv-operator.clusterserviceversion.yaml"),
        yaml(&csv),
    );
    for object in objects {
        let (kind, name) = named(object)?;
        let is_role = matches!(kind, "ClusterRole" | "Role");
        let is_in_csv = is_role && [CLUSTER_PERMISSIONS, PERMISSIONS].contains(&name);
        if is_in_csv || MADE_BY_OLM.contains(&(kind, name)) {
            continue;
        }
        let file = format!("{name}_{}.yaml", kind.to_lowercase());
        files.insert(manifests.join(file), yaml(&relocated(object)));
    }
    Ok(files)
}

/// OLM chooses the namespace.
fn relocated(object: &Value) -> Value {
    let mut object = object.clone();
    if object["metadata"]["namespace"] == NAMESPACE
        && let Some(metadata) = object["metadata"].as_object_mut()
    {
        metadata.remove("namespace");
    }
    if object["kind"] == "CustomResourceDefinition" {
        // OLM fills it in, as the webhook definitions say, with an authority of its own: another must not replace it.
        if let Some(spec) = object["spec"].as_object_mut() {
            spec.remove("conversion");
        }
        if let Some(metadata) = object["metadata"].as_object_mut()
            && let Some(annotations) = metadata.get_mut("annotations")
            && let Some(annotations) = annotations.as_object_mut()
            && annotations.remove(INJECT).is_some()
            && annotations.is_empty()
        {
            metadata.remove("annotations");
        }
    }
    if object["kind"] == "ServiceMonitor" {
        let server = &mut object["spec"]["endpoints"][0]["tlsConfig"]["serverName"];
        let name = server.as_str().unwrap_or_default();
        *server = name
            .replace(&format!(".{NAMESPACE}."), &format!(".{SUGGESTED}."))
            .into();
    }
    object
}

fn csv(objects: &[Value], sources: &Sources, release: &Release) -> anyhow::Result<Value> {
    let find = |kind: &str, name: &str| {
        objects
            .iter()
            .find(|object| object["kind"] == kind && object["metadata"]["name"] == name)
            .with_context(|| format!("the overlay has the {kind} {name}"))
    };
    let deployment = find("Deployment", DEPLOYMENT)?;
    let container = &deployment["spec"]["template"]["spec"]["containers"][0];
    let account = &deployment["spec"]["template"]["spec"]["serviceAccountName"];
    let permission =
        |role: &Value| json!([{"serviceAccountName": account, "rules": role["rules"]}]);

    let mut csv = sources.base.clone();
    let version = release.version;
    csv["metadata"]["name"] = format!("netobserv-operator.v{version}").into();
    let annotations = &mut csv["metadata"]["annotations"];
    annotations["alm-examples"] = serde_json::to_string_pretty(&sources.examples)?.into();
    annotations["operatorframework.io/initialization-resource"] =
        serde_json::to_string(&sources.examples[0])?.into();
    annotations["containerImage"] = container["image"].clone();
    if let Some(created) = release.created {
        annotations["createdAt"] = created.into();
    }
    if let Some(repository) = release.repository {
        annotations["repository"] = repository.into();
    }
    let spec = &mut csv["spec"];
    if let Some(repository) = release.repository {
        spec["provider"]["url"] = repository.into();
        spec["links"] = json!([{"name": "Source", "url": repository}]);
    }
    spec["version"] = version.into();
    spec["description"] = sources.description.clone().into();
    spec["install"] = json!({"strategy": "deployment", "spec": {
        "clusterPermissions": permission(find("ClusterRole", CLUSTER_PERMISSIONS)?),
        "permissions": permission(find("Role", PERMISSIONS)?),
        "deployments": [{
            "name": DEPLOYMENT,
            "label": deployment["metadata"]["labels"],
            "spec": without_certificates(&deployment["spec"]),
        }],
    }});
    spec["relatedImages"] = related_images(container);
    let webhooks = find("ValidatingWebhookConfiguration", WEBHOOKS)?;
    spec["webhookdefinitions"] = webhook_definitions(webhooks);
    let definitions = objects
        .iter()
        .filter(|object| object["kind"] == "CustomResourceDefinition");
    let owned: Vec<Value> = definitions
        .map(|definition| descriptors::owned(definition, &sources.rules))
        .collect::<anyhow::Result<_>>()?;
    spec["customresourcedefinitions"] = json!({"owned": owned});
    Ok(csv)
}

/// OLM mounts the webhooks' certificate by itself.
fn without_certificates(deployment: &Value) -> Value {
    let mut deployment = deployment.clone();
    let pod = &mut deployment["template"]["spec"];
    let is_webhooks = |volume: &Value| volume["name"] == "webhook-certificate";
    for list in ["/volumes", "/containers/0/volumeMounts"] {
        if let Some(list) = pod.pointer_mut(list).and_then(Value::as_array_mut) {
            list.retain(|volume| !is_webhooks(volume));
        }
    }
    deployment
}

/// Images that the manager is told of, under the names of their variables.
fn related_images(container: &Value) -> Value {
    let variables = container["env"].as_array().into_iter().flatten();
    variables
        .filter_map(|variable| {
            let name = variable["name"].as_str()?.strip_prefix("RELATED_IMAGE_")?;
            let name = name.to_lowercase().replace('_', "-");
            Some(json!({"name": name, "image": variable["value"]}))
        })
        .collect()
}

fn webhook_definitions(configuration: &Value) -> Value {
    let mut definitions: Vec<Value> = configuration["webhooks"]
        .as_array()
        .into_iter()
        .flatten()
        .map(|webhook| {
            json!({
                "type": "ValidatingAdmissionWebhook",
                "generateName": webhook["name"],
                "admissionReviewVersions": webhook["admissionReviewVersions"],
                "failurePolicy": webhook["failurePolicy"],
                "sideEffects": webhook["sideEffects"],
                "rules": webhook["rules"],
                "webhookPath": webhook["clientConfig"]["service"]["path"],
            })
        })
        .collect();
    definitions.push(json!({
        "type": "ConversionWebhook",
        "generateName": "cflowcollectors.netobserv.io",
        "admissionReviewVersions": ["v1"],
        "sideEffects": "None",
        "conversionCRDs": ["flowcollectors.flows.netobserv.io"],
        "webhookPath": "/convert",
    }));
    for definition in &mut definitions {
        definition["deploymentName"] = DEPLOYMENT.into();
        definition["containerPort"] = 443.into();
        definition["targetPort"] = 9443.into();
    }
    definitions.into()
}
