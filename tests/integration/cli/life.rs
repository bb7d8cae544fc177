//! The life of a report from the command line: from draft to void, and folders that go on where
//! they were interrupted.

use std::fs;
use std::io::{BufRead as _, BufReader};
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use serde_json::Value;

use super::server::Server;
use super::{HOUSING, PAGE, command, folder, nianbao, text};

const NAME: &str = "organs/lc-housing/reports/2023-own";

/// A server with the organs, and the report of the housing bureau submitted by a clerk.
fn submitted() -> Server {
    let server = Server::start();
    server.register();
    done(&server, &["submit", HOUSING, "--organ", "lc-housing", "--principal", "clerk"]);
    server
}

/// Runs what must succeed without a word on stderr.
fn done(server: &Server, args: &[&str]) -> String {
    let run = server.run(args);
    assert_eq!((run.code, run.err.as_str()), (0, ""), "{args:?}\n{}", run.out);
    run.out
}

/// Runs what must be refused, with the reason.
fn refused(server: &Server, args: &[&str], reason: &str) {
    let run = server.run(args);
    assert_eq!(run.code, 1, "{args:?}\n{}{}", run.out, run.err);
    assert!(format!("{}{}", run.out, run.err).contains(reason), "{args:?}\n{}", run.err);
}

fn json(server: &Server, args: &[&str]) -> Value {
    server.run(&[args, &["--format", "json"]].concat()).json()
}

fn contains(text: &str, words: &[&str]) {
    for word in words {
        assert!(text.contains(word), "{word}\n{text}");
    }
}

#[test]
fn leads_a_report_through_its_life() {
    let server = Server::start();
    server.register();
    let (_folder, file) = folder();
    let set = ["set", text(&file), "organ=lc-housing", "表三·（四）·1·自然人=50"];
    assert_eq!(nianbao(&set).code, 0);
    let draft = done(&server, &["draft", text(&file), "--principal", "clerk"]);
    contains(&draft, &["草稿已存 organs/lc-housing/reports/2023-own（错误 2", "  回执 0000"]);
    refused(&server, &["submit", "--draft", NAME], "[REPORT_HAS_ERRORS]");
    assert_eq!(nianbao(&["set", text(&file), "表三·（四）·1·自然人=51"]).code, 0);
    done(&server, &["draft", text(&file), "--principal", "clerk"]);
    let out = done(&server, &["submit", "--draft", NAME, "--principal", "clerk"]);
    contains(&out, &["✓ organs/lc-housing/reports/2023-own：已提交，版本 2，回执 0000"]);
    assert_eq!(out.lines().count(), 1);

    let reasons = [
        "--reason",
        "表三·（三）·4·自然人=与台账不符",
        "--reason",
        "applicants.total=请核对",
        "--reason",
        "=请补充说明",
    ];
    let out = done(&server, &[&["return", NAME, "--principal", "li"][..], &reasons].concat());
    contains(&out, &["已退回，版本 2，回执 "]);
    let shown = done(&server, &["get", NAME]);
    contains(
        &shown,
        &[
            "此为版本 2；最新 2，生效 0，公布 0",
            "退回意见：表三·（三）不予公开·4.保护第三方合法权益·自然人：与台账不符",
            "退回意见：请核对 [applicants.total]",
            "退回意见：请补充说明",
            "截止日期：2024-01-31，逾期",
        ],
    );
    done(&server, &["submit", "--draft", NAME, "--principal", "clerk"]);
    refused(&server, &["accept", NAME, "--principal", "clerk"], "[SUBMITTER_ACCEPTS]");
    refused(&server, &["accept", NAME], "[PRINCIPAL_REQUIRED]");
    contains(&done(&server, &["accept", NAME, "--principal", "li"]), &["已接收，版本 2，回执"]);
    refused(&server, &["accept", NAME, "--principal", "li"], "[REPORT_STATE]");
    contains(&done(&server, &["publish", NAME]), &["已公布"]);
    contains(&done(&server, &["amend", NAME, "--reason", "漏计一件"]), &["更正中"]);
    done(&server, &["draft", PAGE, "--organ", "lc-housing"]);

    let history = done(&server, &["history", NAME]);
    contains(
        &history,
        &["保存草稿", "未存储 → 草稿", "已公布 → 更正中", "漏计一件", "clerk", "退回意见："],
    );
    let events = json(&server, &["history", NAME]);
    let actions: Vec<&str> = events["events"]
        .as_array()
        .expect("events")
        .iter()
        .filter_map(|event| event["change"]["action"].as_str())
        .map(|action| action.trim_start_matches("REPORT_ACTION_"))
        .collect();
    let first = ["SAVE_DRAFT", "SAVE_DRAFT", "SUBMIT", "RETURN", "SUBMIT", "ACCEPT", "PUBLISH"];
    assert_eq!(actions[..7], first);
    contains(&done(&server, &["void", NAME, "--reason", "机关已撤销"]), &["已作废"]);
    refused(&server, &["amend", NAME, "--reason", "x"], "[REPORT_STATE]");
}

