//! What shall exist: specification and facts in, objects out.
//!
//! Called by `reconcile`, which applies the objects in this order. **Invariant:** pure: no client, no clock, no
//! environment; equal inputs give equal objects, byte for byte.

mod agent;
mod build;
pub mod certificates;
mod config;
mod console;
mod dashboards;
mod flow_metrics;
mod health;
mod images;
mod loki;
mod lokistack;
mod losses;
mod namespaces;
mod network_policy;
mod pipeline;
pub mod recordings;
pub mod references;
mod scrape;
mod service_tls;
mod slices;
mod volumes;

pub use console::{StaticInputs, static_plugin};
pub use flow_metrics::MetricOutcome;
pub use images::{ConsoleImages, ImageError, Images};
pub use lokistack::LokiStack;
pub use slices::SliceOutcome;

use std::cell::OnceCell;
use std::collections::HashSet;
use std::sync::Arc;

use k8s_openapi::apimachinery::pkg::apis::meta::v1::OwnerReference;
use kube::Resource;
use serde::Serialize;

use self::certificates::Certificates;
use self::flow_metrics::FlowMetrics;
use self::recordings::Recordings;
use self::references::Known;
use self::slices::Slices;
use crate::apis::flowcollector::v1beta2::status::ComponentState;
use crate::apis::flowcollectorslice::FlowCollectorSlice;
use crate::apis::flowmetric::FlowMetric;
use crate::cluster::Facts;
use crate::effective::Effective;
use crate::object::{Key, Object, ObjectError};
use crate::owned::Kind;
use crate::scope::{Scope, label};

/// Reason of what the specification asks for and cannot be had.
const INVALID_CONFIGURATION: &str = "InvalidConfiguration";

/// All that the objects depend on.
#[derive(Debug, Clone)]
pub struct Inputs<'a> {
    /// What the user wants, with nothing left open.
    pub effective: &'a Effective,
    /// Names and namespaces.
    pub scope: &'a Scope,
    /// Refers to the FlowCollector; what it owns goes with it.
    pub owner: OwnerReference,
    /// What the cluster is and has.
    pub facts: &'a Facts,
    /// Images of the components.
    pub images: &'a Images,
    /// What the cluster holds of what the specification refers to.
    pub references: &'a Known,
    /// Certificates between components that are ours.
    pub certificates: &'a Certificates,
    /// The LokiStack that keeps flows, where one does.
    pub lokistack: Option<&'a LokiStack>,
    /// What users say of recorded series of health.
    pub recordings: &'a Recordings,
    /// Whether this is the build of the product that OpenShift's own monitoring watches.
    pub is_downstream: bool,
    /// Metrics of users, of all namespaces.
    pub metrics: &'a [Arc<FlowMetric>],
    /// Parts that namespaces configure themselves, of all namespaces.
    pub slices: &'a [Arc<FlowCollectorSlice>],
}

/// What the makers of objects work with: the inputs, and what the resources beside the FlowCollector mean.
struct Context<'a> {
    scope: &'a Scope,
    owner: &'a OwnerReference,
    facts: &'a Facts,
    images: &'a Images,
    is_downstream: bool,
    references: &'a Known,
    certificates: &'a Certificates,
    lokistack: Option<&'a LokiStack>,
    recordings: &'a Recordings,
    effective: &'a Effective,
    given_metrics: &'a [Arc<FlowMetric>],
    given_slices: &'a [Arc<FlowCollectorSlice>],
    /// Sorted out once, and only if asked for: users may have thousands of them.
    metrics: OnceCell<FlowMetrics<'a>>,
    slices: OnceCell<Slices>,
}

impl<'a> Context<'a> {
    fn of(inputs: &'a Inputs) -> Self {
        Self {
            scope: inputs.scope,
            owner: &inputs.owner,
            facts: inputs.facts,
            images: inputs.images,
            is_downstream: inputs.is_downstream,
            references: inputs.references,
            certificates: inputs.certificates,
            lokistack: inputs.lokistack,
            recordings: inputs.recordings,
            effective: inputs.effective,
            given_metrics: inputs.metrics,
            given_slices: inputs.slices,
            metrics: OnceCell::new(),
            slices: OnceCell::new(),
        }
    }

