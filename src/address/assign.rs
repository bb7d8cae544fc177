//! Values as a person writes them, into the place that an address names.
//!
//! A value is taken as it is written or not at all: what looks like a slip is refused, and the
//! refusal says what was probably meant.

use unicode_normalization::UnicodeNormalization as _;

use super::{Error, Field, Target, Wanted, resolve};
use crate::form::{self, Amount, Cell, CellKind, Labelled as _};
use crate::names::{OrganId, scope_of, scope_word};
use crate::pb::{Blank, Edition, Explanation, Report, Scope, blank};

/// One place that was filled.
#[derive(Clone, Debug, PartialEq)]
pub struct Change {
    /// The place.
    pub target: Target,
    /// What stood there.
    pub old: Content,
    /// What stands there now.
    pub new: Content,
}

/// What stands in a place.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Content {
    /// A value.
    Value(String),
    /// Nothing, and how it is registered as blank, if it is.
    Blank(Option<blank::Kind>),
}

/// Carries out `ADDRESS=VALUE`. An empty value, or 空白, blanks a cell; `/` and `-` blank it with
/// that mark. A value removes what `blanks` says of the cell.
///
/// # Errors
/// `NoValue`, those of [`resolve`], `Value`; the report is as before.
pub fn assign(report: &mut Report, assignment: &str) -> Result<Change, Error> {
    let (address, value) =
        assignment.split_once(['=', '＝']).ok_or_else(|| Error::NoValue(assignment.to_owned()))?;
    let target = resolve(address, report.edition())?;
    let old = content(report, target);
    match target {
        Target::Cell(cell) => set_cell(report, cell, value.trim())?,
        Target::Field(field) => set_field(report, field, value)?,
    }
    let new = content(report, target);
    Ok(Change { target, old, new })
}

/// Carries out `FINGERPRINT=TEXT`: explains a finding. An empty text takes the explanation back.
///
/// # Errors
/// `Fingerprint`; the report is as before.
pub fn explain(report: &mut Report, explanation: &str) -> Result<(), Error> {
    let refuse = || Error::Fingerprint(explanation.to_owned());
    let (fingerprint, text) = explanation.split_once(['=', '＝']).ok_or_else(refuse)?;
    let fingerprint = fingerprint.trim();
    let digits = fingerprint.bytes().all(|b| b.is_ascii_digit() || (b'a'..=b'f').contains(&b));
    if fingerprint.len() != 16 || !digits {
        return Err(refuse());
    }
    report.explanations.retain(|e| e.fingerprint != fingerprint);
    if !text.trim().is_empty() {
        report.explanations.push(Explanation {
            fingerprint: fingerprint.to_owned(),
            text: text.trim().to_owned(),
        });
    }
    Ok(())
}

fn content(report: &Report, target: Target) -> Content {
    let text = match target {
        Target::Cell(cell) => {
            let registered = || report.blanks.iter().find(|b| b.field_path == cell.path);
            return match cell.get(report) {
                Some(amount) => Content::Value(amount.to_string()),
                None => Content::Blank(registered().map(Blank::kind)),
            };
        }
        Target::Field(Field::Organ) => report.organ.clone(),
        Target::Field(Field::Year) => match report.year {
            0 => String::new(),
            year => year.to_string(),
        },
        Target::Field(Field::Scope) => match report.scope() {
            Scope::Unspecified => String::new(),
            scope => scope_word(scope).to_owned(),
        },
        Target::Field(Field::Edition) => match report.edition() {
            Edition::Unspecified => String::new(),
            Edition::Edition2019 => "2019".to_owned(),
            Edition::Edition2021 => "2021".to_owned(),
        },
        Target::Field(Field::Title) => report.title.clone(),
        Target::Field(Field::Overview) => {
            report.overview.as_ref().map(|p| p.text.clone()).unwrap_or_default()
        }
        Target::Field(Field::Problems) => {
            report.problems.as_ref().map(|p| p.text.clone()).unwrap_or_default()
        }
        Target::Field(Field::OtherMatters) => {
            report.other_matters.as_ref().map(|p| p.text.clone()).unwrap_or_default()
        }
    };
    if text.is_empty() { Content::Blank(None) } else { Content::Value(text) }
}

