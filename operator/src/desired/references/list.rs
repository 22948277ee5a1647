//! All places of the specification that refer to a Secret or ConfigMap, as far as what they are for is deployed.

use super::Reference;
use crate::apis::flowcollector::v1beta2::exporters::ExporterType;
use crate::apis::flowcollector::v1beta2::loki::LokiMode;
use crate::apis::flowcollector::v1beta2::prometheus::QuerierMode;
use crate::apis::flowcollector::v1beta2::shared::{
    CertificateReference, ClientTls, FileReference, MetricsServer, ReferenceKind, Sasl, SaslType,
    ServerTlsType,
};
use crate::desired::service_tls::service_tls;
use crate::desired::{Component, Context, certificates, scrape};
use crate::object::Key;
use crate::scope::authority;

/// All of them, in a fixed order; nothing on hold.
pub fn references(context: &Context) -> Vec<Reference> {
    let mut list = List {
        context,
        found: Vec::new(),
    };
    if context.effective.is_on_hold {
        return list.found;
    }
    list.kafka();
    list.exporters();
    list.service();
    list.rings();
    list.loki();
    list.prometheus();
    list.metrics();
    list.found
}

/// Digests that the agents' pods have whether or not there is an object behind them.
pub fn agent_pairs(context: &Context) -> Vec<&'static str> {
    let kafka = &context.effective.kafka;
    if !context.effective.uses_kafka() {
        return Vec::new();
    }
    let mut names = Vec::new();
    if enabled(kafka.tls.as_ref()).is_some() {
        names.extend(["kafka-ca", "kafka-user"]);
    }
    if has_sasl(kafka.sasl.as_ref()) {
        names.extend(["kafka-sd1", "kafka-sd2"]);
    }
    names
}

/// Who uses what is listed, and where the specification says so.
struct User<'a> {
    component: Component,
    path: String,
    /// Beginning of the digests' names; none if the pods do not restart.
    digest: Option<&'a str>,
}

impl User<'_> {
    fn digest(&self, part: &str) -> Option<String> {
        self.digest.map(|prefix| format!("{prefix}-{part}"))
    }
}

struct List<'a, 'b> {
    context: &'a Context<'b>,
    found: Vec<Reference>,
}

impl List<'_, '_> {
    fn kafka(&mut self) {
        let effective = self.context.effective;
        if !effective.uses_kafka() {
            return;
        }
        let kafka = effective.kafka.clone();
        for component in [Component::Agent, Component::Processor] {
            let user = User {
                component,
                path: "spec.kafka".to_owned(),
                digest: Some("kafka"),
            };
            self.client(&user, "tls", kafka.tls.as_ref());
            self.sasl(&user, kafka.sasl.as_ref());
        }
    }

    fn exporters(&mut self) {
        let exporters = self.context.effective.exporters.clone();
        for (index, exporter) in exporters.iter().enumerate() {
            let path = format!("spec.exporters[{index}]");
            match exporter.kind {
                ExporterType::Kafka => {
                    let kafka = exporter.kafka.clone().unwrap_or_default();
                    let user = User {
                        component: Component::Processor,
                        path: format!("{path}.kafka"),
                        digest: Some(&format!("kafka-export-{index}")),
                    };
                    self.client(&user, "tls", kafka.tls.as_ref());
                    self.sasl(&user, kafka.sasl.as_ref());
                }
                ExporterType::OpenTelemetry => {
                    let otlp = exporter.open_telemetry.clone().unwrap_or_default();
                    let user = User {
                        component: Component::Processor,
                        path: format!("{path}.openTelemetry"),
                        digest: None,
                    };
                    self.client(&user, "tls", otlp.tls.as_ref());
                }
                ExporterType::Ipfix => {}
            }
        }
    }

    /// What the rings consist of, which somebody else may provide.
    fn rings(&mut self) {
        for part in certificates::parts(self.context) {
            let user = User {
                component: part.component,
                path: part.path.to_owned(),
                digest: None,
            };
            let keys = part.keys();
            let digest = part.digest.map(str::to_owned);
            self.add(&user, digest, part.key, keys);
            if let Some(added) = self.found.last_mut() {
                added.ring = Some(part.ring);
            }
        }
    }