#[test]
fn checks_only_repeats_and_minds_etags() {
    let server = submitted();
    let step = ["accept", NAME, "--principal", "li"];
    let out = done(&server, &[&step[..], &["--validate-only"]].concat());
    contains(&out, &["已接收", "仅核对，未入库"]);
    assert_eq!(json(&server, &["get", NAME])["state"], "STATE_SUBMITTED");
    let stale = [&step[..], &["--etag", "0000"]].concat();
    refused(&server, &stale, "[ETAG_MISMATCH]");
    let etag = json(&server, &["get", NAME])["etag"].as_str().expect("an etag").to_owned();
    let once = [&step[..], &["--etag", &etag, "--request-id", "r-1"]].concat();
    let first = done(&server, &once);
    assert_eq!(done(&server, &once), first, "the first answer again, receipt and all");
    let other = ["publish", NAME, "--request-id", "r 1"];
    refused(&server, &other, "[INVALID_REQUEST]");
    let answer = json(&server, &["publish", NAME]);
    assert_eq!(answer["report"]["state"], "STATE_PUBLISHED");
    assert_eq!(answer["receipt"]["entryHash"].as_str().map(str::len), Some(64));
}

#[test]
fn refuses_reasons_about_nothing_before_it_calls() {
    for (reason, word) in [("表九·一=x", "找不到"), ("表三·4·自然人=x", "可指 2 个单元格")]
    {
        // Nobody listens there.
        let args = ["return", NAME, "--reason", reason, "--server", "http://127.0.0.1:1"];
        let run = nianbao(&args);
        assert_eq!((run.code, run.out.as_str()), (2, ""));
        assert!(run.err.contains(word), "{}", run.err);
    }
    for args in [
        &["return", NAME][..],
        &["amend", NAME],
        &["accept", "organs/lc"],
        &["submit"],
        &["submit", HOUSING, "--draft", NAME],
        &["get", NAME, "--revision", "0"],
        &["get", NAME, "--revision", "1", "--effective"],
        &["get", NAME, "--as-of", "yesterday"],
        &["history", "organs/lc/reports/2023-own/revisions/1"],
        &["deadlines", "set", "--year", "2023", "--scope", "own"],
        &["deadlines", "set", "--year", "2023", "--scope", "own", "--due", "2024-13-01"],
    ] {
        let run = nianbao(args);
        assert_eq!((run.code, run.out.as_str()), (2, ""), "{args:?}");
    }
}

