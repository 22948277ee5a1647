//! One of our resources as it was read from the API server, or why it could not be read: one that cannot hides no other.
//!
//! **Invariant:** reading fails only for what has no metadata.

use std::borrow::Cow;
use std::sync::Arc;

use k8s_openapi::apimachinery::pkg::apis::meta::v1::ObjectMeta;
use kube::Resource;
use serde::de::{DeserializeOwned, Error as _};
use serde::{Deserialize, Deserializer};
use serde_json::Value;

/// A resource, or its metadata and why the rest is not understood.
///
/// kube's `DeserializeGuard` does the same by way of another tree of values: a megabyte of code, and two more copies of
/// each object while it is read.
#[derive(Debug, Clone)]
pub struct Copied<K>(pub Result<Arc<K>, Invalid>);

/// A resource that cannot be read.
#[derive(Debug, Clone)]
pub struct Invalid {
    /// Its metadata, which could be.
    pub metadata: ObjectMeta,
    /// Why.
    pub error: String,
}

impl<'de, K: DeserializeOwned> Deserialize<'de> for Copied<K> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let object = Value::deserialize(deserializer)?;
        let error = match K::deserialize(&object) {
            Ok(object) => return Ok(Self(Ok(Arc::new(object)))),
            Err(error) => error.to_string(),
        };
        let metadata = ObjectMeta::deserialize(&object["metadata"]).map_err(D::Error::custom)?;
        Ok(Self(Err(Invalid { metadata, error })))
    }
}

impl<K: Resource + Clone> Resource for Copied<K> {
    type DynamicType = K::DynamicType;
    type Scope = K::Scope;

    fn kind(of: &K::DynamicType) -> Cow<'_, str> {
        K::kind(of)
    }

    fn group(of: &K::DynamicType) -> Cow<'_, str> {
        K::group(of)
    }

    fn version(of: &K::DynamicType) -> Cow<'_, str> {
        K::version(of)
    }

    fn plural(of: &K::DynamicType) -> Cow<'_, str> {
        K::plural(of)
    }

    fn meta(&self) -> &ObjectMeta {
        match &self.0 {
            Ok(object) => object.meta(),
            Err(invalid) => &invalid.metadata,
        }
    }

    fn meta_mut(&mut self) -> &mut ObjectMeta {
        match &mut self.0 {
            Ok(object) => Arc::make_mut(object).meta_mut(),
            Err(invalid) => &mut invalid.metadata,
        }
    }
}

#[cfg(test)]
mod tests {
    use serde_json::{Value, json};

    use super::*;
    use crate::apis::flowmetric::FlowMetric;

    fn read(object: Value) -> Result<Copied<FlowMetric>, serde_json::Error> {
        serde_json::from_value(object)
    }

    #[test]
    fn what_cannot_be_read_keeps_its_name_and_says_why() {
        let named = |spec: Value| json!({"metadata": {"name": "one"}, "spec": spec});
        let good = read(named(json!({"type": "Counter"}))).expect("an object");
        assert!(good.0.is_ok(), "{good:?}");
        let bad = read(named(json!({"type": "Counter", "labels": 7}))).expect("an object");
        assert_eq!(bad.meta().name.as_deref(), Some("one"));
        let error = bad.0.expect_err("labels are a list").error;
        assert!(error.contains("invalid type: integer `7`"), "{error}");
        assert!(read(json!({"metadata": 7})).is_err());
    }
}
