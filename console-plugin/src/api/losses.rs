//! `GET /api/losses`: what was lost in a range, by component and cause, and when nobody can say.
//!
//! **Invariant:** an interval nobody can account for is a gap and never a number.

use axum::Json;
use axum::extract::{RawQuery, State};
use axum::response::{IntoResponse, Response};

use super::{Api, now_ms};
use crate::query::parameters::Parameters;
use crate::query::request::read_span;

/// Sums the losses of the range.
pub async fn losses(State(api): State<Api>, RawQuery(query): RawQuery) -> Response {
    api.timed("GetLosses", async {
        let parameters = Parameters::parse(query.as_deref().unwrap_or_default())?;
        let span = read_span(&parameters, now_ms())?;
        Ok(Json(api.0.losses.between(span.start_ms, span.end_ms, now_ms())).into_response())
    })
    .await
}
