#![allow(
    clippy::unnecessary_wraps,
    reason = "an answer beside no answer reads best so"
)]

use std::time::{Duration, Instant};

use super::*;
use crate::losses::Unit;

fn page(total: u64, started_s: Option<f64>) -> Option<Page> {
    Some(Page {
        totals: [("full".to_owned(), total)].into(),
        started_s,
        age: None,
    })
}

fn note(ledger: &mut Ledger, now_ms: i64, page: Option<Page>) -> Vec<(i64, i64, Option<u64>)> {
    read(ledger, now_ms, "a", page)
}

fn read(
    ledger: &mut Ledger,
    now_ms: i64,
    address: &str,
    page: Option<Page>,
) -> Vec<(i64, i64, Option<u64>)> {
    let is_unresolved = address.is_empty();
    let reading = Reading {
        component: "agent".into(),
        address: address.into(),
        is_unresolved,
        page,
    };
    let entries = ledger.note(vec![reading], now_ms);
    entries
        .iter()
        .map(|e| (e.from, e.to, e.cause.as_ref().map(|_| e.records)))
        .collect()
}

#[test]
fn a_difference_is_a_loss_in_its_interval() {
    let mut ledger = Ledger::default();
    assert_eq!(note(&mut ledger, 10, page(5, None)), []);
    assert_eq!(note(&mut ledger, 20, page(5, None)), []);
    assert_eq!(note(&mut ledger, 30, page(8, None)), [(20, 30, Some(3))]);
    let (losses, gaps) = ledger.between(0, 100, 100);
    assert_eq!(
        losses,
        [Loss {
            component: "agent".into(),
            cause: "full".into(),
            amount: 3,
            unit: Unit::Records,
        }]
    );
    assert_eq!(gaps, []);
    assert_eq!(ledger.between(30, 100, 100).0, []);
}

#[test]
fn a_restart_is_a_gap_and_counts_from_zero_again() {
    let mut ledger = Ledger::default();
    note(&mut ledger, 10, page(5, None));
    assert_eq!(
        note(&mut ledger, 20, page(2, None)),
        [(10, 20, None), (10, 20, Some(2))]
    );
    // A restart that no counter shows, told by the start time alone.
    let mut ledger = Ledger::default();
    note(&mut ledger, 10, page(0, Some(1.0)));
    assert_eq!(note(&mut ledger, 20, page(0, Some(12.0))), [(10, 20, None)]);
}

#[test]
fn a_step_of_a_clock_is_no_restart_and_no_loss_is_counted_again() {
    const HOUR_S: u64 = 3600;
    let begin = Instant::now();
    // A process of 100 s that had lost 500, read again 15 s later: by how much our clock was set meanwhile, its start, its
    // age, and whether it is the same.
    for (step_s, started_s, age_s, is_same) in [
        (0, 1000, Some(115), true),
        // It tells the start that it read once.
        (HOUR_S, 1000, Some(115 + HOUR_S), true),
        (HOUR_S, 1000, None, true),
        // It reckons its start by the clock at each reading.
        (HOUR_S, 1000 + HOUR_S, Some(115), true),
        (HOUR_S, 1000 + HOUR_S, Some(113), true),
        // The same on a host of its own, whose clock was set.
        (0, 1000 + HOUR_S, Some(117), true),
        // It was started again meanwhile, at once or after a step.
        (0, 1101, Some(14), false),
        (HOUR_S, 1105 + HOUR_S, Some(10), false),
        // Nothing shows how old it is.
        (HOUR_S, 1000 + HOUR_S, None, false),
    ] {
        let read = |ledger: &mut Ledger, at_s: u64, total, started_s: u64, age_s: Option<u64>| {
            let age = age_s.map(|seconds| Age {
                seconds: seconds as f64,
                read_at: begin + Duration::from_secs(if total == 500 { 0 } else { 15 }),
            });
            let page = page(total, Some(started_s as f64)).map(|page| Page { age, ..page });
            note(ledger, at_s as i64 * 1000, page)
        };
        let mut ledger = Ledger::default();
        read(&mut ledger, 1100, 500, 1000, Some(100));
        let added = read(&mut ledger, 1115 + step_s, 502, started_s, age_s);
        let losses: Vec<u64> = added.iter().filter_map(|entry| entry.2).collect();
        let (expected, gaps) = if is_same { (2, 0) } else { (502, 1) };
        let case = (step_s, started_s, age_s);
        assert_eq!(losses, [expected], "{case:?}");
        assert_eq!(added.len() - losses.len(), gaps, "{case:?}");
    }
}

