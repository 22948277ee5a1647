//! One object of somebody else, watched while it is of interest: the API server sends only this one, by a field selector
//! on its name.

use std::time::Duration;

use futures::StreamExt as _;
use kube::api::Api;
use kube::core::DynamicObject;
use kube::runtime::WatchStreamExt as _;
use kube::runtime::watcher::{self, watch_object};
use tokio::sync::watch;
use tokio::task::JoinSet;
use tokio::time::Instant;

use crate::listener::Listener;

/// How long a run waits for the first answers.
pub const FIRST_ANSWER_LIMIT: Duration = Duration::from_secs(5);

/// What the API server says of the object; nothing if it does not exist.
pub type Answer = Result<Option<DynamicObject>, watcher::Error>;

/// The watch; it ends when this is dropped.
pub struct Watched<S> {
    /// None until there is an answer.
    state: watch::Receiver<Option<S>>,
    _task: JoinSet<()>,
}

impl<S: Clone + PartialEq + Send + Sync + 'static> Watched<S> {
    /// Watches the object of that name. `read` makes a state of an answer and of the state before; none leaves that one.
    /// `listener` is told of every other state.
    pub fn start(
        api: Api<DynamicObject>,
        name: &str,
        listener: &Listener,
        read: impl Fn(Answer, Option<&S>) -> Option<S> + Send + 'static,
    ) -> Self {
        let (sender, state) = watch::channel(None);
        let answers = watch_object(api, name).default_backoff();
        let mut task = JoinSet::new();
        let heard = listener.clone();
        listener.spawn(&mut task, name.to_owned(), async move {
            let mut answers = std::pin::pin!(answers);
            while let Some(answer) = answers.next().await {
                let is_new = sender.send_if_modified(|state| {
                    let Some(new) = read(answer, state.as_ref()) else {
                        return false;
                    };
                    let is_new = state.as_ref() != Some(&new);
                    *state = Some(new);
                    is_new
                });
                if is_new {
                    heard.changed();
                }
            }
        });
        Self { state, _task: task }
    }

    /// The newest state; none if there is no answer by then.
    pub async fn answer_by(&mut self, deadline: Instant) -> Option<S> {
        let answer = self.state.wait_for(Option::is_some);
        match tokio::time::timeout_at(deadline, answer).await {
            Ok(Ok(state)) => state.clone(),
            Ok(Err(_)) | Err(_) => None,
        }
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, reason = "tests")]
    use std::sync::Arc;

    use axum::http::{Request, Response};
    use kube::Client;
    use kube::client::Body;
    use tokio_util::sync::CancellationToken;
    use tower_test::mock;

    use super::*;
    use crate::owned::Kind;

    #[tokio::test(start_paused = true)]
    async fn a_panic_while_an_answer_is_read_is_told() {
        let (service, mut requests) = mock::pair::<Request<Body>, Response<Body>>();
        let broken = CancellationToken::new();
        let resource = Kind::find("", "Secret").unwrap().resource();
        let api = Api::namespaced_with(Client::new(service, "n"), "n", &resource);
        let listener = Listener::new(Arc::default(), broken.clone());
        let _watched = Watched::<()>::start(api, "name", &listener, |_, _| panic!("on purpose"));
        let server = async {
            let (_, answer) = requests.next_request().await.unwrap();
            answer.send_response(Response::new(Body::empty()));
            broken.cancelled().await;
        };
        let told = tokio::time::timeout(FIRST_ANSWER_LIMIT, server).await;
        assert!(told.is_ok());
    }
}
