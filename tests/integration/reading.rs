//! The form read from documents: every cell, its place, and what is said of what is not there.

use std::collections::HashSet;

use nianbao::document::{Document, read};
use nianbao::form::{self, Amount, CellKind};
use nianbao::pb::blank::Kind;
use nianbao::pb::{DocumentHeader, Edition, Report, Scope};

use crate::support;

const TXT: &[u8] = include_bytes!("../fixtures/document/housing-2023.txt");
const DOCX: &[u8] = include_bytes!("../fixtures/document/housing-2023.docx");
const HTML: &str = include_str!("../fixtures/document/housing-2023.html");
const GBK: &[u8] = include_bytes!("../fixtures/document/housing-2023-gbk.html");
const OFFICE: &str = include_str!("../fixtures/document/office-2019.html");

fn reading(bytes: &[u8]) -> read::Reading {
    read::read(&Document::from_bytes(bytes, None).unwrap(), &DocumentHeader::default())
}

/// Reads the fixture with each `from` replaced, which must stand in it.
fn changed(source: &str, changes: &[(&str, &str)]) -> read::Reading {
    let mut page = source.to_owned();
    for (from, to) in changes {
        assert!(page.contains(from), "{from} stands in the fixture");
        page = page.replacen(from, to, 1);
    }
    reading(page.as_bytes())
}

fn value(report: &Report, path: &str) -> Option<String> {
    form::cell(path).unwrap().get(report).map(|amount| amount.to_string())
}

fn blank(report: &Report, path: &str) -> Option<(Kind, String)> {
    let blank = report.blanks.iter().find(|blank| blank.field_path == path)?;
    Some((blank.kind(), blank.raw.clone()))
}

/// A place counted from one, as an index.
fn from_one(number: i32) -> usize {
    usize::try_from(number - 1).unwrap()
}

