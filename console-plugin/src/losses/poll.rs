//! One round of readings over all targets; a host name means all its addresses.
//!
//! **Invariant:** a round ends within [`ROUND_TIMEOUT`], whatever the targets do.

use std::time::Duration;

use http::Uri;
use tokio::task::JoinSet;

use super::fetch::{self, Answer};
use super::text::{self, Age, Page};
use crate::config::LossTarget;

/// One whole round.
const ROUND_TIMEOUT: Duration = Duration::from_secs(10);
/// Addresses of one host name.
const ADDRESSES_MAX: usize = 1024;
/// Reads at once.
const CONCURRENT_MAX: usize = 16;

/// What one address of a component said, or that it said nothing.
#[derive(Debug)]
pub struct Reading {
    /// Which component.
    pub component: String,
    /// Which of its addresses.
    pub address: String,
    /// The component's host name could not be looked up; `address` is its URL.
    pub is_unresolved: bool,
    /// The counters.
    pub page: Option<Page>,
}

/// Reads all targets.
pub async fn read_targets(targets: &[LossTarget]) -> Vec<Reading> {
    let deadline = tokio::time::Instant::now() + ROUND_TIMEOUT;
    let mut pending = Vec::new();
    let mut readings = Vec::new();
    for target in targets {
        let Ok(uri) = target.url.parse::<Uri>() else {
            continue;
        };
        match tokio::time::timeout_at(deadline, fetch::addresses(&uri)).await {
            Ok(Ok(addresses)) => pending.extend(
                addresses
                    .into_iter()
                    .take(ADDRESSES_MAX)
                    .map(|address| (target.clone(), uri.clone(), address)),
            ),
            _ => readings.push(Reading {
                component: target.component.clone(),
                address: target.url.clone(),
                is_unresolved: true,
                page: None,
            }),
        }
    }
    let mut tasks = JoinSet::new();
    let mut pending = pending.into_iter();
    loop {
        while tasks.len() < CONCURRENT_MAX {
            let Some((target, uri, address)) = pending.next() else {
                break;
            };
            tasks.spawn(async move {
                let read = fetch::get(&uri, address, &target);
                let page = match tokio::time::timeout_at(deadline, read).await {
                    Ok(Ok(answer)) => Some(page_of(&answer)),
                    Ok(Err(error)) => {
                        tracing::debug!(component = target.component, %address, %error, "loss counters not read");
                        None
                    }
                    Err(_) => None,
                };
                let address = format!("{} {address}", target.url);
                Reading { component: target.component, address, is_unresolved: false, page }
            });
        }
        match tasks.join_next().await {
            None => return readings,
            Some(Ok(reading)) => readings.push(reading),
            Some(Err(_)) => {}
        }
    }
}

fn page_of(answer: &Answer) -> Page {
    let page = text::parse(&answer.page);
    let age = answer.date_s.zip(page.started_s).map(|(now, start)| Age {
        seconds: now as f64 - start,
        read_at: answer.read_at,
    });
    Page { age, ..page }
}
