//! One desired object as data: what it is, its body, its digest, and whether a live object already holds it.
//!
//! Made at the edge of `desired/`, applied by `owned`. **Invariant:** knows nothing about what an object is for.

mod compare;
mod copied;
pub mod quantity;
#[cfg(test)]
mod tests;

pub use compare::difference;
pub use copied::{Copied, Invalid};

use kube::Resource;
use kube::core::{DynamicObject, GroupVersionKind};
use serde::Serialize;
use serde_json::Value;
use sha2::{Digest as _, Sha256};

use crate::scope::annotation;

/// Group, version and kind; namespace if it has one; name.
#[derive(Debug, Clone, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Key {
    /// Kind, such as `DaemonSet`.
    pub kind: String,
    /// API group, empty for the core group.
    pub group: String,
    /// Namespace; none for what is cluster-wide.
    pub namespace: Option<String>,
    /// Name.
    pub name: String,
}

impl Key {
    /// Of an object in a namespace.
    pub fn namespaced(kind: &str, group: &str, namespace: &str, name: &str) -> Self {
        Self {
            kind: kind.to_owned(),
            group: group.to_owned(),
            namespace: Some(namespace.to_owned()),
            name: name.to_owned(),
        }
    }
}

impl std::fmt::Display for Key {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match &self.namespace {
            Some(namespace) => write!(f, "{} {namespace}/{}", self.kind, self.name),
            None => write!(f, "{} {}", self.kind, self.name),
        }
    }
}

/// A desired object.
#[derive(Debug, Clone, PartialEq)]
pub struct Object {
    gvk: GroupVersionKind,
    key: Key,
    body: Value,
}

/// Why an object cannot be made. Only a mistake in `desired/` does that.
#[derive(Debug, thiserror::Error)]
pub enum ObjectError {
    /// It does not become JSON.
    #[error("write {kind} as JSON: {source}")]
    Serialize {
        /// Which kind.
        kind: String,
        /// Why.
        source: serde_json::Error,
    },
    /// It has no name.
    #[error("a {kind} has no name")]
    Nameless {
        /// Which kind.
        kind: String,
    },
}

impl Object {
    /// From a typed object.
    pub fn new<T>(object: &T) -> Result<Self, ObjectError>
    where
        T: Resource<DynamicType = ()> + Serialize,
    {
        let kind = T::kind(&()).into_owned();
        let meta = object.meta();
        let Some(name) = meta.name.clone() else {
            return Err(ObjectError::Nameless { kind });
        };
        let mut body = serde_json::to_value(object).map_err(|source| ObjectError::Serialize {
            kind: kind.clone(),
            source,
        })?;
        if let Some(fields) = body.as_object_mut() {
            fields.insert("apiVersion".to_owned(), T::api_version(&()).into());
            fields.insert("kind".to_owned(), kind.clone().into());
            // What is observed is not ours to apply.
            fields.remove("status");
        }
        Ok(Self {
            gvk: GroupVersionKind::gvk(&T::group(&()), &T::version(&()), &kind),
            key: Key {
                kind,
                group: T::group(&()).into_owned(),
                namespace: meta.namespace.clone(),
                name,
            },
            body,
        })
    }

    /// What it is.
    pub fn key(&self) -> &Key {
        &self.key
    }

    /// Group, version and kind.
    pub fn gvk(&self) -> &GroupVersionKind {
        &self.gvk
    }

    /// The body, as written by `desired/`.
    pub fn body(&self) -> &Value {
        &self.body
    }

    /// The same without owner references: what outlives the FlowCollector.
    #[must_use]
    pub fn without_owner(&self) -> Self {
        let mut object = self.clone();
        if let Some(metadata) = object.body["metadata"].as_object_mut() {
            metadata.remove("ownerReferences");
        }
        object
    }

    /// The same with another specification.
    #[must_use]
    pub fn with_spec(&self, spec: Value) -> Self {
        let mut object = self.clone();
        object.body["spec"] = spec;
        object
    }

    /// Whether it is a Deployment that leaves the number of its replicas to others.
    pub fn leaves_replicas(&self) -> bool {
        self.key.kind == "Deployment" && self.body["spec"]["replicas"].is_null()
    }

    /// First 128 bits of the body's SHA-256, in hexadecimal. Maps are sorted, so equal objects have equal digests.
    pub fn digest(&self) -> String {
        let hash = Sha256::digest(self.body.to_string().as_bytes());
        format!(
            "{:032x}",
            hash.iter()
                .take(16)
                .fold(0_u128, |all, byte| (all << 8) | u128::from(*byte))
        )
    }

    /// The body with its digest as an annotation: what is sent.
    pub fn applied_body(&self) -> Value {
        let mut body = self.body.clone();
        let annotations = &mut body["metadata"]["annotations"];
        if annotations.is_null() {
            *annotations = Value::Object(serde_json::Map::new());
        }
        annotations[annotation::APPLIED_DIGEST] = self.digest().into();
        body
    }

    /// Whether `live` has another value in a field that no write can change, so that only a new object can be right.
    pub fn must_be_replaced(&self, live: &DynamicObject) -> bool {
        let field = match self.key.kind.as_str() {
            "ClusterRoleBinding" | "RoleBinding" => "roleRef",
            "DaemonSet" | "Deployment" => "selector",
            _ => return false,
        };
        let (desired, live) = match field {
            "selector" => (&self.body["spec"][field], &live.data["spec"][field]),
            _ => (&self.body[field], &live.data[field]),
        };
        difference(desired, live).is_some() || difference(live, desired).is_some()
    }

    /// Whether `live` was made of another body than this.
    pub fn has_changed_since(&self, live: &DynamicObject) -> bool {
        let annotations = live.metadata.annotations.as_ref();
        let applied =
            annotations.and_then(|annotations| annotations.get(annotation::APPLIED_DIGEST));
        applied != Some(&self.digest())
    }

    /// Why `live` must be written, or nothing when it holds the body already.
    pub fn difference_from(&self, live: &DynamicObject) -> Option<String> {
        if self.has_changed_since(live) {
            return Some("the desired body changed".to_owned());
        }
        let mut live = serde_json::to_value(live).unwrap_or_default();
        // Items of a list do not say what they are.
        for key in ["apiVersion", "kind"] {
            live[key] = self.body[key].clone();
        }
        difference(&self.body, &live)
    }
}
