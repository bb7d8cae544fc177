//! A report as paragraphs and tables, in the order in which they are printed.

use crate::document::read::blank_kind;
use crate::form::{self, Cell as FormCell, Labelled as _};
use crate::layout::{self, Area, Content, Printed};
use crate::pb::{Blank, FormatNode, Report, blank::Kind};

/// A report as it is printed.
pub(super) struct Page {
    /// The title, a line each.
    pub(super) title: Vec<String>,
    /// The six parts.
    pub(super) parts: Vec<Part>,
}

/// A part under its heading.
pub(super) struct Part {
    /// The heading with its number.
    pub(super) heading: String,
    /// The paragraphs of a part of prose.
    pub(super) prose: Vec<String>,
    /// The table of any other part: none where it is registered as missing, a second one where the
    /// report has cells that its edition does not print.
    pub(super) tables: Vec<Table>,
}

/// A table of the form.
pub(super) struct Table {
    /// Which edition a second table is of; empty for the first.
    pub(super) caption: String,
    /// How many columns it has.
    pub(super) columns: u16,
    /// Rows at the top that are all heads and are the only ones: a long table repeats them.
    pub(super) heads: usize,
    /// The rows.
    pub(super) rows: Vec<Vec<Cell>>,
}

/// A box, or its continuation in a row below.
pub(super) struct Cell {
    pub(super) kind: CellKind,
    /// What stands in it, broken over lines.
    pub(super) lines: Vec<String>,
    /// How many columns it covers.
    pub(super) columns: u16,
    /// How many rows it covers, from this one on.
    pub(super) rows: u32,
    /// Whether it goes on with the box above.
    pub(super) continues: bool,
}

/// What a box is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum CellKind {
    Head,
    Label,
    Figure,
}

impl Page {
    /// The report as a page; the name of the organ is for a title that the report does not have.
    pub(super) fn new(report: &Report, organ_display_name: &str) -> Self {
        let mut title = lines(&report.title);
        if title.is_empty() {
            title = lines(&super::title(organ_display_name, report.year));
        }
        let printed = layout::tables(report);
        let parts = form::tree(layout::edition(report)).parts.iter();
        Page { title, parts: parts.map(|part| self::part(report, part, &printed)).collect() }
    }
}

fn part(report: &Report, part: &FormatNode, printed: &[Printed]) -> Part {
    let heading = layout::label(part);
    if !layout::is_table(part) {
        let prose = lines(prose_of(report, &part.field_path));
        return Part { heading, prose, tables: Vec::new() };
    }
    let of_part = printed.iter().filter(|(table, _)| table.number == part.number);
    let mut tables: Vec<&Printed> = of_part.filter(|(t, _)| !is_missing(report, t)).collect();
    // Where the report has only what the other edition prints, that table alone is its own.
    if let [(own, _), (other, _)] = tables[..]
        && !is_known(report, own, other)
    {
        tables.remove(0);
    }
    let tables = tables.into_iter().enumerate().map(|(at, (table, edition))| {
        let edition = edition.filter(|_| at > 0);
        let caption = edition.map(|edition| format!("（{}）", edition.zh()));
        self::table(report, table, caption.unwrap_or_default())
    });
    Part { heading, prose: Vec::new(), tables: tables.collect() }
}

/// The text of a part of prose; empty where the part is absent.
fn prose_of<'r>(report: &'r Report, path: &str) -> &'r str {
    let text = match path {
        "overview" => report.overview.as_ref().map(|part| &part.text),
        "problems" => report.problems.as_ref().map(|part| &part.text),
        "other_matters" => report.other_matters.as_ref().map(|part| &part.text),
        _ => None,
    };
    text.map_or("", String::as_str)
}

fn is_missing(report: &Report, table: &FormatNode) -> bool {
    let mut blanks = report.blanks.iter().filter(|blank| blank.field_path == table.field_path);
    blanks.any(|blank| blank.kind() == Kind::TableMissing) && !has_figures(report, table)
}

fn has_figures(report: &Report, table: &FormatNode) -> bool {
    cells_of(table).any(|cell| cell.get(report).is_some())
}

/// Whether the report says anything of a cell that this table prints and the other does not.
fn is_known(report: &Report, table: &FormatNode, other: &FormatNode) -> bool {
    let figures = |table| paths(table).into_iter().collect::<Vec<String>>();
    let others = figures(other);
    figures(table).into_iter().filter(|path| !others.contains(path)).any(|path| {
        form::cell(&path).is_some_and(|cell| cell.get(report).is_some())
            || blank_of(report, &path).is_some()
    })
}

