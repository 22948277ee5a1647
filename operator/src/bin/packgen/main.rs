//! Makes the Helm chart and the OLM bundle of `operator/config/`, the one place where packaging is edited.
//!
//! `kubectl kustomize` renders the overlays; what a chart or a bundle needs beside objects stands in `config/helm/` and
//! `config/csv/`. **Invariant:** output depends on these files and the arguments only.

mod bundle;
mod chart;
mod descriptors;
mod emit;

use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use anyhow::{Context as _, bail};
use clap::Parser;
use serde_json::Value;

/// Registry and tag of our images, and the version, as the tree has them.
const REGISTRY: &str = "localhost/netobserv";
const TAG: &str = "main";

/// Makes the Helm chart and the OLM bundle of operator/config
#[derive(Parser)]
struct Arguments {
    /// The kubectl that renders the overlays
    #[arg(long, default_value = "kubectl", value_name = "PROGRAM")]
    kubectl: PathBuf,
    /// Folder with the packaging's sources
    #[arg(long, default_value = "config", value_name = "FOLDER")]
    config: PathBuf,
    /// Folder that helm/ and bundle/ are written into; both are replaced
    #[arg(long, default_value = "..", value_name = "FOLDER")]
    into: PathBuf,
    /// Registry of our images
    #[arg(long, default_value = REGISTRY, value_name = "REGISTRY")]
    registry: String,
    /// Tag of our images
    #[arg(long, default_value = TAG, value_name = "TAG")]
    tag: String,
    /// Version of chart and bundle
    #[arg(long, default_value = env!("CARGO_PKG_VERSION"), value_name = "VERSION")]
    version: String,
    /// Address of the project's repository, for the bundle's links
    #[arg(long, value_name = "URL")]
    repository: Option<String>,
    /// When the bundle's commit was made, as OLM's catalogues show it
    #[arg(long, value_name = "TIME")]
    created: Option<String>,
}

/// What is written: text by path.
pub type Files = BTreeMap<PathBuf, String>;

fn main() -> anyhow::Result<()> {
    let arguments = Arguments::parse();
    let render = |overlay: &str| render(&arguments, overlay);
    let chart = chart::files(
        &render("default")?,
        &render("certmanager")?,
        &read_folder(&arguments.config.join("helm"))?,
    )?;
    let bundle = bundle::files(
        &render("openshift")?,
        &bundle::Sources::read(&arguments.config)?,
        &bundle::Release {
            version: &arguments.version,
            repository: arguments.repository.as_deref(),
            created: arguments.created.as_deref(),
        },
    )?;
    for (name, files) in [("helm", chart), ("bundle", bundle)] {
        write(&arguments, &arguments.into.join(name), files)?;
    }
    Ok(())
}

/// The objects of an overlay.
fn render(arguments: &Arguments, overlay: &str) -> anyhow::Result<Vec<Value>> {
    let folder = arguments.config.join(overlay);
    let output = Command::new(&arguments.kubectl)
        .arg("kustomize")
        .arg(&folder)
        .output()
        .with_context(|| format!("run {}", arguments.kubectl.display()))?;
    if !output.status.success() {
        bail!(
            "render {}: {}",
            folder.display(),
            String::from_utf8_lossy(&output.stderr)
        );
    }
    let text = String::from_utf8(output.stdout).context("kubectl prints UTF-8")?;
    serde_saphyr::from_multiple(&text).with_context(|| format!("read {}", folder.display()))
}

/// Kind and name of an object.
fn named(object: &Value) -> anyhow::Result<(&str, &str)> {
    let kind = object["kind"].as_str().context("an object has a kind")?;
    let name = object["metadata"]["name"]
        .as_str()
        .context("an object has a name")?;
    Ok((kind, name))
}

/// All files below a folder, by their path in it.
fn read_folder(folder: &Path) -> anyhow::Result<Files> {
    let mut files = Files::new();
    let mut folders = vec![folder.to_owned()];
    while let Some(next) = folders.pop() {
        for entry in fs::read_dir(&next).with_context(|| format!("read {}", next.display()))? {
            let path = entry?.path();
            if path.is_dir() {
                folders.push(path);
            } else {
                let text = fs::read_to_string(&path)
                    .with_context(|| format!("read {}", path.display()))?;
                files.insert(path.strip_prefix(folder)?.to_owned(), text);
            }
        }
    }
    Ok(files)
}

/// Replaces a folder, with registry, tag and version stamped in.
fn write(arguments: &Arguments, folder: &Path, files: Files) -> anyhow::Result<()> {
    if folder.exists() {
        fs::remove_dir_all(folder).with_context(|| format!("replace {}", folder.display()))?;
    }
    for (path, text) in files {
        let path = folder.join(path);
        let parent = path.parent().context("a file is in a folder")?;
        fs::create_dir_all(parent).with_context(|| format!("create {}", parent.display()))?;
        fs::write(&path, stamp(arguments, &text))
            .with_context(|| format!("write {}", path.display()))?;
    }
    Ok(())
}

fn stamp(arguments: &Arguments, text: &str) -> String {
    if arguments.registry == REGISTRY && arguments.tag == TAG {
        return text.replace("@VERSION@", &arguments.version);
    }
    let lines = text.lines().map(|line| {
        // The tag stands behind an image, or as a value of its own.
        let line = line.replace("@VERSION@", &arguments.version);
        if line.contains(REGISTRY) {
            line.replace(&format!(":{TAG}"), &format!(":{}", arguments.tag))
                .replace(REGISTRY, &arguments.registry)
        } else if line.trim() == format!("version: {TAG}")
            || line.trim() == format!("appVersion: {TAG}")
        {
            line.replace(TAG, &arguments.tag)
        } else {
            line
        }
    });
    lines.map(|line| line + "\n").collect()
}