    /// Whether pipelines have the addresses of their nodes. On OpenShift a port of the node is enough, and the node's
    /// network would need more rights.
    fn has_host_network(&self) -> bool {
        self.effective.uses_host_network() && !self.facts.is_openshift()
    }

    /// Metrics of users.
    fn metrics(&self) -> &FlowMetrics<'a> {
        let collect =
            || flow_metrics::collect(self.given_metrics, self.scope.namespace(), self.effective);
        self.metrics.get_or_init(collect)
    }

    /// What namespaces configure themselves.
    fn slices(&self) -> &Slices {
        let collect = || slices::collect(self.given_slices, self.effective);
        self.slices.get_or_init(collect)
    }
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
    /// The LokiStack, which is somebody else's.
    LokiStack,
    /// The plugin of OpenShift's console that is there without a FlowCollector.
    StaticPlugin,
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
    /// `Degraded` where the component works without, `Failure` where it does not.
    pub state: ComponentState,
    /// In one word.
    pub reason: &'static str,
    /// For the user, with the next step.
    pub message: String,
}

/// Whether OpenShift's console shall list a plugin.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Registration {
    /// Name of the plugin.
    pub plugin: &'static str,
    /// Whether it shall be in the list, else not.
    pub is_wanted: bool,
}

/// The answer: objects in the order of applying, and what is wrong.
#[derive(Debug, Default)]
pub struct Desired {
    /// In the order of applying.
    pub items: Vec<Item>,
    /// What stays as it is if it is there: it is not known for now what it shall be, or whose.
    pub keep: HashSet<Key>,
    /// Shown in the status; the rest is deployed nevertheless.
    pub problems: Vec<Problem>,
    /// For the list of plugins of OpenShift's console.
    pub registrations: Vec<Registration>,
    /// For the log: what is not as a user may expect, though all is as it is asked for.
    pub notes: Vec<String>,
    /// Whether workloads are held back.
    pub is_on_hold: bool,
    /// What became of each FlowMetric of the components' namespace.
    pub metrics: Vec<MetricOutcome>,
    /// What became of each slice.
    pub slices: Vec<SliceOutcome>,
}

/// All objects.
pub fn objects(inputs: &Inputs) -> Result<Desired, ObjectError> {
    let context = Context::of(inputs);
    let mut desired = Desired {
        is_on_hold: context.effective.is_on_hold,
        ..Desired::default()
    };
    namespaces::add(&context, &mut desired)?;
    network_policy::add(&context, &mut desired)?;
    certificates::add(&context, &mut desired)?;
    references::add(&context, &mut desired)?;
    agent::add(&context, &mut desired)?;
    loki::add(&context, &mut desired)?;
    pipeline::add(&context, &mut desired)?;
    console::add(&context, &mut desired)?;
    desired
        .registrations
        .extend(console::registration(&context));
    dashboards::add(&context, &mut desired)?;
    desired.metrics.clone_from(&context.metrics().outcomes);
    desired.slices.clone_from(&context.slices().outcomes);
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

    /// Reports what a component does not work without.
    fn fail(&mut self, component: Component, reason: &'static str, message: String) {
        self.problems.push(Problem {
            component,
            state: ComponentState::Failure,
            reason,
            message,
        });
    }

    /// Reports what a component works without, but not as it should.
    fn lack(&mut self, component: Component, reason: &'static str, message: impl Into<String>) {
        self.problems.push(Problem {
            component,
            state: ComponentState::Degraded,
            reason,
            message: message.into(),
        });
    }

    /// Reports what cannot be had.
    fn cannot(&mut self, component: Component, message: impl Into<String>) {
        self.lack(component, INVALID_CONFIGURATION, message);
    }
}
