//! What `make deploy` and the targets beside it do, on a real API server: into any namespace, and away again.

use std::path::Path;
use std::process::Command;

use crate::support::ControlPlane;

const FLOWS: &str = "flows";

/// Runs `hack/deploy`.
fn deploy(plane: &ControlPlane, arguments: &[&str]) {
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
    deploy(&plane, &["operator", "undo"]);
    plane.holds_only(&before).await;
}