#[test]
fn reads_a_report_as_it_stood() {
    let server = submitted();
    let first = json(&server, &["history", NAME])["events"][0]["receipt"].clone();
    let position = first["position"].as_str().expect("a position").to_owned();
    done(&server, &["accept", NAME, "--principal", "li"]);
    done(&server, &["publish", NAME]);
    done(&server, &["amend", NAME, "--reason", "漏计"]);
    let (_folder, file) = folder();
    let set = ["set", text(&file), "organ=lc-housing", "一、总体情况=全年新收申请65件。"];
    assert_eq!(nianbao(&set).code, 0);
    done(&server, &["submit", text(&file), "--principal", "clerk"]);

    let get = |more: &[&str]| json(&server, &[&["get", NAME], more].concat());
    assert_eq!(get(&[])["revision"], 2);
    assert_eq!(get(&["--effective"])["revision"], 1);
    assert_eq!(get(&["--revision", "1"])["revision"], 1);
    let stood = get(&["--as-of", &position, "--at-least", &position]);
    assert_eq!((&stood["revision"], &stood["state"]), (&1.into(), &"STATE_SUBMITTED".into()));
    assert_eq!(get(&["--as-of", "2099-12-31"])["revision"], 2);
    refused(&server, &["get", NAME, "--as-of", "2023-12-31"], "[REPORT_NOT_FOUND]");
    refused(&server, &["get", NAME, "--revision", "7"], "[REVISION_NOT_FOUND]");
    let beyond = server.run(&["get", NAME, "--at-least", "00000000000fffff"]);
    assert_eq!(beyond.code, 2, "{}", beyond.err);
    assert!(beyond.err.contains("[POSITION_NOT_REACHED]"), "{}", beyond.err);

    let revisions = done(&server, &["revisions", NAME]);
    contains(&revisions, &[NAME, "clerk", &position]);
    let revisions = json(&server, &["revisions", NAME]);
    assert_eq!(revisions["revisions"].as_array().map(Vec::len), Some(2));
}

#[test]
fn shows_how_two_reports_differ() {
    let (_folder, file) = folder();
    let set = [
        "set",
        text(&file),
        "表三·（三）·4·自然人=3",
        "表三·（三）·4·商业企业=/",
        "六、=无其他需要报告的事项，另行说明。",
    ];
    assert_eq!(nianbao(&set).code, 0);
    let shown = nianbao(&["diff", HOUSING, text(&file)]);
    assert_eq!((shown.code, shown.err.as_str()), (0, ""));
    contains(
        &shown.out,
        &["4.保护第三方合法权益·自然人", "+3", "斜线", "[-", "{+", "其他需要报告的事项"],
    );
    let none = nianbao(&["diff", HOUSING, HOUSING, "--lang", "en"]);
    assert!(none.code == 0 && none.out.contains("no difference"), "{}", none.out);
    let diff = nianbao(&["diff", HOUSING, text(&file), "--format", "json"]).json();
    let cell = &diff["cells"][0];
    assert_eq!(
        (&cell["left"], &cell["right"], &cell["delta"]),
        (&"0".into(), &"3".into(), &"3".into())
    );
    assert_eq!(nianbao(&["diff", HOUSING, "missing.json"]).code, 2);

    let server = submitted();
    let shown = done(&server, &["diff", NAME, text(&file)]);
    contains(&shown, &["+3", NAME]);
    let revision = format!("{NAME}/revisions/1");
    contains(&done(&server, &["diff", NAME, &revision]), &["没有差异"]);
    refused(&server, &["diff", NAME, "organs/lc/reports/2023-own"], "[REPORT_NOT_FOUND]");
}

/// A folder of reports: one each year, for one organ.
fn folder_of(years: std::ops::Range<i32>) -> tempfile::TempDir {
    let folder = tempfile::tempdir().expect("a folder");
    for year in years {
        let file = folder.path().join(format!("{year}.json"));
        fs::copy(HOUSING, &file).expect("a copy");
        let (of_year, figure) = (format!("year={year}"), format!("表二·行政许可={year}"));
        let set = ["set", text(&file), &of_year, &figure, "organ=lc-housing"];
        assert_eq!(nianbao(&set).code, 0);
    }
    folder
}

fn entries(server: &Server) -> u64 {
    let position = json(server, &["info"])["position"].as_str().expect("a position").to_owned();
    u64::from_str_radix(&position, 16).expect("a number")
}

