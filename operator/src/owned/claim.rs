//! A claim on a volume that exists: what of it may still change. It never shrinks, and never changes its class or its
//! modes, which the API server would refuse for ever; a user or an autoscaler may have grown it.

use kube::api::Api;
use kube::core::DynamicObject;
use serde_json::Value;

use super::apply::{Applier, Outcome, OwnedError, contestants, difference};
use super::{Kind, has_our_owner};
use crate::object::{Object, quantity};

/// Fields that only a new claim can have otherwise.
const FIXED: &[&str] = &["accessModes", "storageClassName", "volumeMode"];

/// Whether a kind is that of claims.
pub fn is_claim(kind: &Kind) -> bool {
    kind.group.is_empty() && kind.kind == "PersistentVolumeClaim"
}

impl Applier {
    /// Writes what may change of a claim that exists. Others keep their part in it: the volume it is bound to.
    pub(super) async fn apply_claim(
        &mut self,
        api: &Api<DynamicObject>,
        object: &Object,
        live: &DynamicObject,
    ) -> Result<Outcome, OwnedError> {
        let key = object.key();
        let mut fitted = fit(object, live);
        let difference = difference(&fitted.object, live);
        if let Some(difference) = &difference {
            match self.write(api, &fitted.object).await {
                Ok(()) => tracing::info!(object = %key, difference, "updated"),
                // Owners are changed only by who may delete, and we may not.
                Err(OwnedError::Api {
                    source: kube::Error::Api(status),
                    ..
                }) if status.code == 403 && has_our_owner(live) => fitted.kept.push(format!(
                    "it would be deleted with its owner, data and all, and only who may delete it can change that: run \
                     kubectl patch pvc {} -n {} --type=merge -p '{{\"metadata\":{{\"ownerReferences\":null}}}}'",
                    key.name,
                    key.namespace.as_deref().unwrap_or_default()
                )),
                Err(OwnedError::Api {
                    source: kube::Error::Api(status),
                    ..
                }) if matches!((status.code, &fitted.growth), (403 | 422, Some(_))) => {
                    let size = fitted.growth.take().unwrap_or_default();
                    fitted.kept.push(format!(
                        "it cannot grow to {size}: {}; ask for the former size, or have its class allow it",
                        status.message
                    ));
                }
                Err(error) => return Err(error),
            }
        }
        Ok(match (fitted.kept.is_empty(), difference) {
            (false, _) => Outcome::Kept(format!("{key}: {}", fitted.kept.join("; "))),
            (true, Some(_)) => Outcome::Updated(contestants(object, live)),
            (true, None) => Outcome::Unchanged,
        })
    }
}

/// A desired claim, made to fit the live one.
#[derive(Debug, PartialEq)]
pub struct Fitted {
    /// What can be written: the desired metadata, the live specification, and a greater size.
    pub object: Object,
    /// What stays as it is though something else is asked for, with the next step.
    pub kept: Vec<String>,
    /// The greater size, if the claim is to grow.
    pub growth: Option<String>,
}

/// What can be written of `object`, where `live` is.
pub fn fit(object: &Object, live: &DynamicObject) -> Fitted {
    let wanted = &object.body()["spec"];
    let there = &live.data["spec"];
    let mut spec = wanted.clone();
    let mut kept = Vec::new();
    for field in FIXED {
        let (asked, has) = (&wanted[*field], &there[*field]);
        if !asked.is_null() && asked != has {
            kept.push(format!(
                "its {field} is {has} and cannot become {asked}: ask for {has}, or save its data and remove the claim, \
                 which is then made anew"
            ));
        }
        set(&mut spec, field, has);
    }
    let size = |spec: &Value| spec["resources"]["requests"]["storage"].clone();
    let (asked, has) = (size(wanted), size(there));
    let is_bound = live.data["status"]["phase"] == "Bound";
    let mut growth = None;
    match bytes(&asked).cmp(&bytes(&has)) {
        std::cmp::Ordering::Greater if is_bound => {
            growth = asked.as_str().map(str::to_owned);
        }
        std::cmp::Ordering::Greater => kept.push(format!(
            "its size is {has} and becomes {asked} once it has a volume: see why it has none, or remove the claim, \
             which is then made anew"
        )),
        std::cmp::Ordering::Less => kept.push(format!(
            "its size is {has} and cannot shrink to {asked}: ask for {has}, or save its data and remove the claim, \
             which is then made anew"
        )),
        std::cmp::Ordering::Equal => {}
    }
    if growth.is_none() && !has.is_null() {
        spec["resources"]["requests"]["storage"] = has;
    }
    Fitted {
        object: object.with_spec(spec),
        kept,
        growth,
    }
}

/// An applied null is not the same as an absent field.
fn set(spec: &mut Value, field: &str, value: &Value) {
    let Some(fields) = spec.as_object_mut() else {
        return;
    };
    if value.is_null() {
        fields.remove(field);
    } else {
        fields.insert(field.to_owned(), value.clone());
    }
}

fn bytes(size: &Value) -> Option<i128> {
    size.as_str().and_then(quantity::units)
}
