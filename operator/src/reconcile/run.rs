//! The order of one run.

use std::collections::{BTreeMap, HashSet};
use std::time::Duration;

use jiff::Timestamp;
use k8s_openapi::api::core::v1::Pod;
use k8s_openapi::apimachinery::pkg::apis::meta::v1::{OwnerReference, Time};
use kube::api::{Api, ListParams, PostParams};
use kube::{Client, Resource as _, ResourceExt as _};

use super::events::Events;
use crate::apis::flowcollector::FlowCollector;
use crate::apis::flowcollector::v1beta2::FlowCollectorSpec;
use crate::apis::flowcollector::v1beta2::status::ComponentState;
use crate::apis::flowcollector::validate::validate;
use crate::apis::validation::Finding;
use crate::cluster::Facts;
use crate::desired::{self, Component, Desired, Images, Inputs};
use crate::object::{Key, ObjectError};
use crate::owned::{Applier, Kind, Outcome, OwnedError};
use crate::scope::{Scope, label};
use crate::status::{self, Issues, Observation, Report, Unhealthy};

/// While something is not ready, how long until it is looked at again without a change.
const NOT_READY: Duration = Duration::from_secs(30);
/// Pods that are looked at to say why a component is not ready.
const PODS_MAX: u32 = 500;

/// Namespace of the components when the specification names none.
const NAMESPACE: &str = "netobserv";

/// What a run needs that the cluster does not tell.
#[derive(Debug, Clone)]
pub struct Settings {
    /// Images of the components.
    pub images: Images,
}

/// When to run again without a change.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Next {
    /// Nothing to do until something changes.
    Change,
    /// After that time.
    After(Duration),
    /// After an error: with growing waits.
    Error,
}

/// Why a run could not come to its end. What concerns single objects is in the status instead.
#[derive(Debug, thiserror::Error)]
pub enum RunError {
    /// A mistake in the making of objects.
    #[error("make the desired objects: {0}")]
    Desired(#[from] ObjectError),
    /// The status could not be written.
    #[error("write the status: {0}")]
    Status(kube::Error),
}

/// Runs.
pub struct Reconciler {
    client: Client,
    applier: Applier,
    events: Events,
    settings: Settings,
}

impl Reconciler {
    /// Writes through `applier`.
    pub fn new(client: Client, applier: Applier, settings: Settings) -> Self {
        Self {
            events: Events::new(client.clone()),
            client,
            applier,
            settings,
        }
    }

    /// One run for the FlowCollector as it is.
    pub async fn run(
        &mut self,
        collector: &FlowCollector,
        facts: &Facts,
    ) -> Result<Next, RunError> {
        if collector.metadata.deletion_timestamp.is_some() {
            // Garbage collection removes what it owns.
            return Ok(Next::Change);
        }
        let Some(owner) = collector.controller_owner_ref(&()) else {
            return Ok(Next::Change);
        };
        let scope = Scope::new(namespace(&collector.spec));
        let inputs = Inputs {
            spec: &collector.spec,
            scope: &scope,
            owner: OwnerReference {
                block_owner_deletion: Some(true),
                ..owner
            },
            facts,
            images: &self.settings.images,
        };
        let desired = desired::objects(&inputs)?;
        let mut reports = self.apply(&desired).await;
        self.prune(&desired, &mut reports).await;
        self.observe(&desired, &mut reports).await;
        self.write_status(collector, facts, &reports).await?;
        self.events.tell(&collector.object_ref(&()), &reports).await;
        Ok(next(&reports))
    }

    /// Writes what must be written; what fails is reported and stops nothing else.
    async fn apply(&mut self, desired: &Desired) -> BTreeMap<Component, Report> {
        let mut reports: BTreeMap<Component, Report> = BTreeMap::new();
        reports.insert(Component::Controller, ready());
        for item in &desired.items {
            let report = match self.applier.apply(&item.object).await {
                Ok(Outcome::Terminating) => Report::new(
                    ComponentState::InProgress,
                    "Terminating",
                    format!("{} is being deleted", item.object.key()),
                ),
                Ok(_) => ready(),
                Err(error) => failure(item.component, &error),
            };
            merge(&mut reports, item.component, report);
        }
        for problem in &desired.problems {
            let report = Report::new(ComponentState::Degraded, problem.reason, &problem.message);
            merge(&mut reports, problem.component, report);
        }
        reports
    }

