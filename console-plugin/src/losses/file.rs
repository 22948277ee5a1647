//! Losses on disk, in `<store.path>/losses`: one line of JSON per entry, and the last readings.
//!
//! **Invariant:** a torn or foreign line costs that line only; the state is replaced whole.

use std::collections::{BTreeMap, VecDeque};
use std::fs::{File, OpenOptions};
use std::io::{self, BufRead, BufReader, Write as _};
use std::path::{Path, PathBuf};

use super::LossError;
use super::ledger::{ENTRIES_MAX, Entry, LastReading, Ledger};

/// Lines of the file; at this many it is written anew from what the ledger still holds.
const LINES_MAX: usize = 2 * ENTRIES_MAX;

/// The open file.
pub struct LossFile {
    folder: PathBuf,
    entries: File,
    lines: usize,
}

impl LossFile {
    /// Reads the folder, creating it if missing, and drops entries that ended before `oldest_ms`.
    pub fn open(folder: &Path, oldest_ms: i64) -> Result<(Self, Ledger), LossError> {
        let entries_path = folder.join("entries.jsonl");
        let fail = |action: &'static str, path: &Path| {
            let path = path.to_owned();
            move |source| LossError {
                action,
                path,
                source,
            }
        };
        std::fs::create_dir_all(folder).map_err(fail("create", folder))?;
        let kept = match File::open(&entries_path) {
            Ok(file) => read_entries(file, oldest_ms).map_err(fail("read", &entries_path))?,
            Err(error) if error.kind() == io::ErrorKind::NotFound => VecDeque::new(),
            Err(error) => return Err(fail("read", &entries_path)(error)),
        };
        let text: String = kept.iter().map(line).collect();
        let entries = renew(&entries_path, &text).map_err(fail("write", &entries_path))?;
        let state = std::fs::read(folder.join("readings.json")).unwrap_or_default();
        // Without it we only do not know the last readings, and begin anew.
        let last: BTreeMap<String, LastReading> =
            serde_json::from_slice(&state).unwrap_or_default();
        Ok((
            Self {
                folder: folder.to_owned(),
                entries,
                lines: kept.len(),
            },
            Ledger::restore(kept, last),
        ))
    }

    /// Adds entries, which `ledger` holds already.
    pub fn append(&mut self, entries: &[Entry], ledger: &Ledger) -> Result<(), LossError> {
        if entries.is_empty() {
            return Ok(());
        }
        let path = self.folder.join("entries.jsonl");
        let written = if self.lines + entries.len() > LINES_MAX {
            let text: String = ledger.entries().map(line).collect();
            renew(&path, &text).map(|file| {
                self.entries = file;
                self.lines = ledger.entries().count();
            })
        } else {
            let text: String = entries.iter().map(line).collect();
            self.lines += entries.len();
            self.entries.write_all(text.as_bytes())
        };
        written.map_err(|source| LossError {
            action: "write",
            path,
            source,
        })
    }

    /// Keeps the last readings.
    pub fn write_state(&self, ledger: &Ledger) -> Result<(), LossError> {
        let path = self.folder.join("readings.json");
        let text = serde_json::to_vec(ledger.last()).unwrap_or_default();
        replace(&path, &text).map_err(|source| LossError {
            action: "write",
            path,
            source,
        })
    }
}

fn read_entries(file: File, oldest_ms: i64) -> io::Result<VecDeque<Entry>> {
    let mut kept = VecDeque::new();
    for text in BufReader::new(file).split(b'\n') {
        let Ok(entry) = serde_json::from_slice::<Entry>(&text?) else {
            continue;
        };
        if entry.to < oldest_ms {
            continue;
        }
        if kept.len() == ENTRIES_MAX {
            kept.pop_front();
        }
        kept.push_back(entry);
    }
    Ok(kept)
}

fn line(entry: &Entry) -> String {
    // Texts and numbers only, so this cannot fail.
    let mut text = serde_json::to_string(entry).unwrap_or_default();
    text.push('\n');
    text
}

/// Replaces the file and opens it for appending.
fn renew(path: &Path, text: &str) -> io::Result<File> {
    replace(path, text.as_bytes())?;
    OpenOptions::new().append(true).open(path)
}

fn replace(path: &Path, bytes: &[u8]) -> io::Result<()> {
    let temporary = path.with_extension("tmp");
    std::fs::write(&temporary, bytes)?;
    std::fs::rename(&temporary, path)
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, reason = "tests")]

    use super::*;

    fn entry(to: i64) -> Entry {
        Entry {
            component: "agent".into(),
            from: to - 1,
            to,
            cause: Some("full".into()),
            records: 2,
        }
    }

    #[test]
    fn entries_survive_and_torn_lines_and_old_ones_do_not() {
        let folder = tempfile::tempdir().unwrap();
        let (mut file, none) = LossFile::open(folder.path(), 0).unwrap();
        file.append(&[entry(10), entry(20)], &none).unwrap();
        file.entries.write_all(b"{\"component\":\"ag\n").unwrap();
        file.append(&[entry(30)], &none).unwrap();
        drop(file);
        let (_, ledger) = LossFile::open(folder.path(), 20).unwrap();
        assert_eq!(
            ledger.entries().cloned().collect::<Vec<_>>(),
            [entry(20), entry(30)]
        );
    }

    #[test]
    fn the_file_does_not_grow_for_ever() {
        let folder = tempfile::tempdir().unwrap();
        let (mut file, _) = LossFile::open(folder.path(), 0).unwrap();
        let held = Ledger::restore([entry(7), entry(8)], BTreeMap::new());
        file.lines = LINES_MAX;
        file.append(&[entry(8)], &held).unwrap();
        file.append(&[entry(9)], &held).unwrap();
        drop(file);
        let (file, ledger) = LossFile::open(folder.path(), 0).unwrap();
        let kept: Vec<_> = ledger.entries().map(|entry| entry.to).collect();
        assert_eq!((kept, file.lines), (vec![7, 8, 9], 3));
    }
}
