//! A push as JSON: `{"streams": [{"stream": {"name": "value"}, "values": [["<ns>", "<line>"]]}]}`.
//!
//! **Invariant:** beside the rows, only the labels of one stream and one entry are held at a time; what exceeds a limit
//! ends the reading there.

use std::borrow::Cow;
use std::collections::BTreeMap;
use std::fmt;

use serde::Deserialize;
use serde::de::{
    DeserializeSeed, Deserializer, Error as _, IgnoredAny, MapAccess, SeqAccess, Visitor,
};
use serde_json::value::RawValue;

use super::envelope::excerpt;
use super::{Decoder, PushError, labels};

/// Reads the body into the decoder.
pub(super) fn read(body: &[u8], decoder: &mut Decoder<'_>) -> Result<(), PushError> {
    let limit = decoder.limits.decoded_bytes;
    if body.len() > limit {
        return Err(PushError::TooLarge {
            bytes: body.len(),
            limit,
        });
    }
    let mut reader = Reader {
        decoder,
        refusal: None,
    };
    let mut json = serde_json::Deserializer::from_slice(body);
    let read = Request(&mut reader)
        .deserialize(&mut json)
        .and_then(|()| json.end());
    match (reader.refusal, read) {
        (Some(refusal), _) => Err(refusal),
        (None, Err(error)) => Err(json_error(&error, "")),
        (None, Ok(())) => Ok(()),
    }
}

/// The parser's error repeats the value that it did not expect, whose length is that of the body.
fn json_error(error: &serde_json::Error, place: &str) -> PushError {
    let text = error.to_string();
    let beginning = excerpt(&text);
    PushError::Json(if beginning.len() == text.len() {
        text + place
    } else {
        let (line, column) = (error.line(), error.column());
        format!("{beginning}… at line {line} column {column}{place}")
    })
}

struct Reader<'r, 'a> {
    decoder: &'r mut Decoder<'a>,
    /// Why the push is refused, if it is for another reason than its JSON.
    refusal: Option<PushError>,
}

impl Reader<'_, '_> {
    /// Ends the reading.
    fn refuse<E: serde::de::Error>(&mut self, refusal: PushError) -> E {
        self.refusal = Some(refusal);
        E::custom("refused")
    }

    fn labels(&mut self, labels: &BTreeMap<Text<'_>, Text<'_>>) {
        self.decoder.begin_stream();
        for (name, value) in labels {
            self.decoder.label(&name.0, &value.0);
        }
        self.decoder.end_stream();
    }

    fn entry(&mut self, time: &str, line: &str) -> Result<(), PushError> {
        let nanos: i64 = time.parse().map_err(|_| {
            PushError::Json(format!(
                "\"{}\" is not a time",
                excerpt(time).escape_default()
            ))
        })?;
        self.decoder.line(line.as_bytes(), nanos / 1_000_000)
    }
}

/// A text that is borrowed from the body where it has no escapes.
#[derive(Deserialize, PartialEq, Eq, PartialOrd, Ord)]
#[serde(transparent)]
struct Text<'a>(#[serde(borrow)] Cow<'a, str>);

/// The whole body.
struct Request<'s, 'r, 'a>(&'s mut Reader<'r, 'a>);
/// The list of streams.
struct Streams<'s, 'r, 'a>(&'s mut Reader<'r, 'a>);
/// One stream.
struct Stream<'s, 'r, 'a>(&'s mut Reader<'r, 'a>);
/// The labels of a stream.
struct Labels<'s, 'r, 'a>(&'s mut Reader<'r, 'a>);
/// The entries of a stream.
struct Entries<'s, 'r, 'a>(&'s mut Reader<'r, 'a>);
/// One entry.
struct Entry<'s, 'r, 'a>(&'s mut Reader<'r, 'a>);

impl<'de> DeserializeSeed<'de> for Request<'_, '_, '_> {
    type Value = ();

    fn deserialize<D: Deserializer<'de>>(self, json: D) -> Result<(), D::Error> {
        json.deserialize_map(self)
    }
}

impl<'de> Visitor<'de> for Request<'_, '_, '_> {
    type Value = ();

    fn expecting(&self, text: &mut fmt::Formatter<'_>) -> fmt::Result {
        text.write_str("an object with streams")
    }

    fn visit_map<A: MapAccess<'de>>(self, mut members: A) -> Result<(), A::Error> {
        while let Some(name) = members.next_key::<Text<'_>>()? {
            if name.0 == "streams" {
                members.next_value_seed(Streams(self.0))?;
            } else {
                members.next_value::<IgnoredAny>()?;
            }
        }
        Ok(())
    }
}

impl<'de> DeserializeSeed<'de> for Streams<'_, '_, '_> {
    type Value = ();

    fn deserialize<D: Deserializer<'de>>(self, json: D) -> Result<(), D::Error> {
        json.deserialize_seq(self)
    }
}

