//! The Kubernetes API server with the controllers that matter without nodes: owner references, namespaces, service
//! accounts, workloads, aggregated roles. No scheduler: pods are bound by nobody.

mod files;

use std::path::Path;
use std::process::{Command, Stdio};
use std::time::Duration;

use anyhow::Result;

use crate::cache::Cache;
use crate::go::{self, Module};
use crate::launch::{Exports, Launch};
use crate::server::Server;

pub const SERVER: Server = Server {
    name: "apiserver",
    newest: NEWEST,
    oldest: Some(OLDEST),
    needs: &["etcd", "kubectl"],
    fetch,
    launch: Some(launch),
};

pub const NEWEST: &str = "1.36.3";
const OLDEST: &str = "1.29.15";

/// Makes Kubernetes' programs say the version.
pub fn stamp(version: &str) -> String {
    let package = "k8s.io/component-base/version";
    let minor = version.split('.').nth(1).unwrap_or_default();
    format!(
        "-X {package}.gitVersion=v{version} -X {package}.gitMajor=1 -X {package}.gitMinor={minor}"
    )
}

const CONTROLLERS: &str = "garbage-collector-controller,namespace-controller,serviceaccount-controller,\
    serviceaccount-token-controller,root-ca-certificate-publisher-controller,deployment-controller,\
    replicaset-controller,daemonset-controller,clusterrole-aggregation-controller,\
    persistentvolumeclaim-protection-controller";

/// Folder with definitions of kinds that are there before the controllers start. What is defined later the garbage
/// collector notices only after half a minute.
const DEFINITIONS: &str = "definitions";

const READY_LIMIT: Duration = Duration::from_mins(2);

fn fetch(cache: &Cache) -> Result<()> {
    let version = SERVER.version();
    let module = Module {
        folder: if version == OLDEST {
            "kubernetes-oldest"
        } else {
            "kubernetes"
        },
        programs: &[
            ("kube-apiserver", "k8s.io/kubernetes/cmd/kube-apiserver"),
            (
                "kube-controller-manager",
                "k8s.io/kubernetes/cmd/kube-controller-manager",
            ),
        ],
        stamp: stamp(version),
        files: None,
        takes: "five minutes",
    };
    go::fetch(cache, SERVER.name, version, &module)
}

fn launch(launch: &mut Launch) -> Result<Exports> {
    let folder = launch.folder();
    let port = launch.port("api")?;
    let controllers_port = launch.port("controllers")?;
    let etcd = launch.export("etcd", "url")?;
    let kubectl = launch.program("kubectl", "kubectl")?;
    let files = files::write(&folder, port)?;

    let program = launch.program("apiserver", "kube-apiserver")?;
    launch.start(
        "kube-apiserver",
        &program,
        &api_arguments(&folder, port, &etcd),
    )?;
    launch.until("the API server's /readyz", READY_LIMIT, || {
        ask(&kubectl, &files.admin, &["get", "--raw", "/readyz"])
    })?;
    let definitions = folder.join(DEFINITIONS);
    if definitions.is_dir() {
        define(launch, &kubectl, &files.admin, &definitions)?;
    }

    let program = launch.program("apiserver", "kube-controller-manager")?;
    let arguments = controller_arguments(&folder, &files.controllers, controllers_port);
    launch.start("kube-controller-manager", &program, &arguments)?;
    let account = ["get", "serviceaccount", "default", "--namespace=default"];
    launch.until("the default service account", READY_LIMIT, || {
        ask(&kubectl, &files.admin, &account)
    })?;

    let text = |path: &Path| path.display().to_string();
    Ok(Exports::from([
        ("url".to_owned(), format!("https://127.0.0.1:{port}")),
        ("kubeconfig".to_owned(), text(&files.admin)),
        (
            "authority".to_owned(),
            text(&folder.join("pki/apiserver.crt")),
        ),
        ("audit".to_owned(), text(&folder.join("audit.jsonl"))),
        ("kubectl".to_owned(), text(&kubectl)),
    ]))
}

