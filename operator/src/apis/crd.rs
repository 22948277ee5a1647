//! The CustomResourceDefinitions, made from the types.

use k8s_openapi::apiextensions_apiserver::pkg::apis::apiextensions::v1::{
    CustomResourceColumnDefinition, CustomResourceConversion, CustomResourceDefinition,
    CustomResourceDefinitionNames, CustomResourceDefinitionSpec, CustomResourceDefinitionVersion,
    CustomResourceSubresourceStatus, CustomResourceSubresources, CustomResourceValidation,
    JSONSchemaProps, ServiceReference, WebhookClientConfig, WebhookConversion,
};
use kube::Resource;
use kube::core::ObjectMeta;
use serde_json::{Value, json};

use super::flowcollector::{v1beta1, v1beta2};
use super::{GROUP, flowcollector, flowcollectorslice, flowmetric, schema};

/// Service in front of the webhooks.
const WEBHOOK_SERVICE: &str = "netobserv-webhook-service";
/// Namespace the operator is installed in unless told otherwise.
const INSTALL_NAMESPACE: &str = "netobserv";

/// JSON path of the reason of a condition.
macro_rules! condition {
    ($kind:literal, $field:literal) => {
        concat!(".status.conditions[?(@.type==\"", $kind, "\")].", $field)
    };
}

/// Name and JSON path of a column of `kubectl get`; all are texts.
type Column = (&'static str, &'static str);

const FLOWCOLLECTOR_V1BETA2_COLUMNS: [Column; 7] = [
    ("Agent", ".status.components.agent.state"),
    ("Processor", ".status.components.processor.state"),
    ("Plugin", ".status.components.plugin.state"),
    ("Sampling", ".spec.agent.ebpf.sampling"),
    ("Deployment Model", ".spec.deploymentModel"),
    ("Status", condition!("Ready", "reason")),
    ("Warnings", condition!("ConfigurationIssue", "message")),
];

const FLOWCOLLECTOR_V1BETA1_COLUMNS: [Column; 4] = [
    ("Agent", ".spec.agent.type"),
    ("Sampling (EBPF)", ".spec.agent.ebpf.sampling"),
    ("Deployment Model", ".spec.deploymentModel"),
    ("Status", condition!("Ready", "reason")),
];

const FLOWMETRIC_COLUMNS: [Column; 3] = [
    ("Metric Name", ".status.prometheusName"),
    ("Status", condition!("Ready", "reason")),
    ("Cardinality", condition!("CardinalityWarning", "reason")),
];

/// All our CRDs.
pub fn all() -> Result<Vec<CustomResourceDefinition>, serde_json::Error> {
    Ok(vec![flowcollector()?, flowmetric()?, flowcollectorslice()?])
}

/// The CRD of FlowCollector, with every served version.
pub fn flowcollector() -> Result<CustomResourceDefinition, serde_json::Error> {
    const DESCRIPTION: &str = "What the network observability stack consists of. The only object there may be is named `cluster`.";
    let mut current = root(
        DESCRIPTION,
        &schema::structural::<v1beta2::FlowCollectorSpec>(),
        &schema::structural::<v1beta2::status::FlowCollectorStatus>(),
    );
    only_one(&mut current);
    let current = version(v1beta2::VERSION, &FLOWCOLLECTOR_V1BETA2_COLUMNS, current)?;

    let mut deprecated = root(
        DESCRIPTION,
        &v1beta1::spec_schema(),
        &v1beta1::status_schema(),
    );
    only_one(&mut deprecated);
    let deprecated = CustomResourceDefinitionVersion {
        storage: false,
        deprecated: Some(true),
        deprecation_warning: Some(v1beta1::DEPRECATION.to_owned()),
        ..version(v1beta1::VERSION, &FLOWCOLLECTOR_V1BETA1_COLUMNS, deprecated)?
    };

    let versions = vec![current, deprecated];
    let mut definition = definition::<v1beta2::FlowCollector>("Cluster", versions);
    definition.spec.conversion = Some(conversion());
    Ok(definition)
}

/// How the API server has objects converted. The namespace is that of the default installation; whoever installs
/// elsewhere, and whoever fills in the authority, replaces it.
fn conversion() -> CustomResourceConversion {
    CustomResourceConversion {
        strategy: "Webhook".to_owned(),
        webhook: Some(WebhookConversion {
            conversion_review_versions: vec!["v1".to_owned()],
            client_config: Some(WebhookClientConfig {
                service: Some(ServiceReference {
                    name: WEBHOOK_SERVICE.to_owned(),
                    namespace: INSTALL_NAMESPACE.to_owned(),
                    path: Some("/convert".to_owned()),
                    ..ServiceReference::default()
                }),
                ..WebhookClientConfig::default()
            }),
        }),
    }
}

