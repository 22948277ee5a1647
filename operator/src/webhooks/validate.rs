//! Admission: checks a resource before it is stored. All problems at once, each with its path and the next step.

use axum::Json;
use axum::extract::State;
use kube::core::DynamicObject;
use kube::core::Status;
use kube::core::admission::{AdmissionRequest, AdmissionResponse, AdmissionReview};
use serde::de::DeserializeOwned;
use tokio::sync::watch;

use crate::apis::flowcollector::v1beta2::FlowCollectorSpec;
use crate::apis::flowmetric::FlowMetricSpec;
use crate::apis::validation::{ClusterFacts, Finding, Findings};
use crate::apis::{flowcollector, flowmetric};
use crate::cluster::Facts;

type Review = Json<AdmissionReview<DynamicObject>>;
/// The newest facts; none before the first discovery.
pub type FactsNow = watch::Receiver<Option<Facts>>;

/// Answers for a FlowCollector.
pub async fn flow_collector(State(facts): State<FactsNow>, Json(review): Review) -> Review {
    let facts = facts.borrow().as_ref().map_or_else(
        || ClusterFacts::unknown("the operator has just started"),
        Facts::for_rules,
    );
    answer(review, |spec: &FlowCollectorSpec| {
        flowcollector::validate::validate(spec, &facts)
    })
}

/// Answers for a FlowMetric.
pub async fn flow_metric(Json(review): Review) -> Review {
    answer(review, |spec: &FlowMetricSpec| {
        flowmetric::validate::validate(spec)
    })
}

fn answer<S: DeserializeOwned + Default>(
    review: AdmissionReview<DynamicObject>,
    check: impl FnOnce(&S) -> Findings,
) -> Review {
    let request: Result<AdmissionRequest<DynamicObject>, _> = review.try_into();
    let response = match request {
        Err(error) => AdmissionResponse::invalid(error),
        Ok(request) => match specification(&request) {
            Ok(spec) => respond(&request, check(&spec)),
            Err(_) if is_untouched(&request) => AdmissionResponse::from(&request),
            Err(error) => {
                AdmissionResponse::from(&request).deny(format!("spec cannot be read: {error}"))
            }
        },
    };
    Json(response.into_review())
}

/// The `spec` of the object; nothing where an object is removed.
fn specification<S: DeserializeOwned + Default>(
    request: &AdmissionRequest<DynamicObject>,
) -> Result<S, serde_json::Error> {
    match request.object.as_ref().map(|object| &object.data["spec"]) {
        None | Some(serde_json::Value::Null) => Ok(S::default()),
        Some(spec) => S::deserialize(spec),
    }
}

/// Whether an update leaves the specification as it was, or is on the way to removal: a rule that came after the object
/// must hinder neither.
fn is_untouched(request: &AdmissionRequest<DynamicObject>) -> bool {
    let (Some(object), Some(old)) = (&request.object, &request.old_object) else {
        return false;
    };
    object.metadata.deletion_timestamp.is_some() || object.data["spec"] == old.data["spec"]
}

fn respond(request: &AdmissionRequest<DynamicObject>, mut findings: Findings) -> AdmissionResponse {
    if is_untouched(request) {
        findings.warnings.append(&mut findings.errors);
    }
    let mut response = AdmissionResponse::from(request);
    let texts =
        |findings: &[Finding]| -> Vec<String> { findings.iter().map(Finding::to_string).collect() };
    if !findings.warnings.is_empty() {
        response.warnings = Some(texts(&findings.warnings));
    }
    if findings.errors.is_empty() {
        return response;
    }
    let message = texts(&findings.errors).join("\n");
    let mut response = response.deny(&message);
    response.result = Status {
        code: 422,
        ..Status::failure(&message, "Invalid")
    };
    response
}
