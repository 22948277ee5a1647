//! Opens a folder: lock, recovery of files, replay of the log, start of the threads.
//!
//! **Invariant:** after it every acknowledged row is in exactly one place, whenever the last process died.

use std::fs::{self, OpenOptions, TryLockError};
use std::path::Path;
use std::sync::mpsc::sync_channel;
use std::sync::{Arc, Mutex};
use std::thread;
use std::time::Instant;

use tokio::sync::Semaphore;

use super::clock::{Clock, ClockFile, Known};
use super::config::StoreConfig;
use super::dedup::Window;
use super::error::{DiskFull, StoreError};
use super::exec::Executor;
use super::files::{damaged_hours, recover};
use super::ingest::Ingest;
use super::intake::{Arriving, Pool};
use super::lines::Lines;
use super::maintain::{Ending, Maintainer};
use super::metrics::Metrics;
use super::space::{need_room, now_ms};
use super::state::{Segment, State};
use super::wal::{Log, numbers, read_frames, read_whole, seen_path, segment_path, sync_folder};
use super::watch::Watch;
use super::{Inner, millis, push, replay_limits};

pub fn open(config: StoreConfig) -> Result<Inner, StoreError> {
    let (flows, log_folder) = (config.path.join("flows"), config.path.join("wal"));
    for folder in [&flows, &log_folder] {
        fs::create_dir_all(folder).map_err(StoreError::io("create the folder", folder))?;
    }
    // A folder that was just created must outlive a power cut as the log inside it does.
    sync_folder(&config.path)?;
    if let Some(parent) = fs::canonicalize(&config.path)
        .ok()
        .as_deref()
        .and_then(Path::parent)
    {
        // Somebody else's folder, which we may not be allowed to open.
        let _ = sync_folder(parent);
    }
    let lock = lock(&config.path)?;
    let watch = Arc::new(Watch::default());
    match need_room(&config.path, config.limits.free_bytes, 0) {
        // What is stored can be read meanwhile, and retention makes room.
        Err(error) if error.is_disk_full() => {
            tracing::warn!(%error, "pushes will be refused");
            watch.refuse(&error);
        }
        checked => checked?,
    }
    let metrics = Arc::new(Metrics::default());
    let seen = numbers(&log_folder, "seen")?;
    let mut logged = numbers(&log_folder, "wal")?;
    // A crash between the two steps of a commit leaves both files; the segment is sealed.
    for number in logged.extract_if(.., |number| seen.contains(number)) {
        let path = segment_path(&log_folder, number);
        fs::remove_file(&path).map_err(StoreError::io("delete the sealed log segment", &path))?;
    }
    let recovered = recover(&config.path, &flows, |number| logged.contains(&number))?;
    metrics.damaged_files.inc_by(recovered.damaged);

    let mut window = Window::new(config.limits.remembered_pushes);
    for number in &seen {
        read_frames(&read_whole(&seen_path(&log_folder, *number))?, |frame| {
            window.insert(frame.digest, frame.time_ms);
        });
    }
    let state = Arc::new(State::default());
    state.seal(0, recovered.files);
    state.add_damaged(damaged_hours(&config.path)?);
    for number in &logged {
        state.push_segment(replay(
            &config,
            &log_folder,
            *number,
            &mut window,
            &metrics,
        )?);
    }
    let last = [
        recovered.last_segment,
        seen.last().copied().unwrap_or(0),
        logged.last().copied().unwrap_or(0),
    ];
    let number = last.into_iter().max().unwrap_or(0) + 1;
    let log = match Log::create(&log_folder, number) {
        // The first push that finds room begins another.
        Err(error) if error.is_disk_full() => {
            tracing::warn!(%error, "pushes will be refused");
            watch.refuse(&StoreError::DiskFull(DiskFull::File(error.to_string())));
            Log::unwritable(&log_folder, number)
        }
        created => created?,
    };
    state.push_segment(Segment::new(log.number));

    let clock_file = ClockFile::at(&config.path);
    let clock = clock(&config, &clock_file, &state);
    state.set_clock(clock);

    let executor = Executor::new(&config, Arc::clone(&state), Arc::clone(&metrics));
    let (jobs, received) = sync_channel(config.limits.concurrent_pushes);
    // One waiting wake-up is enough: the thread looks at all segments when it wakes.
    let (sealable, is_sealable) = sync_channel(1);
    let pool = Arc::new(Pool::new(config.limits.concurrent_pushes));
    let arriving = Arc::new(Arriving::default());
    let ending = Arc::new(Ending::default());
    let ingest = Ingest {
        root: config.path.clone(),
        log_folder: log_folder.clone(),
        limits: config.limits.clone(),
        state: Arc::clone(&state),
        metrics: Arc::clone(&metrics),
        pool: Arc::clone(&pool),
        arriving: Arc::clone(&arriving),
        watch: Arc::clone(&watch),
        window,
        frames: Vec::new(),
        next: log.number + 1,
        log,
        since: None,
        sealable: sealable.clone(),
        ending: Arc::clone(&ending),
    };
    let maintainer = Maintainer {
        config: config.clone(),
        flows,
        log_folder,
        state: Arc::clone(&state),
        metrics: Arc::clone(&metrics),
        watch: Arc::clone(&watch),
        clock,
        clock_file,
        ticked: Instant::now(),
        ending,
    };
    if !logged.is_empty() {
        // What was replayed is sealed at once.
        let _ = sealable.try_send(());
    }
    drop(sealable);
    let spawn = |name: &str, run: Box<dyn FnOnce() + Send>| {
        let failed = StoreError::io("start a thread for", &config.path);
        thread::Builder::new()
            .name(name.to_owned())
            .spawn(run)
            .map_err(failed)
    };
    let threads = vec![
        spawn("store-ingest", Box::new(move || ingest.run(&received)))?,
        spawn(
            "store-files",
            Box::new(move || maintainer.run(&is_sealable)),
        )?,
    ];
    Ok(Inner {
        permits: Arc::new(Semaphore::new(config.limits.concurrent_pushes)),
        config,
        state,
        metrics,
        executor,
        pool,
        arriving,
        watch,
        jobs: Mutex::new(Some(jobs)),
        threads: Mutex::new(threads),
        _lock: lock,
    })
}

