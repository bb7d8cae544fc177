//! The three tables. Rows are told by their labels and columns by their heads, wherever they
//! stand: tables are split over pages, joined into one, and repeat their heads.

use std::collections::HashMap;

use crate::document::{Cell, Row as Printed, Table};
use crate::pb::{Edition, blank::Kind};

use super::index::{Column, Part, Row, TABLE_FOUR, TABLE_THREE, TABLE_TWO, index};
use super::labels::{SAME, clear_winner, key};
use super::record::{Record, at_cell, excerpt};
use super::values::is_value_like;

/// The rows of the document's tables, each with the table of the form that it belongs to.
pub(super) struct Rows<'d> {
    rows: Vec<(Part, &'d Printed)>,
    /// The table of the form with which each table begins, by its number.
    tables: HashMap<u32, Part>,
}

impl<'d> Rows<'d> {
    /// Sorts the rows of all tables.
    pub(super) fn new(tables: impl Iterator<Item = &'d Table>) -> Rows<'d> {
        let mut rows = Vec::new();
        let mut of_table = HashMap::new();
        let mut before = None;
        for table in tables {
            let parts = parts(table, before);
            before = parts.last().copied().flatten().or(before);
            if let Some(part) = parts.first().copied().flatten() {
                of_table.insert(table.index, part);
            }
            rows.extend(parts.into_iter().zip(&table.rows).filter_map(|(p, row)| Some((p?, row))));
        }
        Rows { rows, tables: of_table }
    }

    /// The table of the form with which a table begins.
    pub(super) fn part_of(&self, table: &Table) -> Option<Part> {
        self.tables.get(&table.index).copied()
    }

    /// The rows of one table of the form.
    pub(super) fn of(&self, part: Part) -> impl Iterator<Item = &'d Printed> + '_ {
        self.rows.iter().filter(move |&&(p, _)| p == part).map(|&(_, row)| row)
    }

    /// The edition that the form shows: by the heads of table two, else by its rows, else by the
    /// rows of table three. Never by the year, since old forms stay in use.
    pub(super) fn edition(&self) -> Edition {
        let index = index();
        let printed = |part| -> Vec<String> {
            self.of(part).flat_map(|row| &row.cells).map(|cell| key(&cell.text)).collect()
        };
        let (two, three) = (printed(TABLE_TWO), printed(TABLE_THREE));
        let shown = |keys: &[String], all: &[&String], others: &[&String]| {
            let is_shown = |key: &&String| all.contains(key) && !others.contains(key);
            keys.iter().filter(is_shown).count()
        };
        let heads = |rows: &'static [Row]| -> Vec<&String> {
            rows.iter().flat_map(|row| &row.columns).flat_map(|column| &column.keys).collect()
        };
        let labels = |rows: &'static [Row]| -> Vec<&String> {
            rows.iter().flat_map(|row| &row.keys).collect()
        };
        let of_three = |edition| -> Vec<&String> {
            let rows = index.three.iter().filter(|row| row.only_in == Some(edition));
            rows.flat_map(|row| &row.keys).collect()
        };
        // One such label is also the head of a column, so it shows nothing.
        let (split, single) = (
            shown(&three, &of_three(Edition::Edition2021), &heads(&index.three)),
            shown(&three, &of_three(Edition::Edition2019), &[]),
        );
        let both = |old: Vec<&String>, new: Vec<&String>| {
            (shown(&two, &old, &new), shown(&two, &new, &old))
        };
        for (old, new) in [
            both(heads(&index.two_2019), heads(&index.two_2021)),
            both(labels(&index.two_2019), labels(&index.two_2021)),
            // The single row of 2019 has the name that heads the rows of 2021.
            (usize::from(split == 0 && single > 0), usize::from(split > 0)),
        ] {
            if old != new {
                return if old > new { Edition::Edition2019 } else { Edition::Edition2021 };
            }
        }
        Edition::Unspecified
    }
}

/// To which table of the form each row belongs: by labels that occur in one table only, else as
/// the row above, else as the row below. A piece of a table without any label goes on with the
/// table before it.
fn parts(table: &Table, before: Option<Part>) -> Vec<Option<Part>> {
    let index = index();
    let mut parts: Vec<Option<Part>> = table
        .rows
        .iter()
        .map(|row| {
            let mut hits = [0; 8];
            for cell in &row.cells {
                if let Some(part) = index.table_of(&key(&cell.text)) {
                    hits[part] += 1;
                }
            }
            (TABLE_TWO..=TABLE_FOUR).filter(|&part| hits[part] > 0).max_by_key(|&part| hits[part])
        })
        .collect();
    let mut last = None;
    for part in &mut parts {
        last = part.or(last);
        *part = last;
    }
    let mut next = None;
    for part in parts.iter_mut().rev() {
        next = part.or(next);
        *part = next;
    }
    let all_values =
        || table.rows.iter().flat_map(|row| &row.cells).all(|cell| is_value_like(&cell.text));
    if next.is_none() && before.is_some() && all_values() {
        parts.fill(before);
    }
    parts
}

