//! A proxy in front of the API server that lets a number of writes through and then answers nothing any more, or leaves
//! a single question without an answer.

use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};

use axum::body::Body;
use axum::extract::{Request, State};
use axum::http::{Method, StatusCode, header};
use axum::response::{IntoResponse as _, Response};
use kube::Client;
use serde_json::json;
use tokio::net::TcpListener;
use tokio::sync::Notify;

/// A write is let through and counted; once none is left, whoever sent the last one waits for ever for its answer.
pub struct Cutter {
    state: Arc<Shared>,
    kubeconfig: PathBuf,
}

struct Shared {
    client: Client,
    left: AtomicUsize,
    cut: Notify,
    /// Part of the path of the next question that gets no answer.
    unheard: Mutex<Option<String>>,
}

impl Cutter {
    /// Serves until the test ends. Requests reach the API server as those of `client`.
    pub async fn start(client: Client, folder: &Path) -> Self {
        let state = Arc::new(Shared {
            client,
            left: AtomicUsize::new(0),
            cut: Notify::new(),
            unheard: Mutex::new(None),
        });
        let listener = TcpListener::bind((std::net::Ipv4Addr::LOCALHOST, 0))
            .await
            .expect("a port");
        let address = listener.local_addr().expect("an address");
        let router = axum::Router::new()
            .fallback(forward)
            .with_state(state.clone());
        tokio::spawn(async move { axum::serve(listener, router).await });
        Self {
            state,
            kubeconfig: kubeconfig(folder, address),
        }
    }

    /// For a manager behind the proxy.
    pub fn kubeconfig(&self) -> &Path {
        &self.kubeconfig
    }

    /// From now on, that many writes.
    pub fn allow(&self, writes: usize) {
        self.state.left.store(writes, Ordering::SeqCst);
    }

    /// The next question to a path with this in it waits for ever for its answer, and no other.
    pub fn swallow(&self, path: &str) {
        *self.state.unheard.lock().expect("no panic") = Some(path.to_owned());
    }

    /// Whether it was asked.
    pub fn has_swallowed(&self) -> bool {
        self.state.unheard.lock().expect("no panic").is_none()
    }

    /// Waits until the last one was written.
    pub async fn cut(&self) {
        self.state.cut.notified().await;
    }
}

fn kubeconfig(folder: &Path, address: SocketAddr) -> PathBuf {
    let path = folder.join("cutter.kubeconfig");
    let text = json!({
        "apiVersion": "v1", "kind": "Config", "current-context": "c",
        "clusters": [{"name": "c", "cluster": {"server": format!("http://{address}")}}],
        "users": [{"name": "c", "user": {}}],
        "contexts": [{"name": "c", "context": {"cluster": "c", "user": "c"}}],
    });
    std::fs::write(&path, text.to_string()).expect("write a kubeconfig");
    path
}

fn is_write(request: &Request) -> bool {
    let path = request.uri().path();
    let is_transient = path.contains("/events") || path.contains("/leases");
    !is_transient && !matches!(*request.method(), Method::GET | Method::HEAD)
}

/// Whether a request is the question that gets no answer.
fn is_unheard(state: &Shared, request: &Request) -> bool {
    let mut unheard = state.unheard.lock().expect("no panic");
    let is_it = |path: &mut String| {
        request.method() == Method::GET && request.uri().path().contains(path.as_str())
    };
    unheard.take_if(is_it).is_some()
}

async fn forward(State(state): State<Arc<Shared>>, mut request: Request) -> Response {
    if is_unheard(&state, &request) {
        return std::future::pending().await;
    }
    let is_write = is_write(&request);
    let take = |left: usize| left.checked_sub(1);
    let before = if is_write {
        state
            .left
            .fetch_update(Ordering::SeqCst, Ordering::SeqCst, take)
    } else {
        Ok(usize::MAX)
    };
    let Ok(before) = before else {
        return std::future::pending().await;
    };
    for header in [header::HOST, header::AUTHORIZATION] {
        request.headers_mut().remove(header);
    }
    let (parts, body) = request.into_parts();
    let bytes = axum::body::to_bytes(body, usize::MAX)
        .await
        .unwrap_or_default();
    let request = axum::http::Request::from_parts(parts, kube::client::Body::from(bytes.to_vec()));
    let answer = state.client.send(request).await;
    if is_write && before == 1 {
        state.cut.notify_one();
        return std::future::pending().await;
    }
    match answer {
        Ok(answer) => answer.map(Body::new),
        Err(error) => (StatusCode::BAD_GATEWAY, error.to_string()).into_response(),
    }
}
