//! Every stage that the pipeline can be told to run, with the settings it takes.

use serde::Serialize;
use serde::ser::{SerializeMap as _, Serializer};

use super::{conntrack, enrich, exporters, filter, ingest, loki, metrics};

/// One stage with its settings.
#[derive(Debug)]
pub struct Stage {
    name: String,
    settings: Settings,
}

impl Stage {
    pub fn new(name: &str, settings: Settings) -> Self {
        Self {
            name: name.to_owned(),
            settings,
        }
    }
}

/// Settings of a stage; each kind of stage has its own.
#[derive(Debug, Serialize)]
#[serde(untagged)]
pub enum Settings {
    IngestGrpc(ingest::Grpc),
    IngestKafka(Box<ingest::Kafka>),
    ExtractConnections(conntrack::Connections),
    TransformNetwork(enrich::Network),
    TransformFilter(filter::Filter),
    TransformGeneric(exporters::Generic),
    EncodeKafka(Box<exporters::Kafka>),
    EncodeOtlpLogs(Box<exporters::OtlpConnection>),
    EncodeOtlpMetrics(Box<exporters::OtlpMetrics>),
    EncodePrometheus(metrics::Prometheus),
    WriteLoki(Box<loki::Loki>),
    WriteIpfix(exporters::Ipfix),
    WriteStdout(Stdout),
}

impl Settings {
    /// Group and type of the stage, as the pipeline names them.
    fn names(&self) -> (&'static str, &'static str) {
        match self {
            Self::IngestGrpc(_) => ("ingest", "grpc"),
            Self::IngestKafka(_) => ("ingest", "kafka"),
            Self::ExtractConnections(_) => ("extract", "conntrack"),
            Self::TransformNetwork(_) => ("transform", "network"),
            Self::TransformFilter(_) => ("transform", "filter"),
            Self::TransformGeneric(_) => ("transform", "generic"),
            Self::EncodeKafka(_) => ("encode", "kafka"),
            Self::EncodeOtlpLogs(_) => ("encode", "otlplogs"),
            Self::EncodeOtlpMetrics(_) => ("encode", "otlpmetrics"),
            Self::EncodePrometheus(_) => ("encode", "prom"),
            Self::WriteLoki(_) => ("write", "loki"),
            Self::WriteIpfix(_) => ("write", "ipfix"),
            Self::WriteStdout(_) => ("write", "stdout"),
        }
    }
}

/// Prints every flow.
#[derive(Debug, Serialize)]
pub struct Stdout {
    pub format: &'static str,
}

/// `{"name": name, group: {"type": type, type: settings}}`.
impl Serialize for Stage {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let mut map = serializer.serialize_map(Some(2))?;
        map.serialize_entry("name", &self.name)?;
        map.serialize_entry(self.settings.names().0, &Body(&self.settings))?;
        map.end()
    }
}

struct Body<'a>(&'a Settings);

impl Serialize for Body<'_> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let (_, stage_type) = self.0.names();
        let mut map = serializer.serialize_map(Some(2))?;
        map.serialize_entry("type", stage_type)?;
        map.serialize_entry(stage_type, self.0)?;
        map.end()
    }
}
