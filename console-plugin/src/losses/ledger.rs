//! What readings mean. Pure: the clock is an argument.
//!
//! A difference of two readings of one process is a loss in that interval. A process that is another
//! one than before, or that was silent and cannot be shown to be the same, leaves the interval since
//! its last good reading until its start unaccounted; what it counts from then on is a loss again.
//! A process is the same if its start is, or if it has grown older by the time that passed: the clock may have been set, and
//! with it every start that is reckoned by it.
//! A component that has never answered is not unaccounted but never seen, and in its first minute starting: all begin
//! together, and who comes up a moment later than we do has left no gap. An address that is new of a component that was
//! watched before is judged as one that has not answered since the component did.
//! **Invariant:** bounded by [`ENTRIES_MAX`]; the oldest go first.

use std::collections::{BTreeMap, BTreeSet, VecDeque};

use serde::{Deserialize, Serialize};

use super::poll::Reading;
use super::text::{Age, Page, unit_of};
use super::{Loss, LossInterval, NeverSeen, Unaccounted};

/// Entries held; at one a minute these are two months.
pub const ENTRIES_MAX: usize = 100_000;

/// How long a component may take until it answers for the first time, milliseconds.
pub const STARTING_MS: i64 = 60_000;

/// By how much a process may seem to have aged more or less than the time that passed, seconds: its start and the time of its
/// answer are each told in whole seconds, twice.
const AGE_SLACK_S: f64 = 3.0;

/// Losses of one answer that carry their times; the sums beside them count all, so what was left out shows.
pub const INTERVALS_MAX: usize = 500;

/// Something that happened to one component between two readings.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Entry {
    /// Which component.
    pub component: String,
    /// Last good reading before, Unix milliseconds.
    pub from: i64,
    /// This reading, Unix milliseconds.
    pub to: i64,
    /// Why, or none: nobody can say what was lost.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub cause: Option<String>,
    /// How many of what the cause counts.
    #[serde(default)]
    pub records: u64,
}

/// The last good reading of one address of a component.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct LastReading {
    component: String,
    at_ms: i64,
    totals: BTreeMap<String, u64>,
    started_s: Option<f64>,
    /// Means nothing to another process of ours.
    #[serde(skip)]
    age: Option<Age>,
    /// It did not answer since.
    #[serde(default)]
    is_silent: bool,
    /// It has never answered; `at_ms` is the first try.
    #[serde(default)]
    is_never_seen: bool,
}

impl LastReading {
    /// Whether nothing but times is different.
    pub fn says_as_much_as(&self, other: &Self) -> bool {
        let Self {
            component,
            totals,
            started_s,
            is_silent,
            is_never_seen,
            at_ms: _,
            age: _,
        } = self;
        *component == other.component
            && *totals == other.totals
            && *started_s == other.started_s
            && *is_silent == other.is_silent
            && *is_never_seen == other.is_never_seen
    }

    /// An address that has not answered yet.
    fn none(component: String, now_ms: i64) -> Self {
        Self {
            component,
            at_ms: now_ms,
            totals: BTreeMap::new(),
            started_s: None,
            age: None,
            is_silent: true,
            is_never_seen: true,
        }
    }

    /// What happened from this reading until now.
    fn entry(&self, now_ms: i64, cause: Option<String>, records: u64) -> Entry {
        Entry {
            component: self.component.clone(),
            from: self.at_ms,
            to: now_ms,
            cause,
            records,
        }
    }
}

/// What is known.
#[derive(Debug, Default)]
pub struct Ledger {
    entries: VecDeque<Entry>,
    last: BTreeMap<String, LastReading>,
}

impl Ledger {
    /// Puts together what was kept. Nobody watched while we were away.
    pub fn restore(
        entries: impl IntoIterator<Item = Entry>,
        mut last: BTreeMap<String, LastReading>,
    ) -> Self {
        for reading in last.values_mut() {
            reading.is_silent = true;
        }
        let mut ledger = Self {
            entries: VecDeque::new(),
            last,
        };
        entries.into_iter().for_each(|entry| ledger.push(entry));
        ledger
    }

    /// The last good readings, to be kept.
    pub fn last(&self) -> &BTreeMap<String, LastReading> {
        &self.last
    }

    /// All entries, oldest first.
    pub fn entries(&self) -> impl Iterator<Item = &Entry> {
        self.entries.iter()
    }

