//! What OpenShift's console needs for its forms: a descriptor for each field of our resources.

use std::collections::{BTreeMap, BTreeSet};

use anyhow::Context as _;
use serde::Deserialize;
use serde_json::{Value, json};

const URN: &str = "urn:alm:descriptor:com.tectonic.ui";

/// What the definitions do not tell, by path below `spec` of the FlowCollector.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "camelCase")]
pub struct Rules {
    /// Fields that the form leaves out.
    hidden: BTreeSet<String>,
    /// Fields shown only while another one has a value, as `path:value`.
    depends_on: BTreeMap<String, String>,
    /// Version by kind of what is made of the resource.
    resources: BTreeMap<String, String>,
}

/// The entry of a definition in the ClusterServiceVersion.
pub fn owned(definition: &Value, rules: &Rules) -> anyhow::Result<Value> {
    let version = definition["spec"]["versions"]
        .as_array()
        .into_iter()
        .flatten()
        .find(|version| version["storage"] == true)
        .context("a definition stores a version")?;
    let kind = &definition["spec"]["names"]["kind"];
    let schema = &version["schema"]["openAPIV3Schema"];
    let mut fields = Vec::new();
    collect("", &schema["properties"]["spec"], &mut fields);
    let empty = Rules {
        hidden: BTreeSet::new(),
        depends_on: BTreeMap::new(),
        resources: BTreeMap::new(),
    };
    let rules = if kind == "FlowCollector" {
        rules
    } else {
        &empty
    };
    if let Some(unknown) = rules
        .paths()
        .find(|path| !fields.iter().any(|field| field.path == **path))
    {
        anyhow::bail!("csv/descriptors.yaml names {unknown}, which the FlowCollector lacks");
    }
    let specs: Vec<Value> = fields
        .iter()
        .filter_map(|field| field.descriptor(rules))
        .collect();
    let resources = rules.resources.iter();
    let resources: Vec<Value> = resources
        .map(|(kind, version)| json!({"kind": kind, "name": "", "version": version}))
        .collect();
    let mut entry = json!({
        "kind": kind,
        "name": definition["metadata"]["name"],
        "version": version["name"],
        "displayName": words(kind.as_str().unwrap_or_default()),
        "description": schema["description"],
        "specDescriptors": specs,
        "statusDescriptors": [{
            "path": "conditions",
            "displayName": "Conditions",
            "description": schema["properties"]["status"]["properties"]["conditions"]["description"],
            "x-descriptors": ["urn:alm:descriptor:io.kubernetes.conditions"],
        }],
    });
    if !resources.is_empty() {
        entry["resources"] = resources.into();
    }
    Ok(entry)
}

impl Rules {
    fn paths(&self) -> impl Iterator<Item = &String> {
        self.hidden.iter().chain(self.depends_on.keys())
    }
}

struct Field<'a> {
    path: String,
    schema: &'a Value,
    is_leaf: bool,
}

/// All fields below `spec`; of a list the first entry stands for all.
fn collect<'a>(prefix: &str, schema: &'a Value, fields: &mut Vec<Field<'a>>) {
    for (name, property) in schema["properties"].as_object().into_iter().flatten() {
        let path = format!("{prefix}{name}");
        let (inner, next) = match property.get("items") {
            Some(items) => (items, format!("{path}[0].")),
            None => (property, format!("{path}.")),
        };
        // What Kubernetes defines has a field of its own in the form.
        let is_own = inner.get("properties").is_some() && !is_of_kubernetes(name);
        fields.push(Field {
            path,
            schema: property,
            is_leaf: !is_own,
        });
        if is_own {
            collect(&next, inner, fields);
        }
    }
}

fn is_of_kubernetes(name: &str) -> bool {
    matches!(name, "affinity" | "tolerations" | "resources")
}

