//! One push over HTTP: request, limits, and what the answer means.
//!
//! Used by the sender alone, one push at a time over a kept connection.
//! **Invariant:** an answer is read up to a limit and an attempt ends at its timeout.

use std::sync::Arc;
use std::time::{Duration, Instant};

use bytes::Bytes;
use http_body_util::{BodyExt, Full, Limited};
use hyper::body::Incoming;
use hyper::header::{CONTENT_TYPE, HeaderMap, HeaderValue, USER_AGENT};
use hyper::{Method, Request, Response, StatusCode, Uri};
use hyper_rustls::{HttpsConnector, HttpsConnectorBuilder};
use hyper_util::client::legacy::{self, connect::HttpConnector};
use hyper_util::rt::{TokioExecutor, TokioTimer};
use rustls::{ClientConfig as RustlsConfig, RootCertStore};

use super::batch::Push;
use super::client_config::ClientConfig;

/// Bytes of an answer that are read; more closes the connection.
const ANSWER_BYTES_MAX: usize = 64 * 1024;
/// Characters of an answer that are quoted in the log.
const REASON_CHARACTERS_MAX: usize = 300;
const IDLE_TIMEOUT: Duration = Duration::from_secs(90);
/// How often certificate files are looked at.
const RELOAD_PERIOD: Duration = Duration::from_secs(10);
const AGENT: HeaderValue =
    HeaderValue::from_static(concat!("flowlogs-pipeline/", env!("CARGO_PKG_VERSION")));
const PROTOBUF: HeaderValue = HeaderValue::from_static("application/x-protobuf");
const TENANT_HEADER: &str = "x-scope-orgid";

type Http = legacy::Client<HttpsConnector<HttpConnector>, Full<Bytes>>;

/// The label of the metric where there is no code.
const NO_STATUS: &str = "-1";

/// How an attempt ended. `status` is the label of the metric.
#[derive(Debug, PartialEq, Eq)]
pub enum Outcome {
    Accepted {
        status: String,
    },
    /// Nobody answered, which says nothing of this batch.
    Unanswered {
        reason: String,
    },
    /// The answer was one that may be another next time.
    Failed {
        status: String,
        reason: String,
    },
    /// Will never be accepted.
    Refused {
        status: String,
        reason: String,
    },
}

impl Outcome {
    pub fn status(&self) -> &str {
        match self {
            Self::Accepted { status }
            | Self::Failed { status, .. }
            | Self::Refused { status, .. } => status,
            Self::Unanswered { .. } => NO_STATUS,
        }
    }
}

pub struct Client {
    uri: Uri,
    config: Arc<ClientConfig>,
    timeout: Duration,
    http: Http,
    fingerprint: u64,
    checked: Instant,
}

impl Client {
    pub fn new(uri: Uri, config: ClientConfig, timeout: Duration) -> Result<Self, String> {
        Ok(Self {
            http: connect(&uri, &config, timeout)?,
            fingerprint: config.tls_config.fingerprint(),
            checked: Instant::now(),
            uri,
            config: Arc::new(config),
            timeout,
        })
    }

    /// One attempt.
    pub async fn push(&mut self, push: &Push) -> Outcome {
        let no_answer = |reason| Outcome::Unanswered { reason };
        let headers = match self.refresh().await {
            Ok(headers) => headers,
            Err(reason) => return no_answer(reason),
        };
        let request = match self.request(push, headers) {
            Ok(request) => request,
            Err(reason) => {
                return Outcome::Refused {
                    status: NO_STATUS.into(),
                    reason,
                };
            }
        };
        let attempt = async {
            let response = self
                .http
                .request(request)
                .await
                .map_err(|error| chain(&error))?;
            Ok(judge(response).await)
        };
        match tokio::time::timeout(self.timeout, attempt).await {
            Ok(Ok(outcome)) => outcome,
            Ok(Err(reason)) => no_answer(reason),
            Err(_) => no_answer(format!("no answer within {:?}", self.timeout)),
        }
    }