/// Reads table two in the columns of an edition.
pub(super) fn two(rows: &Rows<'_>, edition: Edition, record: &mut Record) {
    let form = index().two(edition);
    let mut heads: Vec<&Cell> = Vec::new();
    for row in rows.of(TABLE_TWO) {
        let is_head = |cell: &Cell| {
            let key = key(&cell.text);
            let known = |rows: &[Row]| {
                rows.iter().flat_map(|row| &row.columns).any(|column| column.keys.contains(&key))
            };
            known(&index().two_2019) || known(&index().two_2021) || is_like_head(&key, form)
        };
        if let Some(at) = row.cells.iter().position(is_head) {
            heads = row.cells[at..].iter().collect();
            continue;
        }
        let Some((at, found, likeness)) = find_row(&row.cells, form, record) else {
            leftover(row, TABLE_TWO, record);
            continue;
        };
        if likeness < SAME {
            let cell = &row.cells[at];
            record.similar(found.path, &cell.text, likeness, &at_cell(cell.place));
        }
        let columns = if heads.is_empty() { found.columns.len() } else { heads.len() };
        let mut cells = spread(&row.cells[at + 1..], columns);
        while cells.len() > columns && cells.last().is_some_and(|cell| cell.text.is_empty()) {
            cells.pop();
        }
        if cells.len() != columns {
            unassigned(found, row, cells.len(), columns, record);
            continue;
        }
        for (cell, at) in cells.into_iter().zip(0..) {
            let head = heads.get(at).map_or("", |head| head.text.as_str());
            match column(found, head, at, record) {
                Some(column) => record.cell(found, column, head, cell),
                None if cell.text.is_empty() => {}
                None => stray(found.path, cell, record),
            }
        }
    }
}

fn is_like_head(key: &str, form: &[Row]) -> bool {
    if key.chars().count() < 4 {
        return false;
    }
    let columns = form.iter().flat_map(|row| &row.columns).enumerate();
    let is_row = form.iter().any(|row| row.keys.iter().any(|k| k == key));
    let mut keys: Vec<(usize, &[String])> = Vec::new();
    for (at, column) in columns {
        // Several rows have the same heads; each is one candidate.
        if keys.iter().all(|(_, known)| *known != column.keys.as_slice()) {
            keys.push((at, &column.keys));
        }
    }
    !is_row && clear_winner(key, &keys).is_some()
}

/// The column under a head, or that at the same place where there is none.
fn column<'r>(row: &'r Row, head: &str, at: usize, record: &mut Record) -> Option<&'r Column> {
    if head.is_empty() {
        return row.columns.get(at);
    }
    let key = key(head);
    if let Some(column) = row.columns.iter().find(|column| column.keys.contains(&key)) {
        return Some(column);
    }
    let candidates = row.columns.iter().map(|column| column.keys.as_slice()).enumerate();
    let (at, likeness) = clear_winner(&key, &candidates.collect::<Vec<_>>())?;
    let column = row.columns.get(at)?;
    record.similar(column.path, head, likeness, "");
    Some(column)
}

/// The row of the form that a printed row is, the cell with its label, and the likeness.
///
/// A row that was read already is not found by likeness again: its label is taken.
fn find_row<'f>(cells: &[Cell], form: &'f [Row], record: &Record) -> Option<(usize, &'f Row, u32)> {
    let keys: Vec<String> = cells.iter().map(|cell| key(&cell.text)).collect();
    for (at, key) in keys.iter().enumerate() {
        if let Some(row) = form.iter().find(|row| row.keys.contains(key)) {
            return Some((at, row, SAME));
        }
    }
    let (at, key) = keys.iter().enumerate().find(|(_, key)| !key.is_empty())?;
    let free = form.iter().enumerate().filter(|(_, row)| !record.has_read(row.path));
    let free: Vec<_> = free.map(|(at, row)| (at, row.keys.as_slice())).collect();
    let (found, likeness) = clear_winner(key, &free)?;
    Some((at, form.get(found)?, likeness))
}

