//! What the tidy checks need to know of Rust: tokens, paths and functions. It is no parser; it only
//! has to be right about what stands in a comment, in a string, or in code.

/// A word, a number, `::` or one other character of code. Comments are dropped; a string is `""`.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Token<'a> {
    pub text: &'a str,
    pub line: usize,
}

/// A path of at least one segment, with groups of `use` written out, and where it stands.
#[derive(Debug, PartialEq)]
pub struct Path<'a> {
    pub segments: Vec<&'a str>,
    pub line: usize,
    /// How many inline modules (`mod tests { … }`) enclose it.
    pub depth: usize,
}

/// A function and the number of lines from its `fn` to its closing brace.
#[derive(Debug, PartialEq)]
pub struct Function<'a> {
    pub name: &'a str,
    pub line: usize,
    pub lines: usize,
}

/// Splits code into tokens.
pub fn tokens(code: &str) -> Vec<Token<'_>> {
    let mut tokens = Vec::new();
    let (mut at, mut line) = (0, 1);
    while let Some(first) = code[at..].chars().next() {
        let rest = &code[at..];
        let (length, text) = if let Some(length) = comment(rest) {
            (length, None)
        } else if let Some(length) = string(rest) {
            (length, Some("\"\""))
        } else if word(first) {
            let length = rest.find(|c| !word(c)).unwrap_or(rest.len());
            (length, Some(&rest[..length]))
        } else if rest.starts_with("::") {
            (2, Some("::"))
        } else {
            let length = first.len_utf8();
            (length, (!first.is_whitespace()).then_some(&rest[..length]))
        };
        tokens.extend(text.map(|text| Token { text, line }));
        line += rest[..length].matches('\n').count();
        at += length;
    }
    tokens
}

fn word(c: char) -> bool {
    c.is_alphanumeric() || c == '_'
}

/// The length of the comment that `rest` begins with. Block comments nest.
fn comment(rest: &str) -> Option<usize> {
    if rest.starts_with("//") {
        return Some(rest.find('\n').unwrap_or(rest.len()));
    }
    if !rest.starts_with("/*") {
        return None;
    }
    let (mut depth, mut at) = (0, 0);
    while at < rest.len() {
        if rest[at..].starts_with("/*") {
            (depth, at) = (depth + 1, at + 2);
        } else if rest[at..].starts_with("*/") {
            (depth, at) = (depth - 1, at + 2);
        } else {
            at += rest[at..].chars().next().map_or(1, char::len_utf8);
        }
        if depth == 0 {
            break;
        }
    }
    Some(at)
}

/// The length of the string or character literal that `rest` begins with.
fn string(rest: &str) -> Option<usize> {
    let body = rest.trim_start_matches(['b', 'c']);
    let prefix = rest.len() - body.len();
    if prefix > 1 {
        return None;
    }
    if let Some(raw) = body.strip_prefix('r') {
        let hashes = raw.len() - raw.trim_start_matches('#').len();
        let open = raw[hashes..].starts_with('"').then_some(prefix + 1 + hashes + 1)?;
        let close = format!("\"{}", "#".repeat(hashes));
        let end = rest[open..].find(&close).map_or(rest.len(), |end| open + end + close.len());
        return Some(end);
    }
    if body.starts_with('"') {
        return Some(prefix + quoted(body, '"'));
    }
    if let Some(inner) = body.strip_prefix('\'') {
        // A lifetime has no closing quote right after its first character.
        let mut characters = inner.chars();
        let first = characters.next()?;
        let closed = characters.next() == Some('\'');
        return (first == '\\' || closed).then(|| prefix + quoted(body, '\''));
    }
    None
}

fn quoted(body: &str, quote: char) -> usize {
    let mut escaped = false;
    for (at, c) in body.char_indices().skip(1) {
        match c {
            _ if escaped => escaped = false,
            '\\' => escaped = true,
            _ if c == quote => return at + c.len_utf8(),
            _ => {}
        }
    }
    body.len()
}

/// Every path of the code: `a::b::c` anywhere, and `use a::{b, c::d}` as `a::b` and `a::c::d`.
pub fn paths<'a>(tokens: &[Token<'a>]) -> Vec<Path<'a>> {
    let mut paths = Vec::new();
    let (mut braces, mut modules) = (0, Vec::new());
    let mut at = 0;
    while at < tokens.len() {
        match tokens[at].text {
            "mod" if tokens.get(at + 2).is_some_and(|token| token.text == "{") => {
                modules.push(braces);
                braces += 1;
                at += 3;
            }
            "{" => (braces, at) = (braces + 1, at + 1),
            "}" => {
                braces -= 1;
                modules.pop_if(|open| *open == braces);
                at += 1;
            }
            text if text.starts_with(word) => {
                at = path(tokens, at, &mut Vec::new(), modules.len(), &mut paths);
            }
            _ => at += 1,
        }
    }
    paths
}

