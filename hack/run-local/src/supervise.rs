//! Starts programs, restarts those that die, and stops them in order.
//!
//! **Invariant:** a child is spawned by the thread that calls [`Supervisor::watch`], because the kernel ends it
//! (`PR_SET_PDEATHSIG`, by setpriv) when that very thread ends.

use std::io::{self, Write};
use std::os::unix::process::{CommandExt, ExitStatusExt};
use std::path::PathBuf;
use std::process::{Child, ChildStdin, Command, ExitStatus, Stdio};
use std::sync::mpsc::{Receiver, RecvTimeoutError, SyncSender, sync_channel};
use std::time::{Duration, Instant};

use anyhow::{Context, Result, bail};
use nix::errno::Errno;
use nix::sys::signal::{Signal, kill, killpg};
use nix::unistd::{Gid, Pid, Uid};

use crate::logs;

/// Events that wait for the supervisor; their senders wait when there are more.
const EVENTS_MAX: usize = 64;
const BACKOFF_MIN: Duration = Duration::from_millis(500);
const BACKOFF_MAX: Duration = Duration::from_secs(30);
/// How long we wait for the last words of a program that ended.
const LAST_WORDS_LIMIT: Duration = Duration::from_secs(2);
/// What asks a program to stop by its input.
const STOP: &[u8] = b"\n";
/// Time for a program that is hurried by its input to kill what it has started.
const HURRY_LIMIT: Duration = Duration::from_secs(5);
/// How often the watcher looks at what is no event, such as the room on the disk.
const LOOK_PERIOD: Duration = Duration::from_secs(5);
/// A program that lived this long starts again with the smallest backoff.
const STEADY_AFTER: Duration = Duration::from_mins(1);

pub struct Program {
    pub name: &'static str,
    pub path: PathBuf,
    pub arguments: Vec<String>,
    pub environment: Vec<(String, String)>,
    /// User to run as; `None` keeps ours.
    pub user: Option<(Uid, Gid)>,
    /// Log file; `None` lets it write to our own standard output and error.
    pub log: Option<PathBuf>,
    /// Whether it is stopped by its standard input (a program of another user takes no signal): a byte asks it to, the end
    /// of the input hurries it.
    pub stops_by_input: bool,
    /// Time to drain before it is killed.
    pub grace: Duration,
}

#[derive(Debug)]
pub enum Event {
    /// Somebody asked us to stop; a second one cuts the draining short.
    Stop,
    Exited {
        slot: usize,
        status: ExitStatus,
    },
}

struct Slot {
    program: Program,
    running: Option<Running>,
    backoff: Duration,
    restart_at: Option<Instant>,
}

struct Running {
    pid: Pid,
    since: Instant,
    input: Option<ChildStdin>,
    /// Disconnects when the log holds all that it said.
    log_written: Option<Receiver<()>>,
    /// Length of the log before it said anything.
    log_start: u64,
}

pub struct Supervisor {
    slots: Vec<Slot>,
    events: Receiver<Event>,
    sender: SyncSender<Event>,
}

impl Supervisor {
    pub fn new() -> Self {
        let (sender, events) = sync_channel(EVENTS_MAX);
        Self {
            slots: Vec::new(),
            events,
            sender,
        }
    }

    /// Where a signal handler or a watcher sends [`Event::Stop`].
    pub fn sender(&self) -> SyncSender<Event> {
        self.sender.clone()
    }

    /// Starts a program. Programs are stopped in the order in which they were added.
    pub fn add(&mut self, program: Program) -> Result<()> {
        self.slots.push(Slot {
            program,
            running: None,
            backoff: BACKOFF_MIN,
            restart_at: None,
        });
        self.spawn(self.slots.len() - 1)
    }

