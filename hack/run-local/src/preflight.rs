//! What must hold before anything is started; each failure is one line with the next step.
//!
//! **Invariant:** [`check`] changes nothing, so that a refusal leaves nothing behind; [`claim`] makes the folders.

use std::fs::{File, OpenOptions};
use std::os::unix::fs::MetadataExt;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use anyhow::{Context, Result, bail};
use nix::errno::Errno;
use nix::fcntl::{Flock, FlockArg};
use nix::unistd::{AccessFlags, Uid, access, chown};

use crate::disk::{free_bytes, megabytes};
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
    check_space(&data)?;
    if let Ok(file) = File::open(lock_file(&data)) {
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
    let file = OpenOptions::new()
        .create(true)
        .truncate(false)
        .write(true)
        .open(lock_file(&data))
        .with_context(|| format!("cannot write in {}", data.display()))?;
    if Uid::effective().is_root() {
        std::os::unix::fs::fchown(&file, Some(owner.uid.as_raw()), Some(owner.gid.as_raw()))?;
    }
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
    Ok(std::path::absolute(&data)?)
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
    // What root makes is given to the owner; what is there already must be his to write.
    if present == folder && owner.uid != Uid::effective() {
        let mode = metadata.mode();
        is_writable &= (metadata.uid() == owner.uid.as_raw() && mode & 0o200 != 0)
            || (metadata.gid() == owner.gid.as_raw() && mode & 0o020 != 0)
            || mode & 0o002 != 0;
    }
    if !is_writable {
        bail!(
            "{named} is not writable for {}; {OTHER_FOLDER}",
            owner.name()
        );
    }
    Ok(())
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
        chown(folder, Some(owner.uid), Some(owner.gid))?;
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
        let status = command.arg("--validate").status().context(
            "watching packets needs root and there is no sudo here; run as root: make run",
        )?;
        Ok(status.success())
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

    #[test]
    fn a_data_folder_that_cannot_be_used_is_refused_with_the_next_step() {
        let folder = tempfile::tempdir().unwrap();
        let (data, file) = (folder.path().join("data"), folder.path().join("file"));
        std::fs::create_dir(&data).unwrap();
        std::fs::set_permissions(&data, std::fs::Permissions::from_mode(0o755)).unwrap();
        std::fs::write(&file, "").unwrap();
        for (path, owner, expected) in [
            (&data, owner(12_345), "is not writable for user 12345"),
            (&file, me(), "is not a folder"),
            (&file.join("below"), me(), "is not a folder"),
        ] {
            let error = check_folder(path, &owner).unwrap_err().to_string();
            assert!(
                error.contains(expected) && error.contains("DATA="),
                "{error}"
            );
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
