//! `spec.loki`: where flows are kept.

use std::collections::BTreeMap;

use k8s_openapi::apimachinery::pkg::api::resource::Quantity;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use serde_with::skip_serializing_none;

use super::shared::ClientTls;
use crate::apis::duration::GoDuration;
use crate::apis::text_enum::text_enum;

text_enum! {
    /// Which block of `spec.loki` says where Loki is.
    #[derive(Default)]
    pub enum LokiMode {
        Manual = "Manual",
        LokiStack = "LokiStack",
        #[default]
        Monolithic = "Monolithic",
        Microservices = "Microservices",
        Embedded = "Embedded",
    }
}

text_enum! {
    /// Which token goes to Loki.
    pub enum LokiAuthToken {
        Disabled = "Disabled",
        Host = "Host",
        Forward = "Forward",
    }
}

/// Where flows are kept and queried.
#[skip_serializing_none]
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct Loki {
    /// Keeps flows. Default: true. Without, the console shows what the metrics know.
    #[schemars(extend("default" = true))]
    pub enable: Option<bool>,
    /// Which block below applies: `Monolithic` (default), `Microservices`, `LokiStack` (of the Loki operator), `Manual`, or `Embedded` (addition of this implementation: the store built into the console; no Loki is needed).
    #[schemars(extend("default" = "Monolithic"))]
    pub mode: LokiMode,
    /// Every address by hand, for mode `Manual`.
    pub manual: Option<LokiManual>,
    /// Separate write and read addresses, for mode `Microservices`.
    pub microservices: Option<LokiMicroservices>,
    /// One address, for mode `Monolithic`.
    pub monolithic: Option<LokiMonolithic>,
    /// A LokiStack resource, for mode `LokiStack`.
    pub loki_stack: Option<LokiStackReference>,
    /// Addition of this implementation: the built-in store, for mode `Embedded`.
    pub embedded: Option<EmbeddedStore>,
    /// Longest time the console waits for an answer. Default: 30s.
    #[schemars(extend("default" = "30s"))]
    pub read_timeout: Option<GoDuration>,
    /// Longest time one write may take. Default: 10s.
    #[schemars(extend("default" = "10s"))]
    pub write_timeout: Option<GoDuration>,
    /// Longest time flows wait before they are written. Default: 1s.
    #[schemars(extend("default" = "1s"))]
    pub write_batch_wait: Option<GoDuration>,
    /// Most that is written at once, in bytes. Default: 10485760.
    #[schemars(range(min = 1), extend("default" = 10_485_760))]
    pub write_batch_size: Option<i64>,
    /// Settings for debugging and tuning; rarely needed.
    pub advanced: Option<AdvancedLoki>,
}

/// Every address by hand.
#[skip_serializing_none]
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct LokiManual {
    /// URL flows are written to. Default: `http://loki:3100/`.
    #[schemars(extend("default" = "http://loki:3100/"))]
    pub ingester_url: Option<String>,
    /// URL flows are read from. Default: `http://loki:3100/`.
    #[schemars(extend("default" = "http://loki:3100/"))]
    pub querier_url: Option<String>,
    /// URL of `/ready`, `/metrics` and `/config`. Absent: the querier's.
    pub status_url: Option<String>,
    /// Tenant, sent as `X-Scope-OrgID`. Default: `netobserv`.
    #[serde(rename = "tenantID")]
    #[schemars(extend("default" = "netobserv"))]
    pub tenant_id: Option<String>,
    /// Token for reading: `Disabled` (default), `Forward` (the user's) or `Host` (the console's own; deprecated).
    #[schemars(extend("default" = "Disabled"))]
    pub auth_token: Option<LokiAuthToken>,
    /// TLS for reading and writing. Absent: plain text.
    pub tls: Option<ClientTls>,
    /// TLS for `statusUrl`. Absent: plain text.
    pub status_tls: Option<ClientTls>,
}

