//! Tables and lines for people: the one home of the table library.

use comfy_table::{
    Attribute, Cell, CellAlignment, Color, ColumnConstraint, ContentArrangement, LineStyle, Row,
    Table, TableStyle, Width,
};
use nianbao::form::{CELLS, CellKind};
use nianbao::pb::{Edition, Finding, FindingCounts, Report, Severity};
use unicode_width::UnicodeWidthStr as _;

use super::console::{Console, Style};

/// Lines above, below the head and below: figures in columns need no more.
const LOOK: TableStyle = TableStyle::new()
    .top_border(LineStyle::new('─', '─', '─', '─'))
    .header_separator(LineStyle::new('─', '─', '─', '─'))
    .bottom_border(LineStyle::new('─', '─', '─', '─'));

/// A table with a head, as wide as its content or the terminal.
pub(super) fn plain(console: &Console, head: &[&str]) -> Table {
    let mut table = bare(console);
    let cells = head.iter().map(|text| Cell::new(text).add_attribute(Attribute::Bold));
    table.set_header(cells.collect::<Vec<_>>());
    table
}

/// A table without a head.
pub(super) fn bare(console: &Console) -> Table {
    let mut table = Table::new();
    table
        .load_style(LOOK)
        .set_content_arrangement(ContentArrangement::Dynamic)
        .set_width(u16::try_from(console.width).unwrap_or(u16::MAX));
    if console.colour {
        table.enforce_styling();
    } else {
        table.force_no_tty();
    }
    table
}

/// A figure, flush right; a zero steps back, a marked one stands out.
pub(super) fn figure(text: &str, marked: bool) -> Cell {
    let cell = Cell::new(text).set_alignment(CellAlignment::Right);
    match text {
        _ if marked => cell.fg(Color::Red).add_attribute(Attribute::Bold),
        "0" => cell.add_attribute(Attribute::Dim),
        _ => cell,
    }
}

/// A bold cell.
pub(super) fn bold(text: &str) -> Cell {
    Cell::new(text).add_attribute(Attribute::Bold)
}

/// A head over figures.
pub(super) fn column_head(text: &str) -> Cell {
    bold(text).set_alignment(CellAlignment::Right)
}

/// Lets a column take at most so many columns of the terminal.
pub(super) fn limit(table: &mut Table, column: usize, width: u16) {
    if let Some(column) = table.column_mut(column) {
        column.set_constraint(ColumnConstraint::UpperBoundary(Width::Fixed(width)));
    }
}

/// Keeps a column from being broken.
pub(super) fn whole(table: &mut Table, column: usize) {
    if let Some(column) = table.column_mut(column) {
        column.set_constraint(ColumnConstraint::ContentWidth);
    }
}

/// The text of a table, without blanks at the ends of its lines.
pub(super) fn text(table: &Table) -> String {
    table.trim_fmt()
}

/// A text in lines that fit, each as far in as the first.
pub(super) fn wrapped(text: &str, room: usize) -> String {
    let indent = " ".repeat(text.len() - text.trim_start().len());
    let mut lines = Vec::new();
    let mut line = indent.clone();
    for piece in pieces(text.trim_start()) {
        if shown(&line) + shown(piece.trim_end()) > room && shown(&line) > indent.len() {
            lines.push(line.trim_end().to_owned());
            line.clone_from(&indent);
        }
        line.push_str(piece);
    }
    lines.push(line);
    lines.join("\n")
}

/// The columns that a text takes on the terminal; what switches colours takes none.
fn shown(text: &str) -> usize {
    let mut parts = text.split('\u{1b}');
    let plain = parts.next().map_or(0, str::width);
    let coloured = parts.map(|part| part.split_once('m').map_or(part, |(_, rest)| rest).width());
    plain + coloured.sum::<usize>()
}

