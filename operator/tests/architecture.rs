//! The arrows of ARCHITECTURE.md, checked on the imports.
#![allow(clippy::unwrap_used, reason = "tests")]

use std::path::{Path, PathBuf};

/// Each area and the areas its files may name. An area may always name itself.
const ARROWS: &[(&str, &[&str])] = &[
    ("scope", &[]),
    ("object", &["scope"]),
    ("apis", &["effective", "object", "scope"]),
    ("effective", &["apis", "object"]),
    (
        "desired",
        &[
            "apis",
            "certificates",
            "cluster",
            "effective",
            "object",
            "owned",
            "scope",
        ],
    ),
    ("listener", &[]),
    ("owned", &["apis", "listener", "object", "refusal", "scope"]),
    ("refusal", &[]),
    ("cluster", &["apis", "owned", "refusal"]),
    ("certificates", &["refusal", "scope"]),
    ("deployment", &["scope"]),
    ("leader", &["deployment"]),
    (
        "own_certificate",
        &["certificates", "deployment", "refusal", "scope", "tls"],
    ),
    ("metrics", &[]),
    ("tls", &[]),
    ("http", &["tls"]),
    (
        "webhooks",
        &[
            "apis",
            "certificates",
            "cluster",
            "http",
            "own_certificate",
            "scope",
            "tls",
        ],
    ),
];

/// What decides: pure and synchronous.
const PURE: &[&str] = &["apis", "desired", "effective", "object", "scope"];

/// All that these take of the client's crate: types of data.
const DATA_OF_KUBE: &[&str] = &["core", "Resource"];

/// Ways to wait, and to reach something outside.
const EFFECTS: &[&str] = &[
    "tokio",
    "axum",
    "hyper",
    "std::fs",
    "std::env",
    "std::net",
    "std::process",
    "std::thread",
    "Instant::now",
    "Timestamp::now",
];

/// A file of the sources, without its comments; tests are left out.
struct Source {
    name: String,
    area: String,
    code: String,
}

fn files(folder: &Path) -> Vec<PathBuf> {
    let entries = std::fs::read_dir(folder).unwrap();
    entries
        .map(|entry| entry.unwrap().path())
        .flat_map(|path| {
            if path.is_dir() {
                files(&path)
            } else {
                vec![path]
            }
        })
        .collect()
}

fn sources() -> Vec<Source> {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("src");
    files(&root)
        .iter()
        .filter(|file| file.extension().is_some_and(|extension| extension == "rs"))
        .filter(|file| !file.ends_with("tests.rs"))
        .map(|file| {
            let name = file.strip_prefix(&root).unwrap().to_str().unwrap();
            let area = name.split('/').next().unwrap().trim_end_matches(".rs");
            let text = std::fs::read_to_string(file).unwrap();
            let code = text.split("#[cfg(test)]\nmod tests {").next().unwrap();
            let lines = code
                .lines()
                .filter(|line| !line.trim_start().starts_with("//"));
            Source {
                name: name.to_owned(),
                area: area.to_owned(),
                code: lines.collect::<Vec<_>>().join("\n"),
            }
        })
        .collect()
}

/// The words after `root::` in code: `a` and `b` of `root::a::C` and of `root::{a::C, b}`.
fn named(code: &str, root: &str) -> Vec<String> {
    let first_word = |text: &str| {
        let text = text.trim_start();
        let end = text.find(|c: char| !c.is_alphanumeric() && c != '_');
        text[..end.unwrap_or(text.len())].to_owned()
    };
    code.match_indices(&format!("{root}::"))
        .filter(|(at, _)| {
            let before = code[..*at].chars().next_back();
            before.is_none_or(|c| !c.is_alphanumeric() && c != '_')
        })
        .flat_map(|(at, found)| {
            let rest = &code[at + found.len()..];
            match rest.strip_prefix('{') {
                Some(list) => {
                    let list = list.split('}').next().unwrap();
                    list.split(',').map(first_word).collect()
                }
                None => vec![first_word(rest)],
            }
        })
        .filter(|word| !word.is_empty())
        .collect()
}

#[test]
fn areas_name_only_what_they_may() {
    let sources = sources();
    let mut wrong = Vec::new();
    for (area, allowed) in ARROWS {
        assert!(sources.iter().any(|source| source.area == *area), "{area}");
        for source in sources.iter().filter(|source| source.area == *area) {
            for named in named(&source.code, "crate") {
                if named != *area && !allowed.contains(&named.as_str()) {
                    wrong.push(format!("{} names {named}", source.name));
                }
            }
        }
    }
    assert!(wrong.is_empty(), "{wrong:#?}");
}

#[test]
fn what_decides_has_no_client_no_clock_and_no_environment() {
    let mut wrong = Vec::new();
    for source in sources() {
        if !PURE.contains(&source.area.as_str()) {
            continue;
        }
        let of_kube = named(&source.code, "kube");
        wrong.extend(
            of_kube
                .iter()
                .filter(|word| !DATA_OF_KUBE.contains(&word.as_str()))
                .map(|word| format!("{} names kube::{word}", source.name)),
        );
        wrong.extend(
            EFFECTS
                .iter()
                .filter(|effect| source.code.contains(*effect))
                .map(|effect| format!("{} names {effect}", source.name)),
        );
    }
    assert!(wrong.is_empty(), "{wrong:#?}");
}

#[test]
fn every_file_opens_with_what_it_is() {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("src");
    for source in sources() {
        let text = std::fs::read_to_string(root.join(&source.name)).unwrap();
        assert!(text.starts_with("//!"), "{} has no header", source.name);
        let lines = text.lines().count();
        assert!(lines <= 500, "{} has {lines} lines", source.name);
    }
}
