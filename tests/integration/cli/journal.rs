//! The life of a report, and the backup of a store, from the command line.

use std::fs;

use super::server::Server;
use super::{HOUSING, nianbao, text};

const NAME: &str = "organs/lc-housing/reports/2023-own";

/// A folder with the report of three years.
fn reports(server: &Server) -> String {
    let folder = server.folder.path().join("reports");
    fs::create_dir(&folder).expect("a folder");
    let housing = fs::read_to_string(HOUSING).expect("the fixture");
    for year in [2021, 2022, 2023] {
        let mut report: serde_json::Value = serde_json::from_str(&housing).expect("JSON");
        report["year"] = year.into();
        report["organ"] = "organs/lc-housing".into();
        fs::write(folder.join(format!("{year}.json")), report.to_string()).expect("written");
    }
    text(&folder).to_owned()
}

#[test]
fn a_folder_is_submitted_once_however_often_the_command_is_run() {
    let server = Server::start();
    server.register();
    let folder = reports(&server);
    // As if the first run had been cut off after one file.
    let first = server.run(&["submit", &format!("{folder}/2021.json"), "--principal", "zhang"]);
    assert_eq!(first.code, 0, "{}", first.err);
    for _ in 0..2 {
        let run = server.run(&["submit", &folder, "--principal", "zhang"]);
        assert_eq!(run.code, 0, "{} {}", run.out, run.err);
        assert_eq!(run.out.matches("organs/lc-housing/reports/").count(), 3, "{}", run.out);
    }
    for year in [2021, 2022, 2023] {
        let name = format!("organs/lc-housing/reports/{year}-own");
        let events = server.run(&["history", &name, "--lang", "en"]);
        assert_eq!(events.out.matches("zhang").count(), 1, "{}", events.out);
    }
}

#[test]
fn a_report_is_returned_accepted_published_and_amended() {
    let server = Server::start();
    server.register();
    let folder = reports(&server);
    let done = |args: &[&str]| {
        let run = server.run(args);
        assert_eq!(run.code, 0, "{args:?}: {} {}", run.out, run.err);
        run.out
    };
    done(&["submit", &folder, "--principal", "zhang"]);
    let refused = server.run(&["accept", NAME, "--principal", "zhang"]);
    assert_eq!(refused.code, 1);
    assert!(refused.err.contains("SUBMITTER_ACCEPTS"), "{}", refused.err);
    let reason = "表三·（一）·总计=请核对";
    done(&["return", NAME, "--principal", "li", "--reason", reason]);
    assert!(done(&["get", NAME]).contains("请核对"));
    done(&["submit", &format!("{folder}/2023.json"), "--principal", "wang"]);
    assert!(done(&["accept", NAME, "--principal", "li"]).contains("已接收"));
    assert!(done(&["aggregate", "lc", "--year", "2023"]).contains("65"));
    done(&["publish", NAME, "--principal", "li"]);
    done(&["amend", NAME, "--principal", "wang", "--reason", "漏计一件"]);
    let story = done(&["history", NAME]);
    for word in ["提交", "退回", "接收", "公布", "更正", "漏计一件", "请核对"] {
        assert!(story.contains(word), "{word}: {story}");
    }
    let diff = done(&["diff", "organs/lc-housing/reports/2022-own", NAME]);
    assert!(diff.contains("没有差异"), "{diff}");
    done(&["void", NAME, "--principal", "li", "--reason", "重复"]);
    let again = server.run(&["void", NAME, "--reason", "重复"]);
    assert_eq!(again.code, 1);
    assert!(again.err.contains("REPORT_STATE"), "{}", again.err);
}

#[test]
fn an_export_is_verified_and_restored_and_a_changed_byte_is_named() {
    let server = Server::start();
    server.register();
    let folder = reports(&server);
    assert_eq!(server.run(&["submit", &folder, "--principal", "zhang"]).code, 0);
    let place = |name: &str| text(&server.folder.path().join(name)).to_owned();
    let (export, restored) = (place("all.nbj"), place("restored"));
    let run = server.run(&["export", "--output", &export]);
    assert_eq!(run.code, 0, "{}", run.err);
    let hash = run.out.split('：').next_back().and_then(|t| t.get(..64)).expect("a hash");
    assert_eq!(server.run(&["verify", "--expect", hash]).code, 0);
    let run = nianbao(&["restore", &export, "--data", &restored]);
    assert_eq!(run.code, 0, "{}", run.err);
    assert!(run.out.contains(hash), "{}", run.out);
    for path in [&export, &restored, &place("data")] {
        let run = nianbao(&["verify", path, "--expect", hash]);
        assert_eq!(run.code, 0, "{path}: {} {}", run.out, run.err);
    }
    let again = nianbao(&["restore", &export, "--data", &restored]);
    assert_eq!(again.code, 2, "a journal is kept");
    let other = nianbao(&["verify", &export, "--expect", &"0".repeat(64)]);
    assert_eq!(other.code, 1);

    let mut bytes = fs::read(&export).expect("the export");
    let middle = bytes.len() / 2;
    bytes[middle] ^= 1;
    fs::write(&export, &bytes).expect("written");
    let run = nianbao(&["verify", &export, "--format", "json"]);
    assert_eq!(run.code, 1);
    let damage = run.json()["damage"].as_str().expect("named").to_owned();
    assert!(damage.contains("damaged at 00000000"), "{damage}");
    let half = place("half");
    let run = nianbao(&["restore", &export, "--data", &half]);
    assert_eq!(run.code, 2);
    assert!(run.err.contains("all.nbj"), "{}", run.err);
}
