//! One change to a report, of every sort that a rule speaks of.
//!
//! Numbers stay within ±2^50: the interpreters abort where a sum overflows, and that has a test of
//! its own. What lies just inside and just outside a limit is chosen more often than chance would.

use std::error::Error;

use nianbao::form::{Amount, CELLS, Cell, CellKind, cell};
use nianbao::pb::{Blank, Edition, Explanation, Report};
use prost::Message as _;
use prost_reflect::{DynamicMessage, MessageDescriptor};

use super::balanced::{NO_OUTCOME, put};
use super::coverage::own_message;
use super::random::Random;

/// The schema's bound of a count.
const COUNT_MAX: i64 = 999_999_999_999;
/// The largest number that the comparison uses.
const EXTREME: i64 = 1 << 50;
/// The schema's bound of a text in bytes.
const TEXT_BYTES_MAX: usize = 262_144;

/// Changes one thing.
pub(crate) fn mutate(
    report: &mut Report,
    descriptor: &MessageDescriptor,
    random: &mut Random,
) -> Result<(), Box<dyn Error>> {
    match random.below(32) {
        0..=5 => change_cell(report, random),
        6 | 7 => shift_within_row(report, random),
        8 | 9 => blank_cell(report, random),
        10 => blank_and_adjust(report, random),
        11 => open_column(report, random),
        12 if random.one_in(4) => leave_one_figure(report, random),
        12 => negate_cell(report, random),
        13..=15 => prune(report, descriptor, random)?,
        16 if random.one_in(2) => other_edition_cell(report, random),
        16 => near_threshold(report, random),
        17 => undivided_row(report, random),
        18 => report.edition = *random.pick(&[0, 1, 2, 3, -1]),
        19 => report.year = *random.pick(YEARS),
        20 => report.scope = *random.pick(&[0, 1, 2, 2, 3, i32::MIN]),
        21 | 22 => change_text(report, random),
        23 | 24 => change_amount(report, random),
        25 => report.organ = (*random.pick(ORGANS)).to_owned(),
        26 => change_short_text(report, random),
        27..=29 => add_blanks(report, random),
        _ => add_explanations(report, random),
    }
    Ok(())
}

const YEARS: &[i32] =
    &[0, 2018, 2019, 2020, 2020, 2021, 2021, 2024, 2099, 2100, -1, i32::MAX, i32::MIN];

const ORGANS: &[&str] = &[
    "",
    "organs/",
    "organs/a",
    "organs/A",
    "organs/9a",
    "organs/a-9",
    "organs/a_b",
    "organs/住建局",
    "organs/a\n",
    " organs/a",
    "organs/a/reports/2023-own",
    "organs/a23456789012345678901234567890123456789012345678901234567890123",
    "organs/a234567890123456789012345678901234567890123456789012345678901234",
];

fn any_cell(report: &Report, random: &mut Random, kind: CellKind) -> &'static Cell {
    // A cell of the report's own edition as a rule: the other table would be the only finding.
    let edition = Edition::try_from(report.edition).unwrap_or_default();
    // Most rules are on table two and on the framing rows of table three, few cells of many.
    let part = *random.pick(PLACES);
    let fits = |cell: &&Cell| {
        cell.kind == kind && (edition == Edition::Unspecified || cell.is_in(edition))
    };
    let mut cells: Vec<&'static Cell> =
        CELLS.iter().filter(fits).filter(|cell| cell.path.starts_with(part)).collect();
    if cells.is_empty() {
        cells = CELLS.iter().filter(fits).collect();
    }
    cells[random.index(cells.len())]
}

const PLACES: &[&str] = &[
    "",
    "disclosure",
    "disclosure",
    "disputes.",
    "requests.newly_received.",
    "requests.carried_in.",
    "requests.carried_out.",
    "requests.",
];

fn count(report: &Report, cell: &Cell) -> i64 {
    match cell.get(report) {
        Some(Amount::Count(count)) => count,
        _ => 0,
    }
}

fn set_count(report: &mut Report, cell: &Cell, count: i64) {
    put(report, cell, Some(Amount::Count(count.clamp(-EXTREME, EXTREME))));
}

