//! The processor: placement, records, filters, metrics, names of ranges, certificates.

use super::{Subject, health};
use crate::apis::flowcollector::v1beta2::DeploymentModel;
use crate::apis::flowcollector::v1beta2::metrics::HealthTemplate;
use crate::apis::flowcollector::v1beta2::processor::{CollectionMode, LogTypes, ServiceTlsType};
use crate::apis::flowcollector::v1beta2::shared::{MetricsServer, ServerTlsType};
use crate::apis::validation::Findings;
use crate::apis::{names, pattern, query, subnets};

/// Alerts beside the health rules.
const ALERTS: [&str; 2] = ["NetObservNoFlows", "NetObservLokiError"];

pub fn check(subject: &Subject<'_>, findings: &mut Findings) {
    check_scheduling(subject, findings);
    check_log_types(subject, findings);
    check_filters(subject, findings);
    check_allow_list(subject, findings);
    check_ports(subject, findings);
    health::check(subject, findings);
    check_alerts(subject, findings);
    check_include_lists(subject, findings);
    check_subnet_labels(subject, findings);
    check_tls(subject, findings);
    let metrics = subject.effective.processor.metrics.as_ref();
    let server = metrics.and_then(|metrics| metrics.server.as_ref());
    check_metrics_tls("spec.processor.metrics.server.tls", server, findings);
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

/// What stands between slashes is a regular expression, which the pipeline runs.
fn check_allow_list(subject: &Subject<'_>, findings: &mut Findings) {
    let config = subject.effective.processor.slices_config.as_ref();
    let config = config.filter(|config| {
        config.enable && config.collection_mode == Some(CollectionMode::AllowList)
    });
    let list = config.and_then(|config| config.namespaces_allow_list.as_ref());
    for (at, entry) in list.into_iter().flatten().enumerate() {
        let path = format!("spec.processor.slicesConfig.namespacesAllowList[{at}]");
        let between = entry
            .strip_prefix('/')
            .and_then(|rest| rest.strip_suffix('/'));
        match between.map(pattern::check) {
            Some(Ok(())) => {}
            Some(Err(problem)) => findings.refuse(
                path,
                format!("{entry:?} is no regular expression: {problem}"),
                "correct it, or write the namespace's name without slashes",
            ),
            None if names::is_namespace(entry) => {}
            None => findings.warn(
                path,
                format!("{entry:?} is no name of a namespace, so that it keeps the flows of none"),
                "write the name of a namespace, or an expression between slashes, or remove it",
            ),
        }
    }
}

/// Servers of one process, of which no two can have one port.
fn check_ports(subject: &Subject<'_>, findings: &mut Findings) {
    let effective = &subject.effective;
    let flows = (!effective.uses_kafka()).then(|| effective.processor_port());
    let mut taken: Vec<(&str, u16)> = Vec::new();
    for (path, port) in [
        (
            "spec.processor.metrics.server.port",
            Some(effective.processor_metrics_port()),
        ),
        (
            "spec.processor.advanced.healthPort",
            Some(effective.processor_health_port()),
        ),
        ("spec.processor.advanced.port", flows),
        (
            "spec.processor.advanced.profilePort",
            effective.processor_profile_port(),
        ),
    ] {
        let Some(port) = port else { continue };
        if let Some((other, _)) = taken.iter().find(|(_, other)| *other == port) {
            findings.refuse(
                path,
                format!("{port} is the port of {other} too, in the same process"),
                "use another port",
            );
        }
        taken.push((path, port));
    }
}

fn check_alerts(subject: &Subject<'_>, findings: &mut Findings) {
    let metrics = subject.effective.processor.metrics.as_ref();
    let disabled = metrics.and_then(|metrics| metrics.disable_alerts.as_ref());
    let templates = HealthTemplate::ALL.iter().map(|template| template.as_str());
    let known: Vec<&str> = templates.chain(ALERTS).collect();
    for (at, name) in disabled.into_iter().flatten().enumerate() {
        if !known.contains(&name.as_str()) {
            findings.warn(
                format!("spec.processor.metrics.disableAlerts[{at}]"),
                format!("there is no alert {name:?}, so that nothing is left out"),
                format!("use one of {}", known.join(", ")),
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

/// Metrics would be served in clear and asked for by TLS.
pub fn check_metrics_tls(path: &str, server: Option<&MetricsServer>, findings: &mut Findings) {
    let tls = server.and_then(|server| server.tls.as_ref());
    let Some(tls) = tls.filter(|tls| tls.kind == ServerTlsType::Provided) else {
        return;
    };
    let certificate = tls.provided.as_ref().and_then(|pair| pair.name.as_deref());
    if certificate.unwrap_or_default().is_empty() {
        findings.refuse(
            format!("{path}.provided"),
            format!("names no certificate, and {path}.type is Provided"),
            "name the certificate, or use Auto or Disabled",
        );
    }
}
