//! Stages, who follows whom, and their parameters.

use serde::Serialize;
use serde_json::{Map, Value};

/// A stage and the one before it.
#[derive(Debug, Serialize)]
pub struct Link {
    name: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    follows: Option<String>,
}

/// The pipeline as it is put together.
#[derive(Debug, Default)]
pub struct Graph {
    /// All stages.
    pub links: Vec<Link>,
    /// Parameters whose change restarts the pipeline.
    pub fixed: Vec<Value>,
    /// Parameters that are read again.
    pub dynamic: Vec<Value>,
}

impl Graph {
    /// Name of the stage that was added last; empty before the first.
    pub fn last(&self) -> String {
        self.links
            .last()
            .map(|link| link.name.clone())
            .unwrap_or_default()
    }

    /// Adds a stage behind the last one.
    pub fn add(&mut self, name: &str, kind: &str, stage_type: &str, parameters: Value) {
        self.add_after(&self.last(), name, kind, stage_type, parameters);
    }

    /// Adds a stage behind `previous`.
    pub fn add_after(
        &mut self,
        previous: &str,
        name: &str,
        kind: &str,
        stage_type: &str,
        parameters: Value,
    ) {
        self.link(previous, name);
        self.fixed.push(stage(name, kind, stage_type, parameters));
    }

    /// Adds a stage behind `previous`, whose parameters can change while it runs.
    pub fn add_dynamic_after(
        &mut self,
        previous: &str,
        name: &str,
        kind: &str,
        stage_type: &str,
        parameters: Value,
    ) {
        self.link(previous, name);
        self.dynamic.push(stage(name, kind, stage_type, parameters));
    }

    fn link(&mut self, previous: &str, name: &str) {
        self.links.push(Link {
            name: name.to_owned(),
            follows: (!previous.is_empty()).then(|| previous.to_owned()),
        });
    }
}

/// `{"name": name, kind: {"type": stage_type, stage_type: parameters}}`.
fn stage(name: &str, kind: &str, stage_type: &str, parameters: Value) -> Value {
    let body = Map::from_iter([
        ("type".to_owned(), stage_type.into()),
        (stage_type.to_owned(), parameters),
    ]);
    Map::from_iter([
        ("name".to_owned(), name.into()),
        (kind.to_owned(), body.into()),
    ])
    .into()
}
