//! Processes as /proc shows them.

use nix::unistd::Pid;

/// The child of `parent` that runs `binary`.
pub fn child_of(parent: Pid, binary: &str) -> Option<Pid> {
    std::fs::read_dir("/proc")
        .ok()?
        .flatten()
        .find_map(|entry| {
            let pid: i32 = entry.file_name().to_str()?.parse().ok()?;
            let status = std::fs::read_to_string(entry.path().join("stat")).ok()?;
            // "pid (comm) state ppid ...": comm may hold spaces and parentheses.
            let parent_id: i32 = status
                .rsplit_once(") ")?
                .1
                .split(' ')
                .nth(1)?
                .parse()
                .ok()?;
            let path = std::fs::read_link(entry.path().join("exe")).ok()?;
            let is_it = parent_id == parent.as_raw() && path.file_name()?.to_str()? == binary;
            is_it.then(|| Pid::from_raw(pid))
        })
}

/// Whether there is a process of this number.
pub fn is_alive(pid: Pid) -> bool {
    std::path::Path::new(&format!("/proc/{pid}")).exists()
}

/// Numbers of the kernel programs of which `pid` holds a descriptor.
pub fn kernel_programs(pid: Pid) -> Vec<u32> {
    let folder = format!("/proc/{pid}/fdinfo");
    let entries = std::fs::read_dir(folder).into_iter().flatten().flatten();
    entries
        .filter_map(|entry| std::fs::read_to_string(entry.path()).ok())
        .filter_map(|text| {
            let line = text
                .lines()
                .find_map(|line| line.strip_prefix("prog_id:"))?;
            line.trim().parse().ok()
        })
        .collect()
}
