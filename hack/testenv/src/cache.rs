//! The cache outside the clone: `CACHE/testenv/NAME-VERSION/`.
//!
//! **Invariant:** a folder of that name is complete; what is being made has another name until then.

use std::fs;
use std::path::{Path, PathBuf};

use anyhow::{Context, Result};
use nix::fcntl::{Flock, FlockArg};

/// Where fetched servers are.
pub struct Cache {
    root: PathBuf,
}

impl Cache {
    /// `NETOBSERV_CACHE`, else `XDG_CACHE_HOME/netobserv`, else `~/.cache/netobserv`.
    pub fn open() -> Result<Self> {
        let variable = |name| std::env::var_os(name).filter(|value| !value.is_empty());
        let root = variable("NETOBSERV_CACHE")
            .map(PathBuf::from)
            .or_else(|| Some(PathBuf::from(variable("XDG_CACHE_HOME")?).join("netobserv")))
            .or_else(|| Some(PathBuf::from(variable("HOME")?).join(".cache/netobserv")))
            .context("there is no home folder; set NETOBSERV_CACHE")?
            .join("testenv");
        fs::create_dir_all(&root).with_context(|| format!("create {}", root.display()))?;
        Ok(Self { root })
    }

    /// Folder in which environments are made that nobody gave a place.
    pub fn environments(&self) -> PathBuf {
        self.root.join("environments")
    }

    /// Folder of a server's files, there or not.
    pub fn folder(&self, name: &str, version: &str) -> PathBuf {
        self.root.join(format!("{name}-{version}"))
    }

    /// Makes the folder by `fill` unless it is there. Others that want the same meanwhile wait.
    pub fn fetch(
        &self,
        name: &str,
        version: &str,
        fill: impl FnOnce(&Path) -> Result<()>,
    ) -> Result<PathBuf> {
        let folder = self.folder(name, version);
        if folder.is_dir() {
            return Ok(folder);
        }
        let _lock = self.lock(name)?;
        if folder.is_dir() {
            return Ok(folder);
        }
        let partial = self.root.join(format!("{name}-{version}.partial"));
        let _ = fs::remove_dir_all(&partial);
        fs::create_dir_all(&partial).with_context(|| format!("create {}", partial.display()))?;
        fill(&partial).with_context(|| format!("fetch {name} {version}"))?;
        fs::rename(&partial, &folder).with_context(|| format!("create {}", folder.display()))?;
        Ok(folder)
    }

    fn lock(&self, name: &str) -> Result<Flock<fs::File>> {
        let path = self.root.join(format!("{name}.lock"));
        let file = fs::File::create(&path).with_context(|| format!("open {}", path.display()))?;
        Flock::lock(file, FlockArg::LockExclusive)
            .map_err(|(_, error)| error)
            .with_context(|| format!("lock {}", path.display()))
    }
}
