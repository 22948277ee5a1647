//! The watcher against the real kernel: links and namespaces come, change and go.
//!
//! Each test runs on a thread with network and mount namespaces of its own; what it makes goes with the thread.

use std::path::{Path, PathBuf};
use std::sync::mpsc::{Receiver, sync_channel};
use std::time::{Duration, Instant};

use crate::isolation::{self, run};
use netobserv_ebpf_agent::interfaces::model::Interface;
use netobserv_ebpf_agent::interfaces::table::Event;
use netobserv_ebpf_agent::interfaces::watch::{Settings, Told, Watcher};

const PATIENCE: Duration = Duration::from_mins(1);

/// Runs `test` with a folder for names of network namespaces.
fn isolated(test: impl FnOnce(&Path) + Send + 'static) {
    let folder = tempfile::tempdir().unwrap();
    let names = folder.path().join("netns");
    isolation::isolated(move || test(&names));
}

/// Makes a network namespace that has this name.
fn add_netns(folder: &Path, name: &str) {
    std::fs::create_dir_all(folder).unwrap();
    let path = folder.join(name);
    std::fs::write(&path, "").unwrap();
    run(&format!("unshare --net={} true", path.display()));
}

fn remove_netns(folder: &Path, name: &str) {
    let path = folder.join(name);
    run(&format!("umount {}", path.display()));
    std::fs::remove_file(path).unwrap();
}

fn in_netns(folder: &Path, name: &str, line: &str) {
    run(&format!(
        "nsenter --net={} {line}",
        folder.join(name).display()
    ));
}

/// What the watcher told, as text, and whether it may go on.
struct Heard {
    told: Receiver<String>,
    seen: Vec<String>,
}

fn label(interface: &Interface) -> String {
    format!("{}/{}", interface.netns.name, interface.name)
}

fn text(told: &Told) -> String {
    match told {
        Told::Event(Event::Added(interface)) => format!("+{}", label(interface)),
        Told::Event(Event::Removed(interface)) => format!("-{}", label(interface)),
        Told::Event(Event::Changed { from, to }) => format!("{}>{}", label(from), label(to)),
        Told::Event(Event::AddressChanged(interface)) => format!("@{}", label(interface)),
        Told::Subscribed(netns) => format!("subscribed {}", netns.name),
        Told::Unsubscribed(netns) => format!("unsubscribed {}", netns.name),
        Told::NamespaceFailed { name, error } => format!("failed {name}: {error}"),
        Told::Started => "started".to_owned(),
        Told::Links(_) => String::new(),
    }
}

/// Starts a watcher that can be ahead of its listener by `ahead` lines only.
fn watch(folder: &Path, poll_period: Option<Duration>, ahead: usize) -> (Watcher, Heard) {
    let (teller, told) = sync_channel(ahead);
    let settings = Settings {
        netns_folder: PathBuf::from(folder),
        poll_period,
        wants_addresses: true,
    };
    let watcher = Watcher::start(settings, move |told| {
        let text = text(&told);
        if !text.is_empty() {
            // The listener is gone when the test has failed.
            let _ = teller.send(text);
        }
    });
    (
        watcher.unwrap(),
        Heard {
            told,
            seen: Vec::new(),
        },
    )
}

impl Heard {
    /// Waits for this line, past others.
    fn wait_for(&mut self, line: &str) {
        let deadline = Instant::now() + PATIENCE;
        while self.seen.last().is_none_or(|last| last != line) {
            let left = deadline.saturating_duration_since(Instant::now());
            let Ok(told) = self.told.recv_timeout(left) else {
                panic!("{line} was not told, but {:?}", self.seen)
            };
            self.seen.push(told);
        }
    }
}

#[test]
fn links_are_told_when_they_are_there_come_up_change_and_go() {
    isolated(|folder| {
        run("ip link add old type veth peer name peer");
        let (watcher, mut heard) = watch(folder, None, 1000);
        heard.wait_for("started");
        for line in ["subscribed ", "+/lo", "+/old", "+/peer"] {
            assert!(
                heard.seen.iter().any(|seen| seen == line),
                "{line} is not in {:?}",
                heard.seen
            );
        }
        run("ip link add new type veth peer name other");
        run("ip link set other up");
        run("ip link set new up");
        heard.wait_for("+/new");
        run("ip addr add 10.1.1.1/24 dev new");
        heard.wait_for("@/new");
        run("ip link set new down");
        heard.wait_for("-/new");
        run("ip link set new name better");
        run("ip link set better up");
        heard.wait_for("+/better");
        run("ip link set better address 02:00:00:00:00:01");
        heard.wait_for("/better>/better");
        run("ip link del better");
        heard.wait_for("-/better");
        watcher.stop();
    });
}

#[test]
fn namespaces_are_told_with_their_links_when_they_come_and_go() {
    isolated(|folder| {
        add_netns(folder, "blue");
        let (watcher, mut heard) = watch(folder, None, 1000);
        heard.wait_for("started");
        assert!(
            heard.seen.iter().any(|seen| seen == "+blue/lo"),
            "{:?}",
            heard.seen
        );
        add_netns(folder, "green");
        heard.wait_for("+green/lo");
        in_netns(folder, "green", "ip link add veth type veth peer name peer");
        in_netns(folder, "green", "ip link set peer up");
        in_netns(folder, "green", "ip link set veth up");
        heard.wait_for("+green/veth");
        remove_netns(folder, "green");
        heard.wait_for("unsubscribed green");
        assert!(
            heard.seen.iter().any(|seen| seen == "-green/veth"),
            "{:?}",
            heard.seen
        );
        add_netns(folder, "green");
        heard.wait_for("+green/lo");
        watcher.stop();
    });
}

#[test]
fn a_folder_that_comes_later_is_found() {
    isolated(|folder| {
        let (watcher, mut heard) = watch(folder, None, 1000);
        heard.wait_for("started");
        add_netns(folder, "late");
        heard.wait_for("+late/lo");
        watcher.stop();
    });
}

#[test]
fn notifications_that_the_kernel_throws_away_are_made_up_for() {
    isolated(|folder| {
        run("ip link add doomed type veth peer name doomedpeer");
        run("ip link add noisy type veth peer name noisypeer");
        run("ip link set noisypeer up");
        run("ip link set noisy up");
        // The watcher stops after a few lines, until somebody listens.
        let (watcher, mut heard) = watch(folder, None, 0);
        heard.wait_for("started");
        let changes = folder.with_file_name("changes");
        let mut lines = String::from("link del doomed\n");
        lines.push_str(&"link set noisy mtu 1000\nlink set noisy mtu 1001\n".repeat(4000));
        lines.push_str(
            "link add born type veth peer name bornpeer\nlink set bornpeer up\nlink set born up\n",
        );
        std::fs::write(&changes, lines).unwrap();
        run(&format!("ip -batch {}", changes.display()));
        heard.wait_for("+/born");
        // It comes last where the notification of it was thrown away too.
        if !heard.seen.iter().any(|seen| seen == "-/doomed") {
            heard.wait_for("-/doomed");
        }
        watcher.stop();
    });
}

#[test]
fn polling_finds_the_same() {
    isolated(|folder| {
        let (watcher, mut heard) = watch(folder, Some(Duration::from_millis(20)), 1000);
        heard.wait_for("started");
        run("ip link add new type veth peer name other");
        heard.wait_for("+/new");
        // Nobody tells of addresses, so each list may be news of them.
        run("ip addr add 10.1.1.1/24 dev new");
        heard.wait_for("@/new");
        run("ip link del new");
        heard.wait_for("-/new");
        watcher.stop();
    });
}
