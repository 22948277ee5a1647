//! Lines of JSON to records, for `stdin` and the file ingesters.
//!
//! **Invariant:** a line that is no object is counted and passed over; a line's length and
//! the number of its values are bounded.

use std::{fmt, io};

use serde::de::{Deserialize, Deserializer, MapAccess, Visitor};
use tokio::io::{AsyncBufReadExt as _, AsyncRead, AsyncReadExt as _, BufReader};

use crate::model::{Field, Key, Number, Record, Value};

/// Bytes of one line at most.
pub const LINE_BYTES_MAX: usize = 1 << 20;
/// Values in one line at most, nested ones included: each may cost much more memory than its bytes, and names that the
/// dictionary does not know are looked for one by one. Counted by the signs that part values, in texts too.
const LINE_VALUES_MAX: usize = 2048;

/// Bytes read at once.
const BUFFER_BYTES: usize = 64 << 10;

/// A source read line by line.
pub struct Lines<R> {
    input: BufReader<R>,
    line: Vec<u8>,
}

/// A line has more than [`LINE_BYTES_MAX`] bytes and was passed over.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("longer than {LINE_BYTES_MAX} bytes")]
pub struct TooLong;

impl<R: AsyncRead + Unpin> Lines<R> {
    /// Reads nothing yet.
    pub fn new(source: R) -> Self {
        Self {
            input: BufReader::with_capacity(BUFFER_BYTES, source),
            line: Vec::new(),
        }
    }

    /// The next line, without its line feed; nothing at the end. If the future is dropped, the line is lost.
    pub async fn next(&mut self) -> io::Result<Option<Result<&[u8], TooLong>>> {
        self.line.clear();
        let mut limited = (&mut self.input).take(LINE_BYTES_MAX as u64 + 1);
        if limited.read_until(b'\n', &mut self.line).await? == 0 {
            return Ok(None);
        }
        if self.line.ends_with(b"\n") {
            self.line.pop();
        } else if self.line.len() > LINE_BYTES_MAX {
            self.skip().await?;
            return Ok(Some(Err(TooLong)));
        }
        Ok(Some(Ok(&self.line)))
    }

    /// Whether the next line has to be waited for.
    pub fn is_read_up(&self) -> bool {
        !self.input.buffer().contains(&b'\n')
    }

    /// Passes over the rest of a line.
    async fn skip(&mut self) -> io::Result<()> {
        loop {
            let bytes = self.input.fill_buf().await?;
            let end = bytes.iter().position(|byte| *byte == b'\n');
            let (used, is_end) = end.map_or((bytes.len(), bytes.is_empty()), |at| (at + 1, true));
            self.input.consume(used);
            if is_end {
                return Ok(());
            }
        }
    }
}

/// Reads one JSON object. Nulls are left out, numbers are floats; `TimeReceived` is now unless the object has it.
pub fn decode_json(line: &[u8], received_seconds: i64) -> Result<Record, serde_json::Error> {
    let parts_values = |byte: &&u8| matches!(byte, b',' | b'[' | b'{');
    if line.iter().filter(parts_values).count() > LINE_VALUES_MAX {
        let message = format_args!("more than {LINE_VALUES_MAX} values in a line");
        return Err(serde::de::Error::custom(message));
    }
    let JsonRecord(mut record) = serde_json::from_slice(line)?;
    if !record.has(&Key::Known(Field::TimeReceived)) {
        record.set_field(
            Field::TimeReceived,
            Value::Number(Number::I64(received_seconds)),
        );
    }
    Ok(record)
}

struct JsonRecord(Record);

impl<'de> Deserialize<'de> for JsonRecord {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct Fields;
        impl<'de> Visitor<'de> for Fields {
            type Value = JsonRecord;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("one JSON object with the fields of a flow")
            }

            fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<JsonRecord, A::Error> {
                let mut record = Record::new();
                while let Some((name, value)) = map.next_entry::<String, serde_json::Value>()? {
                    if !value.is_null() {
                        record.set(&Key::from(name.as_str()), Value::from_json(value));
                    }
                }
                Ok(JsonRecord(record))
            }
        }
        deserializer.deserialize_map(Fields)
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, reason = "tests")]
    use super::*;

    #[tokio::test]
    async fn half_a_line_has_to_be_waited_for() {
        let mut lines = Lines::new(&b"one\ntwo\nhal"[..]);
        for (line, is_read_up) in [("one", false), ("two", true), ("hal", true)] {
            let next = lines.next().await.unwrap().unwrap().unwrap();
            assert_eq!(next, line.as_bytes());
            assert_eq!(lines.is_read_up(), is_read_up, "{line}");
        }
    }
}
