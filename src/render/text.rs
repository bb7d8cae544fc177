//! Plain text as word processors dump a document: a line a paragraph, a line a cell after a tab, an
//! empty line after a row and a second one after a table.

use super::page::{Page, Table};

/// Writes the text.
pub(super) fn write(page: &Page) -> String {
    let mut out = String::new();
    let mut line = |text: &str| {
        out.push_str(text);
        out.push('\n');
    };
    page.title.iter().for_each(|text| line(text));
    for part in &page.parts {
        line("");
        line(&part.heading);
        part.prose.iter().for_each(|text| line(text));
        for table in &part.tables {
            if !table.caption.is_empty() {
                line(&table.caption);
            }
            table_of(table, &mut line);
        }
    }
    out
}

fn table_of(table: &Table, line: &mut impl FnMut(&str)) {
    for row in &table.rows {
        for cell in row {
            let text = match &cell.lines[..] {
                [] => "",
                [text] => text,
                // A cell is one line here, and two numbers in one would be a third.
                _ => "?",
            };
            line(&format!("\t{text}"));
        }
        line("");
    }
    line("");
}
