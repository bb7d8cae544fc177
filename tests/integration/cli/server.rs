//! The commands that talk to a server, and the server itself.

use std::io::{BufRead as _, BufReader};
use std::path::PathBuf;
use std::process::{Child, Command, Stdio};

use serde_json::Value;
use tempfile::TempDir;

use super::{HOUSING, NOT_HELD, PAGE, Run, broken, command, nianbao, run, text};

#[test]
fn says_when_no_server_answers() {
    // A port that was free a moment ago and that nobody listens on.
    let port = std::net::TcpListener::bind("127.0.0.1:0").expect("a port").local_addr();
    let url = format!("http://{}", port.expect("an address"));
    for args in [&["list"][..], &["submit", HOUSING], &["get", "organs/a/reports/2023-own"]] {
        let args: Vec<&str> = args.iter().copied().chain(["--server", &url]).collect();
        let run = nianbao(&args);
        assert_eq!((run.code, run.out.as_str()), (2, ""));
        assert!(run.err.contains(&url), "{}", run.err);
    }
}

/// A server of our own, ended with the test.
pub(super) struct Server {
    pub(super) child: Child,
    pub(super) url: String,
    pub(super) folder: TempDir,
}

impl Server {
    pub(super) fn start() -> Self {
        Self::in_folder(tempfile::tempdir().expect("a folder"))
    }

    /// Over the folder `data` in a folder.
    pub(super) fn in_folder(folder: TempDir) -> Self {
        let data = folder.path().join("data");
        let mut command = command(&["serve", "--listen", "127.0.0.1:0", "--data", text(&data)]);
        let child = command.stdout(Stdio::piped()).stderr(Stdio::null()).spawn();
        let mut child = child.expect("a server");
        let mut line = String::new();
        let stdout = child.stdout.take().expect("stdout");
        BufReader::new(stdout).read_line(&mut line).expect("a line");
        let address = line.strip_prefix("listening on ").expect("the line").trim();
        Server { child, url: format!("http://{address}"), folder }
    }

    pub(super) fn run(&self, args: &[&str]) -> Run {
        let mut command = command(args);
        command.env("NIANBAO_SERVER", &self.url);
        run(command)
    }

    /// Its data.
    pub(super) fn data(&self) -> PathBuf {
        self.folder.path().join("data")
    }

    /// Kills it, and gives the folder back.
    pub(super) fn kill(mut self) -> TempDir {
        let _ = self.child.kill();
        let _ = self.child.wait();
        std::mem::replace(&mut self.folder, tempfile::tempdir().expect("a folder"))
    }

