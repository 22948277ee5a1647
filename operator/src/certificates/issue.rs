//! Making an authority and what it signs.
//!
//! **Invariant:** pure but for randomness; the time is given.

use std::collections::BTreeMap;
use std::time::Duration;

use jiff::tz::TimeZone;
use jiff::{SignedDuration, Timestamp};
use rcgen::{
    BasicConstraints, CertificateParams, DnType, ExtendedKeyUsagePurpose, IsCa, Issuer, KeyPair,
    KeyUsagePurpose,
};

/// Clocks of other machines may be behind.
const SKEW: SignedDuration = SignedDuration::from_hours(24);

/// A certificate to make.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Leaf {
    /// What it is called within the ring.
    pub name: &'static str,
    /// DNS names or addresses of a server; a client shows the first as its name.
    pub hosts: Vec<String>,
    /// Whether it is shown by a client, else by a server.
    pub is_client: bool,
}

/// PEM texts.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Pair {
    /// The certificate.
    pub certificate: String,
    /// Its key.
    pub key: String,
}

/// An authority and all that it ever signs.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Issued {
    /// In PEM. Its key is forgotten.
    pub authority: String,
    /// By the names of the leaves.
    pub pairs: BTreeMap<String, Pair>,
    /// When all of it ends.
    pub not_after: Timestamp,
}

/// Makes an authority of that name and the leaves.
pub fn issue(
    name: &str,
    leaves: &[Leaf],
    now: Timestamp,
    valid: SignedDuration,
) -> Result<Issued, rcgen::Error> {
    let not_after = now.saturating_add(valid).unwrap_or(now);
    // The library's type of a time has no name here.
    let date = |time: Timestamp| {
        let day = time.to_zoned(TimeZone::UTC).date();
        let (year, month, day) = (day.year(), day.month(), day.day());
        let midnight =
            rcgen::date_time_ymd(i32::from(year), month.unsigned_abs(), day.unsigned_abs());
        let seconds = time.as_second().rem_euclid(24 * 60 * 60);
        midnight + Duration::from_secs(seconds.unsigned_abs())
    };
    let dated = |mut parameters: CertificateParams, name: &str| {
        parameters.not_before = date(now.saturating_sub(SKEW).unwrap_or(now));
        parameters.not_after = date(not_after);
        parameters.distinguished_name.push(DnType::CommonName, name);
        parameters
    };
    let mut authority = dated(CertificateParams::new(Vec::new())?, name);
    authority.is_ca = IsCa::Ca(BasicConstraints::Constrained(0));
    authority.key_usages = vec![KeyUsagePurpose::KeyCertSign];
    let authority_key = KeyPair::generate()?;
    let authority_pem = authority.self_signed(&authority_key)?.pem();
    let issuer = Issuer::new(authority, authority_key);
    let mut pairs = BTreeMap::new();
    for leaf in leaves {
        let common = leaf.hosts.first().map_or(leaf.name, String::as_str);
        let mut parameters = dated(CertificateParams::new(leaf.hosts.clone())?, common);
        parameters.key_usages = vec![KeyUsagePurpose::DigitalSignature];
        parameters.extended_key_usages = vec![if leaf.is_client {
            ExtendedKeyUsagePurpose::ClientAuth
        } else {
            ExtendedKeyUsagePurpose::ServerAuth
        }];
        parameters.use_authority_key_identifier_extension = true;
        let key = KeyPair::generate()?;
        let pair = Pair {
            certificate: parameters.signed_by(&key, &issuer)?.pem(),
            key: key.serialize_pem(),
        };
        pairs.insert(leaf.name.to_owned(), pair);
    }
    Ok(Issued {
        authority: authority_pem,
        pairs,
        not_after,
    })
}
