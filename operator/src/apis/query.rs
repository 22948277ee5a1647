//! Checks texts of the pipeline's query language (`keep_entry_query`): is this one the pipeline can read?
//!
//! `or` binds tighter than `and`; since only validity is asked, nothing is built.

mod lexer;

use thiserror::Error;

use self::lexer::{Token, tokens};
use super::pattern;

/// Parentheses may nest this deep, as in the pipeline.
const DEPTH_MAX: usize = 100;
/// Conditions of one query at most, as in the pipeline.
const CONDITIONS_MAX: usize = 1000;

/// Why a query cannot be read, and where: line and column count from 1.
#[derive(Clone, Debug, PartialEq, Eq, Error)]
#[error("{line}:{column}: {problem}")]
pub struct QueryError {
    pub line: usize,
    pub column: usize,
    pub problem: String,
}

/// What is wrong, and at which byte.
type Parsed<T> = Result<T, (String, usize)>;

/// Checks a query.
pub fn check(query: &str) -> Result<(), QueryError> {
    let checked = tokens(query).and_then(|tokens| {
        let mut parser = Parser {
            tokens,
            next: 0,
            depth: 0,
            conditions: 0,
        };
        parser.expression()?;
        match parser.take() {
            (Token::End, _) => Ok(()),
            (token, place) => Err((format!("unexpected {token}"), place)),
        }
    });
    checked.map_err(|(problem, place)| {
        let before = &query[..place];
        let line_start = before.rfind('\n').map_or(0, |at| at + 1);
        QueryError {
            line: before.matches('\n').count() + 1,
            column: before[line_start..].chars().count() + 1,
            problem,
        }
    })
}

struct Parser {
    tokens: Vec<(Token, usize)>,
    next: usize,
    depth: usize,
    conditions: usize,
}

impl Parser {
    /// The next token; the last one, [`Token::End`], stays.
    fn take(&mut self) -> (Token, usize) {
        let token = self.tokens[self.next].clone();
        self.next = (self.next + 1).min(self.tokens.len() - 1);
        token
    }

    fn expect(&mut self, wanted: &Token) -> Parsed<()> {
        match self.take() {
            (token, _) if token == *wanted => Ok(()),
            (token, place) => Err((format!("expected {wanted}, not {token}"), place)),
        }
    }

    /// Conditions joined by `and` and `or`, whose order does not matter here.
    fn expression(&mut self) -> Parsed<()> {
        self.condition()?;
        while matches!(self.tokens[self.next].0, Token::And | Token::Or) {
            self.take();
            self.condition()?;
        }
        Ok(())
    }

    fn condition(&mut self) -> Parsed<()> {
        let (token, place) = self.take();
        self.conditions += 1;
        if self.conditions > CONDITIONS_MAX {
            return Err((format!("more than {CONDITIONS_MAX} conditions"), place));
        }
        match token {
            Token::Open => {
                self.depth += 1;
                if self.depth > DEPTH_MAX {
                    return Err((format!("parentheses nest deeper than {DEPTH_MAX}"), place));
                }
                self.expression()?;
                self.depth -= 1;
                self.expect(&Token::Close)
            }
            Token::With | Token::Without => {
                self.expect(&Token::Open)?;
                match self.take() {
                    (Token::Field(_), _) => self.expect(&Token::Close),
                    (token, place) => Err((format!("expected a field, not {token}"), place)),
                }
            }
            Token::Field(_) => self.comparison(),
            token => Err((format!("expected a condition, not {token}"), place)),
        }
    }

    fn comparison(&mut self) -> Parsed<()> {
        let (operator, place) = match self.take() {
            (Token::Operator(operator), place) => (operator, place),
            (token, place) => return Err((format!("expected an operator, not {token}"), place)),
        };
        let (value, value_place) = self.take();
        match (operator, value) {
            ("=~" | "!~", Token::Text(text)) => match pattern::check(&text) {
                Ok(()) => Ok(()),
                Err(error) => Err((format!("bad regular expression: {error}"), value_place)),
            },
            ("=" | "!=", Token::Text(_))
            | ("=" | "!=" | "<" | "<=" | ">" | ">=", Token::Number) => Ok(()),
            (operator, value) => Err((format!("{operator} cannot be used with {value}"), place)),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn queries_are_accepted_or_refused_with_their_place() {
        for (query, expected) in [
            ("SrcK8S_Namespace=\"a\"", None),
            ("(a=1 or b!=\"x\") and with(c)", None),
            ("WITHOUT(a) Or b >= 2", None),
            ("a=~`^b.*$` and c!~\"d\"", None),
            ("a=\"\\x41\\u00e9\\n\" // end\n and /* or */ b<3", None),
            ("((((a=1))))", None),
            ("", Some("1:1: expected a condition, not end of query")),
            ("a", Some("1:2: expected an operator, not end of query")),
            ("a=", Some("1:2: = cannot be used with end of query")),
            ("a=1 b=2", Some("1:5: unexpected b")),
            (
                "a=1 and",
                Some("1:8: expected a condition, not end of query"),
            ),
            ("(a=1", Some("1:5: expected ), not end of query")),
            ("a=1)", Some("1:4: unexpected )")),
            ("a=1\nand b='x'", Some("2:7: unexpected '\\''")),
            ("a>\"x\"", Some("1:2: > cannot be used with a text")),
            ("a=~1", Some("1:2: =~ cannot be used with a number")),
            (
                "a=1.5",
                Some("1:3: only whole decimal numbers are supported, not 1.5"),
            ),
            ("a=-1", Some("1:3: unexpected '-'")),
            ("a.b=1", Some("1:2: unexpected '.'")),
            ("with(1)", Some("1:6: expected a field, not a number")),
            ("a=\"x", Some("1:3: the text does not end")),
            ("a=\"\\q\"", Some("1:3: bad escape in a text")),
            ("/* a=1", Some("1:1: the comment does not end")),
        ] {
            let found = check(query).err().map(|error| error.to_string());
            assert_eq!(found.as_deref(), expected, "{query}");
        }
        assert!(
            check("a=~\"(\"")
                .unwrap_err()
                .problem
                .contains("regular expression")
        );
        assert!(
            check(&"(".repeat(200))
                .unwrap_err()
                .problem
                .contains("deeper")
        );
        assert!(
            check(&vec!["a=1"; 1001].join(" or "))
                .unwrap_err()
                .problem
                .contains("more than")
        );
    }
}
