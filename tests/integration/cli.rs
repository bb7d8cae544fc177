//! The command line through the real binary: exit codes, what is printed, what is written.

mod backup;
mod life;
mod organs;
mod reconcile;
mod render;
mod server;
mod tables;

use std::fs::{self, File};
use std::io::{Read as _, Write as _};
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use serde_json::Value;
use tempfile::TempDir;

const HOUSING: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/fixtures/housing-2023.json");
const PAGE: &str =
    concat!(env!("CARGO_MANIFEST_DIR"), "/tests/fixtures/document/housing-2023.html");
const NOT_HELD: &str = "表三·（四）无法提供·1.本机关不掌握相关政府信息";

/// What a run left.
pub struct Run {
    pub code: i32,
    pub out: String,
    pub err: String,
}

impl Run {
    fn json(&self) -> Value {
        serde_json::from_str(&self.out).unwrap_or_else(|e| panic!("{e}: {}", self.out))
    }
}

fn command(args: &[&str]) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_nianbao"));
    // Nothing of the tester's own settings.
    command.args(args).env_clear().stdin(Stdio::null());
    command
}

fn run(mut command: Command) -> Run {
    let output = command.output().expect("the binary runs");
    let text = |bytes| String::from_utf8(bytes).expect("UTF-8");
    let run = Run {
        code: output.status.code().expect("an exit code"),
        out: text(output.stdout),
        err: text(output.stderr),
    };
    assert!(!run.err.contains("panicked"), "{}", run.err);
    run
}

/// Runs the binary.
pub fn nianbao(args: &[&str]) -> Run {
    run(command(args))
}

/// A folder with a report to change.
fn folder() -> (TempDir, PathBuf) {
    let folder = tempfile::tempdir().expect("a folder");
    let file = folder.path().join("report.json");
    fs::copy(HOUSING, &file).expect("a copy");
    (folder, file)
}

fn text(path: &Path) -> &str {
    path.to_str().expect("a path in UTF-8")
}

fn read(path: &Path) -> String {
    fs::read_to_string(path).expect("a file")
}

/// A folder with a report in which 51 became 50.
fn broken() -> (TempDir, PathBuf) {
    let (folder, file) = folder();
    let set = nianbao(&["set", text(&file), "表三·（四）·1·自然人=50"]);
    assert_eq!(set.out, format!("{NOT_HELD}·自然人：51 → 50\n"));
    (folder, file)
}

#[test]
fn passes_a_balanced_report_and_its_document() {
    for file in [HOUSING, PAGE] {
        let checked = nianbao(&["validate", file]);
        assert_eq!((checked.code, checked.err.as_str()), (0, ""));
        assert_eq!(checked.out, format!("✓ {file}：没有发现问题\n"));
    }
}

#[test]
fn names_row_and_column_of_a_wrong_cell() {
    let (folder, file) = broken();
    let page = folder.path().join("page.html");
    let html = read(Path::new(PAGE)).replacen("<td>51</td>", "<td>50</td>", 1);
    fs::write(&page, html).expect("a page");
    for file in [&file, &page] {
        let checked = nianbao(&["validate", text(file), "--format", "json"]);
        assert_eq!(checked.code, 1);
        let answer = checked.json();
        let findings = answer["files"][0]["findings"].as_array().expect("findings");
        let cells: Vec<&str> = findings.iter().filter_map(|f| f["cell"].as_str()).collect();
        assert_eq!(cells, [&*format!("{NOT_HELD}·总计"), "表三·（七）总计·自然人"]);
        assert_eq!(answer["files"][0]["counts"]["errors"], 2);
    }
    let checked = nianbao(&["validate", text(&file)]);
    assert_eq!(checked.code, 1);
    for word in ["错误 2", "应为 64，实为 65", "applicants.total"] {
        assert!(checked.out.contains(word), "{word}\n{}", checked.out);
    }
}

#[test]
fn folds_derived_findings_unless_asked_for() {
    let (_folder, file) = folder();
    let set = ["set", text(&file), "表三·一、·自然人=66", "表三·一、·总计=66"];
    assert_eq!(nianbao(&set).code, 0);
    let folded = nianbao(&["validate", text(&file)]);
    assert!(folded.out.contains("另有 1 项由上述问题引起"), "{}", folded.out);
    let all = nianbao(&["validate", text(&file), "--all"]);
    assert!(all.out.contains("（派生）"), "{}", all.out);
    assert!(!all.out.contains("另有"), "{}", all.out);
}

