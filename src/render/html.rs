//! A web page: one file, no script, nothing fetched.

use super::escaped;
use super::page::{Cell, CellKind, Page, Part, Table};

/// Type and rules as a printed report has them; on paper each table stays whole where it can.
const STYLE: &str = "\
body{margin:0 auto;max-width:60rem;padding:1rem;color:#000;background:#fff;\
font:1rem/1.8 'FangSong','STFangsong','Songti SC','SimSun',serif}
h1{text-align:center;font-size:1.6rem;line-height:1.5}
h2{font-size:1.15rem;font-family:'SimHei','Heiti SC',sans-serif}
p{margin:0;text-indent:2em;text-align:justify}
.table{overflow-x:auto}
table{border-collapse:collapse;width:100%;margin:.5rem 0;font-size:.85rem;line-height:1.4}
th,td{border:1px solid #000;padding:.2rem .3rem;text-align:center;font-weight:normal}
th.label{text-align:left}
@media print{@page{size:A4}body{max-width:none;padding:0}h2{break-after:avoid}\
tr{break-inside:avoid}}";

/// Writes the page.
pub(super) fn write(page: &Page) -> String {
    let title: Vec<String> = page.title.iter().map(|line| escaped(line)).collect();
    let mut out = format!(
        "<!DOCTYPE html>\n<html lang=\"zh-CN\">\n<head>\n<meta charset=\"utf-8\">\n\
         <meta name=\"viewport\" content=\"width=device-width, initial-scale=1\">\n\
         <title>{}</title>\n<style>\n{STYLE}\n</style>\n</head>\n<body>\n<main>\n\
         <h1>{}</h1>\n",
        title.concat(),
        title.join("<br>")
    );
    for (part, number) in page.parts.iter().zip(1..) {
        part_of(part, number, &mut out);
    }
    out.push_str("</main>\n</body>\n</html>\n");
    out
}

fn part_of(part: &Part, number: usize, out: &mut String) {
    out.push_str(&format!("<h2 id=\"part-{number}\">{}</h2>\n", escaped(&part.heading)));
    for line in &part.prose {
        out.push_str(&format!("<p>{}</p>\n", escaped(line)));
    }
    for table in &part.tables {
        if !table.caption.is_empty() {
            out.push_str(&format!("<p>{}</p>\n", escaped(&table.caption)));
        }
        table_of(table, number, out);
    }
}

fn table_of(table: &Table, number: usize, out: &mut String) {
    let open = format!("<div class=\"table\">\n<table aria-labelledby=\"part-{number}\">\n");
    out.push_str(&open);
    let (heads, body) = table.rows.split_at(table.heads);
    for (name, rows) in [("thead", heads), ("tbody", body)] {
        if rows.is_empty() {
            continue;
        }
        out.push_str(&format!("<{name}>\n"));
        for row in rows {
            out.push_str("<tr>");
            row.iter().filter(|cell| !cell.continues).for_each(|cell| cell_of(cell, out));
            out.push_str("</tr>\n");
        }
        out.push_str(&format!("</{name}>\n"));
    }
    out.push_str("</table>\n</div>\n");
}

fn cell_of(cell: &Cell, out: &mut String) {
    let (name, role) = match cell.kind {
        CellKind::Head => ("th", " scope=\"col\""),
        CellKind::Label => ("th", " scope=\"row\" class=\"label\""),
        CellKind::Figure => ("td", ""),
    };
    let span = |name: &str, count: u32| match count {
        1 => String::new(),
        _ => format!(" {name}=\"{count}\""),
    };
    let spans = span("colspan", cell.columns.into()) + &span("rowspan", cell.rows);
    let lines: Vec<String> = cell.lines.iter().map(|line| escaped(line)).collect();
    out.push_str(&format!("<{name}{role}{spans}>{}</{name}>", lines.join("<br>")));
}
