//! Losses on disk, in `<store.path>/losses`: one line of JSON per entry, and the last readings.
//!
//! **Invariant:** a torn or foreign line costs that line only; the state is replaced whole, and never before the
//! entries it follows from are written: what could not be written is kept in memory and tried again. The state on disk lacks
//! no count; its times may be old, as it is not written for them alone.

use std::collections::{BTreeMap, VecDeque};
use std::fs::{File, OpenOptions};
use std::io::{self, BufRead as _, BufReader, Write as _};
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

use super::LossError;
use super::ledger::{ENTRIES_MAX, Entry, LastReading, Ledger};
use crate::durable::{is_disk_full, write_whole};

/// Lines of the file; at this many it is written anew from what the ledger still holds.
const LINES_MAX: usize = 2 * ENTRIES_MAX;

/// How old the times of the readings on disk may be: what a crash may add to a gap.
const TIMES_AGE_MAX: Duration = Duration::from_mins(5);

/// The last readings, by address.
type Readings = BTreeMap<String, LastReading>;

/// The file of entries, open for appending.
pub struct LossFile {
    folder: PathBuf,
    /// None as long as there was no room to create it.
    entries: Option<File>,
    content: Content,
    /// It may hold more than `content` says: a write failed in the middle, or the last process ended in one.
    is_torn: bool,
    /// Entries that are still to be written, [`ENTRIES_MAX`] at most: the ledger has no more.
    unwritten: VecDeque<Entry>,
    /// The readings on disk and when they were written, if it was by this process.
    state: Option<(Readings, Instant)>,
}

/// The whole lines of the file.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
struct Content {
    lines: usize,
    bytes: u64,
}

impl LossFile {
    /// Reads the folder, creating it if missing, and drops entries that ended before `oldest_ms`. On a full disk the
    /// file stays as it is.
    pub fn open(folder: &Path, oldest_ms: i64) -> Result<(Self, Ledger), LossError> {
        let mut this = Self {
            folder: folder.to_owned(),
            entries: None,
            content: Content::default(),
            is_torn: false,
            unwritten: VecDeque::new(),
            state: None,
        };
        let path = this.entries_path();
        let fail = |action, path: &Path, source| LossError {
            action,
            path: path.to_owned(),
            source,
        };
        let kept = match File::open(&path) {
            Ok(file) => this
                .read_entries(file, oldest_ms)
                .map_err(|error| fail("read", &path, error))?,
            Err(error) if error.kind() == io::ErrorKind::NotFound => VecDeque::new(),
            Err(error) => return Err(fail("read", &path, error)),
        };
        let renewed = if kept.len() < this.content.lines {
            this.renew(&kept)
        } else {
            Ok(())
        };
        match renewed.and_then(|()| this.ready().map(drop)) {
            Err(error) if is_disk_full(&error) => {
                tracing::warn!(path = %path.display(), %error, "losses are not kept over a restart");
            }
            opened => opened.map_err(|error| fail("write", &path, error))?,
        }
        let state = std::fs::read(folder.join("readings.json")).unwrap_or_default();
        // Without it we only do not know the last readings, and begin anew.
        let last: Readings = serde_json::from_slice(&state).unwrap_or_default();
        Ok((this, Ledger::restore(kept, last)))
    }

    /// Whether so many more entries are too many, and [`LossFile::append`] needs all that the ledger holds.
    pub fn is_full(&self, added: usize) -> bool {
        self.content.lines + self.unwritten.len() + added > LINES_MAX
    }

    /// Adds entries, or replaces the file by `all`, which has them already.
    pub fn append(&mut self, added: &[Entry], all: Option<&[Entry]>) -> Result<(), LossError> {
        self.unwritten.extend(added.iter().cloned());
        let surplus = self.unwritten.len().saturating_sub(ENTRIES_MAX);
        self.unwritten.drain(..surplus);
        let written = match all {
            Some(all) => self.renew(all),
            None => self.write(),
        };
        written.map_err(|source| LossError {
            action: "write",
            path: self.entries_path(),
            source,
        })
    }

