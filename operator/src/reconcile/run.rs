//! The order of one run.

mod refused;
mod told;

use std::collections::{BTreeMap, BTreeSet, HashSet};

use k8s_openapi::apimachinery::pkg::apis::meta::v1::OwnerReference;
use kube::{Client, Resource as _, ResourceExt as _};

use self::refused::failure;
use super::certificates;
use super::contest::Contests;
use super::events::Events;
use super::leftovers;
use super::lokistack::LokiStackWatch;
use super::next::{NOT_READY, Next};
use super::parts::{self, Parts};
use super::pods::Pods;
use super::recordings::RecordingsWatch;
use super::references::Watches;
use super::registration;
use super::static_plugin::StaticPlugin;
use super::write_status::{AFTER_CONFLICT, Written};
use crate::apis::flowcollector::FlowCollector;
use crate::apis::flowcollector::v1beta2::status::ComponentState;
use crate::cluster::Facts;
use crate::desired::certificates::Certificates;
use crate::desired::references::{Content, Known};
use crate::desired::{self, Component, Desired, Images, Inputs};
use crate::effective::Effective;
use crate::listener::Listener;
use crate::object::{Key, ObjectError};
use crate::owned::{self, Applier, Outcome};
use crate::refusal;
use crate::scope::{Scope, annotation, dashboard, label};
use crate::status::{self, Report};

/// What a run needs that the cluster does not tell.
#[derive(Debug, Clone)]
pub struct Settings {
    /// Images of the components.
    pub images: Images,
    /// Whether OpenShift's own monitoring watches the components.
    pub is_downstream: bool,
    /// The operator's own namespace.
    pub namespace: String,
}

/// Why a run could not come to its end. What concerns single objects is in the status instead.
#[derive(Debug, thiserror::Error)]
pub enum RunError {
    /// A mistake in the making of objects.
    #[error("make the desired objects: {0}")]
    Desired(#[from] ObjectError),
    /// What a former operator left on the FlowCollector could not be removed.
    #[error("remove the finalizer of a former operator: {}", refusal::words(.0))]
    Finalizer(kube::Error),
    /// The status could not be written.
    #[error("write the status: {}", refusal::words(.0))]
    Status(kube::Error),
}

/// Runs.
pub struct Reconciler {
    client: Client,
    applier: Applier,
    events: Events,
    settings: Settings,
    references: Watches,
    lokistack: LokiStackWatch,
    recordings: RecordingsWatch,
    static_plugin: StaticPlugin,
    pods: Pods,
    contests: Contests,
    /// Those of the last run.
    notes: Vec<String>,
    /// Whether what former operators left behind is gone.
    is_clean: bool,
}

impl Reconciler {
    /// Writes through `applier`. `edited` is told when what the specification refers to changes, `changed` of what else
    /// bears on a run.
    pub fn new(
        client: Client,
        applier: Applier,
        settings: Settings,
        changed: Listener,
        edited: Listener,
    ) -> Self {
        Self {
            events: Events::new(client.clone()),
            references: Watches::new(client.clone(), edited),
            lokistack: LokiStackWatch::new(client.clone(), changed.clone()),
            recordings: RecordingsWatch::new(client.clone(), changed),
            static_plugin: StaticPlugin::new(client.clone()),
            pods: Pods::new(client.clone()),
            contests: Contests::default(),
            notes: Vec::new(),
            client,
            applier,
            settings,
            is_clean: false,
        }
    }

    /// One run without a FlowCollector: what is there all the same.
    pub async fn run_without(&mut self, facts: &Facts) -> Result<Next, RunError> {
        // What a FlowCollector referred to is nobody's business any more, Secrets of users above all.
        self.references.follow(BTreeSet::new()).await;
        self.lokistack.follow(None, facts).await;
        self.recordings.stop().await;
        let desired = self.static_plugin.desired(facts, &self.settings).await?;
        let mut reports = self.apply(&desired).await;
        let is_registered = self.register(facts, &desired, &mut reports).await;
        self.observe(&desired, &mut reports).await;
        Ok(next(&reports, is_registered))
    }

