//! The manager as a process, as a cluster runs it.

use std::fs::File;
use std::io::{Read as _, Write as _};
use std::net::{IpAddr, Ipv4Addr, SocketAddr, TcpStream};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::sync::atomic::{AtomicU16, Ordering};

use super::wait::eventually;

pub struct Manager {
    child: Child,
    log: PathBuf,
    metrics_port: u16,
}

impl Manager {
    /// Starts it without webhooks and waits until it is ready.
    pub async fn start(kubeconfig: &Path) -> Self {
        Self::start_with(kubeconfig, &["--webhook-bind-address=0".to_owned()]).await
    }

    /// Starts it with webhooks that the API server reaches on this machine.
    pub async fn start_with_webhooks(kubeconfig: &Path) -> Self {
        Self::start_with(kubeconfig, &reached_here(kubeconfig)).await
    }

    /// Starts it as its Deployment does: with webhooks, and working only while it leads.
    pub async fn start_as_shipped(kubeconfig: &Path) -> Self {
        let mut arguments = reached_here(kubeconfig).to_vec();
        arguments.push("--leader-elect".to_owned());
        Self::start_with(kubeconfig, &arguments).await
    }

    /// Starts it as its Deployment does, with webhooks that the API server reaches by their Service alone. Gives their
    /// port on `address`, which the Service must lead to.
    pub async fn start_behind_service(kubeconfig: &Path, address: IpAddr) -> (Self, u16) {
        let port = free_port();
        let no_files = kubeconfig.with_file_name("no-certificates");
        let arguments = [
            format!(
                "--webhook-bind-address={}",
                SocketAddr::from((address, port))
            ),
            format!("--webhook-cert-dir={}", no_files.display()),
            "--leader-elect".to_owned(),
        ];
        (Self::start_with(kubeconfig, &arguments).await, port)
    }

    /// Starts one of several, of which one leads; without webhooks.
    pub async fn start_candidate(kubeconfig: &Path) -> Self {
        let arguments = ["--webhook-bind-address=0", "--leader-elect"].map(str::to_owned);
        Self::start_with(kubeconfig, &arguments).await
    }

    /// Asks it to end, as a cluster does, and waits for its exit code.
    pub fn stop(mut self) -> Option<i32> {
        let id = self.child.id().to_string();
        Command::new("kill")
            .args(["-TERM", &id])
            .status()
            .expect("kill can be run");
        self.child.wait().expect("the manager ends").code()
    }

    async fn start_with(kubeconfig: &Path, arguments: &[String]) -> Self {
        let folder = kubeconfig.parent().expect("a folder");
        let log = folder.join("manager.log");
        let output = File::options()
            .create(true)
            .append(true)
            .open(&log)
            .expect("a log");
        let (health_port, metrics_port) = (free_port(), free_port());
        let child = Command::new(env!("CARGO_BIN_EXE_manager"))
            .env("KUBECONFIG", kubeconfig)
            .arg(format!(
                "--health-probe-bind-address=127.0.0.1:{health_port}"
            ))
            .arg(format!("--metrics-bind-address=127.0.0.1:{metrics_port}"))
            .arg("--zap-log-level=debug")
            .args(arguments)
            .stdin(Stdio::null())
            .stdout(Stdio::null())
            .stderr(output)
            .spawn()
            .expect("the manager starts");
        let manager = Self {
            child,
            log,
            metrics_port,
        };
        eventually("the manager is ready", async || {
            let answer = get(health_port, "/readyz").map_err(|error| error.to_string())?;
            answer
                .contains("200 OK")
                .then_some(())
                .ok_or_else(|| manager.log())
        })
        .await;
        manager
    }

    /// Memory that it holds, as the kernel counts it.
    pub fn resident_mib(&self) -> f64 {
        let status = std::fs::read_to_string(format!("/proc/{}/status", self.child.id()));
        let status = status.unwrap_or_default();
        let line = status.lines().find_map(|line| line.strip_prefix("VmRSS:"));
        let kib = line.and_then(|line| line.trim().trim_end_matches("kB").trim().parse().ok());
        kib.unwrap_or(f64::NAN) / 1024.0
    }

    /// Runs of the reconciler until now.
    pub fn runs(&self) -> u64 {
        let metrics = get(self.metrics_port, "/metrics").unwrap_or_default();
        metrics
            .lines()
            .filter(|line| line.starts_with("controller_runtime_reconcile_total"))
            .filter_map(|line| line.rsplit(' ').next()?.parse::<u64>().ok())
            .sum()
    }

    /// Waits until there were more runs than that.
    pub async fn runs_beyond(&self, before: u64) {
        eventually("one more run", async || {
            let runs = self.runs();
            (runs > before)
                .then_some(())
                .ok_or_else(|| format!("{runs} runs"))
        })
        .await;
    }

    /// What it said.
    pub fn log(&self) -> String {
        std::fs::read_to_string(&self.log).unwrap_or_default()
    }
}

impl Drop for Manager {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
        if std::thread::panicking() {
            eprintln!("== the manager said\n{}", self.log());
        }
    }
}

/// Webhooks on this machine, with a certificate of the manager's own.
fn reached_here(kubeconfig: &Path) -> [String; 3] {
    let address = format!("127.0.0.1:{}", free_port());
    let no_files = kubeconfig.with_file_name("no-certificates");
    [
        format!("--webhook-bind-address={address}"),
        format!("--webhook-url=https://{address}"),
        format!("--webhook-cert-dir={}", no_files.display()),
    ]
}

fn get(port: u16, path: &str) -> std::io::Result<String> {
    let mut stream = TcpStream::connect((Ipv4Addr::LOCALHOST, port))?;
    stream.write_all(
        format!("GET {path} HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n").as_bytes(),
    )?;
    let mut answer = String::new();
    stream.read_to_string(&mut answer)?;
    Ok(answer)
}

/// A port that nobody listens on; another one each time. Below those that the kernel gives to outgoing connections, one
/// of which could take it before the manager does, and below those of testenv's servers.
pub fn free_port() -> u16 {
    static TRIED: AtomicU16 = AtomicU16::new(0);
    let first = 10_000 + (std::process::id() % 2_000) as u16;
    loop {
        let port = first + TRIED.fetch_add(1, Ordering::Relaxed) % 2_000;
        // Not by listening: a process that another thread starts just then would listen on, for a moment.
        if TcpStream::connect((Ipv4Addr::LOCALHOST, port)).is_err() {
            return port;
        }
    }
}
