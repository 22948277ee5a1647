//! Kubernetes quantities by value: `1000m` is `1`, `1Gi` is `1024Mi`. The API server rewrites them.

use serde_json::Value;

/// Whether both are quantities of the same value.
pub fn are_equal(left: &Value, right: &Value) -> bool {
    match (nanos(left), nanos(right)) {
        (Some(left), Some(right)) => left == right,
        _ => false,
    }
}

/// Whether a quantity is written as one of less than 0.
pub fn is_negative(quantity: &str) -> bool {
    quantity.trim_start().starts_with('-')
}

/// Whether both are quantities and the left one is of greater value.
pub fn is_greater(left: &str, right: &str) -> bool {
    match (nanos(&Value::from(left)), nanos(&Value::from(right))) {
        (Some(left), Some(right)) => left > right,
        _ => false,
    }
}

/// The whole units of a quantity, such as bytes; none if it is no quantity.
pub fn units(text: &str) -> Option<i128> {
    nanos(&Value::from(text)).map(|nanos| nanos / NANOS)
}

const NANOS: i128 = 1_000_000_000;

/// The value in billionths; none if it is no quantity or is finer or greater than that.
fn nanos(value: &Value) -> Option<i128> {
    let text = match value {
        Value::String(text) => text.trim().to_owned(),
        Value::Number(number) => number.to_string(),
        _ => return None,
    };
    let split = text
        .find(|c: char| !matches!(c, '0'..='9' | '+' | '-' | '.'))
        .unwrap_or(text.len());
    let (digits, suffix) = text.split_at(split);
    scale(decimal_nanos(digits)?, suffix)
}

/// A decimal number in billionths.
fn decimal_nanos(digits: &str) -> Option<i128> {
    let (sign, digits) = match digits.strip_prefix('-') {
        Some(rest) => (-1, rest),
        None => (1, digits.strip_prefix('+').unwrap_or(digits)),
    };
    let (whole, fraction) = digits.split_once('.').unwrap_or((digits, ""));
    if (whole.is_empty() && fraction.is_empty()) || fraction.len() > 9 {
        return None;
    }
    let number = |digits: &str| -> Option<i128> {
        if digits.is_empty() {
            Some(0)
        } else {
            digits.parse().ok().filter(|number| *number >= 0)
        }
    };
    let fraction = number(&format!("{fraction:0<9}"))?;
    Some(sign * number(whole)?.checked_mul(NANOS)?.checked_add(fraction)?)
}

fn scale(nanos: i128, suffix: &str) -> Option<i128> {
    let divided = |divisor: i128| (nanos % divisor == 0).then_some(nanos / divisor);
    let power = |base: i128, exponent: u32| nanos.checked_mul(base.checked_pow(exponent)?);
    match suffix {
        "" => Some(nanos),
        "n" => divided(NANOS),
        "u" => divided(1_000_000),
        "m" => divided(1000),
        "k" => power(1000, 1),
        "M" => power(1000, 2),
        "G" => power(1000, 3),
        "T" => power(1000, 4),
        "P" => power(1000, 5),
        "E" => power(1000, 6),
        "Ki" => power(1024, 1),
        "Mi" => power(1024, 2),
        "Gi" => power(1024, 3),
        "Ti" => power(1024, 4),
        "Pi" => power(1024, 5),
        "Ei" => power(1024, 6),
        _ => {
            let exponent: i32 = suffix.strip_prefix(['e', 'E'])?.parse().ok()?;
            let factor = 10_i128.checked_pow(exponent.unsigned_abs())?;
            if exponent < 0 {
                divided(factor)
            } else {
                nanos.checked_mul(factor)
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn quantities_are_compared_by_value() {
        for (left, right, expected) in [
            (json!("1000m"), json!("1"), true),
            (json!("0.1"), json!("100m"), true),
            (json!("1Gi"), json!("1024Mi"), true),
            (json!("1e3"), json!("1k"), true),
            (json!("1500m"), json!("1.5"), true),
            (json!(2), json!("2"), true),
            (json!("-1"), json!("-1000m"), true),
            (json!("1"), json!("2"), false),
            (json!("1G"), json!("1Gi"), false),
            (json!("many"), json!("many"), false),
            (json!(""), json!("0"), false),
            (json!(null), json!("0"), false),
        ] {
            assert_eq!(are_equal(&left, &right), expected, "{left} {right}");
        }
    }
}
