//! What a FlowCollector refers to on a real API server: it is missing, comes, changes and goes; and certificates that
//! nobody provides.

use std::io::BufReader;
use std::sync::Arc;

use crate::support::control_plane::{NAMESPACE, create, parse};
use crate::support::world::exists;
use crate::support::{Manager, World, eventually};
use k8s_openapi::ByteString;
use k8s_openapi::api::apps::v1::{DaemonSet, Deployment};
use k8s_openapi::api::core::v1::{ConfigMap, Namespace, Secret};
use kube::api::{Api, DeleteParams, Patch, PatchParams};
use netobserv_operator::tls;
use rustls::pki_types::ServerName;
use rustls::{ClientConfig, RootCertStore};
use serde_json::{Value, json};
use tokio_rustls::{TlsAcceptor, TlsConnector};

const PRIVILEGED: &str = "netobserv-privileged";
const AGENT: &str = "netobserv-ebpf-agent";
const TRANSFORMER: &str = "flowlogs-pipeline-transformer";
const KAFKA: &str = "kafka-tls";
const LOKI: &str = "loki-ca";

async fn namespace(world: &World, name: &str) {
    let namespaces: Api<Namespace> = Api::all(world.plane.client.clone());
    create(&namespaces, &parse(json!({"metadata": {"name": name}}))).await;
}

fn kafka_secret() -> Secret {
    parse(json!({"metadata": {"name": KAFKA},
        "stringData": {"ca.crt": "ca", "user.crt": "crt", "user.key": "key"}}))
}

fn kafka_and_loki() -> Value {
    let kafka = |keys: Value| {
        let mut reference = json!({"type": "secret", "name": KAFKA, "namespace": "kafka"});
        reference
            .as_object_mut()
            .unwrap()
            .extend(keys.as_object().unwrap().clone());
        reference
    };
    json!({
        "deploymentModel": "Kafka",
        "kafka": {"address": "kafka:9093", "topic": "flows", "tls": {"enable": true,
            "caCert": kafka(json!({"certFile": "ca.crt"})),
            "userCert": kafka(json!({"certFile": "user.crt", "certKey": "user.key"}))}},
        "loki": {"mode": "Manual", "manual": {"ingesterUrl": "https://loki:3100/", "tls": {"enable": true,
            "caCert": {"type": "configmap", "name": LOKI, "namespace": "logs", "certFile": "ca.crt"}}}},
    })
}

/// What the manager wrote since then, without the status.
fn written(world: &World, since: usize) -> Vec<String> {
    let mut writes = world.plane.writes()[since..].to_vec();
    writes.retain(|write| !write.contains("flowcollectors/status"));
    writes.sort();
    writes
}

async fn merge<K>(api: &Api<K>, name: &str, patch: Value)
where
    K: Clone + std::fmt::Debug + serde::de::DeserializeOwned,
{
    api.patch(name, &PatchParams::default(), &Patch::Merge(patch))
        .await
        .expect("change an object");
}

