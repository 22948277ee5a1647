//! Builds what the agent embeds: the kernel programs, the protobuf types and the version line.
//!
//! The kernel object depends only on `kernel/`, `abi/` and the compiler, so it is kept beside the compiler, outside of
//! the clone, under a hash of these: a fresh clone does not build it again.
//!
//! **Invariant:** nothing is downloaded here but crates by the kernel crate's own lock file.

use std::{
    env,
    error::Error,
    ffi::OsString,
    fs,
    hash::{DefaultHasher, Hash as _, Hasher as _},
    path::{Path, PathBuf},
    process::Command,
    time::{SystemTime, UNIX_EPOCH},
};

type Result<T> = std::result::Result<T, Box<dyn Error>>;

const TARGET: &str = "bpfel-unknown-none";
/// The objects: the binary of the kernel crate, and the variable that tells the crate where it is. The agent embeds the
/// first; the second is the benchmark's.
const OBJECTS: [(&str, &str); 2] = [
    ("netobserv-ebpf-kernel", "NETOBSERV_KERNEL_OBJECT"),
    ("netobserv-ebpf-bench", "NETOBSERV_BENCH_OBJECT"),
];

fn main() -> Result<()> {
    protobuf()?;
    version();
    kernel_objects()
}

/// `contracts/flow.proto` to Rust types and a client.
fn protobuf() -> Result<()> {
    println!("cargo::rerun-if-changed=contracts/flow.proto");
    let descriptors = protox::compile(["flow.proto"], ["contracts"])?;
    tonic_prost_build::configure().compile_fds(descriptors)?;
    Ok(())
}

/// Commit and date of the build, for `--version`. A source tree without git says "unknown".
fn version() {
    println!("cargo::rerun-if-env-changed=NETOBSERV_COMMIT");
    println!("cargo::rerun-if-env-changed=SOURCE_DATE_EPOCH");
    let commit = env::var("NETOBSERV_COMMIT")
        .ok()
        .or_else(|| git(&["rev-parse", "--short=12", "HEAD"]))
        .unwrap_or_else(|| "unknown".to_owned());
    if let Some(head) = git(&["rev-parse", "--git-path", "logs/HEAD"])
        && Path::new(&head).exists()
    {
        println!("cargo::rerun-if-changed={head}");
    }
    let seconds = env::var("SOURCE_DATE_EPOCH")
        .ok()
        .or_else(|| git(&["log", "-1", "--format=%ct"]))
        .and_then(|text| text.trim().parse().ok())
        .unwrap_or_else(|| {
            SystemTime::now()
                .duration_since(UNIX_EPOCH)
                .map_or(0, |since| since.as_secs())
        });
    println!("cargo::rustc-env=NETOBSERV_COMMIT={commit}");
    println!("cargo::rustc-env=NETOBSERV_DATE={}", date(seconds));
}

fn git(arguments: &[&str]) -> Option<String> {
    let output = Command::new("git").args(arguments).output().ok()?;
    let text = String::from_utf8(output.stdout).ok()?;
    (output.status.success() && !text.trim().is_empty()).then(|| text.trim().to_owned())
}

/// Year, month and day of a Unix time (Howard Hinnant's civil-from-days).
fn date(seconds: u64) -> String {
    let days = seconds / 86_400 + 719_468;
    let era = days / 146_097;
    let day_of_era = days % 146_097;
    let year_of_era =
        (day_of_era - day_of_era / 1_460 + day_of_era / 36_524 - day_of_era / 146_096) / 365;
    let day_of_year = day_of_era - (365 * year_of_era + year_of_era / 4 - year_of_era / 100);
    let shifted_month = (5 * day_of_year + 2) / 153;
    let day = day_of_year - (153 * shifted_month + 2) / 5 + 1;
    let month = if shifted_month < 10 {
        shifted_month + 3
    } else {
        shifted_month - 9
    };
    let year = year_of_era + era * 400 + u64::from(month <= 2);
    format!("{year:04}-{month:02}-{day:02}")
}

/// Builds the kernel programs, or takes them from the cache, and tells the crate where they are.
fn kernel_objects() -> Result<()> {
    println!("cargo::rerun-if-env-changed=NETOBSERV_BPF_TOOLCHAIN");
    for part in ["kernel", "abi"] {
        println!("cargo::rerun-if-changed={part}");
    }
    let toolchain = toolchain()?;
    let folder = toolchain
        .join("objects")
        .join(format!("{:016x}", source_hash(&toolchain)?));
    if !folder.exists() {
        build(&toolchain, &folder)?;
    }
    for (name, variable) in OBJECTS {
        let embedded = PathBuf::from(env::var("OUT_DIR")?).join(name);
        fs::copy(folder.join(name), &embedded)?;
        println!("cargo::rustc-env={variable}={}", embedded.display());
    }
    Ok(())
}