    /// Takes readings in and says what they add.
    pub fn note(&mut self, readings: Vec<Reading>, now_ms: i64) -> Vec<Entry> {
        let watched_since = self.watched_since();
        let mut added = self.forget_gone(&readings, now_ms);
        for Reading {
            component,
            address,
            is_unresolved,
            page,
        } in readings
        {
            let Some(page) = page else {
                if is_unresolved && self.last.values().any(|last| last.component == component) {
                    self.last
                        .values_mut()
                        .filter(|last| last.component == component)
                        .for_each(|last| {
                            last.is_silent = true;
                        });
                } else {
                    self.last
                        .entry(address)
                        .or_insert_with(|| LastReading::none(component, now_ms))
                        .is_silent = true;
                }
                continue;
            };
            if let Some(last) = self.last.get(&address) {
                difference(last, &page, now_ms, &mut added);
            } else if let Some(since_ms) = watched_since.get(&component) {
                // A new address of a component that was watched before, if only by a name that nobody knew.
                let last = LastReading::none(component.clone(), *since_ms);
                difference(&last, &page, now_ms, &mut added);
            }
            let Page {
                totals,
                started_s,
                age,
            } = page;
            let reading = LastReading {
                component,
                at_ms: now_ms,
                totals,
                started_s,
                age,
                is_silent: false,
                is_never_seen: false,
            };
            self.last.insert(address, reading);
        }
        // That nobody knows is said once, however many addresses it is true of.
        let mut gaps = BTreeSet::new();
        added.retain(|entry| {
            let gap = (entry.component.clone(), entry.from, entry.to);
            entry.cause.is_some() || gaps.insert(gap)
        });
        for entry in &added {
            self.push(entry.clone());
        }
        added
    }

    /// Of each component, when it answered last, or the first try if it never has.
    fn watched_since(&self) -> BTreeMap<String, i64> {
        let (mut tried, mut answered) = (BTreeMap::new(), BTreeMap::new());
        for last in self.last.values() {
            let (component, at_ms) = (last.component.clone(), last.at_ms);
            if last.is_never_seen {
                let first = tried.entry(component).or_insert(at_ms);
                *first = at_ms.min(*first);
            } else {
                let newest = answered.entry(component).or_insert(at_ms);
                *newest = at_ms.max(*newest);
            }
        }
        tried.extend(answered);
        tried
    }

    /// Sums losses and lists gaps that touch a range; a component that is silent now is a gap still open.
    pub fn between(
        &self,
        start_ms: i64,
        end_ms: i64,
        now_ms: i64,
    ) -> (Vec<Loss>, Vec<Unaccounted>) {
        let touches = |from: i64, to: i64| touches(from, to, start_ms, end_ms);
        let mut sums: BTreeMap<(&str, &str), u64> = BTreeMap::new();
        let mut gaps = Vec::new();
        for entry in self
            .entries
            .iter()
            .filter(|entry| touches(entry.from, entry.to))
        {
            match &entry.cause {
                Some(cause) => *sums.entry((&entry.component, cause)).or_default() += entry.records,
                None => gaps.push(gap(&entry.component, entry.from, entry.to)),
            }
        }
        let silent = self.last.values().filter(|last| {
            last.is_silent && touches(last.at_ms, now_ms) && self.was_seen(&last.component)
        });
        gaps.extend(silent.map(|last| gap(&last.component, last.at_ms, now_ms)));
        let losses = sums
            .into_iter()
            .map(|((component, cause), amount)| Loss {
                component: component.to_owned(),
                cause: cause.to_owned(),
                amount,
                unit: unit_of(cause),
            })
            .collect();
        (losses, gaps)
    }

    /// The newest [`INTERVALS_MAX`] losses that touch a range, one by one, in the order they were read.
    pub fn intervals(&self, start_ms: i64, end_ms: i64) -> Vec<LossInterval> {
        let mut newest: Vec<LossInterval> = self
            .entries
            .iter()
            .rev()
            .filter(|entry| touches(entry.from, entry.to, start_ms, end_ms))
            .filter_map(|entry| {
                let cause = entry.cause.clone()?;
                Some(LossInterval {
                    component: entry.component.clone(),
                    unit: unit_of(&cause),
                    cause,
                    amount: entry.records,
                    from: entry.from,
                    to: entry.to,
                })
            })
            .take(INTERVALS_MAX)
            .collect();
        newest.reverse();
        newest
    }

