//! The name of a DNS question, from the bytes that the kernel copied.
//!
//! **Invariant:** any bytes give a name, perhaps an empty one, of at most as many bytes.

/// Writes the dotted name to `text`: labels up to the first NUL, compression pointer, or label that is cut off.
pub fn decode(raw: &[u8], text: &mut Vec<u8>) {
    let mut rest = raw;
    let mut is_first = true;
    while let Some((&length, after)) = rest.split_first() {
        // The two top bits say "pointer"; a question has none, but hostile packets have everything.
        if length == 0 || length & 0xc0 != 0 {
            return;
        }
        let Some((label, next)) = after.split_at_checked(usize::from(length)) else {
            return;
        };
        // Upstream reads up to the first NUL: a label with one inside is cut off.
        if label.contains(&0) {
            return;
        }
        if !is_first {
            text.push(b'.');
        }
        is_first = false;
        // A protobuf string is UTF-8, which DNS labels need not be.
        text.extend(
            label
                .iter()
                .map(|&byte| if byte.is_ascii() { byte } else { b'?' }),
        );
        rest = next;
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, reason = "tests")]

    fn decode(raw: &[u8]) -> String {
        let mut text = Vec::new();
        super::decode(raw, &mut text);
        String::from_utf8(text).unwrap()
    }

    #[test]
    fn names_are_read_as_far_as_they_are_whole() {
        let cases: [(&[u8], &str); 8] = [
            (b"\x03abc\x03def\0", "abc.def"),
            (b"\x03abc\xc0\x12\0", "abc"),
            (b"\x0aabc", ""),
            (b"\x03ab\0more", ""),
            (b"\x03abc\x05de", "abc"),
            (b"\0\x03abc", ""),
            (b"\x02\xc3\x28\x01a\0", "?(.a"),
            (b"", ""),
        ];
        for (raw, expected) in cases {
            assert_eq!(decode(raw), expected, "{raw:?}");
        }
    }
}
