//! What keeps flows where the operator brings it: the Loki for trying things out, or what the store built into the console
//! needs beside the console.

mod demo;

use k8s_openapi::api::core::v1::{
    PersistentVolumeClaim, PersistentVolumeClaimSpec, VolumeResourceRequirements,
};
use k8s_openapi::apimachinery::pkg::api::resource::Quantity;

use super::build::{labels, metadata, service};
use super::console::has_plugins;
use super::{Component, Context, Desired, losses};
use crate::apis::flowcollector::loki_connection::LokiConnection;
use crate::apis::flowcollector::v1beta2::shared::{CertificateReference, ClientTls, ReferenceKind};
use crate::object::ObjectError;
use crate::scope::{console, store as scope};

/// Said where the console is not deployed although it is to hold the flows.
const NO_STORE: &str = "spec.loki.mode is Embedded and the console, which the store is in, is not deployed, so that no flow is kept: \
     remove spec.consolePlugin.enable and spec.consolePlugin.standalone, or use another mode";
/// Name of the port of the store.
const PUSH: &str = "push";

pub fn add(context: &Context, desired: &mut Desired) -> Result<(), ObjectError> {
    let effective = context.effective;
    if effective.uses_demo_loki() {
        demo::add(context, desired)?;
    }
    if !effective.uses_embedded_store() {
        return Ok(());
    }
    let namespace = Some(context.scope.namespace());
    let storage = effective.loki.embedded.clone().unwrap_or_default().storage;
    let storage = storage.unwrap_or_default();
    let claim = claim(
        context,
        scope::CLAIM,
        console::NAME,
        storage.size.unwrap_or_default(),
        storage.class,
    );
    // With the claim go the flows: it outlives the FlowCollector.
    desired.add_lasting(Component::Loki, claim)?;
    if !effective.deploys_console(has_plugins(context)) {
        if !effective.is_on_hold {
            desired.fail(Component::Loki, "NoStore", NO_STORE.to_owned());
        }
        return Ok(());
    }
    let push = service(
        metadata(scope::SERVICE, namespace, labels(console::NAME)),
        console::NAME,
        PUSH,
        scope::PORT,
    );
    desired.add(context, Component::Loki, push)?;
    losses::add(context, desired)
}

/// Where the pipeline writes flows to; the address of the built-in store is the operator's own.
pub fn connection(context: &Context) -> LokiConnection {
    let effective = context.effective;
    if !effective.uses_embedded_store() {
        return effective.loki_connection();
    }
    let file = |cert_file: &str, cert_key: Option<&str>| {
        Some(CertificateReference {
            kind: Some(ReferenceKind::Secret),
            name: Some(scope::CLIENT_CERTIFICATE.to_owned()),
            cert_file: Some(cert_file.to_owned()),
            cert_key: cert_key.map(str::to_owned),
            ..CertificateReference::default()
        })
    };
    LokiConnection {
        ingester_url: Some(format!(
            "https://{}:{}/",
            context.scope.store_host(),
            scope::PORT
        )),
        tls: Some(ClientTls {
            enable: Some(true),
            ca_cert: file("ca.crt", None),
            user_cert: file("tls.crt", Some("tls.key")),
            ..ClientTls::default()
        }),
        ..LokiConnection::default()
    }
}

/// A claim on a volume for one pod.
fn claim(
    context: &Context,
    name: &str,
    app: &str,
    size: Quantity,
    class: Option<String>,
) -> PersistentVolumeClaim {
    PersistentVolumeClaim {
        metadata: metadata(name, Some(context.scope.namespace()), labels(app)),
        spec: Some(PersistentVolumeClaimSpec {
            access_modes: Some(vec!["ReadWriteOnce".to_owned()]),
            volume_mode: Some("Filesystem".to_owned()),
            storage_class_name: class.filter(|class| !class.is_empty()),
            resources: Some(VolumeResourceRequirements {
                requests: Some([("storage".to_owned(), size)].into()),
                limits: None,
            }),
            ..PersistentVolumeClaimSpec::default()
        }),
        status: None,
    }
}
