//! How the two versions spell the same value of an enum: `SCRAM-SHA512` and `ScramSHA512`.

/// Values the rule below does not hold for: `v1beta1`, `v1beta2`.
const EXCEPTIONS: [(&str, &str); 3] = [
    ("IPFIX", "IPFIX"),
    ("EBPF", "eBPF"),
    ("SCRAM-SHA512", "ScramSHA512"),
];

/// Words in capitals, joined by `-` or `_`, become words that begin with one.
pub fn to_v1beta2(text: &str) -> String {
    if let Some((_, spelled)) = EXCEPTIONS.iter().find(|(old, _)| *old == text) {
        return (*spelled).to_owned();
    }
    text.split(['-', '_'])
        .flat_map(|word| {
            let mut letters = word.chars();
            let first = letters.next().map(|c| c.to_ascii_uppercase());
            first
                .into_iter()
                .chain(letters.map(|c| c.to_ascii_lowercase()))
        })
        .collect()
}

/// Words that begin with a capital become words in capitals, joined by `separator`.
pub fn to_v1beta1(text: &str, separator: char) -> String {
    if let Some((spelled, _)) = EXCEPTIONS.iter().find(|(_, new)| *new == text) {
        return (*spelled).to_owned();
    }
    let mut spelled = String::new();
    for (at, letter) in text.chars().enumerate() {
        if at > 0 && letter.is_ascii_uppercase() {
            spelled.push(separator);
        }
        spelled.push(letter.to_ascii_uppercase());
    }
    spelled
}
