//! Remembers which bodies were accepted in the last ten minutes, so that a retry after a lost answer doubles nothing.
//!
//! Owned by the ingest thread; rebuilt from the write-ahead log at the start.
//!
//! **Invariant:** bounded in number; the oldest is forgotten first, and counted if it was not due.

use std::collections::VecDeque;

use aws_lc_rs::digest::{Context, SHA256};
use foldhash::fast::RandomState;
use hashbrown::HashSet;

use super::push::Encoding;

/// How long a body is remembered.
pub const WINDOW_MS: i64 = 10 * 60 * 1000;

/// Identity of a body: the first half of its SHA-256.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct Digest(pub [u8; 16]);

impl Digest {
    /// Of the parts, one after the other.
    pub fn of(parts: &[&[u8]]) -> Self {
        let mut context = Context::new(&SHA256);
        for part in parts {
            context.update(part);
        }
        let mut digest = [0; 16];
        digest.copy_from_slice(&context.finish().as_ref()[..16]);
        Self(digest)
    }

    /// Of a push.
    pub fn of_push(encoding: Encoding, body: &[u8]) -> Self {
        Self::of(&[&[encoding as u8], body])
    }
}

/// The remembered bodies, oldest first.
#[derive(Debug)]
pub struct Window {
    limit: usize,
    order: VecDeque<(i64, Digest)>,
    known: HashSet<Digest, RandomState>,
    /// Bodies forgotten early because the limit was reached.
    pub forgotten: u64,
}

impl Window {
    pub fn new(limit: usize) -> Self {
        Self {
            limit,
            order: VecDeque::new(),
            known: HashSet::default(),
            forgotten: 0,
        }
    }

    pub fn contains(&mut self, digest: &Digest, now_ms: i64) -> bool {
        while let Some((_, oldest)) = self
            .order
            .pop_front_if(|(time_ms, _)| *time_ms < now_ms - WINDOW_MS)
        {
            self.known.remove(&oldest);
        }
        self.known.contains(digest)
    }

    /// Remembers a body; false if it is remembered already.
    pub fn insert(&mut self, digest: Digest, now_ms: i64) -> bool {
        while let Some((time_ms, oldest)) = self.order.front().copied() {
            let is_due = time_ms < now_ms - WINDOW_MS;
            if !is_due && self.order.len() < self.limit {
                break;
            }
            self.forgotten += u64::from(!is_due);
            self.known.remove(&oldest);
            self.order.pop_front();
        }
        let is_new = self.known.insert(digest);
        if is_new {
            self.order.push_back((now_ms, digest));
        }
        is_new
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_body_is_remembered_for_ten_minutes_and_within_the_limit() {
        let digest = |body: &[u8]| Digest::of_push(Encoding::Json, body);
        let mut window = Window::new(3);
        assert!(window.insert(digest(b"a"), 0));
        assert!(
            !window.insert(digest(b"a"), WINDOW_MS),
            "still remembered at the end of the window"
        );
        assert!(window.insert(digest(b"b"), WINDOW_MS + 1));
        assert!(!window.contains(&digest(b"a"), 0), "forgotten after it");
        assert!(window.insert(digest(b"c"), WINDOW_MS + 2));
        assert!(window.insert(digest(b"d"), WINDOW_MS + 3));
        assert_eq!(window.forgotten, 0);
        assert!(window.insert(digest(b"e"), WINDOW_MS + 4));
        assert_eq!(window.forgotten, 1);
        assert!(!window.contains(&digest(b"b"), WINDOW_MS + 4));
        assert!(window.contains(&digest(b"e"), 2 * WINDOW_MS + 4));
        assert!(
            !window.contains(&digest(b"e"), 2 * WINDOW_MS + 5),
            "forgotten in time though nothing came after it"
        );
    }

    #[test]
    fn the_same_bytes_in_another_encoding_are_another_body() {
        assert_ne!(
            Digest::of_push(Encoding::Json, b"x"),
            Digest::of_push(Encoding::Protobuf, b"x")
        );
    }
}