#[test]
fn the_gap_of_a_restart_ends_where_the_new_process_starts() {
    let mut ledger = Ledger::default();
    note(&mut ledger, 10_000, page(5, Some(1.0)));
    let entries = note(&mut ledger, 90_000, page(2, Some(80.0)));
    assert_eq!(entries, [(10_000, 80_000, None), (10_000, 90_000, Some(2))]);
    assert_eq!(ledger.between(80_000, 90_000, 90_000).1, []);
    // A start before the last reading contradicts it: nothing is known.
    let mut ledger = Ledger::default();
    note(&mut ledger, 10_000, page(5, Some(1.0)));
    assert_eq!(
        note(&mut ledger, 20_000, page(5, Some(5.0))),
        [(10_000, 20_000, None), (10_000, 20_000, Some(5))]
    );
}

#[test]
fn silence_is_an_open_gap_until_the_same_process_answers() {
    let mut ledger = Ledger::default();
    note(&mut ledger, 10, page(5, Some(1.0)));
    note(&mut ledger, 20, None);
    assert_eq!(ledger.between(0, 100, 30).1, [gap("agent", 10, 30)]);
    assert_eq!(
        note(&mut ledger, 40, page(7, Some(1.0))),
        [(10, 40, Some(2))]
    );
    assert_eq!(ledger.between(0, 100, 50).1, []);
    // Nothing shows that it is the same: the gap stays.
    let mut ledger = Ledger::default();
    note(&mut ledger, 10, page(5, None));
    note(&mut ledger, 20, None);
    assert_eq!(
        note(&mut ledger, 40, page(7, None)),
        [(10, 40, None), (10, 40, Some(7))]
    );
}

#[test]
fn nobody_watched_while_we_were_away() {
    let mut before = Ledger::default();
    note(&mut before, 10, page(5, Some(1.0)));
    note(&mut before, 20, page(6, Some(1.0)));
    let mut after = Ledger::restore(
        before.entries().cloned().collect::<Vec<_>>(),
        before.last().clone(),
    );
    assert_eq!(after.between(15, 100, 50).1, [gap("agent", 20, 50)]);
    assert_eq!(
        note(&mut after, 60, page(9, Some(1.0))),
        [(20, 60, Some(3))]
    );
    let (losses, gaps) = after.between(0, 100, 70);
    assert_eq!((losses[0].amount, gaps.len()), (4, 0));
}

#[test]
fn a_component_that_never_answered_is_never_seen_and_no_gap() {
    let never = |is_starting| NeverSeen {
        component: "agent".into(),
        since: 100_000,
        is_starting,
    };
    let gap_or_losses = |from, records| vec![(from, 130_000, records)];
    // The start of the process, what its first answer adds, and why.
    for (started_s, expected) in [
        // It started while we watched: it counted from its start, and before it nothing ran.
        (Some(105.0), gap_or_losses(100_000, Some(2))),
        // It started a moment before us, but could not be reached yet: no false alarm at a first start.
        (Some(95.0), gap_or_losses(95_000, Some(2))),
        // It ran long before: nobody can say when it lost what it counts.
        (Some(5.0), gap_or_losses(100_000, None)),
        // It does not tell, but answers soon after our own start.
        (None, vec![]),
    ] {
        let mut ledger = Ledger::default();
        assert_eq!(note(&mut ledger, 100_000, None), []);
        assert_eq!(note(&mut ledger, 115_000, None), []);
        assert_eq!(ledger.between(0, 300_000, 120_000).1, []);
        assert_eq!(ledger.never_seen(120_000), [never(true)]);
        assert_eq!(ledger.never_seen(160_000), [never(false)]);
        // Also after a restart of the console.
        let mut ledger = Ledger::restore([], ledger.last().clone());
        assert_eq!(ledger.never_seen(120_000), [never(true)]);
        assert_eq!(
            note(&mut ledger, 130_000, page(2, started_s)),
            expected,
            "{started_s:?}"
        );
        assert_eq!(ledger.never_seen(130_000), []);
        // From then on its silence is a gap.
        note(&mut ledger, 150_000, None);
        let gaps = ledger.between(145_000, 300_000, 160_000).1;
        assert_eq!(gaps, [gap("agent", 130_000, 160_000)]);
    }
}

#[test]
fn a_first_answer_after_a_long_time_is_a_gap_where_no_start_is_told() {
    let mut ledger = Ledger::default();
    note(&mut ledger, 10_000, None);
    assert_eq!(
        note(&mut ledger, 10_000 + STARTING_MS, page(2, None)),
        [(10_000, 70_000, None)]
    );
}

