//! A real API server of `hack/testenv`, in a folder of its own, gone with the test.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::Duration;

use k8s_openapi::api::authentication::v1::{TokenRequest, TokenRequestSpec};
use k8s_openapi::api::authorization::v1::SubjectAccessReview;
use k8s_openapi::api::core::v1::{Namespace, ServiceAccount};
use k8s_openapi::apiextensions_apiserver::pkg::apis::apiextensions::v1::CustomResourceDefinition;
use kube::api::{Api, ApiResource, DynamicObject, GroupVersionKind, ListParams, PostParams};
use kube::config::{KubeConfigOptions, Kubeconfig};
use kube::{Client, Config};
use netobserv_operator::apis::crd;
use netobserv_operator::owned::{KINDS, Kind};
use serde_json::{Value, json};
use tempfile::TempDir;
use tokio::sync::{Semaphore, SemaphorePermit};

use super::audit::{self, Request};
use super::tools::{is_missing, testenv};
use super::wait::eventually;

/// Namespace and name of the manager's own account.
pub const NAMESPACE: &str = "netobserv";
pub const ACCOUNT: &str = "netobserv-controller-manager";

/// Kinds in which an installation, the manager or the FlowCollector may leave something.
const NAMESPACED: &str = "deployments,daemonsets,services,configmaps,secrets,serviceaccounts,roles,rolebindings,leases,\
    horizontalpodautoscalers,networkpolicies,persistentvolumeclaims";
const GLOBAL: &str = "customresourcedefinitions,clusterroles,clusterrolebindings,validatingwebhookconfigurations,namespaces";

/// As many at once as two cores carry; whoever comes later waits.
static FREE: Semaphore = Semaphore::const_new(2);

pub struct ControlPlane {
    folder: TempDir,
    exports: BTreeMap<String, String>,
    pub client: Client,
    _turn: SemaphorePermit<'static>,
}

impl ControlPlane {
    /// Starts one; `None` where it cannot be built, which fails in CI.
    pub async fn start() -> Option<Self> {
        let folder = TempDir::new().expect("a temporary folder");
        define(&folder.path().join("apiserver/definitions"));
        Self::start_in(folder).await
    }

    /// Starts one that does not know our kinds: the garbage collector will notice them half a minute after they come.
    pub async fn start_undefined() -> Option<Self> {
        Self::start_in(TempDir::new().expect("a temporary folder")).await
    }

    async fn start_in(folder: TempDir) -> Option<Self> {
        let turn = FREE.acquire().await.expect("it is never closed");
        let output = Command::new(testenv())
            .args(["start", "--at"])
            .arg(folder.path())
            .args(["--owner", &std::process::id().to_string(), "apiserver"])
            .output()
            .expect("hack/testenv/testenv can be run");
        if is_missing(&output) {
            return None;
        }
        let exports: BTreeMap<String, String> =
            serde_json::from_slice(&output.stdout).expect("testenv prints JSON");
        let client = client(Path::new(&exports["apiserver.kubeconfig"])).await;
        Some(Self {
            folder,
            exports,
            client,
            _turn: turn,
        })
    }

    /// Adds what a chart installs beside our definitions, which are there since the start: the manager's account and
    /// the shipped roles. Not the manager, which is a process of the test, nor the admission webhooks.
    pub async fn install(&self) {
        let namespaces: Api<Namespace> = Api::all(self.client.clone());
        create(
            &namespaces,
            &parse(json!({"metadata": {"name": NAMESPACE}})),
        )
        .await;
        let roles = Path::new(env!("CARGO_MANIFEST_DIR")).join("config/rbac");
        let (_, errors) = self.kubectl(&["apply", "-k", &roles.display().to_string()]);
        assert_eq!(errors, "", "the roles are taken");
    }

    /// What the manager asked for.
    pub fn requests(&self) -> Vec<Request> {
        let user = format!("system:serviceaccount:{NAMESPACE}:{ACCOUNT}");
        audit::requests(Path::new(&self.exports["apiserver.audit"]), &user)
    }

    /// Adds a definition that takes anything for each kind that we make of these API groups of others.
    pub async fn serve(&self, groups: &[&str]) {
        let kinds = KINDS.iter().filter(|kind| groups.contains(&kind.group));
        self.serve_kinds(&kinds.collect::<Vec<_>>()).await;
    }

