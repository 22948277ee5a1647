//! What `make deploy` and the targets beside it do, on a real API server: into any namespace, and away again.

use std::path::Path;
use std::process::Command;

use serde_json::json;

use crate::support::ControlPlane;

const FLOWS: &str = "flows";

/// Runs `hack/deploy`, and gives what it prints.
fn deploy(plane: &ControlPlane, arguments: &[&str]) -> String {
    let program = Path::new(env!("CARGO_MANIFEST_DIR")).join("../hack/deploy");
    let mut command = Command::new(program);
    // Make exports them to all that it runs.
    for variable in ["CONFIG", "BPF_VERSION", "FLP_VERSION", "PLG_VERSION"] {
        command.env_remove(variable);
    }
    let output = command
        .args(arguments)
        .env("KUBECONFIG", plane.admin_kubeconfig())
        .env("KUBECTL", plane.kubectl_path())
        .env("NAMESPACE", FLOWS)
        .env("IMAGE", "registry.example:5000/acme/manager")
        .env("REPO", "example.com/acme")
        .env("VERSION", "v9")
        .env("PORT_FWD", "false")
        .output()
        .unwrap();
    let errors = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success(), "{arguments:?}: {errors}");
    String::from_utf8(output.stdout).unwrap()
}

/// A claim on a volume, as the store leaves one.
fn claim(plane: &ControlPlane) -> std::path::PathBuf {
    let file = plane.folder().join("claim.json");
    let claim = json!({"apiVersion": "v1", "kind": "PersistentVolumeClaim",
        "metadata": {"name": "netobserv-store", "namespace": FLOWS},
        "spec": {"accessModes": ["ReadWriteOnce"], "resources": {"requests": {"storage": "1Gi"}}}});
    std::fs::write(&file, claim.to_string()).unwrap();
    file
}

/// A value of an object, by kubectl's path.
fn value(plane: &ControlPlane, object: &[&str], path: &str) -> String {
    let path = format!("--output=jsonpath={path}");
    let mut arguments = vec!["get"];
    arguments.extend(object);
    arguments.extend(["--namespace", FLOWS, &path]);
    let (output, errors) = plane.kubectl(&arguments);
    assert_eq!(errors, "", "{object:?}");
    output
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_is_deployed_goes_where_it_is_told_and_away_again() {
    let Some(plane) = ControlPlane::start_undefined().await else {
        return;
    };
    let before = plane.everything();

    deploy(&plane, &["operator"]);
    let manager = ["deployment", "netobserv-controller-manager"];
    let container = "{.spec.template.spec.containers[0]";
    for (path, expected) in [
        (".image}", "registry.example:5000/acme/manager:latest"),
        (".env[0].value}", "example.com/acme/netobserv-ebpf-agent:v9"),
        (".env[1].value}", "example.com/acme/flowlogs-pipeline:v9"),
    ] {
        assert_eq!(
            value(&plane, &manager, &format!("{container}{path}")),
            expected
        );
    }
    for (object, path) in [
        (
            ["clusterrolebinding", "netobserv-manager-rolebinding"],
            "{.subjects[0].namespace}",
        ),
        (
            [
                "customresourcedefinition",
                "flowcollectors.flows.netobserv.io",
            ],
            "{.spec.conversion.webhook.clientConfig.service.namespace}",
        ),
        (
            [
                "validatingwebhookconfiguration",
                "netobserv-validating-webhook-configuration",
            ],
            "{.webhooks[0].clientConfig.service.namespace}",
        ),
    ] {
        assert_eq!(value(&plane, &object, path), FLOWS, "{object:?}");
    }

    // No manager runs that could admit it.
    plane.kubectl(&[
        "delete",
        "validatingwebhookconfiguration",
        "netobserv-validating-webhook-configuration",
    ]);
    deploy(&plane, &["sample"]);
    let collector = ["flowcollector", "cluster"];
    assert_eq!(value(&plane, &collector, "{.spec.namespace}"), FLOWS);
    deploy(&plane, &["sample", "undo"]);
    deploy(&plane, &["loki"]);
    assert_eq!(
        value(&plane, &["service", "loki"], "{.spec.ports[0].port}"),
        "3100"
    );
    deploy(&plane, &["loki", "undo"]);

    let file = claim(&plane).display().to_string();
    let (_, errors) = plane.kubectl(&["create", "-f", &file]);
    assert_eq!(errors, "");
    let said = deploy(&plane, &["operator", "undo"]);
    assert!(
        said.contains("the namespace flows stays") && said.contains("netobserv-store"),
        "{said}"
    );
    let mut with_flows = before.clone();
    with_flows.extend([
        "PersistentVolumeClaim flows netobserv-store".to_owned(),
        "Namespace <none> flows".to_owned(),
        "ConfigMap flows kube-root-ca.crt".to_owned(),
        "ServiceAccount flows default".to_owned(),
    ]);
    plane.holds_only(&with_flows).await;
    let phase = "{.status.phase}";
    assert_eq!(value(&plane, &["namespace", FLOWS], phase), "Active");

    // A claim that nothing uses goes at once.
    plane.kubectl(&["delete", "-f", &file]);
    deploy(&plane, &["operator", "undo"]);
    plane.holds_only(&before).await;
}