fn change_cell(report: &mut Report, random: &mut Random) {
    let cell = any_cell(report, random, CellKind::Count);
    let now = count(report, cell);
    let value = match random.below(8) {
        0 => now + 1,
        1 => now - 1,
        2 => random.between(0, 9),
        3 => random.between(-9, 60),
        4 => random.between(0, COUNT_MAX),
        5 => *random.pick(&[0, COUNT_MAX, COUNT_MAX + 1, -COUNT_MAX, -COUNT_MAX - 1]),
        6 => *random.pick(&[EXTREME, -EXTREME, 1 << 31, 1 << 32, -(1 << 31)]),
        _ => random.between(-EXTREME, EXTREME),
    };
    set_count(report, cell, value);
}

/// Moves units from one column of a row to another: the row still balances, its columns do not.
fn shift_within_row(report: &mut Report, random: &mut Random) {
    let first = any_cell(report, random, CellKind::Count);
    let Some((row, _)) = first.path.rsplit_once('.') else {
        return;
    };
    let mut columns = counts_of_row(row);
    columns.retain(|cell| !cell.path.ends_with(".total"));
    if columns.is_empty() {
        return;
    }
    let second = *random.pick(&columns);
    let units = random.between(1, 30);
    let (from, to) = (count(report, first), count(report, second));
    set_count(report, first, from - units);
    set_count(report, second, to + units);
}

fn blank_cell(report: &mut Report, random: &mut Random) {
    let kind = if random.one_in(8) { CellKind::Money } else { CellKind::Count };
    let cell = any_cell(report, random, kind);
    put(report, cell, None);
}

/// Blanks a cell and changes another of its row: what is known may contradict the rest or not.
fn blank_and_adjust(report: &mut Report, random: &mut Random) {
    let first = any_cell(report, random, CellKind::Count);
    let Some((row, _)) = first.path.rsplit_once('.') else {
        return;
    };
    let second = *random.pick(&counts_of_row(row));
    put(report, first, None);
    let now = count(report, second);
    set_count(report, second, now + random.between(-3, 3));
}

/// Blanks an outcome and lowers the total of its column, which then must not be less than the rest.
/// There are so many outcomes that chance alone would leave some out.
fn open_column(report: &mut Report, random: &mut Random) {
    let edition = Edition::try_from(report.edition).unwrap_or_default();
    let is_outcome = |cell: &&Cell| {
        let row = cell.path.rsplit_once('.').map_or("", |(row, _)| row);
        cell.is_in(edition) && row.starts_with("requests.") && !NO_OUTCOME.contains(&row)
    };
    let outcomes: Vec<&Cell> = CELLS.iter().filter(is_outcome).collect();
    if outcomes.is_empty() {
        return;
    }
    let outcome = *random.pick(&outcomes);
    let column = outcome.path.rsplit_once('.').map_or("", |(_, column)| column);
    let Some(total) = cell(&format!("requests.total_processed.{column}")) else {
        return;
    };
    let rest = count(report, total) - count(report, outcome);
    put(report, outcome, None);
    set_count(report, total, rest + random.between(-1, 0));
}

fn counts_of_row(row: &str) -> Vec<&'static Cell> {
    let within = |cell: &&Cell| cell.path.rsplit_once('.').is_some_and(|(r, _)| r == row);
    let cells = CELLS.iter().filter(within);
    cells.filter(|cell| cell.kind == CellKind::Count).collect()
}

/// A government's report with a single figure in it, or none.
fn leave_one_figure(report: &mut Report, random: &mut Random) {
    let edition = Edition::try_from(report.edition).unwrap_or_default();
    for cell in CELLS.iter().filter(|cell| cell.is_in(edition)) {
        match cell.kind {
            CellKind::Count => set_count(report, cell, 0),
            CellKind::Money => put(report, cell, Some(Amount::Money("0.0".to_owned()))),
            CellKind::Text => {}
        }
    }
    report.scope = 2;
    let cell = any_cell(report, random, CellKind::Count);
    set_count(report, cell, random.between(0, 1));
}

