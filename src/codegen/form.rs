//! Writes the national form: the table of cells as Rust, and the tree of each edition as an encoded
//! `GetFormatResponse`.

use std::collections::HashSet;
use std::fmt::Write as _;

use prost::Message as _;
use prost_reflect::{
    DescriptorPool, DynamicMessage, ExtensionDescriptor, FieldDescriptor, Kind, MessageDescriptor,
    Value,
};

use super::options::{extension, number, numbers, text, texts};
use super::{PACKAGE, Result};

/// `FormatNode.Kind`.
const PART: i32 = 1;
const GROUP: i32 = 2;
const ROW: i32 = 3;
const CELL: i32 = 4;
const TEXT: i32 = 5;

/// The form: the fields of `Report` that stand in it, and all others by their label.
pub struct Form {
    parts: Vec<Node>,
    /// Path, Chinese label and English label of the fields of the report that are no parts.
    others: Vec<(String, String, String)>,
}

struct Node {
    path: String,
    kind: i32,
    label: String,
    label_en: String,
    number: String,
    heading: String,
    column: String,
    aliases: Vec<String>,
    ground: String,
    unit: i32,
    summing: i32,
    editions: Vec<i32>,
    counterparts: Vec<String>,
    /// Whether the schema names them here, so that each must be a cell.
    counterparts_named: bool,
    counterpart_note: String,
    counterpart_note_en: String,
    address: String,
    value: &'static str,
    children: Vec<Node>,
}

/// What a field takes over from the field above.
#[derive(Clone, Default)]
struct Inherited {
    path: String,
    address: String,
    label: String,
    ground: String,
    unit: i32,
    summing: i32,
    editions: Vec<i32>,
    counterparts: Vec<String>,
    counterpart_note: String,
    counterpart_note_en: String,
}

impl Form {
    /// Reads the form from `nianbao.v1.Report`.
    pub fn read(pool: &DescriptorPool) -> Result<Self> {
        let report =
            pool.get_message_by_name("nianbao.v1.Report").ok_or("the schema lacks Report")?;
        let option = extension(pool, "nianbao.v1.cell")?;
        let (mut parts, mut others) = (Vec::new(), Vec::new());
        for field in report.fields() {
            let node =
                node(&field, &option, &Inherited { editions: vec![1, 2], ..Default::default() })?;
            if node.number.is_empty() {
                others.push((node.path, node.label, node.label_en));
            } else {
                parts.push(node);
            }
        }
        let mut cells = HashSet::new();
        parts.iter().for_each(|part| part.cell_paths(&mut cells));
        for part in &mut parts {
            part.settle_counterparts(&cells)?;
        }
        Ok(Form { parts, others })
    }

    /// The table of cells and the list of places, in form order.
    pub fn cells_source(&self) -> Result<String> {
        let mut cells = Vec::new();
        let mut places = Vec::new();
        for (path, zh, en) in &self.others {
            places.push((path.clone(), zh.clone(), en.clone()));
        }
        for part in &self.parts {
            collect(part, &part.label_en, &mut cells, &mut places);
        }
        let mut out = String::from("// Written by src/codegen from the options of the schema.\n\n");
        writeln!(
            out,
            "/// Every cell of both editions, in form order.\npub static CELLS: [Cell; {}] = [",
            cells.len()
        )?;
        for cell in &cells {
            out.push_str(cell);
        }
        writeln!(
            out,
            "];\n\n/// Every place of a report with its address, in form order.\nstatic PLACES: [Place; {}] = [",
            places.len()
        )?;
        for (path, zh, en) in &places {
            writeln!(out, "    Place {{ path: {path:?}, zh: {zh:?}, en: {en:?} }},")?;
        }
        out.push_str("];\n");
        Ok(out)
    }

    /// The tree of one edition, `year` 2019 or 2021.
    pub fn encode(&self, pool: &DescriptorPool, year: i32) -> Result<Vec<u8>> {
        let edition = if year == 2019 { 1 } else { 2 };
        let descriptor = pool
            .get_message_by_name("nianbao.v1.GetFormatResponse")
            .ok_or("the schema lacks GetFormatResponse")?;
        let node_type = pool
            .get_message_by_name("nianbao.v1.FormatNode")
            .ok_or("the schema lacks FormatNode")?;
        let mut out = DynamicMessage::new(descriptor);
        let parts = self
            .parts
            .iter()
            .filter(|n| n.editions.contains(&edition))
            .map(|n| Value::Message(n.message(&node_type, edition)))
            .collect();
        out.set_field_by_name("edition", Value::EnumNumber(edition));
        out.set_field_by_name("parts", Value::List(parts));
        let count: usize = self.parts.iter().map(|n| n.count(edition)).sum();
        out.set_field_by_name("cell_count", Value::I32(i32::try_from(count)?));
        Ok(out.encode_to_vec())
    }
}

