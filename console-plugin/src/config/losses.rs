//! The `losses` block: whose loss counters are read, so that every view can say how complete it is.
//!
//! **Invariant:** a block of our own, so unknown keys are refused.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// Components that may be watched.
const TARGETS_MAX: usize = 256;

/// Where loss counters are read.
#[derive(Debug, Clone, Default, Deserialize, Serialize, JsonSchema)]
#[serde(default, rename_all = "camelCase", deny_unknown_fields)]
pub struct LossesConfig {
    /// Metric pages to read every 15 s.
    pub targets: Vec<LossTarget>,
}

/// One metrics page.
#[derive(Debug, Clone, Deserialize, Serialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct LossTarget {
    /// Name shown on the page, such as `ebpf-agent`.
    pub component: String,
    /// Address of its metrics; a host name means all its addresses.
    pub url: String,
    /// Authority that signed its certificate; the system's when absent.
    #[serde(default)]
    pub ca_path: Option<String>,
    /// Name its certificate must carry; the URL's host when absent.
    #[serde(default)]
    pub server_name: Option<String>,
}

impl LossesConfig {
    pub(super) fn validate(&self, problems: &mut Vec<String>) {
        if self.targets.len() > TARGETS_MAX {
            problems.push(format!(
                "losses.targets: {} are more than {TARGETS_MAX}",
                self.targets.len()
            ));
        }
        for (index, target) in self.targets.iter().enumerate() {
            if target.component.is_empty() {
                problems.push(format!("losses.targets[{index}].component: is empty"));
            }
            let uri = target.url.parse::<http::Uri>();
            let is_web = uri.as_ref().is_ok_and(|uri| {
                uri.host().is_some() && matches!(uri.scheme_str(), Some("http" | "https"))
            });
            if !is_web {
                problems.push(format!(
                    "losses.targets[{index}].url: \"{}\" is not an address such as http://127.0.0.1:9400/metrics",
                    target.url
                ));
            }
        }
    }
}