    fn spawn(&mut self, index: usize) -> Result<()> {
        let slot = &mut self.slots[index];
        let log = slot.program.log.as_deref();
        let log_start = log
            .and_then(|log| log.metadata().ok())
            .map_or(0, |log| log.len());
        let (child, input, log_written) = spawn(&slot.program)
            .with_context(|| format!("cannot start {}", slot.program.path.display()))?;
        slot.running = Some(Running {
            pid: Pid::from_raw(child.id() as i32),
            since: Instant::now(),
            input,
            log_written,
            log_start,
        });
        slot.restart_at = None;
        let sender = self.sender.clone();
        std::thread::Builder::new()
            .name(format!("wait {}", slot.program.name))
            .spawn(move || {
                let mut child = child;
                if let Ok(status) = child.wait() {
                    let _ = sender.send(Event::Exited {
                        slot: index,
                        status,
                    });
                }
            })?;
        Ok(())
    }

    /// Waits until every check of `pending` holds; `false` if somebody asked to stop before that. A program that ends
    /// meanwhile is an error with its last words.
    pub fn wait_ready(
        &mut self,
        mut pending: Vec<(&str, impl Fn() -> bool)>,
        limit: Duration,
    ) -> Result<bool> {
        let deadline = Instant::now() + limit;
        loop {
            pending.retain(|(_, is_ready)| !is_ready());
            if pending.is_empty() {
                return Ok(true);
            }
            if Instant::now() > deadline {
                let names: Vec<&str> = pending.iter().map(|(name, _)| *name).collect();
                bail!(
                    "not ready after {} s: {}; see the logs",
                    limit.as_secs(),
                    names.join(", ")
                );
            }
            match self.events.recv_timeout(Duration::from_millis(50)) {
                Err(RecvTimeoutError::Timeout) => {}
                Ok(Event::Stop) | Err(RecvTimeoutError::Disconnected) => return Ok(false),
                Ok(Event::Exited { slot, status }) => {
                    let slot = &mut self.slots[slot];
                    let running = slot.running.take();
                    let log_start = running.as_ref().map_or(0, |running| running.log_start);
                    if let Some(written) = running.and_then(|running| running.log_written) {
                        let _ = written.recv_timeout(LAST_WORDS_LIMIT);
                    }
                    let last = slot
                        .program
                        .log
                        .as_deref()
                        .map(|log| logs::last_words(log, log_start))
                        .unwrap_or_default();
                    let separator = if last.contains('\n') { '\n' } else { ' ' };
                    bail!(
                        "{} did not start ({}):{separator}{last}",
                        slot.program.name,
                        describe(status)
                    );
                }
            }
        }
    }

    /// Restarts what dies, until somebody asks to stop; calls `look` every now and then.
    pub fn watch(&mut self, mut look: impl FnMut()) {
        let mut look_at = Instant::now();
        loop {
            let now = Instant::now();
            if look_at <= now {
                look();
                look_at = now + LOOK_PERIOD;
            }
            let restarts = self.slots.iter().filter_map(|slot| slot.restart_at);
            let due = restarts.fold(look_at, Instant::min);
            match self.events.recv_timeout(due.saturating_duration_since(now)) {
                Ok(Event::Stop) | Err(RecvTimeoutError::Disconnected) => return,
                Ok(Event::Exited { slot, status }) => self.schedule_restart(slot, status),
                Err(RecvTimeoutError::Timeout) => self.restart_due(),
            }
        }
    }

    fn schedule_restart(&mut self, index: usize, status: ExitStatus) {
        let slot = &mut self.slots[index];
        let lived = slot
            .running
            .take()
            .map_or(Duration::ZERO, |running| running.since.elapsed());
        if lived > STEADY_AFTER {
            slot.backoff = BACKOFF_MIN;
        }
        slot.restart_at = Some(Instant::now() + slot.backoff);
        let log = slot
            .program
            .log
            .as_deref()
            .map(|log| format!("; log: {}", log.display()))
            .unwrap_or_default();
        crate::say!(
            "{} ended ({}); starting it again in {} s{log}",
            slot.program.name,
            describe(status),
            slot.backoff.as_secs_f32()
        );
        slot.backoff = (slot.backoff * 2).min(BACKOFF_MAX);
    }

