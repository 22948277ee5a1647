//! The dictionary of flow fields, read from the contract the pipeline owns.
//!
//! Used by `query` to know what a filter key means, by `config` to know which fields are labels, and by `store` for its
//! columns.
//! **Invariant:** the vendored contract is the only list of fields; nothing is added here.

use std::collections::HashMap;
use std::sync::LazyLock;

use serde::Deserialize;

const CONTRACT: &str = include_str!("../contracts/vendored/flowlogs-pipeline/fields.json");

static DICTIONARY: LazyLock<Dictionary> = LazyLock::new(Dictionary::read);

/// How values of a field are compared.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Kind {
    /// Text, compared as it is.
    Text,
    /// Link-layer address: text whose letters' case means nothing.
    Mac,
    /// IP address: compared with addresses, networks and ranges.
    Address,
    /// `true` or `false`, compared as text.
    Boolean,
    /// Integer.
    Number,
    /// List of texts, compared element by element.
    List,
    /// List of integers, compared element by element.
    NumberList,
}

/// One field of a record.
#[derive(Debug)]
pub struct Field {
    /// Name in records, filters and answers.
    pub name: String,
    /// How its values are compared.
    pub kind: Kind,
    /// Whether it is a stream label.
    pub is_label: bool,
    /// What it means.
    pub doc: String,
}

/// All fields.
#[derive(Debug)]
pub struct Dictionary {
    fields: Vec<Field>,
    by_name: HashMap<String, usize>,
}

#[derive(Deserialize)]
struct Contract {
    fields: Vec<ContractField>,
}

#[derive(Deserialize)]
struct ContractField {
    name: String,
    #[serde(rename = "type")]
    kind: String,
    #[serde(default)]
    label: bool,
    doc: String,
}

/// The dictionary of this build.
pub fn dictionary() -> &'static Dictionary {
    &DICTIONARY
}

impl Dictionary {
    /// # Panics
    /// When the contract compiled into the binary is not readable, which its test excludes.
    fn read() -> Self {
        let contract: Contract =
            serde_json::from_str(CONTRACT).expect("fields.json is checked by a test");
        let fields: Vec<Field> = contract
            .fields
            .into_iter()
            .map(|field| Field {
                kind: match field.kind.as_str() {
                    "ip" => Kind::Address,
                    "mac" => Kind::Mac,
                    "list_string" | "list_map" | "tcp_flags" => Kind::List,
                    "list_int" => Kind::NumberList,
                    "bool" => Kind::Boolean,
                    "u8" | "u16" | "u32" | "u64" | "i32" | "i64" => Kind::Number,
                    _ => Kind::Text,
                },
                is_label: field.label,
                doc: field.doc,
                name: field.name,
            })
            .collect();
        let by_name = fields
            .iter()
            .enumerate()
            .map(|(index, field)| (field.name.clone(), index))
            .collect();
        Self { fields, by_name }
    }

    /// The field of that name.
    pub fn get(&self, name: &str) -> Option<&Field> {
        self.by_name.get(name).map(|index| &self.fields[*index])
    }

    /// The field of that name, or its source and destination variants (`Port` is `SrcPort`, `DstPort`).
    pub fn resolve(&self, name: &str) -> Vec<&Field> {
        match self.get(name) {
            Some(field) => vec![field],
            None => ["Src", "Dst"]
                .iter()
                .filter_map(|side| self.get(&format!("{side}{name}")))
                .collect(),
        }
    }

    /// All fields in the contract's order.
    pub fn iter(&self) -> impl Iterator<Item = &Field> {
        self.fields.iter()
    }

    /// Names of the fields that are stream labels.
    pub fn labels(&self) -> Vec<String> {
        self.iter()
            .filter(|field| field.is_label)
            .map(|field| field.name.clone())
            .collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn keys_resolve_to_one_field_or_to_both_sides() {
        let names = |key| {
            dictionary()
                .resolve(key)
                .iter()
                .map(|f| f.name.as_str())
                .collect::<Vec<_>>()
        };
        assert_eq!(names("Bytes"), ["Bytes"]);
        assert_eq!(names("Port"), ["SrcPort", "DstPort"]);
        assert_eq!(names("K8S_Name"), ["SrcK8S_Name", "DstK8S_Name"]);
        assert!(names("Nonsense").is_empty());
    }

    #[test]
    fn the_contract_uses_only_known_types() {
        let contract: Contract = serde_json::from_str(CONTRACT).expect("readable");
        for field in contract.fields {
            let known = [
                "ip",
                "mac",
                "string",
                "bool",
                "list_string",
                "list_map",
                "list_int",
                "tcp_flags",
                "u8",
                "u16",
                "u32",
                "u64",
                "i32",
                "i64",
            ];
            assert!(
                known.contains(&field.kind.as_str()),
                "{}: {}",
                field.name,
                field.kind
            );
        }
    }
}
