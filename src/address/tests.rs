use super::*;
use crate::pb::{Report, blank};

fn path(address: &str) -> Result<&'static str, Error> {
    resolve(address, Edition::Edition2021).map(|target| target.path())
}

#[test]
fn finds_a_cell_by_each_spelling() {
    for (address, wanted) in [
        ("表三·（三）·4·自然人", "requests.denied.third_party.natural_person"),
        ("表三·(三)·4.·自然人", "requests.denied.third_party.natural_person"),
        ("表三/三/4、/自然人", "requests.denied.third_party.natural_person"),
        ("表三 > （3）> 4 > 自然人", "requests.denied.third_party.natural_person"),
        ("表三・㈢・④・自然人", "requests.denied.third_party.natural_person"),
        (
            "（三）不予公开·4.保护第三方合法权益·自然人",
            "requests.denied.third_party.natural_person",
        ),
        ("保护第三方合法权益·自然人", "requests.denied.third_party.natural_person"),
        ("三、本年度办理结果·（三）·4·自然人", "requests.denied.third_party.natural_person"),
        ("危及\"三安全一稳定\"·总计", "requests.denied.security_stability.total"),
        ("危及三安全一稳定·合计", "requests.denied.security_stability.total"),
        ("表三·一、·法人或其他组织·科研机构", "requests.newly_received.research"),
        ("表三·四、·自然人", "requests.carried_out.natural_person"),
        ("表三·（七）·总计", "requests.total_processed.total"),
        ("表三·总计·总计", "requests.total_processed.total"),
        ("部分公开·自然人", "requests.partially_granted.natural_person"),
        ("表三·（六）·3·其他", "requests.other.other_reason.other_organization"),
        ("表二·行政许可", "disclosure.licensing_decisions"),
        ("行政许可·本年处理决定数量", "disclosure.licensing_decisions"),
        ("表二·行政事业性收费·本年收费金额", "disclosure.fees_wan_yuan"),
        ("规范性文件·本年废止件数", "disclosure.normative_documents.repealed"),
        ("表四·行政诉讼·直接起诉·结果维持", "disputes.litigation_direct.upheld"),
        ("复议后起诉·总计", "disputes.litigation_after_reconsideration.total"),
        ("requests.granted.total", "requests.granted.total"),
        ("requests.newlyReceived.naturalPerson", "requests.newly_received.natural_person"),
        ("Disclosed / natural persons", "requests.granted.natural_person"),
        ("organ", "organ"),
        ("报告年度", "year"),
        ("一、总体情况", "overview.text"),
        ("一", "overview.text"),
        ("五、", "problems.text"),
        ("其他需要报告的事项", "other_matters.text"),
        ("otherMatters", "other_matters.text"),
    ] {
        assert_eq!(path(address), Ok(wanted), "{address}");
    }
}

#[test]
fn finds_every_cell_by_its_own_address_and_path() {
    for edition in [Edition::Edition2019, Edition::Edition2021] {
        for cell in CELLS.iter().filter(|cell| cell.is_in(edition)) {
            for written in [cell.address, cell.path] {
                let target = resolve(written, edition).map(|t| t.path());
                assert_eq!(target, Ok(cell.path), "{written}");
            }
        }
    }
}

#[test]
fn lists_the_candidates_of_an_ambiguous_address() {
    let Err(Error::Ambiguous { candidates, count, .. }) = path("表三·4·自然人") else {
        panic!("an ambiguous address");
    };
    let paths: Vec<_> = candidates.iter().map(Target::path).collect();
    assert_eq!(
        paths,
        [
            "requests.denied.third_party.natural_person",
            "requests.not_processed.excessive.natural_person",
        ]
    );
    assert_eq!(count, 2);
    let Err(Error::Ambiguous { candidates, count, .. }) = path("自然人") else {
        panic!("an ambiguous address");
    };
    assert_eq!((candidates.len(), count), (8, 25));
}

#[test]
fn names_the_nearest_of_an_unknown_address() {
    let Err(Error::Unknown { nearest, .. }) = path("表三·（三）·保护第三人权益·自然人")
    else {
        panic!("an unknown address");
    };
    assert_eq!(nearest[0].path(), "requests.denied.third_party.natural_person");
    assert!(matches!(path(""), Err(Error::Unknown { .. })));
    assert!(matches!(path("···"), Err(Error::Unknown { .. })));
    // The address must name its end: a row is no cell.
    assert!(path("表三·（三）·4").is_err());
}

