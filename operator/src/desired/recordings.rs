//! What the console is told of recorded series of health that users define themselves, in PrometheusRules of any namespace.

use std::collections::BTreeMap;

use serde_json::Value;

use super::build::Labels;
use crate::scope::{annotation, label};

/// What is said of each recorded series, by its name.
pub type Recordings = BTreeMap<String, Labels>;

/// Most that users may say in all, in bytes as JSON. They write PrometheusRules in namespaces of their own, and all of it goes
/// into one configuration.
pub const BYTES_MAX: usize = 64 << 10;

/// What fits into [`BYTES_MAX`] in the order of the names, and how many series are left out.
pub fn within_limit(all: &Recordings) -> (Recordings, usize) {
    let mut left = BYTES_MAX;
    let fits = |entry: &(&String, &Labels)| {
        let size = serde_json::to_string(entry).map_or(usize::MAX, |text| text.len());
        let rest = left.checked_sub(size);
        left = rest.unwrap_or(left);
        rest.is_some()
    };
    let kept = all.iter().filter(fits);
    let kept: Recordings = kept
        .map(|(name, said)| (name.clone(), said.clone()))
        .collect();
    let left_out = all.len() - kept.len();
    (kept, left_out)
}

/// Of one PrometheusRule: the annotations of those series that it records with our label. An error says what is wrong with
/// its annotation.
pub fn of_rule(
    annotations: Option<&BTreeMap<String, String>>,
    spec: &Value,
) -> Result<Recordings, serde_json::Error> {
    let Some(text) = annotations.and_then(|all| all.get(annotation::RECORDED_HEALTH)) else {
        return Ok(Recordings::new());
    };
    let mut said: Recordings = serde_json::from_str(text)?;
    let groups = spec["groups"].as_array().into_iter().flatten();
    let rules = groups.flat_map(|group| group["rules"].as_array().into_iter().flatten());
    let recorded: Vec<&str> = rules
        .filter(|rule| rule["labels"][label::HEALTH] == label::HEALTH_YES)
        .filter_map(|rule| rule["record"].as_str())
        .collect();
    said.retain(|name, _| recorded.contains(&name.as_str()));
    Ok(said)
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, reason = "tests")]
    use serde_json::json;

    use super::*;

    #[test]
    fn only_series_that_are_recorded_with_the_label_are_told() {
        let spec = json!({"groups": [{"rules": [
            {"record": "mine", "expr": "1", "labels": {"netobserv": "true"}},
            {"record": "other", "expr": "1"},
            {"alert": "fire", "expr": "1", "labels": {"netobserv": "true"}},
        ]}]});
        let text =
            r#"{"mine": {"summary": "s"}, "other": {"summary": "o"}, "fire": {}, "absent": {}}"#;
        let annotations =
            BTreeMap::from([(annotation::RECORDED_HEALTH.to_owned(), text.to_owned())]);
        let told = of_rule(Some(&annotations), &spec).unwrap();
        let mine = Labels::from([("summary".to_owned(), "s".to_owned())]);
        assert_eq!(told, Recordings::from([("mine".to_owned(), mine)]));
        assert_eq!(of_rule(None, &spec).unwrap(), Recordings::new());
        let broken = BTreeMap::from([(annotation::RECORDED_HEALTH.to_owned(), "{".to_owned())]);
        assert!(of_rule(Some(&broken), &spec).is_err());
    }
}
