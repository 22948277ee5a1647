//! Kinds of the Prometheus operator.

use std::collections::BTreeMap;

use k8s_openapi::api::core::v1::{ConfigMapKeySelector, SecretKeySelector};
use k8s_openapi::apimachinery::pkg::apis::meta::v1::{LabelSelector, ObjectMeta};
use serde::Serialize;
use serde_with::skip_serializing_none;

use crate::apis::resource::resource_kind;

/// Says which Services Prometheus scrapes and how.
#[derive(Debug, Clone, Default, PartialEq, Serialize)]
pub struct ServiceMonitor {
    /// Name, namespace, labels.
    pub metadata: ObjectMeta,
    /// What is scraped.
    pub spec: ServiceMonitorSpec,
}

resource_kind!(
    ServiceMonitor,
    "monitoring.coreos.com",
    "v1",
    "servicemonitors",
    NamespaceResourceScope
);

/// What is scraped.
#[skip_serializing_none]
#[derive(Debug, Clone, Default, PartialEq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct ServiceMonitorSpec {
    /// How Prometheus finds the pods behind the Services, such as `EndpointSlice`.
    pub service_discovery_role: Option<&'static str>,
    /// Ports of the Services.
    pub endpoints: Vec<Endpoint>,
    /// Where the Services are.
    pub namespace_selector: NamespaceSelector,
    /// Which Services.
    pub selector: LabelSelector,
}

/// Namespaces by name.
#[derive(Debug, Clone, Default, PartialEq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct NamespaceSelector {
    /// Their names.
    pub match_names: Vec<String>,
}

/// One scraped port.
#[skip_serializing_none]
#[derive(Debug, Clone, Default, PartialEq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Endpoint {
    /// Name of the Service's port.
    pub port: String,
    /// Time between two scrapes.
    pub interval: String,
    /// `http` or `https`.
    pub scheme: String,
    /// Labels of the metrics win over those of the target.
    pub honor_labels: Option<bool>,
    /// How the certificate is checked.
    pub tls_config: Option<TlsConfig>,
    /// Changes to labels of the metrics.
    pub metric_relabelings: Option<Vec<Relabeling>>,
}

/// How the certificate of a target is checked.
#[skip_serializing_none]
#[derive(Debug, Clone, Default, PartialEq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct TlsConfig {
    /// Name the certificate must be for.
    pub server_name: String,
    /// Does not check it.
    pub insecure_skip_verify: Option<bool>,
    /// Who must have signed it.
    pub ca: Option<CertificateAuthority>,
    /// The same, as a file that Prometheus has.
    pub ca_file: Option<&'static str>,
    /// Certificate of Prometheus.
    pub cert: Option<CertificateAuthority>,
    /// Key of that certificate.
    pub key_secret: Option<SecretKeySelector>,
}

/// A certificate, such as that of an authority, in a ConfigMap or a Secret.
#[skip_serializing_none]
#[derive(Debug, Clone, Default, PartialEq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct CertificateAuthority {
    /// In a ConfigMap.
    pub config_map: Option<ConfigMapKeySelector>,
    /// In a Secret.
    pub secret: Option<SecretKeySelector>,
}

/// One change to the labels of a metric.
#[derive(Debug, Clone, Default, PartialEq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Relabeling {
    /// What is done, such as `replace`.
    pub action: String,
    /// Between the joined values of the source labels.
    pub separator: String,
    /// Labels whose values are joined.
    pub source_labels: Vec<String>,
    /// Must match the joined values.
    pub regex: String,
    /// What is written.
    pub replacement: String,
    /// Label it is written to.
    pub target_label: String,
}

/// Alerts and recorded series.
#[derive(Debug, Clone, Default, PartialEq, Serialize)]
pub struct PrometheusRule {
    /// Name, namespace, labels.
    pub metadata: ObjectMeta,
    /// The rules.
    pub spec: PrometheusRuleSpec,
}

resource_kind!(
    PrometheusRule,
    "monitoring.coreos.com",
    "v1",
    "prometheusrules",
    NamespaceResourceScope
);

/// Rules in groups.
#[derive(Debug, Clone, Default, PartialEq, Serialize)]
pub struct PrometheusRuleSpec {
    /// Evaluated one after the other.
    pub groups: Vec<RuleGroup>,
}

/// Rules that are evaluated together.
#[derive(Debug, Clone, Default, PartialEq, Serialize)]
pub struct RuleGroup {
    /// Name, unique in the object.
    pub name: String,
    /// The rules, in order.
    pub rules: Vec<Rule>,
}

/// One alert or one recorded series.
#[skip_serializing_none]
#[derive(Debug, Clone, Default, PartialEq, Serialize)]
pub struct Rule {
    /// Name of the alert.
    pub alert: Option<String>,
    /// Name of the recorded series.
    pub record: Option<String>,
    /// An alert fires where this has a value; of a recorded series it is the value.
    pub expr: String,
    /// How long it must have one.
    #[serde(rename = "for")]
    pub during: Option<String>,
    /// Labels of the alert or of the series.
    pub labels: BTreeMap<String, String>,
    /// Texts for the reader; a recorded series has none.
    #[serde(skip_serializing_if = "BTreeMap::is_empty")]
    pub annotations: BTreeMap<String, String>,
}