#[test]
fn tells_of_files_that_cannot_be_read_and_goes_on() {
    let (folder, good) = folder();
    let path = |name: &str| folder.path().join(name);
    let docx = {
        let mut zip = zip::ZipWriter::new(std::io::Cursor::new(Vec::new()));
        let options = zip::write::SimpleFileOptions::default();
        zip.start_file("word/document.xml", options).expect("a part");
        zip.write_all("<w:document/>".repeat(500).as_bytes()).expect("text");
        zip.finish().expect("a zip").into_inner()
    };
    let noise: Vec<u8> =
        (0..100_000u32).map(|i| (i.wrapping_mul(2_654_435_761) >> 13) as u8).collect();
    fs::write(path("cut.docx"), &docx[..docx.len() / 2]).expect("a file");
    fs::write(path("empty.docx"), "").expect("a file");
    fs::write(path("noise.html"), noise).expect("a file");
    fs::write(path("other.json"), "{\"name\": 3}").expect("a file");
    fs::write(path("cut.json"), "{\"year\": 2023").expect("a file");
    let large = File::create(path("large.docx")).expect("a file");
    large.set_len(200 << 20).expect("a sparse file");
    fs::create_dir(path("folder")).expect("a folder");
    let bad = [
        "cut.docx",
        "empty.docx",
        "noise.html",
        "other.json",
        "cut.json",
        "large.docx",
        "folder",
        "missing.json",
    ];
    for name in bad {
        for lang in ["zh", "en"] {
            let checked = nianbao(&["validate", text(&path(name)), "--lang", lang]);
            assert_eq!(checked.code, 2, "{name}");
            assert!(checked.err.contains(name), "{name}: {}", checked.err);
            assert_eq!(checked.out, "", "{name}");
        }
        let parsed = nianbao(&["parse", text(&path(name))]);
        assert_eq!(parsed.code, 2, "{name}");
    }
    let files: Vec<PathBuf> = bad.iter().map(|name| path(name)).chain([good.clone()]).collect();
    let args: Vec<&str> = ["validate"].into_iter().chain(files.iter().map(|f| text(f))).collect();
    let all = nianbao(&args);
    assert_eq!(all.code, 2);
    assert_eq!(all.err.lines().filter(|line| line.starts_with("错误：")).count(), bad.len());
    assert_eq!(all.out, format!("✓ {}：没有发现问题\n", text(&good)));
}

#[test]
fn reads_a_document_and_standard_input() {
    let parsed = nianbao(&["parse", PAGE, "--organ", "lc-housing"]);
    assert_eq!(parsed.code, 0);
    let report = parsed.json();
    assert_eq!(report["organ"], "organs/lc-housing");
    assert_eq!(report["requests"]["unable"]["notHeld"]["naturalPerson"], "51");
    assert!(parsed.err.contains("读出 200/200 个单元格"), "{}", parsed.err);
    let whole = nianbao(&["parse", PAGE, "--format", "json"]).json();
    assert!(whole["provenance"].as_array().expect("provenance").len() >= 200);
    for (args, file) in [(["parse", "-"], PAGE), (["validate", "-"], HOUSING)] {
        let mut command = command(&args);
        command.stdin(File::open(file).expect("a file"));
        assert_eq!(run(command).code, 0, "{args:?}");
    }
}

#[test]
fn lists_the_candidates_of_an_ambiguous_address_and_writes_nothing() {
    let (folder, file) = folder();
    let before = read(&file);
    let set = nianbao(&[
        "set",
        text(&file),
        "year=2024",
        "表三·4·自然人=3",
        "x=1",
        "表三·（一）·总计=８",
    ]);
    assert_eq!((set.code, set.out.as_str()), (2, ""));
    for word in [
        "可指 2 个单元格",
        "requests.denied.third_party.natural_person",
        "requests.not_processed.excessive.natural_person",
        "找不到“x”",
        "是否为 8？",
    ] {
        assert!(set.err.contains(word), "{word}\n{}", set.err);
    }
    assert_eq!(read(&file), before);
    assert_eq!(fs::read_dir(folder.path()).expect("a folder").count(), 1, "nothing is left");
}

#[test]
fn sets_values_blanks_texts_and_explanations() {
    let (_folder, file) = folder();
    let args = [
        "set",
        text(&file),
        "表三·（三）·4·自然人=3",
        "requests.denied.third_party.total=—",
        "一、总体情况=全年新收申请65件。",
        "organ=lc-housing",
        "--explain",
        "0123456789abcdef=该件为上年结转",
    ];
    let set = nianbao(&args);
    assert_eq!(set.code, 0, "{}", set.err);
    assert!(set.out.contains("4.保护第三方合法权益·总计：0 → 横线"), "{}", set.out);
    let report: Value = serde_json::from_str(&read(&file)).expect("JSON");
    let row = &report["requests"]["denied"]["thirdParty"];
    assert_eq!((&row["naturalPerson"], &row["total"]), (&Value::from("3"), &Value::Null));
    assert_eq!(report["blanks"][0]["kind"], "KIND_DASH");
    assert_eq!(report["explanations"][0]["text"], "该件为上年结转");
    let back = ["set", text(&file), "表三·（三）·4·总计=3", "--format", "json"];
    let change = nianbao(&back).json();
    assert_eq!(change["changes"][0]["old"], Value::Null);
    assert_eq!(change["changes"][0]["new"], "3");
    let report: Value = serde_json::from_str(&read(&file)).expect("JSON");
    assert_eq!(report["blanks"], Value::Null);
}