#[test]
fn submits_a_folder_and_goes_on_where_it_was_interrupted() {
    let server = Server::start();
    server.register();
    let folder = folder_of(2021..2027);
    let path = |name: &str| folder.path().join(name);
    // The first run is over after half of the files, as if it was killed there.
    let half: Vec<PathBuf> = (2021..2024).map(|year| path(&format!("{year}.json"))).collect();
    let half: Vec<&str> = half.iter().map(|path| text(path)).collect();
    let out = done(&server, &[&["submit"], &half[..]].concat());
    contains(&out, &["共 3 份：接收 3，拒收 0，未能处理 0"]);
    let before = entries(&server);

    fs::write(path(".hidden.json"), "{").expect("a file");
    fs::write(path("~$open.docx"), "").expect("a file");
    fs::write(path("note.md"), "").expect("a file");
    let all = done(&server, &["submit", text(folder.path())]);
    contains(&all, &["2021.json：此前已提交，现为已提交", "2026.json：已提交 organs/"]);
    contains(&all, &["共 6 份：接收 3，此前已接收 3，拒收 0"]);
    let order: Vec<usize> =
        (2021..2027).map(|year| all.find(&format!("{year}.json")).expect("a line")).collect();
    assert!(order.is_sorted(), "{all}");
    assert_eq!(entries(&server), before + 3, "nothing was written twice");

    let again = json(&server, &["submit", text(folder.path())]);
    let files = again["files"].as_array().expect("files");
    assert!(files.len() == 6 && files.iter().all(|file| file["takenBefore"] == true));
    assert!(files.iter().all(|file| file["answer"]["receipt"]["entryHash"].is_string()));
    assert_eq!(entries(&server), before + 3);
    // Another principal has not sent it before.
    let other = ["submit", text(folder.path()), "--principal", "other"];
    refused(&server, &other, "[REPORT_STATE]");
}

#[test]
fn submits_anew_what_was_sent_back_unchanged() {
    let server = Server::start();
    server.register();
    let args = ["submit", HOUSING, "--organ", "lc-housing", "--principal", "clerk"];
    done(&server, &args);
    done(&server, &["return", NAME, "--reason", "=请核对"]);
    contains(&done(&server, &args), &["：已提交 organs/"]);
    assert_eq!(json(&server, &["get", NAME])["state"], "STATE_SUBMITTED");
    let written = entries(&server);
    contains(&done(&server, &args), &["此前已提交，现为已提交"]);
    done(&server, &["accept", NAME, "--principal", "li"]);
    contains(&done(&server, &args), &["此前已提交，现为已接收"]);
    assert_eq!(entries(&server), written + 1);
}

#[test]
fn tells_each_file_of_a_folder_and_all_that_is_wrong() {
    let server = Server::start();
    server.register();
    let folder = folder_of(2021..2024);
    let path = |name: &str| folder.path().join(name);
    let cells = ["表三·一、·自然人=66", "表三·（四）·1·自然人=50", "表三·（三）·4·自然人=9"];
    let broken = path("2022.json");
    assert_eq!(nianbao(&[&["set", text(&broken)], &cells[..]].concat()).code, 0);
    fs::write(path("2022b.docx"), "PK\u{3}\u{4}, and no more").expect("a file");
    let run = server.run(&["submit", text(folder.path())]);
    assert_eq!(run.code, 2);
    contains(&run.out, &["✗", "2022.json：拒收：", "[REPORT_HAS_ERRORS]", "应为"]);
    contains(&run.out, &["共 4 份：接收 2，拒收 1，未能处理 1"]);
    assert!(run.err.contains("2022b.docx"), "{}", run.err);
    let answer = json(&server, &["submit", text(&broken), text(&path("2023.json"))]);
    let refused = &answer["files"][0];
    let wrong = refused["answer"]["findings"].as_array().map_or(0, Vec::len);
    assert!(wrong > 2, "all findings: {wrong}");
    assert_eq!(refused["answer"]["refusal"]["reason"], "REPORT_HAS_ERRORS");
    assert_eq!(answer["files"][1]["takenBefore"], true);

    let empty = tempfile::tempdir().expect("a folder");
    let run = server.run(&["submit", text(empty.path())]);
    assert!(run.code == 2 && run.err.contains("文件夹中没有报告"), "{}", run.err);
    let two = ["submit", text(&broken), text(&broken), "--etag", "x"];
    assert_eq!(server.run(&two).code, 2);
}