/// Reads the path, or the tree of `use`, that begins at `at`; answers where it ends.
fn path<'a>(
    tokens: &[Token<'a>],
    mut at: usize,
    prefix: &mut Vec<&'a str>,
    depth: usize,
    paths: &mut Vec<Path<'a>>,
) -> usize {
    let (kept, line) = (prefix.len(), tokens[at].line);
    let text = |at: usize| tokens.get(at).map_or("", |token| token.text);
    loop {
        prefix.push(tokens[at].text);
        at += 1;
        if text(at) != "::" || !(text(at + 1).starts_with(word) || text(at + 1) == "{") {
            paths.push(Path { segments: prefix.clone(), line, depth });
            break;
        }
        at += 1;
        if text(at) == "{" {
            at += 1;
            while at < tokens.len() && text(at) != "}" {
                match text(at).starts_with(word) {
                    true => at = path(tokens, at, prefix, depth, paths),
                    false => at += 1,
                }
            }
            at += 1;
            break;
        }
    }
    prefix.truncate(kept);
    at
}

/// Every function that has a body, inner ones included.
pub fn functions<'a>(tokens: &[Token<'a>]) -> Vec<Function<'a>> {
    let mut functions = Vec::new();
    for (at, pair) in tokens.windows(2).enumerate() {
        // `fn(` is a type.
        if pair[0].text != "fn" || !pair[1].text.starts_with(word) {
            continue;
        }
        let Some(open) = body(&tokens[at..]) else {
            continue;
        };
        let mut depth = 0;
        let close = tokens[at + open..].iter().find(|token| {
            depth += match token.text {
                "{" => 1,
                "}" => -1,
                _ => 0,
            };
            depth == 0
        });
        let end = close.map_or(pair[0].line, |token| token.line);
        let (name, line) = (pair[1].text, pair[0].line);
        functions.push(Function { name, line, lines: end - line + 1 });
    }
    functions
}

/// Where the body of a function opens; nothing for a mere signature.
fn body(tokens: &[Token<'_>]) -> Option<usize> {
    let mut depth = 0;
    for (at, token) in tokens.iter().enumerate() {
        match token.text {
            "(" | "[" => depth += 1,
            ")" | "]" => depth -= 1,
            ";" if depth == 0 => return None,
            "{" if depth == 0 => return Some(at),
            _ => {}
        }
    }
    None
}

#[test]
fn tells_code_from_comments_and_strings() {
    let code = "a /* b /* c */ d */ e // f\n\"g\\\" h\" r#\"i\" j\"# 'k' '\\'' &'l m b\"n\" x::y";
    let found: Vec<_> = tokens(code).iter().map(|token| token.text).collect();
    let wanted =
        ["a", "e", "\"\"", "\"\"", "\"\"", "\"\"", "&", "'", "l", "m", "\"\"", "x", "::", "y"];
    assert_eq!(found, wanted);
    assert_eq!(tokens("/* \n */\nx")[0].line, 3);
}

#[test]
fn writes_out_groups_and_knows_the_enclosing_modules() {
    let code = "use crate::{a, b::{c, self}}; fn f() { x::y(1) } mod tests { use super::*; }";
    let tokens = tokens(code);
    let found: Vec<_> = paths(&tokens)
        .iter()
        .map(|path| format!("{} {}", path.segments.join("::"), path.depth))
        .collect();
    for wanted in ["crate::a 0", "crate::b::c 0", "crate::b::self 0", "x::y 0", "super 1"] {
        assert!(found.contains(&wanted.to_owned()), "{wanted} is not in {found:?}");
    }
}

#[test]
fn measures_functions_from_signature_to_brace() {
    let code = "fn a(x: [u8; 2])\nwhere T: X\n{\n  if b { c }\n}\nfn d();\nfn e() {}";
    let tokens = tokens(code);
    let found: Vec<_> =
        functions(&tokens).iter().map(|function| (function.name, function.lines)).collect();
    assert_eq!(found, [("a", 5), ("e", 1)]);
}
