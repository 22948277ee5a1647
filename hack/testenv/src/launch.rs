//! Starting the processes of one server, in its supervisor.
//!
//! **Invariant:** the kernel kills a process started here when the supervisor ends, however it ends
//! (`PR_SET_PDEATHSIG`, by setpriv), so it must be started by the supervisor's main thread.

use std::collections::BTreeMap;
use std::fs::{self, File};
use std::net::{Ipv4Addr, TcpStream};
use std::os::linux::net::SocketAddrExt as _;
use std::os::unix::net::{SocketAddr, UnixListener};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::time::Duration;

use anyhow::{Context, Result, bail};
use nix::sys::signal::{Signal, kill};
use nix::unistd::Pid;
use signal_hook::iterator::Signals;

use crate::cache::Cache;
use crate::environment::State;
use crate::poll;
use crate::server;

/// Time a process gets to end after SIGTERM.
const GRACE: Duration = Duration::from_secs(10);
/// Ports are taken from below the kernel's range for outgoing connections, so that none of these takes one first, and from
/// where no test chooses one by itself.
const PORTS: std::ops::Range<u16> = 14_000..20_000;

/// What a server can be reached by: names and values.
pub type Exports = BTreeMap<String, String>;

struct Running {
    name: String,
    child: Child,
}

/// What a server's `launch` works with.
pub struct Launch<'a> {
    cache: &'a Cache,
    environment: &'a Path,
    server: &'static server::Server,
    signals: &'a mut Signals,
    ports: BTreeMap<String, u16>,
    taken: Vec<UnixListener>,
    running: Vec<Running>,
}

impl<'a> Launch<'a> {
    /// `ports` are those of an earlier start, to be kept where they are still free.
    pub fn new(
        cache: &'a Cache,
        environment: &'a Path,
        server: &'static server::Server,
        signals: &'a mut Signals,
        ports: BTreeMap<String, u16>,
    ) -> Self {
        Self {
            cache,
            environment,
            server,
            signals,
            ports,
            taken: Vec::new(),
            running: Vec::new(),
        }
    }

    /// The server's own folder: data, keys, logs.
    pub fn folder(&self) -> PathBuf {
        self.environment.join(self.server.name)
    }

    /// Path of a fetched program or file of this server or of one that it needs.
    pub fn program(&self, server: &str, program: &str) -> Result<PathBuf> {
        let server = server::find(server)?;
        let path = self
            .cache
            .folder(server.name, server.version())
            .join(program);
        if !path.is_file() {
            bail!(
                "{} is missing; run: testenv fetch {}",
                path.display(),
                server.name
            );
        }
        Ok(path)
    }

    /// What a running server that this one needs is reached by.
    pub fn export(&self, server: &str, key: &str) -> Result<String> {
        State::read(&self.environment.join(server))
            .and_then(|state| state.exports.get(key).cloned())
            .with_context(|| format!("{server} does not run or has no {key}"))
    }

    /// A port of this server, by its purpose: the same as last time if it is free, else a free one.
    pub fn port(&mut self, purpose: &str) -> Result<u16> {
        if let Some(port) = self.ports.get(purpose).copied()
            && let Some(taken) = take(port)
        {
            self.taken.push(taken);
            return Ok(port);
        }
        let others: Vec<u16> = self.ports.values().copied().collect();
        let (port, taken) = std::iter::repeat_with(|| fastrand::u16(PORTS))
            .take(1000)
            .filter(|port| !others.contains(port))
            .find_map(|port| Some((port, take(port)?)))
            .context("there is no free TCP port on 127.0.0.1")?;
        self.taken.push(taken);
        self.ports.insert(purpose.to_owned(), port);
        Ok(port)
    }

    /// The ports that were given.
    pub fn ports(&self) -> BTreeMap<String, u16> {
        self.ports.clone()
    }

