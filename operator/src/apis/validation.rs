//! What admission finds in an object: all of it at once, in a fixed order.

use std::fmt;

/// A problem of one field.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Finding {
    /// Path of the field, such as `spec.processor.filters[0].query`.
    pub path: String,
    /// What is wrong, with the value.
    pub problem: String,
    /// What to do next.
    pub advice: String,
}

impl fmt::Display for Finding {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}: {}; {}", self.path, self.problem, self.advice)
    }
}

/// All that was found.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Findings {
    /// The object is taken, but may not do what is expected.
    pub warnings: Vec<Finding>,
    /// The object is refused.
    pub errors: Vec<Finding>,
}

impl Findings {
    pub(super) fn warn(
        &mut self,
        path: impl Into<String>,
        problem: impl Into<String>,
        advice: impl Into<String>,
    ) {
        self.warnings.push(finding(path, problem, advice));
    }

    pub(super) fn refuse(
        &mut self,
        path: impl Into<String>,
        problem: impl Into<String>,
        advice: impl Into<String>,
    ) {
        self.errors.push(finding(path, problem, advice));
    }
}

fn finding(
    path: impl Into<String>,
    problem: impl Into<String>,
    advice: impl Into<String>,
) -> Finding {
    Finding {
        path: path.into(),
        problem: problem.into(),
        advice: advice.into(),
    }
}

/// What the rules ask of the cluster; an `Err` says why it is not known.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ClusterFacts {
    /// Number of nodes.
    pub nodes: Result<usize, String>,
    /// Name of the network plugin, as `OVNKubernetes`; none if it is none that is known.
    pub network_plugin: Result<Option<String>, String>,
    /// Version of OpenShift; none if this is no OpenShift.
    pub openshift: Result<Option<String>, String>,
    /// Whether the cluster has the API of OpenShift's console plugins.
    pub has_console_plugins: Result<bool, String>,
}

impl ClusterFacts {
    /// Nothing is known, for one reason.
    pub fn unknown(reason: &str) -> Self {
        Self {
            nodes: Err(reason.to_owned()),
            network_plugin: Err(reason.to_owned()),
            openshift: Err(reason.to_owned()),
            has_console_plugins: Err(reason.to_owned()),
        }
    }
}
