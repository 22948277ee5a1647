//! Conversion between the versions of FlowCollector: nothing is lost, edits win, and what a value becomes.

mod edits;
mod round_trip;
mod values;

use netobserv_operator::apis::crd;
use netobserv_operator::apis::flowcollector::convert::{V1BETA2_DATA, convert};
use serde_json::{Map, Value, json};

const OLD: &str = "flows.netobserv.io/v1beta1";
const NEW: &str = "flows.netobserv.io/v1beta2";

fn object(api_version: &str, spec: Value) -> Value {
    json!({ "apiVersion": api_version, "kind": "FlowCollector", "metadata": { "name": "cluster" }, "spec": spec })
}

/// Schema of the objects of a version.
fn schema_of(api_version: &str) -> Value {
    let version = api_version.rsplit('/').next().unwrap();
    crd::schema_of(&crd::flowcollector().unwrap(), version).unwrap()
}

fn other(api_version: &str) -> &'static str {
    if api_version == OLD { NEW } else { OLD }
}

#[test]
fn what_cannot_be_converted_says_why() {
    let malformed = |text: &str| {
        let mut object = object(OLD, json!({}));
        object["metadata"]["annotations"] = json!({ V1BETA2_DATA: text });
        object
    };
    for (object, to, expected) in [
        (
            object(NEW, json!({})),
            "flows.netobserv.io/v1alpha1",
            "v1alpha1",
        ),
        (object("other.io/v1beta1", json!({})), NEW, "other.io"),
        (malformed("{"), NEW, V1BETA2_DATA),
        (malformed("[]"), NEW, "neither"),
        (malformed("{\"from\":1}"), NEW, "neither"),
        (json!({ "apiVersion": NEW }), OLD, "metadata"),
        (
            json!({ "apiVersion": NEW, "metadata": { "annotations": [] } }),
            OLD,
            "annotations",
        ),
        (json!([]), OLD, "\"\""),
        (
            object(NEW, json!({ "loki": { "mode": "Odd" } })),
            OLD,
            "spec.loki",
        ),
    ] {
        let error = convert(object, to).unwrap_err().to_string();
        assert!(error.contains(expected), "{error}");
    }
}

#[test]
fn an_object_of_the_wanted_version_stays_as_it_is() {
    let given = object(NEW, json!({ "unknown": Map::new() }));
    assert_eq!(convert(given.clone(), NEW).unwrap(), given);
}
