//! Conversion of FlowCollector objects between `v1beta1` and `v1beta2`, in either direction, losing nothing.
//!
//! What the target cannot hold rides in an annotation. It is found by converting back and comparing, so nothing can
//! be forgotten; an edit made in the target version wins over what rode along.
//! **Invariant:** pure, on JSON; the same object always converts to the same object.

use std::sync::LazyLock;

use serde_json::{Map, Value, json};
use thiserror::Error;

use super::loki_connection::LokiConnection;
use super::restore::Difference;
use super::v1beta1::{self, IGNORED_TAGS, MOVED, ONLY_IN_V1BETA2, SPELLED};
use super::v1beta2::{self, loki::Loki};
use super::{paths, predefined, texts};
use crate::apis::{GROUP, schema};

/// Annotation of a `v1beta1` object: what only `v1beta2` holds. Older operators used it too, with the whole object.
pub const V1BETA2_DATA: &str = "flows.netobserv.io/conversion-data";
/// Annotation of a `v1beta2` object: what only `v1beta1` holds.
pub const V1BETA1_DATA: &str = "flows.netobserv.io/conversion-data-v1beta1";

static V1BETA1_SPEC: LazyLock<Value> = LazyLock::new(|| schema::defaults(&v1beta1::spec_schema()));
static V1BETA2_SPEC: LazyLock<Value> =
    LazyLock::new(|| schema::defaults(&schema::structural::<v1beta2::FlowCollectorSpec>()));

