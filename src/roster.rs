//! A list of organs as a person keeps it: the rows of a table, read by their headings in Chinese or
//! English. What a cell does not say is left open; what it says wrongly is a conflict.

use std::collections::HashMap;

use crate::failure::Failure;
use crate::form::Labelled;
use crate::names::OrganId;
use crate::pb::{Affiliation, FormerName, ImportConflict, Organ, organ};
use crate::sheet::Row;

/// Characters of a cell that a conflict shows.
const SHOWN_CHARS_MAX: usize = 200;

/// What a column says of an organ.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Column {
    /// 机关编号 The id.
    Id,
    /// 机关名称 The name.
    Name,
    /// 上级机关 The parent.
    Parent,
    /// 起始年 The first year under the parent.
    FromYear,
    /// 截止年 The last year under the parent.
    UntilYear,
    /// 层级 The level.
    Level,
    /// 机关类型 The kind.
    Kind,
    /// 条线 The vertical line.
    Sector,
    /// 区划代码 The division code.
    DivisionCode,
    /// 统一社会信用代码 The credit code.
    CreditCode,
    /// 曾用名 Former names, each with its last year in brackets.
    FormerNames,
    /// 存续起始年 The first active year.
    ActiveFrom,
    /// 存续截止年 The last active year.
    ActiveUntil,
}

/// Every heading that is taken, and the column that it is of. The first of each column is the one
/// to show.
pub const HEADINGS: &[(&str, Column)] = &[
    ("机关编号", Column::Id),
    ("organ_id", Column::Id),
    ("编号", Column::Id),
    ("id", Column::Id),
    ("机关名称", Column::Name),
    ("display_name", Column::Name),
    ("名称", Column::Name),
    ("name", Column::Name),
    ("上级机关", Column::Parent),
    ("parent", Column::Parent),
    ("上级机关编号", Column::Parent),
    ("上级机关名称", Column::Parent),
    ("上级", Column::Parent),
    ("起始年", Column::FromYear),
    ("from_year", Column::FromYear),
    ("隶属起始年", Column::FromYear),
    ("截止年", Column::UntilYear),
    ("until_year", Column::UntilYear),
    ("隶属截止年", Column::UntilYear),
    ("层级", Column::Level),
    ("level", Column::Level),
    ("机关类型", Column::Kind),
    ("kind", Column::Kind),
    ("条线", Column::Sector),
    ("sector", Column::Sector),
    ("区划代码", Column::DivisionCode),
    ("division_code", Column::DivisionCode),
    ("统一社会信用代码", Column::CreditCode),
    ("credit_code", Column::CreditCode),
    ("曾用名", Column::FormerNames),
    ("former_names", Column::FormerNames),
    ("存续起始年", Column::ActiveFrom),
    ("active_from_year", Column::ActiveFrom),
    ("存续截止年", Column::ActiveUntil),
    ("active_until_year", Column::ActiveUntil),
];

/// Why something is not taken, in both languages.
pub struct Why {
    /// In Chinese.
    pub zh: String,
    /// In English.
    pub en: String,
}

impl Why {
    /// Both texts.
    pub fn new(zh: impl Into<String>, en: impl Into<String>) -> Self {
        Why { zh: zh.into(), en: en.into() }
    }
}

/// One organ of the list.
pub struct Entry {
    /// Its row.
    pub row: Row,
    /// Its id.
    pub id: OrganId,
    /// What the row says of it; what it leaves open is not set.
    pub organ: Organ,
}

/// A list as it was read.
pub struct Roster {
    /// The organs of the rows that could be read, in their order.
    pub entries: Vec<Entry>,
    /// Rows below the heading.
    pub rows: usize,
    /// Why others could not be read.
    pub conflicts: Vec<ImportConflict>,
    columns: HashMap<Column, usize>,
    headings: Vec<String>,
}

impl Roster {
    /// Reads rows, the heading first.
    ///
    /// # Errors
    /// `ImportUnreadable` where the heading lacks what each row needs.
    pub fn read(rows: Vec<Row>) -> Result<Self, Failure> {
        let mut rows = rows.into_iter();
        let head = rows.next().unwrap_or(Row { number: 1, cells: Vec::new() });
        let mut roster = Roster::headed(head)?;
        let rows: Vec<Row> = rows.collect();
        roster.rows = rows.len();
        let named = roster.names(&rows);
        let mut seen: HashMap<OrganId, usize> = HashMap::new();
        for row in rows {
            let Some(entry) = roster.entry(row, &named) else { continue };
            if let Some(first) = seen.get(&entry.id) {
                let why = Why::new(
                    format!("与第{first}行编号相同"),
                    format!("row {first} has the same id"),
                );
                roster.refuse(&entry.row, Some(Column::Id), why);
                continue;
            }
            seen.insert(entry.id.clone(), entry.row.number);
            roster.entries.push(entry);
        }
        Ok(roster)
    }

