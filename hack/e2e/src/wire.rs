//! Two named network namespaces joined by a veth pair, and datagrams from one to the other. Nothing answers, and nothing
//! else speaks, so that what the agent counts is what was sent.

use std::fs::File;
use std::net::{Ipv4Addr, SocketAddrV4, UdpSocket};
use std::ops::Range;
use std::path::Path;
use std::process::Command;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread::JoinHandle;
use std::time::Duration;

use nix::sched::{CloneFlags, setns};

const SENDER: Ipv4Addr = Ipv4Addr::new(198, 51, 100, 1);
const RECEIVER: Ipv4Addr = Ipv4Addr::new(198, 51, 100, 2);
/// A link address of the receiver's that needs no question on the wire.
const RECEIVER_LINK: &str = "02:00:00:00:00:02";

const ROUND_PAUSE: Duration = Duration::from_secs(1);

/// Removes the namespaces, and with them the interfaces, at the end.
pub struct Wire {
    sender: String,
    receiver: String,
    /// The sender's end of the wire, a name that no other interface of this machine has.
    pub interface: String,
}

impl Wire {
    /// Builds it; needs root.
    pub fn new() -> Self {
        let number = std::process::id();
        let wire = Self {
            sender: format!("netobserv-e2e-{number}-a"),
            receiver: format!("netobserv-e2e-{number}-b"),
            interface: format!("e2e{number}"),
        };
        let (sender, receiver, interface) = (&wire.sender, &wire.receiver, &wire.interface);
        for command in [
            format!("netns add {sender}"),
            format!("netns add {receiver}"),
            format!("-n {sender} link add {interface} type veth peer name peer netns {receiver}"),
            // Without addresses of IPv6, and so without its chatter.
            format!("-n {sender} link set {interface} addrgenmode none"),
            format!("-n {receiver} link set peer addrgenmode none"),
            format!("-n {receiver} link set peer address {RECEIVER_LINK} up"),
            format!("-n {sender} link set {interface} up"),
            format!("-n {sender} addr add {SENDER}/30 dev {interface}"),
            format!(
                "-n {sender} neigh add {RECEIVER} lladdr {RECEIVER_LINK} dev {interface} nud permanent"
            ),
        ] {
            let arguments = command.split(' ');
            let status = Command::new("ip").args(arguments).status().unwrap();
            assert!(status.success(), "ip {command}");
        }
        wire
    }

    /// Sends one datagram to each port of `ports`, in a round after the other, until it is told to end.
    pub fn send_rounds(&self, ports: Range<u16>) -> Sending {
        let namespace = Path::new("/run/netns").join(&self.sender);
        let is_over = Arc::new(AtomicBool::new(false));
        let told = Arc::clone(&is_over);
        // The thread gives up its own namespace, for good.
        let thread = std::thread::spawn(move || {
            let namespace = File::open(namespace).unwrap();
            setns(namespace, CloneFlags::CLONE_NEWNET).unwrap();
            let socket = UdpSocket::bind((SENDER, 7)).unwrap();
            let mut rounds = 0;
            while !told.load(Ordering::Relaxed) {
                for port in ports.clone() {
                    let to = SocketAddrV4::new(RECEIVER, port);
                    socket.send_to(b"one packet", to).unwrap();
                }
                rounds += 1;
                std::thread::park_timeout(ROUND_PAUSE);
            }
            rounds
        });
        Sending {
            is_over,
            thread: Some(thread),
        }
    }
}

/// Rounds of datagrams under way; they end when this goes.
pub struct Sending {
    is_over: Arc<AtomicBool>,
    thread: Option<JoinHandle<u64>>,
}

impl Sending {
    /// Ends after a whole round; the number of rounds sent.
    pub fn end(mut self) -> u64 {
        self.is_over.store(true, Ordering::Relaxed);
        let thread = self.thread.take().expect("it ends once");
        thread.join().expect("all datagrams are sent")
    }
}

impl Drop for Sending {
    fn drop(&mut self) {
        self.is_over.store(true, Ordering::Relaxed);
    }
}

impl Default for Wire {
    fn default() -> Self {
        Self::new()
    }
}

impl Drop for Wire {
    fn drop(&mut self) {
        for namespace in [&self.sender, &self.receiver] {
            let _ = Command::new("ip")
                .args(["netns", "del", namespace])
                .status();
        }
    }
}
