//! The links of one network namespace, and what a message changes in them.
//!
//! **Invariant:** pure. Events for one link alternate: it is added before it changes, and removed once.

use std::collections::HashMap;
use std::sync::Arc;

use super::link::Link;
use super::model::{Interface, Netns};

/// A change of the set of interfaces.
#[derive(Clone, Debug)]
pub enum Event {
    Added(Interface),
    /// The same link with another name or hardware address.
    Changed {
        from: Interface,
        to: Interface,
    },
    /// It got or lost an address, or may have: a list says nothing of addresses.
    AddressChanged(Interface),
    Removed(Interface),
}

/// Known links of one namespace.
#[derive(Debug)]
pub struct Table {
    netns: Arc<Netns>,
    links: HashMap<u32, Known>,
    /// Whether somebody asks for addresses.
    wants_addresses: bool,
    /// Counts lists; a link that a list does not confirm is gone.
    list: u64,
}

#[derive(Debug)]
struct Known {
    interface: Interface,
    confirmed_by: u64,
}

impl Table {
    pub fn new(netns: Arc<Netns>, wants_addresses: bool) -> Self {
        Self {
            netns,
            links: HashMap::new(),
            wants_addresses,
            list: 0,
        }
    }

    /// Number of known links.
    pub fn len(&self) -> usize {
        self.links.len()
    }

    pub fn is_empty(&self) -> bool {
        self.links.is_empty()
    }

    /// A list of all links has been asked for.
    pub fn start_list(&mut self) {
        self.list += 1;
    }

    /// The list is complete: what it did not name is gone.
    pub fn finish_list(&mut self, events: &mut Vec<Event>) {
        let list = self.list;
        let missing: Vec<u32> = self
            .links
            .iter()
            .filter(|(_, known)| known.confirmed_by != list)
            .map(|(index, _)| *index)
            .collect();
        for index in missing {
            self.gone(index, events);
        }
    }

    /// A link as described by a list, in which its state does not matter, or by a notification.
    pub fn link(&mut self, link: Link, is_listed: bool, events: &mut Vec<Event>) {
        let Some(known) = self.links.get_mut(&link.index) else {
            if is_listed || link.is_up {
                let interface = Interface {
                    netns: Arc::clone(&self.netns),
                    index: link.index,
                    name: Arc::from(link.name),
                    mac: link.mac,
                    has_ethernet: link.has_ethernet,
                };
                self.links.insert(
                    link.index,
                    Known {
                        interface: interface.clone(),
                        confirmed_by: self.list,
                    },
                );
                events.push(Event::Added(interface));
            }
            return;
        };
        known.confirmed_by = self.list;
        if !is_listed && !link.is_up {
            self.gone(link.index, events);
        } else if *known.interface.name != *link.name || known.interface.mac != link.mac {
            let from = known.interface.clone();
            known.interface.name = Arc::from(link.name);
            known.interface.mac = link.mac;
            events.push(Event::Changed {
                from,
                to: known.interface.clone(),
            });
        } else if is_listed && self.wants_addresses {
            events.push(Event::AddressChanged(known.interface.clone()));
        }
    }

    /// A link is gone, or down.
    pub fn gone(&mut self, index: u32, events: &mut Vec<Event>) {
        if let Some(known) = self.links.remove(&index) {
            events.push(Event::Removed(known.interface));
        }
    }

    /// An address of a link has changed.
    pub fn address_changed(&self, index: u32, events: &mut Vec<Event>) {
        if let Some(known) = self.links.get(&index) {
            events.push(Event::AddressChanged(known.interface.clone()));
        }
    }

    /// The namespace is no longer watched.
    pub fn clear(&mut self, events: &mut Vec<Event>) {
        events.extend(
            self.links
                .drain()
                .map(|(_, known)| Event::Removed(known.interface)),
        );
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn link(index: u32, name: &str, is_up: bool) -> Link {
        Link {
            index,
            name: name.to_owned(),
            mac: [index as u8; 6],
            has_ethernet: true,
            is_up,
        }
    }

    fn check(events: &mut Vec<Event>, expected: &[&str]) {
        let mut found: Vec<String> = events
            .drain(..)
            .map(|event| match event {
                Event::Added(interface) => format!("+{}", interface.name),
                Event::Changed { from, to } => format!("{}>{}", from.name, to.name),
                Event::AddressChanged(interface) => format!("@{}", interface.name),
                Event::Removed(interface) => format!("-{}", interface.name),
            })
            .collect();
        found.sort();
        assert_eq!(found, expected);
    }

    #[test]
    fn a_list_adds_everything_whatever_its_state_and_removes_what_it_misses() {
        let (mut table, mut events) = (Table::new(Netns::own(), false), Vec::new());
        table.start_list();
        table.link(link(2, "eth0", true), true, &mut events);
        table.link(link(3, "br0", false), true, &mut events);
        table.finish_list(&mut events);
        check(&mut events, &["+br0", "+eth0"]);
        table.start_list();
        table.link(link(2, "eth0", true), true, &mut events);
        table.link(link(4, "veth1", true), true, &mut events);
        table.finish_list(&mut events);
        check(&mut events, &["+veth1", "-br0"]);
    }

    #[test]
    fn a_list_asks_for_the_addresses_of_known_links_if_they_matter() {
        for (wants_addresses, expected) in [(true, &["@eth0"][..]), (false, &[])] {
            let mut table = Table::new(Netns::own(), wants_addresses);
            let mut events = Vec::new();
            table.link(link(2, "eth0", true), true, &mut events);
            // The first look at addresses comes with the link itself.
            check(&mut events, &["+eth0"]);
            table.link(link(2, "eth0", true), false, &mut events);
            check(&mut events, &[]);
            table.link(link(2, "eth0", true), true, &mut events);
            check(&mut events, expected);
        }
    }

    #[test]
    fn a_notification_adds_what_is_up_and_removes_what_is_down() {
        let (mut table, mut events) = (Table::new(Netns::own(), false), Vec::new());
        table.link(link(2, "eth0", false), false, &mut events);
        check(&mut events, &[]);
        table.link(link(2, "eth0", true), false, &mut events);
        table.link(link(2, "eth0", true), false, &mut events);
        check(&mut events, &["+eth0"]);
        table.link(link(2, "eth0", false), false, &mut events);
        table.gone(2, &mut events);
        check(&mut events, &["-eth0"]);
    }

    #[test]
    fn a_new_name_is_a_change_of_the_same_link() {
        let (mut table, mut events) = (Table::new(Netns::own(), false), Vec::new());
        table.link(link(2, "veth1", true), false, &mut events);
        table.link(link(2, "eth0", true), false, &mut events);
        table.address_changed(2, &mut events);
        table.address_changed(9, &mut events);
        check(&mut events, &["+veth1", "@eth0", "veth1>eth0"]);
        table.clear(&mut events);
        check(&mut events, &["-eth0"]);
    }
}