    pub(super) fn register(&self) {
        let common = ["--level", "prefecture", "--kind", "government-office"];
        let city = ["organs", "create", "--id", "lc", "--display-name", "某市人民政府办公室"];
        let run = self.run(&[&city[..], &common].concat());
        assert_eq!(run.code, 0, "{}", run.err);
        for id in ["lc-housing", "lc-health"] {
            let args = ["organs", "create", "--id", id, "--display-name", "某市某局"];
            let parent = ["--parent", "lc", "--from-year", "2019", "--kind", "department"];
            assert_eq!(self.run(&[&args[..], &parent].concat()).code, 0);
        }
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        // It may have ended already.
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

#[test]
fn submits_reads_back_lists_and_sums() {
    let server = Server::start();
    server.register();
    let taken = server.run(&["submit", PAGE, "--organ", "lc-housing", "--principal", "clerk"]);
    assert_eq!((taken.code, taken.err.as_str()), (0, ""));
    assert!(taken.out.contains("已提交 organs/lc-housing/reports/2023-own"), "{}", taken.out);
    let again = server.run(&["submit", HOUSING, "--organ", "lc-housing"]);
    assert_eq!(again.code, 1);
    assert!(again.out.contains("[REPORT_STATE]"), "{}", again.out);

    let name = "organs/lc-housing/reports/2023-own";
    let report = server.run(&["get", name, "--format", "json"]).json();
    assert_eq!(
        (&report["submitter"], &report["state"]),
        (&"clerk".into(), &"STATE_SUBMITTED".into())
    );
    let shown = server.run(&["get", name]);
    for word in ["已提交", "1.本机关不掌握相关政府信息", "1317.89", "结果维持"] {
        assert!(shown.out.contains(word), "{word}\n{}", shown.out);
    }
    let listed = server.run(&["list", "--filter", "year = 2023"]);
    assert!(listed.out.contains(name), "{}", listed.out);
    let listed = server.run(&["list", "--organ", "lc", "--format", "json"]).json();
    assert_eq!(listed["reports"], Value::Null);
    assert_eq!(server.run(&["list", "--filter", "moon = 1"]).code, 1);
    assert_eq!(server.run(&["get", "organs/lc/reports/2023-own"]).code, 1);

    let sum = ["aggregate", "lc", "--year", "2023,2022", "--include-unaccepted"];
    let shown = server.run(&sum);
    assert_eq!(shown.code, 0, "{}", shown.err);
    for word in ["应报 3，已汇总 1，缺报 2", "某市某局（organs/lc-health）", "1317.89"]
    {
        assert!(shown.out.contains(word), "{word}\n{}", shown.out);
    }
    let sums = server.run(&[&sum[..], &["--format", "json", "--members"]].concat()).json();
    let first = &sums["aggregates"][0];
    assert_eq!(first["requests"]["newlyReceived"]["total"], "65");
    assert_eq!(first["coverage"]["missingOrgans"].as_array().map(Vec::len), Some(2));

    sums_in_detail(&server, &sum[1..]);

    let next = server.run(&["new", "--organ", "lc-housing", "--year", "2024"]);
    assert!(next.err.contains("上年结转自 2023 年度报告"), "{}", next.err);
    assert_eq!(next.json()["title"], "某市某局2024年政府信息公开工作年度报告");
    let none = server.run(&["new", "--organ", "lc-health", "--year", "2024"]);
    assert!(none.code == 0 && none.err.contains("没有 2023 年度的报告"), "{}", none.err);
    let organs =
        server.run(&["organs", "list", "--filter", "parent = organs/lc", "--format", "json"]);
    assert_eq!(organs.json()["organs"].as_array().map(Vec::len), Some(2));
    assert!(server.run(&["organs", "get", "lc"]).out.contains("某市人民政府办公室"));
}

/// Bases, groups, coverage and contributions, as a person and a program see them.
fn sums_in_detail(server: &Server, sum: &[&str]) {
    let (organ, unaccepted) = (sum[0], sum[3]);
    let run = |args: &[&str]| server.run(&[args, &["--year", "2023", unaccepted]].concat());
    let shown = run(&["aggregate", organ, "--basis", "declared", "--group-by", "kind"]);
    for word in ["（按政府汇总报告）", "公开率（予以公开与部分公开占办理结果）", "组别"]
    {
        assert!(shown.out.contains(word), "{word}\n{}", shown.out);
    }
    let json = run(&["aggregate", organ, "--group-by", "child", "--format", "json"]).json();
    assert_eq!(json["aggregates"][0]["groups"].as_array().map(Vec::len), Some(3));
    assert_eq!(json["aggregates"][0]["indicators"][0]["id"], "disclosure_rate");
    let nobody = run(&["aggregate", organ, "--filter", "sector = none"]);
    assert!(nobody.out.contains("应报 0"), "{}", nobody.out);
    let before = run(&["aggregate", organ, "--as-of", "0000000000000001"]);
    assert!(before.out.contains("已汇总 0"), "{}", before.out);
    assert_eq!(run(&["aggregate", organ, "--basis", "both"]).code, 2);

    let shown = run(&["coverage", organ]);
    for word in ["应报 3，已汇总 1，缺报 2", "本机关报告", "2024-01-31（逾期）", "未存储 2"]
    {
        assert!(shown.out.contains(word), "{word}\n{}", shown.out);
    }
    let missing = run(&["coverage", organ, "--only", "missing", "--format", "json"]).json();
    assert_eq!(missing["organs"].as_array().map(Vec::len), Some(2));
    let english = run(&["coverage", organ, "--lang", "en"]);
    assert!(english.out.contains("3 expected, 1 included, 2 missing"), "{}", english.out);

    let shown = run(&["contributions", organ, "表二·行政事业性收费"]);
    for word in ["organs/lc-housing/reports/2023-own/revisions/1", "合计 1317.89，填报机关 1"]
    {
        assert!(shown.out.contains(word), "{word}\n{}", shown.out);
    }
    let unknown = run(&["contributions", organ, "梦想"]);
    assert!(unknown.code == 1 && unknown.err.contains("[CELL_UNKNOWN]"), "{}", unknown.err);
}

#[test]
fn shows_why_a_report_is_refused() {
    let server = Server::start();
    server.register();
    let (_folder, file) = broken();
    let args = ["submit", text(&file), "--organ", "lc-housing"];
    let refused = server.run(&args);
    assert_eq!((refused.code, refused.err.as_str()), (1, ""));
    for word in
        ["拒收", "[REPORT_HAS_ERRORS]", &*format!("{NOT_HELD}·总计："), "[applicants.total]"]
    {
        assert!(refused.out.contains(word), "{word}\n{}", refused.out);
    }
    let english = server.run(&[&args[..], &["--lang", "en"]].concat());
    assert!(english.out.contains("the report has 2 errors"), "{}", english.out);
    let json = server.run(&[&args[..], &["--format", "json"]].concat());
    assert_eq!((json.code, &json.json()["files"][0]["reason"]), (1, &"REPORT_HAS_ERRORS".into()));
    let checked = server.run(&["submit", HOUSING, "--organ", "lc-housing", "--validate-only"]);
    assert!(checked.code == 0 && checked.out.contains("可以接收"), "{}", checked.out);
    let unknown = server.run(&["submit", HOUSING, "--organ", "nobody"]);
    assert!(unknown.code == 1 && unknown.out.contains("organs/nobody"), "{}", unknown.out);
    let mixed = ["submit", text(&file), "missing.json", "--organ", "lc-housing"];
    let mixed = server.run(&mixed);
    assert_eq!(mixed.code, 2);
    assert!(mixed.out.contains("共 2 份：接收 0，拒收 1，未能处理 1"), "{}", mixed.out);
    let kept = server.run(&[&args[..], &["--as-published", "已公布，无法更正"]].concat());
    assert_eq!(kept.code, 0, "{}", kept.out);
    let report = server.run(&["get", "organs/lc-housing/reports/2023-own", "--format", "json"]);
    assert_eq!(report.json()["asPublishedReason"], "已公布，无法更正");
}

#[test]
fn refuses_to_serve_on_what_is_taken() {
    let server = Server::start();
    let address = server.url.trim_start_matches("http://");
    let other = server.folder.path().join("other");
    let port = nianbao(&["serve", "--listen", address, "--data", text(&other)]);
    assert_eq!((port.code, port.out.as_str()), (2, ""));
    assert!(port.err.contains("端口已被占用"), "{}", port.err);
    let data = server.folder.path().join("data");
    let store = nianbao(&["serve", "--listen", "127.0.0.1:0", "--data", text(&data)]);
    assert_eq!((store.code, store.out.as_str()), (2, ""));
    assert!(store.err.contains("正被另一进程使用"), "{}", store.err);
}

#[cfg(unix)]
#[test]
fn stops_in_order_on_a_signal() {
    for signal in ["-TERM", "-INT"] {
        let mut server = Server::start();
        let id = server.child.id().to_string();
        let sent = Command::new("kill").args([signal, &id]).status().expect("a signal");
        assert!(sent.success());
        let ended = server.child.wait().expect("an end");
        assert_eq!(ended.code(), Some(0), "{signal}");
    }
}