    /// Starts a process; its output goes to `NAME.log` in the server's folder.
    pub fn start(&mut self, name: &str, program: &Path, arguments: &[String]) -> Result<()> {
        let log = self.folder().join(format!("{name}.log"));
        let output = File::options()
            .create(true)
            .append(true)
            .open(&log)
            .with_context(|| format!("open {}", log.display()))?;
        let child = Command::new("setpriv")
            .args(["--pdeathsig", "KILL", "--"])
            .arg(program)
            .args(arguments)
            .current_dir(self.folder())
            .stdin(Stdio::null())
            .stdout(output.try_clone()?)
            .stderr(output)
            .spawn()
            .with_context(|| format!("start {}", program.display()))?;
        self.running.push(Running {
            name: name.to_owned(),
            child,
        });
        Ok(())
    }

    /// Asks until it holds. An error when a process ends meanwhile, or when we shall stop.
    pub fn until(&mut self, what: &str, limit: Duration, holds: impl Fn() -> bool) -> Result<()> {
        let mut failure = None;
        let in_time = poll::until(limit, || {
            failure = self.failure();
            failure.is_some() || holds()
        });
        if let Some(failure) = failure {
            bail!("{failure} while waiting for {what}");
        }
        if !in_time {
            bail!("{what}: not after {} s", limit.as_secs());
        }
        Ok(())
    }

    /// Holds the processes until a signal or the end of one of them, which is the error.
    pub fn hold(&mut self) -> Result<()> {
        loop {
            if let Some(failure) = self.ended() {
                bail!("{failure}");
            }
            let mut arrived = self.signals.wait();
            if arrived.any(|signal| signal != signal_hook::consts::SIGCHLD) {
                return Ok(());
            }
        }
    }

    fn failure(&mut self) -> Option<String> {
        let mut pending = self.signals.pending();
        if pending.any(|signal| signal != signal_hook::consts::SIGCHLD) {
            return Some("stopped".to_owned());
        }
        self.ended()
    }

    fn ended(&mut self) -> Option<String> {
        self.running.iter_mut().find_map(|running| {
            let status = running.child.try_wait().ok()??;
            Some(format!("{} ended ({status})", running.name))
        })
    }

    /// Stops the processes, the last one first.
    pub fn stop(&mut self) {
        for mut running in std::mem::take(&mut self.running).into_iter().rev() {
            let _ = kill(Pid::from_raw(running.child.id() as i32), Signal::SIGTERM);
            let mut has_ended = || matches!(running.child.try_wait(), Ok(Some(_)) | Err(_));
            if !poll::until(GRACE, &mut has_ended) {
                say!("testenv: {} did not end in time; killed", running.name);
                let _ = running.child.kill();
                let _ = running.child.wait();
            }
        }
    }
}

/// Takes a free port. A server listens on its port seconds after the port was chosen: until then a name of the machine
/// tells other supervisors that it is taken, and goes with us.
fn take(port: u16) -> Option<UnixListener> {
    let name = SocketAddr::from_abstract_name(format!("netobserv-testenv-{port}")).ok()?;
    let taken = UnixListener::bind_addr(&name).ok()?;
    TcpStream::connect((Ipv4Addr::LOCALHOST, port))
        .is_err()
        .then_some(taken)
}

/// Writes a file that only we may read: keys and tokens are in it.
pub fn write_private(path: &Path, text: &str) -> Result<()> {
    use std::os::unix::fs::PermissionsExt as _;
    fs::write(path, text).with_context(|| format!("write {}", path.display()))?;
    fs::set_permissions(path, fs::Permissions::from_mode(0o600))
        .with_context(|| format!("write {}", path.display()))
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, reason = "tests")]
    use super::*;

    #[test]
    fn a_port_that_is_taken_and_not_yet_listened_on_is_not_taken_again() {
        let (port, taken) = PORTS
            .into_iter()
            .find_map(|port| Some((port, take(port)?)))
            .unwrap();
        assert!(take(port).is_none());
        drop(taken);
        assert!(take(port).is_some());
    }
}