    fn restart_due(&mut self) {
        let now = Instant::now();
        for index in 0..self.slots.len() {
            if self.slots[index].restart_at.is_some_and(|due| due <= now)
                && let Err(error) = self.spawn(index)
            {
                crate::say!("{error:#}");
                let slot = &mut self.slots[index];
                slot.restart_at = Some(now + slot.backoff);
                slot.backoff = (slot.backoff * 2).min(BACKOFF_MAX);
            }
        }
    }

    /// Stops all programs one after the other; returns a line for each that had to be killed, or could not be.
    pub fn stop(&mut self) -> Vec<String> {
        let mut lines = Vec::new();
        let mut is_hurried = false;
        for index in 0..self.slots.len() {
            self.slots[index].restart_at = None;
            let Some(running) = &mut self.slots[index].running else {
                continue;
            };
            if running
                .input
                .as_mut()
                .is_none_or(|input| input.write_all(STOP).is_err())
            {
                let _ = kill(running.pid, Signal::SIGTERM);
            }
            let hurry = match running.input {
                Some(_) => HURRY_LIMIT,
                None => Duration::ZERO,
            };
            let mut deadline = Instant::now() + self.slots[index].program.grace;
            let mut is_told = false;
            while let Some(running) = &mut self.slots[index].running {
                if is_hurried && !is_told {
                    is_told = true;
                    running.input = None;
                    deadline = deadline.min(Instant::now() + hurry);
                }
                match self
                    .events
                    .recv_timeout(deadline.saturating_duration_since(Instant::now()))
                {
                    Ok(Event::Stop) => is_hurried = true,
                    Ok(Event::Exited { slot, .. }) => self.slots[slot].running = None,
                    Err(_) => {
                        if let Some(running) = self.slots[index].running.take() {
                            let name = self.slots[index].program.name;
                            lines.push(match killpg(running.pid, Signal::SIGKILL) {
                                Err(Errno::EPERM) => format!(
                                    "{name} has not stopped yet and may not be killed from here; \
                                     if it stays: sudo kill {}",
                                    running.pid
                                ),
                                _ => format!("{name} was killed before it had stopped"),
                            });
                        }
                    }
                }
            }
        }
        lines
    }
}

fn spawn(program: &Program) -> Result<(Child, Option<ChildStdin>, Option<Receiver<()>>)> {
    if !program.path.is_file() {
        bail!("there is no such file; build it with: make build");
    }
    let mut command = Command::new("setpriv");
    command
        .args(["--pdeathsig", "TERM", "--"])
        .arg(&program.path)
        .args(&program.arguments)
        .envs(
            program
                .environment
                .iter()
                .map(|(name, value)| (name, value)),
        )
        .stdin(if program.stops_by_input {
            Stdio::piped()
        } else {
            Stdio::null()
        })
        // A group of its own: a terminal's Ctrl-C reaches only us.
        .process_group(0);
    if let Some((uid, gid)) = program.user {
        command.uid(uid.as_raw()).gid(gid.as_raw());
    }
    let mut log_written = None;
    if let Some(log) = &program.log {
        let (reader, writer) = io::pipe()?;
        command.stdout(writer.try_clone()?).stderr(writer);
        let receiver = logs::copy_in_background(reader, log.clone())
            .with_context(|| format!("cannot write {}", log.display()))?;
        log_written = Some(receiver);
    }
    let mut child = command.spawn()?;
    let input = child.stdin.take();
    Ok((child, input, log_written))
}

fn describe(status: ExitStatus) -> String {
    match (status.code(), status.signal()) {
        (Some(code), _) => format!("exit code {code}"),
        (None, Some(signal)) => format!("signal {signal}"),
        (None, None) => "unknown status".to_owned(),
    }
}

#[cfg(test)]
mod tests;
