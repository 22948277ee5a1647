//! What a run says of how things are, in the status of the FlowCollector.

use std::collections::BTreeMap;

use k8s_openapi::apimachinery::pkg::apis::meta::v1::Time;
use kube::Resource as _;
use kube::api::Api;

use super::{Reconciler, RunError, merge, ready};
use crate::apis::flowcollector::FlowCollector;
use crate::apis::flowcollector::v1beta2::FlowCollectorSpec;
use crate::apis::flowcollector::v1beta2::status::{ComponentState, FlowCollectorStatus};
use crate::apis::flowcollector::validate::validate;
use crate::apis::validation::Finding;
use crate::cluster::Facts;
use crate::desired::{Component, Desired};
use crate::owned::Kind;
use crate::reconcile::next::Next;
use crate::reconcile::pods::Progress;
use crate::reconcile::write_status::{Written, now, write_status};
use crate::status::{self, Issues, Observation, Report};

impl Reconciler {
    /// A run that cannot begin, since a kind of ours was not listed: nothing is changed, and the status says why.
    pub async fn stall(&mut self, collector: &FlowCollector, kind: &str) -> Result<Next, RunError> {
        let message = format!(
            "objects of kind {kind} cannot be listed, so nothing is changed until they can: is their definition \
             installed, and may the operator list them? Its log says more"
        );
        tracing::error!("{message}");
        let report = Report::new(ComponentState::Failure, "CannotList", message);
        let status = status::stalled(
            collector.status.clone().unwrap_or_default(),
            collector.metadata.generation,
            &report,
            &Time(now()),
        );
        // One that was superseded is written in the next run, which an error brings anyway.
        let _written = self.store(collector, status).await?;
        let reports = BTreeMap::from([(Component::Controller, report)]);
        self.events.tell(&collector.object_ref(&()), &reports).await;
        Ok(Next::Error)
    }

    /// States of the workloads.
    pub(super) async fn observe(
        &mut self,
        desired: &Desired,
        reports: &mut BTreeMap<Component, Report>,
    ) {
        for item in &desired.items {
            let key = item.object.key();
            let Some(kind) = Kind::find(&key.group, &key.kind) else {
                continue;
            };
            if let Some(live) = self.applier.detached(key) {
                let report = status::observe_detached(key, &live);
                merge(reports, item.component, report.unwrap_or_else(ready));
                continue;
            }
            let live = self.applier.live(kind, key);
            let Some(mut report) = status::observe(key, live.as_deref()) else {
                continue;
            };
            if report.ready < report.desired {
                let progress = Progress {
                    generation: live.and_then(|live| live.metadata.generation),
                    ready: report.ready,
                    desired: report.desired,
                };
                report.unhealthy = self.pods.unhealthy(key, progress).await;
            } else {
                self.pods.forget(key);
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

    pub(super) async fn write_status(
        &self,
        collector: &FlowCollector,
        facts: &Facts,
        reports: &BTreeMap<Component, Report>,
    ) -> Result<Written, RunError> {
        let status = status::compute(&Observation {
            spec: &collector.spec,
            generation: collector.metadata.generation,
            reports,
            issues: &issues(&collector.spec, facts),
            previous: collector.status.as_ref(),
            now: Time(now()),
        });
        self.store(collector, status).await
    }

    /// Writes a status if it is another than the one that is there.
    async fn store(
        &self,
        collector: &FlowCollector,
        status: FlowCollectorStatus,
    ) -> Result<Written, RunError> {
        if collector.status.as_ref() == Some(&status) {
            return Ok(Written::Done);
        }
        let collectors: Api<FlowCollector> = Api::all(self.client.clone());
        let mut changed = collector.clone();
        changed.status = Some(status);
        write_status(&collectors, &mut changed)
            .await
            .map_err(RunError::Status)
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
