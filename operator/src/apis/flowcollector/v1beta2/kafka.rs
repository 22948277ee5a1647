//! `spec.kafka`, also used by the Kafka exporter.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use serde_with::skip_serializing_none;

use super::shared::{ClientTls, Sasl};
use crate::apis::text_enum::text_enum;

text_enum! {
    /// Codec of messages sent to Kafka.
    pub enum KafkaCompression {
        None = "none",
        Gzip = "gzip",
        Snappy = "snappy",
        Lz4 = "lz4",
        Zstd = "zstd",
    }
}

/// A Kafka topic and how to reach it.
#[skip_serializing_none]
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct Kafka {
    /// Brokers, as `host:port`, separated by commas; of an exporter only one.
    #[schemars(extend("default" = ""))]
    pub address: String,
    /// Topic; it must exist.
    #[schemars(extend("default" = ""))]
    pub topic: String,
    /// TLS to the brokers. Absent: plain text.
    pub tls: Option<ClientTls>,
    /// Authentication. Absent: none.
    pub sasl: Option<Sasl>,
    /// Codec of the messages: `none`, `gzip`, `snappy`, `lz4` (default) or `zstd`.
    #[schemars(extend("default" = "lz4"))]
    pub compression: Option<KafkaCompression>,
}
