//! Every name, namespace, label and annotation key of what the operator makes.
//!
//! **Invariant:** no name of an object is written anywhere else.

/// Field manager of every server-side apply.
pub const FIELD_MANAGER: &str = "netobserv-operator";

/// Prefix of all metrics that are made of flows.
pub const METRICS_PREFIX: &str = "netobserv_";

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
    /// On PrometheusRules of users, and on rules, that are about the health of the network.
    pub const HEALTH: &str = "netobserv";
    /// Value of [`HEALTH`].
    pub const HEALTH_YES: &str = "true";
    /// Level of pod security that a namespace enforces.
    pub const POD_SECURITY_ENFORCE: &str = "pod-security.kubernetes.io/enforce";
    /// On namespaces: OpenShift's own monitoring watches them.
    pub const CLUSTER_MONITORING: &str = "openshift.io/cluster-monitoring";
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
    /// On pods, as a prefix: digest of an object that the specification refers to, whose change restarts them.
    pub const WATCHED: &str = "flows.netobserv.io/watched-";
    /// On a copy: `namespace/name` of what it was copied from.
    pub const COPIED_FROM: &str = "flows.netobserv.io/copied-from";
    /// On alerts: where to read what to do.
    pub const RUNBOOK: &str = "runbook_url";
    /// On alerts: what the console's health view needs, as JSON.
    pub const HEALTH: &str = "netobserv_io_network_health";
    /// On a Secret that cert-manager keeps: of which of its Certificates.
    pub const CERT_MANAGER: &str = "cert-manager.io/certificate-name";
    /// On PrometheusRules of users: what is said of the series of health that they record, as JSON.
    pub const RECORDED_HEALTH: &str = "netobserv.io/network-health";
    /// Asks OpenShift's service CA for a certificate in the named Secret.
    pub const SERVING_CERT: &str = "service.beta.openshift.io/serving-cert-secret-name";
}