    /// One run for the FlowCollector as it is.
    pub async fn run(
        &mut self,
        collector: &FlowCollector,
        facts: &Facts,
        parts: &Parts,
    ) -> Result<Next, RunError> {
        leftovers::remove_finalizer(&self.client, collector)
            .await
            .map_err(RunError::Finalizer)?;
        if collector.metadata.deletion_timestamp.is_some() {
            // Garbage collection removes what it owns.
            return Ok(Next::Change);
        }
        let Some(owner) = collector.controller_owner_ref(&()) else {
            return Ok(Next::Change);
        };
        let effective = Effective::of(&collector.spec);
        let scope = Scope::new(&effective.namespace);
        let (nothing, no_certificates) = (Known::default(), Certificates::default());
        let recordings = self.recordings.follow(facts).await;
        let lokistack = self.lokistack.follow(effective.lokistack(), facts).await;
        let mut inputs = Inputs {
            effective: &effective,
            scope: &scope,
            owner: OwnerReference {
                block_owner_deletion: Some(true),
                ..owner
            },
            facts,
            images: &self.settings.images,
            is_downstream: self.settings.is_downstream,
            references: &nothing,
            certificates: &no_certificates,
            lokistack: lokistack.as_ref(),
            recordings: &recordings,
            metrics: &parts.metrics,
            slices: &parts.slices,
        };
        let references = desired::references::all(&inputs);
        let sources = references.into_iter().map(|reference| reference.source);
        let known = Known {
            sources: self.references.follow(sources.collect()).await,
            ..known(&mut self.applier)
        };
        inputs.references = &known;
        let (certificates, due) = certificates::keep(
            &self.client,
            &self.settings.namespace,
            &inputs.owner,
            &inputs,
        )
        .await;
        inputs.certificates = &certificates;
        let announcements = certificates::announced_by(
            &self.client,
            &self.settings.namespace,
            &inputs.owner,
            &inputs,
        );
        let mut desired = desired::objects(&inputs)?;
        self.note(&desired);
        let bare = self.static_plugin.desired(facts, &self.settings).await?;
        desired.items.extend(bare.items);
        desired.keep.extend(bare.keep);
        desired.problems.extend(bare.problems);
        desired.registrations.extend(bare.registrations);
        let mut reports = self.apply(&desired).await;
        for announcement in announcements {
            announcement.conclude(&mut self.applier).await;
        }
        let is_registered = self.register(facts, &desired, &mut reports).await;
        for problem in &parts.unreadable {
            let report = Report::new(ComponentState::Degraded, "InvalidConfiguration", problem);
            merge(&mut reports, Component::Controller, report);
        }
        if let Some(stack) = lokistack {
            let report = Report::new(stack.state, stack.reason, stack.message);
            merge(&mut reports, Component::LokiStack, report);
        }
        self.prune(&desired, &mut reports).await;
        self.clean(&mut reports).await;
        self.observe(&desired, &mut reports).await;
        if desired.is_on_hold {
            status::hold(&mut reports);
        }
        let written = self.write_status(collector, facts, &reports).await?;
        self.events.tell(&collector.object_ref(&()), &reports).await;
        let mut next = next(&reports, is_registered);
        if let Some(due) = due {
            // The next certificates are made though nothing changes.
            next = next.within(due);
        }
        if !desired.is_on_hold && !parts::write_statuses(&self.client, parts, &desired).await {
            next = next.within(NOT_READY);
        }
        Ok(match written {
            Written::Done => next,
            Written::Superseded => next.within(AFTER_CONFLICT),
        })
    }

