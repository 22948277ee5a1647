//! The clock and the room left on a disk.
//!
//! **Invariant:** the only place of the store that asks for either.

use std::path::Path;
use std::time::{SystemTime, UNIX_EPOCH};

use super::error::{DiskFull, StoreError};

/// Bytes an ordinary user may still write on the file system of `path`.
pub fn free_bytes(path: &Path) -> Result<u64, StoreError> {
    let found = rustix::fs::statvfs(path)
        .map_err(|error| StoreError::io("ask for the free space of", path)(error.into()))?;
    Ok(found.f_bavail.saturating_mul(found.f_frsize))
}

/// Fails if `bytes` more would leave less than `kept` (of `store.limits.freeBytes`) free.
pub fn need_room(path: &Path, kept: u64, bytes: u64) -> Result<(), StoreError> {
    let free = free_bytes(path)?;
    if free < kept.saturating_add(bytes) {
        return Err(StoreError::DiskFull(DiskFull::Kept { free, bytes, kept }));
    }
    Ok(())
}

/// Unix milliseconds now.
pub fn now_ms() -> i64 {
    unix_ms(SystemTime::now())
}

/// Unix milliseconds of a time; those before 1970 count as 0.
pub fn unix_ms(time: SystemTime) -> i64 {
    time.duration_since(UNIX_EPOCH)
        .map_or(0, |since| since.as_millis() as i64)
}
