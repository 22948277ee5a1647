//! What a role allows, and which of it requests used.

use std::collections::BTreeSet;

use k8s_openapi::api::rbac::v1::PolicyRule;

use super::audit::Request;

/// A verb on a resource of a group; of one object only where the rule names it.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct Right {
    pub verb: String,
    pub resource: String,
    pub group: String,
    pub name: Option<String>,
}

/// All that rules allow, one by one.
pub fn rights(rules: &[PolicyRule]) -> BTreeSet<Right> {
    let mut rights = BTreeSet::new();
    for rule in rules {
        let names: Vec<Option<String>> = match &rule.resource_names {
            Some(names) => names.iter().cloned().map(Some).collect(),
            None => vec![None],
        };
        for group in rule.api_groups.iter().flatten() {
            for resource in rule.resources.iter().flatten() {
                for verb in &rule.verbs {
                    rights.extend(names.iter().map(|name| Right {
                        verb: verb.clone(),
                        resource: resource.clone(),
                        group: group.clone(),
                        name: name.clone(),
                    }));
                }
            }
        }
    }
    rights
}

/// Whether a granted request needed it. A patch that made its object needed `create` too.
pub fn is_used(right: &Right, requests: &[Request]) -> bool {
    requests
        .iter()
        .filter(|request| request.code != 403)
        .filter(|request| request.resource == right.resource && request.group == right.group)
        .filter(|request| right.name.as_ref().is_none_or(|name| *name == request.name))
        .any(|request| {
            request.verb == right.verb
                || (right.verb == "create" && request.verb == "patch" && request.code == 201)
        })
}
