//! The chart: its objects, its values, its notes.

use std::fs;

use serde_json::json;
use tempfile::TempDir;

use super::{KUBERNETES, assert_same, objects, overlay, root, text, tree};
use crate::tools::{printed, tool};

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
