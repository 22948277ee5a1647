//! What must hold before anything is started; each failure is one line with the next step.
//!
//! **Invariant:** [`check`] changes nothing, so that a refusal leaves nothing behind; [`claim`] makes the folders.

use std::fs::{File, Metadata};
use std::os::unix::fs::{MetadataExt, lchown};
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use anyhow::{Context, Result, bail};
use nix::errno::Errno;
use nix::fcntl::{Flock, FlockArg};
use nix::unistd::{AccessFlags, Uid, access};

use crate::disk::{free_bytes, megabytes};
use crate::files;
use crate::ports;
use crate::settings::{FREE_BYTES_MIN, Owner, Settings};

const OTHER_FOLDER: &str = "choose another folder with: make run DATA=...";

/// Checks everything that can be checked before anything is built or made, and asks sudo for root where it is needed.
pub fn check(settings: &Settings, owner: &Owner) -> Result<()> {
    ports::check_page(settings.listen, settings.port, owner)?;
    if !Path::new("/sys/kernel/btf/vmlinux").exists() {
        bail!(
            "this kernel does not describe its types (/sys/kernel/btf/vmlinux is missing); \
             use a kernel built with CONFIG_DEBUG_INFO_BTF=y, as distributions ship since 2021"
        );
    }
    let data = data_folder(settings, owner)?;
    for folder in folders(&data) {
        check_folder(&folder, owner)?;
    }
    check_private(&data, owner)?;
    check_space(&data)?;
    if let Ok(file) = files::open_lock(&lock_file(&data), false, owner) {
        drop(lock(file, &data)?);
    }
    if !Uid::effective().is_root() {
        ask_for_root()?;
    }
    Ok(())
}

/// Makes the data folder and takes it for this run, as long as the lock lives.
pub fn claim(settings: &Settings, owner: &Owner) -> Result<(PathBuf, Flock<File>)> {
    let data = data_folder(settings, owner)?;
    for folder in folders(&data) {
        make_folder(&folder, owner)?;
    }
    let file = files::open_lock(&lock_file(&data), true, owner)
        .with_context(|| format!("cannot write {}", lock_file(&data).display()))?;
    let lock = lock(file, &data)?;
    Ok((data, lock))
}

/// The page and the console's configuration for one host, which come from the source tree.
pub fn check_tree(root: &Path) -> Result<()> {
    for file in [
        "console-plugin/web/dist/index.html",
        "console-plugin/config/onehost-frontend.yaml",
    ] {
        let file = root.join(file);
        if !file.is_file() {
            bail!("{} is missing; build it with: make build", file.display());
        }
    }
    Ok(())
}

fn data_folder(settings: &Settings, owner: &Owner) -> Result<PathBuf> {
    let data = settings
        .data
        .clone()
        .unwrap_or_else(|| owner.default_data());
    let data = std::path::absolute(&data)?;
    if data
        .canonicalize()
        .is_ok_and(|data| data.parent().is_none())
    {
        bail!(
            "the data folder {} is the root of the file system, whose folders run and logs are not ours; {OTHER_FOLDER}",
            data.display()
        );
    }
    Ok(data)
}

fn folders(data: &Path) -> [PathBuf; 3] {
    [data.to_owned(), data.join("run"), data.join("logs")]
}

fn lock_file(data: &Path) -> PathBuf {
    data.join("run/lock")
}

fn lock(file: File, data: &Path) -> Result<Flock<File>> {
    Flock::lock(file, FlockArg::LockExclusiveNonblock).map_err(|_| {
        anyhow::anyhow!(
            "{} is used by a running instance; stop it or choose another folder: make run DATA=...",
            data.display()
        )
    })
}

/// The folder, or the nearest one above it that exists.
fn existing(folder: &Path) -> &Path {
    folder
        .ancestors()
        .find(|ancestor| ancestor.exists())
        .unwrap_or(Path::new("/"))
}