    /// Adds a definition that takes anything for each of the kinds.
    pub async fn serve_kinds(&self, kinds: &[&Kind]) {
        let definitions: Api<CustomResourceDefinition> = Api::all(self.client.clone());
        for kind in kinds {
            create(&definitions, &definition(kind)).await;
        }
        for kind in kinds {
            established(&definitions, &format!("{}.{}", kind.plural, kind.group)).await;
            let objects: Api<DynamicObject> = Api::all_with(self.client.clone(), &kind.resource());
            // What answers for the kind may hear of it a moment later.
            eventually("a kind is served", async || {
                let listed = objects.list(&ListParams::default()).await;
                listed.map(drop).map_err(|error| error.to_string())
            })
            .await;
        }
    }

    /// Lets the API server refuse writes that `rule` selects, unless `expression` holds, with these words; a moment later.
    pub async fn refuse(&self, rule: Value, expression: &str, words: &str) {
        let version = self.client.apiserver_version().await.expect("a version");
        // Kubernetes 1.30 has them in v1.
        let is_older = version.minor.parse().is_ok_and(|minor: u32| minor < 30);
        let version = if is_older { "v1beta1" } else { "v1" };
        for (kind, spec) in [
            (
                "ValidatingAdmissionPolicy",
                json!({
                    "matchConstraints": {"resourceRules": [rule]},
                    "validations": [{"expression": expression, "message": words}],
                }),
            ),
            (
                "ValidatingAdmissionPolicyBinding",
                json!({"policyName": "test", "validationActions": ["Deny"]}),
            ),
        ] {
            let kind = GroupVersionKind::gvk("admissionregistration.k8s.io", version, kind);
            let resource = ApiResource::from_gvk(&kind);
            let mut object = DynamicObject::new("test", &resource);
            object.data = json!({"spec": spec});
            create(&Api::all_with(self.client.clone(), &resource), &object).await;
        }
    }

    /// Waits until the manager's account has its rights: the API server takes roles in after a moment, and what is refused
    /// until then is not always asked again.
    async fn has_rights(&self) {
        let reviews: Api<SubjectAccessReview> = Api::all(self.client.clone());
        for (verb, group, resource, namespace) in [
            ("list", "", "nodes", ""),
            ("create", "coordination.k8s.io", "leases", NAMESPACE),
        ] {
            let review: SubjectAccessReview = parse(json!({"metadata": {}, "spec": {
                "user": format!("system:serviceaccount:{NAMESPACE}:{ACCOUNT}"),
                "resourceAttributes":
                    {"verb": verb, "group": group, "resource": resource, "namespace": namespace},
            }}));
            eventually("the manager's rights", async || {
                let answer = reviews.create(&PostParams::default(), &review).await;
                let status = answer.map_err(|error| error.to_string())?.status;
                let is_allowed = status.as_ref().is_some_and(|status| status.allowed);
                is_allowed
                    .then_some(())
                    .ok_or_else(|| format!("{status:?}"))
            })
            .await;
        }
    }

    /// A kubeconfig of the manager's account, so that the audit log tells its requests from ours.
    pub async fn manager_kubeconfig(&self) -> PathBuf {
        self.has_rights().await;
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
        self.requests().iter().filter_map(write).collect()
    }

    /// How long the manager took for its objects.
    pub fn applying_time(&self) -> Duration {
        audit::applying_time(&self.requests())
    }

    /// For files of the test; gone with it.
    pub fn folder(&self) -> &Path {
        self.folder.path()
    }

    /// Stops the API server; what it stored stays.
    pub fn stop_api_server(&self) {
        let arguments = ["apiserver".to_owned()];
        self.testenv("stop", &arguments);
    }

    /// Starts the API server again, at the same address.
    pub fn start_api_server(&self) {
        let owner = std::process::id().to_string();
        let arguments = ["--owner".to_owned(), owner, "apiserver".to_owned()];
        self.testenv("start", &arguments);
    }

    /// Starts what plays kubelet for nodes that do not exist.
    pub fn start_kwok(&self) {
        let owner = std::process::id().to_string();
        self.testenv("start", &["--owner".to_owned(), owner, "kwok".to_owned()]);
    }

    fn testenv(&self, command: &str, arguments: &[String]) {
        let output = Command::new(testenv())
            .args([command, "--at"])
            .arg(self.folder.path())
            .args(arguments)
            .output()
            .expect("hack/testenv/testenv can be run");
        let reason = String::from_utf8_lossy(&output.stderr);
        assert!(output.status.success(), "{command}: {reason}");
    }

