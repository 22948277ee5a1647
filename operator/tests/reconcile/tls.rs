//! The manager's own servers on a real API server: certificates that others rotate, our own when they rotate, and who may
//! read the metrics.

use std::collections::BTreeSet;
use std::io::BufReader;
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::sync::Arc;

use crate::support::control_plane::{NAMESPACE, create, parse};
use crate::support::{ControlPlane, eventually, free_port};
use jiff::SignedDuration;
use k8s_openapi::api::authentication::v1::{TokenRequest, TokenRequestSpec};
use k8s_openapi::api::core::v1::{Secret, ServiceAccount};
use k8s_openapi::api::rbac::v1::{ClusterRole, ClusterRoleBinding};
use k8s_openapi::apiextensions_apiserver::pkg::apis::apiextensions::v1::CustomResourceDefinition;
use kube::api::{Api, DynamicObject, Patch, PatchParams, PostParams};
use kube::core::{ApiResource, GroupVersionKind};
use netobserv_operator::certificates::{Keeper, Lifetime};
use netobserv_operator::desired::certificates::Ring;
use netobserv_operator::scope::Scope;
use netobserv_operator::tls::Files;
use netobserv_operator::webhooks;
use rcgen::CertifiedKey;
use rustls::pki_types::ServerName;
use rustls::{ClientConfig, RootCertStore};
use serde_json::json;
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::watch;
use tokio_rustls::TlsConnector;
use tokio_util::sync::CancellationToken;

const DEFINITION: &str = "flowcollectors.flows.netobserv.io";

fn collectors(plane: &ControlPlane, version: &str) -> Api<DynamicObject> {
    let kind = GroupVersionKind::gvk("flows.netobserv.io", version, "FlowCollector");
    let resource = ApiResource::from_gvk_with_plural(&kind, "flowcollectors");
    Api::all_with(plane.client.clone(), &resource)
}

async fn create_collector(plane: &ControlPlane) {
    let object = json!({"apiVersion": "flows.netobserv.io/v1beta2", "kind": "FlowCollector",
        "metadata": {"name": "cluster"}, "spec": {}});
    create(&collectors(plane, "v1beta2"), &parse(object)).await;
}

/// Reads the stored object in the other version, which a webhook must convert.
async fn converted(plane: &ControlPlane) -> Result<(), String> {
    let read = collectors(plane, "v1beta1").get("cluster").await;
    read.map(|_| ()).map_err(|error| error.to_string())
}

/// A certificate of its own for 127.0.0.1, put where the manager looks.
fn put_certificate(folder: &Path) -> String {
    let CertifiedKey { cert, signing_key } =
        rcgen::generate_simple_self_signed(["127.0.0.1".to_owned()]).unwrap();
    std::fs::create_dir_all(folder).unwrap();
    std::fs::write(folder.join("tls.crt"), cert.pem()).unwrap();
    std::fs::write(folder.join("tls.key"), signing_key.serialize_pem()).unwrap();
    cert.pem()
}

async fn trust(plane: &ControlPlane, port: u16, authority: &str) {
    let bundle = k8s_openapi::ByteString(authority.as_bytes().to_vec());
    let url = format!("https://127.0.0.1:{port}/convert");
    let conversion = json!({"spec": {"conversion": {"strategy": "Webhook", "webhook": {
        "conversionReviewVersions": ["v1"], "clientConfig": {"url": url, "caBundle": bundle, "service": null}}}}});
    let definitions: Api<CustomResourceDefinition> = Api::all(plane.client.clone());
    definitions
        .patch(
            DEFINITION,
            &PatchParams::default(),
            &Patch::Merge(conversion),
        )
        .await
        .unwrap();
}

/// Ends with the test.
struct Process(Child);

