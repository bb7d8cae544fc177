//! `render`: documents from files and from a server.

use std::fs;
use std::path::Path;

use super::server::Server;
use super::{HOUSING, PAGE, folder, nianbao, read, text};

const NAME: &str = "organs/lc-housing/reports/2023-own";

#[test]
fn renders_a_file_without_a_server_and_keeps_what_is_there() {
    let (folder, _) = folder();
    let path = |name: &str| folder.path().join(name);
    for (name, begins) in
        [("a.docx", "PK"), ("a.HTML", "<!DOCTYPE html>"), ("a.txt", "示例市住房和城乡建设局2023年")]
    {
        let file = path(name);
        let run = nianbao(&["render", HOUSING, "--output", text(&file)]);
        assert_eq!((run.code, run.err.as_str()), (0, ""), "{name}");
        assert!(run.out.contains("已生成"), "{}", run.out);
        assert!(fs::read(&file).expect("a file").starts_with(begins.as_bytes()), "{name}");
        // The figures are the same again.
        let same = nianbao(&["diff", HOUSING, text(&file)]);
        assert_eq!(same.out, format!("{HOUSING} → {}\n没有差异\n", text(&file)));
    }
    assert_eq!(fs::read_dir(folder.path()).expect("a folder").count(), 4, "nothing half made");

    // A document is a report too, and standard output a file.
    let page = path("a.HTML");
    let out = nianbao(&["render", text(&path("a.docx")), "--type", "html"]);
    assert_eq!((out.code, out.out, out.err.as_str()), (0, read(&page), ""));
    let kept = nianbao(&["render", PAGE, "--output", text(&page)]);
    assert_eq!(kept.code, 2);
    assert!(kept.err.contains("--force"), "{}", kept.err);
    let forced = ["render", PAGE, "--output", text(&page), "--force", "--format", "json"];
    let told = nianbao(&forced).json();
    assert_eq!(told["header"]["mediaType"], "text/html; charset=utf-8");
    assert_eq!(told["header"]["sizeBytes"], read(&page).len().to_string());
}

#[test]
fn says_what_it_needs() {
    let (folder, _) = folder();
    let odd = folder.path().join("a.pdf");
    for (args, said) in [
        (&["render", HOUSING][..], "--type"),
        (&["render", HOUSING, "--output", text(&odd)], ".docx"),
        (&["render", HOUSING, "--type", "pdf"], "docx, html, text"),
        (&["render", HOUSING, "--type", "html", "--revision", "1"], "--revision"),
        (&["render", "nothing.json", "--type", "html"], "nothing.json"),
        (&["render", &format!("{NAME}/revisions/1"), "--type", "html", "--effective"], "版本号"),
    ] {
        let run = nianbao(args);
        assert_eq!((run.code, run.out.as_str()), (2, ""), "{args:?}");
        assert!(run.err.contains(said), "{}", run.err);
    }
    assert!(!odd.exists());
}

#[test]
fn renders_what_a_server_has() {
    let server = Server::start();
    server.register();
    assert_eq!(server.run(&["submit", HOUSING, "--organ", "lc-housing"]).code, 0);
    let file = server.folder.path().join("2023.html");
    let made = server.run(&["render", NAME, "--output", text(&file), "--lang", "en"]);
    assert_eq!((made.code, made.err.as_str()), (0, ""));
    assert!(made.out.starts_with("rendered into "), "{}", made.out);
    let offline = nianbao(&["render", HOUSING, "--type", "html"]);
    assert_eq!(read(Path::new(&file)), offline.out);

    let missing = server.folder.path().join("2024.docx");
    for args in [
        ["render", "organs/lc-housing/reports/2024-own", "--output", text(&missing)],
        ["render", NAME, "--effective", "--type=docx"],
    ] {
        let run = server.run(&args);
        assert_eq!((run.code, run.out.as_str()), (1, ""), "{}", run.err);
    }
    assert!(!missing.exists());
}
