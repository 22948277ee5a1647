//! Names for address ranges, which a FlowCollector and its slices both give.

use ipnet::IpNet;

use super::validation::Findings;

/// Pattern of a name. The schema of a FlowCollector has it; that of a slice, like NetObserv's, has not.
pub const NAME_PATTERN: &str = "^[a-zA-Z_:-][a-zA-Z0-9_:-]*$";

/// Refuses a name that [`NAME_PATTERN`] does not allow. `path` is that of the label.
pub fn check_name(path: &str, name: &str, findings: &mut Findings) {
    let is_part = |c: char| c.is_ascii_alphanumeric() || "_:-".contains(c);
    let is_start = |c: char| is_part(c) && !c.is_ascii_digit();
    if !name.starts_with(is_start) || !name.chars().all(is_part) {
        findings.refuse(
            format!("{path}.name"),
            format!("{name:?} is no name of a range"),
            "use letters, digits, `_`, `:` and `-`, and begin with no digit",
        );
    }
}

/// Refuses what is no address range. `path` is that of the label.
pub fn check_ranges(path: &str, ranges: &[String], findings: &mut Findings) {
    for (at, range) in ranges.iter().enumerate() {
        if range.parse::<IpNet>().is_err() {
            findings.refuse(
                format!("{path}.cidrs[{at}]"),
                format!("{range:?} is no address range"),
                "write it as 10.0.0.0/8 or fd00::/8",
            );
        }
    }
}
