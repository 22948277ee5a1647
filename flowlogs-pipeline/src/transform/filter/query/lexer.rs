//! Words of a query: Go's lexical rules.
//!
//! The operator has a lexer of its own, which only checks queries: it keeps no numbers, and its errors name no values.

use std::fmt;
use std::iter::Peekable;
use std::str::CharIndices;

/// A word.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Token {
    Field(String),
    Text(String),
    Number(i64),
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
        match self {
            Self::Field(name) => write!(f, "{name}"),
            Self::Text(text) => write!(f, "{text:?}"),
            Self::Number(number) => write!(f, "{number}"),
            Self::Operator(operator) => f.write_str(operator),
            Self::And => f.write_str("and"),
            Self::Or => f.write_str("or"),
            Self::With => f.write_str("with"),
            Self::Without => f.write_str("without"),
            Self::Open => f.write_str("("),
            Self::Close => f.write_str(")"),
            Self::End => f.write_str("end of query"),
        }
    }
}

/// Longest first, so that `>=` is not read as `>`.
const OPERATORS: [&str; 8] = ["!=", "!~", "=~", ">=", "<=", "=", ">", "<"];

/// Splits a query into words, each with the place of its first byte.
pub fn tokens(query: &str) -> Result<Vec<(Token, usize)>, (String, usize)> {
    let mut tokens = Vec::new();
    let mut chars = query.char_indices().peekable();
    while let Some((place, letter)) = chars.peek().copied() {
        let rest = &query[place..];
        if letter.is_whitespace() {
            chars.next();
        } else if rest.starts_with("//") {
            skip_to(&mut chars, rest.find('\n').map(|end| place + end));
        } else if let Some(comment) = rest.strip_prefix("/*") {
            let end = comment
                .find("*/")
                .ok_or(("comment does not end".into(), place))?;
            skip_to(&mut chars, Some(place + end + 4));
        } else if let Some(operator) = OPERATORS
            .into_iter()
            .find(|operator| rest.starts_with(operator))
        {
            skip_to(&mut chars, Some(place + operator.len()));
            tokens.push((Token::Operator(operator), place));
        } else if letter == '_' || letter.is_alphabetic() {
            let end = rest
                .find(|c: char| c != '_' && !c.is_alphanumeric())
                .map_or(query.len(), |end| place + end);
            skip_to(&mut chars, Some(end));
            tokens.push((word(&query[place..end]), place));
        } else if letter.is_ascii_digit() {
            let end = rest.find(|c: char| c != '_' && c != '.' && !c.is_alphanumeric());
            let end = end.map_or(query.len(), |end| place + end);
            skip_to(&mut chars, Some(end));
            tokens.push((
                number(&query[place..end]).map_err(|message| (message, place))?,
                place,
            ));
        } else if letter == '"' || letter == '`' {
            chars.next();
            let text = if letter == '"' {
                quoted(&mut chars)
            } else {
                raw(&mut chars)
            };
            tokens.push((
                Token::Text(text.map_err(|message| (message, place))?),
                place,
            ));
        } else {
            chars.next();
            tokens.push((
                match letter {
                    '(' => Token::Open,
                    ')' => Token::Close,
                    other => return Err((format!("unexpected {other:?}"), place)),
                },
                place,
            ));
        }
    }
    tokens.push((Token::End, query.len()));
    Ok(tokens)
}

fn skip_to(chars: &mut Peekable<CharIndices<'_>>, end: Option<usize>) {
    while chars
        .next_if(|(place, _)| end.is_none_or(|end| *place < end))
        .is_some()
    {}
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

fn number(text: &str) -> Result<Token, String> {
    if text.contains('.') || (!text.starts_with("0x") && text.contains(['e', 'E'])) {
        return Err("Float values are currently unsupported".into());
    }
    text.parse()
        .map(Token::Number)
        .map_err(|_| format!("{text} is no decimal number"))
}

fn raw(chars: &mut Peekable<CharIndices<'_>>) -> Result<String, String> {
    let mut text = String::new();
    for (_, letter) in chars {
        if letter == '`' {
            return Ok(text);
        }
        text.push(letter);
    }
    Err("text does not end".into())
}

fn quoted(chars: &mut Peekable<CharIndices<'_>>) -> Result<String, String> {
    let mut text = String::new();
    while let Some((_, letter)) = chars.next() {
        match letter {
            '"' => return Ok(text),
            '\n' => break,
            '\\' => text.push(escape(chars)?),
            other => text.push(other),
        }
    }
    Err("text does not end".into())
}

fn escape(chars: &mut Peekable<CharIndices<'_>>) -> Result<char, String> {
    let (_, letter) = chars.next().ok_or("text does not end")?;
    let mut code = |first: Option<char>, digits: usize, radix: u32| {
        let mut value = first.and_then(|first| first.to_digit(radix)).unwrap_or(0);
        for _ in 0..digits {
            let digit = chars
                .next()
                .and_then(|(_, digit)| digit.to_digit(radix))
                .ok_or("bad escape in text")?;
            value = value * radix + digit;
        }
        char::from_u32(value).ok_or_else(|| "bad escape in text".to_owned())
    };
    Ok(match letter {
        'a' => '\u{7}',
        'b' => '\u{8}',
        'f' => '\u{c}',
        'n' => '\n',
        'r' => '\r',
        't' => '\t',
        'v' => '\u{b}',
        '\\' => '\\',
        '"' => '"',
        'x' => code(None, 2, 16)?,
        'u' => code(None, 4, 16)?,
        'U' => code(None, 8, 16)?,
        '0'..='7' => code(Some(letter), 2, 8)?,
        _ => return Err("bad escape in text".into()),
    })
}
