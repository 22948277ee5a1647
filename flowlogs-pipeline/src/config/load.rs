//! Reads the file, lays environment and flags over it, and checks the whole.

use std::path::{Path, PathBuf};

use schemars::schema_for;
use serde_json::{Map, Value};

use super::stages::{EncodeConfig, StageConfig};
use super::{Config, Problems, Root, conform, graph};
use crate::encode::prom::names::Names;

/// Prefix of the environment variables; shells cannot export it, Kubernetes can.
const ENVIRONMENT_PREFIX: &str = "FLOWLOGS-PIPELINE_";
/// A larger file is a mistake, not a configuration.
const FILE_BYTES_MAX: u64 = 64 << 20;
/// Values that aliases of YAML may repeat, all together: few bytes can name them many times.
const ALIAS_VALUES_MAX: usize = 100_000;

/// Values from outside the file, by top-level key. What a flag or variable leaves out is in neither.
#[derive(Debug, Default)]
pub struct Overlay {
    /// Texts, such as `log-level`.
    pub texts: Vec<(&'static str, String)>,
    /// JSON, such as `pipeline`.
    pub json: Vec<(&'static str, String)>,
}

/// Keys that may come as text and as JSON from flags and variables. A dotted key is nested in the file.
pub const TEXT_KEYS: [&str; 3] = ["log-level", "healthAddr", "pprofAddr"];
/// As [`TEXT_KEYS`], for JSON.
pub const JSON_KEYS: [&str; 4] = [
    "pipeline",
    "parameters",
    "dynamicParameters",
    "metricsSettings",
];

impl Overlay {
    /// The variables that are set; an empty one counts as unset.
    pub fn from_environment(lookup: impl Fn(&str) -> Option<String>) -> Self {
        let read = |keys: &'static [&'static str]| {
            keys.iter()
                .filter_map(|key| {
                    Some((
                        *key,
                        lookup(&format!("{ENVIRONMENT_PREFIX}{}", key.to_uppercase()))?,
                    ))
                })
                .filter(|(_, value)| !value.is_empty())
                .collect()
        };
        Self {
            texts: read(&TEXT_KEYS),
            json: read(&JSON_KEYS),
        }
    }

    /// Lays `other` over this.
    #[must_use]
    pub fn under(mut self, other: Self) -> Self {
        self.texts.extend(other.texts);
        self.json.extend(other.json);
        self
    }
}

/// What [`load`] found: the configuration if it can run, and all problems.
#[derive(Debug)]
pub struct Loaded {
    /// The configuration, unless there are errors.
    pub config: Option<Config>,
    /// Everything that is wrong.
    pub problems: Problems,
}

/// The file that is read when no flag names one: `$HOME/.flowlogs-pipeline` with an extension that we know.
pub fn default_file(home: Option<&Path>) -> Option<PathBuf> {
    let stem = home?.join(".flowlogs-pipeline");
    ["json", "yaml", "yml"]
        .map(|extension| stem.with_added_extension(extension))
        .into_iter()
        .find(|p| p.is_file())
}

/// Reads and checks a configuration.
pub fn load(file: Option<&Path>, overlay: &Overlay) -> Loaded {
    let mut problems = Problems::default();
    let mut root = Map::new();
    if let Some(path) = file {
        match read(path) {
            Ok(map) => root = map,
            Err(message) => problems.error("", format_args!("{}: {message}", path.display())),
        }
    }
    lay_over(&mut root, overlay, &mut problems);
    conclude(root, problems)
}

/// Checks a configuration that is at hand as the text of a file.
pub fn load_text(text: &str, format: Format) -> Loaded {
    let mut problems = Problems::default();
    let root = format.parse(text).unwrap_or_else(|message| {
        problems.error("", message);
        Map::new()
    });
    conclude(root, problems)
}

fn conclude(root: Map<String, Value>, mut problems: Problems) -> Loaded {
    let config = check(Value::Object(root), &mut problems);
    Loaded {
        config: config.filter(|_| !problems.has_errors()),
        problems,
    }
}

/// How a configuration is written.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Format {
    /// JSON.
    Json,
    /// YAML.
    Yaml,
}

impl Format {
    /// The format that a file's extension tells.
    fn of(path: &Path) -> Option<Self> {
        match path.extension()?.to_str()? {
            "json" => Some(Self::Json),
            "yaml" | "yml" => Some(Self::Yaml),
            _ => None,
        }
    }