/// What is known of the time: what was saved, else the newest row, else nothing.
fn clock(config: &StoreConfig, file: &ClockFile, state: &State) -> Clock {
    let known = file.read().or(state.sizes().newest_ms.map(Known::at));
    let (age_ms, wall_ms) = (millis(config.retention.age.0), now_ms());
    let clock = Clock::new(known, age_ms, wall_ms);
    if clock.now_ms < wall_ms {
        tracing::warn!(
            known_ms = clock.now_ms,
            machine_ms = wall_ms,
            "the machine's clock is far ahead of what the store knows; rows are deleted by it once it has been so \
             for store.retention.age"
        );
    }
    clock
}

/// A folder's lock, given back with the store and not with its last descriptor: a child that another thread has just forked
/// has a copy of that until it runs its program.
#[derive(Debug)]
pub struct FolderLock(fs::File);

impl Drop for FolderLock {
    fn drop(&mut self) {
        // Closing the descriptor gives it back as well, at the latest.
        let _ = self.0.unlock();
    }
}

fn lock(root: &Path) -> Result<FolderLock, StoreError> {
    let path = root.join("lock");
    let file = OpenOptions::new()
        .create(true)
        .truncate(false)
        .write(true)
        .open(&path)
        .map_err(StoreError::io("open the lock file", &path))?;
    match file.try_lock() {
        Ok(()) => Ok(FolderLock(file)),
        Err(TryLockError::WouldBlock) => Err(StoreError::InUse {
            path: root.to_path_buf(),
        }),
        Err(TryLockError::Error(error)) => Err(StoreError::io("lock", &path)(error)),
    }
}

/// Brings the rows of a log segment back into memory.
fn replay(
    config: &StoreConfig,
    folder: &Path,
    number: u64,
    window: &mut Window,
    metrics: &Metrics,
) -> Result<Segment, StoreError> {
    let path = segment_path(folder, number);
    let bytes = read_whole(&path)?;
    let mut segment = Segment::new(number);
    let (mut undecodable, mut left_out) = (0, 0);
    let outcome = read_frames(&bytes, |frame| {
        // A push that failed in the middle may stand here and again where its retry was stored.
        if !window.insert(frame.digest, frame.time_ms) {
            return;
        }
        let limits = replay_limits(config, frame.time_ms);
        match push::decode(frame.encoding, frame.body, &limits, Lines::default()) {
            Ok(push) => {
                // Counted when it was pushed; a second time would be a second loss.
                left_out += push.faults.iter().sum::<u64>();
                segment.append(&push.lines, frame.digest, frame.time_ms);
            }
            Err(_) => undecodable += 1,
        }
    });
    let lost = outcome.damaged_frames + undecodable;
    metrics.damaged_frames.inc_by(lost);
    let torn_bytes = bytes.len() - outcome.whole_bytes;
    if torn_bytes > 0 || lost > 0 {
        tracing::warn!(path = %path.display(), torn_bytes, lost, "the log segment ends in an unfinished push or is damaged");
    }
    tracing::info!(path = %path.display(), rows = segment.rows, left_out, age_ms = now_ms() - segment.pushes.first().map_or(0, |push| push.1), "log segment replayed");
    Ok(segment)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_folder_that_was_given_back_is_free_though_a_forked_child_has_the_descriptor() {
        let folder = tempfile::tempdir().expect("a folder");
        let held = lock(folder.path()).expect("a lock");
        let child = held.0.try_clone().expect("a descriptor");
        assert!(lock(folder.path()).is_err());
        drop(held);
        assert!(lock(folder.path()).is_ok());
        drop(child);
    }
}