    /// The kubectl that fits.
    pub fn kubectl_path(&self) -> &str {
        &self.exports["apiserver.kubectl"]
    }

    /// Variable and folder for what kubectl and helm remember of this API server: by default they do so by address, for
    /// six hours, and take it for true of the next server with that port.
    pub fn memory(&self) -> (&'static str, PathBuf) {
        ("KUBECACHEDIR", self.folder.path().join("kubectl-memory"))
    }

    /// Kubeconfig file of an administrator.
    pub fn admin_kubeconfig(&self) -> &Path {
        Path::new(&self.exports["apiserver.kubeconfig"])
    }

    /// Names of all objects, but for what the cluster itself makes.
    pub fn everything(&self) -> Vec<String> {
        let mut names = Vec::new();
        for (kinds, place) in [
            (NAMESPACED, "--all-namespaces"),
            (GLOBAL, "--all-namespaces=false"),
        ] {
            let columns =
                "-o=custom-columns=KIND:.kind,NAMESPACE:.metadata.namespace,NAME:.metadata.name";
            let (output, errors) = self.kubectl(&["get", kinds, place, columns, "--no-headers"]);
            assert_eq!(errors, "");
            names.extend(
                output
                    .lines()
                    .map(|line| line.split_whitespace().collect::<Vec<_>>().join(" ")),
            );
        }
        names.sort();
        names
    }

    /// Waits until it holds nothing but these, as [`Self::everything`] names them.
    pub async fn holds_only(&self, names: &[String]) {
        eventually("nothing else is left", async || {
            let mut left = self.everything();
            left.retain(|name| !names.contains(name));
            left.is_empty()
                .then_some(())
                .ok_or_else(|| format!("{left:?}"))
        })
        .await;
    }

    /// What kubectl prints, as an administrator: standard output, then standard error.
    pub fn kubectl(&self, arguments: &[&str]) -> (String, String) {
        let output = Command::new(&self.exports["apiserver.kubectl"])
            .envs([self.memory()])
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
        let refused = audit::refused(&self.requests());
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
        if !std::thread::panicking() {
            assert!(
                refused.is_empty(),
                "the shipped role lacks what the manager asks for: {refused:#?}"
            );
        }
    }
}

/// Writes our definitions where the API server takes them from before its controllers start.
fn define(folder: &Path) {
    std::fs::create_dir_all(folder).expect("a folder for the definitions");
    for definition in crd::all().expect("our definitions") {
        let text = crd::yaml(&definition).expect("YAML");
        std::fs::write(folder.join(crd::file_name(&definition)), text).expect("write a definition");
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

fn write(request: &Request) -> Option<String> {
    let Request {
        verb,
        resource,
        namespace,
        name,
        ..
    } = request;
    let is_write = matches!(
        verb.as_str(),
        "create" | "update" | "patch" | "delete" | "deletecollection"
    );
    let is_transient = matches!(resource.as_str(), "leases" | "events");
    (is_write && !is_transient).then(|| format!("{verb} {resource} {namespace}/{name}"))
}

async fn established(definitions: &Api<CustomResourceDefinition>, name: &str) {
    eventually("a kind is established", async || {
        let definition = definitions
            .get(name)
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

fn definition(kind: &Kind) -> CustomResourceDefinition {
    let scope = if kind.group == "monitoring.coreos.com" {
        "Namespaced"
    } else {
        "Cluster"
    };
    parse(json!({
        "metadata": {"name": format!("{}.{}", kind.plural, kind.group)},
        "spec": {
            "group": kind.group, "scope": scope, "names": {"kind": kind.kind, "plural": kind.plural},
            "versions": [{"name": kind.version, "served": true, "storage": true, "schema": {
                "openAPIV3Schema": {"type": "object", "x-kubernetes-preserve-unknown-fields": true},
            }}],
        },
    }))
}

/// A client of whom a kubeconfig says.
pub async fn client(kubeconfig: &Path) -> Client {
    let kubeconfig = Kubeconfig::read_from(kubeconfig).expect("testenv's kubeconfig");
    let config = Config::from_custom_kubeconfig(kubeconfig, &KubeConfigOptions::default())
        .await
        .expect("a configuration");
    // Fails only when another test of this process was first.
    let _ = rustls::crypto::aws_lc_rs::default_provider().install_default();
    Client::try_from(config).expect("a client")
}
