//! Figures as plain numbers: those of one revision, and the sums of many.
//!
//! Money counts in 10⁻⁶ 万元, the finest that the form takes, beside the scale that was printed.
//! What is kept is packed, each number in as few bytes as it needs: most figures of a report are
//! zero or small.

use std::sync::LazyLock;

use rust_decimal::Decimal;

use crate::failure::Failure;
use crate::form::{self, Amount, CELLS, Cell, CellKind, MONEY_SCALE};
use crate::pb::{CellSum, Report, Summing};

/// The cells of both editions; a cell is known by its place among them.
pub(super) const CELL_COUNT: usize = CELLS.len();

/// Which cells have a value.
#[derive(Clone, Copy, Default)]
struct Present([u64; CELL_COUNT.div_ceil(64)]);

impl Present {
    fn mark(&mut self, cell: usize) {
        self.0[cell / 64] |= 1 << (cell % 64);
    }

    fn has(&self, cell: usize) -> bool {
        self.0[cell / 64] >> (cell % 64) & 1 == 1
    }

    /// Calls with each cell, in form order.
    fn each(self, mut take_cell: impl FnMut(usize)) {
        for (word, mut bits) in self.0.into_iter().enumerate() {
            while bits != 0 {
                take_cell(word * 64 + bits.trailing_zeros() as usize);
                bits &= bits - 1;
            }
        }
    }
}

/// The cells of money: beside rows of figures the table of cells is large, and is not to be read
/// for each of them.
static MONEY: LazyLock<Present> = LazyLock::new(|| {
    let mut money = Present::default();
    let is_money = |cell: &Cell| cell.kind == CellKind::Money;
    (0..CELL_COUNT).filter(|&cell| is_money(&CELLS[cell])).for_each(|cell| money.mark(cell));
    money
});

/// A figure of a report.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Figure {
    /// A count, or money in its smallest unit.
    pub(super) value: i64,
    /// The decimals as printed; 0 for a count.
    pub(super) scale: u8,
}

/// The figures of one revision that may be summed.
pub(super) struct Row {
    present: Present,
    /// Value and, of money, scale, one cell after another.
    packed: Box<[u8]>,
}

impl Row {
    /// The figures of a report.
    ///
    /// # Errors
    /// `Store` for money that no door of this program lets in.
    pub(super) fn of(report: &Report) -> Result<Self, Failure> {
        let (mut present, mut packed) = (Present::default(), Vec::new());
        for (index, cell) in CELLS.iter().enumerate() {
            let Some(figure) = figure(cell, report)? else { continue };
            present.mark(index);
            put(&mut packed, figure.value.into());
            if cell.kind == CellKind::Money {
                packed.push(figure.scale);
            }
        }
        Ok(Row { present, packed: packed.into() })
    }

    /// The figure in a cell.
    pub(super) fn get(&self, cell: usize) -> Option<Figure> {
        if !self.present.has(cell) {
            return None;
        }
        let mut found = None;
        self.each(|index, value, scale| {
            if index == cell {
                found = i64::try_from(value).ok().map(|value| Figure { value, scale });
            }
        });
        found
    }

    /// The figures, each at the place of its cell.
    pub(super) fn cells(&self) -> Vec<Option<i64>> {
        let mut cells = vec![None; CELL_COUNT];
        self.each(|cell, value, _| cells[cell] = i64::try_from(value).ok());
        cells
    }

    /// Calls with cell, value and scale of each figure, in form order.
    pub(super) fn each(&self, mut take_figure: impl FnMut(usize, i128, u8)) {
        let (money, mut packed) = (*MONEY, &self.packed[..]);
        self.present.each(|cell| {
            let value = take(&mut packed);
            let scale = if money.has(cell) { take_byte(&mut packed) } else { 0 };
            take_figure(cell, value, scale);
        });
    }
}