#[test]
fn tells_a_cell_of_the_other_edition() {
    for address in ["政府集中采购·采购项目数量", "disclosure_2019.fees.items_before"] {
        assert!(matches!(path(address), Err(Error::OtherEdition { .. })), "{address}");
    }
    let old = resolve("表二·行政许可·本年增/减", Edition::Edition2019).map(|t| t.path());
    assert_eq!(old, Ok("disclosure_2019.licensing.items_change"));
    let slashed = resolve("表二/行政许可/本年增/减", Edition::Edition2019).map(|t| t.path());
    assert_eq!(slashed, old);
}

#[test]
fn takes_a_value_as_written_or_not_at_all() {
    let cell = "表三·（一）·总计";
    let fee = "表二·行政事业性收费";
    for (address, value, meant) in [
        (cell, "３", Some("3")),
        (cell, "1,234", Some("1234")),
        (cell, "3件", Some("3")),
        (cell, "007", Some("7")),
        (cell, "+3", Some("3")),
        (cell, "3.5", None),
        (cell, "三", None),
        (cell, "99999999999999999999", None),
        (fee, "1,317.89", Some("1317.89")),
        (fee, "12万元", Some("12")),
        (fee, ".5", Some("0.5")),
        (fee, "1.", None),
        (fee, "-1", None),
        (fee, "0.1234567", None),
    ] {
        let mut report = Report::default();
        let refused = assign(&mut report, &format!("{address}={value}"));
        let Err(Error::Value { meant: guess, .. }) = refused else {
            panic!("{value} is taken");
        };
        assert_eq!(guess.as_deref(), meant, "{value}");
        assert_eq!(report, Report::default());
    }
}

#[test]
fn registers_blanks_and_removes_them_with_a_value() {
    let mut report = Report::default();
    for (value, kind, raw) in [
        ("", blank::Kind::Empty, ""),
        ("空白", blank::Kind::Empty, ""),
        ("/", blank::Kind::Slash, "/"),
        ("—", blank::Kind::Dash, "—"),
        ("-", blank::Kind::Dash, "-"),
    ] {
        assign(&mut report, &format!("表三·（一）·总计={value}")).expect("the cell takes a blank");
        let [one] = report.blanks.as_slice() else {
            panic!("one blank");
        };
        assert_eq!((one.kind(), one.raw.as_str()), (kind, raw));
        assert_eq!(one.field_path, "requests.granted.total");
    }
    assign(&mut report, "表三·一、·总计=/").expect("the cell takes a blank");
    assert_eq!(report.blanks[0].field_path, "requests.newly_received.total", "form order");
    let change = assign(&mut report, "表三·（一）·总计=8").expect("the cell takes a count");
    assert_eq!(change.old, Content::Blank(Some(blank::Kind::Dash)));
    assert_eq!(change.new, Content::Value("8".to_owned()));
    assert_eq!(report.blanks.len(), 1);
}

#[test]
fn fills_the_fields_beside_the_tables() {
    let mut report = Report::default();
    for assignment in [
        "organ=lc-housing",
        "年度=2023",
        "year=2023",
        "scope=本机关",
        "edition=2021",
        "title=某局2023年政府信息公开工作年度报告",
        "一、总体情况=a=b",
    ] {
        let taken = assign(&mut report, assignment);
        assert_eq!(taken.is_ok(), assignment != "年度=2023", "{assignment}");
    }
    assert_eq!(report.organ, "organs/lc-housing");
    assert_eq!(report.overview.as_ref().expect("the text was just set").text, "a=b");
    for assignment in ["organ=LC", "year=23", "scope=both", "edition=2020", "no sign"] {
        assert!(assign(&mut report, assignment).is_err(), "{assignment}");
    }
}

#[test]
fn explains_a_finding_once() {
    let mut report = Report::default();
    for text in ["0123456789abcdef=first", "0123456789abcdef=second"] {
        explain(&mut report, text).expect("the fingerprint has its form");
    }
    assert_eq!(report.explanations.len(), 1);
    assert_eq!(report.explanations[0].text, "second");
    explain(&mut report, "0123456789abcdef=").expect("an empty text is taken");
    assert!(report.explanations.is_empty());
    for text in ["0123=x", "0123456789ABCDEF=x", "0123456789abcdef"] {
        assert!(explain(&mut report, text).is_err(), "{text}");
    }
}
