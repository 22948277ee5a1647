//! The `frontend` block: what the page shows. The page is data driven, so ids, groups, fields and
//! scopes come from here and never from code.
//!
//! **Invariant:** it goes out as JSON under the same keys as it comes in; derived keys are added by
//! [`FrontendConfig::derive`] only.

use std::collections::BTreeMap;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::fields::Dictionary;
use crate::version;

/// What the page shows.
#[derive(Debug, Clone, Deserialize, Serialize, JsonSchema)]
#[serde(default, rename_all = "camelCase")]
pub struct FrontendConfig {
    /// Version shown in the about dialog.
    pub build_version: String,
    /// Date shown in the about dialog.
    pub build_date: String,
    /// Record types in the store; anything beside `flowLog` switches conversations on.
    pub record_types: Vec<String>,
    /// Names of ports.
    pub port_naming: PortNaming,
    /// Custom panels.
    pub panels: Vec<String>,
    /// Columns of the table.
    pub columns: Vec<Column>,
    /// Filters of the toolbar.
    pub filters: Vec<Filter>,
    /// Levels of aggregation.
    pub scopes: Vec<Scope>,
    /// Sets of filters behind one button.
    pub quick_filters: Vec<QuickFilter>,
    /// Namespaces whose alerts are shown.
    pub alert_namespaces: Vec<String>,
    /// One of how many packets is looked at; 0 and 1 are all.
    pub sampling: u64,
    /// Capabilities that are switched on.
    pub features: Vec<String>,
    /// Fields of a record.
    pub fields: Vec<FieldConfig>,
    /// Annotations of recording rules.
    #[serde(skip_serializing_if = "BTreeMap::is_empty")]
    pub recording_annotations: BTreeMap<String, BTreeMap<String, String>>,
    /// Derived: sources that can answer.
    pub data_sources: Vec<String>,
    /// Derived: always false, there are no mocks.
    pub loki_mocks: bool,
    /// Derived: fields indexed as labels.
    pub loki_labels: Vec<String>,
    /// Derived: labels of enabled metrics.
    pub prom_labels: Vec<String>,
    /// Derived: how long a row may take to be complete, in milliseconds.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub max_chunk_age_ms: Option<u64>,
}

/// Names of ports.
#[derive(Debug, Clone, Default, Deserialize, Serialize, JsonSchema)]
#[serde(default, rename_all = "camelCase")]
pub struct PortNaming {
    /// Whether ports are shown by name.
    pub enable: bool,
    /// Own names, by port.
    pub port_names: BTreeMap<String, String>,
}

/// A column of the table.
#[derive(Debug, Clone, Default, Deserialize, Serialize, JsonSchema)]
#[serde(default, rename_all = "camelCase")]
pub struct Column {
    /// Identity.
    pub id: String,
    /// Heading.
    pub name: String,
    /// Heading above neighbours of one group.
    #[serde(skip_serializing_if = "String::is_empty")]
    pub group: String,
    /// Field it shows.
    #[serde(skip_serializing_if = "String::is_empty")]
    pub field: String,
    /// Fields it shows.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub fields: Vec<String>,
    /// Expression it shows.
    #[serde(skip_serializing_if = "String::is_empty")]
    pub calculated: String,
    /// Explanation.
    #[serde(skip_serializing_if = "String::is_empty")]
    pub tooltip: String,
    /// Where to read more.
    #[serde(rename = "docURL", skip_serializing_if = "String::is_empty")]
    pub doc_url: String,
    /// Filter of this column.
    #[serde(skip_serializing_if = "String::is_empty")]
    pub filter: String,
    /// Whether it is shown at first.
    #[serde(skip_serializing_if = "is_false")]
    pub default: bool,
    /// Relative width.
    pub width: u32,
    /// Capability it depends on.
    #[serde(skip_serializing_if = "String::is_empty")]
    pub feature: String,
}

/// A filter of the toolbar.
#[derive(Debug, Clone, Default, Deserialize, Serialize, JsonSchema)]
#[serde(default, rename_all = "camelCase")]
pub struct Filter {
    /// Identity.
    pub id: String,
    /// Heading.
    pub name: String,
    /// Kind of input: `autocomplete`, `text` or `number`.
    pub component: String,
    /// `source`, `destination`, `endpoint` or nothing.
    #[serde(skip_serializing_if = "String::is_empty")]
    pub category: String,
    /// Whether a picked suggestion is quoted, that is matched exactly.
    #[serde(skip_serializing_if = "is_false")]
    pub auto_complete_adds_quotes: bool,
    /// Short help.
    #[serde(skip_serializing_if = "String::is_empty")]
    pub hint: String,
    /// Longer help.
    #[serde(skip_serializing_if = "String::is_empty")]
    pub examples: String,
    /// Where to read more.
    #[serde(skip_serializing_if = "String::is_empty")]
    pub doc_url: String,
    /// Text of the empty input.
    #[serde(skip_serializing_if = "String::is_empty")]
    pub placeholder: String,
    /// Capability it depends on.
    #[serde(skip_serializing_if = "String::is_empty")]
    pub feature: String,
}

