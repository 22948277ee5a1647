//! What must hold before anything is started; each failure is one line with the next step.

use std::os::unix::fs::MetadataExt;
use std::path::{Path, PathBuf};
use std::process::Command;

use anyhow::{Context, Result, bail};
use nix::fcntl::{Flock, FlockArg};
use nix::unistd::{Uid, chown};

use crate::ports;
use crate::settings::{FREE_BYTES_MIN, Owner, Settings};

/// Checks everything that can be checked without starting a program. The lock is held as long as the answer lives.
pub fn check(settings: &Settings, owner: &Owner) -> Result<(PathBuf, Flock<std::fs::File>)> {
    ports::check_page(settings.listen, settings.port)?;
    if !Path::new("/sys/kernel/btf/vmlinux").exists() {
        bail!(
            "this kernel does not describe its types (/sys/kernel/btf/vmlinux is missing); \
             use a kernel built with CONFIG_DEBUG_INFO_BTF=y, as distributions ship since 2021"
        );
    }
    for page in [
        "console-plugin/web/dist/index.html",
        "console-plugin/config/onehost-frontend.yaml",
    ] {
        if !settings.root.join(page).is_file() {
            bail!(
                "{} is missing; build it with: make build",
                settings.root.join(page).display()
            );
        }
    }
    let data = settings
        .data
        .clone()
        .unwrap_or_else(|| owner.default_data());
    let data = std::path::absolute(&data)?;
    for folder in [&data, &data.join("run"), &data.join("logs")] {
        make_folder(folder, owner)?;
    }
    check_space(&data)?;
    let lock = std::fs::OpenOptions::new()
        .create(true)
        .truncate(false)
        .write(true)
        .open(data.join("run/lock"))
        .with_context(|| format!("cannot write in {}", data.display()))?;
    if Uid::effective().is_root() {
        std::os::unix::fs::fchown(&lock, Some(owner.uid.as_raw()), Some(owner.gid.as_raw()))?;
    }
    let lock = Flock::lock(lock, FlockArg::LockExclusiveNonblock).map_err(|_| {
        anyhow::anyhow!(
            "{} is used by a running instance; stop it or choose another folder: make run DATA=...",
            data.display()
        )
    })?;
    if !Uid::effective().is_root() {
        ask_for_root()?;
    }
    Ok((data, lock))
}

/// Makes a folder that belongs to the owner; one that exists must be writable for him and is left as it is.
fn make_folder(folder: &Path, owner: &Owner) -> Result<()> {
    let hint = "choose another folder with: make run DATA=...";
    if !folder.exists() {
        if let Some(parent) = folder.parent().filter(|parent| !parent.exists()) {
            make_folder(parent, owner)?;
        }
        std::fs::create_dir(folder).map_err(|error| {
            anyhow::anyhow!(
                "cannot make the data folder {}: {error}; {hint}",
                folder.display()
            )
        })?;
        if Uid::effective().is_root() {
            chown(folder, Some(owner.uid), Some(owner.gid))?;
        }
        return Ok(());
    }
    let metadata = std::fs::metadata(folder)?;
    if !metadata.is_dir() {
        bail!("{} is not a folder; {hint}", folder.display());
    }
    let mode = metadata.mode();
    let is_writable = owner.uid.is_root()
        || (metadata.uid() == owner.uid.as_raw() && mode & 0o200 != 0)
        || (metadata.gid() == owner.gid.as_raw() && mode & 0o020 != 0)
        || mode & 0o002 != 0;
    if !is_writable {
        bail!(
            "the data folder {} is not writable for user {}; {hint}",
            folder.display(),
            owner.uid
        );
    }
    Ok(())
}

fn check_space(data: &Path) -> Result<()> {
    let statistics = nix::sys::statvfs::statvfs(data)?;
    let free = statistics.blocks_available() as u64 * statistics.fragment_size() as u64;
    if free < FREE_BYTES_MIN {
        bail!(
            "only {} MB are free for {}, {} MB are needed; make room or choose another folder: make run DATA=...",
            free / 1_000_000,
            data.display(),
            FREE_BYTES_MIN / 1_000_000
        );
    }
    Ok(())
}

/// Asks sudo for a password now, so that no prompt comes later in the middle of the output.
fn ask_for_root() -> Result<()> {
    println!("the agent loads programs into the kernel and needs root; asking sudo for it");
    let status = Command::new("sudo")
        .arg("--validate")
        .status()
        .context("watching packets needs root and there is no sudo here; run as root: make run")?;
    if !status.success() {
        bail!("sudo refused; run as a user who may use sudo, or as root");
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, reason = "tests")]
    use super::*;
    use nix::unistd::Gid;
    use std::os::unix::fs::PermissionsExt;

    #[test]
    fn a_data_folder_that_is_not_writable_is_refused_with_the_next_step() {
        let folder = tempfile::tempdir().unwrap();
        let data = folder.path().join("data");
        let owner = Owner {
            uid: Uid::current(),
            gid: Gid::current(),
            home: PathBuf::from("/"),
        };
        make_folder(&data, &owner).unwrap();
        let stranger = Owner {
            uid: Uid::from_raw(12_345),
            gid: Gid::from_raw(12_345),
            ..owner.clone()
        };
        std::fs::set_permissions(&data, std::fs::Permissions::from_mode(0o755)).unwrap();
        let error = make_folder(&data, &stranger).unwrap_err().to_string();
        assert!(
            error.contains("not writable for user 12345") && error.contains("DATA="),
            "{error}"
        );
        std::fs::write(folder.path().join("file"), "").unwrap();
        assert!(make_folder(&folder.path().join("file"), &owner).is_err());
    }
}