impl Field<'_> {
    fn name(&self) -> &str {
        self.path.rsplit('.').next().unwrap_or_default()
    }

    /// Groups need one only where something is to be said about them.
    fn descriptor(&self, rules: &Rules) -> Option<Value> {
        let mut hints: Vec<String> = Vec::new();
        if rules.hidden.contains(&self.path) {
            hints.push(format!("{URN}:hidden"));
        }
        if let Some(other) = rules.depends_on.get(&self.path) {
            hints.push(format!("{URN}:fieldDependency:{other}"));
        }
        if self.is_leaf {
            hints.extend(self.control());
        }
        (self.is_leaf || !hints.is_empty()).then(|| {
            let mut descriptor = json!({
                "path": self.path,
                "displayName": words(self.name()),
                "x-descriptors": hints,
            });
            // Kubernetes' own fields have none.
            if let Some(description) = self.schema.get("description") {
                descriptor["description"] = description.clone();
            }
            descriptor
        })
    }

    /// Which control the form shows, where it is not plain text.
    fn control(&self) -> Vec<String> {
        let values = self.schema["enum"].as_array().into_iter().flatten();
        match (
            self.name(),
            self.schema["type"].as_str().unwrap_or_default(),
        ) {
            ("imagePullPolicy", _) => vec![format!("{URN}:imagePullPolicy")],
            ("resources", _) => vec![format!("{URN}:resourceRequirements")],
            (_, "boolean") => vec![format!("{URN}:booleanSwitch")],
            (_, "integer") => vec![format!("{URN}:number")],
            (_, "string") => values
                .filter_map(Value::as_str)
                .filter(|value| !value.is_empty())
                .map(|value| format!("{URN}:select:{value}"))
                .collect(),
            _ => Vec::new(),
        }
    }
}

/// What is not written like other words, by the way it comes out of [`split`].
const SPELLING: [(&str, &str); 19] = [
    ("api", "API"),
    ("ca", "CA"),
    ("cidr", "CIDR"),
    ("cidrs", "CIDRs"),
    ("cpu", "CPU"),
    ("dns", "DNS"),
    ("ebpf", "eBPF"),
    ("icmp", "ICMP"),
    ("id", "ID"),
    ("ip", "IP"),
    ("ipfix", "IPFIX"),
    ("kafka", "Kafka"),
    ("loki", "Loki"),
    ("prometheus", "Prometheus"),
    ("sasl", "SASL"),
    ("tcp", "TCP"),
    ("tls", "TLS"),
    ("url", "URL"),
    ("urls", "URLs"),
];

/// `cacheMaxFlows` as `Cache max flows`, `enterpriseID` as `Enterprise ID`, `caCert` as `CA cert`.
fn words(name: &str) -> String {
    let spelt = |word: &str| {
        let lower = word.to_lowercase();
        let known = SPELLING.iter().find(|(plain, _)| *plain == lower);
        known.map_or_else(|| word.to_owned(), |(_, spelt)| (*spelt).to_owned())
    };
    let words = split(name);
    let words: Vec<String> = words.split(' ').map(spelt).collect();
    let words = words.join(" ");
    ["Open shift", "Open telemetry", "Loki stack", "Prom QL"]
        .iter()
        .zip(["OpenShift", "OpenTelemetry", "LokiStack", "PromQL"])
        .fold(words, |words, (apart, one)| words.replace(apart, one))
}

/// The words of a name, the first with a capital.
fn split(name: &str) -> String {
    let mut words = String::new();
    let mut letters = name.chars().peekable();
    let mut previous_is_lower = false;
    while let Some(letter) = letters.next() {
        let starts_word = letter.is_uppercase() && previous_is_lower;
        previous_is_lower = !letter.is_uppercase();
        if words.is_empty() {
            words.extend(letter.to_uppercase());
        } else if starts_word {
            words.push(' ');
            // More than one capital is an abbreviation.
            if letters.peek().is_some_and(|next| next.is_lowercase()) {
                words.extend(letter.to_lowercase());
            } else {
                words.push(letter);
            }
        } else {
            words.push(letter);
        }
    }
    words
}

#[cfg(test)]
mod tests {
    use super::words;

    #[test]
    fn a_name_is_split_into_words() {
        for (name, expected) in [
            ("cacheMaxFlows", "Cache max flows"),
            ("enterpriseID", "Enterprise ID"),
            ("url", "URL"),
            ("ebpf", "eBPF"),
            ("peerCIDR", "Peer CIDR"),
            ("caCert", "CA cert"),
            ("openTelemetry", "OpenTelemetry"),
            ("openShiftAutoDetect", "OpenShift auto detect"),
            ("lokiStack", "LokiStack"),
        ] {
            assert_eq!(words(name), expected);
        }
    }
}
