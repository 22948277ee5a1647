//! Packaging: the chart and the bundle are those of `config/`, and all three hold the same objects.
#![allow(clippy::unwrap_used, clippy::expect_used, reason = "tests")]

#[path = "support/tools.rs"]
mod tools;

use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};

use serde_json::{Value, json};
use tempfile::TempDir;
use tools::{printed, tool};

/// The oldest that the chart takes; a helm that was built from source takes itself for older.
const KUBERNETES: &str = "--kube-version=1.29.0";

fn crate_folder() -> &'static Path {
    Path::new(env!("CARGO_MANIFEST_DIR"))
}

fn root() -> PathBuf {
    crate_folder().join("..").canonicalize().unwrap()
}

fn text(path: &Path) -> &str {
    path.to_str().unwrap()
}

/// Makes chart and bundle.
fn generate(kubectl: &Path, into: &Path, more: &[&str]) {
    let config = crate_folder().join("config");
    let mut arguments = vec![
        "--kubectl",
        text(kubectl),
        "--config",
        text(&config),
        "--into",
        text(into),
    ];
    arguments.extend(more);
    printed(Path::new(env!("CARGO_BIN_EXE_packgen")), &arguments);
}

/// Text of all files below a folder.
fn tree(folder: &Path) -> BTreeMap<PathBuf, String> {
    let mut files = BTreeMap::new();
    let mut folders = vec![folder.to_owned()];
    while let Some(next) = folders.pop() {
        for entry in fs::read_dir(&next).unwrap() {
            let path = entry.unwrap().path();
            if path.is_dir() {
                folders.push(path);
            } else {
                let name = path.strip_prefix(folder).unwrap().to_owned();
                files.insert(name, fs::read_to_string(path).unwrap());
            }
        }
    }
    files
}

type Objects = BTreeMap<String, Value>;

/// Objects by kind and name.
fn objects(yaml: &str) -> Objects {
    let all: Vec<Value> = serde_saphyr::from_multiple(yaml).unwrap();
    let all = all.into_iter().filter(|object| !object.is_null());
    all.map(|object| {
        let key = format!(
            "{} {}",
            object["kind"].as_str().unwrap(),
            object["metadata"]["name"].as_str().unwrap()
        );
        (key, object)
    })
    .collect()
}

/// An overlay, without the namespace, which helm and OLM make by themselves.
fn overlay(kubectl: &Path, name: &str) -> Objects {
    let folder = crate_folder().join("config").join(name);
    let mut objects = objects(&printed(kubectl, &["kustomize", text(&folder)]));
    objects.retain(|_, object| object["kind"] != "Namespace");
    objects
}

fn assert_same(left: &Objects, right: &Objects, what: &str) {
    let names = |objects: &Objects| objects.keys().cloned().collect::<Vec<_>>();
    assert_eq!(names(left), names(right), "{what}");
    for (name, object) in left {
        assert_eq!(object, &right[name], "{what}: {name}");
    }
}

#[test]
fn chart_and_bundle_are_made_of_their_sources() {
    let Some(kubectl) = tool("kubectl") else {
        return;
    };
    if std::env::var_os("UPDATE_CONTRACTS").is_some() {
        generate(&kubectl, &root(), &[]);
    }
    let folder = TempDir::new().unwrap();
    generate(&kubectl, folder.path(), &[]);
    for name in ["helm", "bundle"] {
        let (made, committed) = (tree(&folder.path().join(name)), tree(&root().join(name)));
        let names = |files: &BTreeMap<PathBuf, String>| files.keys().cloned().collect::<Vec<_>>();
        assert_eq!(
            names(&made),
            names(&committed),
            "{name}/: run with UPDATE_CONTRACTS=1"
        );
        for (path, text) in made {
            let path_text = path.display();
            assert!(
                text == committed[&path],
                "{name}/{path_text} is old; run with UPDATE_CONTRACTS=1"
            );
        }
    }
}

#[test]
fn the_chart_holds_the_objects_of_the_overlays() {
    let (Some(kubectl), Some(helm)) = (tool("kubectl"), tool("helm")) else {
        return;
    };
    let chart = root().join("helm");
    for (name, value) in [("default", "false"), ("certmanager", "true")] {
        let value = format!("certManager.enable={value}");
        let arguments = [
            "template",
            "netobserv",
            text(&chart),
            "--namespace=netobserv",
            KUBERNETES,
            "--set",
            &value,
        ];
        let rendered = objects(&printed(&helm, &arguments));
        assert_same(&rendered, &overlay(&kubectl, name), name);
        let report = printed(&helm, &["lint", "--strict", text(&chart), "--set", &value]);
        assert!(
            !["[INFO]", "[WARNING]", "[ERROR]"]
                .iter()
                .any(|mark| report.contains(mark)),
            "{report}"
        );
    }
}

