//! Names of interfaces, as the evicting thread looks them up once per interface of each flow.
//!
//! Written by the watcher for every interface, watched or not; read through a `NameReader` that takes a snapshot once
//! per eviction, so that a look-up costs one hash and no lock.
//!
//! **Invariant:** a name is found by (namespace, index), of which there is one at a time. The name of an interface that is
//! gone is known for one more eviction, which has the last of its flows.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, PoisonError};

use super::model::{Interface, InterfaceKey, NetnsId};

/// The name of an interface that nobody knows.
pub const UNKNOWN: &str = "unknown";

#[derive(Clone, Debug)]
struct Named {
    name: Arc<str>,
    life: Life,
}

/// From `Present` to `Told`, and then out of the table.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Life {
    Present,
    /// Removed since the last eviction began.
    Gone,
    /// In the snapshot of one eviction since it was removed.
    Told,
}

type Table = HashMap<InterfaceKey, Named>;

/// Names of all known interfaces.
#[derive(Debug, Default)]
pub struct Names {
    table: Mutex<Arc<Table>>,
}

impl Names {
    /// Learns a name; it replaces the one that had its place.
    pub fn add(&self, interface: &Interface) {
        let name = Arc::clone(&interface.name);
        let life = Life::Present;
        self.change(|table| {
            table.insert(interface.key(), Named { name, life });
        });
    }

    /// Forgets a name after the next eviction, if it is still this one.
    pub fn remove(&self, interface: &Interface) {
        self.change(|table| {
            if let Some(named) = table.get_mut(&interface.key())
                && named.name == interface.name
            {
                named.life = Life::Gone;
            }
        });
    }

    /// Number of known interfaces.
    pub fn len(&self) -> usize {
        let table = Arc::clone(&self.table.lock().unwrap_or_else(PoisonError::into_inner));
        let present = table.values().filter(|named| named.life == Life::Present);
        present.count()
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

    /// The names for one eviction.
    fn snapshot(&self) -> Arc<Table> {
        let mut table = self.table.lock().unwrap_or_else(PoisonError::into_inner);
        if table.values().any(|named| named.life != Life::Present) {
            let table = Arc::make_mut(&mut table);
            table.retain(|_, named| named.life != Life::Told);
            for named in table.values_mut() {
                if named.life == Life::Gone {
                    named.life = Life::Told;
                }
            }
        }
        Arc::clone(&table)
    }
}

/// The evicting thread's view of the names. There is one, since its refreshes count the evictions.
#[derive(Debug)]
pub struct NameReader {
    names: Arc<Names>,
    snapshot: Arc<Table>,
    /// Names asked from the system in this eviction; bounded by the interfaces that flows were seen on.
    asked: HashMap<InterfaceKey, Arc<str>>,
}

impl NameReader {
    /// Knows no name before the first [`Self::refresh`].
    pub fn new(names: Arc<Names>) -> Self {
        Self {
            names,
            snapshot: Arc::default(),
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

    /// The name of an interface.
    pub fn name(&mut self, netns: NetnsId, index: u32) -> &str {
        let key = InterfaceKey { netns, index };
        match self.snapshot.get(&key) {
            Some(named) => &named.name,
            None => self.asked.entry(key).or_insert_with(|| ask_system(key)),
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