/// A proxy that lets so many bytes through to the server and then hangs up.
fn hang_up_after(server: &Server, bytes: usize) -> String {
    use std::io::{Read as _, Write as _};
    use std::net::{Shutdown, TcpListener, TcpStream};
    let listener = TcpListener::bind("127.0.0.1:0").expect("a port");
    let url = format!("http://{}", listener.local_addr().expect("an address"));
    let to = server.url.trim_start_matches("http://").to_owned();
    std::thread::spawn(move || {
        let (mut client, _) = listener.accept().expect("a client");
        let mut upstream = TcpStream::connect(to).expect("the server");
        let (mut back, mut out) =
            (upstream.try_clone().expect("a clone"), client.try_clone().expect("a clone"));
        std::thread::spawn(move || {
            // It ends when either side is gone.
            let _ = std::io::copy(&mut back, &mut out);
        });
        let mut left = bytes;
        let mut buffer = [0; 512];
        while left > 0 {
            let read = client.read(&mut buffer).expect("bytes");
            if read == 0 || upstream.write_all(&buffer[..read]).is_err() {
                break;
            }
            left = left.saturating_sub(read);
        }
        // What the server has taken comes back before the line is cut.
        std::thread::sleep(std::time::Duration::from_millis(300));
        let _ = client.shutdown(Shutdown::Both);
        let _ = upstream.shutdown(Shutdown::Both);
    });
    url
}

#[test]
fn says_how_to_go_on_when_the_connection_breaks() {
    let server = Server::start();
    server.register();
    let folder = folder_of(2021..2061);
    // More than one frame of HTTP/2, less than all.
    let url = hang_up_after(&server, 24_000);
    let args = ["submit", text(folder.path()), "--server", &url];
    let cut = nianbao(&args);
    assert_eq!(cut.code, 2, "{}", cut.out);
    contains(&cut.err, &["份后中断。再次运行同一命令即可继续"]);
    assert!(cut.out.contains("2021.json：已提交"), "the lines so far stand: {}", cut.out);
    assert!(!cut.out.contains("2060.json"), "{}", cut.out);
    let rest = done(&server, &["submit", text(folder.path())]);
    contains(&rest, &["共 40 份：接收", "此前已接收", "拒收 0，未能处理 0"]);
    assert_eq!(entries(&server), 3 + 40, "three organs, and each report once");
}

#[test]
fn goes_on_after_it_was_killed_amid_a_folder() {
    let server = Server::start();
    server.register();
    let folder = folder_of(2021..2061);
    let args = ["submit", text(folder.path()), "--server", &server.url];
    for lines in [1, 7] {
        let mut client = command(&args).stdout(Stdio::piped()).spawn().expect("the program starts");
        let mut out = BufReader::new(client.stdout.take().expect("a pipe")).lines();
        for _ in 0..lines {
            out.next().expect("a line").expect("text");
        }
        client.kill().expect("it was started here");
        client.wait().expect("it ends");
    }
    let rest = json(&server, &["submit", text(folder.path())]);
    assert_eq!(rest["files"].as_array().map(Vec::len), Some(40));
    assert_eq!(rest["files"][0]["takenBefore"], true);
    let listed = json(&server, &["list", "--organ", "lc-housing"]);
    assert_eq!(listed["reports"].as_array().map(Vec::len), Some(40));
    assert_eq!(entries(&server), 3 + 40, "three organs, and each report once");
}

