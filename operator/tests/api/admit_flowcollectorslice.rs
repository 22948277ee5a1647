//! Checks of FlowCollectorSlices.

use netobserv_operator::apis::flowcollectorslice::validate::validate;
use serde_json::json;

#[test]
fn names_and_ranges() {
    for (label, expected) in [
        (
            json!({ "name": "EXT:partner_1", "cidrs": ["10.0.0.0/8", "fd00::/8"] }),
            vec![],
        ),
        (
            json!({ "name": "", "cidrs": [] }),
            vec!["spec.subnetLabels[1].name"],
        ),
        (
            json!({ "name": "1st", "cidrs": [] }),
            vec!["spec.subnetLabels[1].name"],
        ),
        (
            json!({ "name": "a b", "cidrs": ["10.0.0.0", "10.0.0.0/8", "x"] }),
            vec![
                "spec.subnetLabels[1].name",
                "spec.subnetLabels[1].cidrs[0]",
                "spec.subnetLabels[1].cidrs[2]",
            ],
        ),
    ] {
        let spec = json!({ "subnetLabels": [{ "name": "ok", "cidrs": [] }, label] });
        let findings = validate(&serde_json::from_value(spec).unwrap());
        let paths: Vec<_> = findings.errors.iter().map(|e| e.path.as_str()).collect();
        assert_eq!(paths, expected, "{label}");
        assert_eq!(findings.warnings, []);
    }
}
