//! `clientConfig`: the part of Prometheus' HTTP client settings that matters for a push.
//!
//! **Invariant:** secrets in files are read anew for each push, so that rotated ones apply.

use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};

use hyper::HeaderMap;
use hyper::header::{AUTHORIZATION, HeaderValue};
use schemars::JsonSchema;
use serde::Deserialize;
use serde_json::Value;

use crate::config::Problems;
use crate::tls::ClientTls;

/// `clientConfig`.
#[derive(Clone, Debug, Default, Deserialize, JsonSchema)]
#[serde(default)]
pub struct ClientConfig {
    /// Name and password.
    pub basic_auth: Option<BasicAuth>,
    /// Another `Authorization` header.
    pub authorization: Option<Authorization>,
    /// Older spelling of `authorization.credentials`.
    pub bearer_token: Option<String>,
    /// Older spelling of `authorization.credentials_file`.
    pub bearer_token_file: Option<PathBuf>,
    /// Which servers are believed.
    pub tls_config: ClientTls,
    /// Accepted; redirects are never followed.
    pub follow_redirects: Option<bool>,
    /// Accepted; pushes go over HTTP/1.1.
    pub enable_http2: Option<bool>,
    /// Not in this version.
    pub oauth2: Option<Value>,
    /// Not in this version.
    pub proxy_url: Option<String>,
    /// Not in this version.
    pub proxy_from_environment: Option<bool>,
    /// Of no effect without a proxy.
    pub no_proxy: Option<String>,
    /// Of no effect without a proxy.
    pub proxy_connect_header: Option<Value>,
    /// More headers.
    pub http_headers: BTreeMap<String, HttpHeader>,
}

/// `basic_auth`.
#[derive(Clone, Debug, Default, Deserialize, JsonSchema)]
#[serde(default)]
pub struct BasicAuth {
    pub username: String,
    pub username_file: Option<PathBuf>,
    pub password: String,
    pub password_file: Option<PathBuf>,
}

/// `authorization`.
#[derive(Clone, Debug, Default, Deserialize, JsonSchema)]
#[serde(default)]
pub struct Authorization {
    /// `Bearer` unless set.
    #[serde(rename = "type")]
    pub kind: String,
    pub credentials: String,
    pub credentials_file: Option<PathBuf>,
}

/// One of `http_headers`.
#[derive(Clone, Debug, Default, Deserialize, JsonSchema)]
#[serde(default)]
pub struct HttpHeader {
    pub values: Vec<String>,
    pub secrets: Vec<String>,
    pub files: Vec<PathBuf>,
}

impl ClientConfig {
    pub fn validate(&self, problems: &mut Problems) {
        let absent = [
            ("oauth2", self.oauth2.is_some()),
            (
                "proxy_url",
                self.proxy_url.as_ref().is_some_and(|url| !url.is_empty()),
            ),
            (
                "proxy_from_environment",
                self.proxy_from_environment == Some(true),
            ),
        ];
        for (key, _) in absent.into_iter().filter(|(_, is_set)| *is_set) {
            problems.error(key, "is not in this version: remove it");
        }
        let ways = [
            self.basic_auth.is_some(),
            self.authorization.is_some(),
            self.bearer_token.is_some() || self.bearer_token_file.is_some(),
        ];
        if ways.into_iter().filter(|&is_set| is_set).count() > 1 {
            problems.error(
                "",
                "at most one of basic_auth, authorization and bearer_token can be set",
            );
        }
        for name in self.http_headers.keys() {
            if name.parse::<hyper::header::HeaderName>().is_err() {
                problems.error("http_headers", format!("'{name}' is not a header name"));
            }
        }
    }

    /// The headers of a push with the secrets as they are now. Reads files: not for an async worker.
    pub fn headers(&self) -> Result<HeaderMap, String> {
        let mut headers = HeaderMap::new();
        for (name, header) in &self.http_headers {
            let name: hyper::header::HeaderName = name
                .parse()
                .map_err(|_| format!("http_headers: '{name}' is not a header name"))?;
            for value in header.values.iter().chain(&header.secrets) {
                headers.append(&name, header_value(value)?);
            }
            for path in &header.files {
                headers.append(&name, header_value(&secret(path)?)?);
            }
        }
        if let Some(value) = self.authorization()? {
            headers.insert(AUTHORIZATION, header_value(&value)?);
        }
        Ok(headers)
    }

