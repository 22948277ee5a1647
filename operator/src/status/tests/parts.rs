//! The status of a FlowMetric and of a slice.

use jiff::Timestamp;
use k8s_openapi::apimachinery::pkg::apis::meta::v1::Time;

use crate::apis::flowcollectorslice::FlowCollectorSliceStatus;
use crate::apis::flowmetric::fields::Cardinality;
use crate::desired::{MetricOutcome, SliceOutcome};
use crate::status::{flow_metric, slice};

#[test]
fn a_flowmetric_says_whether_it_is_made_and_how_many_series_it_makes() {
    let time = |second| Time(Timestamp::from_second(second).unwrap());
    let outcome = |problem: Option<&str>, cardinality| MetricOutcome {
        namespace: "netobserv".to_owned(),
        name: "m".to_owned(),
        prometheus_name: "netobserv_m".to_owned(),
        problem: problem.map(str::to_owned),
        cardinality,
        details: "details".to_owned(),
    };
    for (problem, cardinality, expected) in [
        (
            None,
            Cardinality::Fine,
            [("True", "Ready"), ("False", "fine")],
        ),
        (
            None,
            Cardinality::Careful,
            [("True", "Ready"), ("False", "careful")],
        ),
        (
            Some("why"),
            Cardinality::Avoid,
            [("False", "Failure"), ("True", "avoid")],
        ),
        (
            Some("why"),
            Cardinality::Unknown,
            [("False", "Failure"), ("True", "unknown")],
        ),
    ] {
        let outcome = outcome(problem, cardinality);
        let status = flow_metric(&outcome, None, Some(2), &time(5));
        let found: Vec<_> = status
            .conditions
            .iter()
            .map(|condition| (condition.status.as_str(), condition.reason.as_str()))
            .collect();
        assert_eq!(found, expected);
        let message = &status.conditions[0].message;
        assert_eq!(message, problem.unwrap_or("flowlogs-pipeline configured"));
        // Said again later, it is the same, so that it is not written.
        let again = flow_metric(&outcome, Some(&status), Some(2), &time(9));
        assert_eq!(again, status);
    }
}

#[test]
fn a_slice_warns_of_overlaps_only_while_there_are_any() {
    let now = Time(Timestamp::from_second(5).unwrap());
    let mut outcome = SliceOutcome {
        is_read: true,
        overlaps: "a range".to_owned(),
        labels: 2,
        ..SliceOutcome::default()
    };
    let kinds = |status: &FlowCollectorSliceStatus| -> Vec<String> {
        let conditions = status.conditions.iter();
        conditions
            .map(|condition| {
                format!(
                    "{}={}/{}",
                    condition.type_, condition.status, condition.reason
                )
            })
            .collect()
    };
    let status = slice(&outcome, None, Some(1), &now);
    assert_eq!(
        kinds(&status),
        ["Ready=True/Ready", "SubnetWarning=True/SubnetOverlap"]
    );
    assert_eq!(status.subnet_labels_configured, Some(2));
    outcome.overlaps.clear();
    outcome.problems = vec!["one".to_owned(), "two".to_owned()];
    let status = slice(&outcome, Some(&status), Some(1), &now);
    assert_eq!(kinds(&status), ["Ready=False/Failure"]);
    assert_eq!(status.conditions[0].message, "one; two");
    outcome.is_read = false;
    let status = slice(&outcome, Some(&status), Some(1), &now);
    assert_eq!(kinds(&status), ["Ready=False/SlicesDisabled"]);
    assert_eq!(status.subnet_labels_configured, None);
}
