//! `GET /api/losses`: what was lost in a range, by component and cause, and when nobody can say.
//!
//! **Invariant:** an interval nobody can account for is a gap and never a number.

use axum::Json;
use axum::extract::{RawQuery, State};
use axum::response::{IntoResponse, Response};

use super::{Api, now_ms, off_thread};
use crate::losses::Unaccounted;
use crate::query::parameters::Parameters;
use crate::query::request::read_span;

/// The component of hours of which a damaged file was set aside.
const STORE: &str = "flow store";

/// Sums the losses of the range.
pub async fn losses(State(api): State<Api>, RawQuery(query): RawQuery) -> Response {
    api.timed("GetLosses", async {
        let parameters = Parameters::parse(query.as_deref().unwrap_or_default())?;
        let span = read_span(&parameters, now_ms())?;
        let api = api.clone();
        off_thread(move || {
            let (start_ms, end_ms) = (span.start_ms, span.end_ms);
            let mut report = api.0.losses.between(start_ms, end_ms, now_ms());
            let damaged = api.source().damaged().into_iter();
            let touching = damaged.filter(|(from, to)| *from < end_ms && *to > start_ms);
            report
                .unaccounted
                .extend(touching.map(|(from, to)| Unaccounted {
                    component: STORE.to_owned(),
                    from,
                    to,
                }));
            Ok(Json(report).into_response())
        })
        .await
    })
    .await
}