/// The row of a table of the fixture that has this label.
fn row(source: &'static str, label: &str) -> &'static str {
    source.lines().find(|line| line.contains(label)).unwrap()
}

fn texts(report: &Report) -> [Option<&str>; 3] {
    [
        report.overview.as_ref().map(|part| part.text.as_str()),
        report.problems.as_ref().map(|part| part.text.as_str()),
        report.other_matters.as_ref().map(|part| part.text.as_str()),
    ]
}

#[test]
fn gives_the_same_report_from_every_format() {
    let html = reading(HTML.as_bytes()).report;
    let json = serde_json::to_string_pretty(&html).unwrap();
    for bytes in [TXT, DOCX, GBK] {
        assert_eq!(serde_json::to_string_pretty(&reading(bytes).report).unwrap(), json);
    }
    let expected = support::housing();
    for cell in &form::CELLS {
        assert_eq!(cell.get(&html), cell.get(&expected), "{}", cell.path);
    }
    assert_eq!(html.title, expected.title);
    assert_eq!((html.year, html.edition()), (2023, Edition::Edition2021));
    assert_eq!((html.organ.as_str(), html.scope()), ("", Scope::Own));
    assert!(html.blanks.is_empty());
}

#[test]
fn keeps_prose_apart_from_preface_tables_and_page_numbers() {
    for bytes in [TXT, DOCX, HTML.as_bytes()] {
        let report = reading(bytes).report;
        let [overview, problems, other] = texts(&report).map(Option::unwrap);
        let lines = |text: &str| text.lines().map(str::to_owned).collect::<Vec<_>>();
        assert_eq!(lines(overview).len(), 6);
        assert!(overview.starts_with("2023年，本局把政务公开"));
        assert!(overview.ends_with("全年组织培训2次。"));
        assert_eq!(lines(problems).len(), 2);
        assert!(problems.starts_with("公开工作还有两处不足"));
        let six = [
            "（一）本年承办人大建议19件、政协提案23件，均已答复。",
            "（二）本年没有收取信息处理费。",
        ];
        assert_eq!(lines(other), six);
    }
}

#[test]
fn says_where_each_value_was_read() {
    for (bytes, values) in
        [(TXT, 200), (DOCX, 200), (HTML.as_bytes(), 200), (OFFICE.as_bytes(), 198)]
    {
        let document = Document::from_bytes(bytes, None).unwrap();
        let reading = read::read(&document, &DocumentHeader::default());
        let mut cells = HashSet::new();
        for provenance in reading.provenance.iter().filter(|p| p.table > 0) {
            let path = provenance.field_path.as_str();
            assert!(cells.insert(path), "{path}");
            let table = document.tables().nth(from_one(provenance.table)).unwrap();
            let row = &table.rows[from_one(provenance.row)];
            let cell = &row.cells[from_one(provenance.column)];
            assert_eq!(cell.text, provenance.raw, "{path}");
            assert!(provenance.place.starts_with(&format!("第{}个表格", provenance.table)));
            assert_eq!(cell.place.line.is_some(), provenance.place.contains("文本第"));
        }
        // A unit beside an amount is no cell of its own.
        assert_eq!(cells.len(), values);
        for cell in form::CELLS.iter().filter(|cell| cell.kind != CellKind::Text) {
            let known =
                cell.get(&reading.report).is_some() || blank(&reading.report, cell.path).is_some();
            assert_eq!(cells.contains(cell.path), known, "{}", cell.path);
        }
        let prose: Vec<_> = reading.provenance.iter().filter(|p| p.table == 0).collect();
        let paths = ["title", "overview.text", "problems.text", "other_matters.text"];
        assert_eq!(prose.iter().map(|p| p.field_path.as_str()).collect::<Vec<_>>(), paths);
        assert!(prose.iter().all(|p| p.place.starts_with('第') && !p.raw.is_empty()));
    }
}

#[test]
fn reads_the_edition_of_2019_with_its_blanks() {
    let read::Reading { report, notes, .. } = reading(OFFICE.as_bytes());
    assert!(notes.is_empty(), "{notes:?}");
    assert_eq!((report.year, report.edition()), (2019, Edition::Edition2019));
    assert_eq!(report.title, "2019年示例市人民政府办公室政府信息公开工作年度报告");
    for (path, expected) in [
        ("disclosure_2019.rules.public_total", "524"),
        ("disclosure_2019.normative_documents.made", "60"),
        ("disclosure_2019.licensing.items_change", "0"),
        ("disclosure_2019.procurement.projects", "6"),
        ("disclosure_2019.procurement.amount", "251000"),
        ("disclosure_2019.procurement.amount_unit", "元"),
        ("requests.newly_received.total", "859"),
        ("requests.denied.administrative_inquiry.business", "2"),
        ("requests.total_processed.natural_person", "767"),
        ("disputes.litigation_direct.pending", "1"),
    ] {
        assert_eq!(value(&report, path).as_deref(), Some(expected), "{path}");
    }
    assert!(report.disclosure.is_none());
    let empty = Some((Kind::Empty, String::new()));
    assert_eq!(blank(&report, "requests.granted.total"), empty);
    assert_eq!(blank(&report, "requests.other.undivided.natural_person"), empty);
    assert_eq!(blank(&report, "disputes.litigation_after_reconsideration.total"), empty);
    assert!(report.requests.unwrap().other.unwrap().undivided.is_some(), "the row is there");
    assert_eq!(report.blanks.len(), 135);
    let ranks = report.blanks.iter().map(|blank| form::place(&blank.field_path).unwrap().0);
    assert!(ranks.is_sorted());
}

#[test]
fn keeps_what_is_printed_in_a_cell() {
    let path = "requests.granted.natural_person";
    let granted = row(HTML, "（一）予以公开");
    for (printed, expected) in [
        ("１，２３４", Ok("1234")),
        ("1 234", Ok("1234")),
        ("+43", Ok("43")),
        ("-1942", Ok("-1942")),
        ("22（其中修订16件）", Ok("22")),
        ("8件", Ok("8")),
        ("&nbsp;", Err((Kind::Empty, ""))),
        ("/", Err((Kind::Slash, "/"))),
        ("—", Err((Kind::Dash, "—"))),
        ("无", Err((Kind::Unreadable, "无"))),
        ("1<br>0", Err((Kind::Unreadable, "1\n0"))),
        ("12.5", Err((Kind::Unreadable, "12.5"))),
        ("增2", Err((Kind::Unreadable, "增2"))),
    ] {
        let to = granted.replace("<td>8</td><td>0", &format!("<td>{printed}</td><td>0"));
        let report = changed(HTML, &[(granted, &to)]).report;
        let found = value(&report, path).ok_or_else(|| blank(&report, path).unwrap());
        let expected =
            expected.map(str::to_owned).map_err(|(kind, raw): (Kind, &str)| (kind, raw.to_owned()));
        assert_eq!(found, expected, "{printed}");
    }
    for (printed, expected, notes) in [
        ("1317.89万元", "1317.89", 0),
        ("13178900元", "1317.89", 1),
        ("1,317.8900", "1317.8900", 0),
    ] {
        let reading = changed(HTML, &[("1317.89", printed)]);
        let found = value(&reading.report, "disclosure.fees_wan_yuan");
        assert_eq!(found.as_deref(), Some(expected), "{printed}");
        assert_eq!(reading.notes.len(), notes, "{printed}");
    }
    let in_yuan = changed(HTML, &[("（单位：万元）", "（单位：元）"), ("1317.89", "13178900")]);
    assert_eq!(value(&in_yuan.report, "disclosure.fees_wan_yuan").as_deref(), Some("1317.89"));
    assert!(in_yuan.notes.iter().any(|note| note.message_zh.contains("换算")));

    let licensing = row(OFFICE, "<p>行政许可");
    let to = licensing.replacen("<p>0</p>", "<p>7</p>", 1).replacen("<p>0</p>", "<p>减3</p>", 1);
    let report = changed(OFFICE, &[(licensing, &to)]).report;
    let change = value(&report, "disclosure_2019.licensing.items_change");
    assert_eq!(change.as_deref(), Some("-3"));
}

#[test]
fn notes_what_it_passes_over() {
    let granted = row(HTML, "（一）予以公开");
    let to = granted.replace("<td>8</td><td>0", "<td>22（其中修订16件）</td><td>0");
    let notes = changed(HTML, &[(granted, &to)]).notes;
    assert_eq!(notes.len(), 1);
    assert_eq!(notes[0].field_path, "requests.granted.natural_person");
    assert!(notes[0].message_zh.contains("其中修订16件") && !notes[0].message_en.is_ascii());
    assert!(notes[0].place.starts_with("第2个表格第6行"));

    let heading = "<p>二、主动公开政府信息情况</p>";
    let with_prose = format!("{heading}<p>以下为本局数据。</p>");
    let reading = changed(HTML, &[(heading, &with_prose)]);
    assert_eq!(reading.notes.len(), 1);
    assert!(reading.notes[0].message_zh.contains("以下为本局数据"));
    assert_eq!(reading.report, self::reading(HTML.as_bytes()).report);
}

#[test]
fn tells_the_edition_by_the_columns() {
    let single = |page: &str| -> String {
        let first = row(HTML, "（六）其他处理");
        let second = row(HTML, "2.申请人逾期未按");
        let third = row(HTML, ">3.其他<");
        let one = "<tr><td colspan=2>（六）其他处理</td><td>4</td><td>0</td><td>0</td><td>0</td>\
                   <td>0</td><td>0</td><td>4</td></tr>";
        page.replace(first, one).replace(second, "").replace(third, "")
    };
    // The heads of 2021 with the single row of 2019, as published in 2023.
    let report = reading(single(HTML).as_bytes()).report;
    assert_eq!(report.edition(), Edition::Edition2021);
    assert_eq!(value(&report, "requests.other.undivided.total").as_deref(), Some("4"));
    assert_eq!(value(&report, "requests.other.other_reason.total"), None);
    assert_eq!(value(&report, "requests.total_processed.total").as_deref(), Some("65"));
    // The old form in a late year.
    let late = changed(OFFICE, &[("2019年示例市", "2023年示例市")]).report;
    assert_eq!((late.year, late.edition()), (2023, Edition::Edition2019));
    // Without table two the rows of table three tell.
    let cut = |page: &str| {
        let start = page.find("<table").unwrap();
        let end = page.find("</table>").unwrap();
        format!("{}{}", &page[..start], &page[end..])
    };
    for (page, edition, missing) in [
        (cut(HTML), Edition::Edition2021, "disclosure"),
        (cut(&single(HTML)), Edition::Edition2019, "disclosure_2019"),
        (cut(OFFICE), Edition::Edition2019, "disclosure_2019"),
    ] {
        let report = reading(page.as_bytes()).report;
        assert_eq!(report.edition(), edition);
        assert_eq!(blank(&report, missing), Some((Kind::TableMissing, String::new())));
    }
}

#[test]
fn registers_missing_tables_and_invents_no_zero() {
    let mut page = HTML.to_owned();
    while let (Some(start), Some(end)) = (page.find("<table"), page.find("</table>")) {
        page.replace_range(start..end + "</table>".len(), "<img src=\"table.png\">");
    }
    let read::Reading { report, notes, provenance } = reading(page.as_bytes());
    let missing: Vec<_> = report.blanks.iter().map(|b| (b.field_path.as_str(), b.kind())).collect();
    let kind = Kind::TableMissing;
    assert_eq!(missing, [("disclosure", kind), ("requests", kind), ("disputes", kind)]);
    assert!(report.disclosure.is_none() && report.requests.is_none() && report.disputes.is_none());
    assert!(form::CELLS.iter().all(|cell| cell.get(&report).is_none()));
    assert_eq!(texts(&report), texts(&reading(HTML.as_bytes()).report));
    assert_eq!(report.edition(), Edition::Unspecified);
    assert!(notes.iter().any(|note| note.field_path == "edition"));
    assert!(provenance.iter().all(|p| p.table == 0));
}

#[test]
fn tells_a_damaged_label_only_where_one_wins() {
    let expected = reading(HTML.as_bytes()).report;
    for (from, to) in [
        ("7.属于行政执法案卷", "7.属于行政执法案眷"),
        ("3.补正后申请内容仍不明确", "3.补正后申请内容不明确"),
        ("一、本年新收政府信息公开申请数量", "一、本年新收政府信息公開申請數量"),
        ("2.没有现成信息需要另行制作", "2.没有现成信息"),
        ("四、结转下年度继续办理", "四、结转下年度"),
        ("行政规范性文件</td>", "行政规范性文伴</td>"),
        ("本年制发件数", "本年制发文件数"),
        ("五、存在的主要问题及改进情况", "五、存在问题及改进措施"),
    ] {
        let reading = changed(HTML, &[(from, to)]);
        assert_eq!(reading.report, expected, "{to}");
        assert!(reading.notes.iter().all(|note| note.message_zh.contains("相似度")), "{to}");
        assert!(!reading.notes.is_empty(), "{to}");
    }
    for (from, to) in [
        ("本年制发件数", "本年(2023)制发件数"),
        ("行政规范性文件</td>", "规范性文件</td>"),
        ("（一）予以公开", "(1) 予以 公开"),
        ("3.危及“三安全一稳定”", "3.危及\"三安全一稳定\""),
        ("六、其他需要报告的事项", "６．其他需要报告的事项"),
    ] {
        let reading = changed(HTML, &[(from, to)]);
        assert_eq!(reading.report, expected, "{to}");
        assert!(reading.notes.is_empty(), "{to} {:?}", reading.notes);
    }
    // Two rows are equally like it: neither is taken, and the figures are shown.
    let unclear = changed(
        HTML,
        &[("7.属于行政执法案卷", "7.属于行政"), ("8.属于行政查询事项", "8.属于行政")],
    );
    assert_eq!(value(&unclear.report, "requests.denied.enforcement_file.total"), None);
    assert!(unclear.notes.iter().any(|note| note.message_zh.contains("不是报告格式中的行")));
}

#[test]
fn is_not_fooled_by_prose_that_numbers_itself() {
    let expected = reading(HTML.as_bytes()).report;
    let prose = [
        "一、主动公开情况",
        "二、依申请公开",
        "三、信息管理",
        "四、平台建设",
        "五、监督保障",
        "六、其他",
    ];
    let paragraphs: String =
        prose.iter().map(|text| format!("<p>{text}</p><p>文字。</p>")).collect();
    let heading = "<p>一、总体情况</p>\n";
    let to = format!("{heading}{paragraphs}");
    let changes = [
        (heading, to.as_str()),
        ("二、主动公开政府信息情况", "一、主动公开政府信息情况"),
        ("三、收到和处理", "二、收到和处理"),
        ("四、政府信息公开行政复议", "三、政府信息公开行政复议"),
        ("五、存在的", "四、存在的"),
        ("六、其他需要", "五、其他需要"),
    ];
    let report = changed(HTML, &changes).report;
    let [overview, problems, other] = texts(&report).map(Option::unwrap);
    assert!(
        overview.starts_with("一、主动公开情况\n文字。") && overview.contains("六、其他\n文字。")
    );
    assert!(overview.ends_with("全年组织培训2次。"));
    assert_eq!([Some(problems), Some(other)], texts(&expected)[1..]);
    assert!(form::CELLS.iter().all(|cell| cell.get(&report) == cell.get(&expected)));

    // A table of contents before the parts.
    let contents: String = [
        "一、总体情况",
        "二、主动公开政府信息情况",
        "三、收到和处理政府信息公开申请情况",
        "四、政府信息公开行政复议、行政诉讼情况",
        "五、存在的主要问题及改进情况",
        "六、其他需要报告的事项",
    ]
    .iter()
    .map(|line| format!("<p>{line}</p>"))
    .collect();
    let to = format!("{contents}{heading}");
    assert_eq!(texts(&changed(HTML, &[(heading, &to)]).report), texts(&expected));
    // Headings that go on with their prose.
    let run_on = [("<p>六、其他需要报告的事项</p>\n<p>", "<p>6、其他需要报告的事项：")];
    assert_eq!(texts(&changed(HTML, &run_on).report), texts(&expected));
}

#[test]
fn says_so_when_the_first_heading_is_missing() {
    let reading = changed(HTML, &[("<p>一、总体情况</p>", "")]);
    let [overview, ..] = texts(&reading.report);
    assert!(overview.unwrap().starts_with("2023年，本局把政务公开"));
    assert!(reading.notes.iter().any(|note| note.message_zh.contains("前言")));
}

#[test]
fn reads_tables_in_pieces_and_in_one() {
    let expected = reading(HTML.as_bytes()).report;
    let petition = row(HTML, "1.信访举报投诉类申请");
    let granted = row(HTML, "（二）部分公开");
    let heads = "<tr><td colspan=3></td><td>自然人</td><td>商业企业</td><td>科研机构</td>\
                 <td>社会公益组织</td><td>法律服务机构</td><td>其他</td><td>总计</td></tr>";
    // Broken over pages, once with the heads repeated; a broken span leaves no trace of the rows
    // above in the second piece.
    let pieces = [
        (petition, format!("</table><p>第3页</p><table>{heads}{petition}")),
        (granted, format!("</table><table>{granted}")),
    ];
    let changes: Vec<(&str, &str)> = pieces.iter().map(|(from, to)| (*from, to.as_str())).collect();
    let report = changed(HTML, &changes).report;
    for cell in &form::CELLS {
        assert_eq!(cell.get(&report), cell.get(&expected), "{}", cell.path);
    }
    // The values of table four alone in a table.
    let values = HTML.find("<tr><td>2</td><td>0</td><td>0</td><td>0</td><td>2</td>").unwrap();
    let page = format!("{}</table><table>{}", &HTML[..values], &HTML[values..]);
    let report = reading(page.as_bytes()).report;
    assert_eq!(value(&report, "disputes.reconsideration.upheld").as_deref(), Some("2"));
    // All three tables in one.
    let mut joined = HTML.to_owned();
    for _ in 0..2 {
        let start = joined.find("</tbody></table>").unwrap();
        let next = start + joined[start..].find("<tbody>").unwrap() + "<tbody>".len();
        joined.replace_range(start..next, "");
    }
    assert_eq!(joined.matches("<table").count(), 1);
    let report = reading(joined.as_bytes()).report;
    for cell in &form::CELLS {
        assert_eq!(cell.get(&report), cell.get(&expected), "{}", cell.path);
    }
}

#[test]
fn tells_columns_by_their_heads() {
    // 总计 stands first, and a column that the form does not have among the others.
    let start = HTML.find("<p>三、").unwrap();
    let end = HTML.find("<p>四、").unwrap();
    let table: Vec<String> = HTML[start..end]
        .lines()
        .map(|line| {
            let cells: Vec<&str> = line.trim_end_matches("</tr>").split("<td>").collect();
            if cells.len() < 8 || line.contains("商业") {
                return line.to_owned();
            }
            let (labels, values) = cells.split_at(cells.len() - 7);
            let (first, rest) = (values[0], values[1..6].join("<td>"));
            format!("{}<td>{}<td>{first}<td>9</td><td>{rest}</tr>", labels.join("<td>"), values[6])
        })
        .collect();
    let table = table
        .join("\n")
        .replacen("<td rowspan=\"2\">总计</td>", "", 1)
        .replacen("<td rowspan=\"2\">自然人", "<td rowspan=2>总计</td><td rowspan=2>自然人", 1)
        .replacen("<td>商业", "<td>小计</td><td>商业", 1);
    let page = format!("{}{table}{}", &HTML[..start], &HTML[end..]);
    let read::Reading { report, notes, .. } = reading(page.as_bytes());
    assert_eq!(report.requests, reading(HTML.as_bytes()).report.requests);
    assert!(notes.iter().any(|note| note.message_zh.contains("不属于本行")));
}

#[test]
fn takes_merged_blanks_for_each_column_and_guesses_no_column() {
    let granted = row(HTML, "（一）予以公开");
    let merged = granted.replace(&"<td>0</td>".repeat(5), "<td colspan=5></td>");
    let report = changed(HTML, &[(granted, &merged)]).report;
    assert_eq!(value(&report, "requests.granted.total").as_deref(), Some("8"));
    assert_eq!(blank(&report, "requests.granted.research"), Some((Kind::Empty, String::new())));
    let short = granted.replacen("<td>0</td>", "", 1);
    let reading = changed(HTML, &[(granted, &short)]);
    let (kind, raw) = blank(&reading.report, "requests.granted.total").unwrap();
    assert_eq!(kind, Kind::Unreadable);
    assert!(raw.contains("予以公开|8|0|0|0|0|8"), "{raw}");
    assert!(reading.notes.iter().any(|note| note.message_zh.contains("应为7个")));
}

#[test]
fn takes_title_and_year_from_the_title_line() {
    let page = |title: &str| format!("{title}<p>一、总体情况</p><p>甲。</p>");
    for (title, year, expected) in [
        (
            "<p>示例局2023年政府信息公开工作年度报告</p>",
            2023,
            "示例局2023年政府信息公开工作年度报告",
        ),
        (
            "<p>示例局</p><p>2022年度政府信息公开工作年度报告</p>",
            2022,
            "示例局2022年度政府信息公开工作年度报告",
        ),
        (
            "<p>首页 &gt; 年报</p><p>二〇二一年示例局政府信息公开年报</p>",
            2021,
            "二〇二一年示例局政府信息公开年报",
        ),
        (
            "<title>示例局2024年政府信息公开工作年度报告</title>",
            2024,
            "示例局2024年政府信息公开工作年度报告",
        ),
        ("<p>甲</p>", 0, ""),
    ] {
        let report = reading(page(title).as_bytes()).report;
        assert_eq!((report.year, report.title.as_str()), (year, expected), "{title}");
    }
    let document = Document::from_bytes(HTML.as_bytes(), None).unwrap();
    let header = DocumentHeader {
        organ: "organs/a".into(),
        year: 2022,
        scope: Scope::Region as i32,
        ..DocumentHeader::default()
    };
    let reading = read::read(&document, &header);
    let report = &reading.report;
    assert_eq!(
        (report.organ.as_str(), report.year, report.scope()),
        ("organs/a", 2022, Scope::Region)
    );
    assert!(reading.notes.iter().any(|note| note.field_path == "year"));
}

#[test]
fn reads_any_cell_that_is_changed() {
    let expected = support::housing();
    let provenance = reading(TXT).provenance;
    for (cell, at) in form::CELLS.iter().filter(|cell| cell.is_in(Edition::Edition2021)).zip(1000..)
    {
        let place = provenance.iter().find(|p| p.field_path == cell.path).unwrap();
        let line = place.place.split("文本第").nth(1).unwrap().trim_end_matches("行）");
        let line: usize = line.parse().unwrap();
        let text = std::str::from_utf8(TXT).unwrap();
        let mut lines: Vec<String> = text.lines().map(str::to_owned).collect();
        lines[line - 1] = format!("\t{at}");
        let report = reading(lines.join("\n").as_bytes()).report;
        for other in &form::CELLS {
            let amount = match other.kind {
                CellKind::Count => Amount::Count(at),
                _ => Amount::Money(at.to_string()),
            };
            let expected =
                if other.path == cell.path { Some(amount) } else { other.get(&expected) };
            assert_eq!(other.get(&report), expected, "{}", other.path);
        }
    }
}
