//! Noticing that certificate files changed.
//!
//! Kubernetes swaps a mounted secret by renaming a symbolic link, which file notifications miss or flood; reading a
//! few small files every ten seconds is simpler and sure.
//! **Invariant:** files are read whole, so that a hash equal to the last one means equal content.

use std::fs;
use std::hash::{BuildHasher, Hasher};
use std::path::{Path, PathBuf};
use std::time::Duration;

use foldhash::fast::FixedState;

use super::TlsError;

/// How often files are looked at.
pub const PERIOD: Duration = Duration::from_secs(10);

/// Reads a file, naming it in the error.
pub fn read(path: &Path) -> Result<Vec<u8>, TlsError> {
    fs::read(path).map_err(|source| TlsError::Read {
        path: path.into(),
        source,
    })
}

/// A hash over the contents of `paths`; a file that cannot be read counts as empty.
pub fn fingerprint(paths: &[PathBuf]) -> u64 {
    let mut hasher = FixedState::default().build_hasher();
    for path in paths {
        let content = fs::read(path).unwrap_or_default();
        hasher.write_usize(content.len());
        hasher.write(&content);
    }
    hasher.finish()
}
