//! Stages, who follows whom, and their settings.

use serde::Serialize;

use super::stage::{Settings, Stage};

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
    /// Stages whose change restarts the pipeline.
    pub fixed: Vec<Stage>,
    /// Stages whose settings are read again.
    pub dynamic: Vec<Stage>,
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
    pub fn add(&mut self, name: &str, settings: Settings) {
        self.add_after(&self.last(), name, settings);
    }

    /// Adds a stage behind `previous`.
    pub fn add_after(&mut self, previous: &str, name: &str, settings: Settings) {
        self.link(previous, name);
        self.fixed.push(Stage::new(name, settings));
    }

    /// Adds a stage behind `previous`, whose settings can change while it runs.
    pub fn add_dynamic_after(&mut self, previous: &str, name: &str, settings: Settings) {
        self.link(previous, name);
        self.dynamic.push(Stage::new(name, settings));
    }

    fn link(&mut self, previous: &str, name: &str) {
        self.links.push(Link {
            name: name.to_owned(),
            follows: (!previous.is_empty()).then(|| previous.to_owned()),
        });
    }
}
