//! Reads one flow line (a flat JSON object) without building a tree: each member is handed out as it is met.
//!
//! Called by the push decoder for each line, by the executor for values kept as JSON, and for CSV.
//!
//! **Invariant:** accepts exactly what RFC 8259 calls an object (nesting limited), in time linear in the line; what is
//! handed out borrows from the line unless a text has escapes.

use std::borrow::Cow;

use super::words::{begins_with, first_special};

/// A member's value.
#[derive(Debug, PartialEq)]
pub enum Value<'a> {
    /// An integer that fits.
    Int(i64),
    Text(Cow<'a, str>),
    /// Anything else: other numbers, lists, objects, booleans, null.
    Other,
}

/// Where and why a line is not a JSON object.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{expected} expected at byte {offset} of the line")]
pub struct LineError {
    pub expected: &'static str,
    pub offset: usize,
}

/// Calls `visit(key, value, json)` for each member in order; `json` is the value as it stands in the line.
pub fn object<'a>(
    line: &'a str,
    mut visit: impl FnMut(&str, Value<'a>, &'a str),
) -> Result<(), LineError> {
    guided(line, "", |key, value, json| {
        visit(key.unwrap_or_default(), value, json);
        ""
    })
}

/// The same for lines whose order of members is known: `visit` answers what the next member probably begins with (its
/// name in quotes and a colon, which must be such text; empty for no guess), and gets no key where that was right.
/// `expected` is the guess for the first.
pub fn guided<'a>(
    line: &'a str,
    mut expected: &'static str,
    mut visit: impl FnMut(Option<&str>, Value<'a>, &'a str) -> &'static str,
) -> Result<(), LineError> {
    let mut scanner = Scanner {
        text: line,
        bytes: line.as_bytes(),
        at: 0,
    };
    scanner.expect(b'{', "an object")?;
    if !scanner.skip_if(b'}') {
        loop {
            scanner.space();
            let is_expected = !expected.is_empty()
                && begins_with(&scanner.bytes[scanner.at..], expected.as_bytes());
            let key = if is_expected {
                scanner.at += expected.len();
                None
            } else {
                let key = scanner.string("a field name")?;
                scanner.expect(b':', "a colon")?;
                Some(key)
            };
            scanner.space();
            let start = scanner.at;
            let value = scanner.value()?;
            expected = visit(key.as_deref(), value, &line[start..scanner.at]);
            if !scanner.skip_if(b',') {
                scanner.expect(b'}', "a comma or the end of the object")?;
                break;
            }
        }
    }
    scanner.space();
    if scanner.at == scanner.bytes.len() {
        Ok(())
    } else {
        Err(scanner.error("the end of the line"))
    }
}

/// Calls `visit` with the text of each element of a JSON list: texts without quotes, all else as written. What is not
/// a list counts as a list of itself.
pub fn elements(json: &str, mut visit: impl FnMut(&str)) {
    let mut scanner = Scanner {
        text: json,
        bytes: json.as_bytes(),
        at: 0,
    };
    if !scanner.skip_if(b'[') {
        visit(json);
        return;
    }
    while scanner.at < scanner.bytes.len() && !scanner.skip_if(b']') {
        scanner.space();
        let start = scanner.at;
        match scanner.value() {
            Ok(Value::Text(text)) => visit(&text),
            Ok(_) => visit(&json[start..scanner.at]),
            Err(_) => return,
        }
        scanner.skip_if(b',');
    }
}

/// Digits of which no number is too large for 64 bits.
const DIGITS_ALWAYS_FIT: usize = 18;

struct Scanner<'a> {
    text: &'a str,
    bytes: &'a [u8],
    at: usize,
}

impl<'a> Scanner<'a> {
    fn error(&self, expected: &'static str) -> LineError {
        LineError {
            expected,
            offset: self.at,
        }
    }

    fn peek(&self) -> u8 {
        self.bytes.get(self.at).copied().unwrap_or(0)
    }

    fn space(&mut self) {
        while matches!(self.peek(), b' ' | b'\t' | b'\n' | b'\r') {
            self.at += 1;
        }
    }

    fn skip_if(&mut self, byte: u8) -> bool {
        self.space();
        let is_next = self.peek() == byte && self.at < self.bytes.len();
        self.at += usize::from(is_next);
        is_next
    }

