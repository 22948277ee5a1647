//! The store's columns: one per field of the dictionary that the pipeline owns, plus two for what it does not name.
//!
//! Used by everything in the store that touches a column.
//!
//! **Invariant:** the order of columns is the order of the dictionary; a column is one of three kinds and nothing else
//! in the store knows a field's type in the dictionary.

use std::sync::{Arc, LazyLock};

use arrow::datatypes::{DataType, Field, Schema, SchemaRef};
use hashbrown::HashMap;

use crate::fields::{self, dictionary};

/// Index of a column.
pub type FieldId = usize;

/// How a column keeps its values.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Kind {
    /// 64-bit integer.
    Int,
    /// Dictionary of texts.
    Text,
    /// Dictionary of JSON texts: lists, lists of objects, booleans, and numbers where a list may stand instead.
    Json,
}

/// One column.
#[derive(Debug)]
pub struct Column {
    pub name: &'static str,
    /// How a member of that name begins in JSON: the name in quotes and a colon.
    pub member: &'static str,
    /// How a label of that name begins in a push: the name, an equals sign and a quote.
    pub label: &'static str,
    pub kind: Kind,
    /// A stream label of the push, in answers too.
    pub is_label: bool,
}

/// Labels that the dictionary does not name, as one JSON object of texts.
pub const LABELS: &str = "_labels";
/// Fields that the dictionary does not name, or of an unexpected type, as one JSON object.
pub const EXTRA: &str = "_extra";

/// All columns and the ids of those that the store itself needs.
#[derive(Debug)]
pub struct Columns {
    pub all: Vec<Column>,
    by_name: HashMap<&'static str, FieldId, foldhash::fast::RandomState>,
    pub time: FieldId,
    pub source: FieldId,
    pub destination: FieldId,
    pub labels: FieldId,
    pub extra: FieldId,
    /// Arrow schema of a sealed file.
    pub schema: SchemaRef,
}

impl Columns {
    pub fn id(&self, name: &str) -> Option<FieldId> {
        self.by_name.get(name).copied()
    }

    /// Whether the column holds values of that type.
    pub fn is_of(&self, id: FieldId, data_type: &DataType) -> bool {
        self.schema.field(id).data_type() == data_type
    }

    /// Column of a field of the dictionary; the two collecting columns are not fields.
    pub fn field(&self, name: &str) -> Option<FieldId> {
        self.id(name).filter(|id| *id < self.labels)
    }
}

/// The one table of columns, built from the dictionary at first use.
pub static COLUMNS: LazyLock<Columns> = LazyLock::new(|| {
    let mut all: Vec<Column> = dictionary()
        .iter()
        .map(|field| Column {
            kind: match field.kind {
                fields::Kind::Text | fields::Kind::Mac | fields::Kind::Address => Kind::Text,
                fields::Kind::Number => Kind::Int,
                fields::Kind::Boolean | fields::Kind::List | fields::Kind::NumberList => Kind::Json,
            },
            member: leak(format!("\"{}\":", field.name)),
            label: leak(format!("{}=\"", field.name)),
            name: &field.name,
            is_label: field.is_label,
        })
        .collect();
    // No line has members of these names that would be stored there.
    all.extend([LABELS, EXTRA].map(|name| Column {
        name,
        member: "",
        label: "",
        kind: Kind::Json,
        is_label: false,
    }));
    let by_name: HashMap<_, _, _> = all
        .iter()
        .enumerate()
        .map(|(id, column)| (column.name, id))
        .collect();
    let id = |name: &str| {
        *by_name
            .get(name)
            .unwrap_or_else(|| panic!("the field dictionary lacks {name}"))
    };
    let schema = Schema::new(all.iter().map(arrow_field).collect::<Vec<_>>());
    Columns {
        time: id("TimeFlowEndMs"),
        source: id("SrcAddr"),
        destination: id("DstAddr"),
        labels: id(LABELS),
        extra: id(EXTRA),
        schema: Arc::new(schema),
        all,
        by_name,
    }
});

/// The dictionary lives as long as the process.
fn leak(text: String) -> &'static str {
    Box::leak(text.into_boxed_str())
}

/// Type of all dictionary columns.
pub fn dictionary_type() -> DataType {
    DataType::Dictionary(Box::new(DataType::Int32), Box::new(DataType::Utf8))
}

/// The column as arrow sees it.
pub fn arrow_field(column: &Column) -> Field {
    let data_type = match column.kind {
        Kind::Int => DataType::Int64,
        Kind::Text | Kind::Json => dictionary_type(),
    };
    Field::new(column.name, data_type, true)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_kind_of_the_dictionary_has_a_column() {
        let kind = |name: &str| COLUMNS.id(name).map(|id| COLUMNS.all[id].kind);
        assert_eq!(kind("Bytes"), Some(Kind::Int));
        assert_eq!(kind("SrcAddr"), Some(Kind::Text));
        assert_eq!(kind("SrcMac"), Some(Kind::Text));
        assert_eq!(kind("Flags"), Some(Kind::Json));
        assert_eq!(kind("Interfaces"), Some(Kind::Json));
        assert_eq!(kind("NetworkEvents"), Some(Kind::Json));
        assert_eq!(kind("_IsFirst"), Some(Kind::Json));
        assert_eq!(kind("NoSuchField"), None);
        assert_eq!(
            COLUMNS.field(EXTRA),
            None,
            "the collecting columns cannot be asked for by name"
        );
        assert!(COLUMNS.all[COLUMNS.id("SrcK8S_Namespace").expect("known")].is_label);
    }
}
