//! `spec.prometheus`: where the console reads metrics.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use serde_with::skip_serializing_none;

use super::shared::ClientTls;
use crate::apis::duration::GoDuration;
use crate::apis::text_enum::text_enum;

text_enum! {
    /// How Prometheus is found.
    #[derive(Default)]
    pub enum QuerierMode {
        Manual = "Manual",
        #[default]
        Auto = "Auto",
    }
}

/// Use of Prometheus.
#[skip_serializing_none]
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct Prometheus {
    /// How the console asks Prometheus.
    pub querier: Option<Querier>,
}

/// How the console asks Prometheus.
#[skip_serializing_none]
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct Querier {
    /// Lets the console ask Prometheus where that is quicker than asking for flows. Default: true.
    #[schemars(extend("default" = true))]
    pub enable: Option<bool>,
    /// `Auto` (default) takes OpenShift's own on OpenShift and `manual` elsewhere, `Manual` always takes `manual`.
    #[schemars(extend("default" = "Auto"))]
    pub mode: QuerierMode,
    /// Longest time the console waits for an answer. Default: 30s.
    #[schemars(extend("default" = "30s"))]
    pub timeout: Option<GoDuration>,
    /// Address by hand.
    pub manual: Option<QuerierManual>,
}

/// Address of Prometheus by hand.
#[skip_serializing_none]
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct QuerierManual {
    /// URL of Prometheus. Default: `http://prometheus:9090`.
    #[schemars(extend("default" = "http://prometheus:9090"))]
    pub url: Option<String>,
    /// TLS to Prometheus. Absent: plain text.
    pub tls: Option<ClientTls>,
    /// Sends the user's token along. Absent: false.
    pub forward_user_token: Option<bool>,
    /// Alertmanager, which knows silenced alerts. Absent: silences are not shown.
    pub alert_manager: Option<AlertManager>,
}

/// Address of Alertmanager.
#[skip_serializing_none]
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct AlertManager {
    /// URL of Alertmanager.
    pub url: Option<String>,
    /// TLS to Alertmanager. Absent: plain text.
    pub tls: Option<ClientTls>,
}
