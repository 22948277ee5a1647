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
    /// How long the next one's authority is announced before its certificates are shown: longer than kubelets and
    /// clients take to read a changed file.
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

    fn make(&self, now: Timestamp) -> Result<Named, rcgen::Error> {
        Ok(Named {
            names: self.names(),
            issued: issue(self.authority, &self.leaves, now, self.lifetime.valid)?,
        })
    }
}

/// What was made, and for which names.
#[derive(Debug, Clone, PartialEq, Eq)]
struct Named {
    names: String,
    issued: Issued,
}

impl Named {
    /// Whether it is what the plan would make.
    fn fits(&self, plan: &Plan) -> bool {
        let mut leaves = plan.leaves.iter();
        self.names == plan.names() && leaves.all(|leaf| self.issued.pairs.contains_key(leaf.name))
    }

    /// Whether a leaf has none of the names that it shall have, so that nobody who asks for it can take it.
    fn is_useless(&self, plan: &Plan) -> bool {
        let named = |leaf: &Leaf| {
            let mut all = self
                .names
                .split(';')
                .filter_map(|part| part.split_once('='));
            all.find(|(name, _)| *name == leaf.name)
                .map(|(_, hosts)| hosts)
        };
        plan.leaves.iter().any(|leaf| {
            let is_host = |host: &str| leaf.hosts.iter().any(|wanted| wanted == host);
            named(leaf).is_some_and(|hosts| !hosts.split(',').any(is_host))
        })
    }
}

/// A ring, the one that follows it once that is made, and the authority of the one before.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Keyring {
    current: Named,
    /// And since when its authority is announced: written wherever somebody reads whom to trust.
    next: Option<(Named, Option<Timestamp>)>,
    previous: Option<String>,
}

impl Keyring {
    /// Whom to trust, in PEM.
    pub fn authorities(&self) -> String {
        let next = self.next.as_ref();
        [
            Some(self.current.issued.authority.as_str()),
            next.map(|(next, _)| next.issued.authority.as_str()),
            self.previous.as_deref(),
        ]
        .into_iter()
        .flatten()
        .collect()
    }

    /// What is shown now; empty for a leaf that the plan does not have. One that is new is shown as soon as it is there:
    /// nobody trusts another one in its place.
    pub fn pair(&self, leaf: &str) -> Pair {
        let next = self.next.as_ref().map(|(next, _)| next);
        let mut all = [Some(&self.current), next].into_iter().flatten();
        let pair = all.find_map(|named| named.issued.pairs.get(leaf));
        pair.cloned().unwrap_or_default()
    }

    /// The first, or what an old one has become by now; and whether it is another one.
    pub fn advance(
        old: Option<Self>,
        plan: &Plan,
        now: Timestamp,
    ) -> Result<(Self, bool), rcgen::Error> {
        let of_use =
            |old: &Self| old.current.issued.not_after > now && !old.current.is_useless(plan);
        let old = match old {
            Some(old) if of_use(&old) => old,
            unusable => {
                let ring = Self {
                    current: plan.make(now)?,
                    next: None,
                    previous: unusable.map(|old| old.current.issued.authority),
                };
                return Ok((ring, true));
            }
        };
        let coming = old.next.as_ref().map_or(&old.current, |(next, _)| next);
        let fits = coming.fits(plan);
        if fits && old.due(plan.lifetime).is_none_or(|due| now < due) {
            return Ok((old, false));
        }
        let ring = match old.next {
            Some((next, _)) if fits => Self {
                current: next,
                next: None,
                previous: Some(old.current.issued.authority),
            },
            _ => Self {
                next: Some((plan.make(now)?, None)),
                ..old
            },
        };
        Ok((ring, true))
    }

    /// The same with its next authority announced since `now`; none if there is none that waits for that.
    pub(super) fn announced(&self, now: Timestamp) -> Option<Self> {
        let (next, None) = self.next.clone()? else {
            return None;
        };
        Some(Self {
            next: Some((next, Some(now))),
            ..self.clone()
        })
    }

