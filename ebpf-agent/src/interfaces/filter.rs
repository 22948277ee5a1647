//! Which interfaces are watched: by name, or by the addresses they own.
//!
//! **Invariant:** pure; addresses are handed in.

use std::net::IpAddr;

use ipnet::IpNet;
use regex::Regex;

/// The rule of one agent.
#[derive(Debug)]
pub enum Filter {
    Names {
        allow: Vec<NamePattern>,
        deny: Vec<NamePattern>,
    },
    Addresses(Vec<IpNet>),
}

/// One entry of an interface list.
#[derive(Debug)]
pub enum NamePattern {
    Exact(String),
    Regex(Regex),
}

impl NamePattern {
    /// `/.../` is a regular expression that may match anywhere; everything else is a whole name.
    fn parse(entry: &str) -> Result<Self, regex::Error> {
        match entry
            .strip_prefix('/')
            .and_then(|rest| rest.strip_suffix('/'))
        {
            Some(expression) => Regex::new(expression).map(Self::Regex),
            None => Ok(Self::Exact(entry.to_owned())),
        }
    }

    fn matches(&self, name: &str) -> bool {
        match self {
            Self::Exact(exact) => exact == name,
            Self::Regex(regex) => regex.is_match(name),
        }
    }
}

impl Filter {
    /// A filter by names; the error names the entry.
    pub fn by_names(allow: &[String], deny: &[String]) -> Result<Self, String> {
        let patterns = |entries: &[String], what: &str| {
            let trimmed = entries
                .iter()
                .map(|entry| entry.trim())
                .filter(|entry| !entry.is_empty());
            trimmed
                .map(|entry| {
                    NamePattern::parse(entry).map_err(|_| format!("wrong {what} regexp {entry:?}"))
                })
                .collect::<Result<Vec<_>, _>>()
        };
        Ok(Self::Names {
            allow: patterns(allow, "interface")?,
            deny: patterns(deny, "excluded interface")?,
        })
    }

    /// A filter by addresses; the error names the entry.
    pub fn by_addresses(entries: &[String]) -> Result<Self, String> {
        let parse = |entry: &String| {
            let entry = entry.trim();
            entry
                .parse::<IpNet>()
                .map_err(|_| format!("{entry:?} is not a network such as 10.0.0.0/8"))
        };
        entries
            .iter()
            .map(parse)
            .collect::<Result<_, _>>()
            .map(Self::Addresses)
    }

    /// Whether the decision needs the interface's addresses.
    pub fn needs_addresses(&self) -> bool {
        matches!(self, Self::Addresses(_))
    }

    /// Whether to watch an interface of this name with these addresses.
    pub fn allows(&self, name: &str, addresses: &[IpAddr]) -> bool {
        match self {
            Self::Names { allow, deny } => {
                let is_allowed =
                    allow.is_empty() || allow.iter().any(|pattern| pattern.matches(name));
                is_allowed && !deny.iter().any(|pattern| pattern.matches(name))
            }
            Self::Addresses(networks) => addresses
                .iter()
                .any(|address| networks.iter().any(|network| network.contains(address))),
        }
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, reason = "tests")]
    use super::*;

    fn list(text: &str) -> Vec<String> {
        text.split(',').map(str::to_owned).collect()
    }

    #[test]
    fn names_are_exact_or_regular_expressions_and_exclusion_wins() {
        let cases: [(&str, &str, &[&str], &[&str]); 4] = [
            ("", "lo", &["eth0", "br-0"], &["lo"]),
            (
                "eth0,/^br-/",
                "lo",
                &["eth0", "br-0"],
                &["eth01", "abr-3", "lo"],
            ),
            (
                "/^eth/, /^br-/",
                "eth1,/^br-1/",
                &["eth0", "eth11", "br-2"],
                &["eth1", "br-1", "br-10"],
            ),
            ("Eth0", "", &["Eth0"], &["eth0"]),
        ];
        for (allow, deny, allowed, refused) in cases {
            let filter = Filter::by_names(&list(allow), &list(deny)).unwrap();
            for name in allowed {
                assert!(
                    filter.allows(name, &[]),
                    "{allow:?} {deny:?} should allow {name}"
                );
            }
            for name in refused {
                assert!(
                    !filter.allows(name, &[]),
                    "{allow:?} {deny:?} should refuse {name}"
                );
            }
        }
    }

    #[test]
    fn a_wrong_expression_is_named() {
        let problem = Filter::by_names(&list("eth0,/(/"), &[]).unwrap_err();
        assert_eq!(problem, r#"wrong interface regexp "/(/""#);
        let problem = Filter::by_names(&[], &list("/[/")).unwrap_err();
        assert_eq!(problem, r#"wrong excluded interface regexp "/[/""#);
    }

    #[test]
    fn addresses_allow_the_interface_that_owns_one() {
        let filter = Filter::by_addresses(&list("10.0.0.0/8, fd00::/8")).unwrap();
        assert!(filter.allows(
            "any",
            &["192.168.1.1".parse().unwrap(), "10.1.2.3".parse().unwrap()]
        ));
        assert!(filter.allows("any", &["fd00::1".parse().unwrap()]));
        assert!(!filter.allows("any", &["192.168.1.1".parse().unwrap()]));
        assert!(!filter.allows("any", &[]));
        assert!(Filter::by_addresses(&list("10.0.0.0/40")).is_err());
    }
}
