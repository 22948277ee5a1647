//! Losses on disk, in `<store.path>/losses`: one line of JSON per entry, and the last readings.
//!
//! **Invariant:** a torn or foreign line costs that line only; the state is replaced whole.

use std::collections::{BTreeMap, VecDeque};
use std::fs::{File, OpenOptions};
use std::io::{self, BufRead, BufReader, Write as _};
use std::path::{Path, PathBuf};

use super::LossError;
use super::ledger::{Entry, LastReading, Ledger};

/// Entries read back.
const ENTRIES_MAX: usize = 100_000;

/// The open file.
pub struct LossFile {
    folder: PathBuf,
    entries: File,
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
        replace(&entries_path, text.as_bytes()).map_err(fail("write", &entries_path))?;
        let entries = OpenOptions::new()
            .append(true)
            .open(&entries_path)
            .map_err(fail("open", &entries_path))?;
        let state = std::fs::read(folder.join("readings.json")).unwrap_or_default();
        // Without it we only do not know the last readings, and begin anew.
        let last: BTreeMap<String, LastReading> =
            serde_json::from_slice(&state).unwrap_or_default();
        Ok((
            Self {
                folder: folder.to_owned(),
                entries,
            },
            Ledger::restore(kept, last),
        ))
    }

    /// Adds entries.
    pub fn append(&mut self, entries: &[Entry]) -> Result<(), LossError> {
        if entries.is_empty() {
            return Ok(());
        }
        let text: String = entries.iter().map(line).collect();
        self.entries
            .write_all(text.as_bytes())
            .map_err(|source| LossError {
                action: "write",
                path: self.folder.join("entries.jsonl"),
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
        let (mut file, _) = LossFile::open(folder.path(), 0).unwrap();
        file.append(&[entry(10), entry(20)]).unwrap();
        file.entries.write_all(b"{\"component\":\"ag\n").unwrap();
        file.append(&[entry(30)]).unwrap();
        drop(file);
        let (_, ledger) = LossFile::open(folder.path(), 20).unwrap();
        assert_eq!(
            ledger.entries().cloned().collect::<Vec<_>>(),
            [entry(20), entry(30)]
        );
    }
}
