//! The part that needs root when the rest runs as an ordinary user: `sudo run-local guard ...`.
//!
//! It is stopped by its standard input, because an ordinary user's process may not signal it: a byte asks it to stop, and
//! the end of the input after that cuts the draining short. An end alone, as when that process is killed, asks too.

use std::io::Read;
use std::path::{Path, PathBuf};
use std::time::Duration;

use anyhow::{Context, Result};
use clap::Args;

use crate::health;
use crate::run::READY_LIMIT;
use crate::supervise::{Event, Program, Supervisor};

/// Time the agent gets to evict and send what it holds.
pub const AGENT_GRACE: Duration = Duration::from_secs(15);
const DEMO_GRACE: Duration = Duration::from_secs(5);

#[derive(Args)]
pub struct Guard {
    /// File with the agent's environment, NAME=VALUE a line.
    #[arg(long)]
    environment: PathBuf,
    /// Folder for the logs.
    #[arg(long)]
    logs: PathBuf,
    /// Make demo traffic too.
    #[arg(long)]
    demo: bool,
}

pub fn run(guard: &Guard) -> Result<()> {
    let mut supervisor = Supervisor::new();
    let sender = supervisor.sender();
    std::thread::Builder::new()
        .name("input".to_owned())
        .spawn(move || {
            let mut input = std::io::stdin();
            if matches!(input.read(&mut [0]), Ok(1)) {
                let _ = sender.send(Event::Stop);
                let _ = input.read_to_end(&mut Vec::new());
            }
            let _ = sender.send(Event::Stop);
        })?;
    let variables = read_environment(&guard.environment)?;
    let health = health_port(&variables);
    for program in privileged(variables, &guard.logs, guard.demo)? {
        supervisor.add(program)?;
    }
    // An agent that cannot start must be an end, not a restart for ever, so that run-local hears of it.
    let is_ready = move || health.is_some_and(health::is_ready);
    let result = supervisor.wait_ready(vec![("agent", is_ready)], READY_LIMIT);
    if matches!(result, Ok(true)) {
        supervisor.watch(|| {});
    }
    supervisor.stop();
    result.map(drop)
}

/// The agent's variables, NAME=VALUE a line.
pub fn read_environment(file: &Path) -> Result<Vec<(String, String)>> {
    let text =
        std::fs::read_to_string(file).with_context(|| format!("cannot read {}", file.display()))?;
    let pairs = text.lines().filter_map(|line| line.split_once('='));
    Ok(pairs
        .map(|(name, value)| (name.to_owned(), value.to_owned()))
        .collect())
}

fn health_port(variables: &[(String, String)]) -> Option<u16> {
    let (_, port) = variables
        .iter()
        .find(|(name, _)| name == "METRICS_SERVER_PORT")?;
    port.parse().ok()
}

/// The programs that need root: the agent, and the demo when it is asked for.
pub fn privileged(
    variables: Vec<(String, String)>,
    logs: &Path,
    demo: bool,
) -> Result<Vec<Program>> {
    let binaries = crate::binaries()?;
    let mut demo_arguments = vec!["demo".to_owned()];
    demo_arguments.extend(health_port(&variables).map(|port| format!("--agent={port}")));
    let mut programs = vec![Program {
        name: "agent",
        path: binaries.join("netobserv-ebpf-agent"),
        arguments: Vec::new(),
        environment: variables,
        user: None,
        log: Some(logs.join("agent.log")),
        stops_by_input: false,
        grace: AGENT_GRACE,
    }];
    if demo {
        programs.insert(
            0,
            Program {
                name: "demo",
                path: binaries.join("run-local"),
                arguments: demo_arguments,
                environment: Vec::new(),
                user: None,
                log: Some(logs.join("demo.log")),
                stops_by_input: false,
                grace: DEMO_GRACE,
            },
        );
    }
    Ok(programs)
}