#[test]
fn values_of_the_chart_reach_what_they_are_for() {
    let Some(helm) = tool("helm") else { return };
    let chart = root().join("helm");
    let arguments = [
        "template",
        "n",
        text(&chart),
        "--namespace=elsewhere",
        KUBERNETES,
        "--set=certManager.enable=true,certManager.existingIssuer.kind=ClusterIssuer,certManager.existingIssuer.name=mine",
        "--set=clusterDomain=example.internal,ebpfAgent.image=r/agent,ebpfAgent.version=v7,operator.version=v8",
        "--set-json=operator.nodeAffinity={\"preferredDuringSchedulingIgnoredDuringExecution\":[]}",
        "--set=operator.replicas=2,operator.imagePullSecrets[0].name=pull,operator.nodeSelector.zone=a",
        "--set=operator.tolerations[0].key=own,operator.resources.limits.memory=1Gi",
    ];
    let objects = objects(&printed(&helm, &arguments));
    for own in [
        "Issuer netobserv-self-signed",
        "Certificate netobserv-authority",
        "Issuer netobserv-authority",
    ] {
        assert!(!objects.contains_key(own), "{own}");
    }
    let issuer = &objects["Certificate webhook-cert"]["spec"];
    assert_eq!(issuer["issuerRef"]["kind"], "ClusterIssuer");
    assert_eq!(issuer["issuerRef"]["name"], "mine");
    assert_eq!(
        issuer["dnsNames"][1],
        "netobserv-webhook-service.elsewhere.svc.example.internal"
    );
    let deployment = &objects["Deployment netobserv-controller-manager"]["spec"];
    assert_eq!(deployment["replicas"], 2);
    let pod = &deployment["template"]["spec"];
    assert_eq!(pod["imagePullSecrets"], json!([{"name": "pull"}]));
    assert_eq!(pod["nodeSelector"], json!({"zone": "a"}));
    assert_eq!(pod["tolerations"], json!([{"key": "own"}]));
    let limits = &pod["containers"][0]["resources"]["limits"];
    assert_eq!(limits["memory"], "1Gi");
    assert!(pod["affinity"]["nodeAffinity"].is_object(), "{pod}");
    let container = &pod["containers"][0];
    assert_eq!(
        container["image"],
        "localhost/netobserv/network-observability-operator:v8"
    );
    assert_eq!(container["env"][0]["value"], "r/agent:v7");
    for (name, object) in &objects {
        let text = object.to_string();
        for left in [
            "\"namespace\":\"netobserv\"",
            ".netobserv.svc",
            "netobserv/webhook-cert",
        ] {
            assert!(!text.contains(left), "{name} still says {left}");
        }
    }
    for bad in [
        "--set=operator.version=",
        "--set=unknown=1",
        "--set=certManager.existingIssuer.kind=Other",
        "--set=certManager.existingIssuer.name=mine",
        "--set=operator.replicas=many",
    ] {
        let output = std::process::Command::new(&helm)
            .args(["template", text(&chart), KUBERNETES, bad])
            .output()
            .unwrap();
        assert!(!output.status.success(), "{bad} is taken");
    }
}

#[test]
fn notes_of_the_chart_name_the_images_and_the_next_steps() {
    let Some(helm) = tool("helm") else { return };
    // They are shown only by what needs a cluster, so they are rendered as an object here.
    let folder = TempDir::new().unwrap();
    for (path, text) in tree(&root().join("helm")) {
        let path = folder.path().join(path);
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        fs::write(path, text).unwrap();
    }
    let templates = folder.path().join("templates");
    fs::rename(templates.join("NOTES.txt"), folder.path().join("notes")).unwrap();
    let object =
        "kind: Notes\nmetadata: {name: notes}\ntext: {{ tpl (.Files.Get \"notes\") . | toJson }}\n";
    fs::write(templates.join("notes.yaml"), object).unwrap();
    let notes = |images: &str| {
        let arguments = [
            "template",
            "flows",
            text(folder.path()),
            "--namespace=elsewhere",
            KUBERNETES,
            "--show-only=templates/notes.yaml",
            images,
        ];
        let rendered = objects(&printed(&helm, &arguments));
        rendered["Notes notes"]["text"].as_str().unwrap().to_owned()
    };
    let wait =
        "kubectl rollout status deployment/netobserv-controller-manager --namespace elsewhere";
    let unreachable = "cannot pull those of localhost";
    let default = notes("--set=operator.version=main");
    for expected in [
        wait,
        unreachable,
        "localhost/netobserv/flowlogs-pipeline:main",
    ] {
        assert!(default.contains(expected), "{expected}: {default}");
    }
    let given = notes(
        "--set=operator.image=r/o,ebpfAgent.image=r/a,flowlogsPipeline.image=r/p,consolePlugin.image=r/c",
    );
    assert!(
        given.contains("r/p:main") && !given.contains(unreachable),
        "{given}"
    );
}

