//! Which program holds a TCP port, from /proc, for the error message.
//!
//! **Invariant:** best effort; never fails, never blocks a start that could succeed.

use std::fs;
use std::path::Path;

/// A description such as `nginx (process 812)`.
pub fn describe(port: u16) -> String {
    let Some(inode) = listening_inode(port) else {
        return "another program".to_owned();
    };
    process_of(&inode).unwrap_or_else(|| "a program of another user".to_owned())
}

fn listening_inode(port: u16) -> Option<String> {
    ["/proc/net/tcp", "/proc/net/tcp6"]
        .iter()
        .filter_map(|table| fs::read_to_string(table).ok())
        .find_map(|table| inode_in(&table, port))
}

/// Finds the socket that listens on `port` in the text of /proc/net/tcp.
fn inode_in(table: &str, port: u16) -> Option<String> {
    const LISTEN: &str = "0A";
    table.lines().skip(1).find_map(|line| {
        let columns: Vec<&str> = line.split_whitespace().collect();
        let (local, state, inode) = (columns.get(1)?, columns.get(3)?, columns.get(9)?);
        let (_, local_port) = local.rsplit_once(':')?;
        let is_it = *state == LISTEN && u16::from_str_radix(local_port, 16) == Ok(port);
        is_it.then(|| (*inode).to_owned())
    })
}

fn process_of(inode: &str) -> Option<String> {
    let link = format!("socket:[{inode}]");
    for process in fs::read_dir("/proc").ok()?.flatten() {
        let name = process.file_name();
        let Some(id) = name
            .to_str()
            .filter(|name| name.bytes().all(|b| b.is_ascii_digit()))
        else {
            continue;
        };
        let Ok(files) = fs::read_dir(process.path().join("fd")) else {
            continue;
        };
        let is_open = files
            .flatten()
            .any(|file| fs::read_link(file.path()).is_ok_and(|target| target == Path::new(&link)));
        if is_open {
            let command = fs::read_to_string(process.path().join("comm")).unwrap_or_default();
            return Some(format!("{} (process {id})", command.trim()));
        }
    }
    None
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_owner_of_a_listening_port_is_this_process() {
        let listener = std::net::TcpListener::bind(("127.0.0.1", 0)).expect("a free port");
        let port = listener.local_addr().expect("an address").port();
        let owner = describe(port);
        assert!(
            owner.ends_with(&format!("(process {})", std::process::id())),
            "{owner}"
        );
    }

    #[test]
    fn only_listening_sockets_count() {
        let table = "  sl  local_address rem_address   st tx_queue rx_queue tr tm->when retrnsmt   uid  timeout inode\n\
             0: 0100007F:2329 0100007F:9999 01 00000000:00000000 00:00000000 00000000     0        0 11 1\n\
             1: 0100007F:2329 00000000:0000 0A 00000000:00000000 00:00000000 00000000     0        0 22 1\n";
        assert_eq!(inode_in(table, 9001), Some("22".to_owned()));
        assert_eq!(inode_in(table, 9002), None);
    }
}
