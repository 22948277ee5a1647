//! A push as protobuf: streams of labelled lines.
//!
//! **Invariant:** lines are handed on as slices of the body; unknown protobuf fields are skipped, as protobuf says.

use super::{Decoder, PushError, labels};

/// `PushRequest { repeated Stream streams = 1 }`, `Stream { string labels = 1; repeated Entry entries = 2 }`,
/// `Entry { Timestamp timestamp = 1; string line = 2 }`, `Timestamp { int64 seconds = 1; int32 nanos = 2 }`.
pub(super) fn protobuf(body: &[u8], decoder: &mut Decoder<'_>) -> Result<(), PushError> {
    let limit = decoder.limits.decoded_bytes;
    let bytes =
        snap::raw::decompress_len(body).map_err(|error| PushError::Snappy(error.to_string()))?;
    if bytes > limit {
        return Err(PushError::TooLarge { bytes, limit });
    }
    // A snappy block grows at most 64 bytes out of 3: a short body that claims more is a lie not worth the memory.
    if bytes / 32 > body.len() {
        return Err(PushError::Snappy(
            "the claimed length cannot be reached".to_owned(),
        ));
    }
    let mut buffer = decoder.push.lines.take_buffer();
    // Never shortened, so that only what is new has to be cleared.
    if buffer.len() < bytes {
        buffer.resize(bytes, 0);
    }
    let length = snap::raw::Decoder::new()
        .decompress(body, &mut buffer)
        .map_err(|error| PushError::Snappy(error.to_string()))?;
    streams(&buffer[..length], decoder)?;
    decoder.push.lines.keep_buffer(buffer);
    Ok(())
}

fn streams(message: &[u8], decoder: &mut Decoder<'_>) -> Result<(), PushError> {
    let mut request = Message::new(message, 0);
    while let Some((number, stream)) = request.next()? {
        let (1, Field::Bytes(mut stream)) = (number, stream) else {
            continue;
        };
        let entries = stream.clone();
        let mut text = "";
        while let Some((number, field)) = stream.next()? {
            if let (1, Field::Bytes(field)) = (number, field) {
                text =
                    std::str::from_utf8(field.bytes).map_err(|_| field.error("UTF-8 expected"))?;
            }
        }
        set_labels(text, decoder)?;
        let mut entries = entries;
        while let Some((number, field)) = entries.next()? {
            if let (2, Field::Bytes(entry)) = (number, field) {
                read_entry(entry, decoder)?;
            }
        }
    }
    Ok(())
}

fn set_labels(text: &str, decoder: &mut Decoder<'_>) -> Result<(), PushError> {
    decoder.begin_stream();
    if !text.is_empty() {
        let expected = decoder.expected_label();
        labels::parse(text, expected, |name, value| {
            decoder.label(name, value);
            decoder.expected_label()
        })
        .map_err(|what| PushError::Labels {
            labels: excerpt(text),
            what,
        })?;
    }
    decoder.end_stream();
    Ok(())
}

/// Characters of a body that an error repeats.
const EXCERPT_CHARS: usize = 120;

/// The beginning of a text, for errors.
pub(super) fn excerpt(text: &str) -> String {
    text.chars().take(EXCERPT_CHARS).collect()
}

fn read_entry(mut entry: Message<'_>, decoder: &mut Decoder<'_>) -> Result<(), PushError> {
    let mut line: &[u8] = &[];
    let mut time_ms = 0i64;
    while let Some((number, field)) = entry.next()? {
        match (number, field) {
            (1, Field::Bytes(mut time)) => {
                while let Some((number, field)) = time.next()? {
                    match (number, field) {
                        (1, Field::Varint(seconds)) => {
                            time_ms = time_ms.saturating_add((seconds as i64).saturating_mul(1000));
                        }
                        (2, Field::Varint(nanos)) => {
                            time_ms = time_ms.saturating_add(nanos as i64 / 1_000_000);
                        }
                        _ => {}
                    }
                }
            }
            (2, Field::Bytes(field)) => line = field.bytes,
            _ => {}
        }
    }
    decoder.line(line, time_ms)
}

#[derive(Clone)]
struct Message<'a> {
    bytes: &'a [u8],
    at: usize,
    /// Where the message begins in the whole body, for errors.
    base: usize,
}

enum Field<'a> {
    Varint(u64),
    Bytes(Message<'a>),
    Fixed,
}

impl<'a> Message<'a> {
    fn new(bytes: &'a [u8], base: usize) -> Self {
        Self { bytes, at: 0, base }
    }

    fn error(&self, what: &'static str) -> PushError {
        PushError::Protobuf {
            what,
            offset: self.base + self.at,
        }
    }

    fn varint(&mut self) -> Result<u64, PushError> {
        let mut value = 0u64;
        for shift in (0..70).step_by(7) {
            let byte = *self
                .bytes
                .get(self.at)
                .ok_or_else(|| self.error("a number ends early"))?;
            self.at += 1;
            value |= u64::from(byte & 0x7f).checked_shl(shift).unwrap_or(0);
            if byte < 0x80 {
                return Ok(value);
            }
        }
        Err(self.error("a number is too long"))
    }

    fn take(&mut self, length: u64) -> Result<Message<'a>, PushError> {
        let end = usize::try_from(length)
            .ok()
            .and_then(|length| self.at.checked_add(length));
        let bytes = end
            .and_then(|end| self.bytes.get(self.at..end))
            .ok_or_else(|| self.error("a field ends early"))?;
        let message = Message::new(bytes, self.base + self.at);
        self.at += bytes.len();
        Ok(message)
    }

    fn next(&mut self) -> Result<Option<(u64, Field<'a>)>, PushError> {
        if self.at == self.bytes.len() {
            return Ok(None);
        }
        let tag = self.varint()?;
        let field = match tag & 7 {
            0 => Field::Varint(self.varint()?),
            1 => self.take(8).map(|_| Field::Fixed)?,
            2 => {
                let length = self.varint()?;
                Field::Bytes(self.take(length)?)
            }
            5 => self.take(4).map(|_| Field::Fixed)?,
            _ => return Err(self.error("an unknown wire type")),
        };
        Ok(Some((tag >> 3, field)))
    }
}