    /// When something is to do next; none while the next authority waits to be announced.
    pub fn due(&self, lifetime: Lifetime) -> Option<Timestamp> {
        let due = match &self.next {
            Some((_, None)) => return None,
            Some((_, Some(announced))) => announced.saturating_add(lifetime.settle),
            None => (self.current.issued.not_after).saturating_sub(lifetime.renew_before),
        };
        Some(due.unwrap_or(self.current.issued.not_after))
    }

    /// Whether a Secret is one that keeps a ring, be it damaged.
    pub(super) fn is_kept_in(secret: &Secret) -> bool {
        annotation(secret, NAMES).is_some()
    }

    /// Of the Secret that keeps it, whatever it was made for; none if that is damaged.
    pub(super) fn of(secret: &Secret) -> Option<Self> {
        let time = |key: &str| annotation(secret, key)?.parse().ok();
        let named = |prefix: &str, names: &str, not_after: &str| {
            let names = annotation(secret, names)?.clone();
            let leaves = names.split(';').filter_map(|part| part.split_once('='));
            let pairs = leaves.map(|(leaf, _)| {
                let pair = Pair {
                    certificate: text(secret, &format!("{prefix}{leaf}.crt"))?,
                    key: text(secret, &format!("{prefix}{leaf}.key"))?,
                };
                Some((leaf.to_owned(), pair))
            });
            let issued = Issued {
                authority: text(secret, &format!("{prefix}{AUTHORITY}"))?,
                pairs: pairs.collect::<Option<_>>()?,
                not_after: time(not_after)?,
            };
            Some(Named { names, issued })
        };
        Some(Self {
            current: named("", NAMES, NOT_AFTER)?,
            next: named(NEXT, NEXT_NAMES, NEXT_NOT_AFTER).map(|next| (next, time(ANNOUNCED))),
            previous: text(secret, PREVIOUS_AUTHORITY),
        })
    }

    /// Puts it into the Secret, whatever that held.
    pub(super) fn put_into(&self, secret: &mut Secret) {
        let mut data = BTreeMap::new();
        let mut times = vec![
            (NAMES, self.current.names.clone()),
            (NOT_AFTER, self.current.issued.not_after.to_string()),
        ];
        let mut put = |prefix: &str, issued: &Issued| {
            data.insert(format!("{prefix}{AUTHORITY}"), issued.authority.clone());
            for (leaf, pair) in &issued.pairs {
                data.insert(format!("{prefix}{leaf}.crt"), pair.certificate.clone());
                data.insert(format!("{prefix}{leaf}.key"), pair.key.clone());
            }
        };
        put("", &self.current.issued);
        if let Some((next, announced)) = &self.next {
            put(NEXT, &next.issued);
            times.push((NEXT_NAMES, next.names.clone()));
            times.push((NEXT_NOT_AFTER, next.issued.not_after.to_string()));
            times.extend(announced.map(|time| (ANNOUNCED, time.to_string())));
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
        for key in [NEXT_NAMES, NEXT_NOT_AFTER, ANNOUNCED] {
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
/// Annotation: whom the next ring's certificates are for.
const NEXT_NAMES: &str = "flows.netobserv.io/next-names";
/// Annotation: when the next ring ends.
const NEXT_NOT_AFTER: &str = "flows.netobserv.io/next-not-after";
/// Annotation: since when the next ring's authority is announced; absent until it is.
const ANNOUNCED: &str = "flows.netobserv.io/next-announced";

fn annotation<'a>(secret: &'a Secret, key: &str) -> Option<&'a String> {
    secret.metadata.annotations.as_ref()?.get(key)
}

fn text(secret: &Secret, key: &str) -> Option<String> {
    let bytes = secret.data.as_ref()?.get(key)?;
    let text = String::from_utf8(bytes.0.clone()).ok()?;
    Some(text).filter(|text| !text.is_empty())
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, reason = "tests")]
    use super::*;

