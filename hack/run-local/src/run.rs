//! The default command: start everything, print where the page is, watch, stop.

use std::net::{Ipv4Addr, SocketAddr};
use std::path::Path;
use std::time::Duration;

use anyhow::{Context, Result};
use nix::unistd::Uid;
use signal_hook::consts::{SIGHUP, SIGINT, SIGQUIT, SIGTERM};
use signal_hook::iterator::Signals;

use crate::disk::Disk;
use crate::settings::{Owner, Settings};
use crate::supervise::{Event, Program, Supervisor};
use crate::{config, demo, guard, health, interfaces, ports, preflight, turn};

/// A store with many files on a slow disk takes its time.
pub const READY_LIMIT: Duration = Duration::from_mins(2);
/// What asks to stop. A terminal sends the last one for Ctrl-\; without us the programs would go on for a while.
const STOPPING: [i32; 4] = [SIGINT, SIGTERM, SIGHUP, SIGQUIT];
const PIPELINE_GRACE: Duration = config::PIPELINE_DRAIN.saturating_add(Duration::from_secs(6));
const CONSOLE_GRACE: Duration = Duration::from_secs(20);

/// What a start checks before it changes anything; also run before the build, which takes minutes.
pub fn check(settings: &Settings) -> Result<()> {
    preflight::check(settings, &Owner::detect()?)
}

pub fn run(settings: &Settings) -> Result<()> {
    let owner = Owner::detect()?;
    preflight::check_tree(&settings.root)?;
    preflight::check(settings, &owner)?;
    let turn = turn::take(READY_LIMIT)?;
    // Who had the turn before may have taken it meanwhile.
    ports::check_page(settings.listen, settings.port, &owner)?;
    let (data, _lock) = preflight::claim(settings, &owner)?;
    let ports = ports::Ports::choose(settings.port)?;
    let files = config::write(settings, ports, &data, &owner)?;

    if settings.demo && demo::is_made_already() {
        crate::say!(
            "another instance makes demo traffic already, which is seen here too; this one's begins when that ends"
        );
    }
    let mut supervisor = Supervisor::new();
    watch_signals(&supervisor)?;
    let result = start(&mut supervisor, settings, &owner, &data, ports, &files);
    drop(turn);
    if matches!(result, Ok(true)) {
        let present = interfaces::present().unwrap_or_default();
        if let Some(warning) = settings.interfaces.warning(&present) {
            crate::say!("{warning}");
        }
        crate::say!(
            "flows of this host: http://{}  (Ctrl-C stops; data and logs in {})",
            page(settings),
            data.display()
        );
        if let Some(warning) = exposure(settings) {
            crate::say!("{warning}");
        }
        let mut disk = Disk::new(&data);
        supervisor.watch(|| disk.look());
    }
    if result.is_ok() {
        crate::say!("stopping");
    }
    for line in supervisor.stop() {
        crate::say!("{line}");
    }
    result.map(drop)
}

/// Starts all programs and waits until they are ready; `false` if somebody asked to stop meanwhile.
fn start(
    supervisor: &mut Supervisor,
    settings: &Settings,
    owner: &Owner,
    data: &Path,
    ports: ports::Ports,
    files: &config::Files,
) -> Result<bool> {
    let binaries = crate::binaries()?;
    let logs = data.join("logs");
    let privileged = if Uid::effective().is_root() {
        let variables = guard::read_environment(&files.agent)?;
        guard::privileged(variables, &logs, settings.demo)?
    } else {
        vec![through_sudo(&binaries, files, &logs, settings.demo)]
    };
    let user = Uid::effective().is_root().then_some((owner.uid, owner.gid));
    let program = |name, binary: &str, arguments: Vec<String>, grace| Program {
        name,
        path: binaries.join(binary),
        arguments,
        environment: vec![("HOME".to_owned(), owner.home.display().to_string())],
        user,
        log: Some(logs.join(format!("{name}.log"))),
        stops_by_input: false,
        grace,
    };
    // Stopped in this order: what makes flows, what moves them, what keeps them.
    for program in privileged {
        supervisor.add(program)?;
    }
    supervisor.add(program(
        "pipeline",
        "flowlogs-pipeline",
        vec![format!("--config={}", files.pipeline.display())],
        PIPELINE_GRACE,
    ))?;
    supervisor.add(program(
        "console",
        "plugin-backend",
        vec![format!("-config={}", files.console.display())],
        CONSOLE_GRACE,
    ))?;
    let check = |port: u16| move || health::is_ready(port);
    supervisor.wait_ready(
        vec![
            ("agent", check(ports.agent_metrics)),
            ("pipeline", check(ports.pipeline_health)),
            ("console", check(ports.console_metrics)),
        ],
        READY_LIMIT,
    )
}

