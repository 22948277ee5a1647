//! DNS tracking: part of the flow programs, so it runs wherever they do.
//!
//! **Invariant:** its maps have one entry when it is off.

use super::{FeatureStatus, Status};
use crate::kernel::Settings;

/// Capacity of its maps.
pub fn max_entries(settings: &Settings) -> u32 {
    match settings.dns_port {
        Some(_) => settings.cache_max_flows,
        None => 1,
    }
}

pub fn can_run() -> FeatureStatus {
    FeatureStatus {
        name: "dns",
        status: Status::Runs {
            hook: "flow programs",
        },
    }
}