#[test]
fn watches_and_ends_with_the_signal() {
    let server = submitted();
    let mut watch = command(&["watch", "--all", "--format", "json"]);
    watch.env("NIANBAO_SERVER", &server.url).stdout(Stdio::piped()).stderr(Stdio::piped());
    let mut child = watch.spawn().expect("a run");
    let lines = BufReader::new(child.stdout.take().expect("stdout")).lines();
    let messages = lines.map(|line| serde_json::from_str(&line.expect("a line")).expect("JSON"));
    // The first tells from where it goes on; then three organs and a report.
    let messages: Vec<Value> = messages.take(5).collect();
    assert_eq!(messages[0]["change"], Value::Null);
    assert_eq!(messages[1]["change"]["organ"]["name"], "organs/lc");
    assert_eq!(messages[4]["change"]["report"]["head"]["name"], NAME);
    assert_eq!(messages[4]["principal"], "clerk");
    let sent = Command::new("kill").args(["-INT", &child.id().to_string()]).status();
    assert!(sent.expect("a signal").success());
    let ended = child.wait_with_output().expect("an end");
    assert_eq!(ended.status.code(), Some(0));
    let err = String::from_utf8(ended.stderr).expect("UTF-8");
    contains(&err, &["nianbao watch --after 0000000000000004"]);
}

#[test]
fn watches_one_organ_in_lines_until_the_server_stops() {
    let server = submitted();
    let mut watch = command(&["watch", "--after", "0000000000000000", "--organ", "lc-housing"]);
    watch.env("NIANBAO_SERVER", &server.url).stdout(Stdio::piped()).stderr(Stdio::piped());
    let mut child = watch.spawn().expect("a run");
    let mut lines = BufReader::new(child.stdout.take().expect("stdout")).lines();
    let organ = lines.next().expect("a line").expect("text");
    assert!(organ.starts_with("0000000000000002 ") && organ.contains("机关 organs/lc-housing"));
    let report = lines.next().expect("a line").expect("text");
    contains(&report, &["clerk 提交", NAME, "未存储 → 已提交 版本 1"]);
    server.kill();
    let ended = child.wait_with_output().expect("an end");
    assert_eq!(ended.status.code(), Some(2));
    contains(&String::from_utf8(ended.stderr).expect("UTF-8"), &["接着看：", "错误："]);
}

#[test]
fn sets_lists_and_takes_back_deadlines() {
    let server = Server::start();
    server.register();
    let set = ["deadlines", "set", "--year", "2023", "--scope", "own"];
    let out = done(&server, &[&set[..], &["--due", "2099-02-15"]].concat());
    contains(&out, &["✓ 2023", "各级 2099-02-15，回执 "]);
    let county = ["--level", "county", "--due", "2024-01-15", "--validate-only"];
    contains(&done(&server, &[&set[..], &county].concat()), &["未入库"]);
    let listed = json(&server, &["deadlines", "list", "--year", "2023"]);
    assert_eq!(listed["deadlines"].as_array().map(Vec::len), Some(1));
    done(&server, &["submit", HOUSING, "--organ", "lc-housing"]);
    let shown = done(&server, &["get", NAME]);
    assert!(shown.contains("截止日期：2099-02-15\n"), "{shown}");
    contains(&done(&server, &[&set[..], &["--clear"]].concat()), &["已取消"]);
    let listed = json(&server, &["deadlines", "list"]);
    assert_eq!(listed["deadlines"], Value::Null);
    contains(&done(&server, &["deadlines", "list"]), &["条例第四十九条"]);
}

#[test]
fn tells_what_a_server_is() {
    let server = submitted();
    let info = done(&server, &["info"]);
    contains(&info, &["写入：可写", "末条：回执 0000000000000004 ", "日志：", "启动时：重放"]);
    let info = json(&server, &["info"]);
    assert_eq!((&info["writable"], &info["position"]), (&true.into(), &"0000000000000004".into()));
    assert!(Path::new(&server.data()).join("journal").is_dir());
}
