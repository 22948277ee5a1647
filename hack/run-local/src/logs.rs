//! One bounded log file per program: its standard output and error, copied by a thread of ours.

use std::fs::{File, OpenOptions};
use std::io::{self, BufRead, BufReader, PipeReader, Read, Seek, SeekFrom, Write};
use std::os::unix::fs::{MetadataExt, OpenOptionsExt};
use std::path::{Path, PathBuf};
use std::sync::mpsc::{Receiver, SyncSender, sync_channel};

/// A log file is renamed to `NAME.1` when it has grown to this size.
const LOG_BYTES_MAX: u64 = 10 * 1024 * 1024;
/// Longest line kept whole; a longer one is broken.
const LINE_BYTES_MAX: u64 = 64 * 1024;

/// Copies `source` into `path` until it ends. Lines, so that a rotation never cuts one.
/// The receiver disconnects when all of it is written.
pub fn copy_in_background(source: PipeReader, path: PathBuf) -> io::Result<Receiver<()>> {
    let mut file = open(&path)?;
    let mut size = file.metadata()?.len();
    let (written, receiver) = sync_channel(1);
    std::thread::Builder::new()
        .name("log".to_owned())
        .spawn(move || {
            let _written: SyncSender<()> = written;
            let mut reader = BufReader::new(source);
            let mut line = Vec::new();
            loop {
                line.clear();
                match reader
                    .by_ref()
                    .take(LINE_BYTES_MAX)
                    .read_until(b'\n', &mut line)
                {
                    Ok(0) | Err(_) => return,
                    Ok(read) => size += read as u64,
                }
                if size > LOG_BYTES_MAX && rotate(&path).is_ok() {
                    match open(&path) {
                        Ok(fresh) => (file, size) = (fresh, line.len() as u64),
                        Err(_) => return,
                    }
                }
                // A full disk must not stop the program whose log this is: its lines go on being read.
                let _ = file.write_all(&line);
            }
        })?;
    Ok(receiver)
}

/// Opens a log that belongs to its folder's owner, so that a later run without root can go on writing it.
fn open(path: &Path) -> io::Result<File> {
    let file = OpenOptions::new()
        .create(true)
        .append(true)
        .custom_flags(nix::libc::O_NOFOLLOW)
        .open(path)?;
    if nix::unistd::Uid::effective().is_root()
        && let Some(folder) = path.parent()
    {
        let owner = std::fs::metadata(folder)?;
        std::os::unix::fs::fchown(&file, Some(owner.uid()), Some(owner.gid()))?;
    }
    Ok(file)
}

fn rotate(path: &Path) -> io::Result<()> {
    let mut old = path.as_os_str().to_owned();
    old.push(".1");
    std::fs::rename(path, old)
}

/// The last lines of a log beyond its first `since` bytes, for an error message.
pub fn tail(path: &Path, since: u64, lines: usize) -> String {
    const TAIL_BYTES: u64 = 4096;
    let read = || -> io::Result<String> {
        let mut file = File::open(path)?;
        let length = file.metadata()?.len();
        // A shorter file was rotated meanwhile.
        let since = if since > length { 0 } else { since };
        let start = length.saturating_sub(TAIL_BYTES).max(since);
        file.seek(SeekFrom::Start(start))?;
        let mut bytes = Vec::new();
        file.read_to_end(&mut bytes)?;
        Ok(String::from_utf8_lossy(&bytes).into_owned())
    };
    let text = read().unwrap_or_default();
    let all: Vec<&str> = text.lines().collect();
    all[all.len().saturating_sub(lines)..].join("\n")
}

/// Why a program ended, in its own words: what it said beyond the first `since` bytes of its log, without the records that
/// are no errors, as far as that leaves anything.
pub fn last_words(path: &Path, since: u64) -> String {
    const LINES_MAX: usize = 5;
    let text = tail(path, since, LINES_MAX);
    // "TIME LEVEL message", or words without either.
    let is_lesser = |line: &&str| {
        let level = line.split_whitespace().nth(1);
        level.is_some_and(|level| ["TRACE", "DEBUG", "INFO", "WARN"].contains(&level))
    };
    let errors: Vec<&str> = text
        .lines()
        .filter(|line| !is_lesser(line))
        .map(|line| line.split_once(" ERROR ").map_or(line, |(_, words)| words))
        .collect();
    if errors.is_empty() {
        text
    } else {
        errors.join("\n")
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, reason = "tests")]
    use super::*;

    #[test]
    fn last_words_are_the_errors_if_there_are_any() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("x.log");
        for (text, expected) in [
            (
                "T INFO up\nT ERROR no privilege: run as root\n",
                "no privilege: run as root",
            ),
            ("T INFO up\nT WARN odd\n", "T INFO up\nT WARN odd"),
            ("error: a\nerror: b\n", "error: a\nerror: b"),
            ("plain\n", "plain"),
            ("", ""),
        ] {
            std::fs::write(&path, format!("old\n{text}")).unwrap();
            assert_eq!(last_words(&path, 4), expected);
        }
    }

    #[test]
    fn a_full_log_is_rotated_and_no_line_is_lost() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("x.log");
        std::fs::write(&path, vec![b'x'; LOG_BYTES_MAX as usize]).unwrap();
        let (reader, mut writer) = io::pipe().unwrap();
        copy_in_background(reader, path.clone()).unwrap();
        writer.write_all(b"first\nsecond\n").unwrap();
        drop(writer);
        let deadline = std::time::Instant::now() + std::time::Duration::from_secs(30);
        while tail(&path, 0, 5) != "first\nsecond" {
            assert!(
                std::time::Instant::now() < deadline,
                "{}",
                tail(&path, 0, 5)
            );
            std::thread::yield_now();
        }
        assert!(folder.path().join("x.log.1").exists());
    }
}