fn paths(table: &FormatNode) -> Vec<String> {
    let (areas, _) = layout::place(table, 0);
    let path = |area: Area| match area.content {
        Content::Figure(path) => Some(path),
        Content::Head(_) | Content::Label(_) => None,
    };
    areas.into_iter().filter_map(path).collect()
}

fn cells_of(table: &FormatNode) -> impl Iterator<Item = &'static FormCell> {
    let prefix = format!("{}.", table.field_path);
    form::CELLS.iter().filter(move |cell| cell.path.starts_with(&prefix))
}

fn table(report: &Report, node: &FormatNode, caption: String) -> Table {
    let (areas, end) = layout::place(node, 0);
    let rows: Vec<Vec<Cell>> = (0..end).map(|row| row_of(report, &areas, row)).collect();
    let all_heads = |row: &Vec<Cell>| row.iter().all(|cell| cell.kind == CellKind::Head);
    let heads = rows.iter().take_while(|row| all_heads(row)).count();
    let again = rows.iter().skip(heads).flatten().any(|cell| cell.kind == CellKind::Head);
    let columns = areas.iter().map(|area| area.column + area.columns).max().unwrap_or(1);
    Table { caption, columns, heads: if again { 0 } else { heads }, rows }
}

/// The boxes that a row of the grid crosses, from left to right.
fn row_of(report: &Report, areas: &[Area], row: u32) -> Vec<Cell> {
    let crosses = |area: &&Area| (area.row..area.row + area.rows).contains(&row);
    let mut crossed: Vec<&Area> = areas.iter().filter(crosses).collect();
    crossed.sort_by_key(|area| area.column);
    let cell = |area: &Area| {
        let continues = area.row < row;
        let (kind, lines) = match &area.content {
            Content::Head(text) => (CellKind::Head, vec![text.clone()]),
            Content::Label(text) => (CellKind::Label, vec![text.clone()]),
            Content::Figure(path) => (CellKind::Figure, figure(report, path)),
        };
        let lines = if continues { Vec::new() } else { lines };
        let rows = area.row + area.rows - row;
        Cell { kind, lines, columns: area.columns, rows, continues }
    };
    crossed.into_iter().map(cell).collect()
}

/// What stands in a cell: the figure with the unit that the report states for it, or its blank.
fn figure(report: &Report, path: &str) -> Vec<String> {
    let Some(cell) = form::cell(path) else { return Vec::new() };
    if let Some(amount) = cell.get(report) {
        return lines(&format!("{amount}{}", layout::unit(report, path)));
    }
    match blank_of(report, path) {
        Some(blank) => blank_lines(cell, blank),
        None => Vec::new(),
    }
}

fn blank_of<'r>(report: &'r Report, path: &str) -> Option<&'r Blank> {
    report.blanks.iter().find(|blank| blank.field_path == path)
}

/// A blank as it was printed, where that is read as the same kind of blank, so that no blank ever
/// turns into a figure; else by the mark of its kind.
fn blank_lines(cell: &FormCell, blank: &Blank) -> Vec<String> {
    let mark = match blank.kind() {
        Kind::Slash => "/",
        Kind::Dash => "—",
        Kind::Unreadable => "?",
        Kind::Empty | Kind::TableMissing | Kind::Unspecified => return Vec::new(),
    };
    let mut raw = String::new();
    for line in lines(&blank.raw) {
        let digit = |c: Option<char>| c.is_some_and(char::is_numeric);
        if digit(raw.chars().next_back()) && digit(line.chars().next()) {
            raw.push('\n');
        }
        raw.push_str(&line);
    }
    match blank_kind(cell, &raw) == Some(blank.kind()) {
        true => raw.split('\n').map(str::to_owned).collect(),
        false => vec![mark.to_owned()],
    }
}

/// The lines of a text with something in them, without the space around them. What no document can
/// hold shows as U+FFFD.
fn lines(text: &str) -> Vec<String> {
    let lines = text.split(['\n', '\r', '\u{B}', '\u{C}']).map(|line| {
        let plain = line.chars().map(|c| match c {
            '\t' => ' ',
            '\u{FFFE}' | '\u{FFFF}' => '\u{FFFD}',
            c if c.is_control() => '\u{FFFD}',
            c => c,
        });
        plain.collect::<String>().trim().to_owned()
    });
    lines.filter(|line| !line.is_empty()).collect()
}
