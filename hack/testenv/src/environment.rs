//! An environment: a folder with one folder per server (`lock`, `state.json`, logs, data).
//!
//! **Invariant:** a server runs exactly while its supervisor holds the lock; a process is signalled only by the id that
//! the holder of the lock wrote.

#[cfg(test)]
mod tests;

use std::collections::BTreeMap;
use std::fmt::Write as _;
use std::fs::{self, File};
use std::os::unix::process::CommandExt as _;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::time::Duration;

use anyhow::{Context, Result, bail};
use nix::fcntl::{Flock, FlockArg};
use nix::sys::signal::{Signal, kill};
use nix::unistd::Pid;
use serde::{Deserialize, Serialize};

use crate::cache::Cache;
use crate::launch::Exports;
use crate::poll;
use crate::server::{self, Server};

/// Time a server may take to be ready; the longest is a Kafka or a Loki on a busy machine.
const START_LIMIT: Duration = Duration::from_mins(5);
/// Time in which a lock that nobody holds for longer becomes free, also where its holder does not run for seconds.
const HOLD_LIMIT: Duration = Duration::from_secs(5);
/// Time a supervisor gets to stop its processes.
const STOP_LIMIT: Duration = Duration::from_mins(1);
/// Lines of a log that an error repeats.
const LAST_WORDS: usize = 15;

/// What a supervisor writes when it begins and when its server is ready. The ports outlive it, so that a restart keeps them.
#[derive(Default, Serialize, Deserialize)]
pub struct State {
    /// Process id of the supervisor.
    pub supervisor: i32,
    /// Whether the server can be used.
    pub is_ready: bool,
    /// Port by purpose.
    pub ports: BTreeMap<String, u16>,
    /// What the server is reached by.
    pub exports: Exports,
}

impl State {
    /// Of the server with that folder, if it was ever started.
    pub fn read(folder: &Path) -> Option<Self> {
        serde_json::from_slice(&fs::read(folder.join("state.json")).ok()?).ok()
    }
}

/// A server's folder while we are its supervisor.
pub struct Held {
    /// Where its files go.
    pub folder: PathBuf,
    _lock: Flock<File>,
}

impl Held {
    /// Says how far the server is.
    pub fn write(&self, state: &State) -> Result<()> {
        let path = self.folder.join("state.json");
        let partial = self.folder.join("state.json.new");
        fs::write(&partial, serde_json::to_vec_pretty(state)?)
            .and_then(|()| fs::rename(&partial, &path))
            .with_context(|| format!("write {}", path.display()))
    }
}

/// A folder in which servers run.
pub struct Environment {
    folder: PathBuf,
}

impl Environment {
    /// The environment in `folder`, or the default one.
    pub fn open(folder: Option<PathBuf>, cache: &Cache) -> Result<Self> {
        let folder = folder.unwrap_or_else(|| cache.environments().join("default"));
        fs::create_dir_all(&folder).with_context(|| format!("create {}", folder.display()))?;
        let folder = folder
            .canonicalize()
            .with_context(|| format!("open {}", folder.display()))?;
        Ok(Self { folder })
    }

    /// The environment's folder.
    pub fn folder(&self) -> &Path {
        &self.folder
    }

    /// Takes the server's lock, for its supervisor.
    pub fn hold(&self, server: &Server) -> Result<Held> {
        let folder = self.folder.join(server.name);
        fs::create_dir_all(&folder).with_context(|| format!("create {}", folder.display()))?;
        let file = File::create(folder.join("lock"))?;
        let mut lock = None;
        // Who asks whether it is held takes it for an instant.
        poll::until(HOLD_LIMIT, || {
            let file = file.try_clone();
            lock = file
                .ok()
                .and_then(|file| Flock::lock(file, FlockArg::LockExclusiveNonblock).ok());
            lock.is_some()
        });
        let Some(lock) = lock else {
            bail!("{} runs already in {}", server.name, self.folder.display())
        };
        Ok(Held {
            folder,
            _lock: lock,
        })
    }

    fn is_held(&self, server: &Server) -> bool {
        File::open(self.folder.join(server.name).join("lock"))
            .is_ok_and(|file| Flock::lock(file, FlockArg::LockSharedNonblock).is_err())
    }

    /// The state of a server that runs or is starting.
    fn running(&self, server: &Server) -> Option<State> {
        self.is_held(server)
            .then(|| State::read(&self.folder.join(server.name)))?
            .filter(|state| state.supervisor > 0)
    }

    /// Fetches and starts what does not run yet; answers with all that was asked for is reached by.
    pub fn start(&self, cache: &Cache, names: &[String], owner: Option<i32>) -> Result<Exports> {
        let servers = server::closure(names)?;
        for server in &servers {
            (server.fetch)(cache)?;
        }
        let mut exports = Exports::new();
        for server in servers.iter().filter(|server| server.launch.is_some()) {
            if !self.comes_up(server) {
                self.start_one(server, owner)?;
            }
            let state = self.running(server).unwrap_or_default();
            exports.extend(
                state
                    .exports
                    .into_iter()
                    .map(|(key, value)| (format!("{}.{key}", server.name), value)),
            );
        }
        Ok(exports)
    }