#[test]
fn certificates_of_cert_manager_are_signed_by_an_authority_that_their_renewal_leaves() {
    let Some(kubectl) = tool("kubectl") else {
        return;
    };
    let objects = overlay(&kubectl, "certmanager");
    let authority = &objects["Certificate netobserv-authority"]["spec"];
    assert_eq!(authority["isCA"], true);
    // The certificates that it signed are good under the next one too.
    assert_eq!(authority["privateKey"]["rotationPolicy"], "Never");
    for name in ["webhook-cert", "metrics-cert"] {
        let issuer = &objects[&format!("Certificate {name}")]["spec"]["issuerRef"];
        let issuer = format!("Issuer {}", issuer["name"].as_str().unwrap());
        let signer = &objects[&issuer]["spec"]["ca"]["secretName"];
        assert_eq!(signer, &authority["secretName"], "{name}");
    }
}

#[test]
fn the_bundle_holds_the_objects_of_the_overlay_for_openshift() {
    let Some(kubectl) = tool("kubectl") else {
        return;
    };
    let mut expected = overlay(&kubectl, "openshift");
    let mut found = Objects::new();
    let mut csv = Value::Null;
    for text in tree(&root().join("bundle/manifests")).values() {
        for (name, object) in objects(text) {
            if object["kind"] == "ClusterServiceVersion" {
                csv = object;
            } else {
                found.insert(name, object);
            }
        }
    }
    // What OLM makes of the ClusterServiceVersion.
    let spec = &csv["spec"]["install"]["spec"];
    for (list, role, binding) in [
        (
            "clusterPermissions",
            "ClusterRole netobserv-manager-role",
            "ClusterRoleBinding netobserv-manager-rolebinding",
        ),
        (
            "permissions",
            "Role netobserv-leader-election-role",
            "RoleBinding netobserv-leader-election-rolebinding",
        ),
    ] {
        assert_eq!(
            spec[list][0]["rules"],
            expected.remove(role).unwrap()["rules"]
        );
        let binding = expected.remove(binding).unwrap();
        assert_eq!(
            spec[list][0]["serviceAccountName"],
            binding["subjects"][0]["name"]
        );
    }
    expected
        .remove("ServiceAccount netobserv-controller-manager")
        .unwrap();
    let mut deployment = expected
        .remove("Deployment netobserv-controller-manager")
        .unwrap();
    let pod = &mut deployment["spec"]["template"]["spec"];
    for list in ["/volumes", "/containers/0/volumeMounts"] {
        let list = pod.pointer_mut(list).unwrap().as_array_mut().unwrap();
        list.retain(|volume| volume["name"] != "webhook-certificate");
    }
    assert_eq!(spec["deployments"][0]["spec"], deployment["spec"]);
    let webhooks = expected
        .remove("ValidatingWebhookConfiguration netobserv-validating-webhook-configuration")
        .unwrap();
    for webhook in webhooks["webhooks"].as_array().unwrap() {
        let definitions = csv["spec"]["webhookdefinitions"].as_array().unwrap();
        let definition = definitions
            .iter()
            .find(|one| one["generateName"] == webhook["name"])
            .unwrap();
        assert_eq!(definition["rules"], webhook["rules"]);
        assert_eq!(
            definition["webhookPath"],
            webhook["clientConfig"]["service"]["path"]
        );
    }
    expected
        .remove("Service netobserv-webhook-service")
        .unwrap();
    // OLM chooses the namespace and sets up the conversion, with an authority that OpenShift's must not replace.
    let inject = "service.beta.openshift.io/inject-cabundle";
    for object in expected.values_mut() {
        let metadata = object["metadata"].as_object_mut().unwrap();
        metadata.remove("namespace");
        let is_asked = metadata.get("annotations") == Some(&json!({inject: "true"}));
        if is_asked {
            metadata.remove("annotations");
        }
        if object["kind"] == "CustomResourceDefinition" {
            let conversion = object["spec"].as_object_mut().unwrap().remove("conversion");
            assert_eq!(is_asked, conversion.is_some());
        }
        if object["kind"] == "ServiceMonitor" {
            let server = "netobserv-metrics-service.openshift-netobserv-operator.svc";
            object["spec"]["endpoints"][0]["tlsConfig"]["serverName"] = server.into();
        }
    }
    assert_same(&found, &expected, "bundle");

    let owned = csv["spec"]["customresourcedefinitions"]["owned"]
        .as_array()
        .unwrap();
    assert_eq!(owned.len(), 3);
    for kind in owned {
        assert!(
            kind["specDescriptors"].as_array().unwrap().len() > 1,
            "{}",
            kind["kind"]
        );
        for descriptor in kind["specDescriptors"].as_array().unwrap() {
            // Those of Kubernetes' own fields are not in our definitions.
            let path = descriptor["path"].as_str().unwrap().to_lowercase();
            let is_of_kubernetes = path.contains("autoscaler.metrics[0].");
            let description = &descriptor["description"];
            assert!(description.is_string() || is_of_kubernetes, "{descriptor}");
        }
    }
    let examples: Vec<Value> = serde_json::from_str(
        csv["metadata"]["annotations"]["alm-examples"]
            .as_str()
            .unwrap(),
    )
    .unwrap();
    assert_eq!(examples.len(), 3);
    let first = "operatorframework.io/initialization-resource";
    let first = csv["metadata"]["annotations"][first].as_str().unwrap();
    assert_eq!(serde_json::from_str::<Value>(first).unwrap(), examples[0]);
    assert_eq!(csv["spec"]["relatedImages"].as_array().unwrap().len(), 4);
}

