//! The query string of a URL, decoded as Go's `net/url` does.
//!
//! **Invariant:** bounded by [`PARAMETERS_MAX`]; a pair that cannot be decoded is an error, never a guess.

use super::{BadRequest, excerpt};

/// Pairs in one query string.
const PARAMETERS_MAX: usize = 64;

/// Decoded pairs; the first of a name counts.
#[derive(Debug, Clone, Default)]
pub struct Parameters(Vec<(String, String)>);

impl Parameters {
    /// Reads a raw query string (without `?`).
    pub fn parse(query: &str) -> Result<Self, BadRequest> {
        let mut pairs = Vec::new();
        for pair in query.split('&').filter(|pair| !pair.is_empty()) {
            if pairs.len() == PARAMETERS_MAX {
                return Err(BadRequest::new(format!(
                    "more than {PARAMETERS_MAX} parameters in the request"
                )));
            }
            let (name, value) = pair.split_once('=').unwrap_or((pair, ""));
            pairs.push((unescape(name)?, unescape(value)?));
        }
        Ok(Self(pairs))
    }

    /// The value of a parameter; the empty text when it is absent.
    pub fn get(&self, name: &str) -> &str {
        self.0
            .iter()
            .find(|(key, _)| key == name)
            .map_or("", |(_, value)| value)
    }
}

/// Decodes `%xx` and `+`.
pub fn unescape(text: &str) -> Result<String, BadRequest> {
    let invalid = || BadRequest::new(format!("invalid URL escape in \"{}\"", excerpt(text)));
    let mut bytes = Vec::with_capacity(text.len());
    let mut rest = text.bytes();
    while let Some(byte) = rest.next() {
        bytes.push(match byte {
            b'+' => b' ',
            b'%' => {
                let mut digit = || rest.next().and_then(|digit| char::from(digit).to_digit(16));
                let (Some(high), Some(low)) = (digit(), digit()) else {
                    return Err(invalid());
                };
                (high * 16 + low) as u8
            }
            other => other,
        });
    }
    String::from_utf8(bytes).map_err(|_| invalid())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_first_of_a_name_counts_and_escapes_are_decoded() {
        let parameters = Parameters::parse("a=1&a=2&b=x%3Dy+z&c&=d").expect("valid");
        assert_eq!(parameters.get("a"), "1");
        assert_eq!(parameters.get("b"), "x=y z");
        assert_eq!(parameters.get("c"), "");
        assert_eq!(parameters.get("missing"), "");
    }

    #[test]
    fn broken_escapes_are_refused() {
        for text in ["%", "%1", "%zz", "a%f", "%ff"] {
            assert!(unescape(text).is_err(), "{text}");
        }
    }
}