    /// The object that the text is; an empty text is an empty object.
    fn parse(self, text: &str) -> Result<Map<String, Value>, String> {
        let value = match self {
            Self::Json => serde_json::from_str(text).map_err(|error| error.to_string())?,
            Self::Yaml => {
                let options = serde_saphyr::options! {
                    strict_booleans: true,
                    alias_limits: serde_saphyr::alias_limits! {
                        max_total_replayed_events: ALIAS_VALUES_MAX,
                    },
                };
                serde_saphyr::from_str_with_options(text, options)
                    .map_err(|error| error.to_string())?
            }
        };
        match value {
            Value::Object(map) => Ok(map),
            Value::Null => Ok(Map::new()),
            _ => Err("is no object".into()),
        }
    }
}

fn read(path: &Path) -> Result<Map<String, Value>, String> {
    let size = std::fs::metadata(path)
        .map_err(|error| format!("cannot be read: {error}"))?
        .len();
    if size > FILE_BYTES_MAX {
        return Err(format!(
            "has {size} bytes, more than the {FILE_BYTES_MAX} allowed"
        ));
    }
    let format = Format::of(path)
        .ok_or("has no extension that tells the format: name it .json, .yaml or .yml")?;
    let text = std::fs::read_to_string(path).map_err(|error| format!("cannot be read: {error}"))?;
    format.parse(&text)
}

fn lay_over(root: &mut Map<String, Value>, overlay: &Overlay, problems: &mut Problems) {
    let mut put = |key: &str, value: Value| {
        root.retain(|old, _| !old.eq_ignore_ascii_case(key));
        root.insert(key.to_owned(), value);
    };
    for (key, text) in &overlay.texts {
        put(key, Value::String(text.clone()));
    }
    for (key, text) in &overlay.json {
        match serde_json::from_str(text) {
            Ok(value) => put(key, value),
            Err(error) => problems.error(key, format_args!("is not JSON: {error}")),
        }
    }
}

fn check(mut value: Value, problems: &mut Problems) -> Option<Config> {
    conform::conform(&mut value, schema_for!(Root).as_value(), problems);
    for key in ["pipeline", "parameters"] {
        if value.get(key).is_none() && !problems.has_error_at(key) {
            problems.error(key, "is missing");
        }
    }
    let root: Root = match serde_json::from_value(value) {
        Ok(root) => root,
        Err(error) => {
            problems.error("", error);
            return None;
        }
    };
    refuse_later_features(&root, problems);
    let mut names = Names::of_global_server(&root.metrics_settings, problems);
    let (mut stages, mut refused): (Vec<(String, StageConfig)>, Vec<String>) = Default::default();
    problems.at("parameters", |problems| {
        for (index, parameters) in root.parameters.into_iter().enumerate() {
            problems.at_index(index, |problems| {
                let name = parameters.name.clone();
                match parameters.resolve(problems) {
                    Some(mut config) => {
                        if let StageConfig::Encode(EncodeConfig::Prom(stage)) = &mut config {
                            let claim = |problems: &mut Problems| names.claim(stage, problems);
                            problems.at("encode", |problems| problems.at("prom", claim));
                        }
                        stages.push((name, config));
                    }
                    None => refused.push(name),
                }
            });
        }
    });
    let graph = graph::build(&root.pipeline, stages, &refused, problems);
    let older = root.health.filter(|health| health.port > 0);
    Some(Config {
        health_address: root
            .health_addr
            .filter(|address| !address.is_empty())
            .or_else(|| older.map(|health| format!("{}:{}", health.address, health.port))),
        log_level: root.log_level,
        metrics: root.metrics_settings,
        perf: root.perf_settings,
        graph,
    })
}

fn refuse_later_features(root: &Root, problems: &mut Problems) {
    let is_dynamic = root.dynamic_parameters.as_ref().is_some_and(|dynamic| {
        [&dynamic.namespace, &dynamic.name, &dynamic.file_name]
            .iter()
            .all(|s| !s.is_empty())
    });
    if is_dynamic {
        let next = "put the parameters of that ConfigMap into this configuration";
        problems.error(
            "dynamicParameters",
            format_args!("reading a ConfigMap is not available in this version: {next}"),
        );
    }
    if root.k8scache.as_ref().is_some_and(|cache| cache.port > 0) {
        problems.error(
            "k8scache.port",
            "the cache server is not available in this version",
        );
    }
    if root
        .pprof_addr
        .as_ref()
        .is_some_and(|address| !address.is_empty())
        || root.profile.is_some()
    {
        problems.warn("pprofAddr", "there is no profiling server, ignored");
    }
}
