//! The Helm chart: one template per object, and the files of `config/helm/` as they are.

use std::collections::BTreeMap;
use std::fmt::Write as _;
use std::path::{Path, PathBuf};

use anyhow::Context as _;
use serde_json::Value;

use crate::emit::{CERT_MANAGER, expression, merged};
use crate::{Files, named};

/// Namespace of the overlays.
const NAMESPACE: &str = "netobserv";

/// Annotation that names a Certificate with its namespace.
const INJECT: &str = "cert-manager.io/inject-ca-from";

/// Images of the overlays, by the section of values that names them.
const IMAGES: [(&str, &str); 5] = [
    (
        "operator",
        "localhost/netobserv/network-observability-operator:main",
    ),
    ("ebpfAgent", "localhost/netobserv/netobserv-ebpf-agent:main"),
    (
        "flowlogsPipeline",
        "localhost/netobserv/flowlogs-pipeline:main",
    ),
    (
        "consolePlugin",
        "localhost/netobserv/network-observability-console-plugin:main",
    ),
    ("demoLoki", "grafana/loki:3.5.0"),
];

/// The whole chart.
pub fn files(without: &[Value], with: &[Value], own: &Files) -> anyhow::Result<Files> {
    let mut files = own.clone();
    let (with, without) = (by_file(with)?, by_file(without)?);
    for (name, object) in &with {
        let text = match without.get(name) {
            Some(other) => merged(object, other),
            None => format!(
                "{{{{- if {} }}}}\n{}{{{{- end }}}}\n",
                condition(object),
                merged(object, object)
            ),
        };
        let text = if object["kind"] == "Deployment" {
            scheduled(&text)?
        } else {
            text
        };
        files.insert(Path::new("templates").join(name), text);
    }
    Ok(files)
}

/// The objects, prepared for the chart, by the name of their template. The namespace is the release's.
fn by_file(objects: &[Value]) -> anyhow::Result<BTreeMap<PathBuf, Value>> {
    let mut files = BTreeMap::new();
    for object in objects
        .iter()
        .filter(|object| object["kind"] != "Namespace")
    {
        let (kind, name) = named(object)?;
        let mut object = object.clone();
        parametrise(&mut object, "");
        if kind == "Certificate" && !is_of_own_authority(&object) {
            let issuer = &mut object["spec"]["issuerRef"];
            let own = issuer.clone();
            for key in ["kind", "name"] {
                let default = own[key]
                    .as_str()
                    .context("an issuer has a kind and a name")?;
                let value =
                    format!(".Values.certManager.existingIssuer.{key} | default `{default}`");
                issuer[key] = expression(&value).into();
            }
        }
        files.insert(
            PathBuf::from(format!("{}-{name}.yaml", kind.to_lowercase())),
            object,
        );
    }
    Ok(files)
}

/// Whether it makes the authority that signs where no other issuer is named.
fn is_of_own_authority(object: &Value) -> bool {
    object["kind"] == "Issuer" || object["spec"]["isCA"] == true
}

/// When an object that only cert-manager needs is there.
fn condition(object: &Value) -> String {
    if is_of_own_authority(object) {
        format!("and {CERT_MANAGER} (not .Values.certManager.existingIssuer.name)")
    } else {
        CERT_MANAGER.to_owned()
    }
}

/// Puts expressions where the overlays have a namespace, an image or the cluster's domain.
fn parametrise(value: &mut Value, key: &str) {
    match value {
        Value::Object(map) => map
            .iter_mut()
            .for_each(|(key, value)| parametrise(value, key)),
        Value::Array(list) => list.iter_mut().for_each(|value| parametrise(value, key)),
        Value::String(text) => {
            // What is a template elsewhere is none here.
            *text = text.replace("{{", &expression("`{{`"));
            let namespace = expression(".Release.Namespace");
            if key == "namespace" && text == NAMESPACE {
                *text = namespace;
            } else if let Some(service) = text.strip_suffix(".svc.cluster.local") {
                let service = service.replace(&format!(".{NAMESPACE}"), &format!(".{namespace}"));
                *text = format!("{service}.svc.{}", expression(".Values.clusterDomain"));
            } else if let Some(service) = text.strip_suffix(&format!(".{NAMESPACE}.svc")) {
                *text = format!("{service}.{namespace}.svc");
            } else if key == INJECT {
                *text = text.replace(&format!("{NAMESPACE}/"), &format!("{namespace}/"));
            } else if let Some((section, _)) = IMAGES.iter().find(|(_, image)| image == text) {
                let part = |part| expression(&format!(".Values.{section}.{part}"));
                *text = format!("{}:{}", part("image"), part("version"));
            }
        }
        _ => {}
    }
}

/// Lets the values choose how many managers there are, where they run and what they may use.
fn scheduled(deployment: &str) -> anyhow::Result<String> {
    let mut text = deployment.to_owned();
    replace(
        &mut text,
        "  replicas: 1\n",
        "  replicas: {{ .Values.operator.replicas }}\n",
    )?;
    replace(
        &mut text,
        "        resources:\n          limits:\n            memory: \"400Mi\"\n          requests:\n            cpu: \"100m\"\n\
         \x20           memory: \"100Mi\"\n",
        "{{- with .Values.operator.resources }}\n        resources:\n{{- toYaml . | nindent 10 }}\n{{- end }}\n",
    )?;
    let mut chosen = String::new();
    for key in ["imagePullSecrets", "nodeSelector", "tolerations"] {
        write!(
            chosen,
            "{{{{- with .Values.operator.{key} }}}}\n      {key}:\n{{{{- toYaml . | nindent 8 }}}}\n{{{{- end }}}}\n"
        )?;
    }
    chosen.push_str(
        "{{- with .Values.operator.nodeAffinity }}\n      affinity:\n        nodeAffinity:\n\
         {{- toYaml . | nindent 10 }}\n{{- end }}\n",
    );
    let mark = "      containers:\n";
    replace(&mut text, mark, &format!("{chosen}{mark}"))?;
    Ok(text)
}

/// Replaces a part that must be there, once.
fn replace(text: &mut String, part: &str, with: &str) -> anyhow::Result<()> {
    let count = text.matches(part).count();
    anyhow::ensure!(count == 1, "the Deployment has {count} of {part:?}");
    *text = text.replace(part, with);
    Ok(())
}