    /// Certificates between agents and pipeline that the user provides.
    fn service(&mut self) {
        let Some(tls) = service_tls(self.context) else {
            return;
        };
        if tls.is_automatic {
            if tls.client.is_some() && self.context.facts.is_openshift() {
                let user = User {
                    component: Component::Agent,
                    path: "spec.processor.service.tlsType".to_owned(),
                    digest: None,
                };
                let namespace = self.context.scope.privileged_namespace();
                let key = Key::namespaced("ConfigMap", "", &namespace, authority::OPENSHIFT);
                let digest = Some("mtls-ca".to_owned());
                self.add(&user, digest, key, vec![authority::KEY.to_owned()]);
            }
            return;
        }
        let user = |component| User {
            component,
            path: "spec.processor.service.providedCertificates".to_owned(),
            digest: None,
        };
        let pipeline = user(Component::Processor);
        self.certificate(&pipeline, "serverCert", None, tls.server.as_ref());
        self.file(&pipeline, "caFile", None, tls.client_authority.as_ref());
        let agent = user(Component::Agent);
        let is_named = |reference: &FileReference| !text(reference.namespace.as_ref()).is_empty();
        let digest = if tls.client.is_some() {
            Some("mtls-ca")
        } else {
            // As NetObserv: what has no namespace is not watched.
            tls.authority
                .as_ref()
                .filter(|file| is_named(file))
                .map(|_| "tls-ca")
        };
        let digest = digest.map(str::to_owned);
        self.file(&agent, "caFile", digest, tls.authority.as_ref());
        let digest = Some("mtls-user".to_owned());
        self.certificate(&agent, "clientCert", digest, tls.client.as_ref());
    }

    fn loki(&mut self) {
        let effective = self.context.effective;
        if !effective.uses_loki() {
            return;
        }
        let connection = effective.loki_connection();
        let path = match effective.loki.mode {
            LokiMode::Manual => "spec.loki.manual",
            LokiMode::Microservices => "spec.loki.microservices",
            LokiMode::Monolithic => "spec.loki.monolithic",
            LokiMode::LokiStack => "spec.loki.lokiStack",
            LokiMode::Embedded => return,
        };
        let user = |component| User {
            component,
            path: path.to_owned(),
            digest: None,
        };
        self.authority(&user(Component::Processor), "tls", connection.tls.as_ref());
        if self.has_console() {
            let console = user(Component::Console);
            self.authority(&console, "tls", connection.tls.as_ref());
            // The others have one section for both addresses, whose authority is listed already.
            if matches!(effective.loki.mode, LokiMode::Manual | LokiMode::LokiStack) {
                self.client(&console, "statusTls", connection.status_tls.as_ref());
            } else {
                let tls = enabled(connection.tls.as_ref());
                let user = tls.and_then(|tls| tls.user_cert.as_ref());
                self.certificate(&console, "tls.userCert", None, user);
            }
        }
    }

    fn prometheus(&mut self) {
        let effective = self.context.effective;
        let querier = &effective.querier;
        let is_manual = querier.mode == QuerierMode::Manual || !self.context.facts.is_openshift();
        if !effective.asks_prometheus() || !is_manual || !self.has_console() {
            return;
        }
        let manual = querier.manual.clone().unwrap_or_default();
        let user = |path: &str| User {
            component: Component::Console,
            path: path.to_owned(),
            digest: None,
        };
        let path = "spec.prometheus.querier.manual";
        self.authority(&user(path), "tls", manual.tls.as_ref());
        if let Some(manager) = manual.alert_manager {
            let path = format!("{path}.alertManager");
            self.authority(&user(&path), "tls", manager.tls.as_ref());
        }
    }

    /// Certificates of the metrics that the user provides, and whom Prometheus shall trust: a ServiceMonitor refers to
    /// its own namespace.
    fn metrics(&mut self) {
        let effective = self.context.effective;
        let processor = effective.processor.metrics.clone();
        let agent = effective.agent.metrics.clone();
        let processor = processor.and_then(|metrics| metrics.server);
        let path = "spec.processor.metrics.server.tls";
        self.endpoint(Component::Processor, path, processor.as_ref());
        if effective.has_agent_metrics() {
            let agent = agent.and_then(|metrics| metrics.server);
            let path = "spec.agent.ebpf.metrics.server.tls";
            self.endpoint(Component::Agent, path, agent.as_ref());
        }
    }

    fn endpoint(&mut self, component: Component, path: &str, server: Option<&MetricsServer>) {
        let Some(tls) = scrape::tls(server).filter(|tls| tls.kind == ServerTlsType::Provided)
        else {
            return;
        };
        let user = |component| User {
            component,
            path: path.to_owned(),
            digest: None,
        };
        self.certificate(&user(component), "provided", None, tls.provided.as_ref());
        let authority = scrape::given_authority(tls);
        self.file(&user(component), "providedCaFile", None, authority);
        // With the store, the console reads the same metrics.
        if self.context.effective.uses_embedded_store() && self.has_console() {
            let console = user(Component::Console);
            self.file(&console, "providedCaFile", None, authority);
        }
    }

