//! Servers that are Go modules: built by the machine's Go, with the versions and checksums of `modules/`.

use std::path::Path;
use std::process::{Command, Stdio};
use std::sync::mpsc::{RecvTimeoutError, sync_channel};
use std::time::{Duration, Instant};

use anyhow::{Context, Result, bail};

use crate::cache::Cache;

/// How often a build that takes long says that it goes on.
const PROGRESS: Duration = Duration::from_secs(30);

/// Programs of one module.
pub struct Module {
    /// Folder in `modules/` with `go.mod` and `go.sum`.
    pub folder: &'static str,
    /// Each program's name and the import path of its main package.
    pub programs: &'static [(&'static str, &'static str)],
    /// Linker flags beside those that strip symbols: versions to stamp.
    pub stamp: String,
    /// Path of a module, and files of it that are wanted beside the programs.
    pub files: Option<(&'static str, &'static [&'static str])>,
    /// What a first build takes on a small machine, for the reader.
    pub takes: &'static str,
}

/// Builds `module` into the cache folder of `name` unless it is there.
pub fn fetch(cache: &Cache, name: &str, version: &str, module: &Module) -> Result<()> {
    cache
        .fetch(name, version, |folder| build(name, version, module, folder))
        .map(|_| ())
}

fn build(name: &str, version: &str, module: &Module, folder: &Path) -> Result<()> {
    let source = Path::new(env!("CARGO_MANIFEST_DIR"))
        .join("modules")
        .join(module.folder);
    say!(
        "testenv: building {name} {version} (first time only, about {})",
        module.takes
    );
    for (program, package) in module.programs {
        let mut command = Command::new("go");
        command
            .current_dir(&source)
            .args(["build", "-mod=readonly", "-trimpath", "-ldflags"])
            .arg(format!("-s -w {}", module.stamp))
            .arg("-o")
            .arg(folder.join(program))
            .arg(package)
            .env("CGO_ENABLED", "0")
            .stdin(Stdio::null())
            .stdout(Stdio::null());
        run(program, command)?;
    }
    if let Some((path, files)) = module.files {
        copy(&source, path, files, folder)?;
    }
    Ok(())
}

/// Copies files out of a module that Go has downloaded, under their own names.
fn copy(source: &Path, module: &str, files: &[&str], folder: &Path) -> Result<()> {
    let output = Command::new("go")
        .current_dir(source)
        .args(["list", "-mod=readonly", "-m", "-f", "{{.Dir}}", module])
        .output()
        .context("ask go where it keeps modules")?;
    let place = String::from_utf8_lossy(&output.stdout).trim().to_owned();
    if place.is_empty() {
        bail!("go does not say where it keeps {module}");
    }
    for file in files {
        let from = Path::new(&place).join(file);
        let name = from.file_name().context("a file has a name")?;
        std::fs::copy(&from, folder.join(name))
            .with_context(|| format!("copy {}", from.display()))?;
    }
    Ok(())
}

fn run(program: &str, mut command: Command) -> Result<()> {
    let started = Instant::now();
    let mut child = command.spawn().context(
        "cannot run go, which builds the servers that the tests use; install Go 1.26 or later",
    )?;
    let (sender, ended) = sync_channel(1);
    std::thread::Builder::new()
        .name(format!("build {program}"))
        .spawn(move || sender.send(child.wait()))?;
    let status = loop {
        match ended.recv_timeout(PROGRESS) {
            Ok(status) => break status?,
            Err(RecvTimeoutError::Timeout) => {
                say!(
                    "testenv: still building {program} ({} s)",
                    started.elapsed().as_secs()
                );
            }
            Err(RecvTimeoutError::Disconnected) => bail!("the build of {program} was lost"),
        }
    };
    if !status.success() {
        bail!("go could not build {program}; its reasons stand above");
    }
    say!(
        "testenv: built {program} in {} s",
        started.elapsed().as_secs()
    );
    Ok(())
}
