//! Turns what the watcher tells into names, orders and metrics, on the watcher's thread.
//!
//! **Invariant:** a name is known before the order to attach is given, and forgotten with the interface.

use std::net::IpAddr;
use std::sync::Arc;
use std::sync::mpsc::SyncSender;

use tracing::warn;

use crate::agent_address;
use crate::health::Health;
use crate::interfaces::model::Interface;
use crate::interfaces::names::Names;
use crate::interfaces::netns;
use crate::interfaces::selection::{Order, Selection};
use crate::interfaces::table::Event;
use crate::interfaces::watch::Told;
use crate::metrics::{InterfaceEvent, Metrics, Severity};

/// See the module.
pub struct Listener {
    pub selection: Selection,
    pub names: Arc<Names>,
    pub orders: SyncSender<Order>,
    pub metrics: Arc<Metrics>,
    pub health: Arc<Health>,
}

impl Listener {
    pub fn hear(&mut self, told: Told) {
        match told {
            Told::Event(event) => self.hear_event(&event),
            Told::Subscribed(netns) => {
                self.metrics
                    .interface_event(InterfaceEvent::Subscribed, &netns.name, None, 1);
            }
            Told::Unsubscribed(netns) => {
                self.metrics
                    .interface_event(InterfaceEvent::Unsubscribed, &netns.name, None, 1);
            }
            Told::NamespaceFailed { name, error } => {
                warn!(
                    "cannot watch network namespace {name}: {error}; it needs CAP_SYS_ADMIN, everything else goes on"
                );
                self.metrics
                    .error("InterfaceEvents", "Attach:CantSetNetNS-B", Severity::Low);
            }
            Told::Started => self.health.set_ready(),
            Told::Links(links) => {
                self.metrics.interface_buffer_size("watcher", links);
                self.metrics
                    .interface_buffer_size("registerer", self.names.len());
            }
        }
    }

    fn hear_event(&mut self, event: &Event) {
        match event {
            Event::Added(interface) => self.names.add(interface),
            Event::Changed { from, to } => {
                self.names.remove(from);
                self.names.add(to);
            }
            Event::Removed(interface) => self.names.remove(interface),
            Event::AddressChanged(_) => {}
        }
        if let Some(order) = self.selection.decide(event, addresses_of) {
            // The datapath thread is gone only when the agent is stopping.
            let _ = self.orders.send(order);
        }
    }
}

/// Addresses in the interface's own namespace. One that cannot be entered gives none.
fn addresses_of(interface: &Interface) -> Vec<IpAddr> {
    netns::within(&interface.netns, || {
        agent_address::addresses_of(&interface.name)
    })
    .unwrap_or_default()
}
