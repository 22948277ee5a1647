//! Errors as clients see them: a status and `{"message": "…"}`, or another key that pages look for.
//!
//! **Invariant:** the text says what was wrong and never what the server keeps for itself.

use axum::Json;
use axum::http::StatusCode;
use axum::response::{IntoResponse, Response};
use schemars::JsonSchema;
use serde::Serialize;

use crate::query::BadRequest;
use crate::sources::SourceError;

/// Body of every error but a refused login.
#[derive(Serialize, JsonSchema)]
#[serde(untagged, rename_all_fields = "camelCase")]
pub(super) enum ErrorBody {
    /// Anything else.
    General { message: String },
    /// No metric of Prometheus can answer.
    Prometheus { prom_unsupported: String },
}

/// An answer that is an error.
#[derive(Debug)]
pub struct ApiError {
    status: StatusCode,
    message: String,
    is_prometheus: bool,
}

impl ApiError {
    /// An error with any status.
    pub fn new(status: StatusCode, message: impl Into<String>) -> Self {
        Self {
            status,
            message: message.into(),
            is_prometheus: false,
        }
    }

    /// Prometheus cannot answer, and nobody else may.
    pub fn prometheus_unsupported(reason: &str) -> Self {
        Self {
            status: StatusCode::BAD_REQUEST,
            message: format!("Prometheus cannot answer this request: {reason}"),
            is_prometheus: true,
        }
    }

    /// Values of a label could not be read.
    pub fn label(error: &SourceError) -> Self {
        Self::new(status_of(error), error.label_text())
    }

    /// Puts a step before the text.
    #[must_use]
    pub fn context(mut self, step: &str) -> Self {
        self.message.insert_str(0, step);
        self
    }

    /// The text.
    pub fn message(&self) -> &str {
        &self.message
    }

    /// The status.
    pub fn status(&self) -> StatusCode {
        self.status
    }
}

impl From<BadRequest> for ApiError {
    fn from(error: BadRequest) -> Self {
        Self::new(StatusCode::BAD_REQUEST, error.0)
    }
}

impl From<SourceError> for ApiError {
    fn from(error: SourceError) -> Self {
        Self::new(status_of(&error), error.to_string())
    }
}

fn status_of(error: &SourceError) -> StatusCode {
    StatusCode::from_u16(error.status()).unwrap_or(StatusCode::INTERNAL_SERVER_ERROR)
}

impl IntoResponse for ApiError {
    fn into_response(self) -> Response {
        let body = if self.is_prometheus {
            ErrorBody::Prometheus {
                prom_unsupported: self.message,
            }
        } else {
            ErrorBody::General {
                message: self.message,
            }
        };
        (self.status, Json(body)).into_response()
    }
}