    /// Components none of whose addresses has ever answered, by name.
    pub fn never_seen(&self, now_ms: i64) -> Vec<NeverSeen> {
        let mut since: BTreeMap<&str, i64> = BTreeMap::new();
        for last in self.last.values() {
            let first = since.entry(&last.component).or_insert(last.at_ms);
            *first = last.at_ms.min(*first);
        }
        since
            .into_iter()
            .filter(|(component, _)| !self.was_seen(component))
            .map(|(component, since)| NeverSeen {
                component: component.to_owned(),
                since,
                is_starting: now_ms - since < STARTING_MS,
            })
            .collect()
    }

    /// Whether an address of the component has ever answered.
    fn was_seen(&self, component: &str) -> bool {
        self.last
            .values()
            .any(|last| last.component == component && !last.is_never_seen)
    }

    /// Drops addresses that are no longer any target's, and says from when on nobody knows of them.
    fn forget_gone(&mut self, readings: &[Reading], now_ms: i64) -> Vec<Entry> {
        let is_there = |address: &str, last: &LastReading| {
            readings.iter().any(|reading| {
                // A component whose name could not be looked up has all its addresses still.
                let is_unknown = reading.is_unresolved && reading.component == last.component;
                reading.address == address || is_unknown
            })
        };
        let mut gaps = Vec::new();
        self.last.retain(|address, last| {
            let stays = is_there(address, last);
            if !stays && !last.is_never_seen {
                gaps.push(last.entry(now_ms, None, 0));
            }
            stays
        });
        gaps
    }

    fn push(&mut self, entry: Entry) {
        if self.entries.len() == ENTRIES_MAX {
            self.entries.pop_front();
        }
        self.entries.push_back(entry);
    }
}

fn touches(from: i64, to: i64, start_ms: i64, end_ms: i64) -> bool {
    from < end_ms && to > start_ms
}

fn gap(component: &str, from: i64, to: i64) -> Unaccounted {
    Unaccounted {
        component: component.to_owned(),
        from,
        to,
    }
}

fn difference(last: &LastReading, page: &Page, now_ms: i64, added: &mut Vec<Entry>) {
    let started_ms = page.started_s.map(|start| (start * 1000.0) as i64);
    let has_started_since = started_ms.filter(|start| (last.at_ms..now_ms).contains(start));
    if last.is_never_seen && has_started_since.is_none() {
        match started_ms {
            // It had begun just before us: what it counts is since then, and before it nothing ran.
            Some(start) if (last.at_ms - STARTING_MS..last.at_ms).contains(&start) => {
                added.extend(losses_of(page).map(|(cause, records)| Entry {
                    from: start,
                    ..last.entry(now_ms, Some(cause), records)
                }));
            }
            // As with one that answers at once, counting begins with its first answer.
            None if now_ms - last.at_ms < STARTING_MS => {}
            // It ran before it could be reached, so nobody can say which of its losses are of this interval.
            _ => added.push(last.entry(now_ms, None, 0)),
        }
        return;
    }
    let total_of = |cause: &str| page.totals.get(cause).copied().unwrap_or(0);
    let is_lower = last
        .totals
        .iter()
        .any(|(cause, before)| total_of(cause) < *before);
    let is_same_process = match (last.started_s, page.started_s) {
        (Some(before), Some(now)) => {
            !is_lower && ((before - now).abs() < 1.0 || has_aged(last.age, page.age))
        }
        // Without a start time only an unbroken row of readings shows it.
        _ => !last.is_silent && !is_lower,
    };
    // A new process counts from its own start; only what lies before is unknown, if anything ran then.
    if !is_same_process && !last.is_never_seen {
        added.push(last.entry(has_started_since.unwrap_or(now_ms), None, 0));
    }
    for (cause, total) in &page.totals {
        let before = if is_same_process {
            last.totals.get(cause).copied().unwrap_or(0)
        } else {
            0
        };
        if *total > before {
            added.push(last.entry(now_ms, Some(cause.clone()), total - before));
        }
    }
}

/// Whether a process has grown older by the time that passed. Both of its times are of its own clock, so that a clock that is
/// set, its own or ours, changes nothing.
fn has_aged(before: Option<Age>, now: Option<Age>) -> bool {
    before.zip(now).is_some_and(|(before, now)| {
        let passed = now.read_at.duration_since(before.read_at).as_secs_f64();
        (now.seconds - before.seconds - passed).abs() < AGE_SLACK_S
    })
}

/// What a process has lost since it started.
fn losses_of(page: &Page) -> impl Iterator<Item = (String, u64)> {
    let lost = page.totals.iter().filter(|(_, total)| **total > 0);
    lost.map(|(cause, total)| (cause.clone(), *total))
}

#[cfg(test)]
mod tests;
