//! The three official tables, filled, laid out from the tree of the form.

use comfy_table::{Cell, Table};
use nianbao::form::{self, Labelled as _};
use nianbao::pb::{Blank, FormatNode, Report, Unit, blank, format_node};
use unicode_width::UnicodeWidthStr as _;

use super::console::{Console, Style};
use super::table;

/// A head over figures is broken so that it takes no more columns of the terminal than this: where
/// there are few figures in a row, and where there are many.
const HEAD_WIDTHS_MAX: [usize; 2] = [14, 8];
/// A row of more figures has many.
const FEW_COLUMNS: usize = 3;
/// A label keeps so many columns of the terminal, however narrow that is.
const LABEL_WIDTH_MIN: usize = 16;
/// What the table puts around a figure, and around a label with the edges of the table.
const CELL_PADDING: usize = 3;
const LABEL_PADDING: usize = 4;

/// A line of a table.
enum Line<'a> {
    /// The heads of the columns.
    Head(String, Vec<String>),
    /// A heading that is no row.
    Title(String),
    /// A row: its label and the paths of its cells.
    Row(String, Vec<&'a FormatNode>),
}

/// The tables of a report; the cells at `marked` stand out.
pub(super) fn tables(console: &Console, report: &Report, marked: &[&str]) -> String {
    let edition = report.edition();
    let parts = form::tree(edition).parts.iter().filter(|part| is_table(part));
    let texts = parts.map(|part| table_of(console, part, report, marked));
    texts.collect::<Vec<_>>().join("\n")
}

/// The one table that holds a path.
pub(super) fn table_with(
    console: &Console,
    report: &Report,
    path: &str,
    marked: &[&str],
) -> String {
    let name = path.split('.').next().unwrap_or(path);
    let part = form::tree(report.edition()).parts.iter().find(|p| p.field_path == name);
    part.map_or(String::new(), |part| table_of(console, part, report, marked))
}

/// A report as a person reads it: head, where it stands, tables and texts.
pub(super) fn report(console: &Console, report: &Report, standing: &[String]) -> String {
    let mut out = vec![console.on_out(Style::Bold, &report.title), head(console, report)];
    out.extend_from_slice(standing);
    for part in &form::tree(report.edition()).parts {
        if is_table(part) {
            out.push(table_of(console, part, report, &[]));
        } else {
            let title = label(console, part);
            out.push(console.on_out(Style::Bold, &title));
            out.push(prose(report, &part.field_path));
        }
    }
    out.retain(|piece| !piece.is_empty());
    out.join("\n")
}

fn head(console: &Console, report: &Report) -> String {
    let scope = report.scope();
    let edition = report.edition();
    let state = report.state();
    let words = [
        report.organ.clone(),
        console.pick(format!("{} 年度", report.year), report.year.to_string()),
        console.pick(scope.zh(), scope.en()).to_owned(),
        console.pick(edition.zh(), edition.en()).to_owned(),
        console.pick(state.zh(), state.en()).to_owned(),
        console.pick(
            format!("版本 {}", report.latest_revision),
            format!("revision {}", report.latest_revision),
        ),
    ];
    let words: Vec<String> = words.into_iter().filter(|word| !word.is_empty()).collect();
    words.join(" · ")
}

fn prose(report: &Report, part: &str) -> String {
    let text = match part {
        "overview" => report.overview.as_ref().map(|p| &p.text),
        "problems" => report.problems.as_ref().map(|p| &p.text),
        "other_matters" => report.other_matters.as_ref().map(|p| &p.text),
        _ => None,
    };
    let lines = text.map(|text| text.lines().map(|line| format!("  {}\n", line.trim())));
    lines.map_or(String::new(), Iterator::collect)
}

fn is_table(part: &FormatNode) -> bool {
    part.children.iter().any(|child| child.kind() != format_node::Kind::Text)
}

