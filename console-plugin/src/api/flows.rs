//! Flows: records, export, metrics.
//!
//! **Invariant:** the heavy part of an answer (JSON, CSV) is made off the async threads.

use axum::extract::{RawQuery, State};
use axum::http::{HeaderName, StatusCode, header};
use axum::response::{IntoResponse, Response};

use super::{Api, ApiError, json_bytes, now_ms, off_thread};
use crate::answer;
use crate::query::BadRequest;
use crate::query::filter::check_key;
use crate::query::parameters::Parameters;
use crate::query::request::{DataSource, FlowRequest, MetricsRequest};
use crate::sources::Records;

/// Header of an export: whether there may be more flows than it has.
const LIMIT_REACHED: HeaderName = HeaderName::from_static("x-limit-reached");
/// Columns of one export.
const COLUMNS_MAX: usize = 256;

/// `GET /api/loki/flow/records`.
pub async fn records(State(api): State<Api>, RawQuery(query): RawQuery) -> Response {
    api.timed("GetFlows", async {
        let parameters = Parameters::parse(query.as_deref().unwrap_or_default())?;
        let (answer, limit_reached) = read(&api, &parameters).await?;
        let now_s = now_ms() / 1000;
        off_thread(move || Ok(json_bytes(answer::streams(&answer, limit_reached, now_s)))).await
    })
    .await
}

/// `GET /api/loki/export`.
pub async fn export(State(api): State<Api>, RawQuery(query): RawQuery) -> Response {
    api.timed("ExportFlows", async {
        let parameters = Parameters::parse(query.as_deref().unwrap_or_default())?;
        let format = parameters.get("format");
        if format != "csv" {
            let shown: String = format.chars().take(16).collect();
            return Err(BadRequest(format!("export format \"{shown}\" is not valid")).into());
        }
        let columns: Vec<String> = parameters
            .get("columns")
            .split(',')
            .filter(|c| !c.is_empty())
            .map(str::to_owned)
            .collect();
        if columns.len() > COLUMNS_MAX {
            return Err(BadRequest(format!("more than {COLUMNS_MAX} columns")).into());
        }
        columns.iter().try_for_each(|column| check_key(column))?;
        let (answer, limit_reached) = read(&api, &parameters).await?;
        off_thread(move || {
            let columns: Vec<&str> = columns.iter().map(String::as_str).collect();
            let text = answer::csv::csv(&answer.records, &columns).map_err(|error| {
                ApiError::new(StatusCode::INTERNAL_SERVER_ERROR, error.to_string())
            })?;
            let name = jiff::Zoned::now()
                .strftime("export-%Y-%m-%d-%H-%M.csv")
                .to_string();
            let headers = [
                (header::CONTENT_TYPE, "text/csv".to_owned()),
                (
                    header::CONTENT_DISPOSITION,
                    format!("attachment; filename={name}"),
                ),
                (LIMIT_REACHED, limit_reached.to_string()),
            ];
            Ok((headers, text).into_response())
        })
        .await
    })
    .await
}

/// `GET /api/flow/metrics`.
pub async fn metrics(State(api): State<Api>, RawQuery(query): RawQuery) -> Response {
    api.timed("GetTopology", async {
        let parameters = Parameters::parse(query.as_deref().unwrap_or_default())?;
        let request = MetricsRequest::read(&parameters, now_ms())?;
        if request.data_source == DataSource::Prometheus {
            return Err(ApiError::prometheus_unsupported(
                "it is not configured as a data source",
            ));
        }
        let limit = request.flow.limit;
        let plan = api.planner().metrics(request)?;
        let answer = api.source().metrics(plan).await?;
        let limit_reached = limit.is_some_and(|limit| answer.series.len() >= limit);
        let now_s = now_ms() / 1000;
        off_thread(move || Ok(json_bytes(answer::matrix(&answer, limit_reached, now_s)))).await
    })
    .await
}

async fn read(api: &Api, parameters: &Parameters) -> Result<(Records, bool), ApiError> {
    let request = FlowRequest::read(parameters, now_ms())?;
    let plan = api.planner().records(request)?;
    let answer = api.source().records(plan).await?;
    let limit_reached = answer.is_limited;
    Ok((answer, limit_reached))
}
