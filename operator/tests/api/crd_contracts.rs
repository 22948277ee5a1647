//! `contracts/crds/` and the reference under `docs/` hold what the types say. `UPDATE_CONTRACTS=1` writes them anew.

use std::fs;
use std::path::Path;

use netobserv_operator::apis::{crd, reference};

/// Compares a file with what it should hold; with `UPDATE_CONTRACTS` writes it first.
fn check_file(path: &str, text: &str) {
    let file = Path::new(env!("CARGO_MANIFEST_DIR")).join(path);
    if std::env::var_os("UPDATE_CONTRACTS").is_some() {
        fs::create_dir_all(file.parent().unwrap()).unwrap();
        fs::write(&file, text).unwrap();
    }
    let committed = fs::read_to_string(&file).unwrap_or_default();
    assert!(
        committed == text,
        "{path} is old; run the tests with UPDATE_CONTRACTS=1"
    );
}

#[test]
fn committed_definitions_are_those_of_the_types() {
    let mut expected = Vec::new();
    for definition in crd::all().unwrap() {
        let name = crd::file_name(&definition);
        let text = crd::yaml(&definition).unwrap();
        check_file(&format!("contracts/crds/{name}"), &text);
        expected.push(name);
    }
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("contracts/crds");
    let mut found: Vec<_> = fs::read_dir(folder)
        .unwrap()
        .map(|entry| entry.unwrap().file_name().into_string().unwrap())
        .filter(|name| name != "kustomization.yaml")
        .collect();
    found.sort();
    expected.sort();
    assert_eq!(found, expected, "files under contracts/crds");
}

#[test]
fn the_reference_is_that_of_the_definitions() {
    for definition in crd::all().unwrap() {
        let name = definition.spec.names.singular.as_ref().unwrap();
        check_file(
            &format!("docs/{name}.md"),
            &reference::markdown(&definition),
        );
    }
}
