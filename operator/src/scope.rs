//! Every name, namespace, label and annotation key of what the operator makes.
//!
//! **Invariant:** no name of an object is written anywhere else.

/// Field manager of every server-side apply.
pub const FIELD_MANAGER: &str = "netobserv-operator";

/// Label keys and values.
pub mod label {
    /// On every object that we own.
    pub const MANAGED: &str = "netobserv-managed";
    /// Value of [`MANAGED`] that says so; any other detaches the object.
    pub const MANAGED_YES: &str = "true";
    /// On all objects of the product.
    pub const PART_OF: &str = "part-of";
    /// Value of [`PART_OF`].
    pub const PART_OF_VALUE: &str = "netobserv-operator";
    /// The component.
    pub const APP: &str = "app";
    /// Tag of the component's image.
    pub const VERSION: &str = "version";
    /// Level of pod security that a namespace enforces.
    pub const POD_SECURITY_ENFORCE: &str = "pod-security.kubernetes.io/enforce";
    /// Level of pod security that a namespace audits.
    pub const POD_SECURITY_AUDIT: &str = "pod-security.kubernetes.io/audit";
}

/// Annotation keys.
pub mod annotation {
    /// Digest of the body that was applied last.
    pub const APPLIED_DIGEST: &str = "flows.netobserv.io/applied-digest";
    /// On pods: digest of the configuration that only a restart takes in.
    pub const CONFIG_DIGEST: &str = "flows.netobserv.io/config-digest";
    /// Asks annotation-driven Prometheus to scrape a pod.
    pub const SCRAPE: &str = "prometheus.io/scrape";
    /// The port for it, as NetObserv spells it.
    pub const SCRAPE_PORT: &str = "prometheus.io/scrape_port";
    /// Asks OpenShift's service CA for a certificate in the named Secret.
    pub const SERVING_CERT: &str = "service.beta.openshift.io/serving-cert-secret-name";
}

/// Names of the agent's objects.
pub mod agent {
    /// DaemonSet, container, ServiceAccount, `app` label.
    pub const NAME: &str = "netobserv-ebpf-agent";
    /// Service of its metrics.
    pub const METRICS_SERVICE: &str = "ebpf-agent-svc-prom";
    /// ServiceMonitor of its metrics.
    pub const MONITOR: &str = "ebpf-agent-svc-monitor";
    /// PrometheusRule of its alerts.
    pub const ALERTS: &str = "ebpf-agent-prom-alert";
    /// Secret with the certificate it shows to the pipeline.
    pub const CERTIFICATE: &str = "ebpf-agent-cert";
}

/// Names of certificate authorities.
pub mod authority {
    /// ConfigMap that OpenShift puts into each namespace.
    pub const OPENSHIFT: &str = "openshift-service-ca.crt";
    /// ConfigMap of the same meaning elsewhere.
    pub const OURS: &str = "netobserv-ca";
    /// Key in both.
    pub const KEY: &str = "service-ca.crt";
}

/// Names of the pipeline's objects.
pub mod pipeline {
    /// Workload, container, ServiceAccount, Service, `app` label.
    pub const NAME: &str = "flowlogs-pipeline";
    /// Key of both ConfigMaps.
    pub const CONFIG_KEY: &str = "config.json";
    /// Secret of its gRPC server's certificate.
    pub const CERTIFICATE: &str = "flowlogs-pipeline-cert";
    /// Kafka consumer group of all its pods.
    pub const CONSUMER_GROUP: &str = "flowlogs-pipeline";

    /// Names that depend on where flows come from.
    #[derive(Debug, Clone, Copy, PartialEq, Eq)]
    pub struct Names {
        /// Workload, ServiceAccount, `app` label.
        pub app: &'static str,
        /// ConfigMap that a change of restarts it.
        pub config: &'static str,
        /// ConfigMap that it reads again by itself.
        pub config_dynamic: &'static str,
        /// Service of its metrics.
        pub metrics_service: &'static str,
        /// ServiceMonitor of its metrics.
        pub monitor: &'static str,
        /// PrometheusRule of its alerts.
        pub alerts: &'static str,
        /// ClusterRoleBinding to [`super::role::INFORMERS`].
        pub informers_binding: &'static str,
        /// ClusterRoleBinding to [`super::role::HOST_NETWORK`].
        pub host_network_binding: &'static str,
        /// ClusterRoleBinding to [`super::role::LOKI_WRITER`].
        pub loki_writer_binding: &'static str,
        /// RoleBinding to [`super::role::CONFIG_WATCHER`].
        pub config_watcher_binding: &'static str,
    }