/// What a report has in a cell that may be summed.
fn figure(cell: &Cell, report: &Report) -> Result<Option<Figure>, Failure> {
    if cell.summing() == Summing::Never {
        return Ok(None);
    }
    match cell.get(report) {
        Some(Amount::Count(value)) => Ok(Some(Figure { value, scale: 0 })),
        Some(Amount::Money(text)) => {
            money(&text).map(Some).ok_or_else(|| unsummable(cell, &report.name))
        }
        Some(Amount::Text(_)) | None => Ok(None),
    }
}

fn money(text: &str) -> Option<Figure> {
    form::money(text).map(|(value, scale)| Figure { value, scale })
}

/// A figure as it is printed.
pub(super) fn printed(cell: &Cell, value: i128, scale: u8) -> Option<Amount> {
    match cell.kind {
        CellKind::Money => {
            let mut money = Decimal::try_from_i128_with_scale(value, MONEY_SCALE).ok()?;
            money.rescale(scale.into());
            Some(Amount::Money(money.to_string()))
        }
        CellKind::Count | CellKind::Text => i64::try_from(value).ok().map(Amount::Count),
    }
}

/// Only a report that no door of this program let in can be so.
fn unsummable(cell: &Cell, name: &str) -> Failure {
    Failure::Store(format!("{} of {name} cannot be summed", cell.path))
}

/// The sums of rows. A figure has 64 bits and a cell is given less than 2^32 times: no sum can
/// overflow.
#[derive(Clone)]
pub(super) struct Totals(Vec<Total>);

/// The sum of one cell.
#[derive(Clone, Copy, Default)]
struct Total {
    sum: i128,
    given: u32,
    scale: u8,
}

impl Default for Totals {
    fn default() -> Self {
        Totals(vec![Total::default(); CELL_COUNT])
    }
}

impl Totals {
    /// Adds the figures of a revision.
    pub(super) fn add_row(&mut self, row: &Row) {
        row.each(|cell, value, scale| self.add_total(cell, Total { sum: value, given: 1, scale }));
    }

    /// Adds other sums.
    pub(super) fn add(&mut self, other: &Totals) {
        for (cell, &total) in other.0.iter().enumerate() {
            self.add_total(cell, total);
        }
    }

    /// Adds sums that were kept.
    pub(super) fn add_packed(&mut self, kept: &Packed) {
        let mut packed = &kept.packed[..];
        kept.present.each(|cell| {
            let (sum, given) = (take(&mut packed), take(&mut packed));
            let scale = take_byte(&mut packed);
            let given = u32::try_from(given).unwrap_or(u32::MAX);
            self.add_total(cell, Total { sum, given, scale });
        });
    }

    fn add_total(&mut self, cell: usize, other: Total) {
        let total = &mut self.0[cell];
        total.sum += other.sum;
        total.given += other.given;
        total.scale = total.scale.max(other.scale);
    }

    /// The sums as they are kept.
    pub(super) fn pack(&self) -> Packed {
        let (mut present, mut packed) = (Present::default(), Vec::new());
        for (cell, total) in self.0.iter().enumerate().filter(|(_, total)| total.given > 0) {
            present.mark(cell);
            put(&mut packed, total.sum);
            put(&mut packed, total.given.into());
            packed.push(total.scale);
        }
        Packed { present, packed: packed.into() }
    }

    /// The sum of a cell; `None` where nobody gave one.
    pub(super) fn sum(&self, cell: usize) -> Option<i128> {
        Some(self.0[cell]).filter(|total| total.given > 0).map(|total| total.sum)
    }

    /// The sum of a cell, how often it was given, and its decimals; `None` where nobody gave one.
    pub(super) fn parts(&self, cell: usize) -> Option<(i128, u32, u8)> {
        let total = Some(self.0[cell]).filter(|total| total.given > 0)?;
        Some((total.sum, total.given, total.scale))
    }

