//! Ports: the page's is fixed, the inner ones move to a free one when their default is taken.

use std::collections::HashSet;
use std::net::{IpAddr, Ipv4Addr, TcpListener};
use std::path::Path;

use anyhow::{Result, bail};

use crate::settings::Owner;

/// Inner ports, all bound to 127.0.0.1. The defaults are those of the components.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Ports {
    pub pipeline_grpc: u16,
    pub store_push: u16,
    pub pipeline_health: u16,
    pub console_metrics: u16,
    pub agent_metrics: u16,
    pub pipeline_metrics: u16,
}

impl Ports {
    /// Takes each default that is free and a port of the kernel's choice where it is not; says so on standard output.
    pub fn choose(page: u16) -> Result<Self> {
        let mut taken = HashSet::from([page]);
        let mut choose = |what: &str, default: u16| -> Result<u16> {
            let port = if taken.contains(&default) || !is_free(default) {
                let free = any_free(&taken)?;
                crate::say!("port {default} ({what}) is taken; using {free}");
                free
            } else {
                default
            };
            taken.insert(port);
            Ok(port)
        };
        Ok(Self {
            pipeline_grpc: choose("flows to the pipeline", 2055)?,
            store_push: choose("flows to the store", 3100)?,
            pipeline_health: choose("pipeline health", 8080)?,
            console_metrics: choose("console metrics", 9002)?,
            agent_metrics: choose("agent metrics", 9400)?,
            pipeline_metrics: choose("pipeline metrics", 9401)?,
        })
    }
}

fn is_free(port: u16) -> bool {
    TcpListener::bind((Ipv4Addr::LOCALHOST, port)).is_ok()
}

fn any_free(taken: &HashSet<u16>) -> Result<u16> {
    for _ in 0..64 {
        let port = TcpListener::bind((Ipv4Addr::LOCALHOST, 0))?
            .local_addr()?
            .port();
        if !taken.contains(&port) {
            return Ok(port);
        }
    }
    bail!("no free TCP port on 127.0.0.1")
}

/// Fails with the name of the holder when the page's port cannot be bound.
pub fn check_page(listen: IpAddr, port: u16, owner: &Owner) -> Result<()> {
    // Root may bind any port, but the console runs as the owner.
    let open_from = std::fs::read_to_string("/proc/sys/net/ipv4/ip_unprivileged_port_start")
        .ok()
        .and_then(|text| text.trim().parse().ok())
        .unwrap_or(0);
    if port < open_from && !owner.uid.is_root() {
        bail!("port {port} is for root only; choose one from {open_from} on: make run PORT=9011");
    }
    let Err(error) = TcpListener::bind((listen, port)) else {
        return Ok(());
    };
    if error.kind() != std::io::ErrorKind::AddrInUse {
        bail!("cannot listen on {listen}:{port}: {error}; choose another with LISTEN= and PORT=");
    }
    let holder = holder(port).unwrap_or_else(|| "another program".to_owned());
    bail!("port {port} is taken by {holder}; stop it or choose another port: make run PORT=9011")
}

/// "name (pid N)" of the process that listens on `port`, as far as /proc lets us see.
fn holder(port: u16) -> Option<String> {
    let inode = ["/proc/net/tcp", "/proc/net/tcp6"]
        .iter()
        .filter_map(|table| std::fs::read_to_string(table).ok())
        .find_map(|table| listening_inode(&table, port))?;
    let target = format!("socket:[{inode}]");
    for entry in std::fs::read_dir("/proc").ok()?.flatten() {
        let name = entry.file_name();
        let Some(pid) = name.to_str().filter(|text| text.parse::<u32>().is_ok()) else {
            continue;
        };
        if has_descriptor(&entry.path(), &target) {
            let command = std::fs::read_to_string(entry.path().join("comm")).unwrap_or_default();
            return Some(format!("{} (process {pid})", command.trim()));
        }
    }
    Some("a program of another user".to_owned())
}

fn has_descriptor(process: &Path, target: &str) -> bool {
    std::fs::read_dir(process.join("fd")).is_ok_and(|entries| {
        entries.flatten().any(|entry| {
            std::fs::read_link(entry.path()).is_ok_and(|link| link == Path::new(target))
        })
    })
}

/// Finds the socket inode of a listener (state 0A) on `port` in the text of `/proc/net/tcp`.
fn listening_inode(table: &str, port: u16) -> Option<u64> {
    table.lines().skip(1).find_map(|line| {
        let columns: Vec<&str> = line.split_whitespace().collect();
        let local = columns.get(1)?.rsplit_once(':')?.1;
        let listens = *columns.get(3)? == "0A" && u16::from_str_radix(local, 16).ok()? == port;
        if listens {
            columns.get(9)?.parse().ok()
        } else {
            None
        }
    })
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, reason = "tests")]
    use super::*;

    #[test]
    fn the_holder_of_the_pages_port_is_named() {
        let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).unwrap();
        let port = listener.local_addr().unwrap().port();
        let owner = Owner::detect().unwrap();
        let error = check_page(Ipv4Addr::LOCALHOST.into(), port, &owner)
            .unwrap_err()
            .to_string();
        assert!(
            error.contains(&format!("process {}", std::process::id())),
            "{error}"
        );
        // The port just given back may be another program's by now, or still a child's that has not yet run its program.
        let free = || any_free(&HashSet::from([port])).unwrap();
        assert!((0..100).any(|_| check_page(Ipv4Addr::LOCALHOST.into(), free(), &owner).is_ok()));
    }

    #[test]
    fn a_port_of_roots_is_refused_for_anybody_else() {
        let owner = Owner {
            uid: nix::unistd::Uid::from_raw(12_345),
            gid: nix::unistd::Gid::from_raw(12_345),
            home: "/".into(),
        };
        let error = check_page(Ipv4Addr::LOCALHOST.into(), 1, &owner).unwrap_err();
        assert!(error.to_string().contains("PORT="), "{error}");
    }

    #[test]
    fn a_taken_inner_port_moves_and_no_port_is_given_twice() {
        let ports = Ports::choose(2055).unwrap();
        assert_ne!(ports.pipeline_grpc, 2055);
        let all = [
            ports.pipeline_grpc,
            ports.store_push,
            ports.pipeline_health,
            ports.console_metrics,
            ports.agent_metrics,
            ports.pipeline_metrics,
        ];
        assert_eq!(HashSet::from(all).len(), all.len());
    }
}
