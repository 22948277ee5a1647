//! One metrics page over HTTP or HTTPS, from one address of its host.
//!
//! **Invariant:** the body is bounded by [`BODY_BYTES_MAX`]; the caller bounds the time.

use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Instant;

use anyhow::{Context as _, bail, ensure};
use bytes::Bytes;
use http::{Request, StatusCode, Uri, header};
use http_body_util::{BodyExt as _, Empty, Limited};
use hyper::client::conn::http1;
use hyper_rustls::ConfigBuilderExt as _;
use hyper_util::rt::TokioIo;
use jiff::fmt::rfc2822;
use rustls::ClientConfig;
use rustls_pki_types::ServerName;
use tokio::io::{AsyncRead, AsyncWrite};
use tokio::net::TcpStream;
use tokio_rustls::TlsConnector;

use crate::config::LossTarget;
use crate::tls;

/// Largest page.
const BODY_BYTES_MAX: usize = 8 << 20;

/// All addresses of a URL's host.
pub async fn addresses(uri: &Uri) -> anyhow::Result<Vec<SocketAddr>> {
    let host = uri
        .host()
        .context("no host in the URL")?
        .trim_matches(['[', ']']);
    let port = uri
        .port_u16()
        .unwrap_or(if is_https(uri) { 443 } else { 80 });
    let found = tokio::net::lookup_host((host, port))
        .await
        .context("look the host up")?;
    Ok(found.collect())
}

/// What an address answered.
pub struct Answer {
    pub page: String,
    /// When by its own clock, Unix seconds, where it says so.
    pub date_s: Option<i64>,
    /// When by ours, which nobody sets.
    pub read_at: Instant,
}

/// Reads the page.
pub async fn get(uri: &Uri, address: SocketAddr, target: &LossTarget) -> anyhow::Result<Answer> {
    let stream = TcpStream::connect(address).await.context("connect")?;
    if !is_https(uri) {
        return request(stream, uri).await;
    }
    let builder = ClientConfig::builder();
    let builder = match &target.ca_path {
        Some(path) => builder.with_root_certificates(tls::roots(path.as_ref())?),
        None => builder
            .with_native_roots()
            .context("read the system's certificates")?,
    };
    let connector = TlsConnector::from(Arc::new(builder.with_no_client_auth()));
    let name = target
        .server_name
        .as_deref()
        .or(uri.host())
        .unwrap_or_default()
        .trim_matches(['[', ']']);
    let name = ServerName::try_from(name.to_owned()).context("use the server's name")?;
    request(
        connector
            .connect(name, stream)
            .await
            .context("TLS handshake")?,
        uri,
    )
    .await
}

async fn request<S>(stream: S, uri: &Uri) -> anyhow::Result<Answer>
where
    S: AsyncRead + AsyncWrite + Unpin + Send + 'static,
{
    let (mut sender, connection) = http1::handshake(TokioIo::new(stream))
        .await
        .context("begin HTTP")?;
    let authority = uri.authority().context("no host in the URL")?.as_str();
    let path = uri.path_and_query().map_or("/", |path| path.as_str());
    let request = Request::get(path)
        .header(header::HOST, authority)
        .body(Empty::<Bytes>::new())?;
    let exchange = async {
        let response = sender.send_request(request).await.context("send")?;
        ensure!(
            response.status() == StatusCode::OK,
            "answered {}",
            response.status()
        );
        let read_at = Instant::now();
        let date = response.headers().get(header::DATE);
        let date_s = date.and_then(|date| {
            // The one form that servers write (RFC 9110, 5.6.7).
            let date = rfc2822::DateTimeParser::new().parse_timestamp(date.as_bytes());
            Some(date.ok()?.as_second())
        });
        match Limited::new(response.into_body(), BODY_BYTES_MAX)
            .collect()
            .await
        {
            Ok(body) => Ok(Answer {
                page: String::from_utf8(body.to_bytes().into()).context("read the page as text")?,
                date_s,
                read_at,
            }),
            Err(error) => bail!("read the page: {error}"),
        }
    };
    tokio::pin!(exchange);
    tokio::select! {
        result = &mut exchange => result,
        // The connection ends first when the server closes early; what was sent is still read.
        _ = connection => exchange.await,
    }
}

fn is_https(uri: &Uri) -> bool {
    uri.scheme_str() == Some("https")
}
