//! `reconcile` as a clerk sees it.

use std::fs;

use serde_json::{Value, json};

use super::server::Server;
use super::{HOUSING, Run, read, text};

const REGION: &str = "organs/lc/reports/2023-region";

/// Files a report whose figures of one row and fees are these.
fn file(server: &Server, organ: &str, scope: &str, received: &str, fees: &str) {
    let mut report: Value =
        serde_json::from_str(&read(HOUSING.as_ref())).expect("the fixture is JSON");
    report["scope"] = json!(scope);
    report["requests"]["newlyReceived"]["total"] = json!(received);
    report["disclosure"]["feesWanYuan"] = json!(fees);
    if scope == "SCOPE_REGION" {
        report["disputes"]["reconsideration"]["upheld"] = Value::Null;
    }
    let path = server.folder.path().join("report.json");
    fs::write(&path, report.to_string()).expect("a file");
    let args = ["submit", text(&path), "--organ", organ, "--as-published", "已公布，无法更正"];
    let taken = server.run(&args);
    assert_eq!(taken.code, 0, "{}{}", taken.out, taken.err);
}

fn reconcile(server: &Server, args: &[&str]) -> Run {
    server.run(&[&["reconcile"], args, &["--include-unaccepted"]].concat())
}

#[test]
fn shows_what_a_region_declares_against_its_parts() {
    let server = Server::start();
    server.register();
    file(&server, "lc-housing", "SCOPE_OWN", "65", "1317.89");
    file(&server, "lc", "SCOPE_REGION", "40", "1317.89");
    let told = reconcile(&server, &["lc", "--year", "2023"]);
    assert_eq!((told.code, told.err.as_str()), (1, ""));
    for word in [
        &*format!("某市人民政府办公室  {REGION}/revisions/1（已提交，按政府汇总报告）"),
        "申报数",
        "表三·一、本年新收政府信息公开申请数量·总计",
        "-25",
        "申报为空",
        "不一致 1，仅一方有数 1",
        "缺报：某市人民政府办公室（lc）、某市某局（lc-health）",
        "覆盖：应报 3，已汇总 1，缺报 2",
    ] {
        assert!(told.out.contains(word), "{word}\n{}", told.out);
    }
    assert!(!told.out.contains("1317.89"), "what agrees is not listed\n{}", told.out);

    // The health bureau has just what is wanting; of the two the city held one.
    file(&server, "lc-health", "SCOPE_OWN", "40", "1317.89");
    let told = reconcile(&server, &[REGION]);
    assert_eq!(told.code, 1);
    for word in ["全部差额恰合：漏计某市某局（lc-housing）。请核实", "某市某局（lc-housing） 65"]
    {
        assert!(told.out.contains(word), "{word}\n{}", told.out);
    }
    let told = reconcile(&server, &[REGION, "--lang", "en"]);
    for word in ["all differences at once: left out: 某市某局 (lc-housing)", "declared", "-1317.89"]
    {
        assert!(told.out.contains(word), "{word}\n{}", told.out);
    }
    let all = reconcile(&server, &["lc", "--year", "2023", "--all-cells", "--format", "json"]);
    let answer = &all.json()["reconciliation"];
    assert_eq!(answer["cells"].as_array().map(Vec::len), Some(200));
    assert_eq!(answer["explanation"]["kind"], "KIND_LEFT_OUT");
}

#[test]
fn a_region_that_agrees_ends_well_and_what_is_none_is_refused() {
    let server = Server::start();
    server.register();
    file(&server, "lc-housing", "SCOPE_OWN", "65", "1317.89");
    let none = reconcile(&server, &["lc", "--year", "2023"]);
    assert!(none.code == 1 && none.err.contains("[REPORT_NOT_FOUND]"), "{}", none.err);
    for (args, word) in [
        (&["lc"][..], "需要 --year"),
        (&["organs/lc/reports/2023-own"], "本机关报告没有分报可核对"),
        (&[REGION, "--year", "2022"], "年度不同"),
        (&["LC", "--year", "2023"], "应为机关编号"),
    ] {
        let told = reconcile(&server, args);
        assert_eq!((told.code, told.out.as_str()), (2, ""), "{args:?}");
        assert!(told.err.contains(word), "{word}\n{}", told.err);
    }
    let file = text(HOUSING.as_ref());
    let set = server.folder.path().join("region.json");
    let report = read(file.as_ref()).replace("SCOPE_OWN", "SCOPE_REGION");
    fs::write(&set, report).expect("a file");
    let taken = server.run(&["submit", text(&set), "--organ", "lc", "--as-published", "已公布"]);
    assert_eq!(taken.code, 0, "{}{}", taken.out, taken.err);
    let told = reconcile(&server, &["lc", "--year", "2023"]);
    assert_eq!((told.code, told.err.as_str()), (0, ""), "{}", told.out);
    assert!(told.out.contains("比较 200 格：一致 200，不一致 0"), "{}", told.out);
}
