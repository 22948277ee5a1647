//! Files that cannot be read: out of the way, in `damaged/<hour>.<name>`, until they are as old as what retention deletes.
//!
//! **Invariant:** what has no such name there is not the store's and stays.

use std::fs;
use std::path::{Path, PathBuf};

use prometheus_client::metrics::counter::Counter;

use super::{HOUR_MS, StoreError, folder_entries, parse_path, remove, remove_if_empty};

/// Folder of the damaged files.
const DAMAGED: &str = "damaged";

/// The hours of the files that were set aside, as their names say.
pub fn damaged_hours(root: &Path) -> Result<Vec<i64>, StoreError> {
    Ok(damaged(root)?.into_iter().map(|(hour, _)| hour).collect())
}

/// Deletes what was set aside of hours that ended before `oldest_ms`.
pub fn expire_damaged(root: &Path, oldest_ms: i64, expired: &Counter) -> Result<(), StoreError> {
    for (hour_ms, path) in damaged(root)? {
        if hour_ms + HOUR_MS < oldest_ms {
            remove(&path)?;
            tracing::info!(path = %path.display(), "a damaged file grew too old and is deleted");
            expired.inc();
        }
    }
    Ok(())
}

/// The files that were set aside, with their hours.
fn damaged(root: &Path) -> Result<Vec<(i64, PathBuf)>, StoreError> {
    let hour_of = |path: &Path| {
        let (hour, file) = path.file_name()?.to_str()?.split_once('.')?;
        Some(parse_path(&Path::new(hour).join(file))?.0)
    };
    let files = folder_entries(&root.join(DAMAGED))?.into_iter();
    Ok(files
        .filter_map(|path| Some((hour_of(&path)?, path)))
        .collect())
}

/// Moves a damaged file into the folder of those, keeping its hour in the name.
pub fn set_aside(root: &Path, path: &Path) {
    let folder = root.join(DAMAGED);
    let hour = path
        .parent()
        .and_then(Path::file_name)
        .unwrap_or_default()
        .to_string_lossy()
        .into_owned();
    let name = path
        .file_name()
        .unwrap_or_default()
        .to_string_lossy()
        .into_owned();
    let moved = fs::create_dir_all(&folder)
        .and_then(|()| fs::rename(path, folder.join(format!("{hour}.{name}"))));
    if let Err(error) = moved {
        tracing::error!(path = %path.display(), %error, "cannot move the damaged file out of the way");
    } else {
        remove_if_empty(path.parent());
    }
}