/// Where the compiler for kernel programs was unpacked.
fn toolchain() -> Result<PathBuf> {
    let path = match env::var_os("NETOBSERV_BPF_TOOLCHAIN") {
        Some(path) => PathBuf::from(path),
        None => cache_home()?.join("netobserv/bpf-toolchain"),
    };
    for tool in ["rustc-bpf", "bpf-linker"] {
        if !path.join("bin").join(tool).exists() {
            return Err(format!(
                "{tool} is not in {}/bin: run hack/setup, or set NETOBSERV_BPF_TOOLCHAIN to where it was unpacked",
                path.display()
            )
            .into());
        }
    }
    Ok(path)
}

fn cache_home() -> Result<PathBuf> {
    if let Some(path) = env::var_os("XDG_CACHE_HOME").filter(|path| !path.is_empty()) {
        return Ok(path.into());
    }
    let home = env::var_os("HOME").ok_or("neither XDG_CACHE_HOME nor HOME is set")?;
    Ok(PathBuf::from(home).join(".cache"))
}

fn source_hash(toolchain: &Path) -> Result<u64> {
    let mut hasher = DefaultHasher::new();
    for tool in ["rustc-bpf", "bpf-linker"] {
        let version = Command::new(toolchain.join("bin").join(tool))
            .arg("--version")
            .output()?;
        version.stdout.hash(&mut hasher);
    }
    let mut files = Vec::new();
    for part in ["kernel", "abi"] {
        collect(Path::new(part), &mut files)?;
    }
    files.sort();
    for file in files {
        file.hash(&mut hasher);
        fs::read(&file)?.hash(&mut hasher);
    }
    Ok(hasher.finish())
}

/// All source files below `folder`; build products of an editor's cargo are none.
fn collect(folder: &Path, files: &mut Vec<PathBuf>) -> Result<()> {
    for entry in fs::read_dir(folder)? {
        let path = entry?.path();
        if !path.is_dir() {
            files.push(path);
        } else if !path.ends_with("target") {
            collect(&path, files)?;
        }
    }
    Ok(())
}

fn build(toolchain: &Path, objects: &Path) -> Result<()> {
    let folder = fs::canonicalize("kernel")?;
    let bin = toolchain.join("bin");
    let target = toolchain.join("objects/target");
    let mut path = OsString::from(&bin);
    path.push(":");
    path.push(env::var_os("PATH").unwrap_or_default());
    let flags = [
        "-Clinker=bpf-linker".to_owned(),
        // 32-bit arithmetic and atomics, which the generic target lacks; kernel 5.12 has them.
        "-Ctarget-cpu=v3".to_owned(),
        "-Cdebuginfo=2".to_owned(),
        "-Clink-arg=--btf".to_owned(),
        // Else every cleared struct becomes a call that clears byte by byte.
        "-Clink-arg=--disable-expand-memcpy-in-order".to_owned(),
        format!("--remap-path-prefix={}=.", folder.display()),
    ];
    let mut cargo = Command::new(env::var_os("CARGO").unwrap_or_else(|| "cargo".into()));
    // What cargo set for this crate must not reach the other one.
    for (name, _) in env::vars_os() {
        let text = name.to_string_lossy();
        if text.starts_with("CARGO_") && text != "CARGO_HOME"
            || text.starts_with("RUST") && text != "RUSTUP_HOME"
        {
            cargo.env_remove(&name);
        }
    }
    let status = cargo
        .args([
            "build",
            "--release",
            "--locked",
            "--quiet",
            "--target",
            TARGET,
        ])
        .current_dir(&folder)
        .env("PATH", path)
        .env("RUSTC", bin.join("rustc-bpf"))
        // aya-ebpf and the atomics need unstable features of this compiler, which is a stable one.
        .env("RUSTC_BOOTSTRAP", "1")
        .env("CARGO_ENCODED_RUSTFLAGS", flags.join("\u{1f}"))
        .env("CARGO_TARGET_DIR", &target)
        .status()?;
    if !status.success() {
        return Err(format!("cannot build the kernel programs in {}", folder.display()).into());
    }
    // Renamed into place, so that two builds at once never see half of it.
    let temporary = objects.with_extension(format!("{}.part", std::process::id()));
    fs::create_dir_all(&temporary)?;
    for (name, _) in OBJECTS {
        fs::copy(
            target.join(TARGET).join("release").join(name),
            temporary.join(name),
        )?;
    }
    if let Err(error) = fs::rename(&temporary, objects) {
        // Another build was first with the same.
        fs::remove_dir_all(&temporary)?;
        if !objects.exists() {
            return Err(error.into());
        }
    }
    Ok(())
}
