//! The cases that are the pack's alone: valid reports, blanks, extremes, many faults at once.

use nianbao::finding::findings;
use nianbao::form::Amount;
use nianbao::pb::blank::Kind;
use nianbao::pb::{Edition, Explanation, Report, ReturnReason, Timestamp, report};

pub use super::edits::{housing, office};

use super::Case;
use super::edits::{blanked, cells, counts, hongze, huaian, put, suqian, with};

/// The largest count that the form takes.
const COUNT_MAX: &str = "999999999999";
/// So many reports of each edition have several cells raised, so that each cell is raised once.
const RAISED: usize = 24;
/// What a text may hold that some runtime might stumble over.
const ODD_TEXT: &str = "𠮷𡈽🏛\u{1F469}\u{200D}\u{1F4BC} e\u{301} \u{feff}\u{200b}\u{202e}\u{2028}\
    \u{2029}\u{fffe}\u{10ffff} \"\\/<script>&'\t\r\n\u{1}\u{1f}\u{7f}\u{85}。";

/// All of them, in no order.
pub fn cases() -> Vec<Case> {
    let mut cases = Vec::new();
    for (name, about, report) in valid().into_iter().chain(blanks()).chain(extremes()) {
        cases.push(Case { name: name.into(), about: about.into(), report, source: None });
    }
    cases.extend(whole_forms());
    cases.extend(several());
    cases
}

type Told = (&'static str, &'static str, Report);

fn valid() -> Vec<Told> {
    let empty = Report::default();
    vec![
        ("valid.housing-2023", "a report of the edition of 2021 that breaks no rule", housing()),
        ("valid.office-2019", "a report of the edition of 2019 that breaks no rule", office()),
        ("valid.suqian-2023", "the report of a city for its region", suqian()),
        ("valid.huaian-2024", "the report of a city for its region, another year", huaian()),
        ("valid.stored", "a report with all that the server adds", stored()),
        ("valid.explained", "a warning that the report explains is found as before", explained()),
        ("faults.hongze-2023", "a published report with two totals that are no sums", hongze()),
        ("faults.empty", "a report without anything", empty),
    ]
}

/// What is output only: numbers of 32 bits, enums, times with and without a fraction, a list.
fn stored() -> Report {
    let time = |seconds, nanos| Some(Timestamp { seconds, nanos });
    let reason = |path: &str, rule: &str| ReturnReason {
        field_path: path.into(),
        rule_id: rule.into(),
        text: "请核对台账".into(),
        ..ReturnReason::default()
    };
    Report {
        name: "organs/housing/reports/2023-own".into(),
        organ: "organs/housing".into(),
        state: report::State::Returned.into(),
        latest_revision: i32::MAX,
        effective_revision: 1,
        etag: "0123456789abcdef".into(),
        create_time: time(1_704_067_199, 0),
        update_time: time(1_704_067_200, 123_456_789),
        submit_time: time(1_704_067_200, 500_000_000),
        submitter: "clerk".into(),
        as_published_reason: "历史年报补录".into(),
        published_revision: 1,
        due_date: "2024-01-31".into(),
        late: true,
        accepter: "reviewer".into(),
        state_reason: "更正".into(),
        return_reasons: vec![reason("requests.granted.total", ""), reason("", "applicants.total")],
        revision: 2,
        ..housing()
    }
}

fn explained() -> Report {
    let mut report = housing();
    report.year = 2020;
    let explain = |fingerprint| Explanation {
        fingerprint,
        text: "按新格式补报，已与主管部门核对。".into(),
    };
    report.explanations =
        findings(&report).into_iter().map(|found| explain(found.fingerprint)).collect();
    report
}

