//! A workbook: a list of all records, then a sheet each in the official layout. It is made in
//! memory, which is why the sheets have a limit.

use rust_decimal::Decimal;
use rust_xlsxwriter::{Format, FormatAlign, FormatBorder, Workbook, Worksheet, XlsxError};

use super::columns::{basis, state};
use super::failed;
use super::record::{Record, Source, What};
use crate::failure::Failure;
use crate::form::{self, Amount, Labelled as _};
use crate::layout::{self, Area, Content};
use crate::pb::{Blank, Report, blank};
use crate::render;
use crate::rollup::Records;

/// A spreadsheet keeps so many digits of a number.
const DIGITS_MAX: usize = 15;
/// A sheet's name has no more characters.
const NAME_MAX: usize = 31;
/// The name of the list.
const LIST: &str = "目录";
/// The columns of labels, then those of figures, in characters.
const WIDTHS: [f64; 4] = [13.0, 17.0, 32.0, 10.0];
/// As many as table four has.
const COLUMNS: u16 = 15;
/// Of the list, in characters.
const LIST_WIDTHS: [f64; 7] = [8.0, 34.0, 34.0, 26.0, 8.0, 60.0, 12.0];

/// Writes all at once.
pub(super) struct Writer {
    done: bool,
}

impl Writer {
    pub(super) fn new() -> Self {
        Writer { done: false }
    }

    /// Appends the workbook.
    ///
    /// # Errors
    /// `Store`, `Journal`.
    pub(super) fn write(
        &mut self,
        source: &mut Source,
        out: &mut Vec<u8>,
    ) -> Result<bool, Failure> {
        if !self.done {
            self.done = true;
            out.append(&mut workbook(source)?);
        }
        Ok(false)
    }
}

fn workbook(source: &mut Source) -> Result<Vec<u8>, Failure> {
    let mut book = Workbook::new();
    let formats = Formats::new();
    // The list stands first, and what it lists is known last.
    book.add_worksheet().set_name(LIST).map_err(failed)?;
    let mut rows = Vec::new();
    while let Some(record) = source.next()? {
        let name = sheet_name(rows.len() + 1, &record);
        let sheet = book.add_worksheet();
        sheet.set_name(&name).map_err(failed)?;
        fill(sheet, &record, &formats).map_err(failed)?;
        rows.push(row_of_list(name, &record));
    }
    let sheet = book.worksheet_from_name(LIST).map_err(failed)?;
    list(sheet, source.records(), &rows, &formats).map_err(failed)?;
    book.save_to_buffer().map_err(failed)
}

/// How cells look.
struct Formats {
    title: Format,
    plain: Format,
    part: Format,
    head: Format,
    label: Format,
    figure: Format,
}

impl Formats {
    fn new() -> Self {
        let boxed =
            Format::new().set_border(FormatBorder::Thin).set_align(FormatAlign::VerticalCenter);
        let centred = boxed.clone().set_align(FormatAlign::Center);
        Formats {
            title: Format::new().set_bold().set_font_size(16),
            plain: Format::new(),
            part: Format::new().set_bold().set_font_size(12),
            head: centred.clone().set_text_wrap(),
            label: boxed.set_align(FormatAlign::Left).set_text_wrap(),
            figure: centred,
        }
    }
}

/// A name that no other sheet has, of characters that a name may have.
fn sheet_name(number: usize, record: &Record) -> String {
    let whose = match record.group() {
        Some(group) if !group.label.is_empty() => &group.label,
        Some(_) => "未注明",
        None => &record.organ.display_name,
    };
    let allowed = |c: &char| !c.is_control() && !"[]:*?/\\'".contains(*c);
    let (head, tail) = (format!("{number:03} "), format!(" {}", record.year));
    let room = NAME_MAX - head.chars().count() - tail.chars().count();
    // A name is counted in units of UTF-16, of which a rare character takes two.
    let mut units = 0;
    let fits = |c: &char| {
        units += c.len_utf16();
        units <= room
    };
    let whose: String = whose.chars().filter(allowed).take_while(fits).collect();
    format!("{head}{}{tail}", whose.trim())
}

