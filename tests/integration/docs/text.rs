//! Comments of the schema as Markdown.

use prost_reflect::FileDescriptor;

use crate::contract::comments;

/// A comment of the schema: its Chinese label, and the English text after it.
pub struct Comment {
    pub label: String,
    /// Paragraphs; each item of a list is one by itself.
    pub paragraphs: Vec<String>,
}

impl Comment {
    /// The comment at a path of a file. A test of the contract holds that each element has one, led
    /// by its label.
    pub fn at(file: &FileDescriptor, path: &[i32], label: &str) -> Self {
        let comments = comments(file);
        Self::parse(&comments[path], label)
    }

    /// A label that is printed on the form may hold blanks; any other ends at the first.
    fn parse(text: &str, label: &str) -> Self {
        let end = match text.starts_with(label) && !label.is_empty() {
            true => label.len(),
            false => text.find(char::is_whitespace).unwrap_or(text.len()),
        };
        let (label, rest) = text.split_at(end);
        let mut paragraphs: Vec<String> = vec![String::new()];
        for line in rest.lines().map(str::trim) {
            if line.is_empty() || line.starts_with("- ") {
                paragraphs.push(String::new());
            }
            let last = paragraphs.last_mut().unwrap();
            if !last.is_empty() {
                last.push(' ');
            }
            last.push_str(line);
        }
        paragraphs.retain(|paragraph| !paragraph.is_empty());
        Comment { label: label.to_owned(), paragraphs }
    }

    /// All of it on one line, for a table.
    pub fn line(&self) -> String {
        cell(&self.paragraphs.join(" "))
    }
}

/// Text that stands in a table: a bar would end its cell.
pub fn cell(text: &str) -> String {
    text.replace('|', "\\|").replace('\n', " ")
}

/// A text in backticks, whatever it holds.
pub fn code(text: &str) -> String {
    match text.contains('`') {
        true => format!("`` {text} ``"),
        false => format!("`{text}`"),
    }
}

#[test]
fn reads_a_label_and_the_text_after_it() {
    let read = |text: &str, label| {
        let comment = Comment::parse(text, label);
        (comment.label, comment.paragraphs)
    };
    let words = |list: &[&str]| list.iter().map(|word| (*word).to_owned()).collect::<Vec<_>>();
    assert_eq!(read("总计 The sum\n of it.", ""), ("总计".into(), words(&["The sum of it."])));
    assert_eq!(read("总计", ""), ("总计".into(), words(&[])));
    assert_eq!(read("甲 乙 Two.", "甲 乙"), ("甲 乙".into(), words(&["Two."])));
    let listed = read("甲 One:\n\n - a\n   b\n - c", "");
    assert_eq!(listed.1, words(&["One:", "- a b", "- c"]));
}
