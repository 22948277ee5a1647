//! Imports follow the arrows of `ARCHITECTURE.md`: plain types inside, adapters around them, `app` outside.
#![allow(clippy::unwrap_used, reason = "tests")]

use std::collections::BTreeMap;
use std::fs;
use std::path::Path;

/// Areas, and the areas each may use. What is not listed may use nothing of the crate but its own.
const ARROWS: &[(&str, &[&str])] = &[
    (
        "agent",
        &[
            "config",
            "evict",
            "exporters",
            "flow",
            "health",
            "interfaces",
            "kernel",
            "metrics",
            "telemetry",
        ],
    ),
    ("agent_address", &["config"]),
    ("app", &["*"]),
    ("cli", &["config"]),
    ("config", &["interfaces"]),
    ("evict", &["flow", "kernel", "interfaces"]),
    (
        "exporters",
        &["config", "flow", "metrics", "telemetry", "tls"],
    ),
    ("flow", &["kernel", "interfaces"]),
    ("health", &["config", "metrics", "tls"]),
    ("interfaces", &[]),
    ("kernel", &["config", "interfaces"]),
    ("main", &["*"]),
    ("metrics", &["config", "interfaces"]),
    ("privilege", &[]),
    ("shutdown", &[]),
    ("telemetry", &[]),
    ("tls", &["config"]),
];

/// Areas that must stay pure: no runtime, no socket, no file.
const PURE: &[&str] = &["config", "flow"];
const IMPURE: &[&str] = &[
    "tokio::",
    "std::fs",
    "std::net::Tcp",
    "std::net::Udp",
    "tonic::transport",
    "hyper::",
];

/// Source text by area, without the tests at the end of files.
fn areas() -> BTreeMap<String, String> {
    let mut areas = BTreeMap::new();
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("src");
    let mut folders = vec![root.clone()];
    while let Some(folder) = folders.pop() {
        for entry in fs::read_dir(folder).unwrap() {
            let path = entry.unwrap().path();
            let is_test = path.file_stem().is_some_and(|stem| stem == "tests");
            if path.is_dir() {
                folders.push(path);
            } else if !is_test && path.extension().is_some_and(|extension| extension == "rs") {
                let relative = path.strip_prefix(&root).unwrap();
                let first = relative.iter().next().unwrap().to_str().unwrap();
                let text = fs::read_to_string(&path).unwrap();
                let code = text.split("#[cfg(test)]").next().unwrap();
                areas
                    .entry(first.trim_end_matches(".rs").to_owned())
                    .or_insert_with(String::new)
                    .push_str(code);
            }
        }
    }
    areas.remove("lib");
    areas
}

/// Areas named after `crate::` anywhere in the code, alone or in a group.
fn used(code: &str) -> Vec<&str> {
    let name = |text: &'_ str| {
        text.find(|c: char| !c.is_ascii_lowercase() && c != '_')
            .unwrap_or(text.len())
    };
    let mut names = Vec::new();
    for rest in code.split("crate::").skip(1) {
        let group = rest.strip_prefix('{').and_then(|rest| rest.split_once('}'));
        let members = group.map_or(rest, |(members, _)| members);
        let members: Vec<_> = if group.is_some() {
            members.split(',').collect()
        } else {
            vec![members]
        };
        names.extend(
            members
                .into_iter()
                .map(str::trim)
                .map(|member| &member[..name(member)]),
        );
    }
    names.retain(|name| !name.is_empty());
    names
}

#[test]
fn imports_are_found_alone_and_in_groups() {
    let code = "use crate::{VERSION, app, flow::Clock};\nuse crate::config::Config; let x = crate::tls::client();";
    assert_eq!(used(code), ["app", "flow", "config", "tls"]);
}

#[test]
fn areas_use_only_what_they_may() {
    for (area, code) in areas() {
        let allowed = ARROWS
            .iter()
            .find(|(name, _)| *name == area)
            .map(|(_, allowed)| *allowed);
        let allowed = allowed.unwrap_or_else(|| panic!("{area} is not in the table of arrows"));
        for name in used(&code) {
            let is_allowed = name == area || allowed.contains(&name) || allowed == ["*"];
            assert!(is_allowed, "{area} must not use {name}");
        }
    }
}

#[test]
fn pure_areas_do_no_input_or_output() {
    let areas = areas();
    for area in PURE {
        for impure in IMPURE {
            assert!(
                !areas[*area].contains(impure),
                "{area} must not use {impure}"
            );
        }
    }
}

#[test]
fn unsafe_code_stays_in_the_kernel_area() {
    for (area, code) in areas() {
        let is_allowed = area == "kernel" || !code.contains("unsafe {");
        assert!(is_allowed, "{area} has unsafe code");
    }
}
