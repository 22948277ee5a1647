//! A ring of certificates through its life, and the Secret that keeps it.

use std::collections::BTreeMap;

use jiff::{SignedDuration, Timestamp};
use k8s_openapi::ByteString;
use k8s_openapi::api::core::v1::Secret;

use super::issue::{Issued, Leaf, Pair, issue};

/// When it is time for what.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Lifetime {
    /// How long a ring is valid.
    pub valid: SignedDuration,
    /// The next one is made when less than this is left.
    pub renew_before: SignedDuration,
    /// How long the next one's authority is known before its certificates are shown: longer than kubelets and clients
    /// take to read a changed file.
    pub settle: SignedDuration,
}

impl Default for Lifetime {
    fn default() -> Self {
        Self {
            valid: SignedDuration::from_hours(90 * 24),
            renew_before: SignedDuration::from_hours(30 * 24),
            settle: SignedDuration::from_hours(1),
        }
    }
}

/// What a ring shall be.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Plan {
    /// Name of its authority.
    pub authority: &'static str,
    /// Its certificates.
    pub leaves: Vec<Leaf>,
    /// When it is time for what.
    pub lifetime: Lifetime,
}

impl Plan {
    /// All names in one text, which differs when one of them does.
    fn names(&self) -> String {
        let leaves: Vec<_> = self
            .leaves
            .iter()
            .map(|leaf| format!("{}={}", leaf.name, leaf.hosts.join(",")))
            .collect();
        leaves.join(";")
    }
}

/// A ring, the one that follows it once it is announced, and the authority of the one before.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Keyring {
    names: String,
    current: Issued,
    next: Option<(Issued, Timestamp)>,
    previous: Option<String>,
}

impl Keyring {
    /// Whom to trust, in PEM.
    pub fn authorities(&self) -> String {
        let next = self.next.as_ref().map(|(next, _)| next.authority.as_str());
        [
            Some(self.current.authority.as_str()),
            next,
            self.previous.as_deref(),
        ]
        .into_iter()
        .flatten()
        .collect()
    }

    /// What is shown now; empty for a leaf that the plan does not have.
    pub fn pair(&self, leaf: &str) -> Pair {
        self.current.pairs.get(leaf).cloned().unwrap_or_default()
    }

    /// The first, or what an old one has become by now; and whether it is another one.
    pub fn advance(
        old: Option<Self>,
        plan: &Plan,
        now: Timestamp,
    ) -> Result<(Self, bool), rcgen::Error> {
        let make = || issue(plan.authority, &plan.leaves, now, plan.lifetime.valid);
        let old = match old {
            Some(old) if old.names == plan.names() && old.current.not_after > now => old,
            unusable => {
                let ring = Self {
                    names: plan.names(),
                    current: make()?,
                    next: None,
                    previous: unusable.map(|old| old.current.authority),
                };
                return Ok((ring, true));
            }
        };
        if now < old.due(plan.lifetime) {
            return Ok((old, false));
        }
        let ring = match old.next {
            Some((next, _)) => Self {
                names: old.names,
                current: next,
                next: None,
                previous: Some(old.current.authority),
            },
            None => Self {
                next: Some((make()?, now)),
                ..old
            },
        };
        Ok((ring, true))
    }

    /// When something is to do next.
    pub fn due(&self, lifetime: Lifetime) -> Timestamp {
        let due = match &self.next {
            Some((_, announced)) => announced.saturating_add(lifetime.settle),
            None => self.current.not_after.saturating_sub(lifetime.renew_before),
        };
        due.unwrap_or(self.current.not_after)
    }

    /// Of the Secret that keeps it; none if that is damaged.
    pub(super) fn of(secret: &Secret, plan: &Plan) -> Option<Self> {
        let annotation = |key: &str| secret.metadata.annotations.as_ref()?.get(key).cloned();
        let time = |key: &str| annotation(key)?.parse().ok();
        let issued = |prefix: &str, not_after: Timestamp| {
            let leaves = plan.leaves.iter();
            let pairs = leaves.map(|leaf| {
                let pair = Pair {
                    certificate: text(secret, &format!("{prefix}{}.crt", leaf.name))?,
                    key: text(secret, &format!("{prefix}{}.key", leaf.name))?,
                };
                Some((leaf.name.to_owned(), pair))
            });
            Some(Issued {
                authority: text(secret, &format!("{prefix}{AUTHORITY}"))?,
                pairs: pairs.collect::<Option<_>>()?,
                not_after,
            })
        };
        let next = time(NEXT_NOT_AFTER).and_then(|not_after| issued(NEXT, not_after));
        Some(Self {
            names: annotation(NAMES)?,
            current: issued("", time(NOT_AFTER)?)?,
            next: next.zip(time(ANNOUNCED)),
            previous: text(secret, PREVIOUS_AUTHORITY),
        })
    }

