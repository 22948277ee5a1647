//! `INTERFACES`: which interfaces the agent shall watch, and whether this host has any of them.
//!
//! **Invariant:** the meaning is the agent's: names, or regular expressions between slashes that match anywhere.

use regex::Regex;

/// What the user typed, checked.
#[derive(Default)]
pub struct Interfaces {
    text: String,
    patterns: Vec<Pattern>,
}

enum Pattern {
    Name(String),
    Expression(Regex),
}

impl Interfaces {
    pub fn parse(text: &str) -> Result<Self, String> {
        let entries = text
            .split(',')
            .map(str::trim)
            .filter(|entry| !entry.is_empty());
        let patterns = entries
            .map(|entry| {
                let Some(expression) = entry
                    .strip_prefix('/')
                    .and_then(|rest| rest.strip_suffix('/'))
                else {
                    return Ok(Pattern::Name(entry.to_owned()));
                };
                Regex::new(expression)
                    .map(Pattern::Expression)
                    .map_err(|_| {
                        format!(
                            "is not a list of interfaces: {entry} is no regular expression; \
                         give names or /expressions/, such as INTERFACES=eth0,/^br-/"
                        )
                    })
            })
            .collect::<Result<_, _>>()?;
        Ok(Self {
            text: text.to_owned(),
            patterns,
        })
    }

    pub fn text(&self) -> &str {
        &self.text
    }

    /// Whether loopback is asked for by its name, the only way to have it watched.
    pub fn names_loopback(&self) -> bool {
        self.patterns
            .iter()
            .any(|pattern| matches!(pattern, Pattern::Name(name) if name == "lo"))
    }

    fn allows(&self, name: &str) -> bool {
        if name == "lo" {
            return self.names_loopback();
        }
        self.patterns.is_empty()
            || self.patterns.iter().any(|pattern| match pattern {
                Pattern::Name(wanted) => wanted == name,
                Pattern::Expression(expression) => expression.is_match(name),
            })
    }

    /// A line for the user if none of this host's interfaces is watched. One may come up later, so this is no error.
    pub fn warning(&self, present: &[String]) -> Option<String> {
        let is_any = present.iter().any(|name| self.allows(name));
        (!is_any && !self.patterns.is_empty()).then(|| {
            format!(
                "INTERFACES={} is none of this host's interfaces ({}); \
                 flows appear once one of that name is up, here or in a network namespace",
                self.text,
                present.join(", ")
            )
        })
    }
}

/// Names of this host's interfaces.
pub fn present() -> nix::Result<Vec<String>> {
    let interfaces = nix::net::if_::if_nameindex()?;
    Ok(interfaces
        .iter()
        .map(|interface| interface.name().to_string_lossy().into_owned())
        .collect())
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, reason = "tests")]
    use super::*;

    #[test]
    fn a_list_that_matches_nothing_is_told_with_what_there_is() {
        let present = ["lo", "eth0", "br-1"].map(str::to_owned);
        for (text, is_told) in [
            ("", false),
            ("eth0", false),
            ("eth9, eth0", false),
            ("/^br-/", false),
            ("lo", false),
            ("/lo/", true),
            ("eth9", true),
            ("Eth0,/^wg/", true),
        ] {
            let line = Interfaces::parse(text).unwrap().warning(&present);
            assert_eq!(line.is_some(), is_told, "{text}: {line:?}");
            if let Some(line) = line {
                assert!(line.starts_with(&format!("INTERFACES={text} ")), "{line}");
                assert!(line.contains("(lo, eth0, br-1)"), "{line}");
            }
        }
    }

    #[test]
    fn this_host_has_a_loopback_interface() {
        assert!(super::present().unwrap().contains(&"lo".to_owned()));
    }
}
