//! One running product: run-local with its children, on a free port, in a folder of its own.

use std::fs::File;
use std::net::{Ipv4Addr, TcpStream};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, ExitStatus, Stdio};
use std::sync::atomic::{AtomicU16, Ordering};

use nix::sys::signal::{Signal, kill};
use nix::unistd::Pid;
use serde_json::Value;
use tempfile::TempDir;

use crate::{eventually, get, get_json, metric, process};

/// Lines of each log that a failed journey shows.
const LAST_LINES: usize = 15;

#[derive(Default)]
pub struct Options {
    pub demo: bool,
    /// `INTERFACES`; empty watches all.
    pub interfaces: String,
    /// `LISTEN`; empty means loopback.
    pub listen: String,
    /// `PORT`; `None` takes a free one.
    pub port: Option<u16>,
    /// `DATA`; `None` makes a folder that goes with the product.
    pub data: Option<PathBuf>,
}

pub struct Product {
    process: Child,
    port: u16,
    data: PathBuf,
    /// What run-local says; also the place of the data unless the journey has one of its own.
    folder: TempDir,
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

/// A command that runs for the one who runs the journey, also where that is root through sudo: the folders of a journey
/// are not the invoking user's.
pub fn command(program: &Path) -> Command {
    let mut command = Command::new(program);
    command.env("NETOBSERV_ROOT", repository());
    for name in ["SUDO_UID", "SUDO_GID", "SUDO_USER"] {
        command.env_remove(name);
    }
    command
}

/// A port that nobody listened on a moment ago; another one each time. Below those that the kernel gives to outgoing
/// connections, one of which could take it before the product does, and above those that other tests take.
pub fn free_port() -> u16 {
    static TRIED: AtomicU16 = AtomicU16::new(0);
    let first = 32_000 + (std::process::id() % 500) as u16;
    loop {
        let port = first + TRIED.fetch_add(1, Ordering::Relaxed) % 200;
        // Not by listening: a process that another thread starts just then would listen on, for a moment.
        if TcpStream::connect((Ipv4Addr::LOCALHOST, port)).is_err() {
            return port;
        }
    }
}

impl Product {
    /// Starts it and waits until the page's API answers.
    pub fn start(options: &Options) -> Self {
        let mut product = Self::spawn(options);
        eventually("the API answers", || {
            assert!(!product.has_ended(), "run-local ended early");
            get_json(&product.url("/api/status"))
        });
        product
    }

    /// Starts it and waits for nothing.
    pub fn spawn(options: &Options) -> Self {
        let port = options.port.unwrap_or_else(free_port);
        let folder = tempfile::tempdir().expect("a folder for data");
        let data = options
            .data
            .clone()
            .unwrap_or_else(|| folder.path().join("data"));
        let terminal = File::create(terminal(&folder)).expect("a file for what run-local says");
        // It ends with us, however we end: left alone it would keep its ports and the demo's namespaces.
        let process = command(Path::new("setpriv"))
            .args(["--pdeathsig", "TERM", "--"])
            .arg(binary("run-local"))
            .env("PORT", port.to_string())
            .env("DATA", &data)
            .env("DEMO", if options.demo { "1" } else { "0" })
            .env("INTERFACES", &options.interfaces)
            .env("LISTEN", &options.listen)
            .stdin(Stdio::null())
            .stdout(terminal.try_clone().expect("a second handle"))
            .stderr(terminal)
            .spawn()
            .expect("util-linux is installed");
        Self {
            process,
            port,
            data,
            folder,
        }
    }

    pub fn url(&self, path: &str) -> String {
        format!("http://127.0.0.1:{}{path}", self.port)
    }

    pub fn data(&self) -> &Path {
        &self.data
    }

    pub fn pid(&self) -> Pid {
        Pid::from_raw(self.process.id().cast_signed())
    }

    pub fn has_ended(&mut self) -> bool {
        !matches!(self.process.try_wait(), Ok(None))
    }

    /// The process of one of its programs, by its binary's name.
    pub fn program(&self, binary: &str) -> Option<Pid> {
        process::child_of(self.pid(), binary)
    }