/// A level of aggregation.
#[derive(Debug, Clone, Default, Deserialize, Serialize, JsonSchema)]
#[serde(default, rename_all = "camelCase")]
pub struct Scope {
    /// Identity; also a value of `aggregateBy`.
    pub id: String,
    /// Heading.
    pub name: String,
    /// Explanation.
    #[serde(skip_serializing_if = "String::is_empty")]
    pub description: String,
    /// Fields to group by.
    pub labels: Vec<String>,
    /// Capability it depends on.
    #[serde(skip_serializing_if = "String::is_empty")]
    pub feature: String,
    /// Groups offered in the topology.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub groups: Vec<String>,
    /// Filter of a scope without direction.
    #[serde(skip_serializing_if = "String::is_empty")]
    pub filter: String,
    /// Filters of a directional scope.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub filters: Vec<String>,
    /// The next finer scope.
    #[serde(skip_serializing_if = "String::is_empty")]
    pub step_into: String,
}

/// A set of filters behind one button.
#[derive(Debug, Clone, Default, Deserialize, Serialize, JsonSchema)]
#[serde(default, rename_all = "camelCase")]
pub struct QuickFilter {
    /// Heading.
    pub name: String,
    /// Filter id to values.
    pub filter: BTreeMap<String, String>,
    /// Whether it is on at first.
    #[serde(skip_serializing_if = "is_false")]
    pub default: bool,
}

/// A field of a record, as the page knows it.
#[derive(Debug, Clone, Default, Deserialize, Serialize, JsonSchema)]
#[serde(default, rename_all = "camelCase")]
pub struct FieldConfig {
    /// Name.
    pub name: String,
    /// `string`, `number`, `string[]` or `number[]`.
    #[serde(rename = "type")]
    pub kind: String,
    /// `IP` or nothing.
    #[serde(skip_serializing_if = "String::is_empty")]
    pub format: String,
    /// Documentation.
    #[serde(skip_serializing_if = "String::is_empty")]
    pub description: String,
}

#[expect(
    clippy::trivially_copy_pass_by_ref,
    reason = "signature that serde asks for"
)]
fn is_false(value: &bool) -> bool {
    !value
}

impl Default for FrontendConfig {
    fn default() -> Self {
        Self {
            build_version: version::VERSION.to_owned(),
            build_date: version::DATE.to_owned(),
            record_types: vec!["flowLog".to_owned()],
            port_naming: PortNaming::default(),
            panels: Vec::new(),
            columns: vec![
                column("EndTime", "End Time", "", "TimeFlowEndMs"),
                column("SrcAddr", "IP", "Source", "SrcAddr"),
                column("DstAddr", "IP", "Destination", "DstAddr"),
            ],
            filters: Vec::new(),
            scopes: vec![
                scope("host", "Node", &["K8S_HostName"]),
                scope("namespace", "Namespace", &["K8S_Namespace"]),
                scope(
                    "owner",
                    "Owner",
                    &["K8S_OwnerName", "K8S_OwnerType", "K8S_Namespace"],
                ),
                scope(
                    "resource",
                    "Resource",
                    &[
                        "K8S_Name",
                        "K8S_Type",
                        "K8S_OwnerName",
                        "K8S_OwnerType",
                        "K8S_Namespace",
                        "Addr",
                        "K8S_HostName",
                    ],
                ),
            ],
            quick_filters: Vec::new(),
            alert_namespaces: Vec::new(),
            sampling: 0,
            features: Vec::new(),
            fields: vec![
                field("TimeFlowEndMs", "number"),
                field("SrcAddr", "string"),
                field("DstAddr", "string"),
            ],
            recording_annotations: BTreeMap::new(),
            data_sources: Vec::new(),
            loki_mocks: false,
            loki_labels: Vec::new(),
            prom_labels: Vec::new(),
            max_chunk_age_ms: None,
        }
    }
}

impl FrontendConfig {
    /// Sets the keys that follow from the data source and documents the fields from the dictionary.
    pub fn derive(&mut self, dictionary: &Dictionary) {
        self.data_sources = vec!["loki".to_owned()];
        self.loki_labels = dictionary.labels();
        for field in self
            .fields
            .iter_mut()
            .filter(|field| field.description.is_empty())
        {
            if let Some(known) = dictionary.get(&field.name) {
                field.description.clone_from(&known.doc);
            }
        }
    }

    /// Labels by aggregation key: the built-in ones and every scope.
    pub fn aggregation_keys(&self) -> BTreeMap<String, Vec<String>> {
        let built_in = [
            ("app", "app"),
            ("droppedState", "PktDropLatestState"),
            ("droppedCause", "PktDropLatestDropCause"),
            ("dnsRCode", "DnsFlagsResponseCode"),
        ];
        let mut keys: BTreeMap<_, _> = built_in
            .map(|(key, label)| (key.to_owned(), vec![label.to_owned()]))
            .into();
        keys.extend(
            self.scopes
                .iter()
                .map(|scope| (scope.id.clone(), scope.labels.clone())),
        );
        keys
    }
}

fn column(id: &str, name: &str, group: &str, field: &str) -> Column {
    Column {
        id: id.to_owned(),
        name: name.to_owned(),
        group: group.to_owned(),
        field: field.to_owned(),
        default: true,
        width: 15,
        ..Column::default()
    }
}

fn scope(id: &str, name: &str, labels: &[&str]) -> Scope {
    Scope {
        id: id.to_owned(),
        name: name.to_owned(),
        labels: ["Src", "Dst"]
            .iter()
            .flat_map(|side| labels.iter().map(move |label| format!("{side}{label}")))
            .collect(),
        ..Scope::default()
    }
}

fn field(name: &str, kind: &str) -> FieldConfig {
    FieldConfig {
        name: name.to_owned(),
        kind: kind.to_owned(),
        ..FieldConfig::default()
    }
}
