//! What two reports of one organ for consecutive years say of each other.
//!
//! The rules stand in the catalogue beside all others. None is held where a figure is missing on
//! either side. That the earlier report is the one to compare with, and whether the organ is still
//! the same, is decided by who asks.

use std::sync::LazyLock;

use crate::check::{Evidence, Value, Violation};
use crate::form::{self, Amount, CELLS, Cell, CellKind};
use crate::pb::{Edition, Report, Summing};

/// A report with fewer figures of the year that are not zero may well be as last year's.
const COPIED_CELLS_MIN: usize = 5;
/// A text of fewer characters may well be as last year's.
const COPIED_CHARS_MIN: usize = 100;
/// Fees that are so many times those of last year are likely in another unit.
const FEES_TIMES: i128 = 1000;

/// The figures of a report, each at the place of its cell among [`CELLS`]; money in its smallest
/// unit.
pub struct Figures {
    /// The year.
    pub year: i32,
    /// The edition.
    pub edition: Edition,
    /// One value a cell.
    pub cells: Vec<Option<i64>>,
}

impl Figures {
    /// Those of a report. An amount that is none is left out: another rule speaks of it.
    pub fn of(report: &Report) -> Self {
        let figure = |cell: &Cell| match cell.get(report)? {
            Amount::Count(count) => Some(count),
            Amount::Money(text) => form::money(&text).map(|(value, _)| value),
            Amount::Text(_) => None,
        };
        let cells = CELLS.iter().map(figure).collect();
        Figures { year: report.year, edition: report.edition(), cells }
    }

    fn get(&self, cell: usize) -> Option<i64> {
        self.cells.get(cell).copied().flatten()
    }
}

/// A rule that holds one cell against cells of last year.
struct Link {
    rule: &'static str,
    /// The figure of which it speaks.
    cell: usize,
    /// Figures of the year that lead there from last year's: those added and those taken away.
    plus: Vec<usize>,
    minus: Vec<usize>,
    /// Figures of last year that are added.
    last: Vec<usize>,
    /// Whether the figure is to be what results, or at least that.
    equal: bool,
    /// The edition that both must have, since the other counts something else.
    edition: Option<Edition>,
}

/// The rules with their cells. Their ids are those of the catalogue, and the cell is the subject.
static LINKS: LazyLock<Vec<Link>> = LazyLock::new(links);

/// What a rule compares with, beside its subject: by the beginning of its id.
fn links() -> Vec<Link> {
    let mut links = Vec::new();
    for rule in crate::rules::catalogue() {
        let Some((family, name)) =
            rule.id.strip_prefix("year.").and_then(|rest| rest.split_once('.'))
        else {
            continue;
        };
        let two = |a: &str, b: &str| [index(a), index(b)].into_iter().flatten().collect();
        let one = |a: &str| index(a).into_iter().collect();
        let subject = &rule.subject;
        let Some(cell) = index(subject) else { continue };
        let plain = Link {
            rule: &rule.id,
            cell,
            plus: Vec::new(),
            minus: Vec::new(),
            last: Vec::new(),
            equal: true,
            edition: None,
        };
        links.push(match family {
            "carry_over" => Link { last: one(&format!("requests.carried_out.{name}")), ..plain },
            "stock" => Link {
                plus: one(&format!("disclosure.{name}.issued")),
                minus: one(&format!("disclosure.{name}.repealed")),
                last: one(subject),
                edition: Some(Edition::Edition2021),
                ..plain
            },
            "items_before" => Link {
                last: two(subject, &format!("disclosure_2019.{name}.items_change")),
                edition: Some(Edition::Edition2019),
                ..plain
            },
            "pending" => {
                Link { last: one(&format!("disputes.{name}.pending")), equal: false, ..plain }
            }
            _ => continue,
        });
    }
    links
}

/// The place of a cell among [`CELLS`].
fn index(path: &str) -> Option<usize> {
    CELLS.iter().position(|cell| cell.path == path)
}

/// The rules that the figures of a year break beside those of the year before. `same_organ` is
/// false where the organ, or its region, took others in or gave them away: then only what speaks of
/// a copy is held.
pub fn broken(this: &Figures, last: &Figures, same_organ: bool) -> Vec<Violation> {
    let mut out = Vec::new();
    if this.year != last.year.saturating_add(1) {
        return out;
    }
    if same_organ {
        out.extend(LINKS.iter().filter_map(|link| link.broken(this, last)));
        out.extend(fees(this, last));
    }
    out.extend(copied(this, last));
    out
}