/// What operators before this one left behind.
pub mod leftover {
    /// Field manager of NetObserv's operator: the name of its program.
    pub const FIELD_MANAGER: &str = "manager";
    /// Finalizer that nobody acts on any more: with it a FlowCollector could not be deleted.
    pub const FINALIZER: &str = "flows.netobserv.io/finalizer";
    /// ClusterRoleBindings that nothing needs any more.
    pub const CLUSTER_ROLE_BINDINGS: [&str; 5] = [
        "netobserv-plugin",
        "flowlogs-pipeline-ingester-role-mono",
        "flowlogs-pipeline-transformer-role-mono",
        "flowlogs-pipeline-ingester-role",
        "flowlogs-pipeline-transformer-role",
    ];
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

/// Names of what bpfman is asked for.
pub mod manager {
    /// ClusterBpfApplication, and the program that agents mount the maps of.
    pub const NAME: &str = "netobserv";
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

/// Names around the store that is built into the console. Each of its Secrets holds `tls.crt` and `tls.key`, and in
/// `ca.crt` who must have signed the other side's certificate.
pub mod store {
    /// Service that pipelines write to.
    pub const SERVICE: &str = "netobserv-store";
    /// Secret with the store's own certificate.
    pub const CERTIFICATE: &str = "netobserv-store-cert";
    /// Secret with the certificate that pipelines show to it.
    pub const CLIENT_CERTIFICATE: &str = "netobserv-store-client-cert";
    /// Claim on its volume.
    pub const CLAIM: &str = "netobserv-store";
    /// Port of the Service.
    pub const PORT: u16 = 3100;
    /// Headless Service by which the console finds each agent's loss counters.
    pub const AGENT_LOSSES: &str = "netobserv-ebpf-agent-losses";
    /// Headless Service by which the console finds each pipeline's loss counters.
    pub const PIPELINE_LOSSES: &str = "flowlogs-pipeline-losses";
}

/// Secrets of the operator's namespace with the certificates that it makes, of which each component gets its own.
pub mod own_certificates {
    /// Between agents, pipeline and Prometheus.
    pub const COMPONENTS: &str = "netobserv-own-certs";
    /// Between pipelines and store.
    pub const STORE: &str = "netobserv-store-own-certs";
}

/// Names around dashboards of the OpenShift console.
pub mod dashboard {
    /// Where the console looks for them.
    pub const NAMESPACE: &str = "openshift-config-managed";
    /// Tells the console what they are.
    pub const LABEL: &str = "console.openshift.io/dashboard";
    /// Value of [`LABEL`].
    pub const LABEL_YES: &str = "true";
    /// ConfigMaps of dashboards on metrics begin with it.
    pub const FLOWS_PREFIX: &str = "netobserv-";
    /// Key in them.
    pub const FLOWS_KEY: &str = "netobserv-flow-metrics.json";
    /// ConfigMap of the dashboard on NetObserv itself.
    pub const HEALTH: &str = "grafana-dashboard-netobserv-health";
    /// Key in it.
    pub const HEALTH_KEY: &str = "netobserv-health-metrics.json";
}

/// Names around Prometheus' access.
pub mod monitoring {
    /// RoleBinding by which the cluster's Prometheus finds what it scrapes.
    pub const BINDING: &str = "netobserv-expose-metrics";
    /// Account of the cluster's Prometheus.
    pub const ACCOUNT: &str = "prometheus-k8s";
    /// Its namespace.
    pub const NAMESPACE: &str = "openshift-monitoring";
}

/// Names of the operator's own objects that others refer to.
pub mod operator {
    /// Deployment, and the beginning of its pods' names.
    pub const NAME: &str = "netobserv-controller-manager";
    /// Service of its metrics, which is also their job.
    pub const METRICS_SERVICE: &str = "netobserv-metrics-service";
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

/// Names of the console's objects.
pub mod console {
    /// Workload, container, ServiceAccount, Service, ConsolePlugin, `app` label.
    pub const NAME: &str = "netobserv-plugin";
    /// ConfigMap of its configuration.
    pub const CONFIG: &str = "console-plugin-config";
    /// Key of that ConfigMap.
    pub const CONFIG_KEY: &str = "config.yaml";
    /// Secret with the certificate of page and metrics.
    pub const CERTIFICATE: &str = "netobserv-plugin-cert";
    /// Service of its metrics.
    pub const METRICS_SERVICE: &str = "netobserv-plugin-metrics";
    /// Port of its metrics.
    pub const METRICS_PORT: u16 = 9002;
    /// ClusterRoleBinding to [`super::role::TOKEN_REVIEW`].
    pub const TOKEN_REVIEW_BINDING: &str = "netobserv-token-review-plugin";
    /// The object that lists OpenShift's console plugins.
    pub const REGISTRY: &str = "cluster";
}

/// Names of the plugin that is there before any FlowCollector: OpenShift's forms for our resources.
pub mod static_plugin {
    /// Workload, container, Service, ConsolePlugin, `app` label.
    pub const NAME: &str = "netobserv-plugin-static";
    /// Secret with its certificate.
    pub const CERTIFICATE: &str = "netobserv-plugin-static-cert";
    /// Deployment that it goes with: the operator's own.
    pub const OWNER: &str = super::operator::NAME;
}

/// Names of the demo Loki's objects.
pub mod demo_loki {
    /// Deployment, container, Service, `app` label.
    pub const NAME: &str = "loki";
    /// ConfigMap of its configuration.
    pub const CONFIG: &str = "loki-config";
    /// Key of that ConfigMap.
    pub const CONFIG_KEY: &str = "local-config.yaml";
    /// Claim on its volume.
    pub const CLAIM: &str = "loki-store";
}

/// Cluster roles that are installed with the operator and bound by it.
pub mod role {
    /// Reads pods, nodes, services and their owners.
    pub const INFORMERS: &str = "netobserv-informers";
    /// Listens on the node's network, on OpenShift.
    pub const HOST_NETWORK: &str = "netobserv-hostnetwork";
    /// Writes flows to a LokiStack.
    pub const LOKI_WRITER: &str = "netobserv-loki-writer";
    /// Finds what to scrape.
    pub const EXPOSE_METRICS: &str = "netobserv-expose-metrics";
    /// Reads ConfigMaps of its namespace.
    pub const CONFIG_WATCHER: &str = "netobserv-config-watcher";
    /// Asks whose a token is.
    pub const TOKEN_REVIEW: &str = "netobserv-token-review";
}

/// Names around the manager's own metrics.
pub mod manager_metrics {
    /// Service in front of them.
    pub const SERVICE: &str = "netobserv-metrics-service";
    /// Secret with our own certificate.
    pub const OWN_CERTIFICATE: &str = "netobserv-metrics-own-cert";
}

/// Names of network policies.
pub mod network_policy {
    /// The one of each namespace.
    pub const NAME: &str = "netobserv";
    /// Lets the console ask the agents what they lost.
    pub const CONSOLE_TO_NODES: &str = "netobserv-console-to-nodes";
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

    /// Name that the certificate of the built-in store is for.
    pub fn store_host(&self) -> String {
        format!("{}.{}.svc", store::SERVICE, self.namespace)
    }
}

/// Page that says what to do about an alert.
pub fn runbook(alert: &str) -> String {
    format!("{RUNBOOKS}/{alert}.md")
}

/// Pages of all alerts, as NetObserv names them.
const RUNBOOKS: &str =
    "https://github.com/openshift/runbooks/blob/master/alerts/network-observability-operator";

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
