//! `rules` and `format`: what the schema says, offline.

use nianbao::form::{self, Labelled as _};
use nianbao::pb::{FormatNode, ListRulesResponse, format_node};
use nianbao::rules::catalogue;

use super::args::FormatArgs;
use super::console::{Console, Style};
use super::{Error, Outcome, table};

pub fn rules(console: &Console) -> Result<Outcome, Error> {
    if console.json_wanted() {
        console.json(&ListRulesResponse {
            rules: catalogue().to_vec(),
            next_page_token: String::new(),
        })?;
        return Ok(Outcome::Done);
    }
    let head = console.pick(["规则", "级别", "类别", "说明"], ["rule", "level", "class", "text"]);
    let mut out = table::plain(console, &head);
    for rule in catalogue() {
        let (severity, class) = (rule.severity(), rule.rule_class());
        out.add_row(vec![
            rule.id.as_str(),
            console.pick(severity.zh(), severity.en()),
            console.pick(class.zh(), class.en()),
            console.pick(&rule.text_zh, &rule.text_en),
        ]);
    }
    for column in [0, 1, 2] {
        table::whole(&mut out, column);
    }
    console.out(&table::text(&out))?;
    Ok(Outcome::Done)
}

pub fn format(console: &Console, args: &FormatArgs) -> Result<Outcome, Error> {
    let tree = form::tree(args.edition);
    if console.json_wanted() {
        console.json(tree)?;
        return Ok(Outcome::Done);
    }
    let edition = tree.edition();
    let name = console.pick(edition.zh(), edition.en());
    let cells = console.pick(
        format!("{name}，{} 个单元格", tree.cell_count),
        format!("{name}, {} cells", tree.cell_count),
    );
    console.out(&console.on_out(Style::Bold, &cells))?;
    let mut lines = Vec::new();
    for part in &tree.parts {
        branch(console, part, 0, "", &mut lines);
    }
    console.out(&lines.join("\n"))?;
    Ok(Outcome::Done)
}

/// A node and all below it; the columns of a row stand in one line.
fn branch(console: &Console, node: &FormatNode, depth: usize, above: &str, out: &mut Vec<String>) {
    let indent = "  ".repeat(depth);
    if !node.heading.is_empty() && node.heading != above {
        out.push(format!("{indent}{}", console.on_out(Style::Dim, &node.heading)));
    }
    let label = console.pick(&node.label, &node.label_en);
    let text = format!("{}{label}", node.number);
    let text = match node.kind() {
        format_node::Kind::Part => console.on_out(Style::Bold, &text),
        _ => text,
    };
    let path = console.on_out(Style::Dim, &node.field_path);
    out.push(format!("{indent}{text}  {path}"));
    if node.kind() == format_node::Kind::Row {
        let columns = node.children.iter();
        let names: Vec<&String> =
            columns.map(|cell| console.pick(&cell.label, &cell.label_en)).collect();
        let names: Vec<&str> = names.into_iter().map(String::as_str).collect();
        let line = names.join(" | ");
        out.push(format!("{indent}  {}", console.on_out(Style::Dim, &line)));
        return;
    }
    let mut heading = "";
    for child in &node.children {
        branch(console, child, depth + 1, heading, out);
        heading = &child.heading;
    }
}
