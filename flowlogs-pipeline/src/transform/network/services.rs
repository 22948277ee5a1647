//! Names of ports, from `/etc/services` and `/etc/protocols`.
//!
//! **Invariant:** later lines win over earlier ones; a line of another form is passed over.

use std::collections::HashMap;
use std::sync::Arc;

use crate::model::{Number, Text, ValueRef};

const SERVICES_FILE_DEFAULT: &str = "/etc/services";
const PROTOCOLS_FILE_DEFAULT: &str = "/etc/protocols";

/// The tables of both files.
#[derive(Default)]
pub struct Services {
    /// By the number of the protocol.
    protocols: HashMap<i64, Arc<Ports>>,
    /// By the name and aliases of the protocol.
    named: HashMap<String, Arc<Ports>>,
    /// By the port alone.
    any: Ports,
}

type Ports = HashMap<i64, Arc<str>>;

impl Services {
    /// Reads both files; an empty path is the usual one.
    pub fn load(services: &str, protocols: &str) -> Result<Self, String> {
        let read = |path: &str, default: &str| {
            let path = if path.is_empty() { default } else { path };
            std::fs::read_to_string(path).map_err(|error| {
                format!("read {path}: {error}; add_service needs servicesFile and protocolsFile")
            })
        };
        Ok(Self::parse(
            &read(services, SERVICES_FILE_DEFAULT)?,
            &read(protocols, PROTOCOLS_FILE_DEFAULT)?,
        ))
    }

    /// Parses the texts of both files.
    pub fn parse(services: &str, protocols: &str) -> Self {
        let mut by_protocol: HashMap<&str, Ports> = HashMap::new();
        let mut tables = Self::default();
        for words in lines(services) {
            let Some((port, protocol)) = words.get(1).and_then(|word| word.split_once('/')) else {
                continue;
            };
            let Ok(port) = port.parse() else { continue };
            let name: Arc<str> = words[0].into();
            by_protocol
                .entry(protocol)
                .or_default()
                .insert(port, Arc::clone(&name));
            tables.any.insert(port, name);
        }
        for words in lines(protocols) {
            let Some(Ok(number)) = words.get(1).map(|word| word.parse()) else {
                continue;
            };
            let names = std::iter::once(&words[0]).chain(&words[2..]);
            let mut ports = Ports::new();
            for name in names.clone() {
                ports.extend(
                    by_protocol
                        .get(name)
                        .into_iter()
                        .flatten()
                        .map(|(port, name)| (*port, name.clone())),
                );
            }
            let ports = Arc::new(ports);
            tables.protocols.insert(number, Arc::clone(&ports));
            tables
                .named
                .extend(names.map(|name| ((*name).to_owned(), Arc::clone(&ports))));
        }
        tables
    }

    /// The name of a port. An unknown one is the empty text if the protocol is a number, and nothing else.
    pub fn name(&self, port: ValueRef<'_>, protocol: ValueRef<'_>) -> Option<Text> {
        if matches!(port, ValueRef::Number(Number::F64(port)) if port.fract() != 0.0) {
            return None;
        }
        let port = port.as_integer()?;
        let number = protocol.as_integer();
        let ports = match (number, protocol) {
            (Some(number), _) => self.protocols.get(&number),
            (None, ValueRef::Text(name)) => self.named.get(name),
            (None, _) => None,
        };
        let name = ports.map_or(&self.any, |ports| ports).get(&port);
        match name {
            Some(name) => Some(Text::Shared(Arc::clone(name))),
            None => number.map(|_| Text::Static("")),
        }
    }
}

/// The words of each line that has some, without comments.
fn lines(text: &str) -> impl Iterator<Item = Vec<&str>> {
    text.lines()
        .map(|line| {
            line.split('#')
                .next()
                .unwrap_or_default()
                .split_whitespace()
                .collect::<Vec<_>>()
        })
        .filter(|words| !words.is_empty())
}