fn set_cell(report: &mut Report, cell: &'static Cell, value: &str) -> Result<(), Error> {
    let kind = match value {
        "" | "空白" => Some(blank::Kind::Empty),
        "/" | "／" => Some(blank::Kind::Slash),
        "-" | "－" | "–" | "—" | "——" => Some(blank::Kind::Dash),
        _ => None,
    };
    let amount = match kind {
        Some(_) => None,
        None => Some(amount(cell, value)?),
    };
    // The amount was made for the cell's kind.
    let wrong = |_| refuse(cell, value, Wanted::Count, None);
    cell.set(report, amount).map_err(wrong)?;
    let table = cell.path.split('.').next().unwrap_or(cell.path);
    report.blanks.retain(|blank| {
        blank.field_path != cell.path && (blank.field_path != table || kind.is_some())
    });
    if let Some(kind) = kind {
        report.blanks.push(Blank {
            field_path: cell.path.to_owned(),
            kind: kind as i32,
            raw: if kind == blank::Kind::Empty { "" } else { value }.to_owned(),
        });
        report.blanks.sort_by_key(|b| form::place(&b.field_path).map_or(0, |(rank, _)| rank));
    }
    Ok(())
}

fn amount(cell: &'static Cell, value: &str) -> Result<Amount, Error> {
    match cell.kind {
        CellKind::Count => match count(value) {
            Some(number) if number.to_string() == value => Ok(Amount::Count(number)),
            _ => {
                let meant = count(&plain(value)).map(|n| n.to_string());
                Err(refuse(cell, value, Wanted::Count, meant))
            }
        },
        CellKind::Money if is_money(value) => Ok(Amount::Money(value.to_owned())),
        CellKind::Money => {
            let plain = plain(value);
            let whole = plain.trim_start_matches('0');
            let meant = match whole.starts_with(['.']) || whole.is_empty() {
                true => format!("0{whole}"),
                false => whole.to_owned(),
            };
            Err(refuse(cell, value, Wanted::Money, Some(meant).filter(|m| is_money(m))))
        }
        CellKind::Text => Ok(Amount::Text(value.to_owned())),
    }
}

fn refuse(cell: &'static Cell, value: &str, wanted: Wanted, meant: Option<String>) -> Error {
    Error::Value { target: Target::Cell(cell), value: value.to_owned(), wanted, meant }
}

fn count(text: &str) -> Option<i64> {
    let digits = text.strip_prefix('-').unwrap_or(text);
    let well = !digits.is_empty() && digits.bytes().all(|b| b.is_ascii_digit());
    well.then(|| text.parse().ok())?
}

/// The form of an amount in the schema.
fn is_money(text: &str) -> bool {
    let (whole, decimals) = match text.split_once('.') {
        Some((whole, decimals)) => (whole, Some(decimals)),
        None => (text, None),
    };
    let digits =
        |s: &str, max: usize| (1..=max).contains(&s.len()) && s.bytes().all(|b| b.is_ascii_digit());
    digits(whole, 12)
        && (whole == "0" || !whole.starts_with('0'))
        && decimals.is_none_or(|d| digits(d, 6))
}

/// A figure without what people write around it: full-width digits, commas, spaces, units.
fn plain(value: &str) -> String {
    let narrow: String = value.nfkc().filter(|c| !c.is_whitespace() && *c != ',').collect();
    let bare = narrow.trim_end_matches(['件', '项', '元', '万', '个', '。']);
    bare.trim_start_matches('+').to_owned()
}

fn set_field(report: &mut Report, field: Field, value: &str) -> Result<(), Error> {
    let word = value.trim();
    let refuse = |wanted| Error::Value {
        target: Target::Field(field),
        value: word.to_owned(),
        wanted,
        meant: None,
    };
    match field {
        Field::Organ => {
            let organ = OrganId::from_name(word).or_else(|| OrganId::parse(word));
            report.organ = organ.ok_or_else(|| refuse(Wanted::Organ))?.to_string();
        }
        Field::Year => {
            let year = word.parse().ok().filter(|year| (1949..=2099).contains(year));
            report.year = year.ok_or_else(|| refuse(Wanted::Year))?;
        }
        Field::Scope => {
            let named = match word {
                word if word == Scope::Own.zh() => Some(Scope::Own),
                word if word == Scope::Region.zh() => Some(Scope::Region),
                word => scope_of(word),
            };
            report.scope = named.ok_or_else(|| refuse(Wanted::Scope))? as i32;
        }
        Field::Edition => {
            report.edition = match word {
                "2019" => Edition::Edition2019 as i32,
                "2021" => Edition::Edition2021 as i32,
                _ => return Err(refuse(Wanted::Edition)),
            };
        }
        Field::Title => word.clone_into(&mut report.title),
        Field::Overview => report.overview.get_or_insert_default().text = value.to_owned(),
        Field::Problems => report.problems.get_or_insert_default().text = value.to_owned(),
        Field::OtherMatters => report.other_matters.get_or_insert_default().text = value.to_owned(),
    }
    Ok(())
}
