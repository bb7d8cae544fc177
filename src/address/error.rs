//! Why an address or a value is not taken, in both languages.

use std::fmt;

use super::Target;
use crate::pb::Edition;

/// Why an address or a value is not taken. `Display` is English, [`Error::zh`] Chinese.
#[derive(Clone, Debug, PartialEq)]
pub enum Error {
    /// There is no `=` between address and value.
    NoValue(String),
    /// Nothing of that address; what comes near.
    Unknown {
        /// As written.
        address: String,
        /// The nearest.
        nearest: Vec<Target>,
    },
    /// More than one cell of that address.
    Ambiguous {
        /// As written.
        address: String,
        /// The first of them.
        candidates: Vec<Target>,
        /// How many there are.
        count: usize,
    },
    /// The cell is printed by the other edition only.
    OtherEdition {
        /// As written.
        address: String,
        /// The edition of the report.
        edition: Edition,
    },
    /// The value does not have the form that the cell takes.
    Value {
        /// Where it was to go.
        target: Target,
        /// As written.
        value: String,
        /// What is taken there.
        wanted: Wanted,
        /// The value as it was probably meant.
        meant: Option<String>,
    },
    /// An explanation does not begin with the fingerprint of a finding.
    Fingerprint(String),
}

/// What a place takes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Wanted {
    /// A whole number.
    Count,
    /// A decimal.
    Money,
    /// An id of an organ.
    Organ,
    /// A year.
    Year,
    /// `own` or `region`.
    Scope,
    /// `2019` or `2021`.
    Edition,
}

impl Wanted {
    /// In Chinese and English.
    fn texts(self) -> (&'static str, &'static str) {
        match self {
            Wanted::Count => ("整数", "a whole number"),
            Wanted::Money => (
                "金额：整数部分至多12位，小数至多6位",
                "an amount: up to 12 digits, up to 6 decimals",
            ),
            Wanted::Organ => (
                "机关编号，如 lc-housing（小写字母、数字、连字符）",
                "the id of an organ, such as lc-housing",
            ),
            Wanted::Year => ("四位年份，如 2023", "a year of four digits, such as 2023"),
            Wanted::Scope => ("own（本机关）或 region（本级政府汇总）", "own or region"),
            Wanted::Edition => ("2019 或 2021", "2019 or 2021"),
        }
    }
}

impl Error {
    /// The text in Chinese.
    pub fn zh(&self) -> String {
        match self {
            Error::NoValue(text) => format!("“{text}”中没有等号：应写作 地址=值"),
            Error::Unknown { address, nearest } if nearest.is_empty() => {
                format!("找不到“{address}”")
            }
            Error::Unknown { address, nearest } => {
                format!("找不到“{address}”，相近的有：{}", list(nearest, 0))
            }
            Error::Ambiguous { address, candidates, count } => format!(
                "“{address}”可指 {count} 个单元格，请写得更具体：{}",
                list(candidates, *count)
            ),
            Error::OtherEdition { address, edition } => {
                let year = if *edition == Edition::Edition2019 { 2019 } else { 2021 };
                format!("“{address}”不在本报告的格式（{year}年）之中")
            }
            Error::Value { target, value, wanted, meant } => {
                let meant = meant.as_ref().map_or(String::new(), |m| format!("；是否为 {m}？"));
                let (wanted, _) = wanted.texts();
                format!("{}：“{value}”不能填入，应为{wanted}{meant}", target.address())
            }
            Error::Fingerprint(text) => {
                format!("“{text}”应写作 指纹=说明，指纹为16位十六进制数，见 nianbao validate")
            }
        }
    }
}

impl fmt::Display for Error {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Error::NoValue(text) => write!(f, "{text:?} has no equals sign: write ADDRESS=VALUE"),
            Error::Unknown { address, nearest } if nearest.is_empty() => {
                write!(f, "there is no {address:?}")
            }
            Error::Unknown { address, nearest } => {
                write!(f, "there is no {address:?}; near it: {}", list(nearest, 0))
            }
            Error::Ambiguous { address, candidates, count } => {
                write!(f, "{address:?} may be any of {count} cells: {}", list(candidates, *count))
            }
            Error::OtherEdition { address, edition } => {
                write!(f, "{address:?} is not in the report's form, {}", edition.as_str_name())
            }
            Error::Value { target, value, wanted, meant } => {
                let (_, wanted) = wanted.texts();
                write!(f, "{}: {value:?} is not {wanted}", target.path())?;
                meant.as_ref().map_or(Ok(()), |m| write!(f, "; did you mean {m}?"))
            }
            Error::Fingerprint(text) => write!(
                f,
                "{text:?}: write FINGERPRINT=TEXT with the 16 hex digits that validate shows"
            ),
        }
    }
}

impl std::error::Error for Error {}

/// One candidate a line, address and path, so that either can be copied.
fn list(targets: &[Target], count: usize) -> String {
    let mut out: String =
        targets.iter().map(|t| format!("\n  {}  ({})", t.address(), t.path())).collect();
    if count > targets.len() {
        out.push_str("\n  …");
    }
    out
}
