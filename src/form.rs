//! The national form as the schema holds it: every cell with its Chinese address, and the tree of
//! parts, rows and columns.
//!
//! The tables are written by `build.rs` from the options of the schema; there is no second list.

use std::collections::HashMap;
use std::fmt;
use std::sync::LazyLock;

use prost::Message as _;
use rust_decimal::Decimal;

use crate::pb::{self, Report};

/// One cell of the form, of either edition.
pub struct Cell {
    /// The path from the report, such as `requests.granted.total`.
    pub path: &'static str,
    /// The Chinese address, such as 表三·（一）予以公开·总计.
    pub address: &'static str,
    /// The English address.
    pub label_en: &'static str,
    /// What stands in the cell.
    pub kind: CellKind,
    unit: i32,
    summing: i32,
    editions: &'static [i32],
    counterparts: &'static [&'static str],
    counterpart_note: [&'static str; 2],
    get: fn(&Report) -> Option<Amount>,
    set: fn(&mut Report, Option<Amount>),
}

/// What stands in a cell.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum CellKind {
    /// A whole number.
    Count,
    /// A decimal.
    Money,
    /// Text: the unit of an amount, where the form prints none.
    Text,
}

/// The value of a cell.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Amount {
    /// A whole number.
    Count(i64),
    /// A decimal as printed.
    Money(String),
    /// Text.
    Text(String),
}

impl Amount {
    fn into_count(self) -> Option<i64> {
        match self {
            Amount::Count(count) => Some(count),
            Amount::Money(_) | Amount::Text(_) => None,
        }
    }

    fn into_text(self) -> Option<String> {
        match self {
            Amount::Money(text) | Amount::Text(text) => Some(text),
            Amount::Count(_) => None,
        }
    }
}

impl fmt::Display for Amount {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Amount::Count(count) => count.fmt(f),
            Amount::Money(text) | Amount::Text(text) => text.fmt(f),
        }
    }
}

/// A value of another kind than the cell holds.
#[derive(Debug, PartialEq, Eq)]
pub struct WrongKind;

impl Cell {
    /// What the report has in this cell; `None` for a blank.
    pub fn get(&self, report: &Report) -> Option<Amount> {
        (self.get)(report)
    }

    /// Puts a value into this cell, or blanks it. Rows above that are not there yet are made.
    ///
    /// # Errors
    /// `WrongKind` where a count is to hold text or money a count; the report is as before.
    pub fn set(&self, report: &mut Report, value: Option<Amount>) -> Result<(), WrongKind> {
        let fits = match (&value, self.kind) {
            (None, _) => true,
            (Some(Amount::Count(_)), kind) => kind == CellKind::Count,
            (Some(Amount::Money(_)), kind) => kind == CellKind::Money,
            (Some(Amount::Text(_)), kind) => kind == CellKind::Text,
        };
        if !fits {
            return Err(WrongKind);
        }
        // Blanking what is blank must not make the rows above it.
        if value.is_some() || self.get(report).is_some() {
            (self.set)(report, value);
        }
        Ok(())
    }

    /// The unit of the figure.
    pub fn unit(&self) -> pb::Unit {
        pb::Unit::try_from(self.unit).unwrap_or_default()
    }

    /// How the figure may be summed.
    pub fn summing(&self) -> pb::Summing {
        pb::Summing::try_from(self.summing).unwrap_or_default()
    }

    /// The paths of the cells of the other edition whose sum is comparable with this figure.
    pub fn counterparts(&self) -> &'static [&'static str] {
        self.counterparts
    }

    /// In what the figures of both editions differ, in Chinese and in English; empty where they do
    /// not.
    pub fn counterpart_note(&self) -> [&'static str; 2] {
        self.counterpart_note
    }

    /// Whether the edition prints this cell.
    pub fn is_in(&self, edition: pb::Edition) -> bool {
        self.editions.contains(&(edition as i32))
    }
}

/// A place of a report: a field, a part, a row or a cell.
pub struct Place {
    /// The path from the report.
    pub path: &'static str,
    /// The Chinese address.
    pub zh: &'static str,
    /// The English address.
    pub en: &'static str,
}

/// An enum whose values have labels in the schema.
pub trait Labelled: Copy {
    /// The Chinese label.
    fn zh(self) -> &'static str;
    /// The English label.
    fn en(self) -> &'static str;
}

include!(concat!(env!("OUT_DIR"), "/cells.rs"));
include!(concat!(env!("OUT_DIR"), "/labels.rs"));

/// The cell at that path.
pub fn cell(path: &str) -> Option<&'static Cell> {
    static INDEX: LazyLock<HashMap<&str, usize>> =
        LazyLock::new(|| CELLS.iter().enumerate().map(|(i, c)| (c.path, i)).collect());
    INDEX.get(path).map(|&i| &CELLS[i])
}

/// The place at that path, or the nearest above it, and its rank in form order.
/// `None` where not even the first name is a field of the report.
pub fn place(path: &str) -> Option<(usize, &'static Place)> {
    static INDEX: LazyLock<HashMap<&str, usize>> =
        LazyLock::new(|| PLACES.iter().enumerate().map(|(i, p)| (p.path, i)).collect());
    let mut rest = path;
    loop {
        if let Some(&rank) = INDEX.get(rest) {
            return Some((rank, &PLACES[rank]));
        }
        rest = &rest[..rest.rfind(['.', '['])?];
    }
}

/// The decimals of the smallest unit of money: the finest that the form takes.
pub const MONEY_SCALE: u32 = 6;

/// An amount of money in its smallest unit, and the decimals as printed.
pub fn money(text: &str) -> Option<(i64, u8)> {
    let money: Decimal = text.parse().ok()?;
    let missing = MONEY_SCALE.checked_sub(money.scale())?;
    let value = i64::try_from(money.mantissa()).ok()?.checked_mul(10_i64.pow(missing))?;
    Some((value, u8::try_from(money.scale()).ok()?))
}

/// An amount in the smallest unit as a decimal without zeros that say nothing.
pub fn money_text(value: i64) -> String {
    Decimal::new(value, MONEY_SCALE).normalize().to_string()
}

/// The tree of an edition; that of 2021 where none is stated.
pub fn tree(edition: pb::Edition) -> &'static pb::GetFormatResponse {
    static TREE_2019: LazyLock<pb::GetFormatResponse> =
        LazyLock::new(|| decode(include_bytes!(concat!(env!("OUT_DIR"), "/format_2019.bin"))));
    static TREE_2021: LazyLock<pb::GetFormatResponse> =
        LazyLock::new(|| decode(include_bytes!(concat!(env!("OUT_DIR"), "/format_2021.bin"))));
    match edition {
        pb::Edition::Edition2019 => &TREE_2019,
        pb::Edition::Unspecified | pb::Edition::Edition2021 => &TREE_2021,
    }
}

fn decode(bytes: &[u8]) -> pb::GetFormatResponse {
    pb::GetFormatResponse::decode(bytes).expect("build.rs encodes the tree with this very schema")
}