    fn expect(&mut self, byte: u8, expected: &'static str) -> Result<(), LineError> {
        if self.skip_if(byte) {
            Ok(())
        } else {
            Err(self.error(expected))
        }
    }

    /// The quoted text at the cursor.
    fn string(&mut self, expected: &'static str) -> Result<Cow<'a, str>, LineError> {
        if self.peek() != b'"' {
            return Err(self.error(expected));
        }
        let start = self.at + 1;
        let mut has_escape = false;
        let mut at = start;
        loop {
            let plain = self.bytes.get(at..).and_then(first_special);
            at = plain.map_or(self.bytes.len(), |plain| at + plain);
            match self.bytes.get(at) {
                Some(b'"') => break,
                Some(b'\\') => {
                    has_escape = true;
                    at += 2;
                }
                _ => {
                    self.at = at;
                    return Err(self.error("the end of a text"));
                }
            }
        }
        if has_escape {
            let text = serde_json::from_str(&self.text[start - 1..=at])
                .map_err(|_| self.error("a valid text"))?;
            self.at = at + 1;
            return Ok(Cow::Owned(text));
        }
        self.at = at + 1;
        Ok(Cow::Borrowed(&self.text[start..at]))
    }

    fn value(&mut self) -> Result<Value<'a>, LineError> {
        match self.peek() {
            b'"' => self.string("a text").map(Value::Text),
            b'-' | b'0'..=b'9' => {
                if let Some(number) = self.integer() {
                    return Ok(Value::Int(number));
                }
                self.other()
            }
            b'[' => {
                let start = self.at;
                if self.is_plain_list() {
                    return Ok(Value::Other);
                }
                self.at = start;
                self.other()
            }
            _ => self.other(),
        }
    }

    /// Whether the list at the cursor holds nothing but integers and texts without escapes, as those of flows do; the
    /// cursor is behind it then.
    fn is_plain_list(&mut self) -> bool {
        self.at += 1;
        if self.peek() == b']' {
            self.at += 1;
            return true;
        }
        loop {
            let is_plain = match self.peek() {
                b'"' => matches!(self.string("a text"), Ok(Cow::Borrowed(_))),
                _ => self.integer().is_some(),
            };
            let end = self.peek();
            self.at += 1;
            match (is_plain, end) {
                (true, b',') => {}
                (is_plain, end) => return is_plain && end == b']',
            }
        }
    }

    /// The integer at the cursor, if it is one that fits and is not the beginning of another number.
    fn integer(&mut self) -> Option<i64> {
        let start = self.at;
        let first = start + usize::from(self.peek() == b'-');
        let mut at = first;
        let mut number: i64 = 0;
        while let Some(digit) = self.bytes.get(at).filter(|b| b.is_ascii_digit()) {
            number = number
                .wrapping_mul(10)
                .wrapping_add(i64::from(digit - b'0'));
            at += 1;
        }
        if at - first > DIGITS_ALWAYS_FIT {
            number = self.text[start..at].parse().ok()?;
        } else if first > start {
            number = -number;
        }
        let has_leading_zero = self.bytes.get(first) == Some(&b'0') && at - first > 1;
        let goes_on = matches!(self.bytes.get(at), Some(b'.' | b'e' | b'E'));
        if at == first || has_leading_zero || goes_on || (first > start && number == 0) {
            return None;
        }
        self.at = at;
        Some(number)
    }

    /// Everything that is rare. A parser that keeps nothing finds its extent; that one looks neither at nesting nor at
    /// what escapes and numbers come to, and who reads the line later does.
    fn other(&mut self) -> Result<Value<'a>, LineError> {
        let mut stream = serde_json::Deserializer::from_str(&self.text[self.at..])
            .into_iter::<serde::de::IgnoredAny>();
        let Some(Ok(_)) = stream.next() else {
            return Err(self.error("a value"));
        };
        let json = &self.text[self.at..self.at + stream.byte_offset()];
        if json.len() > 2 * NESTED_MAX && nesting(json) > NESTED_MAX {
            return Err(self.error("a value of at most 100 lists and objects in each other"));
        }
        let is_doubtful = may_overflow(json) || json.contains("\\u");
        if is_doubtful && serde_json::from_str::<serde_json::Value>(json).is_err() {
            return Err(self.error("numbers that fit in 64 bits and texts of whole characters"));
        }
        self.at += json.len();
        Ok(Value::Other)
    }
}

