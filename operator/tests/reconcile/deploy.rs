//! What `make deploy` and the targets beside it do, on a real API server: into any namespace, and away again.

use std::io::{BufRead as _, BufReader};
use std::path::Path;
use std::process::{Command, Stdio};

use serde_json::json;

use crate::support::ControlPlane;

const FLOWS: &str = "flows";

/// `hack/deploy` with arguments, and without what make exports to all that it runs.
fn command(arguments: &[&str]) -> Command {
    let program = Path::new(env!("CARGO_MANIFEST_DIR")).join("../hack/deploy");
    let mut command = Command::new(program);
    for variable in [
        "CONFIG",
        "IMAGE",
        "REPO",
        "VERSION",
        "BPF_VERSION",
        "FLP_VERSION",
        "PLG_VERSION",
        "NETOBSERV_GIVEN",
    ] {
        command.env_remove(variable);
    }
    command.args(arguments).env("NAMESPACE", FLOWS);
    command
}

/// The same for the cluster, with images of somebody's own.
fn command_on(plane: &ControlPlane, arguments: &[&str]) -> Command {
    let mut command = command(arguments);
    command
        .env("KUBECONFIG", plane.admin_kubeconfig())
        .env("KUBECTL", plane.kubectl_path())
        .envs([plane.memory()])
        .env("IMAGE", "registry.example:5000/acme/manager")
        .env("REPO", "example.com/acme")
        .env("VERSION", "v9")
        .env("PORT_FWD", "false");
    command
}

/// Tells of a pod, as a kubelet does.
fn went_wrong(plane: &ControlPlane, pod: &str, message: &str) {
    let file = plane.folder().join("event.json");
    let event = json!({"apiVersion": "v1", "kind": "Event", "type": "Warning", "reason": "Failed", "message": message,
        "metadata": {"name": pod, "namespace": FLOWS}, "lastTimestamp": "2026-01-02T03:04:05Z",
        "involvedObject": {"kind": "Pod", "name": pod, "namespace": FLOWS}});
    std::fs::write(&file, event.to_string()).unwrap();
    let (_, errors) = plane.kubectl(&["create", "-f", &file.display().to_string()]);
    assert_eq!(errors, "");
}

/// What it prints.
fn deploy(plane: &ControlPlane, arguments: &[&str]) -> String {
    succeeds(&mut command_on(plane, arguments))
}

fn succeeds(command: &mut Command) -> String {
    let output = command.output().unwrap();
    let errors = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success(), "{command:?}: {errors}");
    String::from_utf8(output.stdout).unwrap()
}

/// What it says as it fails.
fn fails(command: &mut Command) -> String {
    let output = command.output().unwrap();
    assert_eq!(output.status.code(), Some(1), "{command:?}");
    String::from_utf8(output.stderr).unwrap()
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

    // What OpenShift has is not there: nothing is applied.
    let said = fails(command_on(&plane, &["operator"]).env("CONFIG", "openshift"));
    let needs = "deploy: CONFIG=openshift needs the API config.openshift.io/v1";
    assert!(
        said.starts_with(needs) && said.lines().count() == 1,
        "{said}"
    );
    assert_eq!(plane.everything(), before);

    let said = deploy(&plane, &["operator"]);
    for expected in [
        "registry.example:5000/acme/manager ",
        "example.com/acme/network-observability-console-plugin:v9",
        "kubectl rollout status deployment/netobserv-controller-manager --namespace flows",
        "make deploy-sample-cr",
    ] {
        assert!(said.contains(expected), "{expected}: {said}");
    }
    assert!(!said.contains("localhost"), "{said}");
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

    // No node runs the manager, which has to admit it.
    went_wrong(&plane, "netobserv-controller-manager-1", "no such image");
    went_wrong(&plane, "another", "of no account");
    let said = fails(command_on(&plane, &["sample"]).env("TIMEOUT", "2"));
    assert!(
        said.contains("no such image") && !said.contains("of no account"),
        "{said}"
    );
    assert!(
        said.contains("the manager does not run after 2 s")
            && said.contains("kubectl describe pods"),
        "{said}"
    );
    apply_while_nobody_admits(&plane);
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
    // Also of an overlay with kinds that are not there.
    succeeds(command_on(&plane, &["operator", "undo"]).env("CONFIG", "openshift"));
    plane.holds_only(&before).await;
}