    fn headed(head: Row) -> Result<Self, Failure> {
        let mut roster = Roster {
            entries: Vec::new(),
            rows: 0,
            conflicts: Vec::new(),
            columns: HashMap::new(),
            headings: head.cells.clone(),
        };
        let mut unknown = Vec::new();
        for (index, heading) in head.cells.iter().enumerate() {
            let word: String = heading.chars().filter(|c| !c.is_whitespace()).collect();
            let word = word.trim_end_matches(['*', '＊']).to_lowercase();
            match HEADINGS.iter().find(|(known, _)| *known == word) {
                Some((_, column)) if roster.columns.insert(*column, index).is_some() => {
                    return Err(Failure::ImportUnreadable {
                        zh: format!("表头“{}”重复", shown(heading)),
                        en: format!("the heading {} stands twice", shown(heading)),
                    });
                }
                None if !word.is_empty() => unknown.push(heading.clone()),
                _ => {}
            }
        }
        for (column, zh, en) in
            [(Column::Id, "机关编号", "organ_id"), (Column::Name, "机关名称", "display_name")]
        {
            if !roster.columns.contains_key(&column) {
                return Err(Failure::ImportUnreadable {
                    zh: format!("第{}行表头缺少“{zh}”（{en}）", head.number),
                    en: format!("the heading in row {} lacks {en} ({zh})", head.number),
                });
            }
        }
        for heading in unknown {
            // Left out in silence, a slip in a heading would lose a column.
            roster.conflicts.push(ImportConflict {
                row: i32::try_from(head.number).unwrap_or(i32::MAX),
                column: shown(&heading),
                value: String::new(),
                message_zh: "不认识的列".to_owned(),
                message_en: "a column that is not known".to_owned(),
            });
        }
        Ok(roster)
    }

    /// The ids of the names that one row alone has: parents may be named instead of numbered.
    fn names(&self, rows: &[Row]) -> HashMap<String, Option<OrganId>> {
        let mut names: HashMap<String, Option<OrganId>> = HashMap::new();
        for row in rows {
            let name = self.cell(row, Column::Name).to_owned();
            let id = organ_id(self.cell(row, Column::Id));
            names.entry(name).and_modify(|known| *known = None).or_insert(id);
        }
        names
    }

    /// What stands in a column of a row.
    pub fn cell<'a>(&self, row: &'a Row, column: Column) -> &'a str {
        let index = self.columns.get(&column);
        index.and_then(|index| row.cells.get(*index)).map_or("", String::as_str)
    }

    /// Notes why a row is not taken.
    pub fn refuse(&mut self, row: &Row, column: Option<Column>, why: Why) {
        let index = column.and_then(|column| self.columns.get(&column));
        let heading = index.and_then(|index| self.headings.get(*index));
        self.conflicts.push(ImportConflict {
            row: i32::try_from(row.number).unwrap_or(i32::MAX),
            column: heading.map(|heading| shown(heading)).unwrap_or_default(),
            value: column.map(|column| shown(self.cell(row, column))).unwrap_or_default(),
            message_zh: why.zh,
            message_en: why.en,
        });
    }

    /// The organ of a row; none, with a conflict for each cell, where one cannot be read.
    fn entry(&mut self, row: Row, named: &HashMap<String, Option<OrganId>>) -> Option<Entry> {
        let mut broken = Vec::new();
        let id = organ_id(self.cell(&row, Column::Id));
        if id.is_none() {
            let why = Why::new(
                "应为机关编号：小写字母开头，由小写字母、数字、连字符组成",
                "not an id: a-z first, then a-z, 0-9 and hyphens",
            );
            broken.push((Column::Id, why));
        }
        let mut note = |column, read: Result<(), Why>| {
            if let Err(why) = read {
                broken.push((column, why));
            }
        };
        let text = |column| self.cell(&row, column).to_owned();
        let mut organ = Organ {
            name: id.as_ref().map(ToString::to_string).unwrap_or_default(),
            display_name: text(Column::Name),
            sector: text(Column::Sector),
            division_code: text(Column::DivisionCode),
            credit_code: text(Column::CreditCode),
            ..Organ::default()
        };
        let level = labelled(&text(Column::Level), "LEVEL_", organ::Level::from_str_name);
        note(Column::Level, level.map(|level| organ.level = level.map_or(0, |l| l as i32)));
        let kind = labelled(&text(Column::Kind), "KIND_", organ::Kind::from_str_name);
        note(Column::Kind, kind.map(|kind| organ.kind = kind.map_or(0, |k| k as i32)));
        let former = former_names(&text(Column::FormerNames));
        note(Column::FormerNames, former.map(|former| organ.former_names = former));
        let active = year(&text(Column::ActiveFrom));
        note(Column::ActiveFrom, active.map(|year| organ.active_from_year = year));
        let active = year(&text(Column::ActiveUntil));
        note(Column::ActiveUntil, active.map(|year| organ.active_until_year = year));
        let (mut from, mut until) = (None, None);
        note(Column::FromYear, year(&text(Column::FromYear)).map(|year| from = year));
        note(Column::UntilYear, year(&text(Column::UntilYear)).map(|year| until = year));
        let parent = text(Column::Parent);
        match (parent.is_empty(), from) {
            (true, None) if until.is_none() => {}
            (true, _) => note(Column::Parent, Err(Why::new("有年度而无上级机关", "no parent"))),
            (false, None) if text(Column::FromYear).is_empty() => {
                note(Column::FromYear, Err(Why::new("缺少起始年", "the first year is missing")));
            }
            (false, None) => {}
            (false, Some(from_year)) => {
                let id = organ_id(&parent).or_else(|| named.get(&parent).cloned().flatten());
                let why = || {
                    Why::new(
                        "不是机关编号，也不是本表中唯一的机关名称",
                        "neither an id nor a name that one row of the file alone has",
                    )
                };
                let read = id.ok_or_else(why).map(|id| Affiliation {
                    parent: id.to_string(),
                    from_year,
                    until_year: until,
                });
                note(Column::Parent, read.map(|a| organ.affiliations.push(a)));
            }
        }
        if broken.is_empty() {
            return id.map(|id| Entry { row, id, organ });
        }
        for (column, why) in broken {
            self.refuse(&row, Some(column), why);
        }
        None
    }
}

