//! From words to a query.

use regex::Regex;

use super::lexer::{Token, tokens};
use super::{Comparison, Expr, Part};
use crate::model::{Key, TextLiteral};

/// Parentheses may nest this deep; evaluation goes as deep as parsing.
const DEPTH_MAX: usize = 100;
/// Conditions of one query at most: they nest to the left.
const CONDITIONS_MAX: usize = 1000;

/// Parses a query.
pub fn parse(query: &str) -> Result<Expr, String> {
    let parsed = tokens(query).and_then(|tokens| {
        let mut parser = Parser {
            tokens,
            next: 0,
            depth: 0,
            conditions: 0,
        };
        let expr = parser.conjunction()?;
        match parser.take() {
            (Token::End, _) => Ok(expr),
            (token, place) => Err((format!("unexpected {token}"), place)),
        }
    });
    parsed.map_err(|(message, place)| {
        let before = &query[..place];
        let line = before.matches('\n').count() + 1;
        let column = before
            .rsplit('\n')
            .next()
            .unwrap_or_default()
            .chars()
            .count()
            + 1;
        format!("query, {line}:{column}: {message}")
    })
}

struct Parser {
    tokens: Vec<(Token, usize)>,
    next: usize,
    depth: usize,
    conditions: usize,
}

type Parsed<T> = Result<T, (String, usize)>;

impl Parser {
    fn peek(&self) -> &Token {
        &self.tokens[self.next].0
    }

    /// The next word; the last one, [`Token::End`], stays.
    fn take(&mut self) -> (Token, usize) {
        let token = self.tokens[self.next].clone();
        self.next = (self.next + 1).min(self.tokens.len() - 1);
        token
    }

    fn conjunction(&mut self) -> Parsed<Expr> {
        let mut left = self.disjunction()?;
        while *self.peek() == Token::And {
            self.take();
            left = Expr::And(Box::new(left), Box::new(self.disjunction()?));
        }
        Ok(left)
    }

    fn disjunction(&mut self) -> Parsed<Expr> {
        let mut left = self.condition()?;
        while *self.peek() == Token::Or {
            self.take();
            left = Expr::Or(Box::new(left), Box::new(self.condition()?));
        }
        Ok(left)
    }

    fn condition(&mut self) -> Parsed<Expr> {
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
                let expr = self.conjunction()?;
                self.close()?;
                self.depth -= 1;
                Ok(expr)
            }
            Token::With | Token::Without => {
                self.expect(&Token::Open)?;
                let key = match self.take() {
                    (Token::Field(name), _) => Key::from(name.as_str()),
                    (other, place) => {
                        return Err((format!("expected a field, not {other}"), place));
                    }
                };
                self.close()?;
                Ok(if token == Token::With {
                    Expr::With(key)
                } else {
                    Expr::Without(key)
                })
            }
            Token::Field(name) => self.comparison(Key::from(name.as_str())),
            other => Err((format!("expected a condition, not {other}"), place)),
        }
    }

    fn comparison(&mut self, key: Key) -> Parsed<Expr> {
        let (operator, place) = match self.take() {
            (Token::Operator(operator), place) => (operator, place),
            (other, place) => {
                return Err((
                    format!("expected an operator after {key}, not {other}"),
                    place,
                ));
            }
        };
        let (value, value_place) = self.take();
        let comparison = match operator {
            "=" => Comparison::Equal,
            "!=" => Comparison::NotEqual,
            "<" => Comparison::Less,
            "<=" => Comparison::LessOrEqual,
            ">" => Comparison::Greater,
            _ => Comparison::GreaterOrEqual,
        };
        match (operator, value) {
            ("=~" | "!~", Token::Text(pattern)) => {
                let regex =
                    Regex::new(&pattern).map_err(|error| (error.to_string(), value_place))?;
                Ok(Expr::Regex {
                    key,
                    regex,
                    is_negated: operator == "!~",
                })
            }
            ("=" | "!=", Token::Text(text)) => {
                let is_negated = operator == "!=";
                Ok(match template(&text) {
                    Some(parts) => Expr::Template {
                        key,
                        parts,
                        is_negated,
                    },
                    None => Expr::Text {
                        key,
                        literal: TextLiteral::new(&text),
                        is_negated,
                    },
                })
            }
            ("=~" | "!~", other) => Err((
                format!("expected a text after {operator}, not {other}"),
                value_place,
            )),
            (_, Token::Number(number)) => Ok(Expr::Number {
                key,
                comparison,
                number,
            }),
            (operator, other) => {
                let wanted = if matches!(operator, "=" | "!=") {
                    "a text or a number"
                } else {
                    "a number"
                };
                Err((
                    format!("expected {wanted} after {operator}, not {other}"),
                    value_place.max(place),
                ))
            }
        }
    }

    fn close(&mut self) -> Parsed<()> {
        self.expect(&Token::Close)
    }

    fn expect(&mut self, wanted: &Token) -> Parsed<()> {
        match self.take() {
            (token, _) if token == *wanted => Ok(()),
            (other, place) => Err((format!("expected {wanted}, not {other}"), place)),
        }
    }
}

/// The parts of a text with `$(Field)` references; nothing if it has none.
fn template(text: &str) -> Option<Vec<Part>> {
    let mut parts = Vec::new();
    let mut rest = text;
    while let Some((before, reference)) = rest.split_once("$(") {
        let Some((name, after)) = reference.split_once(')') else {
            break;
        };
        parts.push(Part::Literal(before.to_owned()));
        parts.push(Part::Field(Key::from(name)));
        rest = after;
    }
    if parts.is_empty() {
        return None;
    }
    parts.push(Part::Literal(rest.to_owned()));
    Some(parts)
}