fn blanks() -> Vec<Told> {
    const CELL: &str = "requests.denied.state_secret.research";
    const ROW: &str = "requests.denied.state_secret";
    let blank = || with(housing(), &[(CELL, "")]);
    let kind = |kind| blanked(blank(), CELL, kind);
    let other_text = "disclosure_2019.procurement.amount_unit";
    let amount = "disclosure.fees_wan_yuan";
    let mut missing = blanked(housing(), "disputes", Kind::TableMissing);
    missing.disputes = None;
    let mut unread = kind(Kind::Unreadable);
    unread.blanks[0].raw = "三件（含𠮷县）".into();
    let thrice = (0..3).fold(blank(), |report, _| blanked(report, CELL, Kind::Empty));
    let three = ["disputes.reconsideration.other", CELL, "disclosure.rules.issued"];
    let backwards = three.iter().fold(housing(), |report, path| blanked(report, path, Kind::Dash));
    let at = |path, kind| blanked(housing(), path, kind);
    vec![
        ("blanks.unlisted", "a blank cell that nothing is said of", blank()),
        ("blanks.empty", "a cell left empty", kind(Kind::Empty)),
        ("blanks.slash", "a cell with a slash", kind(Kind::Slash)),
        ("blanks.dash", "a cell with a dash", kind(Kind::Dash)),
        ("blanks.unreadable", "a cell that cannot be read", unread),
        ("blanks.table-missing", "a table that is missing", missing),
        ("blanks.kind-unspecified", "a blank of no kind", kind(Kind::Unspecified)),
        ("blanks.path.none", "a blank without a path", at("", Kind::Empty)),
        ("blanks.path.unknown", "a path below no field of a report", at("nothing.at", Kind::Empty)),
        ("blanks.path.below", "a path below a row, where no cell is", {
            at("requests.granted.totals", Kind::Slash)
        }),
        ("blanks.path.above", "the path of a row", at(ROW, Kind::Slash)),
        ("blanks.path.item", "the path of an item of a list", at("blanks[0].kind", Kind::Slash)),
        ("blanks.path.prose", "the path of a prose part", at("overview.text", Kind::Empty)),
        ("blanks.path.table-as-cell", "a table that is not said to miss", {
            at("disputes", Kind::Empty)
        }),
        ("blanks.path.cell-as-table", "a cell said to be a missing table", {
            blanked(blank(), CELL, Kind::TableMissing)
        }),
        ("blanks.path.other-edition", "a cell of the other edition", at(other_text, Kind::Empty)),
        ("blanks.path.other-table", "the table of the other edition", {
            at("disclosure_2019", Kind::TableMissing)
        }),
        ("blanks.repeated", "a cell listed three times", thrice),
        ("blanks.valued.count", "a count listed as blank", at(CELL, Kind::Dash)),
        ("blanks.valued.money", "an amount listed as blank", at(amount, Kind::Dash)),
        ("blanks.valued.text", "a unit listed as blank", {
            blanked(office(), other_text, Kind::Dash)
        }),
        ("blanks.valued.table", "a table that is there, listed as missing", {
            at("requests", Kind::TableMissing)
        }),
        ("blanks.backwards", "blanks against the order of the form", backwards),
    ]
}

fn extremes() -> Vec<Told> {
    let texts = |text: &str| {
        let mut report = housing();
        report.title = text.into();
        report.overview.get_or_insert_default().text = text.into();
        report.problems.get_or_insert_default().text = text.into();
        report.other_matters.get_or_insert_default().text = text.into();
        report
    };
    let licensing = |value| with(housing(), &[("disclosure.licensing_decisions", value)]);
    let change = |value| with(office(), &[("disclosure_2019.licensing.items_change", value)]);
    let fees = |value| with(housing(), &[("disclosure.fees_wan_yuan", value)]);
    let mut unknown = housing();
    (unknown.scope, unknown.edition, unknown.state) = (7, i32::MAX, i32::MIN);
    let mut years = housing();
    years.year = i32::MIN;
    vec![
        ("extreme.count-max", "the largest count of a cell", licensing(COUNT_MAX)),
        ("extreme.int64-max", "the largest number of 64 bits", licensing("9223372036854775807")),
        ("extreme.int64-min", "the least number of 64 bits", licensing("-9223372036854775808")),
        ("extreme.beyond-double", "2^53 + 1, which no double holds", licensing("9007199254740993")),
        ("extreme.change-min", "the least change of the edition of 2019", change("-999999999999")),
        ("extreme.change-max", "the greatest change of that edition", change(COUNT_MAX)),
        ("extreme.money-max", "the largest amount", fees("999999999999.999999")),
        ("extreme.money-least", "the least amount above zero", fees("0.000001")),
        ("extreme.money-zeros", "zeros that say nothing", fees("0.000000")),
        ("extreme.texts", "characters beyond the first plane, marks, controls", texts(ODD_TEXT)),
        ("extreme.nul", "the character U+0000 in prose", texts("甲\0乙")),
        ("extreme.enums", "numbers of enum values that do not exist", unknown),
        ("extreme.year-min", "the least year of 32 bits", years),
        ("extreme.long-text", "prose of 60 000 bytes", {
            let mut report = housing();
            report.overview.get_or_insert_default().text = "公开".repeat(10_000);
            report
        }),
    ]
}