/// The sample is tried again until the API server finds who admits it; here, until nobody has to.
fn apply_while_nobody_admits(plane: &ControlPlane) {
    // Rolled out, as none is wanted.
    let namespace = format!("--namespace={FLOWS}");
    let manager = "deployment/netobserv-controller-manager";
    plane.kubectl(&["scale", manager, &namespace, "--replicas=0"]);
    let mut waiting = command_on(plane, &["sample"])
        .stdout(Stdio::piped())
        .spawn()
        .unwrap();
    let mut said = BufReader::new(waiting.stdout.take().unwrap()).lines();
    for expected in ["rolled out", "webhooks cannot be reached yet"] {
        let is_said = said.any(|line| line.unwrap().contains(expected));
        assert!(is_said, "{expected}");
    }
    plane.kubectl(&[
        "delete",
        "validatingwebhookconfiguration",
        "netobserv-validating-webhook-configuration",
    ]);
    let rest: Vec<String> = said.map(Result::unwrap).collect();
    assert!(waiting.wait().unwrap().success(), "{rest:?}");
    let next = "deploy: see how it comes up: kubectl get flowcollector";
    assert_eq!(rest.last().unwrap(), next);
}

#[test]
fn what_cannot_work_is_said_first_in_one_line_and_leaves_nothing() {
    let scratch = tempfile::TempDir::new().unwrap();
    let file = |name: &str| scratch.path().join(name).display().to_string();
    let temporary = file("tmp");
    std::fs::create_dir(&temporary).unwrap();
    // Answers, and cannot render.
    let broken = file("broken");
    std::fs::write(
        &broken,
        "#!/bin/sh\n[ $1 != kustomize ] || { echo no >&2; exit 1; }\n",
    )
    .unwrap();
    // Does not answer.
    let silent = file("silent");
    std::fs::write(
        &silent,
        "#!/bin/sh\necho E1 >&2\necho refused >&2\nexit 1\n",
    )
    .unwrap();
    for program in [&broken, &silent] {
        let executable = std::os::unix::fs::PermissionsExt::from_mode(0o755);
        std::fs::set_permissions(program, executable).unwrap();
    }

    for (variable, value, expected) in [
        ("CONFIG", "foo", "default, certmanager or openshift"),
        ("NAMESPACE", "Bad_Name", "is not a name of a namespace"),
        ("IMAGE", "a b", "\"a b\" is not a name of an image"),
        (
            "REPO",
            "x#y",
            "\"x#y/network-observability-operator:main\" is not",
        ),
        ("BPF_VERSION", "a/b", "netobserv-ebpf-agent:a/b\" is not"),
        ("TIMEOUT", "soon", "TIMEOUT=soon is not a number of seconds"),
        ("PORT_FWD", "no", "PORT_FWD=no is neither true nor false"),
        (
            "NETOBSERV_GIVEN",
            "IMAGE NAMESPACEE",
            "NAMESPACEE is no variable of make deploy; there are NAMESPACE, IMAGE,",
        ),
        ("KUBECTL", "/nowhere/kubectl", "/nowhere/kubectl is missing"),
        (
            "KUBECONFIG",
            "/nowhere/config",
            "KUBECONFIG=/nowhere/config cannot be read",
        ),
        (
            "KUBECTL",
            &silent,
            "no cluster answers (refused); set KUBECONFIG",
        ),
        ("KUBECTL", &broken, "no"),
    ] {
        let mut command = command(&["operator"]);
        command
            .env_remove("KUBECONFIG")
            .env("KUBECTL", &silent)
            .env("TMPDIR", &temporary)
            .env(variable, value);
        let said = fails(&mut command);
        assert!(said.contains(expected), "{variable}={value}: {said}");
        assert_eq!(said.lines().count(), 1, "{said}");
        let left = std::fs::read_dir(&temporary).unwrap().count();
        assert_eq!(left, 0, "{variable}={value}");
    }
}
