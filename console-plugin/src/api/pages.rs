//! The built page: files of a folder, ready-packed ones where they exist, and `index.html` for the
//! addresses the page itself makes up.
//!
//! **Invariant:** no request leads out of the folder (`tower-http` refuses `..`; a symbolic link is
//! its owner's wish and is followed), no folder is listed, and scripts run from our own files only.

use std::convert::Infallible;
use std::path::Path;

use axum::body::Body;
use axum::http::header::{self, HeaderValue};
use axum::http::{Method, Request, StatusCode, Uri};
use axum::response::{IntoResponse, Response};
use tower::{Service, ServiceExt as _, service_fn};
use tower_http::services::ServeDir;

use super::ApiError;

/// Styles set by scripts are allowed, since charts and tables size themselves; scripts are not.
const CONTENT_SECURITY_POLICY: &str = "default-src 'self'; script-src 'self'; style-src 'self' 'unsafe-inline'; \
     img-src 'self' data: blob:; font-src 'self' data:; worker-src 'self' blob:; connect-src 'self'; object-src 'none'; \
     base-uri 'none'; form-action 'self'; frame-ancestors 'none'";
/// A file whose name holds the hash of its content never changes.
const FOREVER: &str = "public, max-age=31536000, immutable";
/// Anything else is asked for again.
const REVALIDATE: &str = "no-cache";

/// The service behind every address that is not of the API.
pub fn service(
    folder: &str,
) -> impl Service<Request<Body>, Response = Response, Error = Infallible, Future: Send>
+ Clone
+ Send
+ Sync
+ 'static {
    let files = ServeDir::new(Path::new(folder))
        .append_index_html_on_directories(false)
        .precompressed_br()
        .precompressed_gzip();
    service_fn(move |request: Request<Body>| {
        let files = files.clone();
        async move { Ok(serve(files, request).await) }
    })
}

async fn serve(files: ServeDir, mut request: Request<Body>) -> Response {
    if !matches!(*request.method(), Method::GET | Method::HEAD) {
        return ApiError::new(StatusCode::METHOD_NOT_ALLOWED, "only GET is answered here")
            .into_response();
    }
    let path = request.uri().path();
    if path == "/api" || path.starts_with("/api/") {
        return ApiError::new(StatusCode::NOT_FOUND, "no such route").into_response();
    }
    let is_page = is_page(path);
    let is_hashed = is_hashed(path);
    if is_page {
        *request.uri_mut() = Uri::from_static("/index.html");
    }
    // Reading a file either works or becomes a status.
    let Ok(response) = files.oneshot(request).await;
    let mut response = response.map(Body::new);
    if response.status() == StatusCode::NOT_FOUND && is_page {
        let text = "the page is not built; run \"npm run build\" in console-plugin/web, or set server.staticPath\n";
        return (StatusCode::NOT_FOUND, text).into_response();
    }
    let headers = response.headers_mut();
    let cache = if is_hashed { FOREVER } else { REVALIDATE };
    headers.insert(header::CACHE_CONTROL, HeaderValue::from_static(cache));
    headers.insert(
        header::CONTENT_SECURITY_POLICY,
        HeaderValue::from_static(CONTENT_SECURITY_POLICY),
    );
    headers.insert(
        header::REFERRER_POLICY,
        HeaderValue::from_static("no-referrer"),
    );
    response
}

/// An address the page makes up (`/netflow-traffic`): its last part is no file name.
fn is_page(path: &str) -> bool {
    path.rsplit('/')
        .next()
        .is_none_or(|name| !name.contains('.') && !name.contains('%'))
}

/// `main.3f9c2a1b7d.js`: a part of the name is a hash of at least eight hexadecimal digits.
fn is_hashed(path: &str) -> bool {
    let name = path.rsplit('/').next().unwrap_or_default();
    name.split(['.', '-'])
        .any(|part| part.len() >= 8 && part.bytes().all(|byte| byte.is_ascii_hexdigit()))
}
