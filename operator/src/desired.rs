//! What shall exist: specification and facts in, objects out.
//!
//! Called by `reconcile`, which applies the objects in this order. **Invariant:** pure: no client, no clock, no
//! environment; equal inputs give equal objects, byte for byte.

mod agent;
mod build;
mod config;
mod images;
mod namespaces;
mod pipeline;
mod scrape;
mod service_tls;
mod volumes;

pub use images::{ConsoleImages, ImageError, Images};

use k8s_openapi::apimachinery::pkg::apis::meta::v1::OwnerReference;
use kube::Resource;
use serde::Serialize;

use crate::apis::flowcollector::v1beta2::FlowCollectorSpec;
use crate::cluster::Facts;
use crate::effective::Effective;
use crate::object::{Object, ObjectError};
use crate::owned::Kind;
use crate::scope::{Scope, label};

/// Reason of what the specification asks for and cannot be had.
const INVALID_CONFIGURATION: &str = "InvalidConfiguration";

/// All that the objects depend on.
#[derive(Debug, Clone)]
pub struct Inputs<'a> {
    /// What the user wants.
    pub spec: &'a FlowCollectorSpec,
    /// Names and namespaces.
    pub scope: &'a Scope,
    /// Refers to the FlowCollector; what it owns goes with it.
    pub owner: OwnerReference,
    /// What the cluster is and has.
    pub facts: &'a Facts,
    /// Images of the components.
    pub images: &'a Images,
}

/// What the makers of objects work with: the inputs, and what the specification means.
struct Context<'a> {
    scope: &'a Scope,
    owner: &'a OwnerReference,
    facts: &'a Facts,
    images: &'a Images,
    effective: Effective,
}

/// The part of the product that an object belongs to: where its problems are shown.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Component {
    /// The operator's own work.
    Controller,
    /// The eBPF agents.
    Agent,
    /// The pipeline.
    Processor,
    /// The web console.
    Console,
    /// Namespaces, scraping, dashboards.
    Monitoring,
    /// Network policies.
    NetworkPolicy,
    /// The demo Loki or the built-in store.
    Loki,
}

/// One desired object and whose it is.
#[derive(Debug, Clone, PartialEq)]
pub struct Item {
    /// Whose it is.
    pub component: Component,
    /// The object.
    pub object: Object,
}

/// What the specification asks for and cannot be had.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Problem {
    /// Where to show it.
    pub component: Component,
    /// In one word.
    pub reason: &'static str,
    /// For the user, with the next step.
    pub message: String,
}

/// The answer: objects in the order of applying, and what is wrong.
#[derive(Debug, Default)]
pub struct Desired {
    /// In the order of applying.
    pub items: Vec<Item>,
    /// Shown in the status; the rest is deployed nevertheless.
    pub problems: Vec<Problem>,
}

/// All objects.
pub fn objects(inputs: &Inputs) -> Result<Desired, ObjectError> {
    let context = Context {
        scope: inputs.scope,
        owner: &inputs.owner,
        facts: inputs.facts,
        images: inputs.images,
        effective: Effective::of(inputs.spec),
    };
    let mut desired = Desired::default();
    namespaces::add(&context, &mut desired)?;
    agent::add(&context, &mut desired)?;
    pipeline::add(&context, &mut desired)?;
    Ok(desired)
}

impl Desired {
    /// Adds an object that goes with the FlowCollector. One of a kind that the cluster does not serve is left out.
    fn add<T>(
        &mut self,
        context: &Context,
        component: Component,
        mut object: T,
    ) -> Result<(), ObjectError>
    where
        T: Resource<DynamicType = ()> + Serialize,
    {
        let kind = Kind::find(&T::group(&()), &T::kind(&()));
        if kind.is_some_and(|kind| kind.is_foreign && !context.facts.has(kind)) {
            return Ok(());
        }
        object
            .meta_mut()
            .owner_references
            .get_or_insert_default()
            .insert(0, context.owner.clone());
        self.add_lasting(component, object)
    }

    /// Adds an object that outlives the FlowCollector.
    fn add_lasting<T>(&mut self, component: Component, mut object: T) -> Result<(), ObjectError>
    where
        T: Resource<DynamicType = ()> + Serialize,
    {
        object
            .meta_mut()
            .labels
            .get_or_insert_default()
            .insert(label::MANAGED.to_owned(), label::MANAGED_YES.to_owned());
        self.items.push(Item {
            component,
            object: Object::new(&object)?,
        });
        Ok(())
    }

    /// Reports what cannot be had.
    fn cannot(&mut self, component: Component, message: impl Into<String>) {
        self.problems.push(Problem {
            component,
            reason: INVALID_CONFIGURATION,
            message: message.into(),
        });
    }
}
