//! Where each label and each figure of the official tables stands, from the tree of the form: boxes
//! over a grid, merged as printed. It knows nothing of a file: workbooks and documents are laid out
//! alike.
//!
//! Three shapes are printed. In table two blocks stand below one another, each with a head of its
//! own. In table three all rows share a head, and their labels are merged over what belongs
//! together. In table four the groups stand side by side over one row of figures.

use crate::form;
use crate::pb::{Edition, FormatNode, Report, format_node};
use crate::rules;

/// The columns of labels, which all tables share: table three has as many.
const LABELS: u16 = 3;
/// Printed over the labels of table two, and over the figures of table three: heads of the axes,
/// which are no rows.
const CONTENT: &str = "信息内容";
const APPLICANTS: &str = "申请人情况";
/// The rule that is printed in the corner of table three.
const CORNER_RULE: &str = "requests.balance.total";

/// A box of the grid.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Area {
    /// Its first row.
    pub row: u32,
    /// Its first column, from 0.
    pub column: u16,
    /// How many rows it covers.
    pub rows: u32,
    /// How many columns it covers.
    pub columns: u16,
    /// What stands in it.
    pub content: Content,
}

/// What stands in a box.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Content {
    /// A head or a label.
    Head(String),
    /// A label beside figures, set to the left.
    Label(String),
    /// The figure of a cell, by its path.
    Figure(String),
}

/// A row of figures and what stands above it in the tree.
struct Line<'a> {
    labels: Vec<String>,
    cells: Vec<&'a FormatNode>,
}

/// A table, and the edition to name beside it where the tables of two are printed.
pub type Printed = (&'static FormatNode, Option<Edition>);

/// The edition whose form shows the report; that of 2021 where nothing tells.
pub fn edition(report: &Report) -> Edition {
    let (new, old) = (report.disclosure.is_some(), report.disclosure_2019.is_some());
    match report.edition() {
        Edition::Unspecified if old && !new => Edition::Edition2019,
        Edition::Unspecified => Edition::Edition2021,
        stated => stated,
    }
}

/// The tables of a report. A sum over reports of both editions has those of 2021, and of 2019 those
/// with cells that 2021 does not print.
pub fn tables(report: &Report) -> Vec<Printed> {
    let edition = edition(report);
    let tables = |edition| {
        let parts = form::tree(edition).parts.iter();
        parts.filter(|part| is_table(part))
    };
    let mut parts: Vec<Printed> = tables(edition).map(|part| (part, None)).collect();
    let lost = |part: &&FormatNode| {
        let prefix = format!("{}.", part.field_path);
        let mut cells = form::CELLS.iter().filter(|cell| cell.path.starts_with(&prefix));
        cells.any(|cell| !cell.is_in(edition) && cell.get(report).is_some())
    };
    let other = match edition {
        Edition::Edition2019 => Edition::Edition2021,
        Edition::Edition2021 | Edition::Unspecified => Edition::Edition2019,
    };
    parts.extend(tables(other).filter(lost).map(|part| (part, Some(other))));
    parts
}

/// The unit that a report states beside an amount.
pub fn unit(report: &Report, path: &str) -> String {
    let unit = form::cell(&format!("{path}_unit")).and_then(|cell| cell.get(report));
    unit.map(|unit| unit.to_string()).unwrap_or_default()
}

/// Whether a part is a table.
pub fn is_table(part: &FormatNode) -> bool {
    part.children.iter().any(|child| child.kind() != format_node::Kind::Text)
}

/// A part as it is printed.
pub fn label(node: &FormatNode) -> String {
    format!("{}{}", node.number, node.label)
}

/// The boxes of a table whose first row is `top`, and the row after it.
pub fn place(part: &FormatNode, top: u32) -> (Vec<Area>, u32) {
    let mut sheet = Sheet { areas: Vec::new(), next: top };
    let lines = lines(part);
    let one_head = lines.windows(2).all(|pair| heads(&pair[0]) == heads(&pair[1]));
    let numbered = part.children.iter().any(|child| !child.number.is_empty());
    match (one_head, numbered) {
        (true, true) => sheet.rows_below(&lines),
        (true, false) => sheet.side_by_side(&lines),
        (false, _) => sheet.blocks(&lines),
    }
    (sheet.areas, sheet.next)
}

fn heads<'a>(line: &Line<'a>) -> Vec<&'a str> {
    line.cells.iter().map(|cell| head(cell)).collect()
}