fn negate_cell(report: &mut Report, random: &mut Random) {
    let cell = any_cell(report, random, CellKind::Count);
    let now = count(report, cell);
    set_count(report, cell, if now == 0 { -1 } else { -now });
}

/// Takes away a part, a group or a row, or all or half of what stands in it.
fn prune(
    report: &mut Report,
    descriptor: &MessageDescriptor,
    random: &mut Random,
) -> Result<(), Box<dyn Error>> {
    let bytes = report.encode_to_vec();
    let mut root = DynamicMessage::decode(descriptor.clone(), bytes.as_slice())?;
    let mut message = &mut root;
    loop {
        let below: Vec<_> = message
            .fields()
            .map(|(field, _)| field)
            .filter(|field| own_message(field).is_some() && !field.is_list())
            .collect();
        if below.is_empty() {
            return Ok(());
        }
        let field = random.pick(&below).clone();
        if random.one_in(4) {
            message.clear_field(&field);
            break;
        }
        let Some(next) = message.get_field_mut(&field).as_message_mut() else {
            return Ok(());
        };
        let deeper = next.fields().any(|(field, _)| own_message(&field).is_some());
        if deeper && !random.one_in(4) {
            message = next;
            continue;
        }
        let all = random.one_in(2);
        let fields: Vec<_> = next.fields().map(|(field, _)| field).collect();
        for field in fields {
            if all || random.one_in(2) {
                next.clear_field(&field);
            }
        }
        break;
    }
    *report = Report::decode(root.encode_to_vec().as_slice())?;
    Ok(())
}

fn other_edition_cell(report: &mut Report, random: &mut Random) {
    let cell = random.pick(&CELLS);
    match cell.kind {
        CellKind::Count => {
            let value = random.between(0, 3);
            set_count(report, cell, value);
        }
        CellKind::Money => put(report, cell, Some(Amount::Money("3.5".to_owned()))),
        CellKind::Text => put(report, cell, Some(Amount::Text("元".to_owned()))),
    }
}

/// Totals at which the rules of shares begin to hold, and one beside them.
fn near_threshold(report: &mut Report, random: &mut Random) {
    let part = random.between(9, 11);
    let (rows, whole) = if random.one_in(2) {
        (["carried_out", "newly_received", "carried_in"], part * 4)
    } else {
        (["other.other_reason", "total_processed", "carried_in"], part * 5)
    };
    let values = [part, whole + random.between(-1, 1), 0];
    for (row, value) in rows.into_iter().zip(values) {
        if let Some(cell) = cell(&format!("requests.{row}.total")) {
            set_count(report, cell, value);
        }
    }
}

/// Fills one of the rows of 其他处理, of either edition.
fn undivided_row(report: &mut Report, random: &mut Random) {
    let row =
        *random.pick(&["undivided", "undivided", "not_corrected", "fee_unpaid", "other_reason"]);
    let within = format!("requests.other.{row}.");
    for cell in CELLS.iter().filter(|cell| cell.path.starts_with(&within)) {
        let value = random.between(0, 30);
        set_count(report, cell, value);
    }
}

fn change_text(report: &mut Report, random: &mut Random) {
    const TEXTS: &[&str] = &[
        "",
        " ",
        "\n\t\r ",
        "\u{3000}",
        "\u{3000}\u{a0} ",
        "\u{a0}",
        "\u{200b}",
        "\u{0}",
        "无",
        "无。",
        " 无. \n",
        "\u{3000}暂无。。",
        "没有",
        "没有问题",
        "无\u{a0}",
        "无无",
        "x",
        "\u{1f4c4}",
        "行政复议零纠错。",
        "全年实现零纠错",
        "零 纠错",
        "零纠\n错",
    ];
    let text = if random.one_in(60) {
        long(random, TEXT_BYTES_MAX)
    } else {
        (*random.pick(TEXTS)).to_owned()
    };
    match random.below(3) {
        0 => report.overview.get_or_insert_default().text = text,
        1 => report.problems.get_or_insert_default().text = text,
        _ => report.other_matters.get_or_insert_default().text = text,
    }
}

