//! The store's own notion of now, by which rows grow old. A machine's clock may be wrong by years, and a store that
//! believed it at once would delete everything it holds.
//!
//! Ticked by the file thread, kept in the file `clock` of the store's folder, read by pushes.
//!
//! **Invariant:** pure but for reading and writing that file. Now is never ahead of the machine's clock, and runs
//! ahead of the latest time believed by at most an eighth of the retention's age at once; a clock that is further ahead is
//! believed when it has been so for as long as the retention's age, because by then what was stored before has grown
//! old by any clock.

use std::path::{Path, PathBuf};

use super::error::StoreError;
use super::wal::{read_whole, write_whole};

/// A step of the machine's clock that would delete no more than this part of what is kept is believed: a pause of the
/// machine is one.
const BELIEVED_PART: i64 = 8;
/// How often the file is written.
const SAVE_MS: i64 = 5 * 60 * 1000;

/// What outlives a restart. Times in Unix milliseconds.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[allow(
    clippy::struct_field_names,
    reason = "a unit is the last part of a name, and all of these are times"
)]
pub struct Known {
    pub now_ms: i64,
    pub doubted_ms: i64,
    pub latest_ms: i64,
}

impl Known {
    /// A time that nothing speaks against.
    pub fn at(now_ms: i64) -> Self {
        Self {
            now_ms,
            doubted_ms: 0,
            latest_ms: now_ms,
        }
    }
}

/// Now, and how sure it is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[allow(
    clippy::struct_field_names,
    reason = "a unit is the last part of a name, and all of these are times"
)]
pub struct Clock {
    /// Unix milliseconds.
    pub now_ms: i64,
    /// The latest time that was ever believed, and the time that passed since: what a machine that began in 1970 comes
    /// back to.
    latest_ms: i64,
    /// How long the machine's clock has been too far ahead, while the store was running.
    pub doubted_ms: i64,
    /// Age at which rows are deleted.
    age_ms: i64,
}

impl Clock {
    /// `known` is what is known of the time: nothing for a new store.
    pub fn new(known: Option<Known>, age_ms: i64, wall_ms: i64) -> Self {
        let known = known.unwrap_or(Known::at(wall_ms));
        let mut clock = Self {
            now_ms: known.now_ms,
            latest_ms: known.latest_ms.max(known.now_ms),
            doubted_ms: known.doubted_ms,
            age_ms,
        };
        clock.tick(wall_ms, 0);
        clock
    }

    /// `passed_ms` went by since the last tick, and the machine's clock shows `wall_ms`.
    pub fn tick(&mut self, wall_ms: i64, passed_ms: i64) {
        let expected_ms = self.now_ms.saturating_add(passed_ms);
        self.latest_ms = self.latest_ms.saturating_add(passed_ms).max(expected_ms);
        let is_plausible = wall_ms <= self.latest_ms.saturating_add(self.age_ms / BELIEVED_PART);
        self.doubted_ms = if is_plausible {
            0
        } else {
            self.doubted_ms.saturating_add(passed_ms)
        };
        let is_believed = is_plausible || self.doubted_ms >= self.age_ms;
        if is_believed {
            self.doubted_ms = 0;
        }
        self.now_ms = if is_believed { wall_ms } else { expected_ms };
        self.latest_ms = self.latest_ms.max(self.now_ms);
    }

    /// Whether the machine's clock is not believed at present.
    pub fn is_doubting(&self) -> bool {
        self.doubted_ms > 0
    }
}

/// The file that outlives a restart.
#[derive(Debug)]
pub struct ClockFile {
    path: PathBuf,
    saved_ms: i64,
}

impl ClockFile {
    pub fn at(root: &Path) -> Self {
        Self {
            path: root.join("clock"),
            saved_ms: i64::MIN,
        }
    }

    /// What was last saved. A file that is not readable says nothing; one of two numbers is of an earlier version.
    pub fn read(&self) -> Option<Known> {
        let bytes = read_whole(&self.path).ok()?;
        let text = String::from_utf8(bytes).ok()?;
        let numbers: Vec<i64> = text
            .split_whitespace()
            .map(|number| number.parse().ok())
            .collect::<Option<_>>()?;
        match numbers[..] {
            [now_ms, doubted_ms] => Some(Known {
                doubted_ms,
                ..Known::at(now_ms)
            }),
            [now_ms, doubted_ms, latest_ms] => Some(Known {
                now_ms,
                doubted_ms,
                latest_ms,
            }),
            _ => None,
        }
    }

