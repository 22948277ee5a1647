//! The best few of many, with ties decided.
//!
//! **Invariant:** linear in the number of candidates as long as few of them tie.

use std::cmp::Ordering;

/// Keeps the first `limit` by value. Labels, which are dear to compare, decide only among those that tie for the last
/// places.
pub fn keep_best<C>(
    cells: &mut Vec<C>,
    limit: usize,
    by_value: impl Fn(&C, &C) -> Ordering,
    by_labels: impl FnMut(&C, &C) -> Ordering,
) {
    if limit > 0 {
        let (better, last, rest) = cells.select_nth_unstable_by(limit - 1, &by_value);
        if rest.iter().any(|cell| by_value(last, cell).is_eq()) {
            let decided = better
                .iter()
                .filter(|cell| by_value(cell, last).is_ne())
                .count();
            cells.sort_unstable_by(&by_value);
            let tied =
                cells[decided..].partition_point(|cell| by_value(&cells[decided], cell).is_eq());
            cells[decided..decided + tied].sort_unstable_by(by_labels);
        }
    }
    cells.truncate(limit);
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn of_equal_values_the_first_labels_are_kept_and_nothing_better_is_lost() {
        let check = |values: &[(i32, &'static str)], limit, expected: &[&str]| {
            let mut cells = values.to_vec();
            keep_best(&mut cells, limit, |a, b| b.0.cmp(&a.0), |a, b| a.1.cmp(b.1));
            let mut kept: Vec<&str> = cells.iter().map(|cell| cell.1).collect();
            kept.sort_unstable();
            assert_eq!(kept, expected, "{limit} of {values:?}");
        };
        check(&[(1, "d"), (1, "c"), (1, "b"), (1, "a")], 2, &["a", "b"]);
        check(&[(1, "c"), (9, "z"), (1, "a"), (1, "b")], 2, &["a", "z"]);
        check(
            &[(1, "a"), (3, "y"), (2, "z"), (2, "b"), (3, "x")],
            3,
            &["b", "x", "y"],
        );
        check(&[(2, "a"), (1, "b")], 0, &[]);
        check(&[(2, "a"), (1, "b"), (1, "c")], 1, &["a"]);
    }
}
