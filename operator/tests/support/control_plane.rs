//! A real API server of `hack/testenv`, in a folder of its own, gone with the test.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::process::Command;

use k8s_openapi::api::authentication::v1::{TokenRequest, TokenRequestSpec};
use k8s_openapi::api::core::v1::{Namespace, ServiceAccount};
use k8s_openapi::api::rbac::v1::{ClusterRole, ClusterRoleBinding};
use k8s_openapi::apiextensions_apiserver::pkg::apis::apiextensions::v1::CustomResourceDefinition;
use kube::api::{Api, PostParams};
use kube::config::{KubeConfigOptions, Kubeconfig};
use kube::{Client, Config};
use serde_json::{Value, json};
use tempfile::TempDir;

use super::wait::eventually;

/// Namespace and name of the manager's own account.
pub const NAMESPACE: &str = "netobserv";
pub const ACCOUNT: &str = "netobserv-controller-manager";

pub struct ControlPlane {
    folder: TempDir,
    exports: BTreeMap<String, String>,
    pub client: Client,
}

impl ControlPlane {
    /// Starts one; `None` where it cannot be built, which fails in CI.
    pub async fn start() -> Option<Self> {
        let folder = TempDir::new().expect("a temporary folder");
        let output = Command::new(testenv())
            .args(["start", "--at"])
            .arg(folder.path())
            .args(["--owner", &std::process::id().to_string(), "apiserver"])
            .output()
            .expect("hack/testenv/testenv can be run");
        if !output.status.success() {
            let reason = String::from_utf8_lossy(&output.stderr).into_owned();
            let is_missing = reason.contains("install Go");
            assert!(is_missing && std::env::var_os("CI").is_none(), "{reason}");
            eprintln!("skipped: {reason}");
            return None;
        }
        let exports: BTreeMap<String, String> =
            serde_json::from_slice(&output.stdout).expect("testenv prints JSON");
        let client = client(Path::new(&exports["apiserver.kubeconfig"])).await;
        Some(Self {
            folder,
            exports,
            client,
        })
    }

    /// Adds our definitions and what else a chart installs: the manager's account and the roles that it binds.
    pub async fn install(&self) {
        let definitions: Api<CustomResourceDefinition> = Api::all(self.client.clone());
        for definition in netobserv_operator::apis::crd::all().expect("our definitions") {
            create(&definitions, &definition).await;
        }
        let served = |name: &str| name.to_owned();
        for name in ["flowcollectors", "flowmetrics", "flowcollectorslices"].map(served) {
            eventually("our kinds are served", async || {
                let name = format!("{name}.flows.netobserv.io");
                let definition = definitions
                    .get(&name)
                    .await
                    .map_err(|error| error.to_string())?;
                let conditions = definition.status.and_then(|status| status.conditions);
                conditions
                    .into_iter()
                    .flatten()
                    .any(|condition| condition.type_ == "Established" && condition.status == "True")
                    .then_some(())
                    .ok_or_else(|| format!("{name} is not established"))
            })
            .await;
        }
        let namespaces: Api<Namespace> = Api::all(self.client.clone());
        create(
            &namespaces,
            &parse(json!({"metadata": {"name": NAMESPACE}})),
        )
        .await;
        let accounts: Api<ServiceAccount> = Api::namespaced(self.client.clone(), NAMESPACE);
        create(&accounts, &parse(json!({"metadata": {"name": ACCOUNT}}))).await;
        let roles: Api<ClusterRole> = Api::all(self.client.clone());
        for name in ["netobserv-informers", "netobserv-config-watcher"] {
            create(&roles, &parse(json!({"metadata": {"name": name}}))).await;
        }
        let bindings: Api<ClusterRoleBinding> = Api::all(self.client.clone());
        let binding = json!({
            "metadata": {"name": "manager"},
            "roleRef": {"apiGroup": "rbac.authorization.k8s.io", "kind": "ClusterRole", "name": "cluster-admin"},
            "subjects": [{"kind": "ServiceAccount", "name": ACCOUNT, "namespace": NAMESPACE}],
        });
        create(&bindings, &parse(binding)).await;
    }