/// Lists and objects in each other that a value may have: JSON parsers give up beyond 127, and a line puts its value
/// into an object.
const NESTED_MAX: usize = 100;

/// How many lists and objects of a valid value are in each other.
fn nesting(json: &str) -> usize {
    let (mut depth, mut deepest) = (0, 0);
    let mut is_text = false;
    let mut bytes = json.bytes();
    while let Some(byte) = bytes.next() {
        match byte {
            b'"' => is_text = !is_text,
            b'\\' => drop(bytes.next()),
            b'[' | b'{' if !is_text => {
                depth += 1;
                deepest = deepest.max(depth);
            }
            b']' | b'}' if !is_text => depth -= 1,
            _ => {}
        }
    }
    deepest
}

/// Digits of which no number is too large for a 64-bit float.
const DIGITS_ALWAYS_FINITE: usize = 300;

/// Whether a number in it may be too large for those who read the line.
fn may_overflow(json: &str) -> bool {
    let is_exponent = |pair: &[u8]| pair[0].is_ascii_digit() && matches!(pair[1], b'e' | b'E');
    json.len() > DIGITS_ALWAYS_FINITE || json.as_bytes().windows(2).any(is_exponent)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn members(line: &str) -> Result<Vec<(String, String)>, LineError> {
        let mut found = Vec::new();
        object(line, |key, value, json| {
            let value = match value {
                Value::Int(number) => format!("int {number}"),
                Value::Text(text) => format!("text {text}"),
                Value::Other => format!("other {json}"),
            };
            found.push((key.to_owned(), value));
        })?;
        Ok(found)
    }

    #[test]
    fn members_come_in_order_with_their_kind() {
        let line = r#" { "A" : 1 ,"B":"x","C":["e\"0"], "D":{"k":[1]},"E":-7,"F":1.5e3,"G":true,"H":null,"I":"a\u00e9\n","J":9223372036854775808,"K":-0} "#;
        let expected = [
            ("A", "int 1"),
            ("B", "text x"),
            ("C", r#"other ["e\"0"]"#),
            ("D", r#"other {"k":[1]}"#),
            ("E", "int -7"),
            ("F", "other 1.5e3"),
            ("G", "other true"),
            ("H", "other null"),
            ("I", "text aé\n"),
            ("J", "other 9223372036854775808"),
            ("K", "other -0"),
        ];
        let expected: Vec<_> = expected
            .iter()
            .map(|(k, v)| ((*k).to_owned(), (*v).to_owned()))
            .collect();
        assert_eq!(members(line), Ok(expected));
        assert_eq!(members("{}"), Ok(Vec::new()));
    }

    #[test]
    fn a_right_guess_takes_the_place_of_a_key_and_a_wrong_one_changes_nothing() {
        let mut found = Vec::new();
        let line = r#"{"A":1,"B" :2,"C":3,"D":4}"#;
        guided(line, "\"A\":", |key, value, _| {
            found.push((key.map(str::to_owned), value));
            match found.len() {
                1 => "\"B\":",
                2 => "\"C\":",
                _ => "\"X\":",
            }
        })
        .expect("an object");
        let expected = [
            (None, Value::Int(1)),
            (Some("B".to_owned()), Value::Int(2)),
            (None, Value::Int(3)),
            (Some("D".to_owned()), Value::Int(4)),
        ];
        assert_eq!(found, expected);
        let value = |line: &'static str| guided(line, "\"A\":", |_, _, _| "").map_err(|e| e.offset);
        assert_eq!(value(r#"{"A":}"#), Err(5), "a value is still expected");
        assert_eq!(value(r#"{"A"#), Err(3));
    }

    #[test]
    fn what_is_not_an_object_is_refused_with_its_place() {
        for (line, offset) in [
            ("", 0),
            ("[1]", 0),
            ("{", 1),
            (r#"{"a"}"#, 4),
            (r#"{"a":1,}"#, 7),
            (r#"{"a":01}"#, 5),
            (r#"{"a":1}x"#, 7),
            (r#"{"a":"b"#, 7),
            (r#"{"a":tru}"#, 5),
            ("{\"a\":\"\u{1}\"}", 6),
            (r#"{"a":"\q"}"#, 5),
            (r#"{"a":1 "b":2}"#, 7),
            (r#"{"a":1e400}"#, 5),
            (r#"{"a":[{"b":-1E+999}]}"#, 5),
            (r#"{"a":["\ud800"]}"#, 5),
            (r#"{"a":{"\udc00\ud800":1}}"#, 5),
        ] {
            assert_eq!(members(line).map_err(|e| e.offset), Err(offset), "{line}");
        }
        let digits = format!("{{\"a\":{}}}", "9".repeat(310));
        assert_eq!(members(&digits).map_err(|e| e.offset), Err(5));
    }

    #[test]
    fn what_is_nested_too_deep_to_be_read_again_is_refused() {
        let nested = |open: &str, close: &str, depth: usize| {
            format!("{{\"a\":{}0{}}}", open.repeat(depth), close.repeat(depth))
        };
        let wide = format!("{{\"a\":[{}0]}}", "[\"[\\\"[\"],".repeat(1_000));
        for (line, is_taken) in [
            (nested("[", "]", 100), true),
            (nested("{\"b\":", "}", 100), true),
            (nested("[", "]", 101), false),
            (nested("{\"b\":", "}", 101), false),
            (nested("[", "]", 100_000), false),
            (wide, true),
        ] {
            let outcome = members(&line).map(|_| ());
            let expected = LineError {
                expected: "a value of at most 100 lists and objects in each other",
                offset: 5,
            };
            let text = line.get(..200).unwrap_or(&line);
            assert_eq!(
                outcome,
                if is_taken { Ok(()) } else { Err(expected) },
                "{text}"
            );
            let again = serde_json::from_str::<serde_json::Value>(&line);
            assert!(again.is_ok() || !is_taken, "{text}");
        }
    }

    #[test]
    fn lists_end_where_they_end_and_broken_ones_are_refused() {
        for list in [
            "[]",
            "[ ]",
            "[0]",
            "[1,-2,123456789012345678]",
            "[1 , 2]",
            "[1,-0,2.5,1e3]",
            r#"["eth0","br-ex"]"#,
            r#"["eth0", "a\"],[b"]"#,
            r#"["a",[1],{"b":[]},null]"#,
        ] {
            let line = format!("{{\"A\":{list},\"B\":1}}");
            let expected = [("A", format!("other {list}")), ("B", "int 1".to_owned())];
            let expected = expected.map(|(key, value)| (key.to_owned(), value));
            assert_eq!(members(&line), Ok(expected.to_vec()), "{list}");
        }
        for list in [
            "[",
            "[,]",
            "[1,]",
            "[01]",
            "[1 2]",
            "[1",
            r#"["a"#,
            r#"["a",]"#,
            r#"["\ud800"]"#,
            "[1}",
            "[\"\u{1}\"]",
            "[1e400]",
            "[-]",
        ] {
            let outcome = members(&format!("{{\"A\":{list}"));
            assert_eq!(outcome.map_err(|error| error.offset), Err(5), "{list}");
            let outcome = members(&format!("{{\"A\":{list},\"B\":1}}"));
            assert_eq!(outcome.map_err(|error| error.offset), Err(5), "{list}");
        }
    }

    #[test]
    fn elements_of_lists_and_of_what_is_none() {
        let of = |json: &str| {
            let mut found = Vec::new();
            elements(json, |text| found.push(text.to_owned()));
            found
        };
        assert_eq!(of(r#"["eth0", "br-1"]"#), ["eth0", "br-1"]);
        assert_eq!(of("[0,1]"), ["0", "1"]);
        assert_eq!(of("18"), ["18"]);
        assert_eq!(of("[]"), Vec::<String>::new());
        assert_eq!(of(r#"[{"Feature":"acl"}]"#), [r#"{"Feature":"acl"}"#]);
    }

    proptest! {
        #[test]
        fn agrees_with_a_complete_parser(line in "[{}\\[\\]\",:0-9a-z\\\\. -]{0,40}|\\{\"[a-z]{1,3}\":[0-9eE.+-]{1,6}(,\"x\":\"[^\"]{0,5}\")?\\}|\\{\"a\":\\[\"(\\\\u[dD][789a-f]0[0-9a-f]|x){0,4}\"\\]\\}") {
            let whole = serde_json::from_str::<serde_json::Map<String, serde_json::Value>>(&line);
            prop_assert_eq!(members(&line).is_ok(), whole.is_ok(), "{}", line);
        }
    }
}