    /// Saves the clock if it is time to, or in any case.
    pub fn save(&mut self, clock: &Clock, is_due: bool) -> Result<(), StoreError> {
        if !is_due && clock.now_ms.saturating_sub(self.saved_ms).saturating_abs() < SAVE_MS {
            return Ok(());
        }
        self.saved_ms = clock.now_ms;
        let text = format!(
            "{} {} {}\n",
            clock.now_ms, clock.doubted_ms, clock.latest_ms
        );
        write_whole(&self.path, text.as_bytes())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const HOUR_MS: i64 = 3_600_000;
    const DAY_MS: i64 = 24 * HOUR_MS;
    const YEARS_MS: i64 = 14 * 365 * DAY_MS;
    /// Some day.
    const T: i64 = 20_000 * DAY_MS;

    /// A clock that keeps eight days, at `T`, after the steps `(passed, wall)`.
    fn after(steps: &[(i64, i64)]) -> i64 {
        let mut clock = Clock::new(Some(Known::at(T)), 8 * DAY_MS, T);
        for (passed_ms, wall_ms) in steps {
            clock.tick(*wall_ms, *passed_ms);
        }
        clock.now_ms - T
    }

    #[test]
    fn now_follows_the_machine_but_not_at_once_over_a_great_step() {
        let far = T + YEARS_MS;
        for (what, steps, expected) in [
            ("time passes", vec![(HOUR_MS, T + HOUR_MS)], HOUR_MS),
            ("a pause", vec![(0, T + DAY_MS)], DAY_MS),
            ("a long pause", vec![(0, T + DAY_MS + 1)], 0),
            (
                "asleep, of which only the seconds awake count, and years ahead after it",
                vec![(5_000, T + 5_000), (5_000, far)],
                10_000,
            ),
            ("back", vec![(HOUR_MS, T - DAY_MS)], -DAY_MS),
            (
                "a start in 1970, and the right time",
                vec![(0, 0), (HOUR_MS, T + 2 * HOUR_MS)],
                2 * HOUR_MS,
            ),
            (
                "a start in 1970, and years ahead",
                vec![(0, 0), (HOUR_MS, far)],
                HOUR_MS - T,
            ),
            ("years ahead", vec![(HOUR_MS, far)], HOUR_MS),
            (
                "years ahead and back",
                vec![(HOUR_MS, far), (HOUR_MS, T + 2 * HOUR_MS)],
                2 * HOUR_MS,
            ),
            (
                "years ahead for a day less than is kept",
                vec![(7 * DAY_MS, far)],
                7 * DAY_MS,
            ),
            (
                "years ahead for as long as rows are kept",
                vec![(7 * DAY_MS, far), (DAY_MS, far)],
                YEARS_MS,
            ),
            (
                "ahead, back, ahead: it counts from the start",
                vec![(7 * DAY_MS, far), (0, T + 7 * DAY_MS), (DAY_MS, far)],
                8 * DAY_MS,
            ),
        ] {
            assert_eq!(after(&steps), expected, "{what}");
        }
    }

    #[test]
    fn a_new_store_believes_the_machine_and_an_old_one_what_it_knows() {
        let new = Clock::new(None, DAY_MS, T);
        assert_eq!((new.now_ms, new.is_doubting()), (T, false));
        let far = Clock::new(
            Some(Known {
                doubted_ms: HOUR_MS,
                ..Known::at(T)
            }),
            DAY_MS,
            T + YEARS_MS,
        );
        assert_eq!((far.now_ms, far.is_doubting()), (T, true));
        let behind = Clock::new(Some(Known::at(T)), DAY_MS, T - YEARS_MS);
        assert_eq!(behind.now_ms, T - YEARS_MS, "nothing grows old by it");
    }

    #[test]
    fn the_file_outlives_a_restart_and_may_be_damaged() {
        let folder = tempfile::tempdir().expect("a folder");
        let mut file = ClockFile::at(folder.path());
        assert_eq!(file.read(), None);
        let known = |now_ms, doubted_ms, latest_ms| {
            Some(Known {
                now_ms,
                doubted_ms,
                latest_ms,
            })
        };
        let mut clock = Clock::new(known(T, 7, T + 1), DAY_MS, T + YEARS_MS);
        file.save(&clock, false).expect("a file");
        assert_eq!(file.read(), known(T, 7, T + 1));
        clock.tick(T + YEARS_MS, SAVE_MS - 1);
        file.save(&clock, false).expect("a file");
        assert_eq!(file.read(), known(T, 7, T + 1), "not due");
        file.save(&clock, true).expect("a file");
        assert_eq!(
            file.read(),
            known(T + SAVE_MS - 1, SAVE_MS + 6, T + SAVE_MS)
        );
        std::fs::write(folder.path().join("clock"), "5 6\n").expect("a file");
        assert_eq!(file.read(), known(5, 6, 5), "of an earlier version");
        std::fs::write(folder.path().join("clock"), "x").expect("a file");
        assert_eq!(file.read(), None);
    }
}
