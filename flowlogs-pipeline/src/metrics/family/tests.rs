#![allow(clippy::unwrap_used, reason = "tests")]
use std::collections::BTreeMap;

use proptest::prelude::*;

use super::*;

struct Harness {
    family: Family,
    budget: Budget,
    hasher: LabelHasher,
}

impl Harness {
    fn new(kind: Kind, bounds: &[f64], limit: usize) -> Self {
        Self {
            family: Family::new(kind, bounds),
            budget: Budget::new(limit),
            hasher: LabelHasher::default(),
        }
    }

    fn update(&mut self, labels: &str, value: f64, now_ms: u64) -> bool {
        let hash = self.hasher.hash(labels);
        self.family
            .update(hash, labels, value, now_ms, &mut self.budget)
    }

    fn sweep(&mut self, now_ms: u64, idle_ms: u64) -> usize {
        self.family.sweep(now_ms, idle_ms, &mut self.budget)
    }

    fn lines(&self) -> Vec<String> {
        let mut out = Vec::new();
        let mut cursor = Some(0);
        while let Some(at) = cursor {
            cursor = self.family.render("m", at, &mut out);
        }
        let mut lines: Vec<_> = String::from_utf8(out)
            .unwrap()
            .lines()
            .map(String::from)
            .collect();
        lines.sort();
        lines
    }
}

#[test]
fn counters_add_and_gauges_set() {
    let mut counter = Harness::new(Kind::Counter, &[], 0);
    counter.update("a=\"1\"", 7.0, 0);
    counter.update("a=\"1\"", 1.0, 0);
    counter.update("", 2.0, 0);
    assert_eq!(counter.lines(), ["m 2", "m{a=\"1\"} 8"]);
    let mut gauge = Harness::new(Kind::Gauge, &[], 0);
    gauge.update("", 50.0, 0);
    gauge.update("", 20.0, 0);
    assert_eq!(gauge.lines(), ["m 20"]);
}

#[test]
fn a_histogram_counts_a_value_on_a_bound_in_that_bucket() {
    let mut harness = Harness::new(Kind::Histogram, &[0.5, 1.0], 0);
    for value in [0.1, 0.5, 0.7, 9.0] {
        harness.update("a=\"1\"", value, 0);
    }
    assert_eq!(
        harness.lines(),
        [
            "m_bucket{a=\"1\",le=\"+Inf\"} 4",
            "m_bucket{a=\"1\",le=\"0.5\"} 2",
            "m_bucket{a=\"1\",le=\"1\"} 3",
            "m_count{a=\"1\"} 4",
            "m_sum{a=\"1\"} 10.3",
        ]
    );
}

#[test]
fn a_new_series_beyond_the_limit_is_refused_and_known_ones_go_on() {
    let mut harness = Harness::new(Kind::Counter, &[], 2);
    assert!(harness.update("a=\"1\"", 1.0, 0));
    assert!(harness.update("a=\"2\"", 1.0, 0));
    assert!(!harness.update("a=\"3\"", 1.0, 0));
    assert!(harness.update("a=\"1\"", 1.0, 0));
    assert_eq!(harness.lines(), ["m{a=\"1\"} 2", "m{a=\"2\"} 1"]);
}

#[test]
fn an_idle_series_is_removed_and_comes_back_from_zero() {
    let mut harness = Harness::new(Kind::Histogram, &[1.0], 2);
    harness.update("a=\"1\"", 5.0, 0);
    harness.update("a=\"2\"", 5.0, 90);
    assert_eq!(harness.sweep(100, 100), 1);
    assert_eq!(harness.budget.live(), 1);
    assert!(harness.update("a=\"1\"", 0.5, 101));
    assert!(
        harness
            .lines()
            .contains(&"m_bucket{a=\"1\",le=\"+Inf\"} 1".into())
    );
    assert!(harness.lines().contains(&"m_sum{a=\"1\"} 0.5".into()));
}

#[test]
fn a_long_scrape_comes_in_pieces_and_shows_each_series_once() {
    let mut harness = Harness::new(Kind::Counter, &[], 0);
    for number in 0..20_000 {
        harness.update(&format!("a=\"{number}\""), 1.0, number);
    }
    let mut out = Vec::new();
    let first = harness.family.render("m", 0, &mut out).unwrap();
    assert!(out.len() < 2 * SCRAPE_PIECE_BYTES);
    // Half of them go while the scrape is under way: what stays is still shown exactly once.
    harness.sweep(20_000, 10_000);
    let mut cursor = Some(first);
    while let Some(at) = cursor {
        cursor = harness.family.render("m", at, &mut out);
    }
    let text = String::from_utf8(out).unwrap();
    let mut lines: Vec<_> = text.lines().collect();
    let all = lines.len();
    lines.sort_unstable();
    lines.dedup();
    assert_eq!(lines.len(), all);
    for number in 10_001..20_000 {
        assert!(text.contains(&format!("{{a=\"{number}\"}}")), "{number}");
    }
}

#[test]
fn a_burst_of_series_gives_its_memory_back_though_some_stay() {
    for kind in [Kind::Counter, Kind::Histogram] {
        let mut harness = Harness::new(kind, &[1.0], 0);
        for number in 0..10_000 {
            // The last of the first hundred stay.
            let now = if (50..100).contains(&number) { 200 } else { 0 };
            harness.update(&format!("a=\"{number}\""), 1.0, now);
        }
        assert_eq!(harness.sweep(200, 100), 9950);
        let family = &harness.family;
        assert_eq!(family.slots.len(), 100);
        for held in [
            family.slots.capacity(),
            family.free.capacity(),
            family.index.capacity(),
            family.counts.capacity() / 2,
        ] {
            assert!(held <= 200, "{held}");
        }
        // New ones take the first free places.
        harness.update("a=\"new\"", 1.0, 200);
        assert!(harness.family.slots[0].is_some());
        assert_eq!(harness.budget.live(), 51);
    }
}

proptest! {
    #[test]
    fn a_counter_agrees_with_a_plain_map(
        steps in prop::collection::vec((0_u8..40, 0_u32..100, prop::bool::weighted(0.1)), 0..300)
    ) {
        let mut harness = Harness::new(Kind::Counter, &[], 30);
        let mut model: BTreeMap<u8, (f64, u64)> = BTreeMap::new();
        for (now, (key, value, is_sweep)) in steps.into_iter().enumerate() {
            let now = now as u64;
            if is_sweep {
                let before = model.len();
                model.retain(|_, entry| now - entry.1 < 20);
                prop_assert_eq!(harness.sweep(now, 20), before - model.len());
                continue;
            }
            let is_accepted = harness.update(&format!("k=\"{key}\""), value.into(), now);
            prop_assert_eq!(is_accepted, model.contains_key(&key) || model.len() < 30);
            if is_accepted {
                let entry = model.entry(key).or_default();
                entry.0 += f64::from(value);
                entry.1 = now;
            }
            prop_assert_eq!(harness.budget.live(), model.len());
        }
        let mut expected: Vec<_> =
            model.iter().map(|(key, entry)| format!("m{{k=\"{key}\"}} {}", entry.0)).collect();
        expected.sort();
        prop_assert_eq!(harness.lines(), expected);
    }
}
