//! The write-ahead log: segments of frames, each frame the body of one push as it came.
//!
//! `wal/<number>.wal` is being written or waits to be sealed. `wal/<number>.seen` replaces it once its rows are in
//! sealed files: its appearing is the one atomic step that commits a seal, and it keeps the digests of the pushes for
//! the rest of the ten minutes in which a retry must be recognised.
//!
//! **Invariant:** a frame is acknowledged only after [`Log::commit`] returned; what a crash leaves behind a segment's
//! last whole frame is cut off; nothing else is ever changed in place.

use std::fs::{self, File, OpenOptions};
use std::io::{Read as _, Write as _};
use std::path::{Path, PathBuf};

use super::dedup::Digest;
use super::error::StoreError;
use super::push::Encoding;
use crate::durable;

const MAGIC: [u8; 4] = *b"NOF1";
/// Magic, digest, time, length, encoding, check of all of these.
const HEADER: usize = 4 + 16 + 8 + 4 + 1 + 8;

/// One push in a segment. A digest without a body stands in `.seen` files.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Frame<'a> {
    pub digest: Digest,
    /// When it was accepted, Unix milliseconds.
    pub time_ms: i64,
    pub encoding: Encoding,
    pub body: &'a [u8],
}

impl Frame<'_> {
    /// Appends the frame as it stands in a segment.
    pub fn write(&self, out: &mut Vec<u8>) {
        let start = out.len();
        out.extend_from_slice(&MAGIC);
        out.extend_from_slice(&self.digest.0);
        out.extend_from_slice(&self.time_ms.to_le_bytes());
        out.extend_from_slice(&(self.body.len() as u32).to_le_bytes());
        out.push(self.encoding as u8);
        let check = Digest::of(&[&out[start..]]);
        out.extend_from_slice(&check.0[..8]);
        out.extend_from_slice(self.body);
    }
}

/// What reading a segment found.
#[derive(Debug, Default, PartialEq, Eq)]
pub struct ReadOutcome {
    /// Bytes up to which the segment consists of whole frames.
    pub whole_bytes: usize,
    /// Frames inside it whose body does not fit its digest; they are skipped.
    pub damaged_frames: u64,
}

/// Hands out the frames of a segment in order.
pub fn read_frames<'a>(segment: &'a [u8], mut visit: impl FnMut(Frame<'a>)) -> ReadOutcome {
    let mut outcome = ReadOutcome::default();
    let mut rest = segment;
    while let Some((fields, body, next)) = next_frame(rest) {
        // What lies between two whole frames is a damaged one; what lies behind the last is the tail of a crash.
        if next.skipped > 0 {
            outcome.damaged_frames += 1;
        }
        let array = |from: usize| <[u8; 8]>::try_from(&fields[from..from + 8]).unwrap_or_default();
        let mut digest = Digest([0; 16]);
        digest.0.copy_from_slice(&fields[4..20]);
        match Encoding::from_byte(fields[32]) {
            Some(encoding) if body.is_empty() || Digest::of_push(encoding, body) == digest => {
                visit(Frame {
                    digest,
                    time_ms: i64::from_le_bytes(array(20)),
                    encoding,
                    body,
                });
            }
            _ => outcome.damaged_frames += 1,
        }
        rest = next.rest;
        outcome.whole_bytes = segment.len() - rest.len();
    }
    outcome
}

/// Where reading goes on after a frame.
struct Next<'a> {
    rest: &'a [u8],
    /// Bytes before the frame that were none.
    skipped: usize,
}

/// The first whole frame: its header's fields, its body, and what follows.
fn next_frame(bytes: &[u8]) -> Option<(&[u8], &[u8], Next<'_>)> {
    let mut skipped = 0;
    loop {
        let (header, after) = bytes[skipped..].split_at_checked(HEADER)?;
        let (fields, check) = header.split_at(HEADER - 8);
        if fields[..4] == MAGIC && Digest::of(&[fields]).0[..8] == *check {
            let length = u32::from_le_bytes([fields[28], fields[29], fields[30], fields[31]]);
            let (body, rest) = after.split_at_checked(length as usize)?;
            return Some((fields, body, Next { rest, skipped }));
        }
        let magics = bytes[skipped + 1..].windows(MAGIC.len());
        skipped += 1 + magics.into_iter().position(|window| window == MAGIC)?;
    }
}

/// Names of a segment's two files.
pub fn segment_path(folder: &Path, number: u64) -> PathBuf {
    folder.join(format!("{number:010}.wal"))
}

pub fn seen_path(folder: &Path, number: u64) -> PathBuf {
    folder.join(format!("{number:010}.seen"))
}

/// Numbers of all files in the folder with the extension, ascending.
pub fn numbers(folder: &Path, extension: &str) -> Result<Vec<u64>, StoreError> {
    let mut numbers = Vec::new();
    for entry in fs::read_dir(folder).map_err(StoreError::io("read the folder", folder))? {
        let path = entry
            .map_err(StoreError::io("read the folder", folder))?
            .path();
        if path.extension().is_some_and(|found| found == extension) {
            numbers.extend(
                path.file_stem()
                    .and_then(|stem| stem.to_str())
                    .and_then(|stem| stem.parse::<u64>().ok()),
            );
        }
    }
    numbers.sort_unstable();
    Ok(numbers)
}

/// Makes names created or removed in a folder durable.
pub fn sync_folder(folder: &Path) -> Result<(), StoreError> {
    durable::sync_folder(folder).map_err(StoreError::io("sync the folder", folder))
}

/// Writes a file so that it is there as a whole or not at all.
pub fn write_whole(path: &Path, bytes: &[u8]) -> Result<(), StoreError> {
    durable::write_whole(path, bytes).map_err(StoreError::io("write", path))
}

