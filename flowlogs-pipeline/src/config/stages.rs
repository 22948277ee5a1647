//! One entry of `parameters`: a name and the settings of one stage of one kind.

use schemars::JsonSchema;
use serde::Deserialize;
use serde_json::Value;

use super::Problems;
pub use crate::encode::EncodeConfig;
use crate::encode::prom::PromConfig;
use crate::ingest::file::{FileConfig, Mode};
use crate::ingest::grpc::GrpcConfig;
use crate::transform::filter::FilterConfig;
use crate::transform::generic::GenericConfig;
use crate::transform::network::NetworkConfig;
pub use crate::write::WriteConfig;
use crate::write::loki::LokiConfig;
use crate::write::stdout::StdoutConfig;

/// The kinds of stages, in the order in which an entry with several of them is read.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum StageKind {
    /// Receives records.
    Ingest,
    /// Changes or removes records.
    Transform,
    /// Turns records into others.
    Extract,
    /// Ends a branch in another form.
    Encode,
    /// Ends a branch.
    Write,
}

impl StageKind {
    /// As in the configuration and in messages.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Ingest => "ingest",
            Self::Transform => "transform",
            Self::Extract => "extract",
            Self::Encode => "encode",
            Self::Write => "write",
        }
    }
}

/// The checked settings of a stage.
#[derive(Clone, Debug)]
pub enum StageConfig {
    /// Receives records.
    Ingest(IngestConfig),
    /// Changes or removes records.
    Transform(TransformConfig),
    /// Ends a branch in another form.
    Encode(EncodeConfig),
    /// Ends a branch.
    Write(WriteConfig),
}

impl StageConfig {
    /// The kind of the stage.
    pub const fn kind(&self) -> StageKind {
        match self {
            Self::Ingest(_) => StageKind::Ingest,
            Self::Transform(_) => StageKind::Transform,
            Self::Encode(_) => StageKind::Encode,
            Self::Write(_) => StageKind::Write,
        }
    }
}

/// The settings of an ingester.
#[derive(Clone, Debug)]
pub enum IngestConfig {
    /// Flows from agents.
    Grpc(GrpcConfig),
    /// One JSON object per line.
    Stdin,
    /// Lines of a file.
    File(FileConfig, Mode),
}

/// The settings of a transform.
#[derive(Clone, Debug)]
pub enum TransformConfig {
    /// Passes everything.
    None,
    /// Renames and scales.
    Generic(GenericConfig),
    /// Removes records and fields.
    Filter(FilterConfig),
    /// Adds what is known about addresses and ports.
    Network(NetworkConfig),
}

/// One entry of `parameters`: `name` and exactly one of the others.
#[derive(Debug, Default, Deserialize, JsonSchema)]
#[serde(default)]
pub struct StageParameters {
    /// The stage's name.
    pub name: String,
    /// An ingester.
    pub ingest: Option<IngestParameters>,
    /// A transform.
    pub transform: Option<TransformParameters>,
    /// An extract stage; not available in this version.
    pub extract: Option<ExtractParameters>,
    /// An encode stage.
    pub encode: Option<EncodeParameters>,
    /// A write stage.
    pub write: Option<WriteParameters>,
}

/// An ingester: `type` and the object of that name. `kafka`, `ipfix`, `collector` and `synthetic` come later.
#[derive(Debug, Default, Deserialize, JsonSchema)]
#[serde(default)]
pub struct IngestParameters {
    /// grpc, stdin, file, file_loop or file_chunks.
    pub r#type: String,
    grpc: Option<GrpcConfig>,
    stdin: Option<Value>,
    file: Option<FileConfig>,
    kafka: Option<Value>,
    ipfix: Option<Value>,
    collector: Option<Value>,
    synthetic: Option<Value>,
}

/// A transform: `type` and the object of that name.
#[derive(Debug, Default, Deserialize, JsonSchema)]
#[serde(default)]
pub struct TransformParameters {
    /// generic, filter, network or none.
    pub r#type: String,
    generic: Option<GenericConfig>,
    filter: Option<FilterConfig>,
    network: Option<NetworkConfig>,
}

/// An extract stage: `type` and the object of that name. All of them come later.
#[derive(Debug, Default, Deserialize, JsonSchema)]
#[serde(default)]
pub struct ExtractParameters {
    /// aggregates, conntrack, timebased or none.
    pub r#type: String,
    aggregates: Option<Value>,
    conntrack: Option<Value>,
    timebased: Option<Value>,
}

/// An encode stage: `type` and the object of that name. All but `prom` come later.
#[derive(Debug, Default, Deserialize, JsonSchema)]
#[serde(default)]
pub struct EncodeParameters {
    /// prom or none.
    pub r#type: String,
    prom: Option<PromConfig>,
    kafka: Option<Value>,
    s3: Option<Value>,
    otlplogs: Option<Value>,
    otlpmetrics: Option<Value>,
    otlptraces: Option<Value>,
}

/// A write stage: `type` and the object of that name. `grpc` and `ipfix` come later.
#[derive(Debug, Default, Deserialize, JsonSchema)]
#[serde(default)]
pub struct WriteParameters {
    /// loki, stdout or none.
    pub r#type: String,
    loki: Option<LokiConfig>,
    stdout: Option<StdoutConfig>,
    grpc: Option<Value>,
    ipfix: Option<Value>,
}