/// The texts that are word for word those of the year before.
pub fn copied_texts(this: &Report, last: &Report) -> Vec<Violation> {
    let texts = [
        (
            "overview.text",
            this.overview.as_ref().zip(last.overview.as_ref()).map(|(a, b)| (&a.text, &b.text)),
        ),
        (
            "problems.text",
            this.problems.as_ref().zip(last.problems.as_ref()).map(|(a, b)| (&a.text, &b.text)),
        ),
        (
            "other_matters.text",
            this.other_matters
                .as_ref()
                .zip(last.other_matters.as_ref())
                .map(|(a, b)| (&a.text, &b.text)),
        ),
    ];
    let same = texts.into_iter().filter_map(|(path, texts)| {
        let (this, last) = texts?;
        let long = this.chars().nth(COPIED_CHARS_MIN - 1).is_some();
        (long && this == last).then(|| (path, this.clone()))
    });
    same.map(|(path, text)| Violation {
        rule: "year.copied_text",
        path: path.to_owned(),
        evidence: Evidence { operands: vec![("", Value::Text(text))], ..Evidence::default() },
    })
    .collect()
}

impl Link {
    fn broken(&self, this: &Figures, last: &Figures) -> Option<Violation> {
        if self.edition.is_some_and(|edition| [this.edition, last.edition] != [edition; 2]) {
            return None;
        }
        let mut expected: i64 = 0;
        for (cells, figures, sign) in
            [(&self.last, last, 1), (&self.plus, this, 1), (&self.minus, this, -1)]
        {
            for &cell in cells {
                expected = expected.checked_add(figures.get(cell)?.checked_mul(sign)?)?;
            }
        }
        let actual = this.get(self.cell)?;
        if actual == expected || (!self.equal && actual > expected) {
            return None;
        }
        let of = |figures: &Figures, cell: usize| {
            (CELLS[cell].path, figures.get(cell).map_or(Value::Absent, Value::Number))
        };
        let own = [self.cell].into_iter().chain(self.plus.iter().copied());
        let own = own.chain(self.minus.iter().copied());
        let relation = if self.equal { "==" } else { ">=" };
        Some(Violation {
            rule: self.rule,
            path: String::new(),
            evidence: Evidence {
                operands: own.map(|cell| of(this, cell)).collect(),
                last: self.last.iter().map(|&cell| of(last, cell)).collect(),
                compared: Some((actual, relation, expected)),
                ..Evidence::default()
            },
        })
    }
}

/// Fees that look like yuan beside those of last year.
fn fees(this: &Figures, last: &Figures) -> Option<Violation> {
    static FEES: LazyLock<Option<usize>> = LazyLock::new(|| index("disclosure.fees_wan_yuan"));
    let cell = (*FEES)?;
    let (now, before) = (this.get(cell)?, last.get(cell)?);
    if before <= 0 || i128::from(now) < i128::from(before) * FEES_TIMES {
        return None;
    }
    let money = |value: i64| Value::Text(form::money_text(value));
    Some(Violation {
        rule: "year.fees_unit",
        path: String::new(),
        evidence: Evidence {
            operands: vec![(CELLS[cell].path, money(now))],
            last: vec![(CELLS[cell].path, money(before))],
            ..Evidence::default()
        },
    })
}

/// A report with just the figures of last year.
fn copied(this: &Figures, last: &Figures) -> Option<Violation> {
    let (mut filled, mut of_the_year) = (Vec::new(), 0);
    for (index, cell) in CELLS.iter().enumerate() {
        let (now, before) = (this.get(index).unwrap_or(0), last.get(index).unwrap_or(0));
        if now != before {
            return None;
        }
        if now == 0 {
            continue;
        }
        // What stands from year to year is no sign of a copy.
        of_the_year += usize::from(cell.summing() == Summing::Flow);
        let value = match cell.kind {
            CellKind::Money => Value::Text(form::money_text(now)),
            CellKind::Count | CellKind::Text => Value::Number(now),
        };
        filled.push((cell.path, value));
    }
    (of_the_year >= COPIED_CELLS_MIN).then(|| Violation {
        rule: "year.copied",
        path: String::new(),
        evidence: Evidence { operands: filled, ..Evidence::default() },
    })
}
