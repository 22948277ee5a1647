//! Splits a query into tokens by Go's lexical rules.
//!
//! The pipeline has a lexer of its own, which runs queries: it keeps the numbers, and its errors name the values.

use std::fmt;

use super::Parsed;

#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Token {
    Field(String),
    Text(String),
    Number,
    Operator(&'static str),
    And,
    Or,
    With,
    Without,
    Open,
    Close,
    End,
}

impl fmt::Display for Token {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Field(name) => name,
            Self::Text(_) => "a text",
            Self::Number => "a number",
            Self::Operator(operator) => operator,
            Self::And => "and",
            Self::Or => "or",
            Self::With => "with",
            Self::Without => "without",
            Self::Open => "(",
            Self::Close => ")",
            Self::End => "end of query",
        })
    }
}

/// Longer ones first, so that `>=` is not read as `>`.
const OPERATORS: [&str; 8] = ["!=", "!~", "=~", ">=", "<=", "=", ">", "<"];

/// Tokens, each with its first byte; the last is [`Token::End`].
pub fn tokens(query: &str) -> Parsed<Vec<(Token, usize)>> {
    let mut tokens = Vec::new();
    let mut place = 0;
    while let Some(letter) = query[place..].chars().next() {
        let rest = &query[place..];
        if letter.is_whitespace() {
            place += letter.len_utf8();
            continue;
        }
        if rest.starts_with("//") {
            place += rest.find('\n').unwrap_or(rest.len());
            continue;
        }
        if rest.starts_with("/*") {
            let end = rest
                .find("*/")
                .ok_or(("the comment does not end".to_owned(), place))?;
            place += end + 2;
            continue;
        }
        let (token, length) = token(rest, letter).map_err(|problem| (problem, place))?;
        tokens.push((token, place));
        place += length;
    }
    tokens.push((Token::End, place));
    Ok(tokens)
}

/// The token at the start of a text, and its length in bytes.
fn token(rest: &str, letter: char) -> Result<(Token, usize), String> {
    if let Some(operator) = OPERATORS
        .into_iter()
        .find(|operator| rest.starts_with(operator))
    {
        return Ok((Token::Operator(operator), operator.len()));
    }
    let length_while = |is_part: fn(char) -> bool| rest.find(|c| !is_part(c)).unwrap_or(rest.len());
    match letter {
        '(' => Ok((Token::Open, 1)),
        ')' => Ok((Token::Close, 1)),
        '"' => quoted(rest),
        '`' => match rest[1..].find('`') {
            Some(end) => Ok((Token::Text(rest[1..=end].to_owned()), end + 2)),
            None => Err("the text does not end".to_owned()),
        },
        '0'..='9' => {
            let length = length_while(|c| c == '_' || c == '.' || c.is_alphanumeric());
            match rest[..length].parse::<i64>() {
                Ok(_) => Ok((Token::Number, length)),
                Err(_) => Err(format!(
                    "only whole decimal numbers are supported, not {}",
                    &rest[..length]
                )),
            }
        }
        _ if letter == '_' || letter.is_alphabetic() => {
            let length = length_while(|c| c == '_' || c.is_alphanumeric());
            Ok((word(&rest[..length]), length))
        }
        _ => Err(format!("unexpected {letter:?}")),
    }
}

fn word(word: &str) -> Token {
    match word.to_ascii_lowercase().as_str() {
        "and" => Token::And,
        "or" => Token::Or,
        "with" => Token::With,
        "without" => Token::Without,
        _ => Token::Field(word.to_owned()),
    }
}

/// A text in double quotes, with Go's escapes.
fn quoted(rest: &str) -> Result<(Token, usize), String> {
    let mut text = String::new();
    let mut letters = rest.char_indices().skip(1);
    while let Some((at, letter)) = letters.next() {
        match letter {
            '"' => return Ok((Token::Text(text), at + 1)),
            '\n' => break,
            '\\' => {
                let mut next = || letters.next().map(|(_, letter)| letter);
                text.push(escape(&mut next).ok_or("bad escape in a text")?);
            }
            _ => text.push(letter),
        }
    }
    Err("the text does not end".to_owned())
}

fn escape(next: &mut dyn FnMut() -> Option<char>) -> Option<char> {
    match next()? {
        'a' => Some('\u{7}'),
        'b' => Some('\u{8}'),
        'f' => Some('\u{c}'),
        'n' => Some('\n'),
        'r' => Some('\r'),
        't' => Some('\t'),
        'v' => Some('\u{b}'),
        quoted @ ('\\' | '"') => Some(quoted),
        'x' => digits(next, 0, 2, 16),
        'u' => digits(next, 0, 4, 16),
        'U' => digits(next, 0, 8, 16),
        octal @ '0'..='7' => digits(next, octal.to_digit(8)?, 2, 8),
        _ => None,
    }
}

/// The character whose code is `start` followed by some more digits.
fn digits(
    next: &mut dyn FnMut() -> Option<char>,
    start: u32,
    count: usize,
    radix: u32,
) -> Option<char> {
    let mut value = start;
    for _ in 0..count {
        value = value
            .checked_mul(radix)?
            .checked_add(next()?.to_digit(radix)?)?;
    }
    char::from_u32(value)
}
