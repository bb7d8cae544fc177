//! The labels of the form as the schema holds them, in the shape that reading needs: rows and
//! columns of the three tables with their keys. Nothing is listed here; all comes from the tree.

use std::collections::HashMap;
use std::sync::LazyLock;

use crate::form::{self, CellKind};
use crate::pb::{Edition, FormatNode, format_node};

use super::labels::key;

/// One of the six parts, by its number.
pub(super) type Part = usize;

/// The parts that are tables.
pub(super) const TABLE_TWO: Part = 2;
pub(super) const TABLE_THREE: Part = 3;
pub(super) const TABLE_FOUR: Part = 4;
/// The number of parts.
pub(super) const PARTS: usize = 6;

/// A row of a table.
pub(super) struct Row {
    /// The path of the row, or of the cell where the row is itself one.
    pub path: &'static str,
    pub keys: Vec<String>,
    pub columns: Vec<Column>,
    /// The edition that alone prints it.
    pub only_in: Option<Edition>,
    /// The cell that holds the unit of an amount, where the form prints none.
    pub unit_path: Option<&'static str>,
}

/// A column of a row: one cell.
pub(super) struct Column {
    pub path: &'static str,
    pub keys: Vec<String>,
    /// Whether it tells a change, with a sign.
    pub is_change: bool,
}

/// The labels of the form.
pub(super) struct Index {
    /// The labels of each part: `headings[part - 1]`, with those of both editions.
    pub headings: [Vec<String>; PARTS],
    paths: [&'static str; PARTS],
    /// The path of table two of the edition of 2019.
    pub two_2019_path: &'static str,
    /// Table two by edition.
    pub two_2019: Vec<Row>,
    pub two_2021: Vec<Row>,
    /// Table three with the rows of both editions: real forms mix them.
    pub three: Vec<Row>,
    /// The groups of table four.
    pub four: Vec<Row>,
    /// In which tables a label occurs: bit `part`.
    tables: HashMap<String, u8>,
}

/// The index, made at first use.
pub(super) fn index() -> &'static Index {
    static INDEX: LazyLock<Index> = LazyLock::new(Index::new);
    &INDEX
}

impl Index {
    fn new() -> Index {
        let old = &form::tree(Edition::Edition2019).parts;
        let new = &form::tree(Edition::Edition2021).parts;
        let table = |parts: &'static [FormatNode], part: Part| {
            parts.get(part - 1).map(rows).unwrap_or_default()
        };
        let mut three = table(new, TABLE_THREE);
        let only_old = |row: &Row| three.iter().all(|known| known.path != row.path);
        let mut more: Vec<Row> = table(old, TABLE_THREE).into_iter().filter(only_old).collect();
        three.append(&mut more);
        let mut tables = HashMap::new();
        for parts in [old, new] {
            for part in [TABLE_TWO, TABLE_THREE, TABLE_FOUR] {
                if let Some(node) = parts.get(part - 1) {
                    node.children.iter().for_each(|child| collect(child, part, &mut tables));
                }
            }
        }
        let both = |at: usize| -> Vec<String> {
            let nodes = old.get(at).into_iter().chain(new.get(at));
            let mut keys: Vec<String> = nodes.flat_map(keys_of).collect();
            keys.sort_unstable();
            keys.dedup();
            keys
        };
        Index {
            headings: std::array::from_fn(both),
            paths: std::array::from_fn(|at| new.get(at).map_or("", |node| prose_path(node))),
            two_2019_path: old.get(TABLE_TWO - 1).map_or("", |node| &node.field_path),
            two_2019: table(old, TABLE_TWO),
            two_2021: table(new, TABLE_TWO),
            three,
            four: table(new, TABLE_FOUR),
            tables,
        }
    }

    /// The only table in which a label occurs.
    pub(super) fn table_of(&self, key: &str) -> Option<Part> {
        let tables = self.tables.get(key)?;
        (tables.count_ones() == 1).then(|| tables.trailing_zeros() as Part)
    }

    /// The path of a part: of the table in the edition of 2021, of prose that of its text.
    pub(super) fn path(&self, part: Part) -> &'static str {
        self.paths.get(part - 1).copied().unwrap_or("")
    }

    /// Table two of an edition; that of 2021 where none is stated.
    pub(super) fn two(&self, edition: Edition) -> &[Row] {
        if edition == Edition::Edition2019 { &self.two_2019 } else { &self.two_2021 }
    }
}

fn keys_of(node: &FormatNode) -> Vec<String> {
    std::iter::once(&node.label).chain(&node.aliases).map(|label| key(label)).collect()
}

fn kind(node: &FormatNode) -> format_node::Kind {
    format_node::Kind::try_from(node.kind).unwrap_or_default()
}

/// The path of the text of a part of prose, and of a table its own.
fn prose_path(node: &'static FormatNode) -> &'static str {
    let text = node.children.iter().find(|child| kind(child) == format_node::Kind::Text);
    text.map_or(&node.field_path, |text| &text.field_path)
}

/// The rows below a node, in form order.
fn rows(node: &'static FormatNode) -> Vec<Row> {
    let mut found = Vec::new();
    for child in &node.children {
        match kind(child) {
            format_node::Kind::Row => found.push(row(child)),
            format_node::Kind::Cell => found.push(Row {
                path: &child.field_path,
                keys: keys_of(child),
                columns: vec![Column {
                    path: &child.field_path,
                    keys: vec![key(&child.column)],
                    is_change: false,
                }],
                only_in: only_edition(child),
                unit_path: None,
            }),
            _ => found.append(&mut rows(child)),
        }
    }
    found
}

fn row(node: &'static FormatNode) -> Row {
    let is_text = |child: &FormatNode| {
        form::cell(&child.field_path).is_none_or(|cell| cell.kind == CellKind::Text)
    };
    let column = |child: &'static FormatNode| Column {
        path: &child.field_path,
        keys: keys_of(child),
        is_change: is_change(&child.label),
    };
    Row {
        path: &node.field_path,
        keys: keys_of(node),
        columns: node.children.iter().filter(|child| !is_text(child)).map(column).collect(),
        only_in: only_edition(node),
        unit_path: node.children.iter().find(|c| is_text(c)).map(|c| c.field_path.as_str()),
    }
}

/// Whether a column tells a change: the form prints both signs in its head.
pub(super) fn is_change(label: &str) -> bool {
    label.contains('增') && label.contains('减')
}

fn only_edition(node: &FormatNode) -> Option<Edition> {
    match node.editions[..] {
        [edition] => Edition::try_from(edition).ok(),
        _ => None,
    }
}

/// Notes in which table each label of a node and of those below it occurs.
fn collect(node: &FormatNode, part: Part, tables: &mut HashMap<String, u8>) {
    let mut keys = keys_of(node);
    keys.push(key(&node.heading));
    keys.push(key(&node.column));
    for key in keys.into_iter().filter(|key| !key.is_empty()) {
        *tables.entry(key).or_default() |= 1 << part;
    }
    node.children.iter().for_each(|child| collect(child, part, tables));
}
