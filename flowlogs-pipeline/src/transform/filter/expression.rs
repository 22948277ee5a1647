//! Expressions of `add_field_if` and `add_label_if`: `val` and the rule's text, such as `val > 1000`.
//!
//! Comparison, arithmetic, `!`, `&&`, `||`, `in`, `=~`, `!~`, texts in single or double quotes. Numbers are floats.
//! **Invariant:** an error while evaluating, and a result that is neither true nor false, mean "false".

use std::cmp::Ordering;

use regex::Regex;

use crate::model::ValueRef;

/// Parentheses and operators may nest this deep.
const DEPTH_MAX: usize = 100;
/// Bytes of an expression at most; they bound the depth of what is parsed to the left.
const BYTES_MAX: usize = 4096;

/// A parsed expression.
pub struct Expression(Node);

enum Node {
    Value,
    Literal(Operand),
    List(Vec<Node>),
    Not(Box<Node>),
    Negative(Box<Node>),
    Binary(&'static str, Box<Node>, Box<Node>),
    Match {
        node: Box<Node>,
        regex: Regex,
        is_negated: bool,
    },
}

#[derive(Clone, Debug, PartialEq)]
enum Operand {
    Number(f64),
    Text(String),
    Bool(bool),
    List(Vec<Operand>),
}

/// Operators by how tightly they bind, the loosest first.
const LEVELS: [&[&str]; 5] = [
    &["||"],
    &["&&"],
    &["==", "!=", "<=", ">=", "<", ">", "=~", "!~", "in"],
    &["+", "-"],
    &["*", "/", "%"],
];

impl Expression {
    /// Parses `val` followed by `rest`.
    pub fn parse(rest: &str) -> Result<Self, String> {
        if rest.len() > BYTES_MAX {
            return Err(format!("expression is longer than {BYTES_MAX} bytes"));
        }
        let text = format!("val {rest}");
        let mut parser = Parser {
            rest: &text,
            depth: 0,
        };
        let node = parser.binary(0)?;
        match parser.rest.trim_start() {
            "" => Ok(Self(node)),
            left => Err(format!("expression \"{text}\": unexpected \"{left}\"")),
        }
    }

    /// Whether it is true for a value.
    pub fn holds(&self, value: ValueRef<'_>) -> bool {
        self.0.evaluate(value) == Some(Operand::Bool(true))
    }
}

struct Parser<'a> {
    rest: &'a str,
    depth: usize,
}

impl<'a> Parser<'a> {
    fn binary(&mut self, level: usize) -> Result<Node, String> {
        let Some(operators) = LEVELS.get(level) else {
            return self.unary();
        };
        let mut left = self.binary(level + 1)?;
        while let Some(operator) = operators
            .iter()
            .copied()
            .find(|operator| self.eat(operator))
        {
            let right = self.binary(level + 1)?;
            left = match (operator, right) {
                ("=~" | "!~", Node::Literal(Operand::Text(pattern))) => Node::Match {
                    node: Box::new(left),
                    regex: Regex::new(&pattern).map_err(|error| error.to_string())?,
                    is_negated: operator == "!~",
                },
                ("=~" | "!~", _) => return Err(format!("{operator} needs a text")),
                (_, right) => Node::Binary(operator, Box::new(left), Box::new(right)),
            };
        }
        Ok(left)
    }

    fn unary(&mut self) -> Result<Node, String> {
        self.depth += 1;
        if self.depth > DEPTH_MAX {
            return Err(format!("expression nests deeper than {DEPTH_MAX}"));
        }
        let node = if self.eat("!") {
            Node::Not(Box::new(self.unary()?))
        } else if self.eat("-") {
            Node::Negative(Box::new(self.unary()?))
        } else {
            self.primary()?
        };
        self.depth -= 1;
        Ok(node)
    }

    fn primary(&mut self) -> Result<Node, String> {
        if self.eat("(") {
            let mut nodes = vec![self.binary(0)?];
            while self.eat(",") {
                nodes.push(self.binary(0)?);
            }
            if !self.eat(")") {
                return Err("expression has an open parenthesis".into());
            }
            return Ok(if nodes.len() == 1 {
                nodes.remove(0)
            } else {
                Node::List(nodes)
            });
        }
        self.rest = self.rest.trim_start();
        if let Some(quote) = self
            .rest
            .chars()
            .next()
            .filter(|letter| matches!(letter, '\'' | '"'))
        {
            let (text, rest) = self.rest[1..]
                .split_once(quote)
                .ok_or("expression has a text that does not end")?;
            self.rest = rest;
            return Ok(Node::Literal(Operand::Text(text.to_owned())));
        }
        match self.word() {
            "val" => Ok(Node::Value),
            "true" => Ok(Node::Literal(Operand::Bool(true))),
            "false" => Ok(Node::Literal(Operand::Bool(false))),
            word => word
                .parse()
                .map(|number| Node::Literal(Operand::Number(number)))
                .map_err(|_| {
                    format!(
                        "expression has \"{word}{}\" where a value is expected",
                        self.rest
                    )
                }),
        }
    }