    /// The secrets as they are now, and a new connection if certificates changed.
    async fn refresh(&mut self) -> Result<HeaderMap, String> {
        let is_due =
            self.uri.scheme_str() == Some("https") && self.checked.elapsed() > RELOAD_PERIOD;
        let config = Arc::clone(&self.config);
        let read = move || {
            (
                config.headers(),
                is_due.then(|| config.tls_config.fingerprint()),
            )
        };
        let (headers, fingerprint) = tokio::task::spawn_blocking(read)
            .await
            .map_err(|error| error.to_string())?;
        if let Some(fingerprint) = fingerprint {
            self.checked = Instant::now();
            if fingerprint != self.fingerprint {
                match connect(&self.uri, &self.config, self.timeout) {
                    Ok(http) => {
                        self.http = http;
                        self.fingerprint = fingerprint;
                    }
                    Err(error) => {
                        tracing::error!(%error, "certificates not reloaded, the old ones stay");
                    }
                }
            }
        }
        headers
    }

    fn request(&self, push: &Push, headers: HeaderMap) -> Result<Request<Full<Bytes>>, String> {
        let mut request = Request::new(Full::new(push.body.clone()));
        *request.method_mut() = Method::POST;
        *request.uri_mut() = self.uri.clone();
        *request.headers_mut() = headers;
        request.headers_mut().insert(CONTENT_TYPE, PROTOBUF);
        request.headers_mut().insert(USER_AGENT, AGENT);
        if let Some(tenant) = push.tenant.as_deref().filter(|tenant| !tenant.is_empty()) {
            let value = HeaderValue::from_str(tenant).map_err(|_| {
                format!("tenant {tenant:?} cannot be a header: use printable characters")
            })?;
            request.headers_mut().insert(TENANT_HEADER, value);
        }
        Ok(request)
    }
}

fn connect(uri: &Uri, config: &ClientConfig, timeout: Duration) -> Result<Http, String> {
    let tls = if uri.scheme_str() == Some("https") {
        config
            .tls_config
            .load()
            .map_err(|error| error.to_string())?
    } else {
        // Never used, and so not worth reading the system's authorities.
        RustlsConfig::builder()
            .with_root_certificates(RootCertStore::empty())
            .with_no_client_auth()
    };
    let mut tcp = HttpConnector::new();
    tcp.enforce_http(false);
    tcp.set_nodelay(true);
    tcp.set_connect_timeout(Some(timeout));
    let mut builder = HttpsConnectorBuilder::new()
        .with_tls_config(tls)
        .https_or_http();
    if let Some(name) = config
        .tls_config
        .server_name
        .as_ref()
        .filter(|name| !name.is_empty())
    {
        let name = rustls::pki_types::ServerName::try_from(name.clone())
            .map_err(|_| format!("tls_config.server_name: '{name}' is not a host name"))?;
        builder =
            builder.with_server_name_resolver(hyper_rustls::FixedServerNameResolver::new(name));
    }
    Ok(legacy::Client::builder(TokioExecutor::new())
        .pool_timer(TokioTimer::new())
        .pool_idle_timeout(IDLE_TIMEOUT)
        .build(builder.enable_http1().wrap_connector(tcp)))
}

/// What an answer means.
async fn judge(response: Response<Incoming>) -> Outcome {
    let code = response.status();
    let status = code.as_str().to_owned();
    // Read in any case: only then can the connection be used again.
    let body = Limited::new(response.into_body(), ANSWER_BYTES_MAX)
        .collect()
        .await;
    if code.is_success() {
        return Outcome::Accepted { status };
    }
    let text = body
        .map(|body| String::from_utf8_lossy(&body.to_bytes()).into_owned())
        .unwrap_or_default();
    let text: String = text.trim().chars().take(REASON_CHARACTERS_MAX).collect();
    let hint = if code.is_redirection() {
        " (redirects are not followed: set url to the final address)"
    } else {
        ""
    };
    let reason = format!("status {code}{hint}: {text}");
    if code == StatusCode::TOO_MANY_REQUESTS || code.is_server_error() {
        Outcome::Failed { status, reason }
    } else {
        Outcome::Refused { status, reason }
    }
}

/// An error with its causes, which hyper keeps apart.
fn chain(error: &dyn std::error::Error) -> String {
    let mut text = error.to_string();
    let mut cause = error.source();
    while let Some(error) = cause {
        text.push_str(": ");
        text.push_str(&error.to_string());
        cause = error.source();
    }
    text
}
