//! The bundle for OLM.

use std::fs;
use std::path::Path;

use serde_json::{Value, json};
use tempfile::TempDir;

use super::{Objects, assert_same, objects, overlay, root, tree};
use crate::tools::tool;

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
