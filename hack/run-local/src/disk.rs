//! The room left on the data folder's file system, looked at while everything runs.
//!
//! **Invariant:** says something only when it changes between "enough" and "not enough".

use std::path::{Path, PathBuf};

use anyhow::{Context, Result};

/// The store keeps this much of the disk free: below it, it takes no more flows.
pub const STORE_FREE_BYTES: u64 = 128 * 1024 * 1024;
/// Room must have grown by this much before we say that flows are kept again.
const MARGIN_BYTES: u64 = 16 * 1024 * 1024;

/// Bytes that an ordinary user may still write where `folder` is.
pub fn free_bytes(folder: &Path) -> Result<u64> {
    let found = nix::sys::statvfs::statvfs(folder)
        .with_context(|| format!("cannot tell the free space of {}", folder.display()))?;
    Ok(found.blocks_available() as u64 * found.fragment_size() as u64)
}

/// Megabytes, as people count disks.
pub fn megabytes(bytes: u64) -> u64 {
    bytes / 1_000_000
}

pub struct Disk {
    folder: PathBuf,
    is_full: bool,
}

impl Disk {
    pub fn new(folder: &Path) -> Self {
        Self {
            folder: folder.to_owned(),
            is_full: false,
        }
    }

    /// Looks, and says on the terminal what has changed.
    pub fn look(&mut self) {
        // A file system that cannot be asked is the store's to complain about.
        let Ok(free) = free_bytes(&self.folder) else {
            return;
        };
        if let Some(line) = self.turn(free) {
            crate::say!("{line}");
        }
    }

    fn turn(&mut self, free: u64) -> Option<String> {
        let folder = self.folder.display();
        if !self.is_full && free < STORE_FREE_BYTES {
            self.is_full = true;
            return Some(format!(
                "the disk of {folder} is nearly full ({} MB left, {} MB must stay free): new flows are not kept until \
                 you delete other files there; those that are kept can still be read",
                megabytes(free),
                megabytes(STORE_FREE_BYTES)
            ));
        }
        if self.is_full && free >= STORE_FREE_BYTES + MARGIN_BYTES {
            self.is_full = false;
            return Some(format!(
                "the disk of {folder} has room again: flows are kept"
            ));
        }
        None
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_disk_that_fills_and_empties_is_told_once_each_time() {
        let mut disk = Disk::new(Path::new("/data"));
        for (free, expected) in [
            (STORE_FREE_BYTES, None),
            (
                STORE_FREE_BYTES - 1,
                Some("nearly full (134 MB left, 134 MB must stay free)"),
            ),
            (0, None),
            (STORE_FREE_BYTES + 1, None),
            (STORE_FREE_BYTES + MARGIN_BYTES, Some("has room again")),
            (STORE_FREE_BYTES, None),
            (
                7_000_000,
                Some("nearly full (7 MB left, 134 MB must stay free)"),
            ),
        ] {
            let said = disk.turn(free);
            assert_eq!(said.is_some(), expected.is_some(), "{free}: {said:?}");
            let (said, expected) = (said.unwrap_or_default(), expected.unwrap_or_default());
            assert!(said.contains(expected), "{free}: {said}");
        }
    }
}
