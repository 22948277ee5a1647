//! What a server or tool is to `testenv`, and the table of all of them.

use anyhow::{Result, bail};

use crate::cache::Cache;
use crate::launch::{Exports, Launch};
use crate::servers::{apiserver, etcd, helm, kubectl, kwok, operator_verify};

/// One server or tool. Each has a file of its own in `servers/`.
pub struct Server {
    /// The word on the command line.
    pub name: &'static str,
    /// The pinned version; part of the folder's name in the cache.
    pub newest: &'static str,
    /// The oldest version that the project supports, pinned too, where there is one: [`OLDEST`] chooses it.
    pub oldest: Option<&'static str>,
    /// What must run (servers) or be fetched (tools) before it.
    pub needs: &'static [&'static str],
    /// Puts its files into the cache unless they are there.
    pub fetch: fn(&Cache) -> Result<()>,
    /// Starts its processes and waits until they are ready. A tool has nothing to start.
    pub launch: Option<fn(&mut Launch) -> Result<Exports>>,
}

/// Variable that, set to 1, chooses the oldest supported version of each server.
pub const OLDEST: &str = "TESTENV_OLDEST";

impl Server {
    /// The version that is fetched and started here.
    pub fn version(&self) -> &'static str {
        let is_oldest = std::env::var_os(OLDEST).is_some_and(|value| value == "1");
        self.oldest.filter(|_| is_oldest).unwrap_or(self.newest)
    }
}

/// In the order in which they can be started.
pub const ALL: &[Server] = &[
    etcd::SERVER,
    kubectl::SERVER,
    apiserver::SERVER,
    kwok::SERVER,
    helm::SERVER,
    operator_verify::SERVER,
];

/// The server of that name.
pub fn find(name: &str) -> Result<&'static Server> {
    let Some(server) = ALL.iter().find(|server| server.name == name) else {
        let names: Vec<&str> = ALL.iter().map(|server| server.name).collect();
        bail!("there is no {name}; there are: {}", names.join(", "))
    };
    Ok(server)
}

/// The named ones and all that they need, in the order of starting.
pub fn closure(names: &[String]) -> Result<Vec<&'static Server>> {
    let mut wanted: Vec<&str> = Vec::new();
    let mut pending: Vec<&str> = names.iter().map(String::as_str).collect();
    while let Some(name) = pending.pop() {
        let server = find(name)?;
        if !wanted.contains(&server.name) {
            wanted.push(server.name);
            pending.extend(server.needs);
        }
    }
    Ok(ALL
        .iter()
        .filter(|server| wanted.contains(&server.name))
        .collect())
}

/// The named ones and all that need them, in the order of stopping. No name means all.
pub fn dependants(names: &[String]) -> Result<Vec<&'static Server>> {
    for name in names {
        find(name)?;
    }
    let mut wanted = Vec::new();
    for server in ALL {
        let is_named = names.is_empty() || names.iter().any(|name| name == server.name);
        if is_named || server.needs.iter().any(|need| wanted.contains(need)) {
            wanted.push(server.name);
        }
    }
    Ok(ALL
        .iter()
        .rev()
        .filter(|server| wanted.contains(&server.name))
        .collect())
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, reason = "tests")]
    use super::*;

    fn names(servers: &[&'static Server]) -> Vec<&'static str> {
        servers.iter().map(|server| server.name).collect()
    }

    #[test]
    fn needs_come_first_and_dependants_stop_first() {
        assert_eq!(
            names(&closure(&["apiserver".to_owned()]).unwrap()),
            ["etcd", "kubectl", "apiserver"]
        );
        assert_eq!(
            names(&dependants(&["etcd".to_owned()]).unwrap()),
            ["kwok", "apiserver", "etcd"]
        );
        assert_eq!(names(&dependants(&[]).unwrap()).len(), ALL.len());
        let error = closure(&["postgres".to_owned()]).err().unwrap().to_string();
        assert!(error.contains("etcd, kubectl, apiserver"), "{error}");
    }

    #[test]
    fn every_need_stands_before_its_server_in_the_table() {
        for (index, server) in ALL.iter().enumerate() {
            for need in server.needs {
                assert!(
                    ALL[..index].iter().any(|earlier| earlier.name == *need),
                    "{} needs {need}",
                    server.name
                );
            }
        }
    }
}
