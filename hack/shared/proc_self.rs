//! What the kernel tells of this process, read from `/proc` (proc(5)).
//!
//! Used by `process`, beside this, at each scrape. **Invariant:** what cannot be read is none.

use std::fs;
use std::sync::OnceLock;

/// Clock ticks per second in `/proc`: fixed by the kernel's interface to programs on all architectures we build for.
const TICKS_PER_SECOND: f64 = 100.0;

/// Sum of times of `/proc/self/stat`, given by their fields' numbers, counted from 1; in seconds.
fn stat_seconds(fields: &[usize]) -> Option<f64> {
    let stat = fs::read_to_string("/proc/self/stat").ok()?;
    // The command in field 2 may hold spaces; what follows its closing bracket starts with field 3.
    let rest: Vec<&str> = stat.rsplit_once(')')?.1.split_ascii_whitespace().collect();
    let ticks = fields
        .iter()
        .map(|number| rest.get(number - 3)?.parse::<f64>().ok());
    Some(ticks.sum::<Option<f64>>()? / TICKS_PER_SECOND)
}

/// User and system time, in seconds.
pub fn cpu_seconds() -> Option<f64> {
    stat_seconds(&[14, 15])
}

/// When it started, in seconds since 1970, as the clock was when this was asked first: the kernel's `btime` moves with a step
/// of the clock, and a start that moves is a restart to whoever reads it.
pub fn start_time() -> Option<f64> {
    static START: OnceLock<f64> = OnceLock::new();
    START.get().copied().or_else(|| {
        let stat = fs::read_to_string("/proc/stat").ok()?;
        let boot = stat.lines().find_map(|line| line.strip_prefix("btime "))?;
        let start = boot.trim().parse::<f64>().ok()? + stat_seconds(&[22])?;
        Some(*START.get_or_init(|| start))
    })
}

/// Bytes of a row of `/proc/self/status`, such as `VmRSS:`.
pub fn memory(row: &str) -> Option<f64> {
    let status = fs::read_to_string("/proc/self/status").ok()?;
    let line = status.lines().find_map(|line| line.strip_prefix(row))?;
    Some(line.trim().trim_end_matches(" kB").parse::<f64>().ok()? * 1024.0)
}

/// Open descriptors.
pub fn open_fds() -> Option<f64> {
    Some(fs::read_dir("/proc/self/fd").ok()?.count() as f64)
}
