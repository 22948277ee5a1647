//! Which events of our resources ask for a run: those that changed what users say. A status, ours above all, does not.

use std::collections::BTreeMap;

use k8s_openapi::apimachinery::pkg::apis::meta::v1::Time;
use kube::Resource;
use kube::runtime::watcher::Event;

/// What users say in one object, as far as it can differ without another generation.
#[derive(Debug, Clone, PartialEq)]
struct Said {
    uid: Option<String>,
    generation: Option<i64>,
    labels: Option<BTreeMap<String, String>>,
    annotations: Option<BTreeMap<String, String>>,
    deletion: Option<Time>,
}

/// What was said in each object when it was last seen, by namespace and name.
#[derive(Debug, Default)]
pub struct Edits {
    seen: BTreeMap<(Option<String>, Option<String>), Said>,
}

impl Edits {
    /// Whether an event asks for a run.
    pub fn is_one<K: Resource>(&mut self, event: &Event<K>) -> bool {
        match event {
            Event::Apply(object) | Event::InitApply(object) => {
                let meta = object.meta();
                let said = Said {
                    uid: meta.uid.clone(),
                    generation: meta.generation,
                    labels: meta.labels.clone(),
                    annotations: meta.annotations.clone(),
                    deletion: meta.deletion_timestamp.clone(),
                };
                let before = self.seen.insert(key(object), said.clone());
                before != Some(said)
            }
            Event::Delete(object) => {
                self.seen.remove(&key(object));
                true
            }
            Event::Init => false,
            // Objects may have gone unseen.
            Event::InitDone => true,
        }
    }
}

fn key<K: Resource>(object: &K) -> (Option<String>, Option<String>) {
    let meta = object.meta();
    (meta.namespace.clone(), meta.name.clone())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::apis::flowmetric::FlowMetric;

    fn metric(change: impl FnOnce(&mut FlowMetric)) -> FlowMetric {
        let mut metric = FlowMetric::default();
        metric.metadata.name = Some("one".to_owned());
        metric.metadata.generation = Some(1);
        metric.metadata.resource_version = Some("5".to_owned());
        change(&mut metric);
        metric
    }

    #[test]
    fn only_what_users_say_asks_for_a_run() {
        let text = |key: &str| Some(BTreeMap::from([(key.to_owned(), "x".to_owned())]));
        for (name, later, expected) in [
            (
                "a status",
                metric(|metric| {
                    metric.metadata.resource_version = Some("6".to_owned());
                    metric.metadata.managed_fields = Some(Vec::new());
                    metric.status = Some(crate::apis::flowmetric::FlowMetricStatus::default());
                }),
                false,
            ),
            (
                "a specification",
                metric(|metric| metric.metadata.generation = Some(2)),
                true,
            ),
            (
                "a label",
                metric(|metric| metric.metadata.labels = text("l")),
                true,
            ),
            (
                "an annotation",
                metric(|metric| metric.metadata.annotations = text("a")),
                true,
            ),
            (
                "a deletion",
                metric(|metric| {
                    metric.metadata.deletion_timestamp = Some(Time(jiff::Timestamp::UNIX_EPOCH));
                }),
                true,
            ),
            (
                "another of that name",
                metric(|metric| metric.metadata.uid = Some("u".to_owned())),
                true,
            ),
            (
                "another object",
                metric(|metric| metric.metadata.namespace = Some("n".to_owned())),
                true,
            ),
        ] {
            let mut edits = Edits::default();
            assert!(edits.is_one(&Event::Apply(metric(|_| {}))), "{name}");
            assert_eq!(edits.is_one(&Event::Apply(later)), expected, "{name}");
        }
        let mut edits = Edits::default();
        assert!(edits.is_one(&Event::InitApply(metric(|_| {}))));
        assert!(!edits.is_one(&Event::InitApply(metric(|_| {}))));
        assert!(edits.is_one(&Event::<FlowMetric>::InitDone));
        assert!(edits.is_one(&Event::Delete(metric(|_| {}))));
        assert!(edits.is_one(&Event::Apply(metric(|_| {}))), "made again");
    }
}