/// Separate write and read addresses.
#[skip_serializing_none]
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct LokiMicroservices {
    /// URL flows are written to. Default: `http://loki-distributor:3100/`.
    #[schemars(extend("default" = "http://loki-distributor:3100/"))]
    pub ingester_url: Option<String>,
    /// URL flows are read from, and of `/ready`. Default: `http://loki-query-frontend:3100/`.
    #[schemars(extend("default" = "http://loki-query-frontend:3100/"))]
    pub querier_url: Option<String>,
    /// Tenant, sent as `X-Scope-OrgID`. Default: `netobserv`.
    #[serde(rename = "tenantID")]
    #[schemars(extend("default" = "netobserv"))]
    pub tenant_id: Option<String>,
    /// TLS for reading and writing. Absent: plain text.
    pub tls: Option<ClientTls>,
}

/// One address for everything.
#[skip_serializing_none]
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct LokiMonolithic {
    /// Deploys a Loki for trying things out, not for production; `url`, `tenantID` and `tls` are then ignored. Its volume goes with the FlowCollector. Default: false.
    #[schemars(extend("default" = false))]
    pub install_demo_loki: Option<bool>,
    /// URL of Loki. Default: `http://loki:3100/`.
    #[schemars(extend("default" = "http://loki:3100/"))]
    pub url: Option<String>,
    /// Tenant, sent as `X-Scope-OrgID`. Default: `netobserv`.
    #[serde(rename = "tenantID")]
    #[schemars(extend("default" = "netobserv"))]
    pub tenant_id: Option<String>,
    /// TLS for reading and writing. Absent: plain text.
    pub tls: Option<ClientTls>,
}

/// A LokiStack resource of the Loki operator.
#[skip_serializing_none]
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct LokiStackReference {
    /// Name of the LokiStack. Default: `loki`.
    #[schemars(extend("default" = "loki"))]
    pub name: String,
    /// Its namespace. Absent: `spec.namespace`.
    pub namespace: Option<String>,
}

/// Addition of this implementation: the store built into the console, for small clusters. One console pod keeps the flows on a volume of its own.
#[skip_serializing_none]
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct EmbeddedStore {
    /// Addition of this implementation: the volume. It stays when the FlowCollector is deleted.
    pub storage: Option<EmbeddedStorage>,
    /// Addition of this implementation: how much is kept. The oldest flows go first.
    pub retention: Option<EmbeddedRetention>,
}

/// Addition of this implementation: volume of the built-in store.
#[skip_serializing_none]
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct EmbeddedStorage {
    /// Addition of this implementation: size of the volume. It can grow later if its class allows it, never shrink. Default: 10Gi.
    #[schemars(extend("default" = "10Gi"))]
    pub size: Option<Quantity>,
    /// Addition of this implementation: storage class. Absent: the cluster's default class.
    pub class: Option<String>,
}

/// Addition of this implementation: bounds of the built-in store.
#[skip_serializing_none]
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct EmbeddedRetention {
    /// Addition of this implementation: longest time flows are kept; at least 1m. Default: 168h.
    #[schemars(extend("default" = "168h"))]
    pub age: Option<GoDuration>,
    /// Addition of this implementation: most that is kept, in bytes such as `8Gi`. Absent: 80 % of the volume.
    pub bytes: Option<Quantity>,
}

/// Tuning of the writer to Loki.
#[skip_serializing_none]
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct AdvancedLoki {
    /// Shortest wait before a write is tried again. Default: 1s.
    #[schemars(extend("default" = "1s"))]
    pub write_min_backoff: Option<GoDuration>,
    /// Longest wait before a write is tried again. Default: 5s.
    #[schemars(extend("default" = "5s"))]
    pub write_max_backoff: Option<GoDuration>,
    /// How often a write is tried again. Default: 2.
    #[schemars(range(min = 0), extend("default" = 2))]
    pub write_max_retries: Option<i32>,
    /// Labels of every stream. Default: `app: netobserv-flowcollector`.
    #[schemars(extend("default" = {"app": "netobserv-flowcollector"}))]
    pub static_labels: Option<BTreeMap<String, String>>,
    /// Fields that would be Loki labels and shall not be. Absent: none.
    pub exclude_labels: Option<Vec<String>>,
}
