//! The connection to the collector: made when first needed, made again when lost or when its time is over.
//!
//! **Invariant:** a new connection uses the certificate files as they are then; what is in flight on the old one ends
//! there.

use std::error::Error as _;
use std::io;
use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use hyper_util::rt::TokioIo;
use rustls::ClientConfig;
use rustls_pki_types::ServerName;
use tokio::net::TcpStream;
use tokio_rustls::TlsConnector;
use tokio_util::either::Either;
use tonic::client::Grpc;
use tonic::codegen::http::Uri;
use tonic::codegen::http::uri::PathAndQuery;
use tonic::transport::{Channel, Endpoint};
use tonic::{Request, Status};
use tower::service_fn;

use super::codec::PassThrough;
use crate::config::GrpcConfig;
use crate::tls::{self, Reloading, TlsError};

const CONNECT_TIMEOUT: Duration = Duration::from_secs(10);
/// A collector that vanished without a word is noticed after these two, also while nothing is sent.
const KEEP_ALIVE_PERIOD: Duration = Duration::from_secs(30);
const KEEP_ALIVE_TIMEOUT: Duration = Duration::from_secs(10);
const SEND: PathAndQuery = PathAndQuery::from_static("/pbflow.Collector/Send");

/// Why a client cannot be made.
#[derive(Debug, thiserror::Error)]
pub enum ClientError {
    #[error("TARGET_HOST {0:?} is not a host name or address")]
    Host(String),
    #[error(transparent)]
    Tls(#[from] TlsError),
}

/// Makes channels to one collector.
pub struct Connector {
    host: String,
    port: u16,
    /// What the certificate must name, and the files.
    tls: Option<(ServerName<'static>, Reloading<ClientConfig>)>,
}

impl Connector {
    pub fn new(config: &GrpcConfig) -> Result<Arc<Self>, ClientError> {
        // An address may be written with brackets, as in a URL.
        let host = config
            .host
            .trim_start_matches('[')
            .trim_end_matches(']')
            .to_owned();
        let tls = match &config.tls {
            None => None,
            Some(files) => {
                let name = ServerName::try_from(host.clone())
                    .map_err(|_| ClientError::Host(config.host.clone()))?;
                Some((name, tls::client(files.clone())?))
            }
        };
        let connector = Arc::new(Self {
            host,
            port: config.port,
            tls,
        });
        connector
            .uri()
            .map_err(|_| ClientError::Host(config.host.clone()))?;
        Ok(connector)
    }

    /// A channel that connects at its first message, and again whenever it has to.
    pub fn channel(self: &Arc<Self>) -> Channel {
        let connector = Arc::clone(self);
        let uri = self.uri().expect("checked when the connector was made");
        // The transport is ours, so tonic must not make TLS of its own from an https address; the origin says what it is.
        let plain: Uri = Uri::from_static("http://collector");
        Endpoint::from(plain)
            .origin(uri)
            .tcp_nodelay(true)
            .http2_keep_alive_interval(KEEP_ALIVE_PERIOD)
            .keep_alive_timeout(KEEP_ALIVE_TIMEOUT)
            .keep_alive_while_idle(true)
            .connect_with_connector_lazy(service_fn(move |_| {
                let connector = Arc::clone(&connector);
                async move { connector.connect().await }
            }))
    }

    /// `host:port`, for lines.
    pub fn target(&self) -> String {
        if self.host.contains(':') {
            format!("[{}]:{}", self.host, self.port)
        } else {
            format!("{}:{}", self.host, self.port)
        }
    }

    fn uri(&self) -> Result<Uri, tonic::codegen::http::uri::InvalidUri> {
        let scheme = if self.tls.is_some() { "https" } else { "http" };
        format!("{scheme}://{}", self.target()).parse()
    }

    async fn connect(
        &self,
    ) -> io::Result<TokioIo<Either<TcpStream, tokio_rustls::client::TlsStream<TcpStream>>>> {
        let connected = tokio::time::timeout(CONNECT_TIMEOUT, async {
            // Every address of the name is tried in turn.
            let stream = TcpStream::connect((self.host.as_str(), self.port)).await?;
            stream.set_nodelay(true)?;
            match &self.tls {
                None => Ok(Either::Left(stream)),
                Some((name, config)) => {
                    let connector = TlsConnector::from(config.get());
                    connector
                        .connect(name.clone(), stream)
                        .await
                        .map(Either::Right)
                }
            }
        });
        let stream = connected
            .await
            .map_err(|_| io::Error::from(io::ErrorKind::TimedOut))?;
        stream.map(TokioIo::new)
    }
}

/// Sends one message and waits for its answer.
pub async fn send(channel: Channel, body: Bytes, timeout: Duration) -> Result<(), Status> {
    let mut client = Grpc::new(channel);
    let call = async {
        client
            .ready()
            .await
            .map_err(|error| Status::from_error(error.into()))?;
        client
            .unary(Request::new(body), SEND, PassThrough)
            .await
            .map(drop)
    };
    match tokio::time::timeout(timeout, call).await {
        Ok(result) => result,
        Err(_) => Err(Status::deadline_exceeded(format!(
            "no answer within {} s",
            timeout.as_secs_f32()
        ))),
    }
}

/// What happened, without the layers it came through: the innermost cause, and what the collector said if it spoke.
pub fn describe(status: &Status) -> String {
    let mut cause: &dyn std::error::Error = status;
    while let Some(inner) = cause.source() {
        cause = inner;
    }
    match status.source() {
        None => status.message().to_owned(),
        Some(_) => cause.to_string(),
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, reason = "tests")]
    use super::*;

    fn target(host: &str) -> Result<String, String> {
        let config = GrpcConfig {
            host: host.to_owned(),
            port: 2055,
            tls: None,
            message_max_flows: 1,
            send_timeout: Duration::from_secs(1),
            reconnect: None,
        };
        let connector = Connector::new(&config).map_err(|error| error.to_string())?;
        Ok(connector.target())
    }

    #[test]
    fn hosts_are_names_or_addresses_with_or_without_brackets() {
        for (host, expected) in [
            ("collector.netobserv.svc", "collector.netobserv.svc:2055"),
            ("10.0.0.1", "10.0.0.1:2055"),
            ("::1", "[::1]:2055"),
            ("[::1]", "[::1]:2055"),
        ] {
            assert_eq!(target(host).unwrap(), expected);
        }
        let problem = target("http://collector").unwrap_err();
        assert_eq!(
            problem,
            r#"TARGET_HOST "http://collector" is not a host name or address"#
        );
    }

    #[test]
    fn an_error_is_described_by_its_cause() {
        let refused = std::io::Error::other("connection refused");
        assert_eq!(
            describe(&Status::from_error(Box::new(refused))),
            "connection refused"
        );
        assert_eq!(
            describe(&Status::internal("out of memory")),
            "out of memory"
        );
    }
}