    /// Writes what must be written; what fails is reported and stops nothing else.
    async fn apply(&mut self, desired: &Desired) -> BTreeMap<Component, Report> {
        let mut reports: BTreeMap<Component, Report> = BTreeMap::new();
        reports.insert(Component::Controller, ready());
        let mut going = HashSet::new();
        for item in &desired.items {
            let key = item.object.key();
            if key
                .namespace
                .as_ref()
                .is_some_and(|namespace| going.contains(namespace))
            {
                // It takes nothing new; its own report says that it goes.
                continue;
            }
            let report = match self.applier.apply(&item.object).await {
                Ok(Outcome::Terminating) => {
                    if key.kind == "Namespace" {
                        going.insert(&key.name);
                    }
                    let message = format!("{key} is being deleted");
                    Report::new(ComponentState::InProgress, "Terminating", message)
                }
                Ok(Outcome::Detached) => {
                    let message = format!(
                        "{key} is left as it is: its label {} takes it from the operator",
                        label::MANAGED
                    );
                    Report::new(ComponentState::Ready, "Ready", message)
                }
                Ok(Outcome::Kept(message)) => {
                    Report::new(ComponentState::Degraded, "KeptAsItIs", message)
                }
                Ok(Outcome::Updated(others)) => {
                    self.contests.updated(key, others);
                    ready()
                }
                Ok(_) => ready(),
                Err(error)
                    if key.namespace.as_deref() == Some(dashboard::NAMESPACE)
                        && error.is_missing() =>
                {
                    let message = format!(
                        "{key} cannot be made: this OpenShift has no namespace {} for dashboards",
                        dashboard::NAMESPACE
                    );
                    Report::new(ComponentState::Degraded, "MonitoringError", message)
                }
                Err(error) => failure(item.component, &error),
            };
            merge(&mut reports, item.component, report);
        }
        for (key, message) in self.contests.messages() {
            let item = desired.items.iter().find(|item| *item.object.key() == key);
            if let Some(item) = item {
                let report = Report::new(ComponentState::Degraded, "Contested", message);
                merge(&mut reports, item.component, report);
            }
        }
        for problem in &desired.problems {
            let report = Report::new(problem.state, problem.reason, &problem.message);
            merge(&mut reports, problem.component, report);
        }
        reports
    }

    async fn prune(&mut self, desired: &Desired, reports: &mut BTreeMap<Component, Report>) {
        let wanted: HashSet<Key> = desired
            .items
            .iter()
            .map(|item| item.object.key())
            .chain(&desired.keep)
            .cloned()
            .collect();
        for result in self.applier.prune(&wanted).await {
            if let Err(error) = result {
                merge(
                    reports,
                    Component::Controller,
                    failure(Component::Controller, &error),
                );
            }
        }
    }

    async fn clean(&mut self, reports: &mut BTreeMap<Component, Report>) {
        if self.is_clean {
            return;
        }
        match leftovers::remove_bindings(&mut self.applier).await {
            Ok(()) => self.is_clean = true,
            Err(error) => merge(
                reports,
                Component::Controller,
                failure(Component::Controller, &error),
            ),
        }
    }

    /// Each note once, until it has not been one for a while.
    fn note(&mut self, desired: &Desired) {
        for note in &desired.notes {
            if !self.notes.contains(note) {
                tracing::warn!("{note}");
            }
        }
        self.notes.clone_from(&desired.notes);
    }

    /// Whether the list of plugins is as it shall be.
    async fn register(
        &self,
        facts: &Facts,
        desired: &Desired,
        reports: &mut BTreeMap<Component, Report>,
    ) -> bool {
        let result = registration::register(&self.client, facts, &desired.registrations).await;
        if let Err(error) = &result {
            tracing::warn!(%error, "cannot change the list of plugins of OpenShift's console");
            let message = format!("the plugin cannot be registered: {}", refusal::words(error));
            let state = ComponentState::Degraded;
            let report = Report::new(state, "PluginRegistrationFailed", message);
            merge(reports, Component::Console, report);
        }
        result.is_ok()
    }
}

/// What earlier runs made of what the specification refers to: it stays when its source is away.
fn known(applier: &mut Applier) -> Known {
    let mut known = Known::default();
    for (kind, key, live) in applier.all(&["Secret", "ConfigMap"]) {
        let is_copy = live.annotations().contains_key(annotation::COPIED_FROM);
        if !owned::is_ours(&live) {
            continue;
        }
        if is_copy {
            let content = Content::of(kind.kind, &live);
            known.copies.insert(key.clone(), content);
        }
        known.ours.insert(key);
    }
    for (_, key, live) in applier.all(&["DaemonSet", "Deployment"]) {
        let annotations = &live.data["spec"]["template"]["metadata"]["annotations"];
        let annotations = serde_json::from_value(annotations.clone()).unwrap_or_default();
        known.annotations.insert(key, annotations);
    }
    known
}

/// As the reports ask for; the list of plugins has no watch.
fn next(reports: &BTreeMap<Component, Report>, is_registered: bool) -> Next {
    let next = Next::of(reports);
    if is_registered {
        next
    } else {
        next.within(NOT_READY)
    }
}

fn ready() -> Report {
    Report::new(ComponentState::Ready, "Ready", "")
}

fn merge(reports: &mut BTreeMap<Component, Report>, component: Component, report: Report) {
    reports.entry(component).or_default().merge(report);
}
