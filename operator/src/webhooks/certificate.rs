//! Making a certificate of our own: an authority and, signed by it, what the webhooks are served with.
//!
//! **Invariant:** pure but for randomness; the time is given.

use jiff::tz::TimeZone;
use jiff::{SignedDuration, Timestamp};
use rcgen::{
    BasicConstraints, CertificateParams, DnType, ExtendedKeyUsagePurpose, IsCa, Issuer, KeyPair,
    KeyUsagePurpose,
};

/// How long a certificate is valid.
const VALID: SignedDuration = SignedDuration::from_hours(90 * 24);
/// A new one is made when less than this is left.
const ROTATE_BEFORE: SignedDuration = SignedDuration::from_hours(30 * 24);
/// Clocks of other machines may be behind.
const SKEW: SignedDuration = SignedDuration::from_hours(24);

/// PEM texts.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Issued {
    /// The authority, whose key is forgotten: it signs once.
    pub authority: String,
    /// What is served.
    pub certificate: String,
    /// Its key.
    pub key: String,
    /// Whom it is for.
    pub names: Vec<String>,
    /// When both end.
    pub not_after: Timestamp,
}

/// Makes both for `names`: DNS names or addresses.
pub fn issue(names: &[String], now: Timestamp) -> Result<Issued, rcgen::Error> {
    let not_after = now.saturating_add(VALID).unwrap_or(now);
    // Midnight, which is as exact as this needs to be.
    let date = |time: Timestamp| {
        let day = time.to_zoned(TimeZone::UTC).date();
        let (year, month, day) = (day.year(), day.month(), day.day());
        rcgen::date_time_ymd(i32::from(year), month.unsigned_abs(), day.unsigned_abs())
    };
    let dated = |mut parameters: CertificateParams, name: &str| {
        parameters.not_before = date(now.saturating_sub(SKEW).unwrap_or(now));
        parameters.not_after = date(not_after);
        parameters.distinguished_name.push(DnType::CommonName, name);
        parameters
    };
    let mut authority = dated(
        CertificateParams::new(Vec::new())?,
        "netobserv-operator webhooks",
    );
    authority.is_ca = IsCa::Ca(BasicConstraints::Constrained(0));
    authority.key_usages = vec![KeyUsagePurpose::KeyCertSign];
    let authority_key = KeyPair::generate()?;
    let authority_pem = authority.self_signed(&authority_key)?.pem();
    let issuer = Issuer::new(authority, authority_key);

    let common = names.first().map_or("", String::as_str);
    let mut leaf = dated(CertificateParams::new(names.to_vec())?, common);
    leaf.key_usages = vec![KeyUsagePurpose::DigitalSignature];
    leaf.extended_key_usages = vec![ExtendedKeyUsagePurpose::ServerAuth];
    let key = KeyPair::generate()?;
    Ok(Issued {
        certificate: leaf.signed_by(&key, &issuer)?.pem(),
        authority: authority_pem,
        key: key.serialize_pem(),
        names: names.to_vec(),
        not_after,
    })
}

/// Whether it is time for a new one.
pub fn is_due(not_after: Timestamp, now: Timestamp) -> bool {
    not_after.duration_since(now) < ROTATE_BEFORE
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, reason = "tests")]
    use super::*;

    #[test]
    fn a_certificate_is_made_anew_a_month_before_it_ends() {
        let now = Timestamp::from_second(1_800_000_000).unwrap();
        let issued = issue(&["a.b.svc".to_owned(), "127.0.0.1".to_owned()], now).unwrap();
        for (days, expected) in [(0, false), (59, false), (61, true), (91, true)] {
            let later = now + SignedDuration::from_hours(days * 24);
            assert_eq!(
                is_due(issued.not_after, later),
                expected,
                "after {days} days"
            );
        }
    }
}
