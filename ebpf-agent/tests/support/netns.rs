//! Network namespaces with veth pairs between them, and frames sent as they are.

use std::{fs::File, os::fd::AsRawFd as _, process::Command, sync::Arc, thread};

use netobserv_ebpf_agent::interfaces::model::{Interface, Netns, NetnsId};
use nix::sched::{CloneFlags, setns, unshare};

/// A namespace of the test's own.
pub struct Namespace {
    pub netns: Arc<Netns>,
}

impl Namespace {
    /// `id` is what the agent would number it with; not 0, which is the agent's own.
    pub fn new(id: u32) -> Self {
        let handle = thread::spawn(|| {
            unshare(CloneFlags::CLONE_NEWNET).unwrap();
            File::open("/proc/thread-self/ns/net").unwrap()
        })
        .join()
        .unwrap();
        let namespace = Self {
            netns: Arc::new(Netns {
                id: NetnsId(id),
                name: format!("test{id}").into(),
                handle: Some(handle),
            }),
        };
        // Interfaces come up silent: no address, no neighbour discovery, nothing but what a test sends.
        namespace.run(|| {
            for scope in ["all", "default"] {
                let path = format!("/proc/sys/net/ipv6/conf/{scope}/disable_ipv6");
                std::fs::write(path, "1").unwrap();
            }
        });
        namespace
    }

    /// Runs `work` on a thread in this namespace.
    pub fn run<T: Send>(&self, work: impl FnOnce() -> T + Send) -> T {
        let handle = self.netns.handle.as_ref().unwrap();
        thread::scope(|scope| {
            scope
                .spawn(|| {
                    setns(handle, CloneFlags::CLONE_NEWNET).unwrap();
                    work()
                })
                .join()
                .unwrap()
        })
    }

    /// Runs a command line, which must succeed, in this namespace.
    pub fn command(&self, line: &str) -> String {
        self.run(|| {
            let mut words = line.split_whitespace();
            let output = Command::new(words.next().unwrap())
                .args(words)
                .output()
                .unwrap();
            assert!(
                output.status.success(),
                "{line}: {}",
                String::from_utf8_lossy(&output.stderr)
            );
            String::from_utf8(output.stdout).unwrap()
        })
    }

    pub fn path(&self) -> String {
        format!(
            "/proc/{}/fd/{}",
            std::process::id(),
            self.netns.handle.as_ref().unwrap().as_raw_fd()
        )
    }

    /// The interface as discovery would report it.
    pub fn interface(&self, name: &str) -> Interface {
        Interface {
            netns: Arc::clone(&self.netns),
            index: self.run(|| nix::net::if_::if_nametoindex(name).unwrap()),
            name: name.into(),
            mac: [0; 6],
            has_ethernet: self.has_ethernet(name),
        }
    }

    fn has_ethernet(&self, interface: &str) -> bool {
        let text = self.command(&format!("ip -j link show dev {interface}"));
        let links: serde_json::Value = serde_json::from_str(&text).unwrap();
        matches!(links[0]["link_type"].as_str(), Some("ether" | "loopback"))
    }

    /// Number that the kernel keeps for an interface, such as `rx_bytes`.
    pub fn statistic(&self, interface: &str, name: &str) -> u64 {
        // /sys shows the namespace of whoever mounted it; `ip` asks by netlink.
        let text = self.command(&format!("ip -s -j link show dev {interface}"));
        let links: serde_json::Value = serde_json::from_str(&text).unwrap();
        let (side, name) = name.split_once('_').unwrap();
        links[0]["stats64"][side][name].as_u64().unwrap()
    }

    /// Opens a socket that sends frames out of an interface.
    pub fn frame_sender(&self, interface: &str) -> FrameSender {
        self.run(|| FrameSender::new(nix::net::if_::if_nametoindex(interface).unwrap()))
    }
}

/// A veth pair, both ends up.
pub fn veth(left: (&Namespace, &str), right: (&Namespace, &str)) {
    left.0.command(&format!(
        "ip link add name {} type veth peer name {} netns {}",
        left.1,
        right.1,
        right.0.path()
    ));
    for (namespace, name) in [left, right] {
        namespace.command(&format!("ip link set dev {name} up"));
    }
}

/// Gives both ends of a pair an address and the other's hardware address, so that nothing needs to be asked for.
pub fn connect(left: (&Namespace, &str, &str), right: (&Namespace, &str, &str)) {
    let ends = [
        (left, right, "02:00:00:00:00:0a"),
        (right, left, "02:00:00:00:00:0b"),
    ];
    for ((namespace, interface, address), _, mac) in ends {
        namespace.command(&format!("ip link set dev {interface} address {mac}"));
        namespace.command(&format!("ip address add {address}/24 dev {interface}"));
    }
    for ((_, _, address), (namespace, interface, _), mac) in ends {
        namespace.command(&format!(
            "ip neighbour add {address} lladdr {mac} dev {interface} nud permanent"
        ));
    }
}

/// Sends frames as they are.
pub struct FrameSender {
    socket: std::os::fd::OwnedFd,
    address: libc::sockaddr_ll,
}

#[allow(unsafe_code, reason = "packet sockets have no safe wrapper")]
impl FrameSender {
    fn new(index: u32) -> Self {
        use nix::sys::socket::{AddressFamily, SockFlag, SockType, socket};
        let socket = socket(
            AddressFamily::Packet,
            SockType::Raw,
            SockFlag::SOCK_CLOEXEC,
            None,
        )
        .unwrap();
        // SAFETY: all zero is a valid address.
        let mut address: libc::sockaddr_ll = unsafe { std::mem::zeroed() };
        address.sll_family = libc::AF_PACKET as u16;
        address.sll_ifindex = index as i32;
        address.sll_halen = 6;
        Self { socket, address }
    }

    /// Sends one frame; waits while the interface has no room.
    pub fn send(&self, frame: &[u8]) {
        loop {
            // SAFETY: pointers and lengths of live values.
            let sent = unsafe {
                libc::sendto(
                    self.socket.as_raw_fd(),
                    frame.as_ptr().cast(),
                    frame.len(),
                    0,
                    (&raw const self.address).cast(),
                    size_of::<libc::sockaddr_ll>() as u32,
                )
            };
            if sent == frame.len() as isize {
                return;
            }
            let error = std::io::Error::last_os_error();
            assert_eq!(error.raw_os_error(), Some(libc::ENOBUFS), "{error}");
            thread::yield_now();
        }
    }
}