fn organ_id(text: &str) -> Option<OrganId> {
    OrganId::from_name(text).or_else(|| OrganId::parse(text))
}

/// The first characters of a cell.
fn shown(text: &str) -> String {
    text.chars().take(SHOWN_CHARS_MAX).collect()
}

fn year(text: &str) -> Result<Option<i32>, Why> {
    let digits = text.trim_end_matches('年');
    match digits.parse() {
        _ if text.is_empty() => Ok(None),
        Ok(year) if digits.len() == 4 => Ok(Some(year)),
        _ => Err(Why::new("应为四位年份", "not a year of four digits")),
    }
}

/// A value of an enum by its label in either language, or by its name as the schema or the command
/// line has it.
fn labelled<E: Labelled + TryFrom<i32>>(
    text: &str,
    prefix: &str,
    by_name: fn(&str) -> Option<E>,
) -> Result<Option<E>, Why> {
    if text.is_empty() {
        return Ok(None);
    }
    let all: Vec<E> = (1..).map_while(|number| E::try_from(number).ok()).collect();
    let constant = text.to_uppercase().replace(['-', ' '], "_");
    let named = by_name(&constant).or_else(|| by_name(&format!("{prefix}{constant}")));
    let found = all.iter().copied().find(|value| value.zh() == text || value.en() == text);
    found.or(named).map(Some).ok_or_else(|| {
        let zh: Vec<&str> = all.iter().map(|value| value.zh()).collect();
        let en: Vec<&str> = all.iter().map(|value| value.en()).collect();
        Why::new(format!("应为 {}", zh.join("、")), format!("not one of {}", en.join(", ")))
    })
}

/// `甲局(2008)；乙局（2018）`: names with their last year.
fn former_names(text: &str) -> Result<Vec<FormerName>, Why> {
    let parts = text.split([';', '；']).map(str::trim).filter(|part| !part.is_empty());
    parts
        .map(|part| {
            let why = || {
                Why::new(
                    "应如“旧名(2018)；更旧的名(2008)”，括号内为截止年",
                    "not of the form NAME(YEAR); NAME(YEAR), the year being the last of the name",
                )
            };
            let inner = part.strip_suffix([')', '）']).ok_or_else(why)?;
            let at = inner.rfind(['(', '（']).ok_or_else(why)?;
            let (name, rest) = inner.split_at(at);
            let last = year(rest.trim_start_matches(['(', '（']).trim())?.ok_or_else(why)?;
            let display_name = name.trim().to_owned();
            if display_name.is_empty() {
                return Err(why());
            }
            Ok(FormerName { display_name, until_year: last })
        })
        .collect()
}
