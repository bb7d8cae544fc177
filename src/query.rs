//! Filters and page tokens of lists.

use std::fmt;
use std::fmt::Write as _;

use sha2::{Digest, Sha256};

/// Terms `field = value` joined by AND.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Filter {
    /// Field and value, in the order given.
    pub terms: Vec<(String, String)>,
}

/// Why a filter cannot be read.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct FilterError {
    /// The character where reading stopped, from 0.
    pub at: usize,
    /// What was expected there.
    pub expected: String,
}

impl fmt::Display for FilterError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "at character {}: expected {}", self.at, self.expected)
    }
}

impl Filter {
    /// Reads a filter over `fields`; the empty text is the empty filter. A value is a word or
    /// stands in double quotes.
    ///
    /// # Errors
    /// Where the text has another form, names another field, or one twice: no field has two values,
    /// so one of the terms is a slip.
    pub fn parse(text: &str, fields: &[&str]) -> Result<Self, FilterError> {
        let tokens = tokens(text)?;
        let mut terms = Vec::new();
        let end = text.chars().count();
        let at = |i: usize| tokens.get(i).map_or(end, |(at, _)| *at);
        let mut i = 0;
        while i < tokens.len() {
            if !terms.is_empty() {
                if tokens[i].1 != "AND" {
                    return Err(FilterError { at: at(i), expected: "AND".to_owned() });
                }
                i += 1;
            }
            let field = tokens.get(i).filter(|(_, word)| fields.contains(&word.as_str()));
            let Some((_, field)) = field else {
                let expected = format!("one of {}", fields.join(", "));
                return Err(FilterError { at: at(i), expected });
            };
            if terms.iter().any(|(known, _)| known == field) {
                let expected = format!("{field} once");
                return Err(FilterError { at: at(i), expected });
            }
            if tokens.get(i + 1).is_none_or(|(_, word)| word != "=") {
                return Err(FilterError { at: at(i + 1), expected: "=".to_owned() });
            }
            let Some((_, value)) = tokens.get(i + 2).filter(|(_, word)| word != "=") else {
                return Err(FilterError { at: at(i + 2), expected: "a value".to_owned() });
            };
            terms.push((field.clone(), value.clone()));
            i += 3;
        }
        Ok(Filter { terms })
    }
}

fn tokens(text: &str) -> Result<Vec<(usize, String)>, FilterError> {
    let chars: Vec<char> = text.chars().collect();
    let mut out = Vec::new();
    let mut i = 0;
    while i < chars.len() {
        let start = i;
        match chars[i] {
            c if c.is_whitespace() => i += 1,
            '=' => {
                out.push((i, "=".to_owned()));
                i += 1;
            }
            '"' => {
                let close = chars[i + 1..].iter().position(|&c| c == '"');
                let Some(close) = close.map(|n| i + 1 + n) else {
                    return Err(FilterError { at: start, expected: "a closing quote".to_owned() });
                };
                out.push((start, chars[i + 1..close].iter().collect()));
                i = close + 1;
            }
            _ => {
                while i < chars.len() && !chars[i].is_whitespace() && !matches!(chars[i], '=' | '"')
                {
                    i += 1;
                }
                out.push((start, chars[start..i].iter().collect()));
            }
        }
    }
    Ok(out)
}

/// The token of the page after `last`, bound to what the list was asked for.
pub fn page_token(asked: &str, last: &[u8]) -> String {
    let mut out = hex(&digest(asked));
    out.push_str(&hex(last));
    out
}

/// The last key of the page before. `None` where the token was not made for this question.
pub fn read_page_token(asked: &str, token: &str) -> Option<Vec<u8>> {
    let bytes = unhex(token)?;
    let (bound, last) = bytes.split_at_checked(8)?;
    (bound == digest(asked)).then(|| last.to_vec())
}

fn digest(asked: &str) -> [u8; 8] {
    let digest = Sha256::digest(asked.as_bytes());
    let mut out = [0; 8];
    out.copy_from_slice(&digest[..8]);
    out
}

/// Lower-case hexadecimal digits.
pub fn hex(bytes: &[u8]) -> String {
    bytes.iter().fold(String::with_capacity(bytes.len() * 2), |mut out, byte| {
        let _ = write!(out, "{byte:02x}");
        out
    })
}

fn unhex(text: &str) -> Option<Vec<u8>> {
    if !text.is_ascii() || !text.len().is_multiple_of(2) {
        return None;
    }
    (0..text.len()).step_by(2).map(|i| u8::from_str_radix(&text[i..i + 2], 16).ok()).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    const FIELDS: &[&str] = &["year", "scope"];

    #[test]
    fn reads_terms_and_quotes() {
        let filter = Filter::parse("year = 2023 AND scope=\"own\"", FIELDS).expect("a filter");
        let term = |a: &str, b: &str| (a.to_owned(), b.to_owned());
        assert_eq!(filter.terms, [term("year", "2023"), term("scope", "own")]);
        assert_eq!(Filter::parse("  ", FIELDS), Ok(Filter::default()));
    }

    #[test]
    fn says_where_a_filter_cannot_be_read() {
        for (text, at, expected) in [
            ("month = 1", 0, "one of year, scope"),
            ("year", 4, "="),
            ("year =", 6, "a value"),
            ("year = = 3", 7, "a value"),
            ("year = 2023 scope = own", 12, "AND"),
            ("year = 2023 AND", 15, "one of year, scope"),
            ("year = \"2023", 7, "a closing quote"),
            ("year = 2023 AND scope = own AND year = 2024", 32, "year once"),
        ] {
            let error = Filter::parse(text, FIELDS).expect_err(text);
            assert_eq!((error.at, error.expected.as_str()), (at, expected), "{text}");
        }
    }

    #[test]
    fn takes_a_token_only_for_its_own_question() {
        let token = page_token("a", b"key");
        assert_eq!(read_page_token("a", &token).as_deref(), Some(&b"key"[..]));
        assert_eq!(read_page_token("b", &token), None);
        for token in ["0", "zz", "é", "00", &token[..17]] {
            assert_eq!(read_page_token("a", token), None, "{token}");
        }
    }
}