impl Drop for Process {
    fn drop(&mut self) {
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

/// The status line and the rest of the answer, by TLS.
async fn get(
    (host, port): (&str, u16),
    authority: &str,
    token: Option<&str>,
) -> Result<String, String> {
    let mut roots = RootCertStore::empty();
    for certificate in rustls_pemfile::certs(&mut BufReader::new(authority.as_bytes())) {
        roots.add(certificate.unwrap()).unwrap();
    }
    let config = ClientConfig::builder()
        .with_root_certificates(roots)
        .with_no_client_auth();
    let text = |error: std::io::Error| error.to_string();
    let stream = TcpStream::connect(("127.0.0.1", port))
        .await
        .map_err(text)?;
    let name = ServerName::try_from(host.to_owned()).unwrap();
    let connector = TlsConnector::from(Arc::new(config));
    let mut stream = connector.connect(name, stream).await.map_err(text)?;
    let token = token.map(|token| format!("Authorization: Bearer {token}\r\n"));
    let request = format!(
        "GET /metrics HTTP/1.1\r\nHost: x\r\n{}Connection: close\r\n\r\n",
        token.unwrap_or_default()
    );
    stream.write_all(request.as_bytes()).await.map_err(text)?;
    let mut answer = String::new();
    stream.read_to_string(&mut answer).await.map_err(text)?;
    Ok(answer)
}

async fn token(plane: &ControlPlane, account: &str) -> String {
    let accounts: Api<ServiceAccount> = Api::namespaced(plane.client.clone(), NAMESPACE);
    create(&accounts, &parse(json!({"metadata": {"name": account}}))).await;
    let request = TokenRequest {
        spec: Some(TokenRequestSpec::default()),
        ..TokenRequest::default()
    };
    let answer = accounts
        .create_token_request(account, &PostParams::default(), &request)
        .await;
    answer.unwrap().status.unwrap().token.unwrap()
}

async fn let_read_metrics(plane: &ControlPlane, account: &str) {
    let roles: Api<ClusterRole> = Api::all(plane.client.clone());
    let role = json!({"metadata": {"name": "reads-metrics"},
        "rules": [{"nonResourceURLs": ["/metrics"], "verbs": ["get"]}]});
    create(&roles, &parse(role)).await;
    let bindings: Api<ClusterRoleBinding> = Api::all(plane.client.clone());
    let binding = json!({"metadata": {"name": "reads-metrics"},
        "roleRef": {"apiGroup": "rbac.authorization.k8s.io", "kind": "ClusterRole", "name": "reads-metrics"},
        "subjects": [{"kind": "ServiceAccount", "name": account, "namespace": NAMESPACE}]});
    create(&bindings, &parse(binding)).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn certificates_of_others_are_followed_and_metrics_shown_to_whom_the_api_server_lets() {
    let Some(plane) = ControlPlane::start().await else {
        return;
    };
    plane.install().await;
    create_collector(&plane).await;
    let kubeconfig = plane.manager_kubeconfig().await;
    let folder = kubeconfig.with_file_name("certificates");
    let first = put_certificate(&folder);
    let (webhooks, metrics) = (free_port(), free_port());
    let server = ("127.0.0.1", metrics);
    let child = Command::new(env!("CARGO_BIN_EXE_manager"))
        .env("KUBECONFIG", &kubeconfig)
        .args([
            "--health-probe-bind-address=0".to_owned(),
            // Every address, as in a pod: asked for a token.
            format!("--metrics-bind-address=0.0.0.0:{metrics}"),
            format!("--metrics-cert-file={}", folder.join("tls.crt").display()),
            format!(
                "--metrics-cert-key-file={}",
                folder.join("tls.key").display()
            ),
            format!("--webhook-bind-address=127.0.0.1:{webhooks}"),
            format!("--webhook-cert-dir={}", folder.display()),
        ])
        .stdin(Stdio::null())
        .stderr(Stdio::null())
        .spawn()
        .unwrap();
    let _manager = Process(child);
    trust(&plane, webhooks, &first).await;
    eventually("conversion with the files", async || {
        converted(&plane).await
    })
    .await;

    let (reader, stranger) = (
        token(&plane, "reader").await,
        token(&plane, "stranger").await,
    );
    let_read_metrics(&plane, "reader").await;
    for (name, token, expected) in [
        ("no token", None, "401"),
        ("a wrong token", Some("x"), "401"),
        ("somebody who may not", Some(stranger.as_str()), "403"),
        ("somebody who may", Some(reader.as_str()), "200"),
    ] {
        // The API server takes a role in after a moment.
        eventually(name, async || {
            let answer = get(server, &first, token).await?;
            let is_expected = answer.starts_with(&format!("HTTP/1.1 {expected}"));
            let shows = answer.contains("controller_runtime_reconcile");
            (is_expected && shows == (expected == "200"))
                .then_some(())
                .ok_or(answer)
        })
        .await;
    }

    // Rotated: both servers take the new one in, and conversion goes on.
    let second = put_certificate(&folder);
    eventually("the new certificate", async || {
        get(server, &second, Some(&reader)).await.map(|_| ())
    })
    .await;
    trust(&plane, webhooks, &second).await;
    eventually("conversion with the new files", async || {
        converted(&plane).await
    })
    .await;
    assert!(get(server, &first, Some(&reader)).await.is_err());
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn no_token_travels_in_clear_and_no_secret_of_others_is_written() {
    let Some(plane) = ControlPlane::start().await else {
        return;
    };
    plane.install().await;
    let kubeconfig = plane.manager_kubeconfig().await;
    let metrics = free_port();
    let child = Command::new(env!("CARGO_BIN_EXE_manager"))
        .env("KUBECONFIG", &kubeconfig)
        .args([
            "--health-probe-bind-address=0".to_owned(),
            // As the manifests have it, and nobody provides a certificate.
            format!("--metrics-bind-address=0.0.0.0:{metrics}"),
            "--webhook-bind-address=0".to_owned(),
            format!("--namespace={NAMESPACE}"),
        ])
        .stdin(Stdio::null())
        .stderr(Stdio::null())
        .spawn()
        .unwrap();
    let _manager = Process(child);
    let secrets: Api<Secret> = Api::namespaced(plane.client.clone(), NAMESPACE);
    let host = format!("netobserv-metrics-service.{NAMESPACE}.svc");
    eventually("metrics by TLS, for whom has a token", async || {
        let secret = secrets.get("netobserv-metrics-own-cert").await;
        let data = secret.map_err(|error| error.to_string())?.data.unwrap();
        let authority = String::from_utf8(data["ca.crt"].0.clone()).unwrap();
        let answer = get((&host, metrics), &authority, None).await?;
        let is_refused = answer.starts_with("HTTP/1.1 401");
        is_refused.then_some(()).ok_or(answer)
    })
    .await;

    let foreign =
        json!({"metadata": {"name": "netobserv-own-certs"}, "stringData": {"ca.crt": "theirs"}});
    create(&secrets, &parse(foreign)).await;
    let keeper = Keeper {
        client: plane.client.clone(),
        namespace: NAMESPACE.to_owned(),
        name: Ring::Components.secret(),
        owner: None,
    };
    let plan = Ring::Components.plan(&Scope::new(NAMESPACE));
    let refused = keeper.keep(&plan).await.unwrap_err().to_string();
    assert!(refused.contains("exists and is not ours"), "{refused}");
    let secret = secrets.get(keeper.name).await.unwrap();
    assert_eq!(secret.data.unwrap()["ca.crt"].0, b"theirs");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn conversion_goes_on_while_our_own_certificate_rotates() {
    let Some(plane) = ControlPlane::start().await else {
        return;
    };
    plane.install().await;
    create_collector(&plane).await;
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let settings = webhooks::Settings {
        files: Files {
            certificate: "/nowhere".into(),
            key: "/nowhere".into(),
        },
        namespace: NAMESPACE.to_owned(),
        url: Some(format!("https://{}", listener.local_addr().unwrap())),
        // A new one every few seconds; each is valid long enough for a slow machine.
        lifetime: Lifetime {
            valid: SignedDuration::from_secs(600),
            renew_before: SignedDuration::from_secs(598),
            settle: SignedDuration::from_secs(4),
        },
    };
    let (_facts, facts) = watch::channel(None);
    let (certificates, _current) = watch::channel(None);
    let drain = CancellationToken::new();
    let serving = webhooks::serve(
        plane.client.clone(),
        settings,
        listener,
        certificates,
        facts,
        drain.clone(),
    );
    let serving = tokio::spawn(serving);
    eventually("conversion", async || converted(&plane).await).await;

    let secrets: Api<Secret> = Api::namespaced(plane.client.clone(), NAMESPACE);
    let mut shown = BTreeSet::new();
    let shown = &mut shown;
    let deadline = std::time::Instant::now() + std::time::Duration::from_mins(5);
    while shown.len() < 4 {
        assert!(
            std::time::Instant::now() < deadline,
            "{} certificates",
            shown.len()
        );
        converted(&plane).await.expect("conversion at any time");
        let secret = secrets.get("netobserv-webhook-own-cert").await.unwrap();
        shown.insert(secret.data.unwrap()["tls.crt"].0.clone());
    }
    drain.cancel();
    serving.await.unwrap();
}