async fn digest(agents: &Api<DaemonSet>, name: &str) -> Option<String> {
    let pods = agents.get(AGENT).await.unwrap().spec.template.metadata;
    let annotations = pods
        .and_then(|metadata| metadata.annotations)
        .unwrap_or_default();
    let name = format!("flows.netobserv.io/watched-{name}");
    annotations
        .get(&name)
        .cloned()
        .filter(|digest| !digest.is_empty())
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_reference_is_missed_followed_and_missed_again_touching_only_what_it_concerns() {
    let Some(world) = World::start().await else {
        return;
    };
    namespace(&world, "kafka").await;
    namespace(&world, "logs").await;
    world.create_collector(kafka_and_loki()).await;

    // Neither is there: said for each part, with what to do; the rest is deployed.
    let message = world.reason("WaitingEBPFAgents", "AgentKafkaError").await;
    let missing = "spec.kafka.tls.caCert: Secret kafka/kafka-tls does not exist; create it, or change the reference";
    assert!(message.contains(missing), "{message}");
    let message = world.reason("WaitingFLPTransformer", "FLPKafkaError").await;
    let missing_loki = "ConfigMap logs/loki-ca does not exist";
    assert!(message.contains(missing_loki), "{message}");
    let agents: Api<DaemonSet> = world.namespaced(PRIVILEGED);
    let pipelines: Api<Deployment> = world.namespaced(NAMESPACE);
    exists(&agents, AGENT).await;
    exists(&pipelines, TRANSFORMER).await;

    // They come: copied to where they are used, and the pods restart for Kafka's.
    let loki: Api<ConfigMap> = world.namespaced("logs");
    let authority = json!({"metadata": {"name": LOKI}, "data": {"ca.crt": "loki"}});
    create(&loki, &parse(authority)).await;
    let kafka: Api<Secret> = world.namespaced("kafka");
    create(&kafka, &kafka_secret()).await;
    let copies: Vec<Api<Secret>> = vec![world.namespaced(PRIVILEGED), world.namespaced(NAMESPACE)];
    for copies in &copies {
        let copy = exists(copies, KAFKA).await;
        let annotations = copy.metadata.annotations.unwrap();
        assert_eq!(
            annotations["flows.netobserv.io/copied-from"],
            "kafka/kafka-tls"
        );
        assert_eq!(copy.data.unwrap()["user.key"], ByteString(b"key".to_vec()));
    }
    let loki_copies: Api<ConfigMap> = world.namespaced(NAMESPACE);
    let copy = exists(&loki_copies, LOKI).await;
    assert_eq!(copy.data.unwrap()["ca.crt"], "loki");
    world.reason("WaitingEBPFAgents", "Ready").await;
    world.settle().await;
    let first = digest(&agents, "kafka-user").await.expect("a digest");
    let authority = digest(&agents, "kafka-ca").await.expect("a digest");

    // Kafka's key rotates: the copies, and one restart of each of its users.
    let before = world.plane.writes().len();
    merge(&kafka, KAFKA, json!({"stringData": {"user.key": "new"}})).await;
    eventually("another digest", async || {
        let now = digest(&agents, "kafka-user").await;
        (now.as_ref() != Some(&first))
            .then_some(())
            .ok_or_else(|| format!("{now:?}"))
    })
    .await;
    world.settle().await;
    assert_eq!(
        written(&world, before),
        [
            format!("patch daemonsets {PRIVILEGED}/{AGENT}"),
            format!("patch deployments {NAMESPACE}/{TRANSFORMER}"),
            format!("patch secrets {PRIVILEGED}/{KAFKA}"),
            format!("patch secrets {NAMESPACE}/{KAFKA}"),
        ]
    );
    assert_eq!(digest(&agents, "kafka-ca").await.as_ref(), Some(&authority));

    // Loki's authority rotates: its copy, and no restart.
    let before = world.plane.writes().len();
    merge(&loki, LOKI, json!({"data": {"ca.crt": "new"}})).await;
    eventually("another copy", async || {
        let data = loki_copies.get(LOKI).await.unwrap().data.unwrap();
        (data["ca.crt"] == "new")
            .then_some(())
            .ok_or_else(|| format!("{data:?}"))
    })
    .await;
    world.settle().await;
    assert_eq!(
        written(&world, before),
        [format!("patch configmaps {NAMESPACE}/{LOKI}")]
    );

    // Kafka's goes: said, and what runs goes on with what it has.
    let before = world.plane.writes().len();
    kafka.delete(KAFKA, &DeleteParams::default()).await.unwrap();
    let message = world.reason("WaitingEBPFAgents", "AgentKafkaError").await;
    assert!(message.contains(missing), "{message}");
    world.settle().await;
    assert_eq!(written(&world, before), [] as [String; 0]);

    // As it was again: nothing to do but to say so.
    create(&kafka, &kafka_secret()).await;
    merge(&kafka, KAFKA, json!({"stringData": {"user.key": "new"}})).await;
    world.reason("WaitingEBPFAgents", "Ready").await;

    // No longer referred to: the copies go.
    world
        .merge(json!({"spec": {"deploymentModel": "Service"}}))
        .await;
    for copies in &copies {
        eventually("the copies are gone", async || {
            let left = copies.get_opt(KAFKA).await.unwrap();
            left.is_none()
                .then_some(())
                .ok_or_else(|| "there".to_owned())
        })
        .await;
    }
    assert!(kafka.get_opt(KAFKA).await.unwrap().is_some());
}

fn text(secret: &Secret, key: &str) -> Vec<u8> {
    secret.data.as_ref().unwrap()[key].0.clone()
}

/// Whether who trusts `authorities` takes a server with that certificate for `host`.
async fn handshake(secret: &Secret, authorities: &str, host: &str) -> Result<(), String> {
    let settings = tls::settings(&text(secret, "tls.crt"), &text(secret, "tls.key")).unwrap();
    let mut roots = RootCertStore::empty();
    for authority in rustls_pemfile::certs(&mut BufReader::new(authorities.as_bytes())) {
        roots.add(authority.unwrap()).unwrap();
    }
    let config = ClientConfig::builder()
        .with_root_certificates(roots)
        .with_no_client_auth();
    let (client, server) = tokio::io::duplex(1 << 16);
    let name = ServerName::try_from(host.to_owned()).unwrap();
    let acceptor = TlsAcceptor::from(settings);
    let connector = TlsConnector::from(Arc::new(config));
    let (client, _server) = tokio::join!(connector.connect(name, client), acceptor.accept(server));
    client.map(|_| ()).map_err(|error| error.to_string())
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn certificates_that_nobody_provides_are_made_kept_and_given_up_to_who_provides_them() {
    const CERTIFICATE: &str = "flowlogs-pipeline-cert";
    const TRUST: &str = "netobserv-ca";
    let Some(world) = World::start().await else {
        return;
    };
    world.create_collector(json!({})).await;
    let secrets: Api<Secret> = world.namespaced(NAMESPACE);
    let trusted: Api<ConfigMap> = world.namespaced(PRIVILEGED);
    let certificate = exists(&secrets, CERTIFICATE).await;
    let authorities = exists(&trusted, TRUST).await.data.unwrap()["service-ca.crt"].clone();
    // As the agents write it.
    let host = "flowlogs-pipeline.netobserv.svc.cluster.local.";
    handshake(&certificate, &authorities, host).await.unwrap();
    assert!(
        handshake(&certificate, &authorities, "other")
            .await
            .is_err()
    );
    world.settle().await;

    // One that is lost comes back as it was, also by a manager that starts anew.
    secrets
        .delete(CERTIFICATE, &DeleteParams::default())
        .await
        .unwrap();
    let again = exists(&secrets, CERTIFICATE).await;
    assert_eq!(again.data, certificate.data);
    world.settle().await;
    let before = world.plane.writes().len();
    let kubeconfig = world.plane.manager_kubeconfig().await;
    let World {
        manager,
        collectors,
        plane,
    } = world;
    drop(manager);
    let manager = Manager::start(&kubeconfig).await;
    let world = World {
        manager,
        collectors,
        plane,
    };
    world.settle().await;
    assert_eq!(written(&world, before), [] as [String; 0]);

    // Another FlowCollector at once after this one is deleted: what was kept does not go with the first.
    let collectors = &world.collectors;
    collectors
        .delete("cluster", &DeleteParams::default())
        .await
        .unwrap();
    let second = world.create_collector(json!({})).await;
    eventually("the certificates belong to the second", async || {
        let kept = secrets.get("netobserv-own-certs").await;
        let kept = kept.map_err(|error| error.to_string())?;
        let owners = kept.metadata.owner_references.unwrap_or_default();
        let is_second = Some(&owners[0].uid) == second.metadata.uid.as_ref();
        is_second.then_some(()).ok_or_else(|| format!("{owners:?}"))
    })
    .await;
    let authorities = eventually("a certificate that is trusted", async || {
        let text = |error: kube::Error| error.to_string();
        let certificate = secrets.get(CERTIFICATE).await.map_err(text)?;
        let trusted = trusted.get(TRUST).await.map_err(text)?;
        let authorities = trusted.data.unwrap()["service-ca.crt"].clone();
        handshake(&certificate, &authorities, host)
            .await
            .map(|()| authorities)
    })
    .await;

    // Mutual: the agents get theirs, by the same authority.
    world
        .merge(json!({"spec": {"processor": {"service": {"tlsType": "Auto-mTLS"}}}}))
        .await;
    let agents: Api<Secret> = world.namespaced(PRIVILEGED);
    exists(&agents, "ebpf-agent-cert").await;
    let here: Api<ConfigMap> = world.namespaced(NAMESPACE);
    assert_eq!(
        exists(&here, TRUST).await.data.unwrap()["service-ca.crt"],
        authorities
    );

    world.settle().await;

    // cert-manager takes one for its own: all of ours go, what else is needed is asked for, and its is not touched.
    let taken = json!({"metadata": {"annotations": {"cert-manager.io/certificate-name": "c"}},
        "stringData": {"tls.crt": "theirs"}});
    merge(&secrets, CERTIFICATE, taken).await;
    let message = world
        .reason("WaitingEBPFAgents", "AgentControllerError")
        .await;
    assert!(
        message.contains("ConfigMap netobserv-privileged/netobserv-ca does not exist"),
        "{message}"
    );
    world.settle().await;
    let theirs = secrets.get(CERTIFICATE).await.unwrap();
    assert_eq!(text(&theirs, "tls.crt"), b"theirs");
    assert!(agents.get_opt("ebpf-agent-cert").await.unwrap().is_none());
}
