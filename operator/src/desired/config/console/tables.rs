//! What the console can show: columns, filters, levels of aggregation and fields, read from `frontend.yaml`.
//!
//! What a field is comes from the dictionary of fields, which the pipeline owns: a column or field that says nothing of
//! its own has its words.

use std::collections::HashMap;
use std::sync::LazyLock;

use serde::{Deserialize, Serialize};
use serde_with::skip_serializing_none;

use super::features::Feature;

/// All of it, the same for every console.
///
/// # Panics
/// If a file of this crate is broken, which a test rules out.
pub static TABLES: LazyLock<Tables> = LazyLock::new(|| {
    let mut tables: Tables =
        serde_saphyr::from_str(include_str!("frontend.yaml")).expect("the tables can be read");
    let dictionary: Dictionary = serde_json::from_str(include_str!(
        "../../../../contracts/vendored/flowlogs-pipeline/fields.json"
    ))
    .expect("the dictionary can be read");
    let words: HashMap<String, String> = dictionary
        .fields
        .into_iter()
        .map(|field| (field.name, field.doc))
        .collect();
    for column in &mut tables.columns {
        let field = column.field.as_ref();
        let said = || field.and_then(|field| words.get(field)).cloned();
        column.tooltip = column.tooltip.take().or_else(said);
    }
    for field in &mut tables.fields {
        let said = || words.get(&field.name).cloned();
        field.description = field.description.take().or_else(said);
    }
    tables
});

/// What the console can show.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Tables {
    pub columns: Vec<Column>,
    pub filters: Vec<Filter>,
    pub scopes: Vec<Scope>,
    pub fields: Vec<Field>,
}

/// A column of the table of flows.
#[skip_serializing_none]
#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Column {
    id: String,
    name: String,
    group: Option<String>,
    field: Option<String>,
    fields: Option<Vec<String>>,
    calculated: Option<String>,
    tooltip: Option<String>,
    #[serde(rename = "docURL")]
    doc_url: Option<String>,
    filter: Option<String>,
    default: Option<bool>,
    width: u32,
    feature: Option<Feature>,
}

/// A filter of the toolbar.
#[skip_serializing_none]
#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct Filter {
    id: String,
    name: String,
    component: String,
    category: Option<String>,
    auto_complete_adds_quotes: Option<bool>,
    hint: Option<String>,
    examples: Option<String>,
    doc_url: Option<String>,
    placeholder: Option<String>,
    feature: Option<Feature>,
}

/// A level of aggregation.
#[skip_serializing_none]
#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct Scope {
    pub id: String,
    name: String,
    description: Option<String>,
    pub labels: Vec<String>,
    pub feature: Option<Feature>,
    pub groups: Option<Vec<String>>,
    filter: Option<String>,
    filters: Option<Vec<String>>,
    step_into: Option<String>,
}

/// A field of a record.
#[skip_serializing_none]
#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Field {
    name: String,
    #[serde(rename = "type")]
    kind: String,
    format: Option<String>,
    description: Option<String>,
}

#[derive(Deserialize)]
struct Dictionary {
    fields: Vec<Entry>,
}

#[derive(Deserialize)]
struct Entry {
    name: String,
    doc: String,
}