/// Refuses a folder that is not writable for the owner, or could not be made by this process.
fn check_folder(folder: &Path, owner: &Owner) -> Result<()> {
    let present = existing(folder);
    let metadata = std::fs::metadata(present)?;
    if !metadata.is_dir() {
        bail!("{} is not a folder; {OTHER_FOLDER}", present.display());
    }
    let named = if present == folder {
        format!("the data folder {}", folder.display())
    } else {
        format!(
            "the data folder {} cannot be made: {}",
            folder.display(),
            present.display()
        )
    };
    // Also tells a file system that is mounted read-only, which stops root too.
    let mut is_writable = match access(present, AccessFlags::W_OK | AccessFlags::X_OK) {
        Ok(()) => true,
        Err(Errno::EROFS) => bail!("{named} is on a read-only file system; {OTHER_FOLDER}"),
        Err(_) => false,
    };
    if owner.uid != Uid::effective() {
        for ancestor in present.ancestors() {
            if !is_granted(&std::fs::metadata(ancestor)?, owner, ENTER) {
                bail!(
                    "{named} is out of reach for {}, who may not enter {}; {OTHER_FOLDER}",
                    owner.name(),
                    ancestor.display()
                );
            }
        }
        // What root makes is given to the owner; what is there already must be his to write.
        is_writable &= present != folder || is_granted(&metadata, owner, WRITE);
    }
    if !is_writable {
        bail!(
            "{named} is not writable for {}; {OTHER_FOLDER}",
            owner.name()
        );
    }
    Ok(())
}

/// Refuses folders in which somebody else could put links in the places of our files, which are written with root's rights.
///
/// In a sticky folder, such as /tmp, others can only add names; so the folders below must be ours.
fn check_private(data: &Path, owner: &Owner) -> Result<()> {
    for folder in folders(data) {
        let Ok(metadata) = folder.symlink_metadata() else {
            continue;
        };
        let is_data = folder == data;
        let metadata = if is_data {
            folder.metadata()?
        } else {
            metadata
        };
        let mode = metadata.mode();
        let is_ours = [owner.uid.as_raw(), 0].contains(&metadata.uid());
        if !is_data && (metadata.is_symlink() || !is_ours) {
            bail!(
                "{} is not a folder of {}; remove it, or {OTHER_FOLDER}",
                folder.display(),
                owner.name()
            );
        }
        if mode & WRITE != 0 && mode & STICKY == 0 {
            bail!(
                "everybody may write in {}, so the agent would trust files of anybody; \
                 run: chmod o-w {0}, or {OTHER_FOLDER}",
                folder.display()
            );
        }
    }
    Ok(())
}

/// Bits of a mode, as they are for everybody.
const ENTER: u32 = 0o001;
const WRITE: u32 = 0o002;
const STICKY: u32 = 0o1000;

/// Whether the owner's programs, which run with his group alone, have this right.
fn is_granted(metadata: &Metadata, owner: &Owner, right: u32) -> bool {
    let shift = if metadata.uid() == owner.uid.as_raw() {
        6
    } else if metadata.gid() == owner.gid.as_raw() {
        3
    } else {
        0
    };
    metadata.mode() >> shift & right != 0
}

/// Makes a folder that belongs to the owner; one that exists is left as it is.
fn make_folder(folder: &Path, owner: &Owner) -> Result<()> {
    if folder.exists() {
        return Ok(());
    }
    if let Some(parent) = folder.parent() {
        make_folder(parent, owner)?;
    }
    std::fs::create_dir(folder).map_err(|error| {
        anyhow::anyhow!(
            "cannot make the data folder {}: {error}; {OTHER_FOLDER}",
            folder.display()
        )
    })?;
    if Uid::effective().is_root() {
        lchown(folder, Some(owner.uid.as_raw()), Some(owner.gid.as_raw()))?;
    }
    Ok(())
}

fn check_space(data: &Path) -> Result<()> {
    let free = free_bytes(existing(data))?;
    if free < FREE_BYTES_MIN {
        bail!(
            "only {} MB are free for {}, {} MB are needed; make room or choose another folder: make run DATA=...",
            megabytes(free),
            data.display(),
            megabytes(FREE_BYTES_MIN)
        );
    }
    Ok(())
}

/// Asks sudo for a password now, so that no prompt comes later in the middle of the output.
fn ask_for_root() -> Result<()> {
    let is_given = |command: &mut Command| -> Result<bool> {
        match command.arg("--validate").status() {
            Ok(status) => Ok(status.success()),
            Err(error) => bail!(without_sudo(&error)),
        }
    };
    let mut without_password = Command::new("sudo");
    without_password
        .arg("--non-interactive")
        .stderr(Stdio::null());
    if is_given(&mut without_password)? {
        return Ok(());
    }
    crate::say!("the agent loads programs into the kernel and needs root; asking sudo for it");
    if !is_given(&mut Command::new("sudo"))? {
        bail!("sudo refused; run as a user who may use sudo, or as root");
    }
    Ok(())
}