/// A text of as many bytes as are allowed, or of one letter more, in letters of 1, 3 or 4 bytes.
fn long(random: &mut Random, bytes_max: usize) -> String {
    let letter = *random.pick(&["a", "年", "\u{1f4c4}"]);
    let more = usize::from(random.one_in(2));
    letter.repeat(bytes_max / letter.len() + more)
}

fn change_amount(report: &mut Report, random: &mut Random) {
    const AMOUNTS: &[&str] = &[
        "",
        "0",
        "0.0",
        "00",
        "01",
        "007.5",
        "1317.89",
        "1.",
        ".5",
        "1.1234567",
        "1.123456",
        "-1",
        "+1",
        "1,000",
        "1e3",
        "10000",
        "20000.00",
        "120000.0",
        "10000.5",
        "100001",
        "0.00001",
        "999999999999",
        "1000000000000",
        "999999999999.999999",
        "１",
        "五",
        "1 ",
        "1\n",
        "10000\n",
        "0000000000000000000000000000000000",
        "120000000000.0000000000000000000000",
    ];
    let cell = any_cell(report, random, CellKind::Money);
    let amount = (*random.pick(AMOUNTS)).to_owned();
    put(report, cell, Some(Amount::Money(amount)));
    if let Some(table) = &mut report.disclosure_2019 {
        let unit = *random.pick(&[
            "",
            "",
            "元",
            "万元",
            " ",
            "一二三四五六七八九十a",
            "一二三四五六七八九十ab",
            "一二三四五六七八九十abc",
        ]);
        table.procurement.get_or_insert_default().amount_unit = unit.to_owned();
    }
}

/// The texts that have a length alone, those that the server writes among them.
fn change_short_text(report: &mut Report, random: &mut Random) {
    match random.below(6) {
        0 => report.name = long(random, 128),
        1 => report.title = long(random, 600),
        2 => report.etag = long(random, 64),
        3 => report.submitter = long(random, 128),
        4 => report.as_published_reason = long(random, 3000),
        // No rule speaks of the state and the revisions.
        _ => {
            report.state = *random.pick(&[0, 1, 7, 8, -1]);
            report.latest_revision = *random.pick(&[-1, 0, 3]);
            report.create_time = Some(nianbao::pb::Timestamp { seconds: -1, nanos: -1 });
        }
    }
}

fn add_blanks(report: &mut Report, random: &mut Random) {
    let many = if random.one_in(60) { *random.pick(&[511, 512, 513]) } else { 0 };
    for _ in 0..many {
        report.blanks.push(Blank { field_path: "disputes".into(), kind: 1, raw: String::new() });
    }
    let field_path = match random.below(6) {
        0 => String::new(),
        1 => "requests".to_owned(),
        2 => long(random, 128),
        _ => random.pick(&CELLS).path.to_owned(),
    };
    let kind = *random.pick(&[0, 1, 2, 3, 4, 4, 5, 6, 99, -1]);
    let raw = if random.one_in(4) {
        long(random, 600)
    } else {
        (*random.pick(&["", "/", "—", "若干"])).to_owned()
    };
    report.blanks.push(Blank { field_path, kind, raw });
}

fn add_explanations(report: &mut Report, random: &mut Random) {
    const FINGERPRINTS: &[&str] = &[
        "",
        "0123456789abcdef",
        "0123456789ABCDEF",
        "0123456789abcde",
        "0123456789abcdef0",
        "0123456789abcdef\n",
        "0123456789abcdeg",
        "0123456789abcdef0123456789abcdef",
        "0123456789abcdef0123456789abcdef0",
        "年年年年年年年年年年",
        "年年年年年年年年年年年",
    ];
    let many = if random.one_in(60) { *random.pick(&[511, 512, 513]) } else { 0 };
    for _ in 0..many {
        let (fingerprint, text) = (FINGERPRINTS[1].to_owned(), "说明".to_owned());
        report.explanations.push(Explanation { fingerprint, text });
    }
    let text = match random.below(4) {
        0 => String::new(),
        1 => long(random, 3000),
        _ => "原件如此".to_owned(),
    };
    let fingerprint = (*random.pick(FINGERPRINTS)).to_owned();
    report.explanations.push(Explanation { fingerprint, text });
}