    /// Flows come from the agents.
    pub const COLLECTOR: Names = Names {
        app: NAME,
        config: "flowlogs-pipeline-config",
        config_dynamic: "flowlogs-pipeline-config-dynamic",
        metrics_service: "flowlogs-pipeline-prom",
        monitor: "flowlogs-pipeline-monitor",
        alerts: "flowlogs-pipeline-alert",
        informers_binding: "netobserv-informers-flp",
        host_network_binding: "netobserv-hostnetwork-flp",
        loki_writer_binding: "netobserv-loki-writer-flp",
        config_watcher_binding: "netobserv-config-watcher-flp",
    };

    /// Flows come from Kafka.
    pub const TRANSFORMER: Names = Names {
        app: "flowlogs-pipeline-transformer",
        config: "flowlogs-pipeline-transformer-config",
        config_dynamic: "flowlogs-pipeline-transformer-config-dynamic",
        metrics_service: "flowlogs-pipeline-transformer-prom",
        monitor: "flowlogs-pipeline-transformer-monitor",
        alerts: "flowlogs-pipeline-transformer-alert",
        informers_binding: "netobserv-informers-flptransfo",
        host_network_binding: "netobserv-hostnetwork-flptransfo",
        loki_writer_binding: "netobserv-loki-writer-flptransfo",
        config_watcher_binding: "netobserv-config-watcher-flptransfo",
    };
}

/// Cluster roles that are installed with the operator and bound by it.
pub mod role {
    /// Reads pods, nodes, services and their owners.
    pub const INFORMERS: &str = "netobserv-informers";
    /// Listens on the node's network, on OpenShift.
    pub const HOST_NETWORK: &str = "netobserv-hostnetwork";
    /// Writes flows to a LokiStack.
    pub const LOKI_WRITER: &str = "netobserv-loki-writer";
    /// Reads ConfigMaps of its namespace.
    pub const CONFIG_WATCHER: &str = "netobserv-config-watcher";
}

/// Names around the webhooks.
pub mod webhook {
    /// Service in front of them.
    pub const SERVICE: &str = "netobserv-webhook-service";
    /// Configuration of the admission webhooks.
    pub const CONFIGURATION: &str = "netobserv-validating-webhook-configuration";
    /// Definition with a conversion.
    pub const DEFINITION: &str = "flowcollectors.flows.netobserv.io";
    /// Secret with our own certificate. Not the one that cert-manager writes: both may be in use, one after the other.
    pub const OWN_CERTIFICATE: &str = "netobserv-webhook-own-cert";
}

/// Namespaces of one FlowCollector.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Scope {
    namespace: String,
}

impl Scope {
    /// Of a FlowCollector with that `spec.namespace`.
    pub fn new(namespace: &str) -> Self {
        Self {
            namespace: namespace.to_owned(),
        }
    }

    /// Namespace of everything but the agents.
    pub fn namespace(&self) -> &str {
        &self.namespace
    }

    /// Namespace of the agents.
    pub fn privileged_namespace(&self) -> String {
        format!("{}-privileged", self.namespace)
    }

    /// Where agents reach the pipeline. The dot at the end keeps resolvers from trying search domains.
    pub fn pipeline_host(&self) -> String {
        format!("{}.{}.svc.cluster.local.", pipeline::NAME, self.namespace)
    }
}

/// Value of the `version` label for an image: its tag, or the digest of an image that is named by digest.
pub fn image_version(image: &str) -> String {
    // A registry's port also follows a colon, and then a slash follows.
    let version = match image.rsplit_once(':') {
        Some((_, tag)) if !tag.is_empty() && !tag.contains('/') => tag,
        _ => "unknown",
    };
    version.chars().take(VERSION_LENGTH_MAX).collect()
}

/// Longest label value that Kubernetes takes.
const VERSION_LENGTH_MAX: usize = 63;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_version_label_is_the_tag_or_the_digest() {
        for (image, version) in [
            ("quay.io/netobserv/netobserv-ebpf-agent:main", "main"),
            ("localhost:5000/agent", "unknown"),
            ("agent", "unknown"),
            (
                "registry/agent@sha256:0123456789abcdef0123456789abcdef0123456789abcdef0123456789abcdef",
                "0123456789abcdef0123456789abcdef0123456789abcdef0123456789abcde",
            ),
        ] {
            assert_eq!(image_version(image), version, "{image}");
        }
    }
}