fn title(record: &Record) -> String {
    let (organ, year) = (&record.organ.display_name, record.year);
    match (&record.what, record.group()) {
        (What::Revision { .. }, _) if !record.report.title.is_empty() => {
            record.report.title.clone()
        }
        (What::Revision { .. }, _) => render::title(organ, year),
        (What::Sum { .. }, None) => format!("{organ}{year}年度汇总"),
        (What::Sum { .. }, Some(group)) if group.label.is_empty() => {
            format!("{organ}{year}年度汇总（未注明）")
        }
        (What::Sum { .. }, Some(group)) if group.key == record.organ.name => {
            format!("{organ}{year}年度汇总（分组）")
        }
        (What::Sum { .. }, Some(group)) => format!("{organ}{year}年度汇总（{}）", group.label),
    }
}

/// What stands below the title.
fn standing(record: &Record) -> String {
    match &record.what {
        What::Revision { name, state: of, as_published, .. } => {
            let mark = if *as_published { "，原样补录、仍有错误" } else { "" };
            format!("版本：{name}，状态：{}{mark}", state(*of).zh)
        }
        What::Sum { coverage, .. } => format!(
            "口径：{}，隶属年度：{}，应报 {}，已汇总 {}，缺报 {}，版本摘要：{}",
            basis(record.basis).zh,
            record.tree_year,
            coverage.expected,
            coverage.included,
            coverage.missing,
            coverage.revision_digest
        ),
    }
}

fn fill(sheet: &mut Worksheet, record: &Record, formats: &Formats) -> Result<(), XlsxError> {
    for column in 0..COLUMNS {
        let width = WIDTHS.get(usize::from(column)).or(WIDTHS.last()).copied();
        sheet.set_column_width(column, width.unwrap_or_default())?;
    }
    sheet.set_landscape().set_print_fit_to_pages(1, 0);
    sheet.write_string_with_format(0, 0, title(record), &formats.title)?;
    sheet.write_string_with_format(1, 0, standing(record), &formats.plain)?;
    let mut row = 3;
    for (part, edition) in layout::tables(&record.report) {
        let edition = edition.map(|edition| format!("（{}）", edition.zh())).unwrap_or_default();
        let text = format!("{}{edition}", layout::label(part));
        sheet.write_string_with_format(row, 0, text, &formats.part)?;
        let (areas, next) = layout::place(part, row + 1);
        for area in &areas {
            put(sheet, area, &record.report, formats)?;
        }
        row = next + 1;
    }
    Ok(())
}

fn put(
    sheet: &mut Worksheet,
    area: &Area,
    report: &Report,
    formats: &Formats,
) -> Result<(), XlsxError> {
    let (text, format) = match &area.content {
        Content::Head(text) => (text.as_str(), &formats.head),
        Content::Label(text) => (text.as_str(), &formats.label),
        Content::Figure(_) => ("", &formats.figure),
    };
    if (area.rows, area.columns) != (1, 1) {
        let (last_row, last) = (area.row + area.rows - 1, area.column + area.columns - 1);
        sheet.merge_range(area.row, area.column, last_row, last, text, format)?;
    }
    match &area.content {
        Content::Figure(path) => figure(sheet, area, report, path, format),
        Content::Head(_) | Content::Label(_) => {
            sheet.write_string_with_format(area.row, area.column, text, format).map(|_| ())
        }
    }
}

/// A figure as a number, with its decimals and the unit that the report states; what a spreadsheet
/// would round stands as text.
fn figure(
    sheet: &mut Worksheet,
    area: &Area,
    report: &Report,
    path: &str,
    format: &Format,
) -> Result<(), XlsxError> {
    let (row, column) = (area.row, area.column);
    let amount = form::cell(path).and_then(|cell| cell.get(report));
    let Some(amount) = amount else {
        let text = blank_of(report, path);
        return sheet.write_string_with_format(row, column, text, format).map(|_| ());
    };
    let text = amount.to_string();
    let unit = unit_of(report, path);
    let Some(number) = exact(&text) else {
        let text = format!("{text}{unit}");
        return sheet.write_string_with_format(row, column, text, format).map(|_| ());
    };
    let mut pattern = String::from("0");
    if let (Amount::Money(_), Some((_, decimals))) = (&amount, text.split_once('.')) {
        pattern.push('.');
        pattern.extend(decimals.chars().map(|_| '0'));
    }
    if !unit.is_empty() {
        pattern = format!("{pattern}\"{unit}\"");
    }
    let format = format.clone().set_num_format(pattern);
    sheet.write_number_with_format(row, column, number, &format).map(|_| ())
}

/// The number that a spreadsheet shows in the same digits.
fn exact(text: &str) -> Option<f64> {
    let digits = text.chars().filter(char::is_ascii_digit).collect::<String>();
    if digits.trim_start_matches('0').len() > DIGITS_MAX {
        return None;
    }
    text.parse::<Decimal>().ok()?;
    text.parse().ok()
}

