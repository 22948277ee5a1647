//! One running product: run-local with its children, on a free port, in a folder of its own.

use std::net::{Ipv4Addr, TcpListener};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, ExitStatus, Stdio};

use nix::sys::signal::{Signal, kill};
use nix::unistd::Pid;
use serde_json::Value;
use tempfile::TempDir;

use crate::{eventually, get_json};

#[derive(Default)]
pub struct Options {
    pub demo: bool,
    /// `INTERFACES`; empty watches all.
    pub interfaces: String,
}

pub struct Product {
    process: Child,
    port: u16,
    data: TempDir,
}

/// Root of the source tree.
pub fn repository() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR"))
        .ancestors()
        .nth(2)
        .expect("hack/e2e stands two folders below the root")
        .to_owned()
}

/// A program in the folder of optimised builds, where `make build` puts it.
pub fn binary(name: &str) -> PathBuf {
    let target = std::env::var_os("CARGO_TARGET_DIR").map_or_else(
        || {
            // This very test stands in <target>/release/deps.
            std::env::current_exe()
                .expect("a test knows its own path")
                .ancestors()
                .nth(3)
                .expect("tests stand in <target>/release/deps")
                .to_owned()
        },
        PathBuf::from,
    );
    target.join("release").join(name)
}

impl Product {
    /// Starts it and waits until the page's API answers.
    pub fn start(options: &Options) -> Self {
        let port = TcpListener::bind((Ipv4Addr::LOCALHOST, 0))
            .and_then(|listener| listener.local_addr())
            .expect("a free port")
            .port();
        let data = tempfile::tempdir().expect("a folder for data");
        let process = Command::new(binary("run-local"))
            .env("PORT", port.to_string())
            .env("DATA", data.path())
            .env("DEMO", if options.demo { "1" } else { "0" })
            .env("INTERFACES", &options.interfaces)
            .env("NETOBSERV_ROOT", repository())
            .stdin(Stdio::null())
            .spawn()
            .expect("run-local is built: make build");
        let mut product = Self {
            process,
            port,
            data,
        };
        eventually("the API answers", || {
            assert!(
                product.process.try_wait().unwrap().is_none(),
                "run-local ended early"
            );
            get_json(&product.url("/api/status"))
        });
        product
    }

    pub fn url(&self, path: &str) -> String {
        format!("http://127.0.0.1:{}{path}", self.port)
    }

    pub fn data(&self) -> &Path {
        self.data.path()
    }

    pub fn pid(&self) -> Pid {
        Pid::from_raw(self.process.id().cast_signed())
    }

    /// The process of one of its programs, by its binary's name.
    pub fn program(&self, binary: &str) -> Option<Pid> {
        child_of(self.pid(), binary)
    }

    /// A port that run-local wrote into a configuration, such as `METRICS_SERVER_PORT` of the agent.
    pub fn agent_metrics_port(&self) -> u16 {
        let text = std::fs::read_to_string(self.data().join("run/agent.env")).unwrap();
        let line = text
            .lines()
            .find_map(|line| line.strip_prefix("METRICS_SERVER_PORT="));
        line.unwrap().parse().unwrap()
    }

    /// Rows of the last five minutes that match `filters` (the API's grammar, URL-encoded).
    pub fn records(&self, filters: &str) -> Option<Vec<Value>> {
        let url = self.url(&format!(
            "/api/loki/flow/records?timeRange=300&limit=1000&recordType=flowLog&filters={filters}"
        ));
        let answer = get_json(&url)?;
        let mut rows = Vec::new();
        for stream in answer["result"].as_array()? {
            for entry in stream["values"].as_array()? {
                rows.push(serde_json::from_str(entry[1].as_str()?).ok()?);
            }
        }
        Some(rows)
    }

    /// Asks it to stop, as Ctrl-C does, and waits for the end.
    pub fn stop(mut self) -> ExitStatus {
        kill(self.pid(), Signal::SIGINT).unwrap();
        eventually("run-local ends after SIGINT", || {
            self.process.try_wait().unwrap()
        })
    }

    /// Kills run-local itself, as the kernel's out-of-memory killer would.
    pub fn kill(mut self) {
        kill(self.pid(), Signal::SIGKILL).unwrap();
        self.process.wait().unwrap();
    }
}

impl Drop for Product {
    fn drop(&mut self) {
        if matches!(self.process.try_wait(), Ok(None)) {
            let _ = kill(self.pid(), Signal::SIGTERM);
            let _ = self.process.wait();
        }
    }
}

/// The child of `parent` that runs `binary`.
pub fn child_of(parent: Pid, binary: &str) -> Option<Pid> {
    std::fs::read_dir("/proc")
        .ok()?
        .flatten()
        .find_map(|entry| {
            let pid: i32 = entry.file_name().to_str()?.parse().ok()?;
            let status = std::fs::read_to_string(entry.path().join("stat")).ok()?;
            // "pid (comm) state ppid ...": comm may hold spaces and parentheses.
            let parent_id: i32 = status
                .rsplit_once(") ")?
                .1
                .split(' ')
                .nth(1)?
                .parse()
                .ok()?;
            let path = std::fs::read_link(entry.path().join("exe")).ok()?;
            let is_it = parent_id == parent.as_raw() && path.file_name()?.to_str()? == binary;
            is_it.then(|| Pid::from_raw(pid))
        })
}