    fn authorization(&self) -> Result<Option<String>, String> {
        if let Some(basic) = &self.basic_auth {
            let name = inline_or_file(&basic.username, basic.username_file.as_deref())?;
            let password = inline_or_file(&basic.password, basic.password_file.as_deref())?;
            return Ok(Some(format!(
                "Basic {}",
                base64(format!("{name}:{password}").as_bytes())
            )));
        }
        if let Some(authorization) = &self.authorization {
            let kind = if authorization.kind.is_empty() {
                "Bearer"
            } else {
                &authorization.kind
            };
            let file = authorization.credentials_file.as_deref();
            let credentials = inline_or_file(&authorization.credentials, file)?;
            return Ok(Some(format!("{kind} {credentials}")));
        }
        if self.bearer_token.is_none() && self.bearer_token_file.is_none() {
            return Ok(None);
        }
        let inline = self.bearer_token.as_deref().unwrap_or("");
        Ok(Some(format!(
            "Bearer {}",
            inline_or_file(inline, self.bearer_token_file.as_deref())?
        )))
    }
}

fn inline_or_file(inline: &str, file: Option<&Path>) -> Result<String, String> {
    match file.filter(|path| inline.is_empty() && !path.as_os_str().is_empty()) {
        Some(path) => secret(path),
        None => Ok(inline.to_owned()),
    }
}

fn secret(path: &Path) -> Result<String, String> {
    let text =
        fs::read_to_string(path).map_err(|error| format!("read {}: {error}", path.display()))?;
    Ok(text.trim().to_owned())
}

fn header_value(text: &str) -> Result<HeaderValue, String> {
    let mut value = HeaderValue::from_str(text)
        .map_err(|_| "a header value holds a control character".to_owned())?;
    value.set_sensitive(true);
    Ok(value)
}

/// Base64 with padding, as basic authentication wants it.
fn base64(bytes: &[u8]) -> String {
    const DIGITS: &[u8; 64] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
    let mut out = String::new();
    for chunk in bytes.chunks(3) {
        let group = chunk
            .iter()
            .fold(0_u32, |group, &byte| group << 8 | u32::from(byte))
            << (8 * (3 - chunk.len()));
        for place in 0..4 {
            let digit = DIGITS[(group >> (18 - 6 * place) & 63) as usize];
            out.push(if place <= chunk.len() {
                digit.into()
            } else {
                '='
            });
        }
    }
    out
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, reason = "tests")]
    use super::*;

    fn check(json: serde_json::Value, expected: Option<&str>) {
        let config: ClientConfig = serde_json::from_value(json).unwrap();
        let headers = config.headers().unwrap();
        assert_eq!(
            headers
                .get(AUTHORIZATION)
                .map(|value| value.to_str().unwrap()),
            expected
        );
    }

    #[test]
    fn each_way_to_authenticate_gives_its_header() {
        let folder = tempfile::tempdir().unwrap();
        let token = folder.path().join("token");
        fs::write(&token, "secret\n").unwrap();
        check(serde_json::json!({}), None);
        check(
            serde_json::json!({"basic_auth": {"username": "u", "password": "pw"}}),
            Some("Basic dTpwdw=="),
        );
        check(
            serde_json::json!({"basic_auth": {"username": "u", "password_file": token}}),
            Some("Basic dTpzZWNyZXQ="),
        );
        check(
            serde_json::json!({"authorization": {"credentials_file": token}}),
            Some("Bearer secret"),
        );
        check(
            serde_json::json!({"authorization": {"type": "Token", "credentials": "x"}}),
            Some("Token x"),
        );
        check(
            serde_json::json!({"bearer_token_file": token}),
            Some("Bearer secret"),
        );
        check(serde_json::json!({"bearer_token": "b"}), Some("Bearer b"));
        fs::write(&token, "rotated").unwrap();
        check(
            serde_json::json!({"bearer_token_file": token}),
            Some("Bearer rotated"),
        );
    }

    #[test]
    fn a_missing_secret_says_where_it_should_be() {
        let config = ClientConfig {
            bearer_token_file: Some("/nowhere/token".into()),
            ..ClientConfig::default()
        };
        assert!(
            config
                .headers()
                .unwrap_err()
                .starts_with("read /nowhere/token: ")
        );
    }

    #[test]
    fn base64_pads() {
        for (text, expected) in [
            ("", ""),
            ("f", "Zg=="),
            ("fo", "Zm8="),
            ("foo", "Zm9v"),
            ("foob", "Zm9vYg=="),
        ] {
            assert_eq!(base64(text.as_bytes()), expected);
        }
    }
}
