//! Secrets and ConfigMaps that the specification refers to: which, for whom, what follows from what they hold.
//!
//! `reconcile` asks [`all`] what to read, reads it, and gives the answers back in [`Known`]; from them come
//! copies in the namespaces of the pods, digests on the pods that must restart, and what the status says is missing.
//! What is away for a while changes nothing that runs: its copy and its digests stay as they were.

mod content;
mod list;

pub use content::Content;
use std::collections::{BTreeMap, BTreeSet};

use k8s_openapi::ByteString;
use k8s_openapi::api::core::v1::{ConfigMap, Secret};

use self::list::references;
use super::build::{Labels, metadata, texts};
use super::certificates::{self, Ring};
use super::{Component, Context, Desired, Inputs};
use crate::object::{Key, ObjectError};
use crate::scope::annotation;

/// One place of the specification that refers to an object.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Reference {
    /// The object.
    pub source: Key,
    /// Its keys that are used: the certificate's, then the private key's.
    pub keys: Vec<String>,
    /// Where the specification says so.
    pub path: String,
    /// Whose pods use it.
    pub component: Component,
    /// Namespace of these pods.
    pub target: String,
    /// Name of the digest on these pods, if they restart when it changes.
    pub digest: Option<String>,
    /// The ring that it is a part of. One that is ours is no reference but an object that we make.
    pub ring: Option<Ring>,
}

/// What the cluster holds of what is referred to.
#[derive(Debug, Clone, Default)]
pub struct Known {
    /// The objects that were asked for.
    pub sources: BTreeMap<Key, State>,
    /// Secrets and ConfigMaps that are there and ours, as the watches of our own objects show them: what cannot be read
    /// one by one is in there all the same.
    pub ours: BTreeSet<Key>,
    /// Copies that we made.
    pub copies: BTreeMap<Key, Content>,
    /// Annotations of the pods of each workload, as they are.
    pub annotations: BTreeMap<Key, BTreeMap<String, String>>,
}

/// What is known of one object.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum State {
    /// It does not exist.
    Missing,
    /// It holds this.
    Found(Content),
    /// It cannot be read, for this reason.
    Unreadable(String),
}

impl Known {
    fn content(&self, source: &Key) -> Option<&Content> {
        match self.sources.get(source)? {
            State::Found(content) => Some(content),
            State::Missing | State::Unreadable(_) => None,
        }
    }
}

impl Reference {
    fn is_ours(&self, context: &Context) -> bool {
        self.ring
            .is_some_and(|ring| context.certificates.are_ours(ring))
    }

    /// Where its copy is, if the pods cannot use the object itself.
    fn copy(&self) -> Option<Key> {
        let is_elsewhere = self.source.namespace.as_deref() != Some(&self.target);
        is_elsewhere.then(|| Key {
            namespace: Some(self.target.clone()),
            ..self.source.clone()
        })
    }

    /// What is wrong with it, and the next step.
    fn problem(&self, known: &Known) -> Option<String> {
        let (path, source) = (&self.path, &self.source);
        match known.sources.get(source) {
            Some(State::Found(content)) => {
                let absent = self.keys.iter().filter(|key| !content.has(key));
                let absent: Vec<_> = absent.map(AsRef::<str>::as_ref).collect();
                (!absent.is_empty()).then(|| {
                    format!(
                        "{path}: {source} has no key {}; add it, or change the reference",
                        absent.join(", ")
                    )
                })
            }
            Some(State::Unreadable(reason)) => {
                Some(format!("{path}: {source} cannot be read: {reason}"))
            }
            Some(State::Missing) => Some(format!(
                "{path}: {source} does not exist; create it, or change the reference"
            )),
            // Nobody asked.
            None => None,
        }
    }
}

/// All places that refer to an object, as far as what they are for is deployed.
pub fn all(inputs: &Inputs) -> Vec<Reference> {
    references(&Context::of(inputs))
}

