//! Who may read: asks the API server whose token a request shows, and whether they may.

use axum::Router;
use axum::extract::{Request, State};
use axum::http::{HeaderMap, StatusCode, header};
use axum::middleware::{self, Next};
use axum::response::{IntoResponse, Response};
use k8s_openapi::api::authentication::v1::{TokenReview, TokenReviewSpec, UserInfo};
use k8s_openapi::api::authorization::v1::{
    NonResourceAttributes, SubjectAccessReview, SubjectAccessReviewSpec,
};
use kube::Client;
use kube::api::{Api, PostParams};
use std::time::Duration;
use tower::limit::GlobalConcurrencyLimitLayer;
use tower_http::timeout::TimeoutLayer;

/// Requests that are asked about at once; others wait.
const REVIEWS_MAX: usize = 8;
/// From a request to its answer, also while it waits for others.
const REQUEST_LIMIT: Duration = Duration::from_secs(10);

/// Answers only whom the API server lets `get` the path.
pub fn protect(router: Router, client: Client) -> Router {
    router
        .layer(middleware::from_fn_with_state(client, check))
        .layer(GlobalConcurrencyLimitLayer::new(REVIEWS_MAX))
        .layer(TimeoutLayer::with_status_code(
            StatusCode::REQUEST_TIMEOUT,
            REQUEST_LIMIT,
        ))
}

async fn check(State(client): State<Client>, request: Request, next: Next) -> Response {
    let Some(token) = token(request.headers()) else {
        return StatusCode::UNAUTHORIZED.into_response();
    };
    let path = request.uri().path();
    match may(&client, token, path).await {
        Ok(StatusCode::OK) => next.run(request).await,
        Ok(refused) => refused.into_response(),
        Err(error) => {
            tracing::warn!(path, %error, "cannot ask whether somebody may read; refused");
            StatusCode::INTERNAL_SERVER_ERROR.into_response()
        }
    }
}

fn token(headers: &HeaderMap) -> Option<&str> {
    let value = headers.get(header::AUTHORIZATION)?.to_str().ok()?;
    let (scheme, token) = value.split_once(' ')?;
    let is_bearer = scheme.eq_ignore_ascii_case("bearer") && !token.trim().is_empty();
    is_bearer.then_some(token.trim())
}

async fn may(client: &Client, token: &str, path: &str) -> Result<StatusCode, kube::Error> {
    let Some(user) = user(client, token).await? else {
        return Ok(StatusCode::UNAUTHORIZED);
    };
    let review = SubjectAccessReview {
        spec: SubjectAccessReviewSpec {
            user: user.username,
            groups: user.groups,
            uid: user.uid,
            extra: user.extra,
            non_resource_attributes: Some(NonResourceAttributes {
                path: Some(path.to_owned()),
                verb: Some("get".to_owned()),
            }),
            ..SubjectAccessReviewSpec::default()
        },
        ..SubjectAccessReview::default()
    };
    let reviews: Api<SubjectAccessReview> = Api::all(client.clone());
    let review = reviews.create(&PostParams::default(), &review).await?;
    let is_allowed = review.status.is_some_and(|status| status.allowed);
    Ok(if is_allowed {
        StatusCode::OK
    } else {
        StatusCode::FORBIDDEN
    })
}

/// Whose token it is; none if it is nobody's.
async fn user(client: &Client, token: &str) -> Result<Option<UserInfo>, kube::Error> {
    let review = TokenReview {
        spec: TokenReviewSpec {
            token: token.to_owned(),
            audiences: None,
        },
        ..TokenReview::default()
    };
    let reviews: Api<TokenReview> = Api::all(client.clone());
    let review = reviews.create(&PostParams::default(), &review).await?;
    let status = review.status.unwrap_or_default();
    let is_known = status.authenticated == Some(true);
    Ok(status.user.filter(|_| is_known))
}
