//! Network namespaces by the names they have under `/var/run/netns`.
//!
//! Used by the watcher only.
//!
//! **Invariant:** a namespace is its inode, not its name: two names of one namespace are one, and a name that is given to
//! another namespace is a removal and an addition.

use std::fs::{self, File};
use std::io;
use std::os::unix::fs::MetadataExt;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use nix::sys::statfs::{FsType, statfs};

use super::model::{Netns, NetnsId};
use super::netns;

/// `NSFS_MAGIC` of `linux/magic.h`: tells a mounted namespace from the plain file made before the mount.
const NSFS: FsType = FsType(0x6e73_6673);

/// Which namespace, whatever its name.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Inode {
    device: u64,
    number: u64,
}

impl Inode {
    /// The namespace of the calling thread.
    pub fn own() -> io::Result<Self> {
        Ok(Self::of(&fs::metadata("/proc/thread-self/ns/net")?))
    }

    fn of(metadata: &fs::Metadata) -> Self {
        Self {
            device: metadata.dev(),
            number: metadata.ino(),
        }
    }
}

/// One name in the folder.
#[derive(Debug)]
pub struct Named {
    pub name: String,
    pub inode: Inode,
    path: PathBuf,
}

/// The folder at one moment.
#[derive(Debug, Default)]
pub struct Listing {
    pub named: Vec<Named>,
    /// Some name is not a namespace yet: its mount may follow at once.
    pub is_unfinished: bool,
}

/// Reads the folder. One that does not exist is empty.
fn list(folder: &Path) -> io::Result<Listing> {
    let mut listing = Listing::default();
    let entries = match fs::read_dir(folder) {
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(listing),
        entries => entries?,
    };
    for entry in entries {
        let entry = entry?;
        let path = entry.path();
        // A name that goes away between the calls is one that is not there.
        let (Ok(kind), Ok(metadata)) = (statfs(&path), fs::metadata(&path)) else {
            continue;
        };
        if kind.filesystem_type() != NSFS {
            listing.is_unfinished = true;
            continue;
        }
        let name = entry.file_name().to_string_lossy().into_owned();
        listing.named.push(Named {
            name,
            inode: Inode::of(&metadata),
            path,
        });
    }
    listing.named.sort_by(|a, b| a.name.cmp(&b.name));
    Ok(listing)
}

/// Namespaces being watched, beside the agent's own.
#[derive(Debug)]
pub struct Namespaces {
    folder: PathBuf,
    own: Inode,
    last: NetnsId,
    known: Vec<(Inode, Arc<Netns>)>,
}

/// What a look at the folder found.
#[derive(Debug, Default)]
pub struct Difference {
    pub added: Vec<Arc<Netns>>,
    pub removed: Vec<NetnsId>,
    /// Names of namespaces that could not be entered.
    pub failed: Vec<(String, io::Error)>,
    pub is_unfinished: bool,
}

impl Namespaces {
    pub fn new(folder: PathBuf) -> io::Result<Self> {
        Ok(Self {
            folder,
            own: Inode::own()?,
            last: NetnsId::OWN,
            known: Vec::new(),
        })
    }

    /// Compares the folder with what is known. A namespace that lost the name it was found by but has another one stays;
    /// one that could not be entered is tried again each time.
    pub fn refresh(&mut self) -> io::Result<Difference> {
        let listing = list(&self.folder)?;
        let mut difference = Difference {
            is_unfinished: listing.is_unfinished,
            ..Difference::default()
        };
        self.known.retain(|(inode, netns)| {
            let is_there = listing.named.iter().any(|named| named.inode == *inode);
            if !is_there {
                difference.removed.push(netns.id);
            }
            is_there
        });
        for Named { name, inode, path } in listing.named {
            if inode == self.own || self.known.iter().any(|(known, _)| *known == inode) {
                continue;
            }
            match open(&path) {
                Ok(handle) => {
                    self.last = NetnsId(self.last.0 + 1);
                    let netns = Arc::new(Netns {
                        id: self.last,
                        name: Arc::from(name),
                        handle: Some(handle),
                    });
                    self.known.push((inode, Arc::clone(&netns)));
                    difference.added.push(netns);
                }
                Err(error) => difference.failed.push((name, error)),
            }
        }
        Ok(difference)
    }

    /// Forgets a namespace that cannot be watched, so that the next look tries it again.
    pub fn forget(&mut self, id: NetnsId) {
        self.known.retain(|(_, netns)| netns.id != id);
    }
}

/// A handle that does not go through the name: a file opened by its path would keep the mount there busy.
fn open(path: &Path) -> io::Result<File> {
    let named = Netns {
        id: NetnsId::OWN,
        name: Arc::from(""),
        handle: Some(File::open(path)?),
    };
    netns::within(&named, || File::open("/proc/thread-self/ns/net"))?
}