    async fn prune(&mut self, desired: &Desired, reports: &mut BTreeMap<Component, Report>) {
        let wanted: HashSet<Key> = desired
            .items
            .iter()
            .map(|item| item.object.key().clone())
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

    /// States of the workloads.
    async fn observe(&mut self, desired: &Desired, reports: &mut BTreeMap<Component, Report>) {
        for item in &desired.items {
            let key = item.object.key();
            let Some(kind) = Kind::find(&key.group, &key.kind) else {
                continue;
            };
            let live = self.applier.live(kind, key);
            let Some(mut report) = status::observe(key, live.as_deref()) else {
                continue;
            };
            if report.ready < report.desired {
                report.unhealthy = self.unhealthy(key).await;
            }
            if report.unhealthy.count() > 0
                && matches!(
                    report.state,
                    ComponentState::Ready | ComponentState::InProgress
                )
            {
                report.state = ComponentState::Degraded;
                "UnhealthyPods".clone_into(&mut report.reason);
                report.message = report.unhealthy.summary();
            }
            merge(reports, item.component, report);
        }
    }

    /// Pods of a workload that fail. They are not watched: there may be thousands, and mostly none is of interest.
    async fn unhealthy(&self, workload: &Key) -> Unhealthy {
        let namespace = workload.namespace.as_deref().unwrap_or_default();
        let pods: Api<Pod> = Api::namespaced(self.client.clone(), namespace);
        let parameters = ListParams::default()
            .labels(&format!("{}={}", label::APP, workload.name))
            .limit(PODS_MAX);
        match pods.list(&parameters).await {
            Ok(pods) => Unhealthy::of(&pods.items),
            Err(error) => {
                tracing::warn!(workload = %workload, %error, "cannot list the pods");
                Unhealthy::default()
            }
        }
    }

    async fn write_status(
        &self,
        collector: &FlowCollector,
        facts: &Facts,
        reports: &BTreeMap<Component, Report>,
    ) -> Result<(), RunError> {
        let status = status::compute(&Observation {
            spec: &collector.spec,
            generation: collector.metadata.generation,
            reports,
            issues: &issues(&collector.spec, facts),
            previous: collector.status.as_ref(),
            now: Time(now()),
        });
        if collector.status.as_ref() == Some(&status) {
            return Ok(());
        }
        let collectors: Api<FlowCollector> = Api::all(self.client.clone());
        let mut changed = collector.clone();
        changed.status = Some(status);
        changed.metadata.managed_fields = None;
        let written = collectors
            .replace_status(&collector.name_any(), &PostParams::default(), &changed)
            .await;
        match written {
            Ok(_) => Ok(()),
            // It changed or went meanwhile; the watch brings the next run.
            Err(kube::Error::Api(status)) if status.is_conflict() || status.is_not_found() => {
                Ok(())
            }
            Err(error) => Err(RunError::Status(error)),
        }
    }
}

/// What admission says, also about an object that was stored before it.
fn issues(spec: &FlowCollectorSpec, facts: &Facts) -> Issues {
    let findings = validate(spec, &facts.for_rules());
    let texts = |findings: &[Finding]| findings.iter().map(Finding::to_string).collect();
    Issues {
        errors: texts(&findings.errors),
        warnings: texts(&findings.warnings),
    }
}

/// Times in the status have whole seconds.
fn now() -> Timestamp {
    let now = Timestamp::now();
    Timestamp::from_second(now.as_second()).unwrap_or(now)
}

fn namespace(spec: &FlowCollectorSpec) -> &str {
    spec.namespace
        .as_deref()
        .filter(|namespace| !namespace.is_empty())
        .unwrap_or(NAMESPACE)
}

fn ready() -> Report {
    Report::new(ComponentState::Ready, "Ready", "")
}

fn merge(reports: &mut BTreeMap<Component, Report>, component: Component, report: Report) {
    reports.entry(component).or_default().merge(report);
}

fn failure(component: Component, error: &OwnedError) -> Report {
    let reason = match component {
        Component::Controller => "ChildReconcilerError",
        Component::Agent => "AgentControllerError",
        Component::Processor => "FLPError",
        Component::Console => "WebConsoleError",
        Component::Monitoring => "MonitoringError",
        Component::NetworkPolicy => "NetworkPolicyError",
        Component::Loki => "DemoLokiError",
    };
    tracing::error!(component = ?component, %error, "cannot reconcile an object");
    Report::new(ComponentState::Failure, reason, error.to_string())
}

fn next(reports: &BTreeMap<Component, Report>) -> Next {
    let has = |state| reports.values().any(|report| report.state == state);
    if has(ComponentState::Failure) {
        Next::Error
    } else if has(ComponentState::InProgress)
        || reports.values().any(|report| report.unhealthy.count() > 0)
    {
        Next::After(NOT_READY)
    } else {
        Next::Change
    }
}
