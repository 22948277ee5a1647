//! Which of the known interfaces the programs are attached to.
//!
//! Called on the watcher's thread for every event; its orders go to the datapath thread.
//!
//! **Invariant:** pure but for the addresses handed in. What was ordered is remembered, so that an interface that is gone
//! is detached although its addresses can no longer be looked up.

use std::collections::HashMap;
use std::net::IpAddr;

use super::filter::Filter;
use super::model::{Interface, InterfaceKey};
use super::table::Event;

/// What to do with an interface.
#[derive(Clone, Debug)]
pub enum Order {
    Attach(Interface),
    Detach(Interface),
}

/// The selection so far.
#[derive(Debug)]
pub struct Selection {
    filter: Filter,
    selected: HashMap<InterfaceKey, Interface>,
}

impl Selection {
    pub fn new(filter: Filter) -> Self {
        Self {
            filter,
            selected: HashMap::new(),
        }
    }

    /// What an event means; `addresses` is asked only if the filter is by addresses.
    pub fn decide(
        &mut self,
        event: &Event,
        addresses: impl FnOnce(&Interface) -> Vec<IpAddr>,
    ) -> Option<Order> {
        match event {
            Event::Added(interface)
            | Event::AddressChanged(interface)
            | Event::Changed { to: interface, .. } => {
                let addresses = if self.filter.needs_addresses() {
                    addresses(interface)
                } else {
                    Vec::new()
                };
                let is_allowed = self.filter.allows(&interface.name, &addresses);
                let is_selected = self.selected.contains_key(&interface.key());
                match (is_allowed, is_selected) {
                    (true, false) => {
                        self.selected.insert(interface.key(), interface.clone());
                        Some(Order::Attach(interface.clone()))
                    }
                    (false, true) => self.unselect(interface),
                    _ => None,
                }
            }
            Event::Removed(interface) => self.unselect(interface),
        }
    }

    fn unselect(&mut self, interface: &Interface) -> Option<Order> {
        self.selected.remove(&interface.key()).map(Order::Detach)
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, reason = "tests")]
    use std::sync::Arc;

    use super::super::model::Netns;
    use super::*;

    fn interface(index: u32, name: &str) -> Interface {
        Interface {
            netns: Netns::own(),
            index,
            name: Arc::from(name),
            mac: [0; 6],
            has_ethernet: true,
        }
    }

    fn check(selection: &mut Selection, event: &Event, addresses: &[&str], expected: &str) {
        let addresses = addresses.iter().map(|text| text.parse().unwrap()).collect();
        let found = match selection.decide(event, |_| addresses) {
            Some(Order::Attach(interface)) => format!("+{}", interface.index),
            Some(Order::Detach(interface)) => format!("-{}", interface.index),
            None => String::new(),
        };
        assert_eq!(found, expected, "{event:?}");
    }

    #[test]
    fn a_name_decides_and_a_new_name_decides_again() {
        let mut selection = Selection::new(Filter::by_names(&["/^eth/".to_owned()], &[]).unwrap());
        let renamed = |from, to| Event::Changed {
            from: interface(2, from),
            to: interface(2, to),
        };
        check(
            &mut selection,
            &Event::Added(interface(2, "veth1")),
            &[],
            "",
        );
        check(&mut selection, &renamed("veth1", "eth0"), &[], "+2");
        check(&mut selection, &Event::Added(interface(2, "eth0")), &[], "");
        check(&mut selection, &renamed("eth0", "eth1"), &[], "");
        check(&mut selection, &renamed("eth1", "other"), &[], "-2");
        check(
            &mut selection,
            &Event::Removed(interface(2, "other")),
            &[],
            "",
        );
    }

    #[test]
    fn an_address_that_comes_later_selects_and_a_removal_needs_none() {
        let mut selection =
            Selection::new(Filter::by_addresses(&["10.0.0.0/8".to_owned()]).unwrap());
        check(&mut selection, &Event::Added(interface(2, "eth0")), &[], "");
        check(
            &mut selection,
            &Event::AddressChanged(interface(2, "eth0")),
            &["10.1.1.1"],
            "+2",
        );
        check(
            &mut selection,
            &Event::Removed(interface(2, "eth0")),
            &[],
            "-2",
        );
    }
}
