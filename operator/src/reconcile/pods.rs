//! Pods of a workload that fail. They are not watched: there may be thousands, and mostly none is of interest. They are
//! asked for while their workload is not ready, page by page and not in each run; more and more seldom while nothing
//! changes, since one node that is away can leave a workload of thousands of pods so for days.

use std::collections::HashMap;
use std::time::Duration;

use k8s_openapi::api::core::v1::Pod;
use kube::Client;
use kube::api::{Api, ListParams};
use tokio::time::Instant;

use super::next::NOT_READY;
use crate::object::Key;
use crate::scope::label;
use crate::status::Unhealthy;

/// Pods read per page.
const PAGE: u32 = 500;
/// Pages of one workload; the status says when there are more.
const PAGES_MAX: usize = 40;
/// The longest that an answer stands while the workload stays as it was. The first stands for [`NOT_READY`], each further
/// one twice as long: pods that were just made fail later.
const STANDS_MAX: Duration = Duration::from_mins(5);
/// A run that was asked for by [`NOT_READY`] may begin that much early.
const EARLY: Duration = Duration::from_secs(1);

/// How far a workload is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Progress {
    /// Of its specification.
    pub generation: Option<i64>,
    /// Pods ready.
    pub ready: Option<i32>,
    /// Pods wanted.
    pub desired: Option<i32>,
}

/// What was said of a workload.
struct Answer {
    asked: Instant,
    progress: Progress,
    stands: Duration,
    unhealthy: Unhealthy,
}

impl Answer {
    fn is_good_for(&self, progress: Progress) -> bool {
        self.progress == progress && self.asked.elapsed() < self.stands.saturating_sub(EARLY)
    }
}

/// Answers of before.
pub struct Pods {
    client: Client,
    answers: HashMap<Key, Answer>,
}

impl Pods {
    /// Nobody was asked yet.
    pub fn new(client: Client) -> Self {
        Self {
            client,
            answers: HashMap::new(),
        }
    }

    /// Those of a workload that fail, as of when it came to where it is, or of [`STANDS_MAX`] ago or later.
    pub async fn unhealthy(&mut self, workload: &Key, progress: Progress) -> Unhealthy {
        let before = self.answers.get(workload);
        if let Some(answer) = before
            && answer.is_good_for(progress)
        {
            return answer.unhealthy.clone();
        }
        let before = before.filter(|answer| answer.progress == progress);
        let stands = before.map_or(NOT_READY, |answer| STANDS_MAX.min(answer.stands * 2));
        let asked = Instant::now();
        match self.ask(workload).await {
            Ok(unhealthy) => {
                let answer = Answer {
                    asked,
                    progress,
                    stands,
                    unhealthy: unhealthy.clone(),
                };
                self.answers.insert(workload.clone(), answer);
                unhealthy
            }
            Err(error) => {
                tracing::warn!(workload = %workload, %error, "cannot list the pods");
                Unhealthy::default()
            }
        }
    }

    /// Forgets a workload that is ready or gone.
    pub fn forget(&mut self, workload: &Key) {
        self.answers.remove(workload);
    }

    async fn ask(&self, workload: &Key) -> Result<Unhealthy, kube::Error> {
        let namespace = workload.namespace.as_deref().unwrap_or_default();
        let pods: Api<Pod> = Api::namespaced(self.client.clone(), namespace);
        let mut parameters = ListParams::default()
            .labels(&format!("{}={}", label::APP, workload.name))
            .limit(PAGE);
        let mut unhealthy = Unhealthy::default();
        for _ in 0..PAGES_MAX {
            let page = pods.list(&parameters).await?;
            unhealthy.merge(Unhealthy::of(&page.items));
            match page.metadata.continue_ {
                Some(token) if !token.is_empty() => {
                    parameters = parameters.continue_token(&token);
                }
                _ => return Ok(unhealthy),
            }
        }
        unhealthy.leave_out_after(PAGES_MAX * PAGE as usize);
        Ok(unhealthy)
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, reason = "tests")]
    use std::sync::Arc;
    use std::sync::atomic::{AtomicUsize, Ordering};

    use hyper::{Request, Response};
    use kube::client::Body;
    use serde_json::json;
    use tower::BoxError;

    use super::*;

    /// An API server with that many pages of one failing pod each, and how often it was asked.
    fn server(pages: usize) -> (Client, Arc<AtomicUsize>) {
        let asked = Arc::new(AtomicUsize::new(0));
        let count = asked.clone();
        let service = tower::service_fn(move |_: Request<Body>| {
            let page = count.fetch_add(1, Ordering::Relaxed) % pages;
            let token = if page + 1 < pages { "more" } else { "" };
            let answer = json!({"apiVersion": "v1", "kind": "PodList", "metadata": {"continue": token}, "items": [
                {"metadata": {"name": format!("p{page:02}")}, "status": {"phase": "Failed"}},
            ]});
            let answer = Response::new(axum::body::Body::from(answer.to_string()));
            std::future::ready(Ok::<_, BoxError>(answer))
        });
        (Client::new(service, "default"), asked)
    }

    const PROGRESS: Progress = Progress {
        generation: Some(1),
        ready: Some(2),
        desired: Some(3),
    };

    #[tokio::test(start_paused = true)]
    async fn a_workload_that_stays_as_it_is_is_asked_for_more_and_more_seldom() {
        let (client, asked) = server(1);
        let mut pods = Pods::new(client);
        let workload = Key::namespaced("DaemonSet", "apps", "n", "w");
        let mut count = async |progress| {
            // Runs of half an hour, each as soon as it may be.
            for _ in 0..60 {
                pods.unhealthy(&workload, progress).await;
                tokio::time::advance(NOT_READY).await;
            }
            asked.swap(0, Ordering::Relaxed)
        };
        // After 0, 30, 90, 210, 450 s, then every 5 minutes; a change brings that anew.
        let further = Progress {
            ready: Some(1),
            ..PROGRESS
        };
        assert_eq!(count(PROGRESS).await, 9);
        assert_eq!(count(further).await, 9);
    }

    #[tokio::test(start_paused = true)]
    async fn all_pages_are_read_within_a_limit_and_not_in_each_run() {
        let workload = Key {
            kind: "DaemonSet".to_owned(),
            group: "apps".to_owned(),
            namespace: Some("n".to_owned()),
            name: "w".to_owned(),
        };
        for (pages, read, expected) in [
            (3, 3, "3 PodFailed (p00, p01, p02)"),
            (
                60,
                40,
                "40 PodFailed (p00, p01, p02, p03, p04) and 35 more; only the first 20000 pods were looked at",
            ),
        ] {
            let (client, asked) = server(pages);
            let mut pods = Pods::new(client);
            for _ in 0..5 {
                let unhealthy = pods.unhealthy(&workload, PROGRESS).await;
                assert_eq!(unhealthy.summary(), expected);
                tokio::time::advance(Duration::from_secs(1)).await;
            }
            assert_eq!(asked.load(Ordering::Relaxed), read, "{pages} pages");
            tokio::time::advance(NOT_READY).await;
            asked.store(0, Ordering::Relaxed);
            pods.unhealthy(&workload, PROGRESS).await;
            assert_eq!(asked.load(Ordering::Relaxed), read, "later");
            asked.store(0, Ordering::Relaxed);
            pods.forget(&workload);
            pods.unhealthy(&workload, PROGRESS).await;
            assert_eq!(asked.load(Ordering::Relaxed), read, "after it was ready");
        }
    }
}