fn through_sudo(binaries: &Path, files: &config::Files, logs: &Path, demo: bool) -> Program {
    let mut arguments = vec![
        binaries.join("run-local").display().to_string(),
        "guard".to_owned(),
        format!("--environment={}", files.agent.display()),
        format!("--logs={}", logs.display()),
    ];
    if demo {
        arguments.push("--demo".to_owned());
    }
    Program {
        name: "agent (through sudo)",
        path: "/usr/bin/sudo".into(),
        arguments,
        environment: Vec::new(),
        user: None,
        log: Some(logs.join("guard.log")),
        stops_by_input: true,
        grace: guard::AGENT_GRACE + Duration::from_secs(5),
    }
}

fn watch_signals(supervisor: &Supervisor) -> Result<()> {
    let mut signals = Signals::new(STOPPING).context("cannot watch signals")?;
    let sender = supervisor.sender();
    std::thread::Builder::new()
        .name("signals".to_owned())
        .spawn(move || {
            for _ in signals.forever() {
                let _ = sender.send(Event::Stop);
            }
        })?;
    Ok(())
}

/// Address to type into a browser.
fn page(settings: &Settings) -> SocketAddr {
    let ip = if settings.listen.is_unspecified() {
        Ipv4Addr::LOCALHOST.into()
    } else {
        settings.listen
    };
    SocketAddr::new(ip, settings.port)
}

/// What it means that others can reach the page, if they can.
fn exposure(settings: &Settings) -> Option<String> {
    let address = match settings.listen {
        ip if ip.is_loopback() => return None,
        ip if ip.is_unspecified() => {
            format!("port {} of every address of this host", settings.port)
        }
        _ => page(settings).to_string(),
    };
    Some(format!(
        "whoever reaches {address} can see the flows: there is no password; LISTEN=127.0.0.1 keeps the page to this host"
    ))
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, reason = "tests")]
    use nix::sys::signal::{Signal, raise};

    use super::*;

    #[test]
    fn a_page_that_others_can_reach_is_said_to_be_open() {
        for (listen, expected) in [
            ("127.0.0.1", None),
            ("::1", None),
            ("0.0.0.0", Some("port 9001 of every address of this host")),
            ("192.0.2.1", Some("192.0.2.1:9001")),
        ] {
            let variable = |name: &str| (name == "LISTEN").then(|| listen.to_owned());
            let settings = Settings::read(variable).ok().unwrap();
            let warning = exposure(&settings);
            assert_eq!(warning.is_some(), expected.is_some(), "{listen}");
            assert!(
                warning
                    .unwrap_or_default()
                    .contains(expected.unwrap_or_default())
            );
        }
    }

    #[test]
    fn each_signal_that_ends_a_program_in_a_terminal_is_a_stop() {
        for signal in [
            Signal::SIGINT,
            Signal::SIGTERM,
            Signal::SIGHUP,
            Signal::SIGQUIT,
        ] {
            let mut supervisor = Supervisor::new();
            watch_signals(&supervisor).unwrap();
            raise(signal).unwrap();
            supervisor.watch(|| {});
            assert!(supervisor.stop().is_empty(), "{signal}");
        }
    }
}