/// Brings cells to a number of columns: a blank cell that is merged over several stands for
/// each. Where that does not help they stay as they are.
fn spread(cells: &[Cell], columns: usize) -> Vec<&Cell> {
    if cells.len() < columns {
        let covers = |cell: &Cell| {
            if cell.text.is_empty() { cell.columns.max(1) as usize } else { 1 }
        };
        let spread =
            cells.iter().flat_map(|cell| std::iter::repeat_n(cell, covers(cell).min(columns)));
        let spread: Vec<&Cell> = spread.collect();
        if spread.len() == columns {
            return spread;
        }
    }
    cells.iter().collect()
}

/// Reads table three.
pub(super) fn three(rows: &Rows<'_>, record: &mut Record) {
    let form = &index().three;
    let Some(standard) = form.first() else { return };
    let mut heads = Heads::new(standard);
    for row in rows.of(TABLE_THREE) {
        if heads.take(row, standard) {
            continue;
        }
        heads.end();
        let Some((labels, cells)) = split(row, heads.columns.len(), form) else {
            leftover(row, TABLE_THREE, record);
            continue;
        };
        let label = labels.iter().rposition(|cell| !cell.text.is_empty());
        let Some(label) = label.and_then(|at| labels.get(at)) else {
            continue;
        };
        let Some((_, found, likeness)) = find_row(std::slice::from_ref(label), form, record) else {
            leftover(row, TABLE_THREE, record);
            continue;
        };
        if likeness < SAME {
            record.similar(found.path, &label.text, likeness, &at_cell(label.place));
        }
        let spread = spread(cells, heads.columns.len());
        if spread.len() == heads.columns.len() {
            for (cell, at) in spread.into_iter().zip(&heads.columns) {
                match at.and_then(|at| found.columns.get(at)) {
                    Some(column) => record.cell(found, column, "", cell),
                    None if cell.text.is_empty() => {}
                    None => stray(found.path, cell, record),
                }
            }
        } else {
            unassigned(found, row, cells.len(), heads.columns.len(), record);
        }
    }
}

/// The columns that the heads of table three show, in printed order: positions in the form's
/// row, nothing for a column that the form does not have.
struct Heads {
    columns: Vec<Option<usize>>,
    /// The heads of the rows that are being taken, by row.
    open: Vec<Vec<String>>,
}

impl Heads {
    fn new(standard: &Row) -> Heads {
        Heads { columns: (0..standard.columns.len()).map(Some).collect(), open: Vec::new() }
    }

    /// Takes a row of heads; says whether it was one.
    fn take(&mut self, row: &Printed, standard: &Row) -> bool {
        let keys: Vec<String> = row.cells.iter().map(|cell| key(&cell.text)).collect();
        let known = keys.iter().filter(|key| position(standard, key).is_some()).count();
        // The total is also the label of a row, and 其他 of another; no row has two of them.
        if known < 2 {
            return false;
        }
        self.open.push(keys);
        self.columns = self.leaves(standard).unwrap_or(std::mem::take(&mut self.columns));
        true
    }

    fn end(&mut self) {
        self.open.clear();
    }

    /// The columns under the heads so far: those of the first row with the second put in where a
    /// head covers several. Only heads that show every column of the form count.
    fn leaves(&self, standard: &Row) -> Option<Vec<Option<usize>>> {
        let mut below = self.open.get(1..).unwrap_or_default().iter().flatten();
        let mut leaves = Vec::new();
        for key in self.open.first()?.iter().filter(|key| !key.is_empty()) {
            match position(standard, key) {
                Some(at) => leaves.push(Some(at)),
                // A head that is no column covers all those of the rows below.
                None => leaves.extend(
                    below.by_ref().filter(|key| !key.is_empty()).map(|key| position(standard, key)),
                ),
            }
        }
        let all = (0..standard.columns.len())
            .all(|at| leaves.iter().filter(|&&leaf| leaf == Some(at)).count() == 1);
        all.then_some(leaves)
    }
}

fn position(row: &Row, key: &str) -> Option<usize> {
    row.columns.iter().position(|column| column.keys.iter().any(|known| known == key))
}

/// Splits a row of table three into labels and values: the last cells are values, unless a label
/// stands among them.
fn split<'r>(row: &'r Printed, columns: usize, form: &[Row]) -> Option<(&'r [Cell], &'r [Cell])> {
    let is_label = |cell: &Cell| {
        let key = key(&cell.text);
        form.iter().any(|row| row.keys.contains(&key))
    };
    let last_label = row.cells.iter().rposition(is_label);
    let by_count = row.cells.len().checked_sub(columns);
    let at = match (last_label, by_count) {
        (Some(label), Some(count)) => count.max(label + 1),
        (Some(label), None) => label + 1,
        (None, Some(count)) => count,
        (None, None) => return None,
    };
    (at > 0).then(|| row.cells.split_at(at))
}

