//! Names of interfaces, as the evicting thread looks them up once per interface of each flow.
//!
//! Written by the watcher for every interface, watched or not; read through a `NameReader` that takes a snapshot once
//! per eviction, so that a look-up costs one hash and no lock.
//!
//! **Invariant:** a name is found by (namespace, index) and MAC; a removal takes effect only if all three agree with
//! what was added.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, PoisonError};

use super::model::{Interface, InterfaceKey, Mac, NetnsId};

/// The name of an interface that nobody knows.
pub const UNKNOWN: &str = "unknown";

/// Which name to take when several interfaces share an index: `(MAC prefix, name)`, first match wins.
#[derive(Debug, Default)]
pub struct Preferences(Vec<(Vec<u8>, String)>);

impl Preferences {
    /// Parses `prefix=name[,prefix=name...]`.
    pub fn parse(text: &str) -> Result<Self, String> {
        let pairs = text.split(',').filter(|_| !text.is_empty());
        pairs
            .map(Self::parse_pair)
            .collect::<Result<_, _>>()
            .map(Self)
    }

    fn parse_pair(pair: &str) -> Result<(Vec<u8>, String), String> {
        let (prefix, name) = pair
            .split_once('=')
            .ok_or_else(|| format!("bad format '{pair}'; expected 'mac_prefix=name'"))?;
        let digits = prefix.replace(':', "");
        let bytes: Option<Vec<u8>> = digits
            .as_bytes()
            .chunks(2)
            .map(|byte| {
                std::str::from_utf8(byte)
                    .ok()
                    .filter(|text| text.len() == 2 && !text.starts_with('+'))
            })
            .map(|text| u8::from_str_radix(text?, 16).ok())
            .collect();
        let bytes = bytes
            .ok_or_else(|| format!("bad MAC prefix '{prefix}'; expected hexadecimal bytes"))?;
        match bytes.len() {
            0 => Err(format!("empty MAC prefix in '{pair}'")),
            1..=6 => Ok((bytes, name.to_owned())),
            _ => Err(format!("MAC prefix too big '{prefix}'")),
        }
    }

    fn choose<'a>(&self, mac: Mac, candidates: &'a [(Mac, Arc<str>)]) -> Option<&'a Arc<str>> {
        let matching = self.0.iter().filter(|(prefix, _)| mac.starts_with(prefix));
        matching
            .filter_map(|(_, name)| {
                candidates
                    .iter()
                    .find(|(_, candidate)| **candidate == **name)
            })
            .map(|(_, n)| n)
            .next()
    }
}

type Table = HashMap<InterfaceKey, Vec<(Mac, Arc<str>)>>;

/// Names of all known interfaces.
#[derive(Debug)]
pub struct Names {
    table: Mutex<Arc<Table>>,
    preferences: Preferences,
}

impl Names {
    pub fn new(preferences: Preferences) -> Arc<Self> {
        Arc::new(Self {
            table: Mutex::default(),
            preferences,
        })
    }

    /// Learns a name.
    pub fn add(&self, interface: &Interface) {
        self.change(|table| {
            let candidates = table.entry(interface.key()).or_default();
            candidates.retain(|(mac, _)| *mac != interface.mac);
            candidates.push((interface.mac, Arc::clone(&interface.name)));
        });
    }

    /// Forgets a name, if it is still this one.
    pub fn remove(&self, interface: &Interface) {
        self.change(|table| {
            let Some(candidates) = table.get_mut(&interface.key()) else {
                return;
            };
            candidates.retain(|(mac, name)| *mac != interface.mac || *name != interface.name);
            if candidates.is_empty() {
                table.remove(&interface.key());
            }
        });
    }

    /// Number of known interfaces.
    pub fn len(&self) -> usize {
        self.snapshot().len()
    }

    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// Copies the table only while a reader holds the previous one.
    fn change(&self, change: impl FnOnce(&mut Table)) {
        change(Arc::make_mut(
            &mut self.table.lock().unwrap_or_else(PoisonError::into_inner),
        ));
    }

    fn snapshot(&self) -> Arc<Table> {
        Arc::clone(&self.table.lock().unwrap_or_else(PoisonError::into_inner))
    }
}

/// The evicting thread's view of the names.
#[derive(Debug)]
pub struct NameReader {
    names: Arc<Names>,
    snapshot: Arc<Table>,
    /// Names asked from the system in this eviction; bounded by the interfaces that flows were seen on.
    asked: HashMap<InterfaceKey, Arc<str>>,
}

impl NameReader {
    pub fn new(names: Arc<Names>) -> Self {
        let snapshot = names.snapshot();
        Self {
            names,
            snapshot,
            asked: HashMap::new(),
        }
    }

    /// Takes in what has changed; to be called at the start of each eviction.
    pub fn refresh(&mut self) {
        self.asked.clear();
        // The old snapshot goes first: a writer that comes between then need not copy.
        self.snapshot = Arc::default();
        self.snapshot = self.names.snapshot();
    }

    /// The name of an interface, where `mac` is the local end's address and tells apart interfaces of one index.
    pub fn name(&mut self, netns: NetnsId, index: u32, mac: Mac) -> &str {
        let key = InterfaceKey { netns, index };
        match self.snapshot.get(&key).map(Vec::as_slice) {
            Some([(_, only)]) => only,
            Some(candidates @ [first, ..]) => {
                let exact = candidates
                    .iter()
                    .find(|(candidate, _)| *candidate == mac)
                    .map(|(_, name)| name);
                exact
                    .or_else(|| self.names.preferences.choose(mac, candidates))
                    .unwrap_or(&first.1)
            }
            _ => self.asked.entry(key).or_insert_with(|| ask_system(key)),
        }
    }
}

/// Asks the kernel for the name of an interface of the agent's own namespace.
fn ask_system(key: InterfaceKey) -> Arc<str> {
    let is_own = key.netns == NetnsId::OWN && key.index != 0;
    let found = is_own
        .then(|| nix::net::if_::if_indextoname(key.index).ok())
        .flatten();
    // Where the kernel knows none, this version of nix gives an empty name instead of an error.
    let name = found
        .as_ref()
        .and_then(|name| name.to_str().ok())
        .filter(|name| !name.is_empty());
    Arc::from(name.unwrap_or(UNKNOWN))
}

#[cfg(test)]
mod tests;
