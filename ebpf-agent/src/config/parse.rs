//! Text of a variable to a value, by the rules NetObserv's agent has for each type.
//!
//! **Invariant:** pure; an error says what was expected, never which variable it was (the reader adds that).

use std::time::Duration;

/// `1 t T TRUE true True 0 f F FALSE false False`, nothing else.
pub fn boolean(text: &str) -> Result<bool, String> {
    match text {
        "1" | "t" | "T" | "TRUE" | "true" | "True" => Ok(true),
        "0" | "f" | "F" | "FALSE" | "false" | "False" => Ok(false),
        _ => Err("expected true or false".to_owned()),
    }
}

/// A base-10 number in the signed 32-bit range.
pub fn int(text: &str) -> Result<i32, String> {
    text.parse()
        .map_err(|_| "expected a whole number".to_owned())
}

/// A base-10 number from 0 to 65535.
pub fn uint16(text: &str) -> Result<u16, String> {
    text.parse()
        .map_err(|_| "expected a whole number from 0 to 65535".to_owned())
}

/// Items between commas, as they are.
pub fn list(text: &str) -> Vec<String> {
    text.split(',').map(str::to_owned).collect()
}

/// Checks `prefix=name[,prefix=name...]`, hexadecimal bytes with or without colons before the name.
pub fn mac_prefixes(text: &str) -> Result<(), String> {
    text.split(',')
        .filter(|_| !text.is_empty())
        .try_for_each(mac_prefix)
}

fn mac_prefix(pair: &str) -> Result<(), String> {
    let (prefix, _) = pair
        .split_once('=')
        .ok_or_else(|| format!("bad format '{pair}'; expected 'mac_prefix=name'"))?;
    let digits = prefix.replace(':', "");
    if digits.len() % 2 != 0 || !digits.bytes().all(|digit| digit.is_ascii_hexdigit()) {
        return Err(format!(
            "bad MAC prefix '{prefix}'; expected hexadecimal bytes"
        ));
    }
    match digits.len() / 2 {
        0 => Err(format!("empty MAC prefix in '{pair}'")),
        1..=6 => Ok(()),
        _ => Err(format!("MAC prefix too big '{prefix}'")),
    }
}

/// Nanoseconds of a unit, longest names first where one is the start of another.
const UNITS: [(&str, u64); 8] = [
    ("ns", 1),
    ("us", 1_000),
    ("µs", 1_000),
    ("μs", 1_000),
    ("ms", 1_000_000),
    ("s", 1_000_000_000),
    ("m", 60_000_000_000),
    ("h", 3_600_000_000_000),
];

/// A duration as Go writes it (`200ms`, `1h30m`, `1.5s`, `0`). Negative ones are understood and come out as zero, which
/// is what every use of them means: off, or refused as "must be more than zero".
pub fn duration(text: &str) -> Result<Duration, String> {
    let expected = || "expected a duration such as 200ms, 5s or 1h30m".to_owned();
    let (is_negative, mut rest) = match text.strip_prefix(['-', '+']) {
        Some(rest) => (text.starts_with('-'), rest),
        None => (false, text),
    };
    if rest == "0" {
        return Ok(Duration::ZERO);
    }
    if rest.is_empty() {
        return Err(expected());
    }
    let mut nanoseconds: u64 = 0;
    while !rest.is_empty() {
        let unit_at = rest
            .find(|c: char| !c.is_ascii_digit() && c != '.')
            .ok_or_else(expected)?;
        let (number, tail) = rest.split_at(unit_at);
        let unit_end = tail
            .find(|c: char| c.is_ascii_digit() || c == '.')
            .unwrap_or(tail.len());
        let (unit, tail) = tail.split_at(unit_end);
        let scale = UNITS
            .iter()
            .find(|(name, _)| *name == unit)
            .ok_or_else(expected)?
            .1;
        let part = scaled(number, scale).ok_or_else(expected)?;
        nanoseconds = nanoseconds
            .checked_add(part)
            .filter(|sum| i64::try_from(*sum).is_ok())
            .ok_or_else(expected)?;
        rest = tail;
    }
    Ok(if is_negative {
        Duration::ZERO
    } else {
        Duration::from_nanos(nanoseconds)
    })
}

/// `number` (digits with at most one point) times `scale`, without floating point.
fn scaled(number: &str, scale: u64) -> Option<u64> {
    let (whole, fraction) = number.split_once('.').unwrap_or((number, ""));
    if whole.is_empty() && fraction.is_empty() || fraction.contains('.') {
        return None;
    }
    let mut total = if whole.is_empty() {
        0
    } else {
        whole.parse::<u64>().ok()?.checked_mul(scale)?
    };
    let mut place = scale;
    for digit in fraction.bytes() {
        // The remainder of a place below a nanosecond is nothing that a clock here could show.
        total = total.checked_add(u64::from(digit - b'0') * place / 10)?;
        place /= 10;
    }
    Some(total)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn durations_are_read_as_go_writes_them() {
        let cases = [
            ("200ms", Some(200_000_000)),
            ("5s", Some(5_000_000_000)),
            ("1h30m", Some(5_400_000_000_000)),
            ("1.5s", Some(1_500_000_000)),
            (".5s", Some(500_000_000)),
            ("1.s", Some(1_000_000_000)),
            ("10µs", Some(10_000)),
            ("+1ns", Some(1)),
            ("0", Some(0)),
            ("-5s", Some(0)),
            ("5", None),
            ("", None),
            ("s", None),
            (".s", None),
            ("1..5s", None),
            ("5 s", None),
            ("5sec", None),
            ("9999999999h", None),
        ];
        for (text, expected) in cases {
            assert_eq!(
                duration(text).ok(),
                expected.map(Duration::from_nanos),
                "{text:?}"
            );
        }
    }

    #[test]
    fn mac_prefixes_are_good_or_refused_with_the_place() {
        for text in ["", "0a:58=eth0", "0a58=eth0", "0a:58=eth0,06=ens5"] {
            assert_eq!(mac_prefixes(text), Ok(()), "{text:?}");
        }
        for (text, expected) in [
            ("0a:58", "bad format '0a:58'; expected 'mac_prefix=name'"),
            ("0g=eth0", "bad MAC prefix '0g'; expected hexadecimal bytes"),
            (
                "0a5=eth0",
                "bad MAC prefix '0a5'; expected hexadecimal bytes",
            ),
            ("=eth0", "empty MAC prefix in '=eth0'"),
            (
                "01:02:03:04:05:06:07=eth0",
                "MAC prefix too big '01:02:03:04:05:06:07'",
            ),
        ] {
            assert_eq!(mac_prefixes(text), Err(expected.to_owned()));
        }
    }

    #[test]
    fn booleans_are_the_twelve_words_only() {
        for text in ["1", "t", "T", "TRUE", "true", "True"] {
            assert_eq!(boolean(text), Ok(true));
        }
        for text in ["0", "f", "F", "FALSE", "false", "False"] {
            assert_eq!(boolean(text), Ok(false));
        }
        for text in ["yes", "on", "tRUE", " true", "2", ""] {
            assert!(boolean(text).is_err(), "{text:?}");
        }
    }

    #[test]
    fn numbers_are_base_ten_and_in_range() {
        assert_eq!(int("-3"), Ok(-3));
        for text in ["1e3", "0x10", "2147483648", "1.0", ""] {
            assert!(int(text).is_err(), "{text:?}");
        }
        assert_eq!(uint16("65535"), Ok(65535));
        assert!(uint16("65536").is_err());
        assert!(uint16("-1").is_err());
    }
}
