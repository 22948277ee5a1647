//! Packs large answers with gzip, off the async threads: a packed answer of many megabytes takes seconds.
//!
//! Not used on one host, where the bytes never leave the machine. **Invariant:** what is packed already, or too small to
//! be worth it, leaves as it is.

use std::io::{self, Write as _};

use axum::body::{Body, HttpBody as _};
use axum::extract::Request;
use axum::http::{HeaderMap, HeaderValue, StatusCode, header};
use axum::middleware::Next;
use axum::response::{IntoResponse, Response};
use flate2::Compression;
use flate2::write::GzEncoder;
use http_body_util::BodyExt as _;

use super::{ApiError, off_thread};

/// Answers of fewer bytes fit into two packets.
const BYTES_MIN: u64 = 2048;

/// Packs the answer if its client takes that.
pub async fn pack(request: Request, next: Next) -> Response {
    let is_wanted = accepts_gzip(request.headers());
    let mut response = next.run(request).await;
    let is_packed = response.headers().contains_key(header::CONTENT_ENCODING);
    // Handlers make their answers whole, so that the size is known.
    if is_packed || response.body().size_hint().lower() < BYTES_MIN {
        return response;
    }
    let headers = response.headers_mut();
    headers.append(header::VARY, HeaderValue::from_static("accept-encoding"));
    if !is_wanted {
        return response;
    }
    headers.remove(header::CONTENT_LENGTH);
    headers.insert(header::CONTENT_ENCODING, HeaderValue::from_static("gzip"));
    let (head, body) = response.into_parts();
    let Ok(body) = body.collect().await else {
        return failed().into_response();
    };
    let bytes = body.to_bytes();
    let packed = off_thread(move || {
        let packed = gzip(&bytes).map_err(|_| failed())?;
        Ok(Response::from_parts(head, Body::from(packed)))
    });
    packed.await.unwrap_or_else(IntoResponse::into_response)
}

fn failed() -> ApiError {
    ApiError::new(
        StatusCode::INTERNAL_SERVER_ERROR,
        "the answer cannot be packed",
    )
}

/// The fast level: the lines of flows repeat so much that a higher one takes long and gains little.
fn gzip(bytes: &[u8]) -> io::Result<Vec<u8>> {
    let mut encoder = GzEncoder::new(Vec::with_capacity(bytes.len() / 8), Compression::fast());
    encoder.write_all(bytes)?;
    encoder.finish()
}

/// Whether `Accept-Encoding` has gzip, by name or by `*`, and not with a weight of 0 (RFC 9110, 12.5.3).
fn accepts_gzip(headers: &HeaderMap) -> bool {
    let codings = headers.get_all(header::ACCEPT_ENCODING).iter();
    let codings = codings.filter_map(|value| value.to_str().ok());
    let mut by_any = false;
    for coding in codings.flat_map(|value| value.split(',')) {
        let (name, weight) = coding.split_once(';').unwrap_or((coding, "q=1"));
        let weight = weight.trim().strip_prefix("q=").unwrap_or("1");
        let is_taken = weight.parse().unwrap_or(1.0_f32) > 0.0;
        match name.trim() {
            name if name.eq_ignore_ascii_case("gzip") => return is_taken,
            "*" => by_any = is_taken,
            _ => {}
        }
    }
    by_any
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn gzip_is_used_where_it_is_taken() {
        for (value, expected) in [
            ("gzip", true),
            ("br, GZIP;q=0.5", true),
            ("gzip;q=0, *", false),
            ("*", true),
            ("*;q=0", false),
            ("br", false),
            ("", false),
        ] {
            let mut headers = HeaderMap::new();
            headers.insert(header::ACCEPT_ENCODING, HeaderValue::from_static(value));
            assert_eq!(accepts_gzip(&headers), expected, "{value}");
        }
        assert!(!accepts_gzip(&HeaderMap::new()));
    }
}
