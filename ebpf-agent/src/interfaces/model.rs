//! Plain types of interface discovery: which network namespace, which interface.
//!
//! Used by the watcher that makes them, the datapath that attaches to them and the encoder that names them.
//!
//! **Invariant:** an interface is the pair (network namespace, index). Two namespaces often give the same index to
//! their `eth0`, so nothing may be keyed by the index alone.

use std::fs::File;
use std::sync::Arc;

/// A hardware address.
pub type Mac = [u8; 6];

/// Dense number of a network namespace, given at discovery and never reused while the agent runs.
/// Two names of one namespace share it.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct NetnsId(pub u32);

impl NetnsId {
    /// The namespace that the agent runs in.
    pub const OWN: Self = Self(0);
}

/// A network namespace that can be entered.
#[derive(Debug)]
pub struct Netns {
    pub id: NetnsId,
    /// File name under `/var/run/netns`; empty for the agent's own.
    pub name: Arc<str>,
    /// Keeps the namespace reachable even when its name is removed; `None` for the agent's own.
    pub handle: Option<File>,
}

impl Netns {
    /// The namespace that the agent runs in.
    pub fn own() -> Arc<Self> {
        Arc::new(Self {
            id: NetnsId::OWN,
            name: Arc::from(""),
            handle: None,
        })
    }
}

/// A network interface as last seen.
#[derive(Clone, Debug)]
pub struct Interface {
    pub netns: Arc<Netns>,
    pub index: u32,
    pub name: Arc<str>,
    pub mac: Mac,
    /// Whether its packets begin with an Ethernet header; those of tunnels (tun, WireGuard, IP in IP) do not.
    pub has_ethernet: bool,
}

impl Interface {
    /// What identifies it.
    pub fn key(&self) -> InterfaceKey {
        InterfaceKey {
            netns: self.netns.id,
            index: self.index,
        }
    }
}

/// Identity of an interface.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct InterfaceKey {
    pub netns: NetnsId,
    pub index: u32,
}
