//! The `server` block: listeners, TLS, CORS, authentication and limits.
//!
//! **Invariant:** every key NetObserv knows keeps its name and default; our own keys are additive
//! and change nothing while they are empty.

use std::net::IpAddr;
use std::time::Duration;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::duration::GoDuration;

/// Page and API.
pub const PORT: u16 = 9001;
/// Metrics and health.
pub const METRICS_PORT: u16 = 9002;
/// Folder of the built page, relative to the working directory as in the image.
pub const STATIC_PATH: &str = "./web/dist";
/// How long one query may take.
pub const QUERY_TIMEOUT: Duration = Duration::from_secs(30);
/// Connections held at once per listener.
pub const CONNECTIONS_MAX: usize = 1024;

/// How a caller is checked.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize, Serialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub enum AuthCheck {
    /// The strictest check the data source allows.
    Auto,
    /// The caller's token must be known to the cluster.
    Authenticated,
    /// The caller must be able to list all namespaces.
    Admin,
    /// Everybody passes.
    None,
    /// Nobody passes.
    DenyAll,
}

/// Listeners of the page, the API and the metrics.
#[derive(Debug, Clone, Deserialize, Serialize, JsonSchema)]
#[serde(default, rename_all = "camelCase")]
pub struct ServerConfig {
    /// Port of page and API; 0 takes a free one.
    pub port: u16,
    /// Address of page and API; empty is every address.
    pub address: String,
    /// Port of metrics and health; 0 takes a free one.
    pub metrics_port: u16,
    /// Address of metrics and health; empty is every address.
    pub metrics_address: String,
    /// TLS certificate; TLS is on when certificate and key are set.
    pub cert_path: String,
    /// TLS key.
    pub key_path: String,
    /// `Access-Control-Allow-Origin`; empty sends none. Absent: `*`, or none on one host.
    pub cors_origin: Option<String>,
    /// `Access-Control-Allow-Methods`; empty sends none.
    pub cors_methods: String,
    /// `Access-Control-Allow-Headers`; sent only together with an origin.
    pub cors_headers: String,
    /// `Access-Control-Max-Age`; empty sends none.
    pub cors_max_age: String,
    /// How callers are checked.
    pub auth_check: AuthCheck,
    /// Names under which the page may be asked for, beside IP addresses, `localhost` and the
    /// machine's name. Setting it switches the check of `Host` on.
    pub allowed_hosts: Vec<String>,
    /// Folder of the built page.
    pub static_path: String,
    /// How long one query may take.
    pub query_timeout: GoDuration,
    /// Connections held at once per listener.
    pub connections_max: usize,
}

impl Default for ServerConfig {
    fn default() -> Self {
        Self {
            port: PORT,
            address: String::new(),
            metrics_port: METRICS_PORT,
            metrics_address: String::new(),
            cert_path: String::new(),
            key_path: String::new(),
            cors_origin: None,
            cors_methods: String::new(),
            cors_headers: "Origin, X-Requested-With, Content-Type, Accept".to_owned(),
            cors_max_age: String::new(),
            auth_check: AuthCheck::Auto,
            allowed_hosts: Vec::new(),
            static_path: STATIC_PATH.to_owned(),
            query_timeout: GoDuration(QUERY_TIMEOUT),
            connections_max: CONNECTIONS_MAX,
        }
    }
}

impl ServerConfig {
    /// Whether the page is guarded against other sites: it listens on loopback only, or says
    /// which hosts it answers to.
    pub fn is_guarded(&self) -> bool {
        !self.allowed_hosts.is_empty()
            || self.address == "localhost"
            || self
                .address
                .parse::<IpAddr>()
                .is_ok_and(|address| address.is_loopback())
    }

    /// The allowed origin, or none.
    pub fn origin(&self) -> Option<&str> {
        match &self.cors_origin {
            Some(origin) => Some(origin.as_str()).filter(|origin| !origin.is_empty()),
            None => (!self.is_guarded()).then_some("*"),
        }
    }

    pub(super) fn validate(&self, problems: &mut Vec<String>) {
        for (key, address) in [
            ("address", &self.address),
            ("metricsAddress", &self.metrics_address),
        ] {
            if !address.is_empty() && address != "localhost" && address.parse::<IpAddr>().is_err() {
                problems.push(format!("server.{key}: \"{address}\" is not an IP address; leave it empty for every address"));
            }
        }
        if self.cert_path.is_empty() != self.key_path.is_empty() {
            problems.push("server.certPath and server.keyPath: set both or none".to_owned());
        }
        if matches!(
            self.auth_check,
            AuthCheck::Auto | AuthCheck::Authenticated | AuthCheck::Admin
        ) {
            problems.push(
                "server.authCheck: token review needs Kubernetes, which is not available in this version; \
                 set it to \"none\" or \"denyAll\""
                    .to_owned(),
            );
        }
        if self.connections_max == 0 {
            problems.push("server.connectionsMax: must be at least 1".to_owned());
        }
        if self.query_timeout.0.is_zero() {
            problems.push("server.queryTimeout: must be more than 0".to_owned());
        }
        let headers = [
            (
                "corsOrigin",
                self.cors_origin.as_deref().unwrap_or_default(),
            ),
            ("corsMethods", &self.cors_methods),
            ("corsHeaders", &self.cors_headers),
            ("corsMaxAge", &self.cors_max_age),
        ];
        for (key, value) in headers {
            if http::HeaderValue::from_str(value).is_err() {
                problems.push(format!(
                    "server.{key}: \"{value}\" cannot be sent as a header"
                ));
            }
        }
    }
}
