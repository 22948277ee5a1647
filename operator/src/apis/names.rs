//! Names as Kubernetes takes them.

/// Longest name of a namespace, and longest value of a label.
const LENGTH_MAX: usize = 63;

/// Whether a namespace can have that name: a label of DNS.
pub fn is_namespace(name: &str) -> bool {
    let is_edge = |c: char| c.is_ascii_lowercase() || c.is_ascii_digit();
    is_framed(name, is_edge, |c| is_edge(c) || c == '-')
}

/// Whether a label can have that value.
pub fn is_label_value(value: &str) -> bool {
    let is_edge = |c: char| c.is_ascii_alphanumeric();
    value.is_empty() || is_framed(value, is_edge, |c| is_edge(c) || "-_.".contains(c))
}

/// Whether a text is not too long, begins and ends with certain letters, and has certain others between.
fn is_framed(
    text: &str,
    is_edge: impl Fn(char) -> bool + Copy,
    is_part: impl Fn(char) -> bool,
) -> bool {
    text.len() <= LENGTH_MAX
        && text.starts_with(is_edge)
        && text.ends_with(is_edge)
        && text.chars().all(is_part)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_of_namespaces_and_values_of_labels() {
        let (longest, longer) = ("a".repeat(63), "a".repeat(64));
        for (text, is_name, is_value) in [
            ("shop", true, true),
            ("shop-2", true, true),
            ("2", true, true),
            (longest.as_str(), true, true),
            (&longer, false, false),
            ("", false, true),
            ("Shop", false, true),
            ("shop.a_b", false, true),
            ("-shop", false, false),
            ("shop-", false, false),
            ("a b", false, false),
        ] {
            assert_eq!(is_namespace(text), is_name, "{text}");
            assert_eq!(is_label_value(text), is_value, "{text}");
        }
    }
}
