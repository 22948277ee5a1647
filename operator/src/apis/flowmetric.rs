//! FlowMetric: a Prometheus metric made of flows, defined by the user.

pub mod fields;
pub mod operational;
pub mod validate;

use std::borrow::Cow;
use std::collections::BTreeMap;

use k8s_openapi::apimachinery::pkg::apis::meta::v1::Condition;
use schemars::{JsonSchema, Schema, SchemaGenerator, json_schema};
use serde::{Deserialize, Serialize};
use serde_with::skip_serializing_none;

use crate::apis::flowcollector::v1beta2::shared::Int;
use crate::apis::resource::custom_resource;
use crate::apis::text_enum::text_enum;

/// Version of the types of this module.
pub const VERSION: &str = "v1alpha1";

/// Pattern of `spec.metricName`.
const METRIC_NAME: &str = "^[a-zA-Z_][a-zA-Z0-9:_]*$|^$";
/// Pattern of the values of `spec.remap`.
const LABEL_NAME: &str = "^[a-zA-Z_][a-zA-Z0-9_]*$";

custom_resource! {
    /// A metric made of flows. Only those in the FlowCollector's `spec.namespace` count.
    FlowMetric { plural: "flowmetrics", version: "v1alpha1", scope: NamespaceResourceScope,
        spec: FlowMetricSpec, status: FlowMetricStatus }
}

text_enum! {
    /// Kind of Prometheus metric.
    #[derive(Default)]
    pub enum MetricType {
        #[default]
        Counter = "Counter",
        Histogram = "Histogram",
        Gauge = "Gauge",
    }
}

text_enum! {
    /// How a filter compares.
    #[derive(Default)]
    pub enum MatchType {
        #[default]
        Equal = "Equal",
        NotEqual = "NotEqual",
        Presence = "Presence",
        Absence = "Absence",
        MatchRegex = "MatchRegex",
        NotMatchRegex = "NotMatchRegex",
    }
}

text_enum! {
    /// Direction of the flows counted.
    pub enum MetricDirection {
        Any = "Any",
        Egress = "Egress",
        Ingress = "Ingress",
    }
}

text_enum! {
    /// Unit of a chart.
    pub enum ChartUnit {
        Bytes = "bytes",
        Seconds = "seconds",
        BytesPerSecond = "Bps",
        PacketsPerSecond = "pps",
        Percent = "percent",
        None = "",
    }
}

text_enum! {
    /// Kind of chart.
    pub enum ChartType {
        SingleStat = "SingleStat",
        Line = "Line",
        StackArea = "StackArea",
    }
}

/// Definition of a metric.
#[skip_serializing_none]
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct FlowMetricSpec {
    /// Name in Prometheus, without its prefix `netobserv_`. Empty or absent: the resource's name, with `_` for what a name cannot hold.
    #[schemars(regex(pattern = METRIC_NAME))]
    pub metric_name: Option<String>,
    /// Text that explains the metric in Prometheus.
    pub help: Option<String>,
    /// `Counter`, `Histogram` or `Gauge`.
    #[serde(rename = "type")]
    pub kind: MetricType,
    /// Field whose value is summed or observed; it must be a number. Empty or absent: flows are counted.
    pub value_field: Option<String>,
    /// Flows that count: those that match one filter of each field named here. Absent: all.
    pub filters: Option<Vec<MetricFilter>>,
    /// Fields that become labels. Addresses, names and ports make many series; watch the cardinality.
    pub labels: Option<Vec<String>>,
    /// List fields that are spread out: one sample per item.
    pub flatten: Option<Vec<String>>,
    /// Other names for labels, by field.
    #[schemars(with = "Option<BTreeMap<String, LabelName>>")]
    pub remap: Option<BTreeMap<String, String>>,
    /// Direction of the flows that count: `Any` (default), `Egress` or `Ingress`.
    #[schemars(extend("default" = "Any"))]
    pub direction: Option<MetricDirection>,
    /// Upper bounds of a histogram's buckets, as numbers in text. Absent: Prometheus' usual ones.
    pub buckets: Option<Vec<String>>,
    /// Number each value is divided by, for example to turn nanoseconds into seconds. Absent: none.
    pub divider: Option<String>,
    /// Charts on the dashboards of the OpenShift console.
    pub charts: Option<Vec<Chart>>,
}

/// Schema of a value of `spec.remap`.
struct LabelName;

impl JsonSchema for LabelName {
    fn inline_schema() -> bool {
        true
    }

    fn schema_name() -> Cow<'static, str> {
        "LabelName".into()
    }

    fn json_schema(_: &mut SchemaGenerator) -> Schema {
        json_schema!({ "type": "string", "pattern": LABEL_NAME })
    }
}

/// A condition on one field.
#[skip_serializing_none]
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct MetricFilter {
    /// Field of the flow; `A>B` for the key `B` inside of the field `A`.
    pub field: String,
    /// Value to compare with; `$(Field)` means another field's. Not used by `Presence` and `Absence`.
    pub value: Option<String>,
    /// `Equal` (default), `NotEqual`, `Presence`, `Absence`, `MatchRegex` or `NotMatchRegex`.
    #[schemars(extend("default" = "Equal"))]
    pub match_type: MatchType,
}

/// A chart.
#[skip_serializing_none]
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct Chart {
    /// Dashboard it stands on, titled `NetObserv / <name>`. Default: `Main`.
    #[schemars(extend("default" = "Main"))]
    pub dashboard_name: String,
    /// Row of the dashboard. Empty or absent: the top row.
    pub section_name: Option<String>,
    /// Title.
    pub title: String,
    /// Unit of the values. Empty or absent: none.
    pub unit: Option<ChartUnit>,
    /// `SingleStat`, `Line` or `StackArea`.
    #[serde(rename = "type")]
    pub kind: ChartType,
    /// What is drawn.
    pub queries: Vec<ChartQuery>,
}

/// A query of a chart.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct ChartQuery {
    /// PromQL; `$METRIC` stands for this metric's name.
    #[serde(rename = "promQL")]
    pub prom_ql: String,
    /// Text of the legend; `{{label}}` stands for a label's value.
    pub legend: String,
    /// Highest series drawn, in number; not used by `SingleStat`. Default: 7.
    #[schemars(range(min = 1), extend("default" = 7))]
    pub top: Int,
}

/// What the operator made of it.
#[skip_serializing_none]
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct FlowMetricStatus {
    /// The state in short: `Ready`, `CardinalityWarning`.
    pub conditions: Vec<Condition>,
    /// Full name in Prometheus.
    pub prometheus_name: Option<String>,
}