    /// With these names, with commas between.
    fn plan(hosts: &str) -> Plan {
        let leaf = |name, is_client| Leaf {
            name,
            hosts: hosts.split(',').map(str::to_owned).collect(),
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
    fn the_next_ring_is_made_a_month_before_the_end_and_shown_an_hour_after_all_were_told() {
        let first = advance(None, at(0, 0)).unwrap();
        assert_eq!(advance(Some(&first), at(59, 23)), None);

        let made = advance(Some(&first), at(60, 0)).unwrap();
        assert_eq!(made.pair("server"), first.pair("server"));
        let authorities = made.authorities();
        assert!(authorities.starts_with(&first.authorities()));
        assert_eq!(authorities.matches("BEGIN").count(), 2);
        // However long it takes until all are told.
        assert_eq!(made.due(Lifetime::default()), None);
        assert_eq!(advance(Some(&made), at(70, 0)), None);

        let announced = made.announced(at(70, 0)).unwrap();
        assert_eq!(announced.announced(at(70, 1)), None);
        assert_eq!(announced.authorities(), authorities);
        assert_eq!(announced.due(Lifetime::default()), Some(at(70, 1)));
        assert_eq!(advance(Some(&announced), at(70, 0)), None);

        let second = advance(Some(&announced), at(70, 1)).unwrap();
        for leaf in ["server", "client"] {
            assert_ne!(second.pair(leaf), first.pair(leaf), "{leaf}");
        }
        // Whoever was told of both trusts both.
        let mut all: Vec<_> = authorities
            .split_inclusive("-----END CERTIFICATE-----\n")
            .collect();
        all.reverse();
        assert_eq!(second.authorities(), all.concat());
        assert_eq!(second.due(Lifetime::default()), Some(at(120, 0)));
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
    fn other_names_and_new_certificates_are_announced_first_while_the_ring_is_of_use() {
        let mut grown = plan("a");
        grown.leaves.push(Leaf {
            name: "new",
            hosts: vec!["n".to_owned()],
            is_client: false,
        });
        let first = advance(None, at(0, 0)).unwrap();
        for (name, plan, other) in [
            ("one more name", plan("a,b"), plan("b,a")),
            ("one more certificate", grown, plan("a,b")),
        ] {
            let advance = |old: &Keyring, plan, now| {
                let mut secret = Secret::default();
                old.put_into(&mut secret);
                Keyring::advance(Keyring::of(&secret), plan, now).unwrap()
            };
            let (made, is_new) = advance(&first, &plan, at(1, 0));
            assert!(is_new, "{name}");
            let announced = made.announced(at(1, 0)).unwrap();
            assert_eq!(announced.pair("server"), first.pair("server"), "{name}");
            let authorities = announced.authorities();
            assert!(authorities.starts_with(&first.authorities()), "{name}");
            assert_eq!(authorities.matches("BEGIN").count(), 2, "{name}");
            for leaf in &plan.leaves {
                assert_ne!(announced.pair(leaf.name), Pair::default(), "{name}");
            }
            assert!(!advance(&announced, &plan, at(1, 0)).1, "{name}");

            // What is not shown yet gives way to what is wanted by now, and that has its own time.
            let (again, _) = advance(&announced, &other, at(1, 1));
            assert_eq!(again.pair("server"), first.pair("server"), "{name}");
            assert_ne!(again.authorities(), authorities, "{name}");

            let (second, is_new) = advance(&announced, &plan, at(1, 1));
            assert!(is_new, "{name}");
            assert_ne!(second.pair("server"), first.pair("server"), "{name}");
            assert!(
                second.authorities().ends_with(&first.authorities()),
                "{name}"
            );
            assert_eq!(second.pair("new"), announced.pair("new"), "{name}");
            assert!(!advance(&second, &plan, at(1, 1)).1, "{name}");
        }
    }

    #[test]
    fn a_secret_keeps_a_ring_whole_or_counts_as_none() {
        let first = advance(None, at(0, 0)).unwrap();
        let made = advance(Some(&first), at(60, 0)).unwrap();
        let announced = made.announced(at(60, 0)).unwrap();
        let second = advance(Some(&announced), at(60, 1)).unwrap();
        let mut secret = Secret::default();
        for ring in [first, made, announced, second] {
            ring.put_into(&mut secret);
            assert_eq!(Keyring::of(&secret), Some(ring));
        }
        for key in ["ca.crt", "server.crt", "client.key"] {
            let mut damaged = secret.clone();
            damaged.data.as_mut().unwrap().remove(key);
            assert_eq!(Keyring::of(&damaged), None, "{key}");
        }
    }
}