    /// The cells that somebody gave, and the sums in the places of a report.
    ///
    /// # Errors
    /// `Store` for a sum beyond what a cell holds.
    pub(super) fn finish(&self) -> Result<(Report, Vec<CellSum>), Failure> {
        let (mut shape, mut cells) = (Report::default(), Vec::new());
        for (cell, total) in CELLS.iter().zip(&self.0).filter(|(_, total)| total.given > 0) {
            let beyond = || unsummable(cell, "the sum");
            let amount = printed(cell, total.sum, total.scale).ok_or_else(beyond)?;
            cells.push(CellSum {
                field_path: cell.path.to_owned(),
                cell: cell.address.to_owned(),
                value: amount.to_string(),
                given: i32::try_from(total.given).unwrap_or(i32::MAX),
                summing: cell.summing() as i32,
                blank: 0,
            });
            cell.set(&mut shape, Some(amount)).map_err(|_| unsummable(cell, "the sum"))?;
        }
        Ok((shape, cells))
    }
}

/// Sums as they are kept.
pub(super) struct Packed {
    present: Present,
    /// Sum, how often it was given, and scale, one cell after another.
    packed: Box<[u8]>,
}

/// Seven bits a byte, the lowest first, the sign in the lowest of all.
fn put(packed: &mut Vec<u8>, value: i128) {
    let mut rest = (value << 1 ^ value >> 127).cast_unsigned();
    loop {
        let low = rest.to_le_bytes()[0] & 0x7f;
        rest >>= 7;
        if rest == 0 {
            return packed.push(low);
        }
        packed.push(low | 0x80);
    }
}

fn take(packed: &mut &[u8]) -> i128 {
    let first = take_byte(packed);
    if first < 0x80 {
        return (i64::from(first >> 1) ^ -i64::from(first & 1)).into();
    }
    let mut rest = u128::from(first & 0x7f);
    for shift in (7..128).step_by(7) {
        let byte = take_byte(packed);
        rest |= u128::from(byte & 0x7f) << shift;
        if byte < 0x80 {
            break;
        }
    }
    (rest >> 1).cast_signed() ^ -(rest & 1).cast_signed()
}

fn take_byte(packed: &mut &[u8]) -> u8 {
    let Some((&byte, rest)) = packed.split_first() else { return 0 };
    *packed = rest;
    byte
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn reads_back_each_number_that_it_packs() {
        let numbers = [0, 1, -1, 63, 64, -64, -65, 1 << 50, i128::from(i64::MIN), i128::MAX / 2];
        let mut packed = Vec::new();
        numbers.iter().for_each(|&number| put(&mut packed, number));
        let mut rest = &packed[..];
        assert_eq!(numbers.map(|_| take(&mut rest)), numbers);
        assert!(rest.is_empty());
        assert_eq!(packed[..4], [0, 2, 1, 126], "a small figure takes a byte");
    }

    #[test]
    fn money_keeps_value_and_printed_scale() {
        let figure = |value, scale| Some(Figure { value, scale });
        assert_eq!(money("1317.89"), figure(1_317_890_000, 2));
        assert_eq!(money("0.00"), figure(0, 2));
        assert_eq!(money("999999999999.999999"), figure(999_999_999_999_999_999, 6));
        assert_eq!(money("0.0000001"), None);
        assert_eq!(money("1,317.89"), None);
    }

    #[test]
    fn kept_sums_are_those_that_were_packed() {
        let mut report = Report::default();
        let set = |report: &mut Report, path, amount| {
            let cell = crate::form::cell(path).expect("a cell");
            cell.set(report, Some(amount)).expect("of its kind");
        };
        set(&mut report, "disclosure.fees_wan_yuan", Amount::Money("5".to_owned()));
        set(&mut report, "requests.granted.total", Amount::Count(1 << 40));
        let mut totals = Totals::default();
        totals.add_row(&Row::of(&report).expect("sound"));
        set(&mut report, "disclosure.fees_wan_yuan", Amount::Money("0.00".to_owned()));
        totals.add_row(&Row::of(&report).expect("sound"));
        let mut again = Totals::default();
        again.add_packed(&totals.pack());
        let (shape, cells) = again.finish().expect("within a cell");
        assert_eq!(shape.disclosure.and_then(|d| d.fees_wan_yuan).as_deref(), Some("5.00"));
        let cells: Vec<_> = cells.iter().map(|c| (c.value.as_str(), c.given)).collect();
        assert_eq!(cells, [("5.00", 2), ("2199023255552", 2)]);
    }
}