/// What stands over a figure: the head of the only column, where a row is itself the cell.
fn head(cell: &FormatNode) -> &str {
    if cell.column.is_empty() { &cell.label } else { &cell.column }
}

fn lines(part: &FormatNode) -> Vec<Line<'_>> {
    let mut lines = Vec::new();
    part.children.iter().for_each(|child| collect(child, &[], &mut lines));
    lines
}

fn collect<'a>(node: &'a FormatNode, above: &[String], lines: &mut Vec<Line<'a>>) {
    let mut labels = above.to_vec();
    if !node.heading.is_empty() {
        labels.push(node.heading.clone());
    }
    // The undivided row of a group repeats its label: both are printed once.
    let repeats = labels.last().is_some_and(|last| last.ends_with(&node.label));
    if !repeats || !node.number.is_empty() {
        labels.push(label(node));
    }
    let cells: Vec<&FormatNode> = match node.kind() {
        format_node::Kind::Cell => vec![node],
        format_node::Kind::Row => node.children.iter().filter(|cell| is_figure(cell)).collect(),
        _ => {
            node.children.iter().for_each(|child| collect(child, &labels, lines));
            return;
        }
    };
    lines.push(Line { labels, cells });
}

/// The unit that a report states for itself is printed with its amount, not beside it.
fn is_figure(cell: &FormatNode) -> bool {
    form::cell(&cell.field_path).map(|cell| cell.kind) != Some(form::CellKind::Text)
}

/// Boxes as they are placed.
struct Sheet {
    areas: Vec<Area>,
    /// The first row that is free.
    next: u32,
}

impl Sheet {
    fn put(&mut self, (row, column): (u32, u16), (rows, columns): (u32, u16), content: Content) {
        self.areas.push(Area { row, column, rows, columns, content });
    }