    /// Waits for a server that somebody else starts; false if it does not run.
    fn comes_up(&self, server: &Server) -> bool {
        let mut state = None;
        poll::until(START_LIMIT, || {
            state = self.running(server);
            state.as_ref().is_none_or(|state| state.is_ready)
        });
        state.is_some_and(|state| state.is_ready)
    }

    fn start_one(&self, server: &Server, owner: Option<i32>) -> Result<()> {
        let folder = self.folder.join(server.name);
        fs::create_dir_all(&folder).with_context(|| format!("create {}", folder.display()))?;
        let log = folder.join("supervisor.log");
        let output = File::create(&log).with_context(|| format!("create {}", log.display()))?;
        let mut command = Command::new(std::env::current_exe()?);
        command.args(["supervise", "--at"]).arg(&self.folder);
        if let Some(owner) = owner {
            command.arg("--owner").arg(owner.to_string());
        }
        let mut child = command
            .arg(server.name)
            .stdin(Stdio::null())
            .stdout(Stdio::null())
            .stderr(output)
            // A group of its own: a terminal's Ctrl-C reaches only us.
            .process_group(0)
            .spawn()
            .context("start the supervisor")?;
        let id = child.id() as i32;
        let mut is_over = false;
        let is_decided = poll::until(START_LIMIT, || {
            is_over = has_ended(&mut child);
            let state = State::read(&folder);
            is_over || state.is_some_and(|state| state.supervisor == id && state.is_ready)
        });
        if is_decided && !is_over {
            return Ok(());
        }
        let _ = child.kill();
        let _ = child.wait();
        bail!(
            "{} did not start:\n{}",
            server.name,
            self.last_words(server, LAST_WORDS)
                .unwrap_or_else(|error| format!("{error:#}"))
        )
    }

    /// Stops the named servers and what needs them; without a name all. `remove` deletes the folder too.
    pub fn stop(&self, names: &[String], remove: bool) -> Result<()> {
        for server in server::dependants(names)? {
            let Some(state) = self.running(server) else {
                continue;
            };
            let supervisor = Pid::from_raw(state.supervisor);
            // Its processes end with it.
            let first = if remove {
                Signal::SIGKILL
            } else {
                Signal::SIGTERM
            };
            let _ = kill(supervisor, first);
            if !poll::until(STOP_LIMIT, || !self.is_held(server)) {
                let _ = kill(supervisor, Signal::SIGKILL);
                bail!(
                    "{} did not stop within {} s; killed",
                    server.name,
                    STOP_LIMIT.as_secs()
                );
            }
        }
        if remove {
            // Killed processes may still write for a moment.
            let is_gone = poll::until(STOP_LIMIT, || {
                fs::remove_dir_all(&self.folder).is_ok() || !self.folder.exists()
            });
            if !is_gone {
                bail!("cannot remove {}", self.folder.display());
            }
        }
        Ok(())
    }

    /// A table of all servers and tools.
    pub fn status(&self, cache: &Cache) -> String {
        let mut text = format!("environment {}\n", self.folder.display());
        for server in server::ALL {
            let folder = cache.folder(server.name, server.version());
            let fetched = if folder.is_dir() {
                folder.display().to_string()
            } else {
                "not fetched".to_owned()
            };
            let running = self.running(server);
            let state = match (&running, server.launch) {
                (Some(state), _) if state.is_ready => "runs",
                (Some(_), _) => "starts",
                (None, Some(_)) => "stopped",
                (None, None) => "tool",
            };
            // Writing to a string cannot fail.
            let _ = writeln!(
                text,
                "{:<10} {:<8} {state:<8} {fetched}",
                server.name,
                server.version()
            );
            for (key, value) in running.map(|state| state.exports).unwrap_or_default() {
                let _ = writeln!(text, "{:<10} {key} = {value}", "");
            }
        }
        text
    }

    /// The last lines of the named servers' logs.
    pub fn logs(&self, names: &[String], lines: usize) -> Result<String> {
        names
            .iter()
            .map(|name| self.last_words(server::find(name)?, lines))
            .collect()
    }

    fn last_words(&self, server: &Server, lines: usize) -> Result<String> {
        let folder = self.folder.join(server.name);
        let mut logs: Vec<PathBuf> = fs::read_dir(&folder)
            .with_context(|| format!("{} was never started here", server.name))?
            .filter_map(|entry| Some(entry.ok()?.path()))
            .filter(|path| path.extension().is_some_and(|extension| extension == "log"))
            .collect();
        logs.sort();
        let mut text = String::new();
        for log in logs {
            let content = fs::read(&log).unwrap_or_default();
            let content = String::from_utf8_lossy(&content);
            let all: Vec<&str> = content.lines().collect();
            if all.is_empty() {
                continue;
            }
            let _ = writeln!(text, "== {}", log.display());
            for line in &all[all.len().saturating_sub(lines)..] {
                let _ = writeln!(text, "{line}");
            }
        }
        Ok(text)
    }
}

fn has_ended(child: &mut Child) -> bool {
    matches!(child.try_wait(), Ok(Some(_)) | Err(_))
}
