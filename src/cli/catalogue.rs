//! `rules` and `format`: what the schema says, offline.

use nianbao::form::{self, Labelled as _};
use nianbao::pb::{FormatNode, ListRulesResponse, format_node};
use nianbao::rules::catalogue;

use super::args::FormatArgs;
use super::console::{Console, Style};
use super::{Error, Outcome, table};

pub(super) fn rules(console: &Console) -> Result<Outcome, Error> {
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

pub(super) fn format(console: &Console, args: &FormatArgs) -> Result<Outcome, Error> {
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
        branch(console, part, 0, &mut String::new(), &mut lines);
    }
    console.out(&lines.join("\n"))?;
    Ok(Outcome::Done)
}

/// A node and all below it. The columns of a row stand in one line, and once for rows alike.
fn branch(
    console: &Console,
    node: &FormatNode,
    depth: usize,
    columns: &mut String,
    out: &mut Vec<String>,
) {
    let indent = "  ".repeat(depth);
    let label = console.pick(&node.label, &node.label_en);
    let text = format!("{}{label}", node.number);
    let text = match node.kind() {
        format_node::Kind::Part => console.on_out(Style::Bold, &text),
        _ => text,
    };
    let path = console.on_out(Style::Dim, &node.field_path);
    out.push(format!("{indent}{text}  {path}"));
    if node.kind() == format_node::Kind::Row {
        let labels = node.children.iter();
        let labels: Vec<&str> =
            labels.map(|cell| console.pick(cell.label.as_str(), cell.label_en.as_str())).collect();
        let line = labels.join(" | ");
        if line != *columns {
            let line = format!("{indent}  {}", console.on_out(Style::Cyan, &line));
            out.push(line);
        }
        *columns = line;
        return;
    }
    let mut heading = "";
    for child in &node.children {
        if !child.heading.is_empty() && child.heading != heading {
            let text = console.on_out(Style::Dim, &child.heading);
            out.push(format!("{indent}  {text}"));
        }
        heading = &child.heading;
        branch(console, child, depth + 1 + usize::from(!heading.is_empty()), columns, out);
    }
}
