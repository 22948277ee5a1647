//! What the console's health view reads from a rule.

use serde::Serialize;
use serde_with::skip_serializing_none;

use super::Side;
use super::Subject;
use crate::apis::flowcollector::v1beta2::metrics::{HealthGroupBy, HealthTemplate};

/// A trend is drawn up to this many times its highest threshold, but at least up to [`BOUND_MIN`].
const BOUND_FACTOR: f64 = 5.0;
const BOUND_MIN: f64 = 100.0;

/// In the order NetObserv writes it; what is empty is left out.
#[skip_serializing_none]
#[derive(Debug, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Annotation<'a> {
    alert_threshold: Option<&'a str>,
    recording_thresholds: Option<RecordingThresholds<'a>>,
    upper_bound: Option<String>,
    unit: &'static str,
    node_labels: Option<[&'static str; 1]>,
    namespace_labels: Option<[&'static str; 1]>,
    workload_labels: Option<[&'static str; 1]>,
    kind_labels: Option<[&'static str; 1]>,
    traffic_link: Option<TrafficLink>,
}

#[skip_serializing_none]
#[derive(Debug, Default, Serialize)]
struct RecordingThresholds<'a> {
    info: Option<&'a str>,
    warning: Option<&'a str>,
    critical: Option<&'a str>,
}

/// Which flows to show for a rule.
#[derive(Debug, Serialize)]
#[serde(rename_all = "camelCase")]
struct TrafficLink {
    extra_filter: &'static str,
    back_and_forth: bool,
    filter_destination: bool,
}

/// `threshold` is that of an alert; a recorded series has all of them.
pub fn annotation<'a>(subject: &Subject<'a>, threshold: Option<&'a str>) -> Annotation<'a> {
    let is = |group_by| subject.group_by == group_by;
    let label = |is_there: bool, name| is_there.then_some([name]);
    let node = if subject.template == HealthTemplate::PacketDropsByDevice {
        "instance"
    } else {
        "node"
    };
    let has_namespace = is(HealthGroupBy::Namespace) || is(HealthGroupBy::Workload);
    Annotation {
        alert_threshold: threshold,
        recording_thresholds: threshold.is_none().then(|| recording_thresholds(subject)),
        upper_bound: upper_bound(subject),
        unit: "%",
        node_labels: label(is(HealthGroupBy::Node), node),
        namespace_labels: label(has_namespace, "namespace"),
        workload_labels: label(is(HealthGroupBy::Workload), "workload"),
        kind_labels: label(is(HealthGroupBy::Workload), "kind"),
        traffic_link: traffic_link(subject),
    }
}

fn recording_thresholds<'a>(subject: &Subject<'a>) -> RecordingThresholds<'a> {
    let mut thresholds = RecordingThresholds::default();
    for (severity, threshold) in subject.thresholds() {
        let place = match severity {
            "critical" => &mut thresholds.critical,
            "warning" => &mut thresholds.warning,
            _ => &mut thresholds.info,
        };
        *place = Some(threshold);
    }
    thresholds
}

/// A percentage ends at 100, a trend nowhere.
fn upper_bound(subject: &Subject) -> Option<String> {
    if !subject.is_trend() {
        return None;
    }
    let highest = subject
        .thresholds()
        .iter()
        .filter_map(|(_, text)| text.parse().ok())
        .fold(0.0, f64::max);
    Some(format!(
        "{:.0}",
        (BOUND_FACTOR * highest).max(BOUND_MIN).trunc()
    ))
}

fn traffic_link(subject: &Subject) -> Option<TrafficLink> {
    let is_dst = subject.side == Some(Side::Dst);
    let (extra_filter, back_and_forth, filter_destination) = match subject.template {
        HealthTemplate::DnsErrors => (r#"dns_flag_response_code!="NoError,NXDomain""#, false, true),
        HealthTemplate::DnsNxDomain => (r#"dns_flag_response_code="NXDomain""#, false, true),
        HealthTemplate::ExternalEgressHighTrend => (r#"dst_subnet_label="",EXT:"#, true, is_dst),
        HealthTemplate::ExternalIngressHighTrend => (r#"src_subnet_label="",EXT:"#, true, is_dst),
        _ => return None,
    };
    Some(TrafficLink {
        extra_filter,
        back_and_forth,
        filter_destination,
    })
}
