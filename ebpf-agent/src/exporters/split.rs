//! Cuts an encoded batch in two, for a collector that takes smaller messages only.
//!
//! **Invariant:** pure; the halves together are the batch. Records are not looked into, only stepped over.

use crate::flow::EncodedBatch;

/// Tag of `Records.entries`: field 1, length-delimited.
const ENTRY_TAG: u8 = 0x0a;

/// Two halves by number of records; `None` if there is but one record.
pub fn halve(batch: &EncodedBatch) -> Option<(EncodedBatch, EncodedBatch)> {
    let first_records = batch.records / 2;
    if first_records == 0 {
        return None;
    }
    let mut at = 0;
    for _ in 0..first_records {
        at = entry_end(&batch.body, at)?;
    }
    let first = EncodedBatch {
        body: batch.body.slice(..at),
        records: first_records,
    };
    let second = EncodedBatch {
        body: batch.body.slice(at..),
        records: batch.records - first_records,
    };
    Some((first, second))
}

/// Where the entry that starts at `at` ends.
fn entry_end(body: &[u8], at: usize) -> Option<usize> {
    let entry = body.get(at..)?;
    if *entry.first()? != ENTRY_TAG {
        return None;
    }
    let mut length = 0_usize;
    for (position, byte) in entry.iter().skip(1).take(5).enumerate() {
        length |= usize::from(byte & 0x7f) << (7 * position);
        if byte & 0x80 == 0 {
            let end = at + 2 + position + length;
            return (end <= body.len()).then_some(end);
        }
    }
    None
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, reason = "tests")]
    use bytes::Bytes;

    use super::*;

    fn batch(lengths: &[usize]) -> EncodedBatch {
        let mut body = Vec::new();
        for (position, length) in lengths.iter().enumerate() {
            body.push(ENTRY_TAG);
            prost::encoding::encode_varint(*length as u64, &mut body);
            body.extend(vec![position as u8; *length]);
        }
        EncodedBatch {
            body: Bytes::from(body),
            records: lengths.len() as u32,
        }
    }

    #[test]
    fn halves_add_up_to_the_batch_at_any_length_of_records() {
        for lengths in [
            &[1, 2][..],
            &[127, 128, 20_000],
            &[0, 0, 0, 5],
            &[300, 1, 2, 3, 4],
        ] {
            let whole = batch(lengths);
            let (first, second) = halve(&whole).unwrap();
            assert_eq!(first.records, lengths.len() as u32 / 2);
            assert_eq!(first.records + second.records, whole.records);
            assert_eq!([&first.body[..], &second.body[..]].concat(), whole.body);
            assert_eq!(first.body, batch(&lengths[..lengths.len() / 2]).body);
        }
    }

    #[test]
    fn one_record_or_bytes_that_are_no_records_are_not_cut() {
        assert!(halve(&batch(&[5])).is_none());
        for body in [
            &b""[..],
            &[0x12, 1, 0],
            &[ENTRY_TAG, 200],
            &[ENTRY_TAG, 0x80, 0x80, 0x80, 0x80, 0x80, 1],
        ] {
            assert!(
                halve(&EncodedBatch {
                    body: Bytes::copy_from_slice(body),
                    records: 4
                })
                .is_none()
            );
        }
    }
}
