#![allow(clippy::unwrap_used, reason = "tests")]
use proptest::prelude::*;
use prost::Message;

use super::*;

/// The message as prost knows it: the oracle of the hand-made writer.
#[derive(Clone, PartialEq, Message)]
struct PushRequest {
    #[prost(message, repeated, tag = "1")]
    streams: Vec<StreamMessage>,
}

#[derive(Clone, PartialEq, Message)]
struct StreamMessage {
    #[prost(string, tag = "1")]
    labels: String,
    #[prost(message, repeated, tag = "2")]
    entries: Vec<EntryMessage>,
}

#[derive(Clone, PartialEq, Message)]
struct EntryMessage {
    #[prost(message, optional, tag = "1")]
    timestamp: Option<prost_types::Timestamp>,
    #[prost(string, tag = "2")]
    line: String,
}

fn open() -> OpenBatch {
    OpenBatch::new(None, Instant::now(), LabelHasher::default())
}

fn read(push: &Push) -> PushRequest {
    let message = snap::raw::Decoder::new()
        .decompress_vec(&push.body)
        .unwrap();
    PushRequest::decode(&*message).unwrap()
}

#[test]
fn a_line_beyond_the_size_needs_a_new_batch_but_a_first_one_never() {
    let mut batch = open();
    assert!(batch.has_room(100, 10));
    batch.add("{}", (1, 2), "12345678");
    assert!(batch.has_room(2, 10));
    assert!(!batch.has_room(3, 10));
}

#[test]
fn an_empty_batch_is_an_empty_message() {
    assert_eq!(read(&open().close()), PushRequest::default());
}

proptest! {
    #[test]
    fn prost_reads_what_is_written(
        lines in prop::collection::vec((0_u8..4, any::<i64>(), 0_i32..1_000_000_000, ".{0,300}"), 1..60)
    ) {
        let mut batch = open();
        let mut expected = PushRequest::default();
        for (stream, seconds, nanos, line) in &lines {
            let labels = format!("{{a=\"{stream}\"}}");
            batch.add(&labels, (*seconds, *nanos), line);
            let entry = EntryMessage {
                timestamp: Some(prost_types::Timestamp { seconds: *seconds, nanos: *nanos }),
                line: line.clone(),
            };
            match expected.streams.iter_mut().find(|known| known.labels == labels) {
                Some(known) => known.entries.push(entry),
                None => expected.streams.push(StreamMessage { labels, entries: vec![entry] }),
            }
        }
        let push = batch.close();
        prop_assert_eq!(push.entries, lines.len() as u64);
        prop_assert_eq!(read(&push), expected);
    }
}
