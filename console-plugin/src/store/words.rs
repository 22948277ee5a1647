//! Comparison of short texts word by word. Names and addresses have two or three words, for which the call of the
//! library's comparison takes longer than comparing.
//!
//! **Invariant:** pure; agrees with `==` and `starts_with`.

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
}
