//! What the image is built of, without building it: what the Dockerfile names is there, and `.dockerignore` lets through
//! all that the manager is compiled of.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use tempfile::TempDir;

use super::{crate_folder, tree};

/// What `.dockerignore` lets through: files and folders of the crate.
fn sent() -> Vec<PathBuf> {
    let ignore = fs::read_to_string(crate_folder().join(".dockerignore")).unwrap();
    let mut lines = ignore.lines().filter(|line| !line.starts_with('#'));
    assert_eq!(lines.next(), Some("*"), "only what is named is sent");
    let names = lines.map(|line| line.strip_prefix('!').expect("an exception"));
    names.map(PathBuf::from).collect()
}

/// The build's context, in a folder of its own: within the crate, cargo would find what was not sent.
fn context() -> TempDir {
    let folder = TempDir::new().unwrap();
    let copy = |from: &Path, name: &Path| {
        let to = folder.path().join(name);
        fs::create_dir_all(to.parent().unwrap()).unwrap();
        fs::copy(from, to).unwrap_or_else(|error| panic!("{}: {error}", from.display()));
    };
    for name in sent() {
        let from = crate_folder().join(&name);
        if from.is_dir() {
            for path in tree(&from).keys() {
                copy(&from.join(path), &name.join(path));
            }
        } else {
            copy(&from, &name);
        }
    }
    folder
}

#[test]
fn all_that_the_manager_is_compiled_of_is_sent_to_the_images_build() {
    let context = context();
    let files = tree(context.path());
    // Sources are sent as whole folders; what is elsewhere, they name. The benchmark is not compiled.
    let names = r#"(?m)(?:include(?:_str|_bytes)?!\(\s*|#\[path = |^(?:build|path) = )"([^"]+)""#;
    let names = regex::Regex::new(names).unwrap();
    let mut count = 0;
    let is_compiled = |file: &Path| !file.starts_with("benches");
    for (file, text) in files.iter().filter(|(file, _)| is_compiled(file)) {
        let folder = context.path().join(file.parent().unwrap());
        for name in names.captures_iter(text).map(|found| found[1].to_owned()) {
            let (file, is_sent) = (file.display(), folder.join(&name).exists());
            assert!(is_sent, ".dockerignore keeps back {name} of {file}");
            count += 1;
        }
    }
    assert!(count > 0, "no name is found");

    // Cargo looks for all that Cargo.toml names before it looks for what to build.
    let build = Command::new(env!("CARGO"))
        .args(["build", "--locked", "--offline", "--bin=absent"])
        .current_dir(context.path())
        .output()
        .unwrap();
    let said = String::from_utf8_lossy(&build.stderr);
    assert!(said.contains("no bin target named `absent`"), "{said}");
}

#[test]
fn what_the_dockerfile_names_is_there() {
    let context = context();
    let dockerfile = fs::read_to_string(crate_folder().join("Dockerfile")).unwrap();
    let dockerfile = dockerfile.replace("\\\n", "");
    for line in dockerfile.lines() {
        let words: Vec<&str> = line.split_whitespace().collect();
        let files = match words[..] {
            ["FROM", base, ..] => {
                assert!(base.starts_with("${"), "no other base can be given: {line}");
                continue;
            }
            ["COPY", from, file, _] if from.starts_with("--from=") => {
                assert!(dockerfile.contains(&format!("/manager {file}\n")), "{line}");
                continue;
            }
            ["COPY", ref files @ .., _] => files.to_vec(),
            ["RUN", ref words @ ..] => {
                let sources = words.iter().filter(|word| word.starts_with("src/"));
                sources.copied().collect()
            }
            _ => continue,
        };
        for file in files {
            assert!(context.path().join(file).exists(), "{file}: {line}");
        }
    }
}
