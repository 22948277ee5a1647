//! The datapath thread: attaches and detaches as ordered, and evicts at its period.
//!
//! `app` starts it. It ends when every sender of orders is gone, after a last eviction.
//!
//! **Invariant:** the only owner of what it works on, so nothing there is locked. A tick that falls into a longer
//! eviction is lost; two evictions never overlap.

mod retries;
pub mod worker;

use std::collections::HashMap;
use std::sync::Arc;
use std::sync::mpsc::{Receiver, RecvTimeoutError};
use std::time::{Duration, Instant};

use tracing::{debug, error, info, warn};

use crate::config::Direction;
use crate::health::Health;
use crate::interfaces::model::{Interface, InterfaceKey};
use crate::interfaces::selection::Order;
use crate::kernel::{self, AttachKind};
use crate::metrics::{InterfaceEvent, Metrics, Severity};
use retries::{Failed, Retries};

/// The longest wait for an order: the thread shows that it lives even if evictions are far apart.
const WAIT_MAX: Duration = Duration::from_secs(5);
/// Changes of the set of interfaces that come this close together are one line: at start there are dozens of them, and on
/// a busy node pods never stop coming.
const CHANGES_PERIOD: Duration = Duration::from_secs(1);

/// What the thread works on: the loaded programs and their maps.
pub trait Datapath {
    /// One attempt.
    fn attach(&mut self, interface: &Interface) -> Result<AttachKind, kernel::Error>;
    fn detach(&mut self, key: InterfaceKey) -> Result<AttachKind, kernel::Error>;
    /// Sends on what the programs have gathered.
    fn evict(&mut self);
    /// Detaches everything, then sends on all that is left.
    fn finish(&mut self);
}

/// How the thread works.
#[derive(Clone, Copy, Debug)]
pub struct Settings {
    pub eviction_period: Duration,
    pub attach_attempts: u32,
    pub direction: Direction,
}

/// See the module.
pub struct Agent<D> {
    datapath: D,
    settings: Settings,
    metrics: Arc<Metrics>,
    health: Arc<Health>,
    attached: HashMap<InterfaceKey, AttachKind>,
    retries: Retries,
    changes: Changes,
}

/// Interfaces that came and went since the last line about them.
#[derive(Debug, Default)]
struct Changes {
    new: usize,
    gone: usize,
    line_at: Option<Instant>,
}

impl<D: Datapath> Agent<D> {
    pub fn new(
        datapath: D,
        settings: Settings,
        metrics: Arc<Metrics>,
        health: Arc<Health>,
    ) -> Self {
        let retries = Retries::new(settings.attach_attempts);
        Self {
            datapath,
            settings,
            metrics,
            health,
            attached: HashMap::new(),
            retries,
            changes: Changes::default(),
        }
    }

    /// Works until the senders of orders are gone.
    pub fn run(mut self, orders: &Receiver<Order>) {
        let mut next_eviction = Instant::now() + self.settings.eviction_period;
        loop {
            self.health.beat();
            let next = [self.retries.next(), self.changes.line_at]
                .into_iter()
                .flatten()
                .fold(next_eviction, Instant::min);
            let wait = next.saturating_duration_since(Instant::now()).min(WAIT_MAX);
            match orders.recv_timeout(wait) {
                Ok(Order::Attach(interface)) => self.attach(&interface, 1),
                Ok(Order::Detach(interface)) => self.detach(&interface),
                Err(RecvTimeoutError::Timeout) => {}
                Err(RecvTimeoutError::Disconnected) => break,
            }
            // One a turn: hundreds that fail for ever must not keep evictions waiting.
            if let Some(retry) = self.retries.due(Instant::now()) {
                self.attach(&retry.interface, retry.attempt);
            }
            if self.changes.line_at.is_some_and(|at| at <= Instant::now()) {
                self.tell_changes();
            }
            if next_eviction <= Instant::now() {
                self.datapath.evict();
                next_eviction = (next_eviction + self.settings.eviction_period).max(Instant::now());
            }
        }
        self.datapath.finish();
    }

    fn tell_changes(&mut self) {
        let Changes { new, gone, .. } = std::mem::take(&mut self.changes);
        info!(
            interfaces = self.attached.len(),
            new, gone, "watching interfaces"
        );
    }

    fn attach(&mut self, interface: &Interface, attempt: u32) {
        // Each takes milliseconds, and dozens of orders may wait when the agent is told to stop.
        if self.health.is_draining() || self.attached.contains_key(&interface.key()) {
            return;
        }
        let (name, netns) = (&interface.name, &interface.netns.name);
        match self.datapath.attach(interface) {
            Ok(kind) => {
                debug!(%name, %netns, index = interface.index, ?kind, attempt, "watching interface");
                self.changes.new += 1;
                let event = if kind == AttachKind::Tcx {
                    InterfaceEvent::AttachTcx
                } else {
                    InterfaceEvent::AttachTc
                };
                self.metrics
                    .interface_event(event, netns, Some(interface), attempt);
                self.attached.insert(interface.key(), kind);
                self.count_attached();
            }
            Err(error) => {
                self.metrics
                    .error("InterfaceEvents", error.kind(), Severity::Low);
                self.metrics.interface_event(
                    InterfaceEvent::AttachFail,
                    netns,
                    Some(interface),
                    attempt,
                );
                match self.retries.failed(interface, attempt, Instant::now()) {
                    Failed::Last => {
                        error!(%name, %netns, attempt, "cannot watch interface, its flows are not seen until a later attempt succeeds: {error}");
                    }
                    Failed::Early | Failed::Late => {
                        debug!(%name, %netns, attempt, %error, "cannot watch interface yet, trying again");
                    }
                }
            }
        }
    }

    fn detach(&mut self, interface: &Interface) {
        self.retries.cancel(interface.key());
        if self.attached.remove(&interface.key()).is_none() {
            return;
        }
        let (name, netns) = (&interface.name, &interface.netns.name);
        let event = match self.datapath.detach(interface.key()) {
            Ok(AttachKind::Tcx) => InterfaceEvent::DetachTcx,
            Ok(AttachKind::Tc) => InterfaceEvent::DetachTc,
            Err(error) => {
                warn!(%name, %netns, "cannot detach from interface: {error}");
                self.metrics
                    .error("InterfaceEvents", error.kind(), Severity::Low);
                InterfaceEvent::DetachFail
            }
        };
        debug!(%name, %netns, index = interface.index, "no longer watching interface");
        self.changes.gone += 1;
        self.metrics
            .interface_event(event, netns, Some(interface), 1);
        self.count_attached();
    }

    fn count_attached(&mut self) {
        self.changes
            .line_at
            .get_or_insert_with(|| Instant::now() + CHANGES_PERIOD);
        let tcx = self
            .attached
            .values()
            .filter(|kind| **kind == AttachKind::Tcx)
            .count();
        let side = |is_used| if is_used { tcx } else { 0 };
        let direction = self.settings.direction;
        self.metrics
            .interface_buffer_size("qdiscs", self.attached.len() - tcx);
        self.metrics
            .interface_buffer_size("ingress-tcx-links", side(direction != Direction::Egress));
        self.metrics
            .interface_buffer_size("egress-tcx-links", side(direction != Direction::Ingress));
    }
}

#[cfg(test)]
mod tests;
