//! Regular expressions, which the components run. Ours read Rust's grammar, NetObserv's that of Go: what is accepted can be
//! read by both.

use regex::Regex;
use regex_syntax::ast::parse::Parser;
use regex_syntax::ast::{
    Ast, Flag, Flags, FlagsItemKind, GroupKind, RepetitionKind, RepetitionRange,
};

/// Go's limit for how often a part may be asked for, with the repetitions around it.
const COUNT_MAX: u32 = 1000;

/// Says what is wrong with a pattern.
pub fn check(pattern: &str) -> Result<(), String> {
    Regex::new(pattern).map_err(|error| error.to_string())?;
    // As deep as the pattern nests, which the parser limits to 250.
    let tree = Parser::new().parse(pattern).map_err(|e| e.to_string())?;
    check_part(&tree, COUNT_MAX, pattern)
}

/// `count_max`: how often this part may be repeated, given what is around it.
fn check_part(part: &Ast, count_max: u32, pattern: &str) -> Result<(), String> {
    match part {
        Ast::Repetition(repetition) => {
            if matches!(*repetition.ast, Ast::Repetition(_)) {
                return Err(format!(
                    "{:?} repeats a repetition without parentheses",
                    &pattern[repetition.span.start.offset..repetition.span.end.offset]
                ));
            }
            let count = count(&repetition.op.kind);
            if count > count_max {
                return Err(format!("repeats a part more than {COUNT_MAX} times"));
            }
            check_part(&repetition.ast, count_max / count.max(1), pattern)
        }
        Ast::Group(group) => {
            if let GroupKind::NonCapturing(flags) = &group.kind {
                check_flags(flags)?;
            }
            check_part(&group.ast, count_max, pattern)
        }
        Ast::Flags(set) => check_flags(&set.flags),
        Ast::Concat(parts) => check_parts(&parts.asts, count_max, pattern),
        Ast::Alternation(parts) => check_parts(&parts.asts, count_max, pattern),
        _ => Ok(()),
    }
}

fn check_parts(parts: &[Ast], count_max: u32, pattern: &str) -> Result<(), String> {
    let mut parts = parts.iter();
    parts.try_for_each(|part| check_part(part, count_max, pattern))
}

/// How often a part is asked for, as Go counts.
fn count(kind: &RepetitionKind) -> u32 {
    match kind {
        RepetitionKind::Range(
            RepetitionRange::Exactly(count)
            | RepetitionRange::AtLeast(count)
            | RepetitionRange::Bounded(_, count),
        ) => *count,
        _ => 0,
    }
}

fn check_flags(flags: &Flags) -> Result<(), String> {
    let is_rusts = |kind: &FlagsItemKind| {
        matches!(
            kind,
            FlagsItemKind::Flag(Flag::Unicode | Flag::CRLF | Flag::IgnoreWhitespace)
        )
    };
    if flags.items.iter().any(|item| is_rusts(&item.kind)) {
        return Err("sets another flag than i, m, s and U".to_owned());
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn patterns_are_accepted_that_go_and_rust_can_read() {
        let deep = format!("{}a{}", "(".repeat(300), ")".repeat(300));
        for (pattern, expected) in [
            ("^a.*b+?$", None),
            ("(a*)*|(?:b{2}){3}", None),
            ("(?is)a{1000}", None),
            ("a{2,}?", None),
            ("(a{50}){20}", None),
            ("a{0}{0}", Some("\"a{0}{0}\" repeats a repetition")),
            ("a**", Some("\"a**\" repeats")),
            ("b|(xx++)", Some("\"x++\" repeats")),
            ("a{1001}", Some("more than 1000 times")),
            ("a{1,1001}", Some("more than 1000 times")),
            ("(a{50}){21}", Some("more than 1000 times")),
            ("(?x) a", Some("another flag")),
            ("a(?R:b)", Some("another flag")),
            ("(", Some("unclosed group")),
            ("*", Some("missing expression")),
            (r"\Qa.b\E", Some("unrecognized escape")),
            ("{", Some("repetition")),
            (&deep, Some("nest")),
        ] {
            let found = check(pattern).err();
            match (&found, expected) {
                (None, None) => {}
                (Some(found), Some(expected)) => {
                    assert!(found.contains(expected), "{pattern}: {found}");
                }
                _ => panic!("{pattern}: {found:?}"),
            }
        }
    }
}
