//! What the API server says when it refuses a request: its own words, once. The client's errors repeat them and add their
//! Rust form.
//!
//! **Invariant:** knows no object and no component.

use std::error::Error;

use kube::core::Status;
use kube::runtime::watcher;

/// The words of an error: those of the API server if it is an answer of it, else its own.
pub fn words(error: &(dyn Error + 'static)) -> String {
    let mut cause = Some(error);
    let mut found = None;
    while let (Some(error), None) = (cause, found) {
        found = status(error);
        cause = error.source();
    }
    match found {
        Some(status) if !status.message.is_empty() => status.message.clone(),
        Some(status) if !status.reason.is_empty() => status.reason.clone(),
        Some(status) => format!("answer {}", status.code),
        None => error.to_string(),
    }
}

/// All causes of an error in one line, each once: many an error has its cause in its own text already.
pub fn chain(error: &anyhow::Error) -> String {
    let mut texts: Vec<String> = Vec::new();
    for cause in error.chain() {
        let is_of_client = cause.is::<kube::Error>() || cause.is::<watcher::Error>();
        let text = if is_of_client {
            words(cause)
        } else {
            cause.to_string()
        };
        if !texts.iter().any(|before| before.contains(&text)) {
            texts.push(text);
        }
        if is_of_client {
            // All that follows is in it.
            break;
        }
    }
    texts.join(": ")
}

fn status<'a>(error: &'a (dyn Error + 'static)) -> Option<&'a Status> {
    let boxed = error.downcast_ref::<Box<Status>>().map(AsRef::as_ref);
    boxed.or_else(|| error.downcast_ref())
}

#[cfg(test)]
mod tests {
    use anyhow::Context as _;

    use super::*;

    fn refused(message: &str, reason: &str) -> kube::Error {
        let status = Status::failure(message, reason).with_code(422);
        kube::Error::Api(status.boxed())
    }

    #[test]
    fn the_words_of_the_api_server_are_said_once() {
        let failed = watcher::Error::WatchStartFailed(refused("no watch today", "Forbidden"));
        let own = std::io::Error::other("no route to host");
        let cases: [(&(dyn Error + 'static), &str); 5] = [
            (
                &refused("spec.x: must be 1", "Invalid"),
                "spec.x: must be 1",
            ),
            (&refused("", "Invalid"), "Invalid"),
            (&refused("", ""), "answer 422"),
            (&failed, "no watch today"),
            (&own, "no route to host"),
        ];
        for (error, expected) in cases {
            assert_eq!(words(error), expected, "{error:?}");
        }
    }

    #[test]
    fn a_cause_that_was_said_is_not_said_again() {
        #[derive(Debug, thiserror::Error)]
        #[error("read a: {source}")]
        struct Read {
            source: std::io::Error,
        }
        let read = || Read {
            source: std::io::Error::other("no such file"),
        };
        for (error, expected) in [
            (anyhow::Error::new(read()), "read a: no such file"),
            (
                anyhow::Error::new(read()).context("start"),
                "start: read a: no such file",
            ),
            (
                Err::<(), _>(refused("not you", "Forbidden"))
                    .context("ask")
                    .unwrap_err(),
                "ask: not you",
            ),
        ] {
            assert_eq!(chain(&error), expected);
        }
    }
}
