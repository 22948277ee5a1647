//! The part that needs root when the rest runs as an ordinary user: `sudo run-local guard ...`.
//!
//! It ends when its standard input ends, because an ordinary user's process may not signal it.

use std::io::Read;
use std::path::PathBuf;
use std::time::Duration;

use anyhow::Result;
use clap::Args;

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
            let _ = std::io::stdin().read_to_end(&mut Vec::new());
            let _ = sender.send(Event::Stop);
        })?;
    for program in privileged(&guard.environment, &guard.logs, guard.demo)? {
        supervisor.add(program)?;
    }
    supervisor.watch();
    supervisor.stop();
    Ok(())
}

/// The programs that need root: the agent, and the demo when it is asked for.
pub fn privileged(
    environment: &PathBuf,
    logs: &std::path::Path,
    demo: bool,
) -> Result<Vec<Program>> {
    let binaries = crate::binaries()?;
    let text = std::fs::read_to_string(environment)?;
    let variables = text
        .lines()
        .filter_map(|line| line.split_once('='))
        .map(|(name, value)| (name.to_owned(), value.to_owned()))
        .collect();
    let mut programs = vec![Program {
        name: "agent",
        path: binaries.join("netobserv-ebpf-agent"),
        arguments: Vec::new(),
        environment: variables,
        user: None,
        log: Some(logs.join("agent.log")),
        stops_on_end_of_input: false,
        grace: AGENT_GRACE,
    }];
    if demo {
        programs.insert(
            0,
            Program {
                name: "demo",
                path: binaries.join("run-local"),
                arguments: vec!["demo".to_owned()],
                environment: Vec::new(),
                user: None,
                log: Some(logs.join("demo.log")),
                stops_on_end_of_input: false,
                grace: DEMO_GRACE,
            },
        );
    }
    Ok(programs)
}