fn without_sudo(error: &std::io::Error) -> String {
    let why = if error.kind() == std::io::ErrorKind::NotFound {
        "there is no sudo here".to_owned()
    } else {
        format!("sudo cannot be run here ({error})")
    };
    format!("watching packets needs root and {why}; become root, then: make run")
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, reason = "tests")]
    use std::os::unix::fs::PermissionsExt;

    use nix::unistd::Gid;

    use super::*;

    fn owner(id: u32) -> Owner {
        Owner {
            uid: Uid::from_raw(id),
            gid: Gid::from_raw(id),
            home: PathBuf::from("/"),
        }
    }

    fn me() -> Owner {
        Owner {
            gid: Gid::current(),
            ..owner(Uid::current().as_raw())
        }
    }

    fn set_mode(path: &Path, mode: u32) {
        std::fs::set_permissions(path, std::fs::Permissions::from_mode(mode)).unwrap();
    }

    #[test]
    fn a_data_folder_that_cannot_be_used_is_refused_with_the_next_step() {
        let folder = tempfile::tempdir().unwrap();
        let (data, file) = (folder.path().join("data"), folder.path().join("file"));
        std::fs::create_dir(&data).unwrap();
        set_mode(&data, 0o755);
        std::fs::write(&file, "").unwrap();
        let stranger = owner(12_345);
        for (mode, path, owner, expected) in [
            (0o755, &data, &stranger, "is not writable for user 12345"),
            (0o700, &data, &stranger, "is out of reach for user 12345"),
            (
                0o700,
                &data.join("below"),
                &stranger,
                "is out of reach for user 12345",
            ),
            (0o700, &file, &me(), "is not a folder"),
            (0o700, &file.join("below"), &me(), "is not a folder"),
        ] {
            set_mode(folder.path(), mode);
            let error = check_folder(path, owner).unwrap_err().to_string();
            assert!(
                error.contains(expected) && error.contains("DATA="),
                "{error}"
            );
        }
        set_mode(folder.path(), 0o755);
        check_folder(&data.join("below"), &stranger).unwrap();
    }

    #[test]
    fn the_root_of_the_file_system_is_no_data_folder() {
        for (data, is_refused) in [("/", true), ("/tmp/..", true), ("/tmp/x", false)] {
            let variable = |name: &str| (name == "DATA").then(|| data.to_owned());
            let settings = Settings::read(variable).ok().unwrap();
            assert_eq!(data_folder(&settings, &me()).is_err(), is_refused, "{data}");
        }
    }

    #[test]
    fn a_data_folder_in_which_others_could_put_links_is_refused() {
        let folder = tempfile::tempdir().unwrap();
        let data = folder.path().join("data");
        check_private(&data, &me()).unwrap();
        std::fs::create_dir_all(data.join("run")).unwrap();
        for (mode, is_refused) in [(0o755, false), (0o777, true), (0o1777, false)] {
            set_mode(&data, mode);
            let result = check_private(&data, &me());
            assert_eq!(result.is_err(), is_refused, "{mode:o}");
        }
        set_mode(&data, 0o755);
        set_mode(&data.join("run"), 0o777);
        check_private(&data, &me()).unwrap_err();
        std::fs::remove_dir(data.join("run")).unwrap();
        std::os::unix::fs::symlink("/", data.join("run")).unwrap();
        let error = check_private(&data, &me()).unwrap_err().to_string();
        assert!(error.contains("is not a folder of"), "{error}");
    }

    #[test]
    fn a_missing_sudo_is_one_sentence_that_ends_with_the_next_step() {
        for (kind, expected) in [
            (std::io::ErrorKind::NotFound, "there is no sudo here;"),
            (
                std::io::ErrorKind::PermissionDenied,
                "sudo cannot be run here (permission denied);",
            ),
        ] {
            let text = without_sudo(&kind.into());
            assert!(text.contains(expected), "{text}");
            assert!(text.ends_with("then: make run"), "{text}");
        }
    }

    #[test]
    fn a_check_makes_nothing_and_a_claim_makes_all() {
        let folder = tempfile::tempdir().unwrap();
        let data = folder.path().join("not/yet/there");
        for path in folders(&data) {
            check_folder(&path, &me()).unwrap();
        }
        check_space(&data).unwrap();
        assert!(!folder.path().join("not").exists());
        for path in folders(&data) {
            make_folder(&path, &me()).unwrap();
        }
        assert!(data.join("logs").is_dir());
    }
}
