//! Parquet's hybrid of runs and packed bits, in which keys and definition levels are written.
//!
//! Source: `Encodings.md` of the Parquet format, "Run Length Encoding / Bit-Packing Hybrid".
//!
//! **Invariant:** pure; every value is below two to the power of `width`.

/// Values are packed in groups of this many; a run of as many is worth its header.
const GROUP: usize = 8;

/// Bits that the largest value takes.
pub fn width_of(largest: u32) -> u8 {
    (u32::BITS - largest.leading_zeros()) as u8
}

/// Appends the values, each `width` bits.
pub fn encode(out: &mut Vec<u8>, values: &[u32], width: u8) {
    // Values from `packed` on wait to be packed; `at` is looked at.
    let (mut packed, mut at) = (0, 0);
    while at < values.len() {
        let value = values[at];
        let rest = &values[at + 1..];
        let run = 1 + rest
            .iter()
            .position(|other| *other != value)
            .unwrap_or(rest.len());
        // A group that is begun takes what it lacks from the run.
        let lacking = (packed..at).len().next_multiple_of(GROUP) - (at - packed);
        if run >= lacking + GROUP {
            pack(out, &values[packed..at + lacking], width);
            at += run;
            varint(out, (run - lacking) << 1);
            out.extend_from_slice(&value.to_le_bytes()[..width.div_ceil(8) as usize]);
            packed = at;
        } else {
            at += run;
        }
    }
    pack(out, &values[packed..], width);
}

fn pack(out: &mut Vec<u8>, values: &[u32], width: u8) {
    if values.is_empty() {
        return;
    }
    varint(out, values.len().div_ceil(GROUP) << 1 | 1);
    let (mut bits, mut used) = (0u64, 0);
    let padding = values.len().next_multiple_of(GROUP) - values.len();
    for value in values
        .iter()
        .copied()
        .chain(std::iter::repeat_n(0, padding))
    {
        bits |= u64::from(value) << used;
        used += width;
        while used >= 8 {
            out.push(bits as u8);
            bits >>= 8;
            used -= 8;
        }
    }
}

fn varint(out: &mut Vec<u8>, mut value: usize) {
    while value >= 0x80 {
        out.push(value as u8 | 0x80);
        value >>= 7;
    }
    out.push(value as u8);
}

#[cfg(test)]
mod tests {
    use super::*;

    fn encoded(values: &[u32], width: u8) -> Vec<u8> {
        let mut out = Vec::new();
        encode(&mut out, values, width);
        out
    }

    #[test]
    fn the_examples_of_the_format() {
        // The numbers 0 to 7 packed in three bits each, as `Encodings.md` shows them.
        let packed = encoded(&[0, 1, 2, 3, 4, 5, 6, 7], 3);
        assert_eq!(packed, [3, 0b1000_1000, 0b1100_0110, 0b1111_1010]);
        assert_eq!(encoded(&[5; 100], 3), [200, 1, 5], "a run");
        assert_eq!(encoded(&[0; 9], 0), [18], "a run of the only value");
        assert_eq!(encoded(&[], 3), [0u8; 0]);
    }

    #[test]
    fn a_begun_group_is_filled_before_a_run() {
        let values = [[1].as_slice(), &[2; 15]].concat();
        assert_eq!(encoded(&values, 2), [3, 0b1010_1001, 0b1010_1010, 16, 2]);
        let values = [[1].as_slice(), &[2; 14]].concat();
        let all_packed = [5, 0b1010_1001, 0b1010_1010, 0b1010_1010, 0b0010_1010];
        assert_eq!(encoded(&values, 2), all_packed, "too short after that");
    }

    #[test]
    fn widths() {
        for (largest, width) in [(0, 0), (1, 1), (2, 2), (255, 8), (256, 9), (u32::MAX, 32)] {
            assert_eq!(width_of(largest), width, "{largest}");
        }
    }
}
