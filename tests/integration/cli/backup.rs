//! Export, restore and verify from the command line.

use std::fs;
use std::path::PathBuf;

use serde_json::Value;

use super::server::Server;
use super::{HOUSING, Run, nianbao, text};

const NAME: &str = "organs/lc-housing/reports/2023-own";

/// A server with an accepted report.
fn accepted() -> Server {
    let server = Server::start();
    server.register();
    let submit = ["submit", HOUSING, "--organ", "lc-housing", "--principal", "clerk"];
    assert_eq!(server.run(&submit).code, 0);
    assert_eq!(server.run(&["accept", NAME, "--principal", "li"]).code, 0);
    server
}

fn head(server: &Server) -> (String, String) {
    let info = server.run(&["info", "--format", "json"]).json();
    let part = |key: &str| info["head"][key].as_str().expect("a head").to_owned();
    (part("position"), part("entryHash"))
}

fn report(server: &Server) -> Value {
    server.run(&["get", NAME, "--format", "json"]).json()
}

#[track_caller]
fn ends(run: &Run, code: i32, words: &[&str]) {
    let said = format!("{}{}", run.out, run.err);
    assert_eq!(run.code, code, "{said}");
    for word in words {
        assert!(said.contains(word), "{word}\n{said}");
    }
}

#[test]
fn restores_from_a_base_and_its_continuation() {
    let server = accepted();
    let path = |name: &str| server.folder.path().join(name);
    let (base, next) = (path("base.nbj"), path("next.nbj"));
    let (position, hash) = head(&server);
    let exported = server.run(&["export", "--output", text(&base)]);
    ends(&exported, 0, &[&position, &hash, "请保存在别处"]);
    ends(&server.run(&["export", "--output", text(&base)]), 2, &["已存在，不予覆盖"]);
    let nothing = server.run(&["export", "--output", text(&next), "--after", &position]);
    ends(&nothing, 0, &["没有可导出的写入"]);
    assert!(!next.exists());
    assert_eq!(server.run(&["publish", NAME]).code, 0);
    let after = ["export", "--output", text(&next), "--after", &position, "--format", "json"];
    let written = server.run(&after).json();
    let (_, last) = head(&server);
    assert_eq!(written["head"]["entryHash"], *last);
    let unwritten = path("x");
    let beyond = ["export", "--output", text(&unwritten), "--after", "00000000000fffff"];
    ends(&server.run(&beyond), 2, &["[POSITION_NOT_REACHED]"]);
    let left: Vec<PathBuf> = fs::read_dir(server.folder.path())
        .expect("a folder")
        .map(|entry| entry.expect("an entry").path())
        .filter(|path| text(path).ends_with(".part"))
        .collect();
    assert!(left.is_empty(), "{left:?}");

    let fresh = tempfile::tempdir().expect("a folder");
    let data = fresh.path().join("data");
    let wrong_order = ["restore", text(&next), text(&base), "--data", text(&data)];
    ends(&nianbao(&wrong_order), 2, &["不是完整的备份"]);
    let restored = nianbao(&["restore", text(&base), text(&next), "--data", text(&data)]);
    ends(&restored, 0, &["已恢复到", &last]);
    let again = nianbao(&["restore", text(&base), "--data", text(&data)]);
    ends(&again, 2, &["已有日志，不予覆盖"]);
    ends(&nianbao(&["verify", text(&data), "--expect", &last]), 0, &["✓ 完好", &last]);
    let second = Server::in_folder(fresh);
    assert_eq!(report(&second), report(&server));
    assert_eq!(head(&second), head(&server));
}

#[test]
fn verifies_folder_export_and_server_against_a_kept_hash() {
    let server = accepted();
    let (_, hash) = head(&server);
    let export = server.folder.path().join("all.nbj");
    assert_eq!(server.run(&["export", "--output", text(&export)]).code, 0);
    let other = "0".repeat(64);
    let data = server.data();
    for place in [&["verify", text(&data)][..], &["verify", text(&export)], &["verify"]] {
        let sound = server.run(&[place, &["--expect", &hash]].concat());
        ends(&sound, 0, &["✓ 完好", &hash]);
        let lost = server.run(&[place, &["--expect", &other]].concat());
        ends(&lost, 1, &["✗ 有问题", "末尾被切掉，或已重写"]);
        let plain = server.run(place);
        ends(&plain, 0, &["链不能证明末尾未被切掉"]);
    }
    let english = nianbao(&["verify", text(&export), "--lang", "en"]);
    ends(&english, 0, &["✓ sound", "proves neither its end"]);
    assert_eq!(nianbao(&["verify", text(&export), "--expect", "beef"]).code, 2);
    assert_eq!(nianbao(&["verify"]).code, 2);
    let missing = server.folder.path().join("missing");
    ends(&nianbao(&["verify", text(&missing)]), 2, &["missing：无法读取：文件不存在"]);
    ends(&nianbao(&["verify", "--server", "http://127.0.0.1:1"]), 2, &["无法连接"]);
}

#[test]
fn names_the_place_of_a_flipped_byte() {
    let server = accepted();
    let data = server.data();
    let (_, hash) = head(&server);
    let folder = server.kill();
    let segment = data.join("journal/0000000000000001.journal");
    let mut bytes = fs::read(&segment).expect("the segment");
    let middle = bytes.len() / 2;
    bytes[middle] ^= 1;
    fs::write(&segment, &bytes).expect("written");
    let found = nianbao(&["verify", text(&data), "--expect", &hash]);
    ends(&found, 1, &["日志损坏", "0000000000000001.journal", "byte "]);
    let answer = nianbao(&["verify", text(&data), "--format", "json"]);
    assert_eq!((answer.code, &answer.json()["sound"]), (1, &Value::Null));
    let server = Server::in_folder(folder);
    ends(&server.run(&["info"]), 0, &["writes are off: journal damaged", "损坏："]);
    let set = ["deadlines", "set", "--year", "2023", "--scope", "own", "--due", "2024-02-15"];
    ends(&server.run(&set), 2, &["[WRITES_OFF]"]);
    ends(&server.run(&["verify"]), 1, &["✗ 有问题", "日志损坏"]);
}

#[test]
fn takes_half_an_export_and_a_changed_one_for_none() {
    let server = accepted();
    let export = server.folder.path().join("all.nbj");
    assert_eq!(server.run(&["export", "--output", text(&export)]).code, 0);
    let bytes = fs::read(&export).expect("the export");
    fs::write(&export, &bytes[..bytes.len() - 1]).expect("written");
    ends(&nianbao(&["verify", text(&export)]), 1, &["incomplete frame"]);
    let data = server.folder.path().join("restored");
    let cut = nianbao(&["restore", text(&export), "--data", text(&data)]);
    ends(&cut, 2, &["不是完整的备份"]);
    assert!(!data.join("journal").exists());
    let mut flipped = bytes.clone();
    flipped[bytes.len() / 2] ^= 1;
    fs::write(&export, flipped).expect("written");
    ends(&nianbao(&["verify", text(&export)]), 1, &["damaged at 0000", "all.nbj"]);
    ends(&nianbao(&["restore", text(&export), "--data", text(&data)]), 2, &["all.nbj"]);
    fs::write(&export, bytes).expect("written");
    ends(&nianbao(&["restore", text(&export), "--data", text(&data)]), 0, &["已恢复到"]);
}