/// Copies, and what is missing.
pub(super) fn add(context: &Context, desired: &mut Desired) -> Result<(), ObjectError> {
    let mut copied: BTreeMap<Key, Key> = BTreeMap::new();
    for reference in references(context) {
        if reference.is_ours(context) {
            continue;
        }
        if let Some(message) = reference.problem(context.references) {
            desired.fail(reference.component, reason(&reference), message);
        }
        let Some(copy) = reference.copy() else {
            continue;
        };
        match copied.get(&copy) {
            Some(other) if *other != reference.source => {
                desired.cannot(
                    reference.component,
                    format!(
                        "{}: {} and {other} cannot both be copied to {}; rename one of them",
                        reference.path, reference.source, reference.target
                    ),
                );
            }
            Some(_) => {}
            None => {
                add_copy(context, desired, &reference, &copy)?;
                copied.insert(copy, reference.source);
            }
        }
    }
    Ok(())
}

/// The reason that NetObserv gives.
fn reason(reference: &Reference) -> &'static str {
    let is_kafka = reference.path.contains("kafka");
    match reference.component {
        Component::Agent if is_kafka => "AgentKafkaError",
        Component::Agent => "AgentControllerError",
        Component::Processor if is_kafka => "FLPKafkaError",
        Component::Console => "WebConsoleError",
        _ => "FLPError",
    }
}

fn add_copy(
    context: &Context,
    desired: &mut Desired,
    reference: &Reference,
    copy: &Key,
) -> Result<(), ObjectError> {
    let known = context.references;
    let content = known
        .content(&reference.source)
        .or_else(|| known.copies.get(copy));
    let Some(content) = content.cloned() else {
        return Ok(());
    };
    let mut metadata = metadata(&copy.name, copy.namespace.as_deref(), Labels::new());
    let from = reference.source.namespace.as_deref().unwrap_or_default();
    let from = format!("{from}/{}", reference.source.name);
    metadata.annotations = Some(texts([(annotation::COPIED_FROM, &from)]));
    let bytes: BTreeMap<_, _> = content
        .bytes
        .into_iter()
        .map(|(key, value)| (key, ByteString(value)))
        .collect();
    if copy.kind == "Secret" {
        let secret = Secret {
            metadata,
            data: Some(bytes),
            ..Secret::default()
        };
        desired.add(context, reference.component, secret)
    } else {
        let config_map = ConfigMap {
            metadata,
            data: Some(content.texts),
            binary_data: (!bytes.is_empty()).then_some(bytes),
            ..ConfigMap::default()
        };
        desired.add(context, reference.component, config_map)
    }
}

/// Annotations of the pods of a workload: one per object whose change restarts them.
pub(super) fn digests(context: &Context, component: Component, workload: &Key) -> Labels {
    let known = context.references;
    let mut digests = Labels::new();
    for reference in references(context) {
        if reference.component != component || reference.is_ours(context) {
            continue;
        }
        let Some(name) = &reference.digest else {
            continue;
        };
        let name = format!("{}{name}", annotation::WATCHED);
        let digest = match known.content(&reference.source) {
            Some(content) => Some(content.digest(&reference.keys)),
            None => known
                .annotations
                .get(workload)
                .and_then(|annotations| annotations.get(&name))
                .cloned(),
        };
        digests.extend(digest.map(|digest| (name, digest)));
    }
    if component == Component::Processor {
        let name = format!("{}svc-certs", annotation::WATCHED);
        let live = known.annotations.get(workload);
        let live = live.and_then(|annotations| annotations.get(&name));
        let digest = certificates::server_digest(context, live);
        digests.extend(digest.map(|digest| (name, digest)));
    }
    if component == Component::Agent {
        // As NetObserv writes them: pods of an installation that is taken over are not rolled for their absence.
        for name in list::agent_pairs(context) {
            digests
                .entry(format!("{}{name}", annotation::WATCHED))
                .or_default();
        }
    }
    digests
}
