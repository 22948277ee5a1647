//! The block `frontend`: what the page shows.

use serde::Serialize;

use super::features::{self, Feature};
use super::scopes;
use super::tables::{Column, Field, Filter, Scope, TABLES};
use crate::apis::flowcollector::v1beta2::console::{PortNaming, QuickFilter};
use crate::desired::recordings::Recordings;
use crate::desired::{Context, health, recordings};

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Frontend {
    record_types: &'static [&'static str],
    port_naming: PortNaming,
    columns: &'static [Column],
    filters: &'static [Filter],
    scopes: Vec<Scope>,
    quick_filters: Vec<QuickFilter>,
    alert_namespaces: [String; 1],
    sampling: i32,
    features: Vec<Feature>,
    fields: &'static [Field],
    #[serde(skip_serializing_if = "Recordings::is_empty")]
    recording_annotations: Recordings,
}

/// What is said of the recorded series of the health rules and of users; these win. A console that asks no Prometheus shows
/// none of them, and users must not be able to start it anew.
fn recordings(context: &Context) -> Recordings {
    let mut recordings = health::build(context.effective).recordings;
    if context.effective.asks_prometheus() {
        recordings.extend(recordings::within_limit(context.recordings).0);
    }
    recordings
}

/// For the log: what users say of recorded series and does not fit.
pub fn note(context: &Context) -> Option<String> {
    let (_, left_out) = recordings::within_limit(context.recordings);
    (context.effective.asks_prometheus() && left_out > 0).then(|| {
        format!(
            "{left_out} recorded series are not explained to the console: annotations of PrometheusRules of users hold \
             more than {} KiB in all",
            recordings::BYTES_MAX >> 10
        )
    })
}

/// The page leaves out columns and filters of a feature that is off; levels of aggregation are left out here, since
/// whether they can be answered depends on more.
pub fn of(context: &Context) -> Frontend {
    let effective = context.effective;
    let console = &effective.console;
    let features = features::of(effective);
    Frontend {
        record_types: effective.record_types(),
        port_naming: console.port_naming.clone().unwrap_or_default(),
        columns: &TABLES.columns,
        filters: &TABLES.filters,
        scopes: scopes::of(context, &features),
        quick_filters: console.quick_filters.clone().unwrap_or_default(),
        alert_namespaces: [context.scope.namespace().to_owned()],
        sampling: effective.sampling(),
        features,
        fields: &TABLES.fields,
        recording_annotations: recordings(context),
    }
}