    fn has_console(&self) -> bool {
        let has_plugins = self.context.facts.has_console_plugins();
        self.context.effective.deploys_console(has_plugins)
    }

    /// Of a connection on which we show no certificate.
    fn authority(&mut self, user: &User, part: &str, tls: Option<&ClientTls>) {
        let checked = enabled(tls).filter(|tls| !skips_check(tls));
        let authority = checked.and_then(|tls| tls.ca_cert.as_ref());
        self.certificate(user, &format!("{part}.caCert"), None, authority);
    }

    fn client(&mut self, user: &User, part: &str, tls: Option<&ClientTls>) {
        let Some(tls) = enabled(tls) else { return };
        // The agents mount it nevertheless.
        if !skips_check(tls) || user.component == Component::Agent {
            let part = format!("{part}.caCert");
            self.certificate(user, &part, user.digest("ca"), tls.ca_cert.as_ref());
        }
        let part = format!("{part}.userCert");
        self.certificate(user, &part, user.digest("user"), tls.user_cert.as_ref());
    }

    fn sasl(&mut self, user: &User, sasl: Option<&Sasl>) {
        let Some(sasl) = sasl.filter(|sasl| has_sasl(Some(sasl))) else {
            return;
        };
        for (part, digest, file) in [
            ("sasl.clientIDReference", "sd1", &sasl.client_id_reference),
            (
                "sasl.clientSecretReference",
                "sd2",
                &sasl.client_secret_reference,
            ),
        ] {
            self.file(user, part, user.digest(digest), file.as_ref());
        }
    }

    fn certificate(
        &mut self,
        user: &User,
        part: &str,
        digest: Option<String>,
        reference: Option<&CertificateReference>,
    ) {
        let Some(given) = reference else { return };
        let mut keys = vec![text(given.cert_file.as_ref()).to_owned()];
        keys.extend(given.cert_key.clone().filter(|key| !key.is_empty()));
        let source = self.source(given.kind, given.namespace.as_ref(), given.name.as_ref());
        self.add_part(user, part, digest, source, keys);
    }

    fn file(
        &mut self,
        user: &User,
        part: &str,
        digest: Option<String>,
        reference: Option<&FileReference>,
    ) {
        let Some(given) = reference else { return };
        let keys = vec![text(given.file.as_ref()).to_owned()];
        let source = self.source(given.kind, given.namespace.as_ref(), given.name.as_ref());
        self.add_part(user, part, digest, source, keys);
    }

    fn add_part(
        &mut self,
        user: &User,
        part: &str,
        digest: Option<String>,
        source: Option<Key>,
        keys: Vec<String>,
    ) {
        let Some(source) = source else { return };
        let user = User {
            component: user.component,
            path: format!("{}.{part}", user.path),
            digest: None,
        };
        self.add(&user, digest, source, keys);
    }

    fn add(&mut self, user: &User, digest: Option<String>, source: Key, keys: Vec<String>) {
        let scope = self.context.scope;
        let target = if user.component == Component::Agent {
            scope.privileged_namespace()
        } else {
            scope.namespace().to_owned()
        };
        self.found.push(Reference {
            source,
            keys,
            path: user.path.clone(),
            component: user.component,
            target,
            digest,
            ring: None,
        });
    }

    /// A ConfigMap or, which is what everything else means, a Secret. A reference without a name is none.
    fn source(
        &self,
        kind: Option<ReferenceKind>,
        namespace: Option<&String>,
        name: Option<&String>,
    ) -> Option<Key> {
        let name = Some(text(name)).filter(|name| !name.is_empty())?;
        let namespace = match text(namespace) {
            "" => self.context.scope.namespace(),
            namespace => namespace,
        };
        let is_config_map = kind == Some(ReferenceKind::ConfigMap);
        let kind = if is_config_map { "ConfigMap" } else { "Secret" };
        Some(Key::namespaced(kind, "", namespace, name))
    }
}

fn text(given: Option<&String>) -> &str {
    given.map(String::as_str).unwrap_or_default()
}

fn enabled(tls: Option<&ClientTls>) -> Option<&ClientTls> {
    tls.filter(|tls| tls.enable == Some(true))
}

fn skips_check(tls: &ClientTls) -> bool {
    tls.insecure_skip_verify == Some(true)
}

fn has_sasl(sasl: Option<&Sasl>) -> bool {
    matches!(
        sasl.and_then(|sasl| sasl.kind),
        Some(SaslType::Plain | SaslType::ScramSha512)
    )
}