    /// A kubeconfig of the manager's account, so that the audit log tells its requests from ours.
    pub async fn manager_kubeconfig(&self) -> PathBuf {
        let accounts: Api<ServiceAccount> = Api::namespaced(self.client.clone(), NAMESPACE);
        let request = TokenRequest {
            spec: Some(TokenRequestSpec {
                expiration_seconds: Some(7200),
                ..TokenRequestSpec::default()
            }),
            ..TokenRequest::default()
        };
        let request = accounts
            .create_token_request(ACCOUNT, &PostParams::default(), &request)
            .await
            .expect("a token for the manager");
        let token = request.status.expect("a status").token;
        let text = json!({
            "apiVersion": "v1", "kind": "Config", "current-context": "c",
            "clusters": [{"name": "c", "cluster": {
                "server": self.exports["apiserver.url"],
                "certificate-authority": self.exports["apiserver.authority"],
            }}],
            "users": [{"name": "c", "user": {"token": token}}],
            "contexts": [{"name": "c", "context": {"cluster": "c", "user": "c"}}],
        });
        let path = self.folder.path().join("manager.kubeconfig");
        std::fs::write(&path, text.to_string()).expect("write the manager's kubeconfig");
        path
    }

    /// Requests of the manager that change something, in order: `patch daemonsets ns/name`. Leases and events, which
    /// come and go with time, are left out.
    pub fn writes(&self) -> Vec<String> {
        let log = std::fs::read_to_string(&self.exports["apiserver.audit"]).expect("an audit log");
        let user = format!("system:serviceaccount:{NAMESPACE}:{ACCOUNT}");
        log.lines()
            .filter_map(|line| serde_json::from_str::<Value>(line).ok())
            .filter(|event| event["user"]["username"] == user.as_str())
            .filter_map(|event| write(&event))
            .collect()
    }

    /// What kubectl prints, as an administrator: standard output, then standard error.
    pub fn kubectl(&self, arguments: &[&str]) -> (String, String) {
        let output = Command::new(&self.exports["apiserver.kubectl"])
            .args(["--kubeconfig", &self.exports["apiserver.kubeconfig"]])
            .args(arguments)
            .output()
            .expect("kubectl can be run");
        let text = |bytes: &[u8]| String::from_utf8_lossy(bytes).into_owned();
        (text(&output.stdout), text(&output.stderr))
    }
}

impl Drop for ControlPlane {
    fn drop(&mut self) {
        let stopped = Command::new(testenv())
            .args(["stop", "--remove", "--at"])
            .arg(self.folder.path())
            .output();
        if !stopped.is_ok_and(|output| output.status.success()) {
            eprintln!(
                "the control plane in {} may be left",
                self.folder.path().display()
            );
        }
    }
}

/// Makes an object, which must not exist.
pub async fn create<K>(api: &Api<K>, object: &K) -> K
where
    K: Clone + serde::de::DeserializeOwned + serde::Serialize + std::fmt::Debug,
{
    api.create(&PostParams::default(), object)
        .await
        .expect("create an object")
}

/// An object from its JSON.
pub fn parse<K: serde::de::DeserializeOwned>(value: Value) -> K {
    serde_json::from_value(value).expect("an object of that kind")
}

fn write(event: &Value) -> Option<String> {
    let verb = event["verb"].as_str()?;
    if !matches!(
        verb,
        "create" | "update" | "patch" | "delete" | "deletecollection"
    ) {
        return None;
    }
    let reference = &event["objectRef"];
    let text = |key: &str| reference[key].as_str().unwrap_or_default();
    let mut resource = text("resource").to_owned();
    if matches!(resource.as_str(), "leases" | "events") {
        return None;
    }
    if !text("subresource").is_empty() {
        resource = format!("{resource}/{}", text("subresource"));
    }
    Some(format!(
        "{verb} {resource} {}/{}",
        text("namespace"),
        text("name")
    ))
}

async fn client(kubeconfig: &Path) -> Client {
    let kubeconfig = Kubeconfig::read_from(kubeconfig).expect("testenv's kubeconfig");
    let config = Config::from_custom_kubeconfig(kubeconfig, &KubeConfigOptions::default())
        .await
        .expect("a configuration");
    // Fails only when another test of this process was first.
    let _ = rustls::crypto::aws_lc_rs::default_provider().install_default();
    Client::try_from(config).expect("a client")
}

fn testenv() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../hack/testenv/testenv")
}