#[cfg(unix)]
#[test]
fn keeps_links_and_permissions_of_a_changed_file() {
    use std::os::unix::fs::{PermissionsExt as _, symlink};
    let (folder, file) = folder();
    fs::set_permissions(&file, fs::Permissions::from_mode(0o640)).expect("a mode");
    let link = folder.path().join("link.json");
    symlink(&file, &link).expect("a link");
    assert_eq!(nianbao(&["set", text(&link), "year=2024"]).code, 0);
    assert!(link.symlink_metadata().expect("a link").is_symlink());
    assert!(read(&file).contains("\"year\": 2024"));
    let mode = fs::metadata(&file).expect("a file").permissions().mode();
    assert_eq!(mode & 0o777, 0o640);
}

#[test]
fn carries_last_year_over_column_by_column() {
    let (_folder, last) = folder();
    let set =
        ["set", text(&last), "表三·四、·自然人=2", "表三·四、·商业企业=1", "表三·四、·总计=3"];
    assert_eq!(nianbao(&set).code, 0);
    let new = ["new", "--organ", "lc-housing", "--year", "2024", "--from", text(&last)];
    let made = nianbao(&new);
    assert_eq!(made.code, 0, "{}", made.err);
    let report = made.json();
    let row = &report["requests"]["carriedIn"];
    assert_eq!(
        (&row["naturalPerson"], &row["business"], &row["total"]),
        (&"2".into(), &"1".into(), &"3".into())
    );
    assert_eq!(
        report["requests"]["other"]["feeUnpaid"],
        serde_json::json!({}),
        "all rows are there"
    );
    assert_eq!(
        (&report["edition"], &report["scope"]),
        (&"EDITION_2021".into(), &"SCOPE_OWN".into())
    );
    assert!(made.err.contains("自然人 2，商业企业 1"), "{}", made.err);
    let old = nianbao(&["new", "--organ", "a", "--year", "2020", "--scope", "region"]);
    let report = old.json();
    assert_eq!(report["edition"], "EDITION_2019");
    assert_eq!(report["requests"]["other"], serde_json::json!({"undivided": {}}));
    assert!(old.err.contains("结转数留空"), "{}", old.err);
}

#[test]
fn tells_form_and_rules_offline() {
    let rules = nianbao(&["rules", "--format", "json"]).json();
    assert!(rules["rules"].as_array().expect("rules").len() > 50);
    let form = nianbao(&["format", "--format", "json"]).json();
    assert_eq!(form["cellCount"], 200);
    for args in [&["rules"][..], &["format", "--edition", "2019"], &["format", "--lang", "en"]] {
        let shown = nianbao(args);
        assert_eq!((shown.code, shown.err.as_str()), (0, ""));
        assert!(shown.out.lines().count() > 50);
    }
    assert!(nianbao(&["format"]).out.contains("（三）不予公开  requests.denied"));
}

#[test]
fn speaks_english_by_flag_and_by_variable() {
    let (_folder, file) = broken();
    let flag = nianbao(&["validate", text(&file), "--lang", "en"]);
    let mut by_variable = command(&["validate", text(&file)]);
    by_variable.env("NIANBAO_LANG", "en");
    let variable = run(by_variable);
    assert_eq!(flag.out, variable.out);
    for word in ["2 errors", "expected 64, found 65", "requests.total_processed.natural_person"] {
        assert!(flag.out.contains(word), "{word}\n{}", flag.out);
    }
}

#[test]
fn keeps_quiet_when_the_reader_goes_away() {
    let mut child = command(&["rules", "--format", "json"]);
    let mut child = child.stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().expect("a run");
    drop(child.stdout.take());
    let mut err = String::new();
    child.stderr.take().expect("stderr").read_to_string(&mut err).expect("text");
    assert_eq!((child.wait().expect("an end").code(), err.as_str()), (Some(0), ""));
}

#[test]
fn refuses_arguments_of_another_form() {
    for args in [
        &["new", "--organ", "LC", "--year", "2024"][..],
        &["new", "--organ", "lc", "--year", "24"],
        &["format", "--edition", "2020"],
        &["set", "report.json"],
        &["get", "organs/lc"],
        &["organs", "create", "--id", "a", "--display-name", "A", "--level", "moon"],
        &["frobnicate"],
        &[],
    ] {
        let refused = nianbao(args);
        assert_eq!((refused.code, refused.out.as_str()), (2, ""), "{args:?}");
        assert_ne!(refused.err, "", "{args:?}");
    }
}
