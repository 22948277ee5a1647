//! How it is deployed: model, network policies.

use super::Subject;
use crate::apis::flowcollector::v1beta2::DeploymentModel;
use crate::apis::names;
use crate::apis::validation::Findings;

/// Nodes from which on the Direct model costs more than it saves: each node's pipeline watches the whole cluster.
const DIRECT_NODES_MAX: usize = 15;

pub fn check(subject: &Subject<'_>, findings: &mut Findings) {
    check_model(subject, findings);
    check_network_policy(subject, findings);
    check_namespaces(subject, findings);
}

/// A policy selects namespaces by a label with their name.
fn check_namespaces(subject: &Subject<'_>, findings: &mut Findings) {
    let policy = &subject.effective.network_policy;
    for (at, name) in policy.additional_namespaces.iter().flatten().enumerate() {
        if names::is_namespace(name) {
            continue;
        }
        let path = format!("spec.networkPolicy.additionalNamespaces[{at}]");
        let advice = "write the name of a namespace, or remove it";
        if names::is_label_value(name) {
            let problem = format!("{name:?} is no name of a namespace, so that it allows nothing");
            findings.warn(path, problem, advice);
        } else {
            findings.refuse(path, format!("{name:?} is no name of a namespace"), advice);
        }
    }
}

fn check_model(subject: &Subject<'_>, findings: &mut Findings) {
    const PATH: &str = "spec.deploymentModel";
    match &subject.facts.nodes {
        Err(reason) => findings.warn(
            PATH,
            format!("cannot be checked, since the number of nodes is not known: {reason}"),
            format!("use Service or Kafka if there are {DIRECT_NODES_MAX} nodes or more"),
        ),
        Ok(nodes)
            if *nodes >= DIRECT_NODES_MAX
                && subject.effective.deployment_model == DeploymentModel::Direct =>
        {
            findings.warn(
                PATH,
                format!("Direct is not made for {nodes} nodes (limit: {DIRECT_NODES_MAX})"),
                "use Service or Kafka",
            );
        }
        Ok(_) => {}
    }
}

fn check_network_policy(subject: &Subject<'_>, findings: &mut Findings) {
    const PATH: &str = "spec.networkPolicy.enable";
    let is_asked_for = subject.effective.network_policy.enable == Some(true);
    match &subject.facts.network_plugin {
        Err(reason) => findings.warn(
            PATH,
            format!("cannot be checked, since the network plugin is not known: {reason}"),
            "set it to false if flows stop arriving",
        ),
        Ok(Some(plugin)) if plugin == "OpenShiftSDN" && is_asked_for => findings.warn(
            PATH,
            "is ignored with the network plugin OpenShiftSDN",
            "remove it",
        ),
        Ok(plugin) if plugin.as_deref().unwrap_or_default().is_empty() && is_asked_for => {
            findings.warn(
                PATH,
                "the policies are not tested with this cluster's network plugin",
                "set it to false if flows stop arriving",
            );
        }
        Ok(_) => {}
    }
}