    /// Table two: blocks with heads of their own.
    fn blocks(&mut self, lines: &[Line<'_>]) {
        let figures = lines.iter().map(|line| line.cells.len()).max().unwrap_or(1);
        let figures = u16::try_from(figures).unwrap_or(u16::MAX);
        let (mut heading, mut columns) = (None, Vec::new());
        for line in lines {
            let (last, above) = match line.labels.split_last() {
                Some((last, above)) => (last.clone(), above.first()),
                None => (String::new(), None),
            };
            let is_new = above != heading;
            if let Some(text) = above.filter(|_| is_new) {
                let whole = (1, LABELS + figures);
                self.put((self.next, 0), whole, Content::Head(text.clone()));
                self.next += 1;
            }
            heading = above;
            if is_new || columns != heads(line) {
                columns = heads(line);
                self.put((self.next, 0), (1, LABELS), Content::Head(CONTENT.to_owned()));
                self.spread(line, figures, |cell| Content::Head(head(cell).to_owned()));
            }
            self.put((self.next, 0), (1, LABELS), Content::Label(last));
            self.spread(line, figures, |cell| Content::Figure(cell.field_path.clone()));
        }
    }

    /// A row over all columns: the last box takes what is left.
    fn spread(&mut self, line: &Line<'_>, figures: u16, content: impl Fn(&FormatNode) -> Content) {
        for (column, cell) in (0..).zip(&line.cells) {
            let is_last = usize::from(column) + 1 == line.cells.len();
            let columns = if is_last { figures - column } else { 1 };
            self.put((self.next, LABELS + column), (1, columns), content(cell));
        }
        self.next += 1;
    }

    /// Table three: rows that share a head of three levels.
    fn rows_below(&mut self, lines: &[Line<'_>]) {
        let Some(first) = lines.first() else { return };
        let figures = u16::try_from(first.cells.len()).unwrap_or(u16::MAX);
        let top = self.next;
        let corner = rules::rule(CORNER_RULE).map(|rule| format!("（{}）", rule.ground));
        self.put((top, 0), (3, LABELS), Content::Head(corner.unwrap_or_default()));
        self.put((top, LABELS), (1, figures), Content::Head(APPLICANTS.to_owned()));
        for (column, cell) in (LABELS..).zip(&first.cells) {
            let (row, rows) = if cell.heading.is_empty() { (top + 1, 2) } else { (top + 2, 1) };
            self.put((row, column), (rows, 1), Content::Head(head(cell).to_owned()));
        }
        let headings: Vec<&str> = first.cells.iter().map(|cell| cell.heading.as_str()).collect();
        for (from, until) in runs(&headings) {
            if !headings[from].is_empty() {
                let (at, columns) = (LABELS + small(from), small(until - from));
                self.put((top + 1, at), (1, columns), Content::Head(headings[from].to_owned()));
            }
        }
        self.next += 3;
        let top = self.next;
        self.labels(lines, top);
        for (row, line) in (top..).zip(lines) {
            for (column, cell) in (LABELS..).zip(&line.cells) {
                self.put((row, column), (1, 1), Content::Figure(cell.field_path.clone()));
            }
            self.next = row + 1;
        }
    }

    /// The labels of rows: each merged down over the rows that belong to it, the last across.
    fn labels(&mut self, lines: &[Line<'_>], top: u32) {
        for level in 0..LABELS {
            let depth = usize::from(level) + 1;
            let above: Vec<&[String]> =
                lines.iter().map(|line| &line.labels[..depth.min(line.labels.len())]).collect();
            for (from, until) in runs(&above) {
                let Some(text) = lines[from].labels.get(usize::from(level)) else { continue };
                let is_last = lines[from].labels.len() == depth;
                let columns = if is_last { LABELS - level } else { 1 };
                let rows = u32::try_from(until - from).unwrap_or(u32::MAX);
                let row = top + u32::try_from(from).unwrap_or(u32::MAX);
                self.put((row, level), (rows, columns), Content::Label(text.clone()));
            }
        }
    }

    /// Table four: groups side by side under a head of three levels.
    fn side_by_side(&mut self, lines: &[Line<'_>]) {
        let (top, mut column) = (self.next, 0);
        let headings: Vec<&str> = lines
            .iter()
            .map(|line| line.labels.first().map(String::as_str).unwrap_or_default())
            .collect();
        for (from, until) in runs(&headings) {
            let width = lines[from..until].iter().map(|line| line.cells.len()).sum();
            let whole = Content::Head(headings[from].to_owned());
            self.put((top, column), (1, small(width)), whole);
            for line in &lines[from..until] {
                let below = line.labels.get(1);
                if let Some(label) = below {
                    let width = small(line.cells.len());
                    self.put((top + 1, column), (1, width), Content::Head(label.clone()));
                }
                for cell in &line.cells {
                    let (row, rows) = if below.is_some() { (top + 2, 1) } else { (top + 1, 2) };
                    self.put((row, column), (rows, 1), Content::Head(head(cell).to_owned()));
                    let figure = Content::Figure(cell.field_path.clone());
                    self.put((top + 3, column), (1, 1), figure);
                    column += 1;
                }
            }
        }
        self.next += 4;
    }
}

/// Where equal neighbours begin and end.
fn runs<T: PartialEq>(items: &[T]) -> Vec<(usize, usize)> {
    let mut runs: Vec<(usize, usize)> = Vec::new();
    for (at, item) in items.iter().enumerate() {
        match runs.last_mut() {
            Some((from, until)) if items[*from] == *item => *until = at + 1,
            _ => runs.push((at, at + 1)),
        }
    }
    runs
}

/// A number of columns; the form has some dozens.
fn small(count: usize) -> u16 {
    u16::try_from(count).unwrap_or(u16::MAX)
}

#[cfg(test)]
mod tests {
    use std::collections::HashSet;

    use super::*;
    use crate::form::{CELLS, CellKind};

    fn tables(edition: Edition) -> Vec<Area> {
        let mut top = 0;
        let mut areas = Vec::new();
        for part in form::tree(edition).parts.iter().filter(|part| is_table(part)) {
            let (placed, next) = place(part, top);
            areas.extend(placed);
            top = next;
        }
        areas
    }

    #[test]
    fn each_figure_of_an_edition_stands_once_and_no_box_over_another() {
        for edition in [Edition::Edition2019, Edition::Edition2021] {
            let areas = tables(edition);
            let mut taken = HashSet::new();
            for area in &areas {
                for row in area.row..area.row + area.rows {
                    for column in area.column..area.column + area.columns {
                        assert!(taken.insert((row, column)), "{area:?} overlaps");
                    }
                }
            }
            let figures: Vec<&str> = areas
                .iter()
                .filter_map(|area| match &area.content {
                    Content::Figure(path) => Some(path.as_str()),
                    Content::Head(_) | Content::Label(_) => None,
                })
                .collect();
            let printed = CELLS.iter().filter(|c| c.is_in(edition) && c.kind != CellKind::Text);
            let distinct: HashSet<&str> = figures.iter().copied().collect();
            assert_eq!(distinct.len(), figures.len());
            assert_eq!(distinct, printed.map(|cell| cell.path).collect());
        }
    }

    #[test]
    fn boxes_leave_no_hole_in_a_table() {
        for edition in [Edition::Edition2019, Edition::Edition2021] {
            for part in form::tree(edition).parts.iter().filter(|part| is_table(part)) {
                let (areas, rows) = place(part, 0);
                let width = areas.iter().map(|area| area.column + area.columns).max().unwrap();
                let covered: u32 = areas.iter().map(|a| a.rows * u32::from(a.columns)).sum();
                assert_eq!(covered, rows * u32::from(width), "{}", part.label);
            }
        }
    }

    #[test]
    fn labels_are_merged_as_they_are_printed() {
        let find = |areas: &[Area], text: &str| {
            let head = |area: &&Area| match &area.content {
                Content::Head(label) | Content::Label(label) => label == text,
                Content::Figure(_) => false,
            };
            let area = areas.iter().find(head).unwrap_or_else(|| panic!("{text}"));
            (area.column, area.rows, area.columns)
        };
        let new = tables(Edition::Edition2021);
        assert_eq!(find(&new, "第二十条第（一）项"), (0, 1, 6));
        assert_eq!(find(&new, "本年收费金额（单位：万元）"), (3, 1, 3));
        assert_eq!(find(&new, "申请人情况"), (3, 1, 7));
        assert_eq!(find(&new, "法人或其他组织"), (4, 1, 5));
        assert_eq!(find(&new, "自然人"), (3, 2, 1));
        assert_eq!(find(&new, "一、本年新收政府信息公开申请数量"), (0, 1, 3));
        assert_eq!(find(&new, "三、本年度办理结果"), (0, 22, 1));
        assert_eq!(find(&new, "（三）不予公开"), (1, 8, 1));
        assert_eq!(find(&new, "（六）其他处理"), (1, 3, 1));
        assert_eq!(find(&new, "（七）总计"), (1, 1, 2));
        assert_eq!(find(&new, "1.属于国家秘密"), (2, 1, 1));
        assert_eq!(find(&new, "行政复议"), (0, 1, 5));
        assert_eq!(find(&new, "行政诉讼"), (5, 1, 10));
        assert_eq!(find(&new, "复议后起诉"), (10, 1, 5));
        let old = tables(Edition::Edition2019);
        assert_eq!(find(&old, "三、本年度办理结果"), (0, 20, 1));
        assert_eq!(find(&old, "（六）其他处理"), (1, 1, 2));
        assert_eq!(find(&old, "采购总金额"), (4, 1, 2));
    }
}
