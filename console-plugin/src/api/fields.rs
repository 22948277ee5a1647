//! `GET /api/fields/{field}/values`: values of a field in a range, with counts, for completion.
//!
//! **Invariant:** same parameters, filters and errors as records.

use axum::Json;
use axum::extract::{Path, RawQuery, State};
use axum::response::{IntoResponse, Response};
use schemars::JsonSchema;
use serde::Serialize;

use super::{Api, now_ms};
use crate::query::BadRequest;
use crate::query::filter::check_key;
use crate::query::parameters::Parameters;
use crate::query::request::FlowRequest;

/// Values when the request gives no limit.
const LIMIT: usize = 20;
/// Values at most.
const LIMIT_MAX: usize = 1000;
/// Characters of a prefix.
const PREFIX_MAX: usize = 256;

/// Values of a field, most frequent first.
#[derive(Serialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub(super) struct FieldValues {
    values: Vec<FieldValue>,
    limit_reached: bool,
}

/// A value and how many flows have it.
#[derive(Serialize, JsonSchema)]
struct FieldValue {
    value: String,
    count: u64,
}

/// Answers the most frequent values first.
pub async fn values(
    State(api): State<Api>,
    Path(field): Path<String>,
    RawQuery(query): RawQuery,
) -> Response {
    api.timed("GetFieldValues", async {
        let parameters = Parameters::parse(query.as_deref().unwrap_or_default())?;
        check_key(&field)?;
        let prefix = parameters.get("prefix");
        if prefix.chars().count() > PREFIX_MAX {
            return Err(
                BadRequest(format!("prefix is longer than {PREFIX_MAX} characters")).into(),
            );
        }
        let request = FlowRequest::read(&parameters, now_ms())?;
        let limit = request.limit.unwrap_or(LIMIT).min(LIMIT_MAX);
        let plan = api.planner().values(&field, prefix, request, limit)?;
        let answer = api.source().values(plan).await?;
        let values = answer
            .values
            .into_iter()
            .map(|v| FieldValue {
                value: v.value,
                count: v.count,
            })
            .collect();
        Ok(Json(FieldValues {
            values,
            limit_reached: answer.is_limited,
        })
        .into_response())
    })
    .await
}