impl Node {
    fn message(&self, descriptor: &MessageDescriptor, edition: i32) -> DynamicMessage {
        let mut out = DynamicMessage::new(descriptor.clone());
        let mut set = |name: &str, value: Value| out.set_field_by_name(name, value);
        for (name, value) in [
            ("field_path", &self.path),
            ("label", &self.label),
            ("label_en", &self.label_en),
            ("number", &self.number),
            ("heading", &self.heading),
            ("column", &self.column),
            ("ground", &self.ground),
        ] {
            set(name, Value::String(value.clone()));
        }
        set("aliases", Value::List(self.aliases.iter().cloned().map(Value::String).collect()));
        set("kind", Value::EnumNumber(self.kind));
        set("unit", Value::EnumNumber(self.unit));
        set("summing", Value::EnumNumber(self.summing));
        set(
            "editions",
            Value::List(self.editions.iter().copied().map(Value::EnumNumber).collect()),
        );
        set(
            "counterparts",
            Value::List(self.counterparts.iter().cloned().map(Value::String).collect()),
        );
        set("counterpart_note", Value::String(self.counterpart_note.clone()));
        set("counterpart_note_en", Value::String(self.counterpart_note_en.clone()));
        if self.kind == CELL {
            set("cell", Value::String(self.address.clone()));
        }
        let children = self
            .children
            .iter()
            .filter(|n| n.editions.contains(&edition))
            .map(|n| Value::Message(n.message(descriptor, edition)))
            .collect();
        set("children", Value::List(children));
        out
    }

    fn cell_paths(&self, paths: &mut HashSet<String>) {
        if self.kind == CELL {
            paths.insert(self.path.clone());
        }
        self.children.iter().for_each(|child| child.cell_paths(paths));
    }

    /// Keeps of the counterparts of cells those that are cells.
    fn settle_counterparts(&mut self, cells: &HashSet<String>) -> Result<()> {
        if self.kind == CELL {
            let named = self.counterparts.len();
            self.counterparts.retain(|path| cells.contains(path));
            if self.counterparts_named && self.counterparts.len() < named {
                return Err(format!("{} has a counterpart that is no cell", self.path).into());
            }
        } else {
            self.counterparts.clear();
        }
        if self.counterparts.is_empty() {
            self.counterpart_note.clear();
            self.counterpart_note_en.clear();
        }
        self.children.iter_mut().try_for_each(|child| child.settle_counterparts(cells))
    }

    /// The numeric cells of an edition.
    fn count(&self, edition: i32) -> usize {
        if !self.editions.contains(&edition) {
            return 0;
        }
        let own = usize::from(self.kind == CELL && self.value != "Text");
        own + self.children.iter().map(|n| n.count(edition)).sum::<usize>()
    }
}

fn node(field: &FieldDescriptor, option: &ExtensionDescriptor, above: &Inherited) -> Result<Node> {
    let options = field.options();
    let value = options.get_extension(option);
    let cell = value.as_message().ok_or("(nianbao.v1.cell) is no message")?;
    let label = text(cell, "label");
    if label.is_empty() {
        return Err(format!("{} has no label", field.full_name()).into());
    }
    let (printed, named) = (text(cell, "number"), texts(cell, "counterparts"));
    let below = below(field.name(), cell, above)?;
    let mut children = Vec::new();
    let is_part = above.path.is_empty() && !printed.is_empty();
    if let Kind::Message(message) = field.kind()
        && message.package_name() == PACKAGE
        && (is_part || !above.path.is_empty())
        && !field.is_list()
    {
        for child in message.fields() {
            children.push(node(&child, option, &below)?);
        }
    }
    let value = match field.kind() {
        Kind::Int64 => "Count",
        Kind::String if field.supports_presence() => "Money",
        _ => "Text",
    };
    let kind = kind(field, &children, is_part);
    // A table's prose sibling: `overview.text` and the like are text, `amount_unit` is a cell.
    let kind = if kind == CELL && value == "Text" && below.summing == 0 { TEXT } else { kind };
    Ok(Node {
        kind,
        label,
        label_en: text(cell, "label_en"),
        number: printed,
        heading: text(cell, "heading"),
        column: text(cell, "column"),
        aliases: texts(cell, "aliases"),
        ground: below.ground,
        unit: below.unit,
        summing: below.summing,
        editions: below.editions,
        counterparts: below.counterparts,
        counterparts_named: !named.is_empty(),
        counterpart_note: below.counterpart_note,
        counterpart_note_en: below.counterpart_note_en,
        address: below.address,
        path: below.path,
        value,
        children,
    })
}

