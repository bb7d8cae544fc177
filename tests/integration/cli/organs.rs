//! Organs from the command line.

use std::fs;

use super::server::Server;
use super::text;

fn contains(text: &str, words: &[&str]) {
    for word in words {
        assert!(text.contains(word), "{word}\n{text}");
    }
}

#[test]
fn leads_organs_through_their_history() {
    let server = Server::start();
    server.register();
    let done = |args: &[&str]| {
        let run = server.run(&[&["organs"], args].concat());
        assert_eq!(run.code, 0, "{args:?}\n{}{}", run.out, run.err);
        run.out
    };
    let refused = |args: &[&str], reason: &str| {
        let run = server.run(&[&["organs"], args].concat());
        assert_eq!(run.code, 1, "{args:?}\n{}{}", run.out, run.err);
        contains(&run.err, &[reason]);
    };
    done(&[
        "create",
        "--id",
        "new",
        "--display-name",
        "新局",
        "--parent",
        "lc",
        "--from-year",
        "2019",
    ]);
    let renamed = ["rename", "lc-health", "--display-name", "某市卫健委", "--from-year", "2021"];
    contains(&done(&renamed), &["某市卫健委", "2020年前称 某市某局", "✓ 回执 "]);
    let moved = ["move", "lc-health", "--parent", "new", "--from-year", "2022"];
    contains(&done(&moved), &["2019–2021 隶属 organs/lc，2022– 隶属 organs/new"]);
    refused(&["move", "new", "--parent", "lc-health", "--from-year", "2023"], "ORGAN_TREE_CYCLE");
    refused(&["close", "new", "--last-year", "2023"], "ORGAN_HAS_CHILDREN");
    let merge = ["merge", "new", "--into", "lc-housing", "--from-year", "2024"];
    refused(&merge, "ORGAN_HAS_CHILDREN");
    let out = done(&[&merge[..], &["--move-children", "--validate-only"]].concat());
    assert!(!out.contains('✓'), "{out}");
    let out = done(&[&merge[..], &["--move-children"]].concat());
    contains(&out, &["2024年起由 organs/lc-housing 承继", "2024– 隶属 organs/lc-housing"]);
    let out = done(&["get", "new", "--lang", "en"]);
    contains(&out, &["closed after 2023", "succeeded by organs/lc-housing from 2024 on"]);
    refused(&["update", "lc", "--division-code", "370001"], "organ.division_code");
    done(&["update", "lc", "--division-code", "371500"]);
    let run = server.run(&["organs", "update", "lc"]);
    assert_eq!(run.code, 2);
    contains(&run.err, &["没有要更新的字段"]);
    done(&["update", "lc", "--clear-field", "division-code"]);
    let found = server.run(&["organs", "get", "lc", "--format", "json"]).json();
    assert!(found.get("divisionCode").is_none(), "{found}");
}

#[test]
fn imports_a_list_after_a_dry_run() {
    let server = Server::start();
    server.register();
    let folder = tempfile::tempdir().expect("a folder");
    let file = folder.path().join("机关.csv");
    let list = "机关编号,机关名称,上级机关,起始年\nlc-edu,某市教育局,lc,2019\nlc-x,,lc,2019\n";
    fs::write(&file, list).expect("written");
    let run = server.run(&["organs", "import", text(&file), "--dry-run"]);
    assert_eq!(run.code, 1, "{}", run.err);
    contains(
        &run.out,
        &["机关名称", "冲突", "新登记 1，更新 0，无变化 0，冲突 1", "试运行，未入库"],
    );
    let run = server.run(&["organs", "import", text(&file), "--lang", "en"]);
    assert_eq!(run.code, 1);
    contains(&run.out, &["1 conflicts", "nothing stored"]);
    let run = server.run(&["organs", "import", text(&file), "--skip-conflicts"]);
    assert_eq!(run.code, 0, "{}{}", run.out, run.err);
    contains(&run.out, &["✓ 回执 "]);
    fs::write(&file, list.replace("lc-x,", "lc-x,乙局")).expect("written");
    let run = server.run(&["organs", "import", text(&file), "--format", "json"]);
    assert_eq!(run.code, 0, "{}", run.err);
    let found = run.json();
    assert_eq!(found["result"]["created"], 1);
    assert_eq!(found["result"]["unchanged"], 1);
    let run = server.run(&["organs", "import", text(&file)]);
    contains(&run.out, &["✓ 均已登记，无需写入"]);
    fs::write(&file, "甲,乙\n").expect("written");
    let run = server.run(&["organs", "import", text(&file)]);
    assert_eq!(run.code, 1);
    contains(&run.err, &["表头缺少“机关编号”", "[IMPORT_UNREADABLE]"]);
}
