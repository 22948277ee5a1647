//! Packaging: the chart and the bundle are those of `config/`, all three hold the same objects, and the image can be built.
#![allow(clippy::unwrap_used, clippy::expect_used, reason = "tests")]

mod bundle;
mod chart;
mod image;
#[path = "../support/tools.rs"]
mod tools;

use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};

use serde_json::Value;
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