/// Why an object cannot be converted.
#[derive(Debug, Error)]
pub enum ConvertError {
    #[error("{version:?} is not a version of FlowCollector that can be converted")]
    UnknownVersion { version: String },
    #[error("spec.loki cannot be read: {source}")]
    Loki { source: serde_json::Error },
    #[error("annotation {name} cannot be read: {problem}; remove it to convert without it")]
    Annotation { name: &'static str, problem: String },
    #[error("metadata is not that of an object: {problem}")]
    Metadata { problem: &'static str },
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Version {
    V1Beta1,
    V1Beta2,
}

impl Version {
    fn parse(api_version: &str) -> Result<Self, ConvertError> {
        let version = api_version
            .strip_prefix(GROUP)
            .and_then(|v| v.strip_prefix('/'));
        match version {
            Some(v1beta1::VERSION) => Ok(Self::V1Beta1),
            Some(v1beta2::VERSION) => Ok(Self::V1Beta2),
            _ => Err(ConvertError::UnknownVersion {
                version: api_version.to_owned(),
            }),
        }
    }

    fn other(self) -> Self {
        match self {
            Self::V1Beta1 => Self::V1Beta2,
            Self::V1Beta2 => Self::V1Beta1,
        }
    }

    /// Annotation of an object of this version.
    fn annotation(self) -> &'static str {
        match self {
            Self::V1Beta1 => V1BETA2_DATA,
            Self::V1Beta2 => V1BETA1_DATA,
        }
    }

    /// Converts `spec` and `status` from this version to the other, as well as that goes.
    fn plainly(self, content: &Value) -> Result<Value, ConvertError> {
        let mut converted = Map::new();
        if let Some(spec) = content.get("spec") {
            let spec = match self {
                Self::V1Beta1 => to_v1beta2(spec.clone()),
                Self::V1Beta2 => to_v1beta1(spec.clone())?,
            };
            converted.insert("spec".to_owned(), spec);
        }
        if let Some(status) = content.get("status") {
            let mut status = status.clone();
            if self == Self::V1Beta2 {
                paths::take(&mut status, "components");
                paths::take(&mut status, "integrations");
            }
            converted.insert("status".to_owned(), status);
        }
        Ok(Value::Object(converted))
    }
}

/// Converts a whole object to the version named by `api_version`, such as `flows.netobserv.io/v1beta2`.
pub fn convert(mut object: Value, api_version: &str) -> Result<Value, ConvertError> {
    let target = Version::parse(api_version)?;
    let source = Version::parse(object["apiVersion"].as_str().unwrap_or_default())?;
    if source == target {
        return Ok(object);
    }
    check_metadata(&object)?;
    let mut content = Map::new();
    for key in ["spec", "status"] {
        if let Some(value) = paths::take(&mut object, key) {
            content.insert(key.to_owned(), value);
        }
    }
    let content = Value::Object(content);

    let mut converted = source.plainly(&content)?;
    if let Some(text) = take_annotation(&mut object, source.annotation()) {
        converted = restore(&text, source, converted)?;
    }
    let back = target.plainly(&converted)?;
    take_annotation(&mut object, target.annotation());
    if let Some(lost) = Difference::between(back.clone(), content.clone()) {
        let lost = keep_loki_whole(lost, &back, &content);
        let text = json!({ "from": lost.from, "to": lost.to }).to_string();
        set_annotation(&mut object, target.annotation(), text);
    }

    object["apiVersion"] = json!(api_version);
    if let (Some(object), Value::Object(converted)) = (object.as_object_mut(), converted) {
        object.extend(converted);
    }
    Ok(object)
}

/// Puts back what rode in the annotation of an object of the version `source`.
fn restore(text: &str, source: Version, converted: Value) -> Result<Value, ConvertError> {
    let error = |problem: String| ConvertError::Annotation {
        name: source.annotation(),
        problem,
    };
    let data: Value = serde_json::from_str(text).map_err(|e| error(e.to_string()))?;
    let mut lost = match (data.get("from"), data.get("to")) {
        (Some(from), Some(to)) => Difference {
            from: from.clone(),
            to: to.clone(),
        },
        _ if data.get("spec").is_some() => {
            // As older operators wrote it: the whole object in the target version.
            let back = source.plainly(&source.other().plainly(&data)?)?;
            match Difference::between(back.clone(), data.clone()) {
                Some(lost) => keep_loki_whole(lost, &back, &data),
                None => return Ok(converted),
            }
        }
        _ => {
            return Err(error(
                "it holds neither `from` and `to` nor `spec`".to_owned(),
            ));
        }
    };
    // The address of Loki was edited: it only counts in the mode the plain conversion gives.
    let manual = paths::get(&lost.from, "spec.loki.manual");
    if manual.is_some() && manual != paths::get(&converted, "spec.loki.manual") {
        paths::take(&mut lost.from, "spec.loki.mode");
        paths::take(&mut lost.to, "spec.loki.mode");
    }
    Ok(lost.apply(converted))
}

/// Where the mode of Loki differs, keeps all of `manual`, by which [`restore`] sees whether it was edited.
fn keep_loki_whole(mut lost: Difference, from: &Value, to: &Value) -> Difference {
    if paths::get(&lost.to, "spec.loki.mode").is_some() {
        for (kept, whole) in [(&mut lost.from, from), (&mut lost.to, to)] {
            if let Some(manual) = paths::get(whole, "spec.loki.manual") {
                paths::set(kept, "spec.loki.manual", manual.clone());
            }
        }
    }
    lost
}

/// The API server sends nothing else, but whoever reaches the webhook might.
fn check_metadata(object: &Value) -> Result<(), ConvertError> {
    let Some(metadata) = object["metadata"].as_object() else {
        return Err(ConvertError::Metadata {
            problem: "it is missing",
        });
    };
    match metadata.get("annotations") {
        None | Some(Value::Null | Value::Object(_)) => Ok(()),
        Some(_) => Err(ConvertError::Metadata {
            problem: "annotations are no map",
        }),
    }
}

fn take_annotation(object: &mut Value, name: &str) -> Option<String> {
    let annotations = object
        .get_mut("metadata")?
        .get_mut("annotations")?
        .as_object_mut()?;
    let text = annotations.remove(name)?.as_str()?.to_owned();
    if annotations.is_empty() {
        paths::take(object, "metadata.annotations");
    }
    Some(text)
}

fn set_annotation(object: &mut Value, name: &str, text: String) {
    object["metadata"]["annotations"][name] = Value::String(text);
}

/// Converts a `spec`, as far as `v1beta2` has the words.
fn to_v1beta2(mut spec: Value) -> Value {
    schema::fill_defaults(&V1BETA1_SPEC, &mut spec);
    for (path, _) in SPELLED {
        respell(&mut spec, path, &|text| texts::to_v1beta2(text));
    }
    if paths::get(&spec, "loki").is_some_and(Value::is_object) {
        let querier = paths::get(&spec, "loki.querierUrl").and_then(Value::as_str);
        if querier.is_none_or(str::is_empty)
            && let Some(url) = paths::get(&spec, "loki.url").cloned()
        {
            paths::set(&mut spec, "loki.querierUrl", url);
        }
        paths::set(&mut spec, "loki.mode", json!("Manual"));
    }
    for (from, to) in MOVED {
        if let Some(value) = paths::take(&mut spec, from)
            && !(to.contains(".advanced.") && default_of(to) == Some(&value))
        {
            paths::set(&mut spec, to, value);
        }
    }
    for path in ["agent.ebpf.debug", "processor.debug"] {
        paths::take(&mut spec, path);
    }
    let ignored = paths::take(&mut spec, "processor.metrics.ignoreTags");
    if paths::get(&spec, "processor.metrics.includeList").is_none()
        && let Some(metrics) = ignored.as_ref().and_then(included)
    {
        paths::set(&mut spec, "processor.metrics.includeList", metrics);
    }
    spec
}

/// The metrics that a list of ignored tags leaves; none if that is the default set.
fn included(ignored: &Value) -> Option<Value> {
    let tags: Vec<_> = ignored
        .as_array()?
        .iter()
        .filter_map(Value::as_str)
        .collect();
    if tags.is_empty() || tags == IGNORED_TAGS {
        return None;
    }
    Some(json!(predefined::without_tags(&tags)))
}

/// The default of a field of `v1beta2`.
fn default_of(path: &str) -> Option<&'static Value> {
    path.split('.')
        .try_fold(&*V1BETA2_SPEC, |node, key| node.get("properties")?.get(key))?
        .get("default")
}

/// Converts a `spec`, as far as `v1beta1` has the words.
fn to_v1beta1(mut spec: Value) -> Result<Value, ConvertError> {
    schema::fill_defaults(&V1BETA2_SPEC, &mut spec);
    for (to, from) in MOVED {
        if from.starts_with("loki.manual.") {
            continue;
        }
        if let Some(value) = paths::take(&mut spec, from) {
            paths::set(&mut spec, to, value);
        }
    }
    let loki = match paths::get(&spec, "loki").filter(|loki| loki.is_object()) {
        Some(loki) => Some(
            serde_json::from_value::<Loki>(loki.clone())
                .map_err(|source| ConvertError::Loki { source })?,
        ),
        None => None,
    };
    for path in ONLY_IN_V1BETA2 {
        paths::remove_each(&mut spec, path);
    }
    if let Some(loki) = loki {
        let namespace = spec["namespace"].as_str().unwrap_or_default().to_owned();
        set_connection(&mut spec, &LokiConnection::of(&loki, &namespace));
    }
    for (path, separator) in SPELLED {
        respell(&mut spec, path, &|text| texts::to_v1beta1(text, *separator));
    }
    Ok(spec)
}

fn set_connection(spec: &mut Value, connection: &LokiConnection) {
    for (path, value) in [
        ("loki.url", json!(connection.ingester_url)),
        ("loki.querierUrl", json!(connection.querier_url)),
        ("loki.statusUrl", json!(connection.status_url)),
        ("loki.tenantID", json!(connection.tenant_id)),
        ("loki.authToken", json!(connection.auth_token)),
        ("loki.tls", json!(connection.tls)),
        ("loki.statusTls", json!(connection.status_tls)),
    ] {
        if !value.is_null() {
            paths::set(spec, path, value);
        }
    }
}

fn respell(spec: &mut Value, path: &str, spell: &dyn Fn(&str) -> String) {
    paths::each(spec, path, &mut |value| {
        if let Some(spelled) = value.as_str().map(spell) {
            *value = Value::String(spelled);
        }
    });
}
