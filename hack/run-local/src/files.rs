//! Files that are made with root's rights in a folder of somebody else's.
//!
//! **Invariant:** a link that was put in a file's place is never followed: it is replaced, or refused.

use std::fs::{File, OpenOptions, Permissions};
use std::io::{self, Write};
use std::os::unix::fs::{OpenOptionsExt, PermissionsExt, fchown};
use std::path::Path;

use nix::libc::{O_NOFOLLOW, O_NONBLOCK};
use nix::unistd::Uid;

use crate::settings::Owner;

/// Writes a file that belongs to the owner, anew, in one step.
pub fn replace(path: &Path, text: &str, owner: &Owner) -> io::Result<()> {
    let mut next = path.as_os_str().to_owned();
    next.push(".new");
    let next = Path::new(&next);
    match std::fs::remove_file(next) {
        Err(error) if error.kind() != io::ErrorKind::NotFound => return Err(error),
        _ => {}
    }
    // Fails where anything exists, a link too.
    let mut file = OpenOptions::new().write(true).create_new(true).open(next)?;
    give(&file, owner)?;
    file.set_permissions(Permissions::from_mode(0o644))?;
    file.write_all(text.as_bytes())?;
    std::fs::rename(next, path)
}

/// Opens a file that belongs to the owner, for a lock; makes it if it is told to.
pub fn open_lock(path: &Path, is_made: bool, owner: &Owner) -> io::Result<File> {
    let file = OpenOptions::new()
        .write(true)
        .create(is_made)
        .custom_flags(O_NOFOLLOW | O_NONBLOCK)
        .open(path)?;
    if is_made {
        give(&file, owner)?;
    }
    Ok(file)
}

fn give(file: &File, owner: &Owner) -> io::Result<()> {
    if Uid::effective().is_root() {
        fchown(file, Some(owner.uid.as_raw()), Some(owner.gid.as_raw()))?;
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, reason = "tests")]
    use std::os::unix::fs::{MetadataExt, symlink};

    use super::*;

    #[test]
    fn a_link_in_the_place_of_a_file_is_replaced_or_refused_and_its_target_stays() {
        let folder = tempfile::tempdir().unwrap();
        let owner = Owner::detect().unwrap();
        let (target, path) = (folder.path().join("precious"), folder.path().join("file"));
        std::fs::write(&target, "precious").unwrap();
        for name in ["file", "file.new", "lock"] {
            symlink(&target, folder.path().join(name)).unwrap();
        }
        for text in ["first", "second"] {
            replace(&path, text, &owner).unwrap();
            assert!(!path.is_symlink());
            assert_eq!(std::fs::read_to_string(&path).unwrap(), text);
            assert_eq!(path.metadata().unwrap().mode() & 0o7777, 0o644);
        }
        assert!(!folder.path().join("file.new").exists());
        for is_made in [false, true] {
            open_lock(&folder.path().join("lock"), is_made, &owner).unwrap_err();
        }
        assert!(open_lock(&folder.path().join("other"), false, &owner).is_err());
        open_lock(&folder.path().join("other"), true, &owner).unwrap();
        assert_eq!(std::fs::read_to_string(&target).unwrap(), "precious");
    }
}
