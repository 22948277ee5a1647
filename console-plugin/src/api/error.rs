//! Errors as clients see them: a status and `{"message": "…"}`.
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
pub(super) struct ErrorBody {
    message: String,
}

/// An answer that is an error.
#[derive(Debug)]
pub struct ApiError {
    status: StatusCode,
    message: String,
}

impl ApiError {
    /// An error with any status.
    pub fn new(status: StatusCode, message: impl Into<String>) -> Self {
        Self {
            status,
            message: message.into(),
        }
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
        let status =
            StatusCode::from_u16(error.status()).unwrap_or(StatusCode::INTERNAL_SERVER_ERROR);
        Self::new(status, error.to_string())
    }
}

impl IntoResponse for ApiError {
    fn into_response(self) -> Response {
        (
            self.status,
            Json(ErrorBody {
                message: self.message,
            }),
        )
            .into_response()
    }
}