/// The CRD of FlowMetric.
pub fn flowmetric() -> Result<CustomResourceDefinition, serde_json::Error> {
    let schema = root(
        "A Prometheus metric made of flows. Only those in the FlowCollector's `spec.namespace` count.",
        &schema::structural::<flowmetric::FlowMetricSpec>(),
        &schema::structural::<flowmetric::FlowMetricStatus>(),
    );
    let versions = vec![version(flowmetric::VERSION, &FLOWMETRIC_COLUMNS, schema)?];
    Ok(definition::<flowmetric::FlowMetric>("Namespaced", versions))
}

/// The CRD of FlowCollectorSlice.
pub fn flowcollectorslice() -> Result<CustomResourceDefinition, serde_json::Error> {
    let schema = root(
        "The part of the configuration a namespace may set for itself, if the FlowCollector allows it.",
        &schema::structural::<flowcollectorslice::FlowCollectorSliceSpec>(),
        &schema::structural::<flowcollectorslice::FlowCollectorSliceStatus>(),
    );
    let versions = vec![version(flowcollectorslice::VERSION, &[], schema)?];
    Ok(definition::<flowcollectorslice::FlowCollectorSlice>(
        "Namespaced",
        versions,
    ))
}

/// Schema of a whole object.
fn root(description: &str, spec: &Value, status: &Value) -> Value {
    json!({
        "type": "object",
        "description": description,
        "properties": {
            "apiVersion": { "type": "string", "description": "Version of this object's shape." },
            "kind": { "type": "string", "description": "Kind of this object." },
            "metadata": { "type": "object" },
            "spec": spec,
            "status": status,
        },
    })
}

/// Allows only the one name.
fn only_one(schema: &mut Value) {
    schema["properties"]["metadata"]["properties"]["name"] =
        json!({ "type": "string", "pattern": format!("^{}$", flowcollector::NAME) });
}

fn version(
    name: &str,
    columns: &[Column],
    schema: Value,
) -> Result<CustomResourceDefinitionVersion, serde_json::Error> {
    let columns: Vec<_> = columns
        .iter()
        .map(|(name, json_path)| CustomResourceColumnDefinition {
            name: (*name).to_owned(),
            json_path: (*json_path).to_owned(),
            type_: "string".to_owned(),
            ..CustomResourceColumnDefinition::default()
        })
        .collect();
    Ok(CustomResourceDefinitionVersion {
        name: name.to_owned(),
        served: true,
        storage: true,
        additional_printer_columns: (!columns.is_empty()).then_some(columns),
        schema: Some(CustomResourceValidation {
            open_api_v3_schema: Some(serde_json::from_value::<JSONSchemaProps>(schema)?),
        }),
        subresources: Some(CustomResourceSubresources {
            status: Some(CustomResourceSubresourceStatus(json!({}))),
            ..CustomResourceSubresources::default()
        }),
        ..CustomResourceDefinitionVersion::default()
    })
}

fn definition<K: Resource<DynamicType = ()>>(
    scope: &str,
    versions: Vec<CustomResourceDefinitionVersion>,
) -> CustomResourceDefinition {
    let kind = K::kind(&());
    let plural = K::plural(&());
    CustomResourceDefinition {
        metadata: ObjectMeta {
            name: Some(format!("{plural}.{GROUP}")),
            ..ObjectMeta::default()
        },
        spec: CustomResourceDefinitionSpec {
            group: GROUP.to_owned(),
            names: CustomResourceDefinitionNames {
                kind: kind.clone().into_owned(),
                list_kind: Some(format!("{kind}List")),
                plural: plural.into_owned(),
                singular: Some(kind.to_lowercase()),
                ..CustomResourceDefinitionNames::default()
            },
            scope: scope.to_owned(),
            versions,
            ..CustomResourceDefinitionSpec::default()
        },
        status: None,
    }
}

/// The text of a definition, as it is committed under `contracts/crds/`.
pub fn yaml(definition: &CustomResourceDefinition) -> Result<String, serde_saphyr::ser::Error> {
    serde_saphyr::to_string(definition)
}

/// Name of the file of a definition.
pub fn file_name(definition: &CustomResourceDefinition) -> String {
    format!("{GROUP}_{}.yaml", definition.spec.names.plural)
}

/// The schema of one version of a definition, as JSON.
pub fn schema_of(definition: &CustomResourceDefinition, version: &str) -> Option<Value> {
    let version = definition
        .spec
        .versions
        .iter()
        .find(|v| v.name == version)?;
    let schema = version.schema.as_ref()?.open_api_v3_schema.as_ref()?;
    serde_json::to_value(schema).ok()
}
