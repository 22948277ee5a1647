//! Names for the page's filters: clusters, zones, namespaces, objects.
//!
//! **Invariant:** answers are sorted, without repetition and without the empty text.

use std::collections::BTreeSet;

use axum::Json;
use axum::extract::{RawQuery, State};
use axum::http::StatusCode;
use axum::response::{IntoResponse, Response};

use super::{Api, ApiError, now_ms};
use crate::query::filter::{Condition, Operator, Value};
use crate::query::parameters::Parameters;
use crate::query::plan::ValuesPlan;
use crate::query::request::{FlowRequest, PacketLoss, RecordType, Span, read_kind, read_namespace};
use crate::sources::SourceError;

/// How far back names are looked for, as a ready Loki does for label values.
const RANGE_MS: i64 = 6 * 3600 * 1000;
/// Values of one field.
const VALUES_MAX: usize = 10_000;

/// `GET /api/resources/clusters`.
pub async fn clusters(State(api): State<Api>) -> Response {
    api.timed("GetClusters", list(&api, &["K8S_ClusterName"]))
        .await
}

/// `GET /api/resources/udns`.
pub async fn udns(State(api): State<Api>) -> Response {
    api.timed(
        "GetUDNs",
        list(&api, &["SrcK8S_NetworkName", "DstK8S_NetworkName", "Udns"]),
    )
    .await
}

/// `GET /api/resources/zones`.
pub async fn zones(State(api): State<Api>) -> Response {
    api.timed("GetZones", list(&api, &["SrcK8S_Zone", "DstK8S_Zone"]))
        .await
}

/// `GET /api/resources/namespaces`.
pub async fn namespaces(State(api): State<Api>) -> Response {
    api.timed(
        "GetNamespaces",
        list(&api, &["SrcK8S_Namespace", "DstK8S_Namespace"]),
    )
    .await
}

/// `GET /api/resources/names`.
pub async fn names(State(api): State<Api>, RawQuery(query): RawQuery) -> Response {
    api.timed("GetNames", async {
        let parameters = Parameters::parse(query.as_deref().unwrap_or_default())?;
        let kind = read_kind(parameters.get("kind"))?;
        let namespace = read_namespace(parameters.get("namespace"))?;
        let (kind_field, name_field) = match kind {
            "Pod" | "Service" | "Node" => ("K8S_Type", "K8S_Name"),
            _ => ("K8S_OwnerType", "K8S_OwnerName"),
        };
        let mut names = BTreeSet::new();
        for side in ["Src", "Dst"] {
            let mut conditions = vec![equals(format!("{side}{kind_field}"), kind)];
            conditions.extend(
                namespace
                    .as_deref()
                    .map(|namespace| equals(format!("{side}K8S_Namespace"), namespace)),
            );
            let found = values(&api, &format!("{side}{name_field}"), conditions).await;
            names.extend(
                found.map_err(|error| ApiError::from(error).context("Loki query failed: "))?,
            );
        }
        Ok(Json(names).into_response())
    })
    .await
}

/// `GET /api/k8s/resources/udnIds`: a list of the cluster's own objects.
pub async fn udn_ids() -> ApiError {
    ApiError::new(
        StatusCode::INTERNAL_SERVER_ERROR,
        "listing user defined networks needs Kubernetes, which is not available in this version",
    )
}

/// Values of label fields, all together.
pub(super) async fn label_values(api: &Api, fields: &[&str]) -> Result<BTreeSet<String>, ApiError> {
    let mut all = BTreeSet::new();
    for field in fields {
        let found = values(api, field, Vec::new()).await;
        all.extend(found.map_err(|error| {
            let step = format!("error while fetching label {field} values from Loki: ");
            ApiError::label(&error).context(&step)
        })?);
    }
    Ok(all)
}

async fn list(api: &Api, fields: &[&str]) -> Result<Response, ApiError> {
    Ok(Json(label_values(api, fields).await?).into_response())
}

async fn values(
    api: &Api,
    field: &str,
    conditions: Vec<Condition>,
) -> Result<Vec<String>, SourceError> {
    let now = now_ms();
    let request = FlowRequest {
        span: Span {
            start_ms: now - RANGE_MS,
            end_ms: now,
            is_relative: true,
        },
        limit: None,
        // Names are names, also where conversations alone are stored.
        record_type: RecordType::Any,
        packet_loss: PacketLoss::All,
        namespace: None,
        groups: vec![conditions],
    };
    let plan: ValuesPlan = api.planner().values(field, "", request, VALUES_MAX)?;
    let answer = api.source().values(plan).await?;
    Ok(answer.values.into_iter().map(|value| value.value).collect())
}

fn equals(key: String, text: &str) -> Condition {
    Condition {
        key,
        operator: Operator::Match,
        values: vec![Value {
            text: text.to_owned(),
            is_exact: true,
        }],
    }
}