impl StageParameters {
    /// The settings of the stage, checked; nothing when they were refused.
    pub fn resolve(self, problems: &mut Problems) -> Option<StageConfig> {
        if let Some(ingest) = self.ingest.filter(|stage| !stage.r#type.is_empty()) {
            problems
                .at("ingest", |problems| ingest.resolve(problems))
                .map(StageConfig::Ingest)
        } else if let Some(transform) = self.transform.filter(|stage| !stage.r#type.is_empty()) {
            problems
                .at("transform", |problems| transform.resolve(problems))
                .map(StageConfig::Transform)
        } else if let Some(extract) = self.extract.filter(|stage| !stage.r#type.is_empty()) {
            let later = ["aggregates", "conntrack", "timebased", "none"];
            problems.at("extract", |problems| {
                refuse_type(StageKind::Extract, &extract.r#type, &[], &later, problems);
            });
            None
        } else if let Some(encode) = self.encode.filter(|stage| !stage.r#type.is_empty()) {
            problems
                .at("encode", |problems| encode.resolve(problems))
                .map(StageConfig::Encode)
        } else if let Some(write) = self.write.filter(|stage| !stage.r#type.is_empty()) {
            problems
                .at("write", |problems| write.resolve(problems))
                .map(StageConfig::Write)
        } else {
            problems.error("", "has no stage: give it one of ingest, transform, extract, encode or write with a type");
            None
        }
    }
}

impl IngestParameters {
    fn resolve(self, problems: &mut Problems) -> Option<IngestConfig> {
        Some(match self.r#type.as_str() {
            "grpc" => {
                let config = self.grpc.unwrap_or_default();
                problems.at("grpc", |problems| config.validate(problems));
                IngestConfig::Grpc(config)
            }
            "stdin" => IngestConfig::Stdin,
            kind @ ("file" | "file_loop" | "file_chunks") => {
                let config = self.file.unwrap_or_default();
                problems.at("file", |problems| config.validate(problems));
                IngestConfig::File(
                    config,
                    match kind {
                        "file_loop" => Mode::Loop,
                        "file_chunks" => Mode::Chunks,
                        _ => Mode::Once,
                    },
                )
            }
            other => {
                let later = ["kafka", "ipfix", "collector", "synthetic"];
                let now = ["grpc", "stdin", "file", "file_loop", "file_chunks"];
                refuse_type(StageKind::Ingest, other, &now, &later, problems);
                return None;
            }
        })
    }
}

impl TransformParameters {
    fn resolve(self, problems: &mut Problems) -> Option<TransformConfig> {
        Some(match self.r#type.as_str() {
            "none" => TransformConfig::None,
            "generic" => {
                let config = self.generic.unwrap_or_default();
                problems.at("generic", |problems| config.validate(problems));
                TransformConfig::Generic(config)
            }
            "filter" => {
                let config = self.filter.unwrap_or_default();
                problems.at("filter", |problems| config.validate(problems));
                TransformConfig::Filter(config)
            }
            "network" => {
                let config = self.network.unwrap_or_default();
                problems.at("network", |problems| config.validate(problems));
                TransformConfig::Network(config)
            }
            other => {
                refuse_type(
                    StageKind::Transform,
                    other,
                    &["generic", "filter", "network", "none"],
                    &[],
                    problems,
                );
                return None;
            }
        })
    }
}

impl EncodeParameters {
    fn resolve(self, problems: &mut Problems) -> Option<EncodeConfig> {
        Some(match self.r#type.as_str() {
            "none" => EncodeConfig::None,
            "prom" => {
                let config = self.prom.unwrap_or_default();
                problems.at("prom", |problems| config.validate(problems));
                EncodeConfig::Prom(Box::new(config))
            }
            other => {
                let later = ["kafka", "s3", "otlplogs", "otlpmetrics", "otlptraces"];
                refuse_type(
                    StageKind::Encode,
                    other,
                    &["prom", "none"],
                    &later,
                    problems,
                );
                return None;
            }
        })
    }
}

impl WriteParameters {
    fn resolve(self, problems: &mut Problems) -> Option<WriteConfig> {
        Some(match self.r#type.as_str() {
            "none" => WriteConfig::None,
            "stdout" => {
                let config = self.stdout.unwrap_or_default();
                problems.at("stdout", |problems| config.validate(problems));
                WriteConfig::Stdout(config)
            }
            "loki" => {
                let config = self.loki.unwrap_or_default();
                problems.at("loki", |problems| config.validate(problems));
                WriteConfig::Loki(Box::new(config))
            }
            other => {
                refuse_type(
                    StageKind::Write,
                    other,
                    &["loki", "stdout", "none"],
                    &["grpc", "ipfix"],
                    problems,
                );
                return None;
            }
        })
    }
}

/// Says which stage type is not there, and whether it is one that comes later.
fn refuse_type(
    kind: StageKind,
    given: &str,
    now: &[&str],
    later: &[&str],
    problems: &mut Problems,
) {
    let kind = kind.as_str();
    if later.contains(&given) {
        problems.error(
            "type",
            format_args!("the {kind} stage \"{given}\" is not available in this version"),
        );
    } else {
        problems.error(
            "type",
            format_args!(
                "unknown {kind} stage \"{given}\": use one of {}",
                now.join(", ")
            ),
        );
    }
}