#[test]
fn one_address_that_answers_makes_the_component_seen() {
    let mut ledger = Ledger::default();
    let reading = |address: &str, page| Reading {
        component: "agent".into(),
        address: address.into(),
        is_unresolved: false,
        page,
    };
    ledger.note(
        vec![reading("a", page(0, Some(1.0))), reading("b", None)],
        10,
    );
    assert_eq!(ledger.never_seen(10), []);
    assert_eq!(ledger.between(0, 100, 30).1, [gap("agent", 10, 30)]);
    // What was never seen leaves nothing behind when it is no longer a target.
    let added = ledger.note(vec![reading("a", page(0, Some(1.0)))], 20);
    assert_eq!(added, []);
}

#[test]
fn an_address_that_is_gone_is_forgotten_and_one_that_cannot_be_looked_up_is_silent() {
    let mut ledger = Ledger::default();
    note(&mut ledger, 10, page(5, Some(1.0)));
    assert_eq!(read(&mut ledger, 20, "", None), []);
    assert_eq!(ledger.between(0, 100, 30).1, [gap("agent", 10, 30)]);
    assert_eq!(
        read(&mut ledger, 40, "b", page(0, Some(2.0))),
        [(10, 40, None)]
    );
    assert_eq!(ledger.last().len(), 1);
}

#[test]
fn a_new_address_of_a_watched_component_counts_from_when_it_was_watched() {
    // The address read before, its page, the start of the new process, and what its first answer adds.
    for (before, before_page, started_s, expected) in [
        // The name could not be looked up.
        ("", None, 105.0, vec![(100_000, 130_000, Some(2))]),
        ("", None, 5.0, vec![(100_000, 130_000, None)]),
        // A pod in place of another, which leaves a gap until nobody reads it any more.
        (
            "url 10.0.0.2:1",
            page(7, Some(1.0)),
            110.0,
            vec![(100_000, 130_000, None), (100_000, 130_000, Some(2))],
        ),
        // Nothing is known of either: said once.
        (
            "url 10.0.0.2:1",
            page(7, Some(1.0)),
            5.0,
            vec![(100_000, 130_000, None)],
        ),
    ] {
        let mut ledger = Ledger::default();
        assert_eq!(read(&mut ledger, 100_000, before, before_page), []);
        let added = read(
            &mut ledger,
            130_000,
            "url 10.0.0.1:1",
            page(2, Some(started_s)),
        );
        assert_eq!(added, expected, "{before} {started_s}");
        assert_eq!(ledger.never_seen(130_000), []);
    }
    // One more pod beside those that go on.
    let mut ledger = Ledger::default();
    let reading = |address: &str, total, started| Reading {
        component: "agent".into(),
        address: address.into(),
        is_unresolved: false,
        page: page(total, Some(started)),
    };
    ledger.note(vec![reading("a", 7, 1.0)], 100_000);
    let added = ledger.note(vec![reading("a", 7, 1.0), reading("b", 2, 110.0)], 115_000);
    assert_eq!(added.len(), 1);
    assert_eq!((added[0].from, added[0].records), (100_000, 2));
}

#[test]
fn losses_of_a_range_are_listed_one_by_one_the_newest_only() {
    let mut ledger = Ledger::default();
    let readings = INTERVALS_MAX as i64 + 3;
    for second in 0..=readings {
        // The third process is a new one: a gap, which is no loss.
        let started = if second < 2 { 0.0 } else { 1.5 };
        note(
            &mut ledger,
            second * 1000,
            page(second as u64 * 7, Some(started)),
        );
    }
    let seconds_of = |start: i64, end: i64| -> Vec<(i64, i64, u64)> {
        ledger
            .intervals(start * 1000, end * 1000)
            .into_iter()
            .map(|each| (each.from / 1000, each.to / 1000, each.amount))
            .collect()
    };
    let cases = [
        ((0, 1), vec![(0, 1, 7)]),
        // What the new process had counted by then is its loss, over the gap's time too.
        ((1, 3), vec![(1, 2, 14), (2, 3, 7)]),
        ((readings, readings + 9), vec![]),
    ];
    for ((start, end), expected) in cases {
        assert_eq!(seconds_of(start, end), expected, "{start} to {end}");
    }
    let all = seconds_of(0, readings);
    assert_eq!(all.len(), INTERVALS_MAX);
    assert_eq!(all.first(), Some(&(3, 4, 7)), "the oldest are left out");
    assert_eq!(all.last(), Some(&(readings - 1, readings, 7)));
    let (sums, _) = ledger.between(0, i64::MAX, i64::MAX);
    assert_eq!(
        sums[0].amount,
        7 + 14 + 7 * (readings as u64 - 2),
        "sums count what the list leaves out"
    );
}
