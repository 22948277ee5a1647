//! Shapes used by several sections.

use std::collections::BTreeMap;

use k8s_openapi::api::autoscaling::v2::MetricSpec;
use k8s_openapi::api::core::v1::{Affinity, Toleration};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use serde_with::skip_serializing_none;

use crate::apis::text_enum::text_enum;

/// Go's `int`: an integer without a format in the schema.
pub type Int = isize;

text_enum! {
    /// Kind of the object a certificate or a file is read from.
    pub enum ReferenceKind {
        ConfigMap = "configmap",
        Secret = "secret",
    }
}

text_enum! {
    /// When the kubelet pulls an image.
    pub enum PullPolicy {
        IfNotPresent = "IfNotPresent",
        Always = "Always",
        Never = "Never",
    }
}

text_enum! {
    /// Verbosity of a component.
    pub enum LogLevel {
        Trace = "trace",
        Debug = "debug",
        Info = "info",
        Warn = "warn",
        Error = "error",
        Fatal = "fatal",
        Panic = "panic",
    }
}

text_enum! {
    /// SASL mechanism.
    pub enum SaslType {
        Disabled = "Disabled",
        Plain = "Plain",
        ScramSha512 = "ScramSHA512",
    }
}

text_enum! {
    /// Where the certificate of a server comes from.
    #[derive(Default)]
    pub enum ServerTlsType {
        #[default]
        Disabled = "Disabled",
        Provided = "Provided",
        Auto = "Auto",
    }
}

text_enum! {
    /// Whether an autoscaler is deployed.
    pub enum HpaStatus {
        Disabled = "Disabled",
        Enabled = "Enabled",
    }
}

/// A certificate, and its key where one is needed, in a Secret or ConfigMap.
#[skip_serializing_none]
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct CertificateReference {
    /// Kind of the object: `configmap` or `secret`. Everything but `configmap`, absence too, means a Secret.
    #[serde(rename = "type")]
    pub kind: Option<ReferenceKind>,
    /// Name of the object. Empty or absent: the reference is not set.
    pub name: Option<String>,
    /// Namespace of the object; empty (default) means `spec.namespace`. An object of another namespace is copied to where it is needed.
    #[schemars(extend("default" = ""))]
    pub namespace: Option<String>,
    /// Key, in the object, of the PEM certificate.
    pub cert_file: Option<String>,
    /// Key, in the object, of the PEM private key. Only needed where this side proves who it is.
    pub cert_key: Option<String>,
}

/// One file in a Secret or ConfigMap.
#[skip_serializing_none]
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct FileReference {
    /// Kind of the object: `configmap` or `secret`. Everything but `configmap`, absence too, means a Secret.
    #[serde(rename = "type")]
    pub kind: Option<ReferenceKind>,
    /// Name of the object. Empty or absent: the reference is not set.
    pub name: Option<String>,
    /// Namespace of the object; empty (default) means `spec.namespace`. An object of another namespace is copied to where it is needed.
    #[schemars(extend("default" = ""))]
    pub namespace: Option<String>,
    /// Key of the file in the object.
    pub file: Option<String>,
}

/// TLS of a connection that one of our components opens.
#[skip_serializing_none]
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct ClientTls {
    /// Speak TLS. Default: false.
    #[schemars(extend("default" = false))]
    pub enable: Option<bool>,
    /// Accept any certificate of the server; `caCert` is then ignored. Default: false.
    #[schemars(extend("default" = false))]
    pub insecure_skip_verify: Option<bool>,
    /// Certificate authority that must have signed the server's certificate.
    pub ca_cert: Option<CertificateReference>,
    /// Certificate and key shown to the server (mutual TLS): to Kafka, to OpenTelemetry receivers and for Loki's status. Elsewhere it is not used. Leave out for plain TLS.
    pub user_cert: Option<CertificateReference>,
}

/// Authentication by SASL.
#[skip_serializing_none]
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct Sasl {
    /// Mechanism: `Disabled` (default), `Plain` or `ScramSHA512`.
    #[serde(rename = "type")]
    #[schemars(extend("default" = "Disabled"))]
    pub kind: Option<SaslType>,
    /// File holding the user name.
    #[serde(rename = "clientIDReference")]
    pub client_id_reference: Option<FileReference>,
    /// File holding the password.
    pub client_secret_reference: Option<FileReference>,
}

/// TLS of an endpoint that one of our components serves.
#[skip_serializing_none]
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct ServerTls {
    /// Source of the certificate: `Disabled` (default; plain text), `Provided` (named in `provided`) or `Auto` (made by the cluster or by the operator).
    #[serde(rename = "type")]
    #[schemars(extend("default" = "Disabled"))]
    pub kind: ServerTlsType,
    /// Certificate and key to serve, when `type` is `Provided`.
    pub provided: Option<CertificateReference>,
    /// Tell Prometheus not to check the certificate. Default: false.
    #[schemars(extend("default" = false))]
    pub insecure_skip_verify: Option<bool>,
    /// Certificate authority for Prometheus, when `type` is `Provided`.
    pub provided_ca_file: Option<FileReference>,
}

/// Endpoint Prometheus scrapes.
#[skip_serializing_none]
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct MetricsServer {
    /// TCP port. Absent: 9400 for the agent, 9401 for the processor.
    #[schemars(range(min = 1, max = 65535))]
    pub port: Option<i32>,
    /// TLS of the endpoint. Absent: plain text.
    pub tls: Option<ServerTls>,
}

/// Which nodes pods may run on. Each field set here replaces the built-in value of that field alone.
#[skip_serializing_none]
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct Scheduling {
    /// Labels a node must carry. Absent: none.
    #[schemars(extend("x-kubernetes-map-type" = "atomic"))]
    pub node_selector: Option<BTreeMap<String, String>>,
    /// Taints the pods tolerate. Absent: every taint for agents and for the processor of the Direct model, none elsewhere.
    pub tolerations: Option<Vec<Toleration>>,
    /// Affinity and anti-affinity to nodes and pods. Absent: none.
    pub affinity: Option<Affinity>,
    /// Priority class of the pods. Empty or absent: the cluster's default.
    pub priority_class_name: Option<String>,
}

/// Horizontal autoscaler that the operator deploys (deprecated: deploy one yourself and set `unmanagedReplicas`).
#[skip_serializing_none]
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct Hpa {
    /// `Enabled` deploys the autoscaler, `Disabled` (default) does not.
    #[schemars(extend("default" = "Disabled"))]
    pub status: Option<HpaStatus>,
    /// Fewest replicas. Absent: 1, as Kubernetes has it.
    pub min_replicas: Option<i32>,
    /// Most replicas. Default: 3.
    #[schemars(extend("default" = 3))]
    pub max_replicas: Option<i32>,
    /// What to scale on, as in `autoscaling/v2`.
    pub metrics: Option<Vec<MetricSpec>>,
}
