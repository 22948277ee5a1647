//! `/convert`: objects of one version in, objects of another out.

use axum::Json;
use kube::core::Status;
use kube::core::conversion::{ConversionRequest, ConversionResponse, ConversionReview};
use serde_json::Value;

use crate::apis::flowcollector::convert::convert;

/// Answers a review. All objects are converted, or the answer says which one cannot be and why.
pub async fn handle(Json(review): Json<ConversionReview>) -> Json<ConversionReview> {
    let response = match ConversionRequest::from_review(review) {
        Ok(request) => answer(request),
        Err(error) => {
            ConversionResponse::invalid(Status::failure(&error.to_string(), "InvalidRequest"))
        }
    };
    Json(response.into_review())
}

fn answer(mut request: ConversionRequest) -> ConversionResponse {
    let objects = std::mem::take(&mut request.objects);
    let version = request.desired_api_version.clone();
    let response = ConversionResponse::for_request(request);
    let converted: Result<Vec<Value>, String> = objects
        .into_iter()
        .map(|object| {
            let name = object["metadata"]["name"]
                .as_str()
                .unwrap_or("?")
                .to_owned();
            convert(object, &version)
                .map_err(|error| format!("convert FlowCollector {name}: {error}"))
        })
        .collect();
    match converted {
        Ok(objects) => response.success(objects),
        Err(message) => {
            tracing::warn!(message, "an object cannot be converted");
            response.failure(Status::failure(&message, "ConversionFailed"))
        }
    }
}
