//! The small province of the story and the reports of its other organs: all invented.

use comfy_table::Cell;
use nianbao::form::{Amount, CELLS, CellKind};
use nianbao::pb::{Affiliation, Aggregate, CreateOrganRequest, Organ, Report, organ};

use crate::cli::console::Console;
use crate::cli::{Error, form_table, set, table};

const PROVINCE: &str = "shili-sheng";
const CITY: &str = "shili-shi";
const HOUSING: &str = "shili-zhujian";
const EDUCATION: &str = "shili-jiaoyu";
const HEALTH: &str = "shili-weijian";

/// The figures of the city's office: what its form does not leave at zero.
const OFFICE_CELLS: [&str; 17] = [
    "表二·行政规范性文件·本年制发件数=3",
    "表二·行政规范性文件·本年废止件数=1",
    "表二·行政规范性文件·现行有效件数=21",
    "表三·一、·自然人=12",
    "表三·一、·商业企业=3",
    "表三·一、·总计=15",
    "表三·二、·自然人=1",
    "表三·二、·总计=1",
    "表三·（一）·自然人=7",
    "表三·（一）·商业企业=3",
    "表三·（一）·总计=10",
    "表三·（四）·1·自然人=5",
    "表三·（四）·1·总计=5",
    "表三·（七）·自然人=12",
    "表三·（七）·商业企业=3",
    "表三·（七）·总计=15",
    "表三·四、·自然人=1",
];
const OFFICE_REST: [&str; 4] = [
    "表三·四、·总计=1",
    "一、总体情况=市政府门户网站全年更新及时，新收申请15件。",
    "五、=部分文件解读不够通俗，将邀请起草科室出面讲解。",
    "六、=本年度未收取信息处理费。",
];

/// The figures of the education bureau.
const EDUCATION_CELLS: [&str; 19] = [
    "表二·行政许可=310",
    "表三·一、·自然人=20",
    "表三·一、·总计=20",
    "表三·（一）·自然人=9",
    "表三·（一）·总计=9",
    "表三·（二）·自然人=4",
    "表三·（二）·总计=4",
    "表三·（四）·1·自然人=5",
    "表三·（四）·1·总计=5",
    "表三·（五）·1·自然人=2",
    "表三·（五）·1·总计=2",
    "表三·（七）·自然人=20",
    "表三·（七）·总计=20",
    "表四·行政复议·结果维持=1",
    "表四·行政复议·总计=1",
    "一、总体情况=围绕入学和招生公开各类信息，新收申请20件。",
    "五、=招生信息查询路径偏长，将在首页增设入口。",
    "六、=本年度未收取信息处理费。",
    "title=示例市教育局2023年政府信息公开工作年度报告",
];

fn name(id: &str) -> String {
    format!("organs/{id}")
}

/// The organ whose report is read from the document.
pub(super) fn housing() -> String {
    name(HOUSING)
}

/// The organ whose subtree is summed.
pub(super) fn city() -> String {
    name(CITY)
}

/// The organs, parents first.
pub(super) fn organs() -> Vec<CreateOrganRequest> {
    use organ::{Kind, Level};
    let rows = [
        (PROVINCE, "示例省人民政府办公厅", "", Level::Province, Kind::GovernmentOffice),
        (CITY, "示例市人民政府办公室", PROVINCE, Level::Prefecture, Kind::GovernmentOffice),
        (HOUSING, "示例市住房和城乡建设局", CITY, Level::Prefecture, Kind::Department),
        (EDUCATION, "示例市教育局", CITY, Level::Prefecture, Kind::Department),
        (HEALTH, "示例市卫生健康委员会", CITY, Level::Prefecture, Kind::Department),
    ];
    let request = |(id, display_name, parent, level, kind): (&str, &str, &str, Level, Kind)| {
        let affiliation = Affiliation { parent: name(parent), from_year: 2019, until_year: None };
        let organ = Organ {
            display_name: display_name.to_owned(),
            affiliations: if parent.is_empty() { Vec::new() } else { vec![affiliation] },
            level: level as i32,
            kind: kind as i32,
            ..Organ::default()
        };
        CreateOrganRequest {
            organ_id: id.to_owned(),
            organ: Some(organ),
            validate_only: false,
            ..CreateOrganRequest::default()
        }
    };
    rows.into_iter().map(request).collect()
}

/// The reports of the office and of the education bureau; the health commission's is missing.
///
/// # Errors
/// `Assignment`, where a figure names no cell.
pub(super) fn reports(form: &Report) -> Result<Vec<Report>, Error> {
    let title = "title=示例市人民政府办公室2023年政府信息公开工作年度报告";
    let office = OFFICE_CELLS.iter().chain(&OFFICE_REST).chain([&title]);
    let office = report(form, CITY, office)?;
    let education = report(form, EDUCATION, EDUCATION_CELLS.iter())?;
    Ok(vec![office, education])
}

/// A report of the same form, all zero but for the assignments.
fn report<'a>(
    form: &Report,
    organ: &str,
    assignments: impl Iterator<Item = &'a &'a str>,
) -> Result<Report, Error> {
    let mut report = form.clone();
    report.organ = name(organ);
    for cell in CELLS.iter().filter(|cell| cell.is_in(form.edition())) {
        let zero = match cell.kind {
            CellKind::Count => Some(Amount::Count(0)),
            CellKind::Money => Some(Amount::Money("0".to_owned())),
            CellKind::Text => None,
        };
        // The amount is of the cell's kind.
        let _ = cell.set(&mut report, zero);
    }
    let assignments: Vec<String> = assignments.map(|text| (*text).to_owned()).collect();
    set::fill(&mut report, &assignments, &[])?;
    Ok(report)
}

/// What the organs reported, and below it the sum as it came from the server.
pub(super) fn sum_table(console: &Console, reports: &[Report], sum: &Aggregate) -> String {
    let paths = [
        "requests.newly_received.total",
        "requests.granted.total",
        "requests.unable.not_held.total",
        "requests.total_processed.total",
        "disputes.reconsideration.total",
        "disclosure.fees_wan_yuan",
    ];
    let head = console.pick(
        ["", "新收", "予以公开", "不掌握", "办理总计", "行政复议", "收费（万元）"],
        ["", "received", "granted", "not held", "processed", "reconsidered", "fees (10,000 yuan)"],
    );
    let mut out = table::plain(console, &head);
    for report in reports {
        let figures = paths.iter().map(|p| table::figure(&form_table::value(report, p), false));
        let organ = report.organ.trim_start_matches("organs/");
        out.add_row(std::iter::once(Cell::new(organ)).chain(figures).collect::<Vec<_>>());
    }
    let figures = paths.iter().map(|path| {
        let cell = sum.cells.iter().find(|cell| cell.field_path == *path);
        table::column_head(cell.map_or("", |cell| cell.value.as_str()))
    });
    let label = table::bold(console.pick("全市合计", "the city"));
    out.add_row(std::iter::once(label).chain(figures).collect::<Vec<_>>());
    table::text(&out)
}
