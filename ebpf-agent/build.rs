//! Builds what the agent embeds: the kernel programs, the protobuf types and the version line.
//!
//! The kernel object depends only on `kernel/`, `abi/` and the compiler, so it is kept beside the compiler, outside of
//! the clone, under a hash of these: a fresh clone does not build it again.
//!
//! **Invariant:** nothing is downloaded here but crates by the kernel crate's own lock file.

#[path = "build/stamp.rs"]
mod stamp;

use std::{
    env,
    error::Error,
    ffi::OsString,
    fs,
    hash::{DefaultHasher, Hash as _, Hasher as _},
    path::{Path, PathBuf},
    process::Command,
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
    stamp::stamp();
    kernel_objects()
}

/// `contracts/flow.proto` to Rust types and a client.
fn protobuf() -> Result<()> {
    println!("cargo::rerun-if-changed=contracts/flow.proto");
    let descriptors = protox::compile(["flow.proto"], ["contracts"])?;
    tonic_prost_build::configure().compile_fds(descriptors)?;
    Ok(())
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
        None => cache()?.join("bpf-toolchain"),
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

/// The project's cache folder, as `hack/setup` finds it. Where it is changes nothing of what is built.
fn cache() -> Result<PathBuf> {
    let variable = |name| env::var_os(name).filter(|value| !value.is_empty());
    if let Some(path) = variable("NETOBSERV_CACHE") {
        return Ok(path.into());
    }
    if let Some(path) = variable("XDG_CACHE_HOME") {
        return Ok(PathBuf::from(path).join("netobserv"));
    }
    let home = variable("HOME").ok_or("none of NETOBSERV_CACHE, XDG_CACHE_HOME and HOME is set")?;
    Ok(PathBuf::from(home).join(".cache/netobserv"))
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
    // Until ours are copied: another clone's build puts its own into the same place.
    fs::create_dir_all(&target)?;
    let lock = fs::File::create(target.with_extension("lock"))?;
    lock.lock()?;
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
