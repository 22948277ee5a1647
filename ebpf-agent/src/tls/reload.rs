//! A value built from files, and built again when they change.
//!
//! Kubernetes swaps mounted secrets by renaming a symbolic link, which a watch of the file misses; so the files are looked
//! at when the value is asked for.
//!
//! **Invariant:** `get` always gives a value that was once whole; it looks at the files at most every ten seconds.

use std::os::unix::fs::MetadataExt;
use std::path::PathBuf;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};

use tracing::{info, warn};

use super::TlsError;

const LOOK_PERIOD: Duration = Duration::from_secs(10);

/// What tells one state of a file from another: device, inode, modification time, length.
type Stamp = Option<(u64, u64, i64, i64, u64)>;

type Build<T> = Box<dyn Fn() -> Result<T, TlsError> + Send + Sync>;

/// See the module.
pub struct Reloading<T> {
    paths: Vec<PathBuf>,
    build: Build<T>,
    look_period: Duration,
    state: Mutex<State<T>>,
}

struct State<T> {
    value: Arc<T>,
    /// Of the files that the value is of.
    stamps: Vec<Stamp>,
    /// Of files that could not be used, which is told once.
    refused: Option<Vec<Stamp>>,
    looked_at: Instant,
}

impl<T> Reloading<T> {
    /// Builds the first value; the files must be good.
    pub fn new(
        paths: Vec<PathBuf>,
        build: impl Fn() -> Result<T, TlsError> + Send + Sync + 'static,
    ) -> Result<Self, TlsError> {
        // Stamps first: a change in between is then seen at the next look.
        let stamps = stamps(&paths);
        let value = Arc::new(build()?);
        let state = Mutex::new(State {
            value,
            stamps,
            refused: None,
            looked_at: Instant::now(),
        });
        Ok(Self {
            paths,
            build: Box::new(build),
            look_period: LOOK_PERIOD,
            state,
        })
    }

    /// The value of the files as they are.
    pub fn get(&self) -> Arc<T> {
        let mut state = self.state.lock().unwrap_or_else(PoisonError::into_inner);
        if state.looked_at.elapsed() >= self.look_period {
            state.looked_at = Instant::now();
            let stamps = stamps(&self.paths);
            if stamps != state.stamps {
                match (self.build)() {
                    Ok(value) => {
                        state.value = Arc::new(value);
                        state.stamps = stamps;
                        state.refused = None;
                        info!(files = ?self.paths, "certificates reloaded");
                    }
                    // Tried again at the next look: the reason may pass without another change of the files.
                    Err(error) if state.refused.as_ref() != Some(&stamps) => {
                        state.refused = Some(stamps);
                        warn!(%error, "certificates have changed but cannot be used, keeping the previous ones");
                    }
                    Err(_) => {}
                }
            }
        }
        Arc::clone(&state.value)
    }
}

fn stamps(paths: &[PathBuf]) -> Vec<Stamp> {
    let stamp = |path: &PathBuf| {
        let data = std::fs::metadata(path).ok()?;
        Some((
            data.dev(),
            data.ino(),
            data.mtime(),
            data.mtime_nsec(),
            data.len(),
        ))
    };
    paths.iter().map(stamp).collect()
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, reason = "tests")]
    use std::fs;
    use std::sync::atomic::{AtomicBool, Ordering};

    use super::*;

    #[test]
    fn a_change_is_taken_and_a_broken_file_is_not() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("certificate");
        fs::write(&path, "one").unwrap();
        let file = path.clone();
        let build = move || match fs::read_to_string(&file).unwrap().as_str() {
            "broken" => Err(TlsError::Authority("broken".to_owned())),
            text => Ok(text.to_owned()),
        };
        let mut reloading = Reloading::new(vec![path.clone()], build).unwrap();
        reloading.look_period = Duration::ZERO;
        let replace = |text: &str| {
            // By a rename, as Kubernetes does: another inode, whatever the clock's grain.
            let next = folder.path().join("next");
            fs::write(&next, text).unwrap();
            fs::rename(&next, &path).unwrap();
            reloading.get()
        };
        assert_eq!(*replace("two"), "two");
        assert_eq!(*replace("broken"), "two");
        assert_eq!(*replace("three"), "three");
    }

    #[test]
    fn a_failure_that_passes_does_not_cost_the_new_certificate() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("certificate");
        fs::write(&path, "old").unwrap();
        let file = path.clone();
        let is_failing = Arc::new(AtomicBool::new(false));
        let fails = Arc::clone(&is_failing);
        let build = move || {
            if fails.load(Ordering::Relaxed) {
                return Err(TlsError::Authority("too many open files".to_owned()));
            }
            Ok(fs::read_to_string(&file).unwrap())
        };
        let mut reloading = Reloading::new(vec![path.clone()], build).unwrap();
        reloading.look_period = Duration::ZERO;
        is_failing.store(true, Ordering::Relaxed);
        fs::write(&path, "renewed").unwrap();
        assert_eq!(*reloading.get(), "old");
        is_failing.store(false, Ordering::Relaxed);
        assert_eq!(*reloading.get(), "renewed", "the files are as before");
    }
}