/// The pieces between which a line may end. Chinese breaks anywhere, English between words, but no
/// line begins with a mark that closes or ends with one that opens.
fn pieces(text: &str) -> Vec<&str> {
    let mut pieces = Vec::new();
    let mut start = 0;
    let mut chars = text.char_indices().peekable();
    while let Some((at, c)) = chars.next() {
        let end = at + c.len_utf8();
        let breaks = c == ' ' || !c.is_ascii() && !"（“《".contains(c);
        let closes = chars.peek().is_some_and(|(_, next)| "、，。；：）”》…".contains(*next));
        if breaks && !closes || end == text.len() {
            pieces.push(&text[start..end]);
            start = end;
        }
    }
    pieces
}

/// The findings of one report: severity, cell with rule, message with fingerprint.
pub(super) fn findings(console: &Console, findings: &[&Finding]) -> Table {
    let head = console.pick(
        ["级别", "单元格 / 规则", "问题 / 指纹"],
        ["level", "cell / rule", "finding / fingerprint"],
    );
    let mut table = plain(console, &head);
    for finding in findings {
        let (label, color) = severity(console, finding.severity());
        let place = match finding.cell.is_empty() {
            true => finding.field_path.clone(),
            false => console.pick(finding.cell.clone(), finding.field_path.clone()),
        };
        let message = console.pick(&finding.message_zh, &finding.message_en);
        let derived = match finding.derived {
            true => console.pick("（派生）", " (derived)"),
            false => "",
        };
        table.add_row(Row::from(vec![
            Cell::new(label).fg(color),
            Cell::new(format!("{place}\n{}", finding.rule_id)),
            Cell::new(format!("{message}{derived}\n{}", finding.fingerprint)),
        ]));
    }
    table.load_style(LOOK.row_separator(LineStyle::new('┄', '┄', '┄', '┄')));
    whole(&mut table, 0);
    limit(&mut table, 1, u16::try_from(console.width * 43 / 100).unwrap_or(u16::MAX));
    table
}

fn severity(console: &Console, severity: Severity) -> (&'static str, Color) {
    use nianbao::form::Labelled as _;
    let color = match severity {
        Severity::Error => Color::Red,
        Severity::Warning => Color::Yellow,
        Severity::Info | Severity::Unspecified => Color::Cyan,
    };
    (console.pick(severity.zh(), severity.en()), color)
}

/// How many findings there are, in a few words; `err` says whether it goes to stderr.
pub(super) fn counts(console: &Console, counts: &FindingCounts, err: bool) -> String {
    let paint = |style, text: &str| match err {
        true => console.on_err(style, text),
        false => console.on_out(style, text),
    };
    if counts.errors + counts.warnings + counts.infos == 0 {
        return paint(Style::Green, console.pick("没有发现问题", "nothing found"));
    }
    let mut words = Vec::new();
    for (count, style, zh, en) in [
        (counts.errors, Style::Red, "错误", "errors"),
        (counts.warnings, Style::Yellow, "警告", "warnings"),
        (counts.infos, Style::Cyan, "提示", "infos"),
    ] {
        let text = console.pick(format!("{zh} {count}"), format!("{count} {en}"));
        words.push(if count > 0 { paint(style, &text) } else { text });
    }
    words.join(console.pick("，", ", "))
}

/// How many cells have a value, and how many the form of the report has.
pub(super) fn filled(report: &Report) -> (usize, usize) {
    let edition = match report.edition() {
        Edition::Unspecified => Edition::Edition2021,
        stated => stated,
    };
    let cells = CELLS.iter().filter(|c| c.is_in(edition) && c.kind != CellKind::Text);
    let (mut filled, mut all) = (0, 0);
    for cell in cells {
        all += 1;
        filled += usize::from(cell.get(report).is_some());
    }
    (filled, all)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn breaks_lines_where_a_reader_expects_it() {
        for (text, room, lines) in [
            ("  逾期不补正、不再处理", 12, "  逾期不补\n  正、不再处\n  理"),
            ("应为（无）", 6, "应为\n（无）"),
            ("not corrected in time", 10, "not\ncorrected\nin time"),
            ("短", 1, "短"),
            ("", 10, ""),
            ("\u{1b}[32m没有问题\u{1b}[0m）", 10, "\u{1b}[32m没有问题\u{1b}[0m）"),
        ] {
            assert_eq!(wrapped(text, room), lines, "{text}");
        }
    }
}
