//! Reads a stream's labels: `{name="value", other="value"}` with Go's escapes.
//!
//! **Invariant:** linear in the text; names are what Prometheus allows, few, and each stands once.

use crate::store::words::{begins_with, first_special};

/// Labels of one stream: each takes a place in all of its lines. Loki's own default is 15.
pub const LABELS_MAX: usize = 64;
pub const TOO_MANY: &str = "at most 64 labels expected";

/// Calls `visit` with the name and the value of each label; answers what is wrong if something is. `visit` answers what
/// the next label probably begins with (a name, an equals sign and a quote; empty for no guess), `expected` is the guess
/// for the first: streams of one writer have one order.
pub fn parse(
    text: &str,
    mut expected: &'static str,
    mut visit: impl FnMut(&str, &str) -> &'static str,
) -> Result<(), &'static str> {
    let inner = text
        .trim()
        .strip_prefix('{')
        .and_then(|rest| rest.strip_suffix('}'))
        .ok_or("braces expected")?;
    let mut rest = inner.trim_ascii_start();
    let mut names = Names::default();
    while !rest.is_empty() {
        let is_expected = !expected.is_empty() && begins_with(rest.as_bytes(), expected.as_bytes());
        let (name, value) = if is_expected {
            (
                &expected[..expected.len() - "=\"".len()],
                &rest[expected.len()..],
            )
        } else {
            beginning(rest)?
        };
        names.add(name)?;
        let unclosed = "a closing quote expected";
        let mut end = first_special(value.as_bytes()).ok_or(unclosed)?;
        expected = if value.as_bytes()[end] == b'"' {
            visit(name, &value[..end])
        } else {
            end = closing_quote(value).ok_or(unclosed)?;
            visit(name, &unescape(&value[..end])?)
        };
        rest = value[end + 1..].trim_ascii_start();
        match rest.strip_prefix(',') {
            Some(next) => rest = next.trim_ascii_start(),
            None if rest.is_empty() => {}
            None => return Err("a comma expected"),
        }
    }
    Ok(())
}

/// A label's name, and what follows the opening quote of its value.
fn beginning(label: &str) -> Result<(&str, &str), &'static str> {
    let is_in_name = |byte: u8| byte.is_ascii_alphanumeric() || byte == b'_';
    let end = label
        .bytes()
        .position(|byte| !is_in_name(byte))
        .unwrap_or(label.len());
    let (name, value) = label.split_at(end);
    if name.is_empty() || name.as_bytes()[0].is_ascii_digit() {
        return Err("a label name expected");
    }
    let value = value
        .trim_ascii_start()
        .strip_prefix('=')
        .ok_or("= expected")?
        .trim_ascii_start()
        .strip_prefix('"')
        .ok_or("a quote expected")?;
    Ok((name, value))
}

/// The names of a stream so far.
struct Names<'a> {
    all: [&'a str; LABELS_MAX],
    len: usize,
    /// Bits of the names: a name whose bit is not there is a new one, and hardly any two of a stream share theirs.
    bits: u64,
}

impl Default for Names<'_> {
    fn default() -> Self {
        Self {
            all: [""; LABELS_MAX],
            len: 0,
            bits: 0,
        }
    }
}

impl<'a> Names<'a> {
    fn add(&mut self, name: &'a str) -> Result<(), &'static str> {
        let ends = [name.as_bytes().first(), name.as_bytes().last()]
            .map(|byte| byte.map_or(0, |byte| *byte as usize));
        let bit = 1 << ((name.len() * 11 + ends[0] * 5 + ends[1]) % 64);
        if self.bits & bit != 0 && self.all[..self.len].contains(&name) {
            return Err("each label once expected");
        }
        *self.all.get_mut(self.len).ok_or(TOO_MANY)? = name;
        self.len += 1;
        self.bits |= bit;
        Ok(())
    }
}

fn closing_quote(text: &str) -> Option<usize> {
    let mut is_escaped = false;
    text.bytes().position(|byte| {
        let is_end = byte == b'"' && !is_escaped;
        is_escaped = byte == b'\\' && !is_escaped;
        is_end
    })
}

fn unescape(text: &str) -> Result<String, &'static str> {
    // Bytes, because `\x` and octal escapes write bytes.
    let mut bytes = Vec::with_capacity(text.len());
    let mut rest = text;
    while let Some(at) = rest.find('\\') {
        bytes.extend_from_slice(&rest.as_bytes()[..at]);
        let escape = rest
            .as_bytes()
            .get(at + 1)
            .copied()
            .ok_or("an escape expected")?;
        let body = rest.get(at + 2..).ok_or("an escape expected")?;
        let used = match escape {
            b'x' => {
                bytes.push(number(body, 2, 16)? as u8);
                2
            }
            b'u' | b'U' => {
                let digits = if escape == b'u' { 4 } else { 8 };
                let character =
                    char::from_u32(number(body, digits, 16)?).ok_or("a character expected")?;
                bytes.extend_from_slice(character.encode_utf8(&mut [0; 4]).as_bytes());
                digits
            }
            b'0'..=b'7' => {
                let value = number(&rest[at + 1..], 3, 8)?;
                bytes.push(
                    u8::try_from(value).map_err(|_| "an octal escape of at most 377 expected")?,
                );
                2
            }
            _ => {
                bytes.push(simple(escape).ok_or("a known escape expected")?);
                0
            }
        };
        rest = &body[used..];
    }
    bytes.extend_from_slice(rest.as_bytes());
    String::from_utf8(bytes).map_err(|_| "UTF-8 expected")
}

fn number(text: &str, digits: usize, radix: u32) -> Result<u32, &'static str> {
    let digits = text
        .get(..digits)
        .filter(|digits| !digits.starts_with('+'))
        .ok_or("digits expected")?;
    u32::from_str_radix(digits, radix).map_err(|_| "digits expected")
}

/// The byte that an escape of one letter stands for.
fn simple(escape: u8) -> Option<u8> {
    Some(match escape {
        b'n' => b'\n',
        b't' => b'\t',
        b'r' => b'\r',
        b'a' => 7,
        b'b' => 8,
        b'f' => 12,
        b'v' => 11,
        b'\\' | b'"' | b'\'' => escape,
        _ => return None,
    })
}
