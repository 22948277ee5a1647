//! Objects that somebody else changes back each time that we write them.

use std::collections::{BTreeMap, BTreeSet, VecDeque};
use std::time::Duration;

use tokio::time::Instant;

use crate::object::Key;

/// So many updates of one object within this time, with others who claim a part of it, are no accident.
const UPDATES_MAX: usize = 10;
const WINDOW: Duration = Duration::from_mins(1);

/// What was updated lately.
#[derive(Default)]
pub struct Contests {
    updates: BTreeMap<Key, VecDeque<(Instant, BTreeSet<String>)>>,
}

impl Contests {
    /// Notes that an object had to be written again, of which these others claimed a part.
    pub fn updated(&mut self, key: &Key, others: BTreeSet<String>) {
        if others.is_empty() {
            return;
        }
        let updates = self.updates.entry(key.clone()).or_default();
        updates.push_back((Instant::now(), others));
        if updates.len() > UPDATES_MAX {
            updates.pop_front();
        }
    }

    /// What is contested now: each object and by whom, as a message with the next step.
    pub fn messages(&mut self) -> Vec<(Key, String)> {
        self.updates.retain(|_, updates| {
            updates.retain(|(when, _)| when.elapsed() < WINDOW);
            !updates.is_empty()
        });
        let contested = self
            .updates
            .iter()
            .filter(|(_, updates)| updates.len() >= UPDATES_MAX);
        let messages = contested.map(|(key, updates)| {
            let others: BTreeSet<&str> = updates
                .iter()
                .flat_map(|(_, others)| others.iter().map(String::as_str))
                .collect();
            let others: Vec<_> = others.into_iter().collect();
            let message = format!(
                "{key} is changed back again and again; who writes to it beside the operator: {}: stop that, or take \
                 the object from the operator by its label netobserv-managed=false",
                others.join(", ")
            );
            (key.clone(), message)
        });
        messages.collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test(start_paused = true)]
    async fn only_many_updates_within_a_minute_against_others_are_a_contest() {
        let by = |names: &[&str]| names.iter().map(|name| (*name).to_owned()).collect();
        for (name, others, spacing, count, expected) in [
            ("a fight", by(&["kubectl", "argocd"]), 2, 10, true),
            ("a few", by(&["kubectl"]), 2, 9, false),
            ("now and then", by(&["kubectl"]), 20, 30, false),
            ("edits of ours", by(&[]), 2, 30, false),
        ] {
            let others: BTreeSet<String> = others;
            let key = Key {
                kind: "Service".to_owned(),
                group: String::new(),
                namespace: Some("n".to_owned()),
                name: "s".to_owned(),
            };
            let mut contests = Contests::default();
            for _ in 0..count {
                tokio::time::advance(Duration::from_secs(spacing)).await;
                contests.updated(&key, others.clone());
            }
            let found = contests.messages();
            assert_eq!(found.len(), usize::from(expected), "{name}");
            let is_named = |(contested, message): &(Key, String)| {
                *contested == key && message.contains("argocd, kubectl")
            };
            assert!(found.iter().all(is_named), "{name}: {found:?}");
            tokio::time::advance(WINDOW).await;
            assert!(contests.messages().is_empty(), "{name}: later");
        }
    }
}
