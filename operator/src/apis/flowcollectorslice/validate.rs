//! Checks of a FlowCollectorSlice: what holds for the FlowCollector's own names of address ranges holds here too.

use super::FlowCollectorSliceSpec;
use crate::apis::subnets;
use crate::apis::validation::Findings;

/// Checks a specification.
pub fn validate(spec: &FlowCollectorSliceSpec) -> Findings {
    let mut findings = Findings::default();
    for (at, label) in spec.subnet_labels.iter().flatten().enumerate() {
        let path = format!("spec.subnetLabels[{at}]");
        subnets::check_name(&path, &label.name, &mut findings);
        subnets::check_ranges(&path, &label.cidrs, &mut findings);
    }
    findings
}
