//! Settings of the file ingesters.

use schemars::JsonSchema;
use serde::Deserialize;

use crate::config::Problems;

/// Settings of `file`, `file_loop` and `file_chunks`.
#[derive(Clone, Debug, Default, Deserialize, JsonSchema)]
#[serde(default)]
pub struct FileConfig {
    /// The file; mandatory.
    pub filename: String,
    /// What a line holds.
    pub decoder: DecoderConfig,
    /// Accepted, without effect: the type says it.
    pub r#loop: bool,
    /// Accepted, without effect.
    pub chunks: u32,
}

/// What a line holds.
#[derive(Clone, Debug, Default, Deserialize, JsonSchema)]
#[serde(default)]
pub struct DecoderConfig {
    /// json or protobuf; json when empty.
    pub r#type: DecoderType,
}

/// How a line is read.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Deserialize, JsonSchema)]
pub enum DecoderType {
    /// One JSON object.
    #[default]
    #[serde(rename = "json")]
    Json,
    /// One `pbflow.Record`; one that holds a line feed is cut and counted as a bad line.
    #[serde(rename = "protobuf")]
    Protobuf,
}

/// How often and in which pieces the file is sent.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Mode {
    /// Once.
    Once,
    /// Again every ten seconds.
    Loop,
    /// Once, in pieces of 100 lines.
    Chunks,
}

impl FileConfig {
    /// Reports what cannot work.
    pub fn validate(&self, problems: &mut Problems) {
        if self.filename.is_empty() {
            problems.error("filename", "ingest filename not specified");
        }
    }
}
