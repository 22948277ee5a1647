//! When the next run is, as the last one leaves things.

use std::collections::BTreeMap;
use std::time::Duration;

use crate::apis::flowcollector::v1beta2::status::ComponentState;
use crate::desired::Component;
use crate::status::Report;

/// While something is not ready, or could not be asked for, how long until it is looked at again without a change.
pub const NOT_READY: Duration = Duration::from_secs(30);
/// While something works in part, such as for want of a permission that nobody tells us of.
const DEGRADED: Duration = Duration::from_mins(5);

/// When to run again without a change.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Next {
    /// Nothing to do until something changes.
    Change,
    /// After that time.
    After(Duration),
    /// After an error: with growing waits.
    Error,
}

impl Next {
    /// As the reports ask for.
    pub fn of(reports: &BTreeMap<Component, Report>) -> Self {
        // Nothing can be done about what is wrong with somebody else's LokiStack but wait for it to change.
        let has = |state| {
            let mut ours = reports
                .iter()
                .filter(|(component, _)| **component != Component::LokiStack);
            ours.any(|(_, report)| report.state == state)
        };
        if has(ComponentState::Failure) {
            Self::Error
        } else if has(ComponentState::InProgress)
            || reports
                .values()
                .any(|report| report.unhealthy.count() > 0 || report.ready < report.desired)
        {
            Self::After(NOT_READY)
        } else if has(ComponentState::Degraded) {
            Self::After(DEGRADED)
        } else {
            Self::Change
        }
    }

    /// No later than after that time, unless an error decides.
    #[must_use]
    pub fn within(self, wait: Duration) -> Self {
        match self {
            Self::Change => Self::After(wait),
            Self::After(other) => Self::After(other.min(wait)),
            Self::Error => Self::Error,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use ComponentState::{Degraded, Failure, InProgress, Ready};

    #[test]
    fn what_is_wrong_is_looked_at_again_though_nothing_changes() {
        let half_a_minute = Next::After(Duration::from_secs(30));
        for (name, states, expected) in [
            ("all is well", vec![(Component::Agent, Ready)], Next::Change),
            (
                "the worst decides",
                vec![(Component::Agent, Degraded), (Component::Console, Failure)],
                Next::Error,
            ),
            (
                "a rollout",
                vec![
                    (Component::Agent, InProgress),
                    (Component::Console, Degraded),
                ],
                half_a_minute,
            ),
            (
                "a part does not work",
                vec![(Component::Console, Degraded)],
                Next::After(Duration::from_mins(5)),
            ),
            (
                "of somebody else",
                vec![(Component::LokiStack, Failure)],
                Next::Change,
            ),
        ] {
            let reports = states
                .into_iter()
                .map(|(component, state)| (component, Report::new(state, "Why", "because")));
            assert_eq!(Next::of(&reports.collect()), expected, "{name}");
        }
    }

    #[test]
    fn the_sooner_time_counts_and_errors_have_their_own() {
        let seconds = Duration::from_secs;
        for (next, expected) in [
            (Next::Change, Next::After(seconds(30))),
            (Next::After(seconds(300)), Next::After(seconds(30))),
            (Next::After(seconds(5)), Next::After(seconds(5))),
            (Next::Error, Next::Error),
        ] {
            assert_eq!(next.within(seconds(30)), expected, "{next:?}");
        }
    }
}