    /// Keeps the last readings: at once if they say something new, else when the times of those on disk are old.
    pub fn keep_state(&mut self, readings: Readings, now: Instant) -> Result<(), LossError> {
        let is_kept = self.state.as_ref().is_some_and(|(kept, written)| {
            let is_known = |(address, reading): (&String, &LastReading)| {
                let kept = kept.get(address);
                kept.is_some_and(|kept| reading.says_as_much_as(kept))
            };
            now.duration_since(*written) < TIMES_AGE_MAX
                && kept.len() == readings.len()
                && readings.iter().all(is_known)
        });
        if is_kept {
            return Ok(());
        }
        self.write_state(readings, now)
    }

    /// Writes the last readings, as JSON.
    pub fn write_state(&mut self, readings: Readings, now: Instant) -> Result<(), LossError> {
        let path = self.folder.join("readings.json");
        // Texts and numbers only, so this cannot fail.
        let json = serde_json::to_vec(&readings).unwrap_or_default();
        write_whole(&path, &json).map_err(|source| LossError {
            action: "write",
            path,
            source,
        })?;
        self.state = Some((readings, now));
        Ok(())
    }

    fn entries_path(&self) -> PathBuf {
        self.folder.join("entries.jsonl")
    }

    fn read_entries(&mut self, file: File, oldest_ms: i64) -> io::Result<VecDeque<Entry>> {
        let mut kept = VecDeque::new();
        let mut reader = BufReader::new(file);
        let mut line = Vec::new();
        loop {
            line.clear();
            let bytes = reader.read_until(b'\n', &mut line)?;
            if !line.ends_with(b"\n") {
                self.is_torn = bytes > 0;
                return Ok(kept);
            }
            self.content.lines += 1;
            self.content.bytes += bytes as u64;
            let Ok(entry) = serde_json::from_slice::<Entry>(&line) else {
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
    }

    /// The file, open and without a torn end.
    fn ready(&mut self) -> io::Result<&mut File> {
        if self.entries.is_none() {
            std::fs::create_dir_all(&self.folder)?;
            let mut options = OpenOptions::new();
            let file = options
                .append(true)
                .create(true)
                .open(self.entries_path())?;
            self.entries = Some(file);
        }
        let file = self.entries.as_mut().ok_or(io::ErrorKind::NotFound)?;
        if self.is_torn {
            file.set_len(self.content.bytes)?;
            self.is_torn = false;
        }
        Ok(file)
    }

    /// Writes what is not written yet.
    fn write(&mut self) -> io::Result<()> {
        if self.unwritten.is_empty() {
            return Ok(());
        }
        let text: String = self.unwritten.iter().map(line).collect();
        let file = self.ready()?;
        let written = file
            .write_all(text.as_bytes())
            .and_then(|()| file.sync_data());
        if let Err(error) = written {
            self.is_torn = true;
            return Err(error);
        }
        self.content.lines += self.unwritten.len();
        self.content.bytes += text.len() as u64;
        self.unwritten.clear();
        Ok(())
    }

    /// Replaces the file.
    fn renew<'a>(&mut self, entries: impl IntoIterator<Item = &'a Entry>) -> io::Result<()> {
        let mut lines = 0;
        let text: String = entries
            .into_iter()
            .inspect(|_| lines += 1)
            .map(line)
            .collect();
        write_whole(&self.entries_path(), text.as_bytes())?;
        self.entries = None;
        self.content = Content {
            lines,
            bytes: text.len() as u64,
        };
        self.is_torn = false;
        self.unwritten.clear();
        Ok(())
    }
}

fn line(entry: &Entry) -> String {
    // Texts and numbers only, so this cannot fail.
    let mut text = serde_json::to_string(entry).unwrap_or_default();
    text.push('\n');
    text
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, reason = "tests")]

    use super::super::poll::Reading;
    use super::super::text::Page;
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

    /// When the entries of the folder end, those before `oldest_ms` left out.
    fn kept(folder: &Path, oldest_ms: i64) -> Vec<i64> {
        let (_, ledger) = LossFile::open(folder, oldest_ms).unwrap();
        ledger.entries().map(|entry| entry.to).collect()
    }

    #[test]
    fn entries_survive_and_torn_lines_and_old_ones_do_not() {
        let folder = tempfile::tempdir().unwrap();
        let (mut file, _) = LossFile::open(folder.path(), 0).unwrap();
        file.append(&[entry(10), entry(20)], None).unwrap();
        // As the end of a process in the middle of a line leaves it.
        let path = folder.path().join("entries.jsonl");
        let mut torn = OpenOptions::new().append(true).open(&path).unwrap();
        torn.write_all(b"{\"component\":\"ag").unwrap();
        drop(file);
        let (mut file, _) = LossFile::open(folder.path(), 0).unwrap();
        file.append(&[entry(30)], None).unwrap();
        drop(file);
        assert_eq!(kept(folder.path(), 0), [10, 20, 30]);
        assert_eq!(kept(folder.path(), 20), [20, 30]);
    }

    #[test]
    fn readings_are_written_when_they_say_something_new_and_now_and_then_for_their_times() {
        let folder = tempfile::tempdir().unwrap();
        let (mut file, mut ledger) = LossFile::open(folder.path(), 0).unwrap();
        let begin = Instant::now();
        let path = folder.path().join("readings.json");
        let age_max_s = TIMES_AGE_MAX.as_secs();
        for (at_s, lost, is_written) in [
            (0, Some(5), true),
            (15, Some(5), false),
            (30, Some(6), true),
            (45, None, true),
            (60, None, false),
            (75, Some(6), true),
            (74 + age_max_s, Some(6), false),
            (75 + age_max_s, Some(6), true),
        ] {
            let page = lost.map(|lost| Page {
                totals: [("full".to_owned(), lost)].into(),
                started_s: Some(1.0),
                age: None,
            });
            let reading = Reading {
                component: "agent".into(),
                address: "a".into(),
                is_unresolved: false,
                page,
            };
            ledger.note(vec![reading], at_s as i64 * 1000);
            let now = begin + Duration::from_secs(at_s);
            file.keep_state(ledger.last().clone(), now).unwrap();
            assert_eq!(path.exists(), is_written, "{at_s}");
            if is_written {
                std::fs::remove_file(&path).unwrap();
            }
        }
    }

    #[test]
    fn a_file_whose_lines_all_stay_is_not_written_anew() {
        let folder = tempfile::tempdir().unwrap();
        let (mut file, _) = LossFile::open(folder.path(), 0).unwrap();
        file.append(&[entry(10)], None).unwrap();
        // In the way of whoever wants to write the file as a whole.
        std::fs::create_dir(folder.path().join("entries.tmp")).unwrap();
        assert_eq!(kept(folder.path(), 0), [10]);
        assert!(LossFile::open(folder.path(), 11).is_err());
    }

    #[test]
    fn what_could_not_be_written_is_written_later() {
        let folder = tempfile::tempdir().unwrap();
        let (mut file, _) = LossFile::open(folder.path(), 0).unwrap();
        file.append(&[entry(10)], None).unwrap();
        let path = folder.path().join("entries.jsonl");
        // A file that cannot be written to takes the place of a full disk.
        file.entries = Some(File::open(&path).unwrap());
        file.append(&[entry(20)], None).unwrap_err();
        // Part of the line came through before the room was gone.
        let mut torn = OpenOptions::new().append(true).open(&path).unwrap();
        torn.write_all(b"{\"component\":\"ag").unwrap();
        file.entries = Some(torn);
        file.append(&[entry(30)], None).unwrap();
        assert_eq!(kept(folder.path(), 0), [10, 20, 30]);
        let text = std::fs::read_to_string(&path).unwrap();
        assert_eq!(text.lines().count(), 3, "no torn line: {text}");
    }

    #[test]
    fn the_file_does_not_grow_for_ever() {
        let folder = tempfile::tempdir().unwrap();
        let (mut file, _) = LossFile::open(folder.path(), 0).unwrap();
        file.content.lines = LINES_MAX;
        assert!(file.is_full(1));
        file.append(&[entry(8)], Some(&[entry(7), entry(8)]))
            .unwrap();
        assert!(!file.is_full(1));
        file.append(&[entry(9)], None).unwrap();
        assert_eq!(file.content.lines, 3);
        assert_eq!(kept(folder.path(), 0), [7, 8, 9]);
    }
}