/// The unit that a report states beside an amount. Of its characters those that would end the text
/// in a number format are left out.
fn unit_of(report: &Report, path: &str) -> String {
    let unit = layout::unit(report, path);
    unit.chars().filter(|c| !"\"\\".contains(*c) && !c.is_control()).collect()
}

/// How a blank is printed.
fn blank_of(report: &Report, path: &str) -> &'static str {
    let blank = report.blanks.iter().find(|blank| blank.field_path == path);
    match blank.map(Blank::kind) {
        Some(blank::Kind::Slash) => "/",
        Some(blank::Kind::Dash) => "—",
        Some(blank::Kind::Unreadable) => "?",
        Some(blank::Kind::Empty | blank::Kind::TableMissing | blank::Kind::Unspecified) | None => {
            ""
        }
    }
}

fn row_of_list(sheet: String, record: &Record) -> [String; 6] {
    let (what, state) = match &record.what {
        What::Revision { name, state: of, .. } => (name.clone(), state(*of).zh.to_owned()),
        What::Sum { group: None, .. } => ("合计".to_owned(), String::new()),
        What::Sum { group: Some(group), .. } => match group.label.is_empty() {
            true => ("未注明".to_owned(), String::new()),
            false => (group.label.clone(), String::new()),
        },
    };
    let organ = &record.organ;
    let year = record.year.to_string();
    [sheet, organ.display_name.clone(), organ.name.clone(), year, what, state]
}

/// The list: what this is, what it covers, what is in it, and who is missing.
fn list(
    sheet: &mut Worksheet,
    records: &Records,
    rows: &[[String; 6]],
    formats: &Formats,
) -> Result<(), XlsxError> {
    for (column, width) in (0..).zip(LIST_WIDTHS) {
        sheet.set_column_width(column, width)?;
    }
    let title = format!("{}：{LIST}", records.top.display_name);
    sheet.write_string_with_format(0, 0, title, &formats.title)?;
    let standing = format!("位置：{}，口径：{}", records.position, basis(records.basis).zh);
    sheet.write_string_with_format(1, 0, standing, &formats.plain)?;
    let mut next = 3;
    let mut line = |sheet: &mut Worksheet, texts: &[&str], format: &Format| {
        for (column, text) in (0..).zip(texts) {
            sheet.write_string_with_format(next, column, *text, format)?;
        }
        next += 1;
        Ok::<(), XlsxError>(())
    };
    let heads = ["年度", "覆盖情况", "迟报", "未接收", "隶属", "版本摘要", "分组"];
    line(sheet, &heads, &formats.head)?;
    for year in &records.years {
        let covered = &year.coverage;
        let (expected, included, missing) = (covered.expected, covered.included, covered.missing);
        let texts = [
            year.year.to_string(),
            format!("应报 {expected}，已汇总 {included}，缺报 {missing}"),
            covered.late.to_string(),
            covered.unaccepted.to_string(),
            year.tree_year.to_string(),
            covered.revision_digest.clone(),
            if year.groups_truncated { "有未列出的组" } else { "" }.to_owned(),
        ];
        line(sheet, &texts.each_ref().map(String::as_str), &formats.label)?;
    }
    line(sheet, &[], &formats.plain)?;
    let heads = ["序号", "工作表", "机关", "机关编号", "年度", "版本或组别", "状态"];
    line(sheet, &heads, &formats.head)?;
    for (at, row) in rows.iter().enumerate() {
        let number = (at + 1).to_string();
        let texts: Vec<&str> = std::iter::once(&number).chain(row).map(String::as_str).collect();
        line(sheet, &texts, &formats.label)?;
    }
    line(sheet, &[], &formats.plain)?;
    line(sheet, &["年度", "缺报机关", "", "机关编号"], &formats.head)?;
    for year in &records.years {
        let number = year.year.to_string();
        for organ in &year.missing {
            let texts = [number.as_str(), &organ.display_name, "", &organ.name];
            line(sheet, &texts, &formats.label)?;
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_number_keeps_all_its_digits_or_is_none() {
        assert_eq!(exact("1317.89"), Some(1317.89));
        assert_eq!(exact("0.000001"), Some(0.000001));
        assert_eq!(exact("-3"), Some(-3.0));
        assert_eq!(exact("999999999999.999"), Some(999_999_999_999.999));
        assert_eq!(exact("999999999999.999999"), None);
    }
}
