//! What one metrics server shows: metrics by name, each with its collector.
//!
//! Stages and the operational metrics register here; the metrics server asks for a [`Scrape`], an HTTP body that is
//! made piece by piece while it is sent.
//! **Invariant:** a name has one collector, so all its samples come together under one header, as the text format
//! demands; no more than one piece of a scrape is in memory at a time.

use std::collections::BTreeMap;
use std::convert::Infallible;
use std::pin::Pin;
use std::sync::{Arc, PoisonError, RwLock};
use std::task::{Context, Poll};

use bytes::Bytes;
use hyper::body::{Body, Frame};

use super::text::{self, Kind};

/// Size a piece is filled up to; a long family stops near it by itself.
const PIECE_BYTES: usize = 32 * 1024;

/// Something that can write its samples.
pub trait Collect: Send + Sync {
    /// Appends samples of `name` from `cursor` on (0 at first); returns where to go on, `None` at the end.
    fn collect(&self, name: &str, cursor: usize, out: &mut Vec<u8>) -> Option<usize>;
}

/// Why a metric cannot be shown.
#[derive(Debug, thiserror::Error, PartialEq, Eq)]
pub enum RegisterError {
    #[error("metric '{name}' exists already: give this one another name or prefix")]
    Taken { name: String },
    #[error(
        "'{name}' is not a metric name: use letters, digits, '_' and ':', not starting with a digit"
    )]
    InvalidName { name: String },
}

struct Entry {
    kind: Kind,
    help: String,
    collector: Arc<dyn Collect>,
}

/// Cheap to clone; all clones are the same registry.
#[derive(Clone, Default)]
pub struct Registry(Arc<RwLock<BTreeMap<String, Entry>>>);

impl Registry {
    /// Adds a metric. A name has one owner: two could show the same series, and then the whole scrape is refused.
    pub fn register(
        &self,
        name: &str,
        kind: Kind,
        help: &str,
        collector: Arc<dyn Collect>,
    ) -> Result<(), RegisterError> {
        if !text::is_metric_name(name) {
            return Err(RegisterError::InvalidName { name: name.into() });
        }
        let mut entries = self.0.write().unwrap_or_else(PoisonError::into_inner);
        if entries.contains_key(name) {
            return Err(RegisterError::Taken { name: name.into() });
        }
        let entry = Entry {
            kind,
            help: help.into(),
            collector,
        };
        entries.insert(name.into(), entry);
        Ok(())
    }

    /// Starts a scrape of what is registered now.
    pub fn scrape(&self) -> Scrape {
        let entries = self.0.read().unwrap_or_else(PoisonError::into_inner);
        let parts = entries
            .iter()
            .map(|(name, entry)| Part {
                name: name.clone(),
                kind: entry.kind,
                help: entry.help.clone(),
                collector: Arc::clone(&entry.collector),
            })
            .collect();
        Scrape {
            parts,
            at: 0,
            cursor: 0,
        }
    }

    /// The whole scrape as text, for tests and tools.
    pub fn to_text(&self) -> String {
        let mut scrape = self.scrape();
        let mut out = Vec::new();
        while let Some(piece) = scrape.next_piece() {
            out.extend_from_slice(&piece);
        }
        String::from_utf8_lossy(&out).into_owned()
    }
}

struct Part {
    name: String,
    kind: Kind,
    help: String,
    collector: Arc<dyn Collect>,
}

/// A scrape under way.
pub struct Scrape {
    parts: Vec<Part>,
    at: usize,
    cursor: usize,
}

impl Scrape {
    fn next_piece(&mut self) -> Option<Bytes> {
        let mut out = Vec::new();
        while out.len() < PIECE_BYTES
            && let Some(part) = self.parts.get(self.at)
        {
            if self.cursor == 0 {
                text::header(&mut out, &part.name, part.kind, &part.help);
            }
            let next = part.collector.collect(&part.name, self.cursor, &mut out);
            self.at += usize::from(next.is_none());
            self.cursor = next.unwrap_or(0);
        }
        (!out.is_empty()).then(|| out.into())
    }
}

impl Body for Scrape {
    type Data = Bytes;
    type Error = Infallible;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        _: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, Infallible>>> {
        Poll::Ready(self.next_piece().map(|piece| Ok(Frame::data(piece))))
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, reason = "tests")]
    use super::*;

    struct Fixed(f64);

    impl Collect for Fixed {
        fn collect(&self, name: &str, _: usize, out: &mut Vec<u8>) -> Option<usize> {
            text::sample(out, name, "", "", self.0);
            None
        }
    }

    #[test]
    fn metrics_come_in_the_order_of_their_names() {
        let registry = Registry::default();
        for (name, value) in [("b", 1.0), ("a", 2.0)] {
            registry
                .register(name, Kind::Gauge, "Help.", Arc::new(Fixed(value)))
                .unwrap();
        }
        assert_eq!(
            registry.to_text(),
            "# HELP a Help.\n# TYPE a gauge\na 2\n# HELP b Help.\n# TYPE b gauge\nb 1\n"
        );
    }

    #[test]
    fn a_name_has_one_owner_and_must_be_a_name() {
        let registry = Registry::default();
        let register = |name| registry.register(name, Kind::Gauge, "", Arc::new(Fixed(1.0)));
        register("a").unwrap();
        assert_eq!(
            register("a").unwrap_err().to_string(),
            "metric 'a' exists already: give this one another name or prefix"
        );
        let error = register("1-a").unwrap_err();
        assert_eq!(error, RegisterError::InvalidName { name: "1-a".into() });
    }
}