impl<'de> Visitor<'de> for Streams<'_, '_, '_> {
    type Value = ();

    fn expecting(&self, text: &mut fmt::Formatter<'_>) -> fmt::Result {
        text.write_str("a list of streams")
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut streams: A) -> Result<(), A::Error> {
        while streams.next_element_seed(Stream(self.0))?.is_some() {}
        Ok(())
    }
}

impl<'de> DeserializeSeed<'de> for Stream<'_, '_, '_> {
    type Value = ();

    fn deserialize<D: Deserializer<'de>>(self, json: D) -> Result<(), D::Error> {
        json.deserialize_map(self)
    }
}

impl<'de> Visitor<'de> for Stream<'_, '_, '_> {
    type Value = ();

    fn expecting(&self, text: &mut fmt::Formatter<'_>) -> fmt::Result {
        text.write_str("a stream")
    }

    fn visit_map<A: MapAccess<'de>>(self, mut members: A) -> Result<(), A::Error> {
        let mut labels = BTreeMap::new();
        // The entries may come before the labels that they carry, so their text is kept as it is and read afterwards.
        let mut entries: Option<&'de RawValue> = None;
        while let Some(name) = members.next_key::<Text<'_>>()? {
            match &*name.0 {
                "stream" => labels = members.next_value_seed(Labels(self.0))?,
                "values" if entries.is_some() => return Err(A::Error::duplicate_field("values")),
                "values" => entries = Some(members.next_value()?),
                _ => drop(members.next_value::<IgnoredAny>()?),
            }
        }
        self.0.labels(&labels);
        let Some(entries) = entries else {
            return Ok(());
        };
        let mut json = serde_json::Deserializer::from_str(entries.get());
        Entries(self.0).deserialize(&mut json).map_err(|error| {
            let refusal = self.0.refusal.take();
            let refusal = refusal.unwrap_or_else(|| json_error(&error, " of a stream's values"));
            self.0.refuse(refusal)
        })
    }
}

impl<'de> DeserializeSeed<'de> for Labels<'_, '_, '_> {
    type Value = BTreeMap<Text<'de>, Text<'de>>;

    fn deserialize<D: Deserializer<'de>>(self, json: D) -> Result<Self::Value, D::Error> {
        json.deserialize_map(self)
    }
}

impl<'de> Visitor<'de> for Labels<'_, '_, '_> {
    type Value = BTreeMap<Text<'de>, Text<'de>>;

    fn expecting(&self, text: &mut fmt::Formatter<'_>) -> fmt::Result {
        text.write_str("an object of labels")
    }

    fn visit_map<A: MapAccess<'de>>(self, mut members: A) -> Result<Self::Value, A::Error> {
        let mut labels = BTreeMap::new();
        while let Some((name, value)) = members.next_entry::<Text<'de>, Text<'de>>()? {
            if labels.len() == labels::LABELS_MAX && !labels.contains_key(&name) {
                return Err(self.0.refuse(PushError::Labels {
                    labels: excerpt(&name.0),
                    what: labels::TOO_MANY,
                }));
            }
            labels.insert(name, value);
        }
        Ok(labels)
    }
}

impl<'de> DeserializeSeed<'de> for Entries<'_, '_, '_> {
    type Value = ();

    fn deserialize<D: Deserializer<'de>>(self, json: D) -> Result<(), D::Error> {
        json.deserialize_seq(self)
    }
}

impl<'de> Visitor<'de> for Entries<'_, '_, '_> {
    type Value = ();

    fn expecting(&self, text: &mut fmt::Formatter<'_>) -> fmt::Result {
        text.write_str("a list of entries")
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut entries: A) -> Result<(), A::Error> {
        while entries.next_element_seed(Entry(self.0))?.is_some() {}
        Ok(())
    }
}

impl<'de> DeserializeSeed<'de> for Entry<'_, '_, '_> {
    type Value = ();

    fn deserialize<D: Deserializer<'de>>(self, json: D) -> Result<(), D::Error> {
        json.deserialize_seq(self)
    }
}

impl<'de> Visitor<'de> for Entry<'_, '_, '_> {
    type Value = ();

    fn expecting(&self, text: &mut fmt::Formatter<'_>) -> fmt::Result {
        text.write_str("a time, a line, and perhaps metadata")
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut parts: A) -> Result<(), A::Error> {
        let missing = |parts| A::Error::invalid_length(parts, &"a time and a line");
        let time: Text<'de> = parts.next_element()?.ok_or_else(|| missing(0))?;
        let line: Text<'de> = parts.next_element()?.ok_or_else(|| missing(1))?;
        parts.next_element::<IgnoredAny>()?;
        if parts.next_element::<IgnoredAny>()?.is_some() {
            return Err(A::Error::invalid_length(4, &self));
        }
        self.0
            .entry(&time.0, &line.0)
            .map_err(|refusal| self.0.refuse(refusal))
    }
}
