//! The demo's network: one namespace a host, and one with the switch that joins them.

use std::net::{Ipv4Addr, Ipv6Addr};
use std::os::unix::process::CommandExt as _;
use std::path::Path;
use std::process::Command;
use std::time::Duration;

use anyhow::{Context, Result, bail};
use nix::sched::{CloneFlags, setns};
use tappers::{Interface, Tap};

use super::delay;

/// Names and ranges of the demo's networks, for the subnet labels.
pub const SUBNETS: [(&str, &[&str]); 2] = [
    ("Demo shop", &["10.77.0.0/24", "fd77::/64"]),
    ("Demo remote sites", &["10.77.1.0/24", "fd77:0:0:1::/64"]),
];
const PREFIX: &str = "netobserv-demo-";
const SWITCH: &str = "switch";
const BRIDGE: &str = "switch0";

/// A host of the demo. Remote ones hang on a slow line.
#[derive(Clone, Copy)]
pub struct Host {
    pub name: &'static str,
    site: u8,
    number: u8,
    /// One-way delay of its line.
    delay: Duration,
}

const fn local(name: &'static str, number: u8) -> Host {
    Host {
        name,
        site: 0,
        number,
        delay: Duration::ZERO,
    }
}

pub const CLIENT: Host = local("client", 11);
pub const OFFICE: Host = local("office", 12);
pub const WEB: Host = local("web", 21);
pub const API: Host = local("api", 22);
pub const DATABASE: Host = local("db", 23);
pub const RESOLVER: Host = local("dns", 53);
pub const PAYMENT: Host = Host {
    name: "payment",
    site: 1,
    number: 10,
    delay: Duration::from_millis(12),
};
pub const BACKUP: Host = Host {
    name: "backup",
    site: 1,
    number: 20,
    delay: Duration::from_millis(45),
};
const HOSTS: [Host; 8] = [
    CLIENT, OFFICE, WEB, API, DATABASE, RESOLVER, PAYMENT, BACKUP,
];

impl Host {
    pub fn v4(self) -> Ipv4Addr {
        Ipv4Addr::new(10, 77, self.site, self.number)
    }

    pub fn v6(self) -> Ipv6Addr {
        Ipv6Addr::new(
            0xfd77,
            0,
            0,
            u16::from(self.site),
            0,
            0,
            0,
            u16::from(self.number),
        )
    }

    /// Moves the calling thread into this host's namespace, for good.
    pub fn enter(self) -> Result<()> {
        enter(self.name)
    }
}

fn enter(name: &str) -> Result<()> {
    let path = Path::new("/run/netns").join(format!("{PREFIX}{name}"));
    let namespace =
        std::fs::File::open(&path).with_context(|| format!("cannot open {}", path.display()))?;
    setns(namespace, CloneFlags::CLONE_NEWNET)
        .with_context(|| format!("cannot enter {}", path.display()))
}

/// Builds switch, hosts and slow lines.
pub fn build() -> Result<()> {
    ip(&format!("netns add {PREFIX}{SWITCH}"))?;
    inside(SWITCH, "link set lo up")?;
    inside(SWITCH, &format!("link add {BRIDGE} type bridge"))?;
    inside(SWITCH, &format!("link set {BRIDGE} up"))?;
    for host in HOSTS {
        let name = host.name;
        ip(&format!("netns add {PREFIX}{name}"))?;
        inside(name, "link set lo up")?;
        if host.delay.is_zero() {
            inside(
                SWITCH,
                &format!("link add {name} type veth peer name eth0 netns {PREFIX}{name}"),
            )?;
        } else {
            delay::line(
                tap_inside(SWITCH, name)?,
                tap_inside(name, "eth0")?,
                host.delay,
            )?;
        }
        inside(SWITCH, &format!("link set {name} master {BRIDGE} up"))?;
        inside(name, "link set eth0 up")?;
        inside(name, &format!("addr add {}/16 dev eth0", host.v4()))?;
        inside(name, &format!("addr add {}/32 dev eth0 nodad", host.v6()))?;
    }
    Ok(())
}

/// Removes what this or an earlier run made, as much of it as can be removed.
pub fn remove_all() -> Result<()> {
    let Ok(entries) = std::fs::read_dir("/run/netns") else {
        return Ok(());
    };
    let mut result = Ok(());
    for entry in entries.flatten() {
        if let Some(name) = entry
            .file_name()
            .to_str()
            .filter(|name| name.starts_with(PREFIX))
        {
            result = result.and(ip(&format!("netns del {name}")));
        }
    }
    result
}

/// Makes a TAP device inside a namespace. The thread is thrown away with its change of namespace.
fn tap_inside(namespace: &'static str, name: &'static str) -> Result<Tap> {
    std::thread::spawn(move || -> Result<Tap> {
        enter(namespace)?;
        Tap::new_named(Interface::new(name)?)
            .with_context(|| format!("cannot make the TAP device {name}"))
    })
    .join()
    .map_err(|_| anyhow::anyhow!("the thread that makes {name} panicked"))?
}

fn inside(namespace: &str, arguments: &str) -> Result<()> {
    ip(&format!("-n {PREFIX}{namespace} {arguments}"))
}

fn ip(arguments: &str) -> Result<()> {
    let output = Command::new("ip")
        .args(arguments.split_whitespace())
        // A signal to our group, which ends us, must not end what makes or removes the network.
        .process_group(0)
        .output()
        .context("cannot run ip; install the package iproute2")?;
    if !output.status.success() {
        bail!(
            "ip {arguments}: {}",
            String::from_utf8_lossy(&output.stderr).trim()
        );
    }
    Ok(())
}
