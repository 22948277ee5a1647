//! Which names this machine is asked by.
//!
//! Used by the API's guard, and by `app` for the ports for pushes and metrics where they listen on loopback.
//! **Invariant:** a page of another site that had its own name point to this machine (DNS rebinding) gets nothing and
//! stores nothing: its requests carry its name.

use std::net::IpAddr;
use std::sync::Arc;

use axum::body::Body;
use axum::extract::State;
use axum::http::{Request, StatusCode, header};
use axum::middleware::Next;
use axum::response::{IntoResponse, Response};

use crate::metrics::Metrics;

/// What a refused request is told.
pub const REFUSAL: &str =
    "this host name is not one of this machine's; add it to server.allowedHosts to allow it";
/// Its cause, for the metric.
pub const REASON: &str = "host";

/// Names of loopback, as distributions write them into `/etc/hosts`; no name server answers for them.
const LOCAL: [&str; 3] = ["localhost", "localhost.localdomain", "ip6-localhost"];

/// The names beside IP addresses.
#[derive(Debug, Clone)]
pub struct Hosts(Arc<[String]>);

impl Hosts {
    /// Those of `server.allowedHosts`, `localhost` and the machine's own.
    pub fn new(allowed: &[String]) -> Self {
        let mut names: Vec<String> = allowed
            .iter()
            .map(|host| host.to_ascii_lowercase())
            .collect();
        names.extend(LOCAL.map(str::to_owned));
        names.extend(machine_name());
        Self(names.into())
    }

    /// Whether a request is for an address or one of the names.
    pub fn has<B>(&self, request: &Request<B>) -> bool {
        let host = request
            .uri()
            .host()
            .or_else(|| request.headers().get(header::HOST)?.to_str().ok())
            .unwrap_or_default();
        is_allowed(host, &self.0)
    }
}

/// Refuses requests for other names. Browsers always send a name, so that a request without one is of no page.
pub async fn check(
    State((hosts, metrics)): State<(Hosts, Metrics)>,
    request: Request<Body>,
    next: Next,
) -> Response {
    let is_nameless =
        request.uri().host().is_none() && !request.headers().contains_key(header::HOST);
    if is_nameless || hosts.has(&request) {
        return next.run(request).await;
    }
    metrics.refused(REASON);
    (StatusCode::FORBIDDEN, format!("{REFUSAL}\n")).into_response()
}

/// Whether a `Host` (with or without port) is an address or one of the names.
fn is_allowed(host: &str, names: &[String]) -> bool {
    if let Some(rest) = host.strip_prefix('[') {
        return rest
            .split_once(']')
            .is_some_and(|(address, _)| address.parse::<IpAddr>().is_ok());
    }
    let name = host.rsplit_once(':').map_or(host, |(name, _)| name);
    let name = name.strip_suffix('.').unwrap_or(name).to_ascii_lowercase();
    name.parse::<IpAddr>().is_ok() || names.contains(&name)
}

fn machine_name() -> Option<String> {
    let name = std::fs::read_to_string("/proc/sys/kernel/hostname").ok()?;
    Some(name.trim().to_ascii_lowercase()).filter(|name| !name.is_empty())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_names_of_this_machine_pass() {
        let names = ["localhost".to_owned(), "flows.example".to_owned()];
        for (host, expected) in [
            ("127.0.0.1:9001", true),
            ("127.0.0.1", true),
            ("[::1]:9001", true),
            ("[::1]", true),
            ("localhost:9001", true),
            ("LOCALHOST", true),
            ("localhost.", true),
            ("flows.example:443", true),
            ("evil.example:9001", false),
            ("localhost.evil.example", false),
            ("127.0.0.1.evil.example", false),
            ("[evil]", false),
            ("", false),
        ] {
            assert_eq!(is_allowed(host, &names), expected, "{host}");
        }
    }
}
