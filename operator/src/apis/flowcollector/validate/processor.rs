//! The processor: placement, records, filters, metrics, names of ranges, certificates.

use super::{Subject, health};
use crate::apis::flowcollector::v1beta2::DeploymentModel;
use crate::apis::flowcollector::v1beta2::processor::{LogTypes, ServiceTlsType};
use crate::apis::validation::Findings;
use crate::apis::{query, subnets};

pub fn check(subject: &Subject<'_>, findings: &mut Findings) {
    check_scheduling(subject, findings);
    check_log_types(subject, findings);
    check_filters(subject, findings);
    health::check(subject, findings);
    check_include_lists(subject, findings);
    check_subnet_labels(subject, findings);
    check_tls(subject, findings);
}

fn check_scheduling(subject: &Subject<'_>, findings: &mut Findings) {
    if subject.effective.deployment_model != DeploymentModel::Direct {
        return;
    }
    let agent = subject
        .effective
        .agent
        .advanced
        .as_ref()
        .and_then(|a| a.scheduling.as_ref());
    let processor = &subject.effective.processor;
    let processor = processor
        .advanced
        .as_ref()
        .and_then(|a| a.scheduling.as_ref());
    if agent != processor {
        findings.warn(
            "spec.processor.advanced.scheduling",
            "differs from spec.agent.ebpf.advanced.scheduling: agents without a processor on their node lose their flows",
            "make them equal, or use another deployment model",
        );
    }
}

fn check_log_types(subject: &Subject<'_>, findings: &mut Findings) {
    const PATH: &str = "spec.processor.logTypes";
    let effective = &subject.effective;
    if effective.processor.log_types == Some(LogTypes::All) {
        findings.warn(
            PATH,
            "All makes records of flows and of conversations, and needs most CPU, memory and storage",
            "use it for debugging only",
        );
    }
    if !effective.tracks_conversations() {
        return;
    }
    if !effective.uses_loki() {
        findings.refuse(
            PATH,
            "conversations need flows to be kept, and spec.loki.enable is false",
            "enable Loki, or use Flows",
        );
    }
    if effective.deployment_model == DeploymentModel::Service {
        findings.refuse(
            PATH,
            "conversations cannot be tracked in the model Service, where several processors share the flows",
            "set spec.deploymentModel to Direct or Kafka, or use Flows",
        );
    }
}

fn check_filters(subject: &Subject<'_>, findings: &mut Findings) {
    for (at, filter) in subject
        .effective
        .processor
        .filters
        .iter()
        .flatten()
        .enumerate()
    {
        let text = filter.query.as_deref().unwrap_or_default();
        if let Err(error) = query::check(text) {
            findings.refuse(
                format!("spec.processor.filters[{at}].query"),
                format!("cannot be read: {error}"),
                "write conditions such as SrcK8S_Namespace=\"netobserv\" joined by `and` and `or`",
            );
        }
    }
}

fn check_include_lists(subject: &Subject<'_>, findings: &mut Findings) {
    let metrics = subject.effective.processor.metrics.as_ref();
    if metrics.is_some_and(|m| m.include_list.is_some() && m.additional_include_list.is_some()) {
        findings.warn(
            "spec.processor.metrics.additionalIncludeList",
            "is ignored, since spec.processor.metrics.includeList is there",
            "remove one of them",
        );
    }
}

fn check_subnet_labels(subject: &Subject<'_>, findings: &mut Findings) {
    let labels = subject.effective.processor.subnet_labels.as_ref();
    let labels = labels.and_then(|labels| labels.custom_labels.as_ref());
    for (at, label) in labels.into_iter().flatten().enumerate() {
        let path = format!("spec.processor.subnetLabels.customLabels[{at}]");
        subnets::check_ranges(&path, &label.cidrs, findings);
    }
}

fn check_tls(subject: &Subject<'_>, findings: &mut Findings) {
    const PATH: &str = "spec.processor.service.providedCertificates";
    let effective = &subject.effective;
    if effective.deployment_model != DeploymentModel::Service
        || effective.service_tls() != ServiceTlsType::Provided
    {
        return;
    }
    let service = effective.processor.service.as_ref();
    let missing = match service.and_then(|s| s.provided_certificates.as_ref()) {
        None => PATH.to_owned(),
        Some(certificates) if certificates.ca_file.is_none() => format!("{PATH}.caFile"),
        Some(certificates) if certificates.server_cert.is_none() => format!("{PATH}.serverCert"),
        Some(_) => return,
    };
    findings.refuse(
        missing,
        "is missing, and spec.processor.service.tlsType is Provided",
        "name the certificate, or use Auto",
    );
}