    /// A name or a number, with its exponent.
    fn word(&mut self) -> &'a str {
        let mut previous = ' ';
        let is_number = self
            .rest
            .starts_with(|letter: char| letter.is_ascii_digit() || letter == '.');
        let end = self.rest.find(|letter: char| {
            let is_sign = is_number && matches!(letter, '+' | '-') && matches!(previous, 'e' | 'E');
            previous = letter;
            !(letter.is_alphanumeric() || matches!(letter, '_' | '.') || is_sign)
        });
        let (word, rest) = self.rest.split_at(end.unwrap_or(self.rest.len()));
        self.rest = rest;
        word
    }

    fn eat(&mut self, token: &str) -> bool {
        let rest = self.rest.trim_start();
        let Some(after) = rest.strip_prefix(token) else {
            return false;
        };
        // `in` is a word, and `!` is not the start of `!=` or `!~`.
        let is_other = match token {
            "in" => after.starts_with(|letter: char| letter.is_alphanumeric() || letter == '_'),
            "!" => after.starts_with(['=', '~']),
            _ => false,
        };
        if !is_other {
            self.rest = after;
        }
        !is_other
    }
}

impl Node {
    fn evaluate(&self, value: ValueRef<'_>) -> Option<Operand> {
        Some(match self {
            Self::Value => operand(value)?,
            Self::Literal(literal) => literal.clone(),
            Self::List(nodes) => Operand::List(
                nodes
                    .iter()
                    .map(|n| n.evaluate(value))
                    .collect::<Option<_>>()?,
            ),
            Self::Not(node) => match node.evaluate(value)? {
                Operand::Bool(value) => Operand::Bool(!value),
                _ => return None,
            },
            Self::Negative(node) => match node.evaluate(value)? {
                Operand::Number(number) => Operand::Number(-number),
                _ => return None,
            },
            Self::Match {
                node,
                regex,
                is_negated,
            } => match node.evaluate(value)? {
                Operand::Text(text) => Operand::Bool(regex.is_match(&text) != *is_negated),
                _ => return None,
            },
            Self::Binary(operator, left, right) => {
                let left = left.evaluate(value)?;
                match (*operator, &left) {
                    ("&&", Operand::Bool(false)) | ("||", Operand::Bool(true)) => left,
                    ("&&" | "||", Operand::Bool(_)) => right.evaluate(value)?,
                    _ => binary(operator, &left, &right.evaluate(value)?)?,
                }
            }
        })
    }
}

fn operand(value: ValueRef<'_>) -> Option<Operand> {
    Some(match value {
        ValueRef::Number(number) => Operand::Number(number.as_float()),
        ValueRef::Bool(value) => Operand::Bool(value),
        ValueRef::Text(text) => Operand::Text(text.to_owned()),
        ValueRef::Address(_) | ValueRef::Mac(_) => {
            let mut text = String::new();
            value.write_text(&mut text);
            Operand::Text(text)
        }
        _ => return None,
    })
}

fn binary(operator: &str, left: &Operand, right: &Operand) -> Option<Operand> {
    let order = match (left, right) {
        (Operand::Number(left), Operand::Number(right)) => left.partial_cmp(right),
        (Operand::Text(left), Operand::Text(right)) => Some(left.cmp(right)),
        _ => None,
    };
    Some(Operand::Bool(match operator {
        "==" => left == right,
        "!=" => left != right,
        "<" => order? == Ordering::Less,
        "<=" => order? != Ordering::Greater,
        ">" => order? == Ordering::Greater,
        ">=" => order? != Ordering::Less,
        "in" => match right {
            Operand::List(items) => items.contains(left),
            _ => return None,
        },
        arithmetic => return calculate(arithmetic, left, right),
    }))
}

fn calculate(operator: &str, left: &Operand, right: &Operand) -> Option<Operand> {
    if let (Operand::Text(left), Operand::Text(right), "+") = (left, right, operator) {
        return Some(Operand::Text(format!("{left}{right}")));
    }
    let (Operand::Number(left), Operand::Number(right)) = (left, right) else {
        return None;
    };
    Some(Operand::Number(match operator {
        "+" => left + right,
        "-" => left - right,
        "*" => left * right,
        "/" => left / right,
        "%" => left % right,
        _ => return None,
    }))
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, reason = "tests")]
    use rstest::rstest;

    use super::*;
    use crate::model::Number;

    #[rstest]
    #[case("> 1000", true)]
    #[case("> 1.5e3", false)]
    #[case(">= 1.5e+3 && true", true)]
    #[case("== 1500 || missing", false)]
    #[case("* 2 - 1000 == 2 * 1000", true)]
    #[case("in (1, 1500, 3)", true)]
    #[case("% 7 == 2", true)]
    #[case("> 'text'", false)]
    #[case("+ 1", false)]
    #[case("> 0 && !(val > 2000)", true)]
    fn numbers_compare(#[case] rest: &str, #[case] expected: bool) {
        let holds = Expression::parse(rest).map(|e| e.holds(ValueRef::Number(Number::U64(1500))));
        assert_eq!(holds.unwrap_or(false), expected);
    }

    #[rstest]
    #[case("=~ '^10\\.'", true)]
    #[case("!~ '^10\\.'", false)]
    #[case("== \"10.0.0.5\"", true)]
    #[case("in ('a', '10.0.0.5')", true)]
    fn texts_compare(#[case] rest: &str, #[case] expected: bool) {
        let address = ValueRef::Address(crate::model::Address::from_v4(0x0a00_0005));
        assert_eq!(Expression::parse(rest).unwrap().holds(address), expected);
    }

    #[test]
    fn an_absent_value_is_false() {
        assert!(!Expression::parse("!= 1").unwrap().holds(ValueRef::Null));
    }

    #[test]
    fn a_hostile_expression_is_refused_without_harm() {
        for text in [
            "=~ '('",
            "> (1",
            "> 'a",
            &format!("> {}", "(".repeat(4000)),
            &"!".repeat(5000),
        ] {
            assert!(Expression::parse(text).is_err(), "{text}");
        }
    }
}