    /// Puts it into the Secret, whatever that held.
    pub(super) fn put_into(&self, secret: &mut Secret) {
        let mut data = BTreeMap::new();
        let mut times = vec![
            (NAMES, self.names.clone()),
            (NOT_AFTER, self.current.not_after.to_string()),
        ];
        let mut put = |prefix: &str, issued: &Issued| {
            data.insert(format!("{prefix}{AUTHORITY}"), issued.authority.clone());
            for (leaf, pair) in &issued.pairs {
                data.insert(format!("{prefix}{leaf}.crt"), pair.certificate.clone());
                data.insert(format!("{prefix}{leaf}.key"), pair.key.clone());
            }
        };
        put("", &self.current);
        if let Some((next, announced)) = &self.next {
            put(NEXT, next);
            times.push((NEXT_NOT_AFTER, next.not_after.to_string()));
            times.push((ANNOUNCED, announced.to_string()));
        }
        data.extend(
            self.previous
                .clone()
                .map(|previous| (PREVIOUS_AUTHORITY.to_owned(), previous)),
        );
        let bytes = data
            .into_iter()
            .map(|(key, text)| (key, ByteString(text.into_bytes())));
        secret.data = Some(bytes.collect());
        let annotations = secret.metadata.annotations.get_or_insert_default();
        for key in [NEXT_NOT_AFTER, ANNOUNCED] {
            annotations.remove(key);
        }
        annotations.extend(times.into_iter().map(|(key, text)| (key.to_owned(), text)));
    }
}

/// Key of the authority.
const AUTHORITY: &str = "ca.crt";
/// Key of the authority before this one, whose certificates others may still show.
const PREVIOUS_AUTHORITY: &str = "previous-ca.crt";
/// Prefix of the keys of the next ring.
const NEXT: &str = "next-";
/// Annotation: whom the certificates are for.
const NAMES: &str = "flows.netobserv.io/names";
/// Annotation: when the ring ends.
const NOT_AFTER: &str = "flows.netobserv.io/not-after";
/// Annotation: when the next ring ends.
const NEXT_NOT_AFTER: &str = "flows.netobserv.io/next-not-after";
/// Annotation: since when the next ring's authority is known.
const ANNOUNCED: &str = "flows.netobserv.io/next-announced";

fn text(secret: &Secret, key: &str) -> Option<String> {
    let bytes = secret.data.as_ref()?.get(key)?;
    let text = String::from_utf8(bytes.0.clone()).ok()?;
    Some(text).filter(|text| !text.is_empty())
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, reason = "tests")]
    use super::*;

    fn plan(host: &str) -> Plan {
        let leaf = |name, is_client| Leaf {
            name,
            hosts: vec![host.to_owned()],
            is_client,
        };
        Plan {
            authority: "test",
            leaves: vec![leaf("server", false), leaf("client", true)],
            lifetime: Lifetime::default(),
        }
    }

    /// Days and hours after the beginning.
    fn at(days: i64, hours: i64) -> Timestamp {
        let start = Timestamp::from_second(1_800_000_000).unwrap();
        start + SignedDuration::from_hours(days * 24 + hours)
    }

    /// What it becomes; none if it stays.
    fn advance(old: Option<&Keyring>, now: Timestamp) -> Option<Keyring> {
        let (ring, is_new) = Keyring::advance(old.cloned(), &plan("a"), now).unwrap();
        assert!(is_new || Some(&ring) == old);
        is_new.then_some(ring)
    }

    #[test]
    fn the_next_ring_is_announced_a_month_before_the_end_and_shown_an_hour_later() {
        let first = advance(None, at(0, 0)).unwrap();
        assert_eq!(advance(Some(&first), at(59, 23)), None);

        let announced = advance(Some(&first), at(60, 0)).unwrap();
        assert_eq!(announced.pair("server"), first.pair("server"));
        let authorities = announced.authorities();
        assert!(authorities.starts_with(&first.authorities()));
        assert_eq!(authorities.matches("BEGIN").count(), 2);
        assert_eq!(advance(Some(&announced), at(60, 0)), None);

        let second = advance(Some(&announced), at(60, 1)).unwrap();
        for leaf in ["server", "client"] {
            assert_ne!(second.pair(leaf), first.pair(leaf), "{leaf}");
        }
        // Whoever was told of both trusts both.
        let mut all: Vec<_> = authorities
            .split_inclusive("-----END CERTIFICATE-----\n")
            .collect();
        all.reverse();
        assert_eq!(second.authorities(), all.concat());
        assert_eq!(second.due(Lifetime::default()), at(120, 0));
    }

    #[test]
    fn a_ring_that_is_of_no_use_is_made_anew_and_its_authority_stays_trusted() {
        let first = advance(None, at(0, 0)).unwrap();
        for (name, plan, now) in [
            ("ended", plan("a"), at(91, 0)),
            ("for other names", plan("b"), at(1, 0)),
        ] {
            let (made, _) = Keyring::advance(Some(first.clone()), &plan, now).unwrap();
            assert_ne!(made.pair("server"), first.pair("server"), "{name}");
            assert!(made.authorities().ends_with(&first.authorities()), "{name}");
        }
    }

    #[test]
    fn a_secret_keeps_a_ring_whole_or_counts_as_none() {
        let first = advance(None, at(0, 0)).unwrap();
        let announced = advance(Some(&first), at(60, 0)).unwrap();
        let second = advance(Some(&announced), at(60, 1)).unwrap();
        let mut secret = Secret::default();
        for ring in [first, announced, second] {
            ring.put_into(&mut secret);
            assert_eq!(Keyring::of(&secret, &plan("a")), Some(ring));
        }
        for key in ["ca.crt", "server.crt", "client.key"] {
            let mut damaged = secret.clone();
            damaged.data.as_mut().unwrap().remove(key);
            assert_eq!(Keyring::of(&damaged, &plan("a")), None, "{key}");
        }
    }
}