fn table_of(console: &Console, part: &FormatNode, report: &Report, marked: &[&str]) -> String {
    let mut lines = Vec::new();
    let mut columns = Vec::new();
    let mut heading = String::new();
    for child in &part.children {
        lay_out(console, child, 0, &mut heading, &mut columns, &mut lines);
    }
    let wide = lines.iter().map(Line::width).max().unwrap_or(0);
    let room = label_room(console, &lines, report, wide);
    let mut out = table::bare(console);
    let mut headed = false;
    for line in &lines {
        let cells = cells(line, report, marked, room);
        let padding = (cells.len()..=wide).map(|_| Cell::new(""));
        let row: Vec<Cell> = cells.into_iter().chain(padding).collect();
        // The first heads are those of the table, later ones stand in the middle.
        if matches!(line, Line::Head(..)) && !headed {
            out.set_header(row);
            headed = true;
        } else {
            out.add_row(row);
        }
    }
    keep_figures_whole(&mut out, wide);
    format!("{}\n{}", title(console, part), table::text(&out))
}

fn title(console: &Console, part: &FormatNode) -> String {
    let unit = match part.unit() {
        Unit::Unspecified => String::new(),
        unit => console.pick(format!("（单位：{}）", unit.zh()), format!(" ({})", unit.en())),
    };
    format!("{}{unit}", console.on_out(Style::Bold, &label(console, part)))
}

fn keep_figures_whole(table: &mut Table, columns: usize) {
    for column in 1..=columns {
        table::whole(table, column);
    }
}

impl Line<'_> {
    /// How many columns it has beside its label.
    fn width(&self) -> usize {
        match self {
            Line::Head(_, columns) => columns.len(),
            Line::Title(_) => 0,
            Line::Row(_, cells) => cells.len(),
        }
    }
}

/// The columns of the terminal that labels may take beside the figures.
fn label_room(console: &Console, lines: &[Line<'_>], report: &Report, columns: usize) -> usize {
    let width = |line: &Line<'_>, column: usize| match line {
        Line::Head(_, heads) => {
            let lines = heads
                .get(column)
                .map(|head| head.lines().map(unicode_width::UnicodeWidthStr::width));
            lines.and_then(Iterator::max).unwrap_or(0)
        }
        Line::Title(_) => 0,
        Line::Row(_, cells) => {
            cells.get(column).map_or(0, |c| value(report, &c.field_path).width())
        }
    };
    let widest = |column| lines.iter().map(|line| width(line, column)).max().unwrap_or(0);
    let figures: usize = (0..columns).map(|column| widest(column) + CELL_PADDING).sum();
    console.width.saturating_sub(figures + LABEL_PADDING).max(LABEL_WIDTH_MIN)
}

/// Appends the lines of a node; new heads where the columns change.
fn lay_out<'a>(
    console: &Console,
    node: &'a FormatNode,
    depth: usize,
    heading: &mut String,
    columns: &mut Vec<String>,
    lines: &mut Vec<Line<'a>>,
) {
    let is_new = !node.heading.is_empty() && *heading != node.heading;
    if !node.heading.is_empty() {
        heading.clone_from(&node.heading);
    }
    let above =
        if is_new && console.pick(true, false) { node.heading.clone() } else { String::new() };
    // What stands below a heading stands further in.
    let under = usize::from(!node.heading.is_empty() && console.pick(true, false));
    let indent = "  ".repeat(depth + under);
    let named = format!("{indent}{}", label(console, node));
    let cells: Vec<&FormatNode> = match node.kind() {
        format_node::Kind::Cell => vec![node],
        format_node::Kind::Row => node.children.iter().collect(),
        _ => Vec::new(),
    };
    if cells.is_empty() {
        if !above.is_empty() {
            lines.push(Line::Title(above));
        }
        lines.push(Line::Title(named));
        for child in &node.children {
            lay_out(console, child, depth + under + 1, heading, columns, lines);
        }
        return;
    }
    let width = HEAD_WIDTHS_MAX[usize::from(cells.len() > FEW_COLUMNS)];
    let heads = cells.iter().map(|cell| broken(console, &column(console, cell), width));
    let heads: Vec<String> = heads.collect();
    if heads != *columns {
        columns.clone_from(&heads);
        lines.push(Line::Head(above, heads));
    } else if !above.is_empty() {
        lines.push(Line::Title(above));
    }
    lines.push(Line::Row(named, cells));
}

