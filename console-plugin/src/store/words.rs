//! Short texts compared and scanned word by word. Names and addresses have two or three words, for which the call of the
//! library's comparison takes longer than comparing.
//!
//! **Invariant:** pure; agrees with `==` and `starts_with`, and with a look at byte after byte.

const WORD: usize = size_of::<u64>();

/// Whether both are the same.
#[inline]
pub fn is_equal(a: &[u8], b: &[u8]) -> bool {
    if a.len() != b.len() {
        return false;
    }
    let (Some(last_of_a), Some(last_of_b)) = (a.last_chunk::<WORD>(), b.last_chunk::<WORD>())
    else {
        return a.iter().eq(b);
    };
    // The last word overlaps the one before it.
    let (words_of_a, words_of_b) = (a.as_chunks::<WORD>().0, b.as_chunks::<WORD>().0);
    last_of_a == last_of_b && words_of_a.iter().zip(words_of_b).all(|(a, b)| a == b)
}

/// Whether the text begins so.
#[inline]
pub fn begins_with(text: &[u8], beginning: &[u8]) -> bool {
    text.get(..beginning.len())
        .is_some_and(|start| is_equal(start, beginning))
}

/// How many of eight bytes come before the first that is a quote, a backslash or a control character; all eight are
/// looked at in one word.
#[inline]
fn plain_bytes(word: [u8; WORD]) -> usize {
    const ONES: u64 = 0x0101_0101_0101_0101;
    let word = u64::from_le_bytes(word);
    // Sets the high bit of each byte below the bound, and perhaps of bytes behind such a one; bytes from 128 on are left
    // out by `!word`.
    let below = |word: u64, bound: u8| word.wrapping_sub(ONES * u64::from(bound)) & !word;
    let is_byte = |byte: u8| below(word ^ (ONES * u64::from(byte)), 1);
    let special = (below(word, 0x20) | is_byte(b'"') | is_byte(b'\\')) & (ONES << 7);
    (special.trailing_zeros() / u8::BITS) as usize
}

/// Where the first quote, backslash or control character is.
#[inline]
pub fn first_special(text: &[u8]) -> Option<usize> {
    let (words, rest) = text.as_chunks::<WORD>();
    let plain = words.iter().map(|word| plain_bytes(*word));
    for (at, plain) in plain.enumerate() {
        if plain < WORD {
            return Some(at * WORD + plain);
        }
    }
    let is_special = |byte: &u8| *byte < 0x20 || matches!(byte, b'"' | b'\\');
    let at = rest.iter().position(is_special)?;
    Some(words.len() * WORD + at)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn agrees_with_the_library_at_every_length_and_place() {
        let text: Vec<u8> = (0..40).collect();
        for length in 0..text.len() {
            let same = &text[..length];
            assert!(is_equal(same, &text.clone()[..length]), "{length}");
            assert!(begins_with(&text, same), "{length}");
            assert!(!is_equal(&text, same) && !begins_with(same, &text));
            for place in 0..length {
                let mut other = same.to_vec();
                other[place] ^= 1;
                assert!(!is_equal(same, &other), "{length}, {place}");
                assert!(!begins_with(&text, &other), "{length}, {place}");
            }
        }
    }

    #[test]
    fn the_first_special_byte_is_found_wherever_it_is() {
        let plain = "aZ \u{e9}!#[]~\u{7f}\u{20ac}/0129azAZ".as_bytes();
        assert_eq!(first_special(plain), None);
        for place in 0..plain.len() {
            for special in [b'"', b'\\', 0, b'\n', 0x1f] {
                let mut text = plain.to_vec();
                text[place] = special;
                assert_eq!(first_special(&text), Some(place), "{special}");
                // A later one does not matter.
                text.push(b'"');
                assert_eq!(first_special(&text), Some(place), "{special}");
            }
        }
    }
}