/// Adds the kinds of a folder and waits until they are served.
fn define(
    launch: &mut Launch,
    kubectl: &Path,
    kubeconfig: &Path,
    definitions: &Path,
) -> Result<()> {
    let folder = format!("--filename={}", definitions.display());
    launch.until("the definitions", READY_LIMIT, || {
        ask(kubectl, kubeconfig, &["apply", "--server-side", &folder])
    })?;
    let established = ["wait", "--for=condition=Established", &folder];
    launch.until("the kinds to be served", READY_LIMIT, || {
        ask(kubectl, kubeconfig, &established)
    })
}

fn ask(kubectl: &Path, kubeconfig: &Path, arguments: &[&str]) -> bool {
    Command::new(kubectl)
        .arg("--kubeconfig")
        .arg(kubeconfig)
        .arg("--request-timeout=2s")
        // Else it remembers servers by their port, for hours, and takes this one for the last that had it.
        .env("KUBECACHEDIR", kubeconfig.with_file_name("kubectl-memory"))
        .args(arguments)
        .stdin(Stdio::null())
        .stdout(Stdio::null())
        .stderr(Stdio::null())
        .status()
        .is_ok_and(|status| status.success())
}

fn api_arguments(folder: &Path, port: u16, etcd: &str) -> Vec<String> {
    let path = |name: &str| folder.join(name).display().to_string();
    let mut arguments = vec![
        format!("--etcd-servers={etcd}"),
        "--bind-address=127.0.0.1".to_owned(),
        "--advertise-address=127.0.0.1".to_owned(),
        format!("--secure-port={port}"),
        format!("--cert-dir={}", path("pki")),
        "--service-account-issuer=https://kubernetes.default.svc".to_owned(),
        format!("--service-account-key-file={}", path(files::ACCOUNT_PUBLIC)),
        format!(
            "--service-account-signing-key-file={}",
            path(files::ACCOUNT_KEY)
        ),
        "--service-cluster-ip-range=10.96.0.0/16".to_owned(),
        "--authorization-mode=Node,RBAC".to_owned(),
        "--allow-privileged=true".to_owned(),
        format!("--token-auth-file={}", path(files::TOKENS)),
        format!("--audit-policy-file={}", path(files::AUDIT_POLICY)),
        format!("--audit-log-path={}", path("audit.jsonl")),
        // The loopback address is no endpoint that others could use.
        "--endpoint-reconciler-type=none".to_owned(),
        // As OpenShift: an owner reference that blocks its owner's deletion needs a right of its own.
        "--enable-admission-plugins=OwnerReferencesPermissionEnforcement".to_owned(),
        // Webhooks behind a Service are dialled at its endpoints: there is no kube-proxy here.
        "--enable-aggregator-routing=true".to_owned(),
        // A stop waits for open watches, a minute by default.
        "--shutdown-watch-termination-grace-period=2s".to_owned(),
    ];
    if SERVER.version() == OLDEST {
        // Policies of admission are a beta there, which is off.
        arguments.extend([
            "--feature-gates=ValidatingAdmissionPolicy=true".to_owned(),
            "--runtime-config=admissionregistration.k8s.io/v1beta1=true".to_owned(),
        ]);
    }
    arguments
}

fn controller_arguments(folder: &Path, kubeconfig: &Path, port: u16) -> Vec<String> {
    let path = |name: &str| folder.join(name).display().to_string();
    vec![
        format!("--kubeconfig={}", kubeconfig.display()),
        "--bind-address=127.0.0.1".to_owned(),
        format!("--secure-port={port}"),
        format!("--cert-dir={}", path("pki-controllers")),
        "--leader-elect=false".to_owned(),
        "--use-service-account-credentials".to_owned(),
        format!(
            "--service-account-private-key-file={}",
            path(files::ACCOUNT_KEY)
        ),
        format!("--root-ca-file={}", path("pki/apiserver.crt")),
        format!("--controllers={CONTROLLERS}"),
    ]
}
