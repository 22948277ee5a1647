//! Lines of JSON to records, for `stdin` and the file ingesters.
//!
//! **Invariant:** a line that is no object is counted and passed over; a line's length is bounded.

use std::fmt;

use serde::de::{Deserialize, Deserializer, MapAccess, Visitor};

use crate::model::{Field, Key, Number, Record, Value};

/// Bytes of one line at most.
pub const LINE_BYTES_MAX: usize = 1 << 20;

/// Reads one JSON object. Nulls are left out, numbers are floats; `TimeReceived` is now unless the object has it.
pub fn decode_json(line: &[u8], received_seconds: i64) -> Result<Record, serde_json::Error> {
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
