#![allow(clippy::unwrap_used, reason = "tests")]

use std::sync::Mutex;
use std::sync::mpsc::{SyncSender, sync_channel};
use std::thread::JoinHandle;

use super::*;
use crate::config::MetricsLevel;
use crate::interfaces::model::Netns;

const PATIENCE: Duration = Duration::from_secs(30);

/// Writes down what is asked of it; attaching to an interface fails as often as its index says.
struct Fake {
    log: Arc<Mutex<Vec<String>>>,
    failures: HashMap<u32, u32>,
}

impl Fake {
    fn note(&self, what: String) {
        self.log.lock().unwrap().push(what);
    }
}

impl Datapath for Fake {
    fn attach(&mut self, interface: &Interface) -> Result<AttachKind, kernel::Error> {
        let left = self.failures.entry(interface.index).or_insert(0);
        if *left > 0 {
            *left -= 1;
            self.note(format!("fail {}", interface.index));
            return Err(kernel::Error::NoMap("test"));
        }
        self.note(format!("attach {}", interface.index));
        Ok(AttachKind::Tcx)
    }

    fn detach(&mut self, key: InterfaceKey) -> Result<AttachKind, kernel::Error> {
        self.note(format!("detach {}", key.index));
        Ok(AttachKind::Tcx)
    }

    fn evict(&mut self) {
        self.note("evict".to_owned());
    }

    fn finish(&mut self) {
        self.note("finish".to_owned());
    }
}

struct Running {
    orders: Option<SyncSender<Order>>,
    log: Arc<Mutex<Vec<String>>>,
    metrics: Arc<Metrics>,
    health: Arc<Health>,
    thread: Option<JoinHandle<()>>,
}

fn run(eviction_period: Duration, failures: &[(u32, u32)]) -> Running {
    let log = Arc::<Mutex<Vec<String>>>::default();
    let fake = Fake {
        log: Arc::clone(&log),
        failures: failures.iter().copied().collect(),
    };
    let metrics = Arc::new(Metrics::new("", MetricsLevel::Debug));
    let settings = Settings {
        eviction_period,
        attach_attempts: 2,
        direction: Direction::Ingress,
    };
    let health = Arc::<Health>::default();
    let agent = Agent::new(fake, settings, Arc::clone(&metrics), Arc::clone(&health));
    let (orders, received) = sync_channel(100);
    let thread = std::thread::spawn(move || agent.run(&received));
    Running {
        orders: Some(orders),
        log,
        metrics,
        health,
        thread: Some(thread),
    }
}

impl Running {
    fn order(&self, order: Order) {
        self.orders.as_ref().unwrap().send(order).unwrap();
    }

    fn wait_for(&self, what: &str) {
        let deadline = Instant::now() + PATIENCE;
        while !self.log.lock().unwrap().iter().any(|noted| noted == what) {
            assert!(
                Instant::now() < deadline,
                "{what} is not in {:?}",
                self.log.lock().unwrap()
            );
            std::thread::yield_now();
        }
    }

    fn end(&mut self) -> Vec<String> {
        self.orders = None;
        self.thread.take().unwrap().join().unwrap();
        self.log.lock().unwrap().clone()
    }
}

fn interface(index: u32) -> Interface {
    Interface {
        netns: Netns::own(),
        index,
        name: Arc::from("eth0"),
        mac: [0; 6],
        has_ethernet: true,
    }
}

#[test]
fn an_agent_that_stops_watches_nothing_new() {
    let mut running = run(Duration::from_hours(1), &[(3, 9)]);
    running.order(Order::Attach(interface(2)));
    running.order(Order::Attach(interface(3)));
    running.wait_for("fail 3");
    running.health.set_draining();
    running.order(Order::Attach(interface(4)));
    let mut log = running.end();
    // It may have been tried again before the stop, if this thread stood still.
    log.dedup();
    assert_eq!(log, ["attach 2", "fail 3", "finish"]);
}

#[test]
fn orders_are_carried_out_and_the_end_is_a_last_eviction() {
    let mut running = run(Duration::from_hours(1), &[]);
    running.order(Order::Attach(interface(2)));
    running.order(Order::Attach(interface(2)));
    running.order(Order::Attach(interface(3)));
    running.order(Order::Detach(interface(2)));
    running.order(Order::Detach(interface(9)));
    assert_eq!(
        running.end(),
        ["attach 2", "attach 3", "detach 2", "finish"]
    );
    let text = running.metrics.render();
    assert!(
        text.contains(r#"iface_buffer_size{name="ingress-tcx-links"} 1"#),
        "{text}"
    );
    assert!(
        text.contains(r#"iface_buffer_size{name="egress-tcx-links"} 0"#),
        "{text}"
    );
}

#[test]
fn evictions_come_at_their_period_whatever_else_happens() {
    let mut running = run(Duration::from_millis(1), &[]);
    running.wait_for("evict");
    running.order(Order::Attach(interface(2)));
    running.wait_for("attach 2");
    assert_eq!(running.end().last().unwrap(), "finish");
}

#[test]
fn a_failed_attachment_is_tried_again_at_once_only_as_often_as_configured() {
    let mut running = run(Duration::from_hours(1), &[(2, 1), (3, 9)]);
    running.order(Order::Attach(interface(2)));
    running.order(Order::Attach(interface(3)));
    running.wait_for("attach 2");
    let deadline = Instant::now() + PATIENCE;
    while running
        .log
        .lock()
        .unwrap()
        .iter()
        .filter(|noted| *noted == "fail 3")
        .count()
        < 2
    {
        assert!(Instant::now() < deadline);
        std::thread::yield_now();
    }
    running.end();
    let text = running.metrics.render();
    for line in [
        r#"type="attach_fail",ifname="",ifindex="",netns="",mac="",retries="1"} 2"#,
        r#"type="attach_fail",ifname="",ifindex="",netns="",mac="",retries="2"} 1"#,
        r#"type="attach_tcx",ifname="",ifindex="",netns="",mac="",retries="2"} 1"#,
        r#"errors_total{component="InterfaceEvents",error="LoadObject",severity="low"} 3"#,
    ] {
        assert!(text.contains(line), "{line} is not in\n{text}");
    }
}