fn cells(line: &Line<'_>, report: &Report, marked: &[&str], room: usize) -> Vec<Cell> {
    match line {
        Line::Head(label, columns) => {
            let heads = columns.iter().map(|text| table::column_head(text));
            std::iter::once(table::bold(&table::wrapped(label, room))).chain(heads).collect()
        }
        Line::Title(label) => vec![table::bold(&table::wrapped(label, room))],
        Line::Row(label, cells) => {
            let figures = cells.iter().map(|cell| {
                let is_marked = marked.contains(&cell.field_path.as_str());
                table::figure(&value(report, &cell.field_path), is_marked)
            });
            std::iter::once(Cell::new(table::wrapped(label, room))).chain(figures).collect()
        }
    }
}

/// What stands in a cell, as the report prints it.
pub(super) fn value(report: &Report, path: &str) -> String {
    if let Some(amount) = form::cell(path).and_then(|cell| cell.get(report)) {
        return amount.to_string();
    }
    let blank = report.blanks.iter().find(|blank| blank.field_path == path);
    match blank.map(Blank::kind) {
        Some(blank::Kind::Slash) => "/".to_owned(),
        Some(blank::Kind::Dash) => "—".to_owned(),
        Some(blank::Kind::Unreadable) => "?".to_owned(),
        _ => String::new(),
    }
}

fn label(console: &Console, node: &FormatNode) -> String {
    let label = console.pick(&node.label, &node.label_en);
    // The undivided row of 2019 has no number of its own; nor do columns.
    format!("{}{label}", node.number)
}

fn column(console: &Console, cell: &FormatNode) -> String {
    let printed = match cell.column.is_empty() {
        true => &cell.label,
        false => &cell.column,
    };
    match (console.pick(true, false), cell.column.is_empty()) {
        (true, _) => printed.clone(),
        (false, true) => cell.label_en.clone(),
        (false, false) => {
            let unit = cell.unit();
            unit.en().to_owned()
        }
    }
}

/// A head in lines of a few characters each, broken before a bracket and between characters in
/// Chinese, between words and within long ones in English.
fn broken(console: &Console, text: &str, width_max: usize) -> String {
    let pieces: Vec<String> = match console.pick(true, false) {
        true => text.chars().map(String::from).collect(),
        false => {
            text.split_inclusive([' ', '-']).flat_map(|word| hyphenated(word, width_max)).collect()
        }
    };
    let rows = text.width().div_ceil(width_max).max(1);
    // Lines of even length look better than a full one and a rest.
    let width = match console.pick(true, false) {
        true => text.width().div_ceil(rows).next_multiple_of(2),
        false => width_max,
    };
    let mut lines: Vec<String> = Vec::new();
    let mut line = String::new();
    for piece in pieces {
        let full = line.width() + piece.trim_end().width() > width;
        if !line.is_empty() && (full || piece == "（") {
            lines.push(line.trim_end().to_owned());
            line.clear();
        }
        line.push_str(&piece);
    }
    lines.push(line);
    lines.join("\n")
}

/// A word in pieces that fit, each but the last with a hyphen.
fn hyphenated(word: &str, width_max: usize) -> Vec<String> {
    let letters: Vec<char> = word.chars().collect();
    if word.trim_end().len() <= width_max {
        return vec![word.to_owned()];
    }
    let (head, tail) = letters.split_at((width_max - 1).min(letters.len().div_ceil(2)));
    let head: String = head.iter().chain(['-'].iter()).collect();
    vec![head, tail.iter().collect()]
}