/// Registers a row whose values cannot be told apart.
fn unassigned(found: &Row, row: &Printed, cells: usize, columns: usize, record: &mut Record) {
    let raw = row.cells.iter().map(|cell| cell.text.as_str()).collect::<Vec<_>>().join("|");
    let place = row.cells.first().map(|cell| at_cell(cell.place)).unwrap_or_default();
    let zh = format!("本行有{cells}个数据格，应为{columns}个，无法对应到列");
    let en = format!("the row has {cells} values instead of {columns}; their columns are unknown");
    record.note(found.path, zh, en, &place);
    if !record.has_read(found.path) {
        for column in &found.columns {
            record.blank(column.path, Kind::Unreadable, &raw);
        }
    }
}

/// Reads table four: the groups and results of its heads in reading order, and the row of values
/// under them.
pub(super) fn four(rows: &Rows<'_>, record: &mut Record) {
    let form = &index().four;
    let group = |key: &str| form.iter().position(|row| row.keys.iter().any(|known| known == key));
    let result = |key: &str| form.first().and_then(|row| position(row, key));
    let (mut groups, mut results): (Vec<usize>, Vec<usize>) = (Vec::new(), Vec::new());
    let mut values_read = false;
    for row in rows.of(TABLE_FOUR) {
        let keys: Vec<String> = row.cells.iter().map(|cell| key(&cell.text)).collect();
        let is_head = keys.iter().any(|key| group(key).is_some() || result(key).is_some());
        if is_head {
            if std::mem::take(&mut values_read) {
                (groups, results) = (Vec::new(), Vec::new());
            }
            groups.extend(keys.iter().filter_map(|key| group(key)));
            results.extend(keys.iter().filter_map(|key| result(key)));
            continue;
        }
        let has_value = row.cells.iter().any(|cell| !cell.text.is_empty());
        if !has_value && row.cells.iter().all(|cell| cell.continued) {
            continue;
        }
        let columns = columns_of_four(form, &groups, &results);
        let cells = spread(&row.cells, columns.len());
        // One word among figures is a cell that nobody can read; words alone are another row.
        if cells.len() == columns.len() && cells.iter().any(|cell| is_value_like(&cell.text)) {
            for (&(row, column), cell) in columns.iter().zip(cells) {
                record.cell(row, column, "", cell);
            }
            values_read = true;
        } else if has_value && keys.iter().all(String::is_empty) {
            leftover(row, TABLE_FOUR, record);
        }
    }
}

/// The columns of table four in printed order. Heads that are damaged give way to the order of
/// the form, which has been the same in every edition.
fn columns_of_four<'f>(
    form: &'f [Row],
    groups: &[usize],
    results: &[usize],
) -> Vec<(&'f Row, &'f Column)> {
    let each = form.first().map_or(0, |row| row.columns.len());
    let complete = each > 0
        && results.len() == groups.len() * each
        && results.chunks(each).all(|chunk| (0..each).all(|at| chunk.contains(&at)));
    if complete && !groups.is_empty() {
        let pairs = groups.iter().flat_map(|group| std::iter::repeat_n(group, each)).zip(results);
        return pairs.map(|(&g, &r)| (&form[g], &form[g].columns[r])).collect();
    }
    form.iter().flat_map(|row| row.columns.iter().map(move |column| (row, column))).collect()
}

/// Notes a row with figures that is no row of the form.
fn leftover(row: &Printed, part: Part, record: &mut Record) {
    let is_figure = |cell: &Cell| cell.text.chars().any(|c| c.is_ascii_digit());
    let has_label = row.cells.iter().any(|cell| !key(&cell.text).is_empty());
    if row.cells.iter().skip(usize::from(has_label)).any(is_figure) {
        let text = row.cells.iter().map(|cell| cell.text.as_str()).collect::<Vec<_>>().join(" ");
        let place = row.cells.first().map(|cell| at_cell(cell.place)).unwrap_or_default();
        record.note(
            index().path(part),
            format!("该行不是报告格式中的行，未读入：{}", excerpt(text.trim())),
            format!("this is no row of the form and is left out: {}", excerpt(text.trim())),
            &place,
        );
    }
}

/// Notes a figure under a head that the row does not have.
fn stray(path: &str, cell: &Cell, record: &mut Record) {
    record.note(
        path,
        format!("“{}”所在的列不属于本行，未读入", excerpt(&cell.text)),
        format!("{:?} stands in no column of this row and is left out", excerpt(&cell.text)),
        &at_cell(cell.place),
    );
}