/// What a field hands down, from its own option and from the field above.
fn below(name: &str, cell: &DynamicMessage, above: &Inherited) -> Result<Inherited> {
    let label = text(cell, "label");
    let or = |own: i32, inherited: i32| if own == 0 { inherited } else { own };
    let enum_of =
        |name: &str| -> Result<i32> { Ok(i32::try_from(number(cell, name).unwrap_or(0))?) };
    let or_above = |name: &str, above: &String| {
        Some(text(cell, name)).filter(|own| !own.is_empty()).unwrap_or(above.clone())
    };
    let path = match above.path.is_empty() {
        true => name.to_owned(),
        false => format!("{}.{name}", above.path),
    };
    Ok(Inherited {
        address: address(above, &text(cell, "number"), &label, &text(cell, "column")),
        path,
        ground: or_above("ground", &above.ground),
        unit: or(enum_of("unit")?, above.unit),
        summing: or(enum_of("summing")?, above.summing),
        editions: Some(numbers(cell, "editions"))
            .filter(|e| !e.is_empty())
            .unwrap_or(above.editions.clone()),
        label,
        counterparts: counterparts(name, &texts(cell, "counterparts"), above),
        counterpart_note: or_above("counterpart_note", &above.counterpart_note),
        counterpart_note_en: or_above("counterpart_note_en", &above.counterpart_note_en),
    })
}

/// The counterparts of a field, relative to those of the field above where that one has some.
fn counterparts(name: &str, named: &[String], above: &Inherited) -> Vec<String> {
    if above.counterparts.is_empty() {
        return named.to_vec();
    }
    let own = [name.to_owned()];
    let names = if named.is_empty() { &own[..] } else { named };
    let mut below = Vec::new();
    for path in &above.counterparts {
        below.extend(names.iter().map(|name| format!("{path}.{name}")));
    }
    below
}

fn kind(field: &FieldDescriptor, children: &[Node], is_part: bool) -> i32 {
    match field.kind() {
        Kind::Message(_) if is_part => PART,
        Kind::Message(_) if children.iter().all(|n| n.kind == CELL) => ROW,
        Kind::Message(_) => GROUP,
        _ => CELL,
    }
}

/// The Chinese address: 表三·（三）不予公开·1.属于国家秘密·总计.
/// A part with a table is called by its number, one with prose by its heading; a row whose label
/// repeats that of its group (the undivided row of 2019) is named once.
fn address(above: &Inherited, printed: &str, label: &str, column: &str) -> String {
    if above.path.is_empty() {
        return match printed.strip_suffix('、') {
            Some(n @ ("二" | "三" | "四")) => format!("表{n}"),
            _ => format!("{printed}{label}"),
        };
    }
    if label == above.label || label == "正文" {
        return above.address.clone();
    }
    let mut out = format!("{}·{printed}{label}", above.address);
    if !column.is_empty() {
        out.push('·');
        out.push_str(column);
    }
    out
}

fn collect(
    node: &Node,
    en: &str,
    cells: &mut Vec<String>,
    places: &mut Vec<(String, String, String)>,
) {
    places.push((node.path.clone(), node.address.clone(), en.to_owned()));
    if node.kind == CELL {
        cells.push(cell_source(node, en));
    }
    for child in &node.children {
        let en = if child.label_en == "text" {
            en.to_owned()
        } else {
            format!("{en} / {}", child.label_en)
        };
        collect(child, &en, cells, places);
    }
}

/// One entry of `CELLS`, with the code that reads and writes the cell.
fn cell_source(node: &Node, en: &str) -> String {
    let steps: Vec<&str> = node.path.split('.').collect();
    let (last, above) = match steps.split_last() {
        Some((last, above)) => (*last, above),
        None => ("", [].as_slice()),
    };
    let mut read = String::from("Some(r)");
    let mut write = String::from("r");
    for step in above {
        let _ = write!(read, ".and_then(|m| m.{step}.as_ref())");
        let _ = write!(write, ".{step}.get_or_insert_default()");
    }
    let (get, set) = match node.value {
        "Count" => (
            format!("{read}.and_then(|m| m.{last}).map(Amount::Count)"),
            format!("{write}.{last} = v.and_then(Amount::into_count)"),
        ),
        "Money" => (
            format!("{read}.and_then(|m| m.{last}.clone()).map(Amount::Money)"),
            format!("{write}.{last} = v.and_then(Amount::into_text)"),
        ),
        _ => (
            format!("{read}.map(|m| m.{last}.clone()).filter(|t| !t.is_empty()).map(Amount::Text)"),
            format!("{write}.{last} = v.and_then(Amount::into_text).unwrap_or_default()"),
        ),
    };
    format!(
        "    Cell {{\n        path: {:?},\n        address: {:?},\n        label_en: {en:?},\n        \
         kind: CellKind::{},\n        unit: {},\n        summing: {},\n        editions: &{:?},\n        \
         counterparts: &{:?},\n        counterpart_note: [{:?}, {:?}],\n        \
         get: |r| {get},\n        set: |r, v| {set},\n    }},\n",
        node.path,
        node.address,
        node.value,
        node.unit,
        node.summing,
        node.editions,
        node.counterparts,
        node.counterpart_note,
        node.counterpart_note_en,
    )
}
