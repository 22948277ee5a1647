//! The digest of a configuration text that NetObserv writes on pods: a pod of an installation that is taken over is
//! rolled only if its configuration really differs.

/// FNV-1a of 64 bits in base 36.
pub fn of(text: &str) -> String {
    const OFFSET: u64 = 0xcbf2_9ce4_8422_2325;
    const PRIME: u64 = 0x0100_0000_01b3;
    let hash = text.bytes().fold(OFFSET, |hash, byte| {
        (hash ^ u64::from(byte)).wrapping_mul(PRIME)
    });
    base36(hash)
}

fn base36(mut number: u64) -> String {
    let mut digits = Vec::new();
    loop {
        digits.push(char::from_digit((number % 36) as u32, 36).unwrap_or_default());
        number /= 36;
        if number == 0 {
            break;
        }
    }
    digits.iter().rev().collect()
}

#[cfg(test)]
mod tests {
    #[test]
    fn the_digest_is_fnv_1a_in_base_36() {
        // Reference values of the 64-bit FNV-1a test suite: "" and "a".
        assert_eq!(
            u64::from_str_radix(&super::of(""), 36),
            Ok(0xcbf2_9ce4_8422_2325)
        );
        assert_eq!(
            u64::from_str_radix(&super::of("a"), 36),
            Ok(0xaf63_dc4c_8601_ec8c)
        );
    }
}