/// What OLM's own checks say of a bundle, a line each.
fn verdicts(verify: &Path, bundle: &Path) -> Vec<String> {
    let output = std::process::Command::new(verify)
        .args(["manifests", "--operatorhub_validate", "--object_validate"])
        .arg(bundle.join("manifests"))
        .output()
        .expect("operator-verify can be run");
    let said = String::from_utf8(output.stderr).unwrap();
    assert!(output.status.success(), "{said}");
    let is_noise = |line: &str| {
        line.contains("level=warning") && NOISE.iter().any(|noise| line.contains(noise))
    };
    let lines = said.lines().filter(|line| !is_noise(line));
    lines.map(str::to_owned).collect()
}

/// Warnings that say nothing of the bundle: the rules of a role name no versions, so none of them can ask for one that
/// is gone (an object of such a version is an error); and the program calls its checks for catalogues by an old name.
const NOISE: [&str; 2] = ["APIs which were deprecated", "validator is deprecated"];

#[test]
fn olm_finds_nothing_wrong_with_the_bundle() {
    let Some(verify) = tool("operator-verify") else {
        return;
    };
    assert_eq!(verdicts(&verify, &root().join("bundle")), [""; 0]);

    // It would tell.
    let gone = "apiVersion: policy/v1beta1\nkind: PodDisruptionBudget\nmetadata:\n  name: gone\nspec:\n  minAvailable: 1\n";
    for (without, with, expected) in [
        (
            "  displayName: Network observability\n",
            "",
            "Spec.DisplayName",
        ),
        ("", gone, "PodDisruptionBudget"),
    ] {
        let folder = TempDir::new().unwrap();
        let manifests = folder.path().join("manifests");
        fs::create_dir(&manifests).unwrap();
        for (path, text) in tree(&root().join("bundle/manifests")) {
            fs::write(manifests.join(path), text.replace(without, "")).unwrap();
        }
        if !with.is_empty() {
            fs::write(manifests.join("further.yaml"), with).unwrap();
        }
        let found = verdicts(&verify, folder.path());
        assert!(
            matches!(&found[..], [line] if line.contains("level=error") && line.contains(expected)),
            "{found:?}"
        );
    }
}

#[test]
fn a_release_stamps_registry_tag_and_version() {
    let (Some(kubectl), Some(helm)) = (tool("kubectl"), tool("helm")) else {
        return;
    };
    let folder = TempDir::new().unwrap();
    generate(
        &kubectl,
        folder.path(),
        &[
            "--registry=example.com/flows",
            "--tag=v1.2.3",
            "--version=1.2.3",
            "--repository=https://example.com/flows",
            "--created=2026-01-02T03:04:05Z",
        ],
    );
    let chart = folder.path().join("helm");
    let rendered = printed(&helm, &["template", text(&chart), KUBERNETES]);
    assert!(rendered.contains("example.com/flows/netobserv-ebpf-agent:v1.2.3"));
    for text in tree(folder.path()).values() {
        assert!(!text.contains("localhost/netobserv") && !text.contains("@VERSION@"));
    }
    let csv = "bundle/manifests/netobserv-operator.clusterserviceversion.yaml";
    let csv = fs::read_to_string(folder.path().join(csv)).unwrap();
    let csv: Value = serde_saphyr::from_str(&csv).unwrap();
    let annotations = &csv["metadata"]["annotations"];
    assert_eq!(annotations["createdAt"], "2026-01-02T03:04:05Z");
    for address in [
        &annotations["repository"],
        &csv["spec"]["provider"]["url"],
        &csv["spec"]["links"][0]["url"],
    ] {
        assert_eq!(address, "https://example.com/flows");
    }
    let shown = printed(&helm, &["show", "chart", text(&chart)]);
    assert!(
        shown.contains("version: 1.2.3") && shown.contains("appVersion: v1.2.3"),
        "{shown}"
    );
}