/// The base of an edition and the year of its name.
fn base(edition: Edition) -> (&'static str, Report) {
    match edition {
        Edition::Edition2019 => ("2019", office()),
        Edition::Unspecified | Edition::Edition2021 => ("2021", housing()),
    }
}

/// Every cell of an edition at once: each has its address told.
fn whole_forms() -> Vec<Case> {
    let mut cases = Vec::new();
    for edition in [Edition::Edition2019, Edition::Edition2021] {
        let (year, base) = base(edition);
        let mut case = |name: &str, about: &str, report| {
            let (name, about) = (format!("form.{name}-{year}"), about.to_owned());
            cases.push(Case { name, about, report, source: None });
        };
        let filled = |value: &dyn Fn(usize) -> i64| {
            let mut report = base.clone();
            for (index, cell) in counts(edition).enumerate() {
                put(&mut report, cell, &value(index).to_string());
            }
            report
        };
        case("zero", "every count is zero", filled(&|_| 0));
        case("one", "every count is one", filled(&|_| 1));
        case("max", "every count is the largest that a cell takes", filled(&|_| 999_999_999_999));
        case("beyond", "every count is one too large", filled(&|_| 1_000_000_000_000));
        case("negative", "every count is negative, no two are equal", {
            filled(&|index| -1 - i64::try_from(index).unwrap_or(0))
        });
        let mut region = filled(&|_| 0);
        region.scope = 2;
        for cell in cells(edition).filter(|cell| cell.path.ends_with("fees_wan_yuan")) {
            put(&mut region, cell, "0.00");
        }
        case("zero-region", "every count of a government's report is zero", region);
        let mut unlisted = base.clone();
        cells(edition).for_each(|cell| put(&mut unlisted, cell, ""));
        let listed = cells(edition)
            .fold(unlisted.clone(), |report, cell| blanked(report, cell.path, Kind::Empty));
        case("blank", "every cell is blank", unlisted);
        case("blank-listed", "every cell is blank and listed so", listed);
        let valued = cells(edition)
            .fold(base.clone(), |report, cell| blanked(report, cell.path, Kind::Slash));
        case("valued", "every cell has a value and is listed as blank", valued);
    }
    cases
}

/// Several faults at once, some of which explain others.
fn several() -> Vec<Case> {
    let mut cases = Vec::new();
    for edition in [Edition::Edition2019, Edition::Edition2021] {
        let (year, base) = base(edition);
        for number in 0..RAISED {
            let mut report = base.clone();
            for (index, cell) in counts(edition).enumerate() {
                let raise = i64::try_from(1 + index % 7).unwrap_or(1);
                if index % RAISED == number
                    && let Some(Amount::Count(count)) = cell.get(&base)
                {
                    put(&mut report, cell, &(count + raise).to_string());
                }
            }
            cases.push(Case {
                name: format!("faults.raised-{year}.{:02}", number + 1),
                about: format!("every {RAISED}th count is raised, from the {}. on", number + 1),
                report,
                source: None,
            });
        }
    }
    cases.push(Case {
        name: "faults.ten".into(),
        about: "ten findings: sums of rows and columns, a range, a blank, a decimal".into(),
        report: with(
            housing(),
            &[
                ("requests.granted.natural_person", "9"),
                ("requests.denied.other_law.business", "1"),
                ("requests.unable.not_held.research", "2"),
                ("disputes.reconsideration.upheld", "40"),
                ("disclosure.penalty_decisions", "-1"),
                ("disclosure.fees_wan_yuan", "01.5"),
                ("requests.not_processed.petition.total", ""),
            ],
        ),
        source: None,
    });
    cases
}
