//! The file thread's work, without the thread.
#![allow(clippy::unwrap_used, reason = "tests")]

use super::*;
use crate::store::clock::Known;
use crate::store::lines::Lines;
use crate::store::push::{self, PushLimits};
use crate::store::state::Segment;

/// A file thread over `segments` closed segments of one row each.
fn maintainer(root: &Path, segments: u64) -> Maintainer {
    let mut config = StoreConfig::at(root);
    config.limits.free_bytes = 0;
    let (flows, log_folder) = (root.join("flows"), root.join("wal"));
    fs::create_dir_all(&flows).unwrap();
    fs::create_dir_all(&log_folder).unwrap();
    let limits = PushLimits {
        decoded_bytes: 1 << 20,
        line_bytes: 100,
        lines: 1,
        oldest_ms: 0,
        newest_ms: i64::MAX,
    };
    let state = Arc::new(State::default());
    for number in 1..=segments + 1 {
        let mut segment = Segment::new(number);
        if number <= segments {
            let body = format!(
                r#"{{"streams":[{{"values":[["{}000000","{{}}"]]}}]}}"#,
                now_ms()
            );
            let pushed = push::decode(Encoding::Json, body.as_bytes(), &limits, Lines::default());
            segment.append(
                &pushed.unwrap().lines,
                crate::store::dedup::Digest([0; 16]),
                0,
            );
        }
        fs::write(segment_path(&log_folder, number), "").unwrap();
        state.push_segment(segment);
    }
    Maintainer {
        clock: Clock::new(Some(Known::at(now_ms())), 1_000, now_ms()),
        clock_file: ClockFile::at(root),
        config,
        flows,
        log_folder,
        state,
        metrics: Arc::default(),
        watch: Arc::default(),
        ticked: Instant::now(),
        ending: Arc::default(),
    }
}

#[test]
fn a_store_that_closes_seals_no_backlog_whatever_wakes_the_thread() {
    for (time, left) in [
        (None, 0),
        (Some(Duration::from_mins(1)), 0),
        (Some(Duration::ZERO), 3),
    ] {
        let folder = tempfile::tempdir().unwrap();
        let mut maintainer = maintainer(folder.path(), 3);
        if let Some(time) = time {
            maintainer.ending.begin(time);
        }
        assert!(maintainer.work(false), "what is left is no failure");
        assert_eq!(maintainer.state.sealable().len(), left, "{time:?}");
    }
}

#[test]
fn a_log_that_can_be_written_again_is_seen_without_a_push() {
    let folder = tempfile::tempdir().unwrap();
    let mut maintainer = maintainer(folder.path(), 0);
    let error = StoreError::LogFailed("input/output error".to_owned());
    maintainer.watch.refuse(&error);
    // In the way of the attempt.
    let obstacle = maintainer.log_folder.join("probe.tmp");
    fs::create_dir(&obstacle).unwrap();
    maintainer.work(false);
    let reason = maintainer.watch.refusal().map(|refusal| refusal.reason);
    assert_eq!(reason, Some(error.to_string()));
    fs::remove_dir(&obstacle).unwrap();
    maintainer.work(false);
    assert_eq!(maintainer.watch.refusal(), None);
    assert!(!maintainer.log_folder.join("probe").exists());
}