/// Reads a file as a whole.
pub fn read_whole(path: &Path) -> Result<Vec<u8>, StoreError> {
    let mut bytes = Vec::new();
    File::open(path)
        .and_then(|mut file| file.read_to_end(&mut bytes))
        .map_err(StoreError::io("read", path))?;
    Ok(bytes)
}

/// The segment that is being written.
#[derive(Debug)]
pub struct Log {
    folder: PathBuf,
    pub number: u64,
    /// None if it could not be created.
    file: Option<File>,
    /// Bytes that are synced.
    pub bytes: u64,
    /// What the file holds beyond `bytes` is not known: no more is written to it.
    is_broken: bool,
}

impl Log {
    /// Begins a new segment.
    pub fn create(folder: &Path, number: u64) -> Result<Self, StoreError> {
        let path = segment_path(folder, number);
        let file = OpenOptions::new()
            .append(true)
            .create_new(true)
            .open(&path)
            .map_err(StoreError::io("create the log segment", &path))?;
        if let Err(error) = sync_folder(folder) {
            // Nothing is in it. If it stays, the next start replays no rows from it.
            let _ = fs::remove_file(&path);
            return Err(error);
        }
        Ok(Self {
            folder: folder.to_path_buf(),
            number,
            file: Some(file),
            bytes: 0,
            is_broken: false,
        })
    }

    /// A segment that could not be created: nothing can be written to it.
    pub fn unwritable(folder: &Path, number: u64) -> Self {
        Self {
            folder: folder.to_path_buf(),
            number,
            file: None,
            bytes: 0,
            is_broken: true,
        }
    }

    /// Whether nothing is written to it any more.
    pub fn is_broken(&self) -> bool {
        self.is_broken
    }

    /// Writes frames and waits until they are on the disk. After an error nothing of them is in the log.
    pub fn commit(&mut self, frames: &[u8]) -> Result<(), StoreError> {
        let path = segment_path(&self.folder, self.number);
        let Some(file) = self.file.as_mut().filter(|_| !self.is_broken) else {
            return Err(StoreError::LogFailed(format!(
                "{} could not be restored after an error",
                path.display()
            )));
        };
        let written = file.write_all(frames).and_then(|()| file.sync_data());
        if let Err(error) = written {
            let restored = file.set_len(self.bytes).and_then(|()| file.sync_data());
            self.is_broken = restored.is_err();
            return Err(StoreError::io("write the log segment", &path)(error));
        }
        self.bytes += frames.len() as u64;
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn segment(bodies: &[&[u8]]) -> Vec<u8> {
        let mut bytes = Vec::new();
        for (at, body) in bodies.iter().enumerate() {
            let digest = Digest::of_push(Encoding::Json, body);
            Frame {
                digest,
                time_ms: at as i64 - 1,
                encoding: Encoding::Json,
                body,
            }
            .write(&mut bytes);
        }
        bytes
    }

    fn read(bytes: &[u8]) -> (Vec<Vec<u8>>, ReadOutcome) {
        let mut bodies = Vec::new();
        let outcome = read_frames(bytes, |frame| bodies.push(frame.body.to_vec()));
        (bodies, outcome)
    }

    #[test]
    fn whole_frames_come_back_whatever_the_tail_is() {
        let bytes = segment(&[b"one", b"two", b"three"]);
        let two_frames = segment(&[b"one", b"two"]).len();
        assert_eq!(read(&bytes).0.len(), 3);
        for cut in two_frames..bytes.len() {
            let (bodies, outcome) = read(&bytes[..cut]);
            assert_eq!(bodies, [b"one".to_vec(), b"two".to_vec()]);
            assert_eq!(
                outcome,
                ReadOutcome {
                    whole_bytes: two_frames,
                    damaged_frames: 0
                }
            );
        }
        let mut torn = bytes[..two_frames].to_vec();
        torn.extend_from_slice(&[0; 4096]);
        assert_eq!(
            read(&torn).1.whole_bytes,
            two_frames,
            "zeroes after a crash are no frame"
        );
    }

    #[test]
    fn a_damaged_body_costs_only_itself() {
        let mut bytes = segment(&[b"one", b"two", b"three"]);
        let at = segment(&[b"one"]).len() + HEADER;
        bytes[at] ^= 1;
        let (bodies, outcome) = read(&bytes);
        assert_eq!(bodies, [b"one".to_vec(), b"three".to_vec()]);
        assert_eq!(
            outcome,
            ReadOutcome {
                whole_bytes: bytes.len(),
                damaged_frames: 1
            }
        );
    }

    #[test]
    fn a_damaged_header_costs_only_its_frame() {
        let mut bytes = segment(&[b"one", b"two", b"three"]);
        let at = segment(&[b"one"]).len();
        bytes[at + 30] ^= 1;
        let (bodies, outcome) = read(&bytes);
        assert_eq!(bodies, [b"one".to_vec(), b"three".to_vec()]);
        assert_eq!(outcome.whole_bytes, bytes.len());
        assert_eq!(outcome.damaged_frames, 1);
    }

    #[test]
    fn a_segment_is_written_once_and_read_back() {
        let folder = tempfile::tempdir().expect("a folder");
        let mut log = Log::create(folder.path(), 7).expect("a segment");
        log.commit(&segment(&[b"one"])).expect("a commit");
        log.commit(&segment(&[b"two"])).expect("a commit");
        assert!(
            Log::create(folder.path(), 7).is_err(),
            "a number is never used twice"
        );
        let bytes = read_whole(&segment_path(folder.path(), 7)).expect("a file");
        assert_eq!(read(&bytes).0, [b"one".to_vec(), b"two".to_vec()]);
        assert_eq!(numbers(folder.path(), "wal").expect("a folder"), [7]);
    }
}
