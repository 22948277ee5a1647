//! What a Secret or ConfigMap holds, and the digest that NetObserv writes of it.

use std::collections::BTreeMap;

use k8s_openapi::ByteString;
use kube::core::DynamicObject;
use serde::de::DeserializeOwned;

use crate::owned;

/// The values of a Secret or ConfigMap.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Content {
    /// `data` of a ConfigMap.
    pub texts: BTreeMap<String, String>,
    /// `data` of a Secret, `binaryData` of a ConfigMap.
    pub bytes: BTreeMap<String, Vec<u8>>,
    /// Whether it is in an object that we made.
    pub is_ours: bool,
    /// What an absent key counts as in a digest.
    absent: &'static str,
}

impl Content {
    /// Of a live object of that kind; what it cannot hold counts as absent.
    pub fn of(kind: &str, object: &DynamicObject) -> Self {
        fn values<T: DeserializeOwned>(object: &DynamicObject, key: &str) -> BTreeMap<String, T> {
            let values = object.data.get(key).cloned().unwrap_or_default();
            serde_json::from_value(values).unwrap_or_default()
        }
        let bytes = |key| {
            let values: BTreeMap<String, ByteString> = values(object, key);
            values
                .into_iter()
                .map(|(key, value)| (key, value.0))
                .collect()
        };
        if kind == "Secret" {
            return Self {
                bytes: bytes("data"),
                is_ours: owned::is_ours(object),
                absent: "null",
                ..Self::default()
            };
        }
        Self {
            texts: values(object, "data"),
            bytes: bytes("binaryData"),
            is_ours: owned::is_ours(object),
            absent: "\"\"",
        }
    }

    /// Of a Secret that we make.
    pub fn of_ours(bytes: BTreeMap<String, Vec<u8>>) -> Self {
        Self {
            bytes,
            is_ours: true,
            absent: "null",
            ..Self::default()
        }
    }

    /// Whether it has that key.
    pub fn has(&self, key: &str) -> bool {
        self.texts.contains_key(key) || self.bytes.contains_key(key)
    }

    /// The value of that key.
    pub fn get(&self, key: &str) -> Option<&[u8]> {
        let text = self.texts.get(key).map(String::as_bytes);
        text.or_else(|| self.bytes.get(key).map(Vec::as_slice))
    }

    /// FNV-1 of 32 bits over one line of JSON per key, in base64 for URLs.
    pub fn digest(&self, keys: &[String]) -> String {
        const OFFSET: u32 = 0x811c_9dc5;
        const PRIME: u32 = 0x0100_0193;
        let hash = keys
            .iter()
            .flat_map(|key| format!("{}\n", self.json(key)).into_bytes())
            .fold(OFFSET, |hash, byte| {
                hash.wrapping_mul(PRIME) ^ u32::from(byte)
            });
        base64(&hash.to_be_bytes())
            .trim_matches('"')
            .replace('+', "-")
            .replace('/', "_")
    }

    /// As Go writes it.
    fn json(&self, key: &str) -> String {
        if let Some(text) = self.texts.get(key) {
            let json = serde_json::Value::from(text.as_str()).to_string();
            return ['<', '>', '&', '\u{2028}', '\u{2029}']
                .into_iter()
                .fold(json, |json, c| {
                    json.replace(c, &format!("\\u{:04x}", u32::from(c)))
                });
        }
        match self.bytes.get(key) {
            Some(bytes) => base64(bytes),
            None => self.absent.to_owned(),
        }
    }
}

/// In quotes.
fn base64(bytes: &[u8]) -> String {
    serde_json::to_value(ByteString(bytes.to_vec()))
        .unwrap_or_default()
        .to_string()
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, reason = "tests")]
    use super::*;

    fn content(kind: &str, data: &[(&str, &str)]) -> Content {
        let data: BTreeMap<_, _> = data
            .iter()
            .map(|(key, value)| {
                let value = if kind == "Secret" {
                    serde_json::to_value(ByteString(value.as_bytes().to_vec())).unwrap()
                } else {
                    (*value).into()
                };
                ((*key).to_owned(), value)
            })
            .collect();
        let object = serde_json::json!({"metadata": {}, "data": data});
        Content::of(kind, &serde_json::from_value(object).unwrap())
    }

    #[test]
    fn digests_are_those_of_netobserv() {
        for (kind, data, keys, expected) in [
            (
                "ConfigMap",
                &[("ca", " -- LOKI CA --")][..],
                &["ca"][..],
                "XDamCg==",
            ),
            (
                "ConfigMap",
                &[("ca", " -- LOKI CA MODIFIED --")],
                &["ca"],
                "Hb65OQ==",
            ),
            (
                "ConfigMap",
                &[("ca", " -- KAFKA CA --")],
                &["ca"],
                "EPFv4Q==",
            ),
            (
                "Secret",
                &[
                    ("user.crt", " -- KAFKA USER CERT --"),
                    ("user.key", " -- KAFKA USER KEY --"),
                ],
                &["user.crt", "user.key"],
                "bNKS0Q==",
            ),
            ("Secret", &[("id", "me")], &["id"], "DTk0Pg=="),
            (
                "Secret",
                &[("pw", "ssssaaaaassssslllll")],
                &["pw"],
                "ItNuCg==",
            ),
        ] {
            let keys: Vec<_> = keys.iter().map(|key| (*key).to_owned()).collect();
            assert_eq!(content(kind, data).digest(&keys), expected, "{data:?}");
        }
    }

    #[test]
    fn values_are_written_as_go_writes_them() {
        let config_map = content("ConfigMap", &[("a", "<a&b>\u{2028}\"\n")]);
        assert_eq!(config_map.json("a"), r#""\u003ca\u0026b\u003e\u2028\"\n""#);
        assert_eq!(config_map.json("b"), "\"\"");
        let secret = content("Secret", &[("a", "<a>")]);
        assert_eq!(secret.json("a"), "\"PGE+\"");
        assert_eq!(secret.json("b"), "null");
    }
}