    /// Everything that run-local has said so far.
    pub fn terminal(&self) -> String {
        std::fs::read_to_string(terminal(&self.folder)).unwrap_or_default()
    }

    /// Port of a program's `/live` and `/ready`, as run-local wrote it into the configuration.
    pub fn health_port(&self, binary: &str) -> u16 {
        self.read_port(binary, false)
    }

    /// Port of a program's `/metrics`, as run-local wrote it into the configuration.
    pub fn metrics_port(&self, binary: &str) -> u16 {
        self.read_port(binary, true)
    }

    fn read_port(&self, binary: &str, is_metrics: bool) -> u16 {
        let read = |name: &str| std::fs::read_to_string(self.data.join("run").join(name)).unwrap();
        let json = |text: &str| -> Value { serde_json::from_str(text).unwrap() };
        let port = match binary {
            "netobserv-ebpf-agent" => {
                let text = read("agent.env");
                let line = text
                    .lines()
                    .find_map(|line| line.strip_prefix("METRICS_SERVER_PORT="));
                return line.unwrap().parse().unwrap();
            }
            "flowlogs-pipeline" if is_metrics => {
                json(&read("pipeline.json"))["metricsSettings"]["port"].clone()
            }
            "flowlogs-pipeline" => {
                let file = json(&read("pipeline.json"));
                let address = file["healthAddr"].as_str().unwrap();
                return address.rsplit_once(':').unwrap().1.parse().unwrap();
            }
            "plugin-backend" => {
                let text = read("console.yaml");
                let server = text.lines().find_map(|line| line.strip_prefix("server: "));
                json(server.unwrap())["metricsPort"].clone()
            }
            other => panic!("{other} is none of the product's programs"),
        };
        u16::try_from(port.as_u64().unwrap()).unwrap()
    }

    /// Sum of a whole-numbered metric of one program over its labels; `None` while the program does not answer, or where
    /// it has no such metric. After the name may follow the first label: `flows_total{source="grpc"`.
    pub fn metric(&self, binary: &str, name: &str) -> Option<u64> {
        let port = self.metrics_port(binary);
        let (_, text) = get(&format!("http://127.0.0.1:{port}/metrics"))?;
        metric::sum(&text, name)
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

    /// End of the newest flow of the last five minutes.
    pub fn newest_ms(&self) -> Option<u64> {
        let times = self.records("")?;
        let times = times.iter().filter_map(|row| row["TimeFlowEndMs"].as_u64());
        times.max()
    }

    /// Asks it to stop, as Ctrl-C does.
    pub fn interrupt(&self) {
        kill(self.pid(), Signal::SIGINT).unwrap();
    }

    /// Asks it to stop, as Ctrl-C does, and waits for the end.
    pub fn stop(&mut self) -> ExitStatus {
        self.interrupt();
        self.wait()
    }

    /// Waits for its end.
    pub fn wait(&mut self) -> ExitStatus {
        eventually("run-local ends", || self.process.try_wait().unwrap())
    }

    /// Kills run-local itself, as the kernel's out-of-memory killer would.
    pub fn kill(&mut self) {
        kill(self.pid(), Signal::SIGKILL).unwrap();
        self.process.wait().unwrap();
    }

    /// What run-local and its programs said last, for whoever has to find out why a journey failed.
    fn tell(&self) {
        eprintln!("run-local said:\n{}", self.terminal());
        for entry in std::fs::read_dir(self.data.join("logs"))
            .into_iter()
            .flatten()
            .flatten()
        {
            let text = std::fs::read_to_string(entry.path()).unwrap_or_default();
            let lines: Vec<&str> = text.lines().collect();
            let last = lines[lines.len().saturating_sub(LAST_LINES)..].join("\n");
            eprintln!("end of {}:\n{last}", entry.path().display());
        }
    }
}

impl Drop for Product {
    fn drop(&mut self) {
        if std::thread::panicking() {
            self.tell();
        }
        if !self.has_ended() {
            let _ = kill(self.pid(), Signal::SIGTERM);
            let _ = self.process.wait();
        }
    }
}

fn terminal(folder: &TempDir) -> PathBuf {
    folder.path().join("terminal")
}
