//! Lists of organs: what is read, what stands against it, and what hostile files get.

use std::fmt::Write as _;

use encoding_rs::GB18030;
use nianbao::pb::import_organs_request::Content;
use nianbao::pb::{self, ImportOrgansHeader, OrganImport, organ};
use rust_xlsxwriter::Workbook;
use tonic::{Code, Status};

use super::{Stage, refused, stage, stretch};
use crate::support::Details;

/// Cells of three organs, the parent of both others in the middle.
const LIST: &str = concat!(
    "机关编号,机关名称,上级机关,起始年,截止年,层级,机关类型,条线,",
    "区划代码,统一社会信用代码,曾用名\n",
    "lc-housing,聊城市住房和城乡建设局,lc,2019,,市级,政府部门,housing,",
    "371500,,聊城市建设委员会(2008)；聊城市建设局（2018）\n",
    "lc,聊城市人民政府办公室,,,,prefecture,KIND_GOVERNMENT_OFFICE,,371500,,\n",
    "gxq,\"聊城高新区, 管委会\",聊城市人民政府办公室,2019年,2030,县级,zone-committee,,",
    "371591,11370812004339255B,\n",
);

async fn send(
    stage: &Stage,
    header: ImportOrgansHeader,
    bytes: &[u8],
) -> Result<pb::ImportOrgansResponse, Status> {
    let message = |content| pb::ImportOrgansRequest { content: Some(content) };
    let chunks = bytes.chunks(1 << 20).map(|chunk| message(Content::Chunk(chunk.to_vec())));
    let stream: Vec<_> = std::iter::once(message(Content::Header(header))).chain(chunks).collect();
    let answer = stage.organs().import_organs(tokio_stream::iter(stream)).await?;
    Ok(answer.into_inner())
}

async fn import(stage: &Stage, bytes: &[u8]) -> Result<OrganImport, Status> {
    let answer = send(stage, ImportOrgansHeader::default(), bytes).await?;
    Ok(answer.result.expect("a result"))
}

fn dry() -> ImportOrgansHeader {
    ImportOrgansHeader { validate_only: true, ..Default::default() }
}

/// Created, updated, unchanged, conflicts.
fn counts(import: &OrganImport) -> [i32; 4] {
    [import.created, import.updated, import.unchanged, import.conflict_count]
}

/// Row, column and value of each conflict.
fn places(import: &OrganImport) -> Vec<(i32, &str, &str)> {
    import.conflicts.iter().map(|c| (c.row, c.column.as_str(), c.value.as_str())).collect()
}

#[tokio::test(flavor = "multi_thread")]
async fn takes_a_list_in_any_charset_and_order() {
    let marked = format!("\u{feff}{LIST}");
    let (gb, ..) = GB18030.encode(LIST);
    let mut lists = vec![LIST.as_bytes().to_vec(), marked.into_bytes(), gb.into_owned()];
    lists.push(LIST.replace('\n', "\r\n").into_bytes());
    for bytes in lists {
        let stage = stage().await;
        let found = send(&stage, dry(), &bytes).await.expect("checked");
        assert_eq!(found.receipt, None);
        let found = found.result.expect("a result");
        assert_eq!((counts(&found), found.rows, found.stored), ([3, 0, 0, 0], 3, false));
        assert_eq!(stage.all().await.len(), 5, "nothing is stored");
        let found = send(&stage, ImportOrgansHeader::default(), &bytes).await.expect("taken");
        assert!(found.receipt.is_some());
        assert!(found.result.expect("a result").stored);
        let housing = stage.get("lc-housing").await;
        assert_eq!(housing.display_name, "聊城市住房和城乡建设局");
        assert_eq!(housing.affiliations, [stretch("lc", 2019, None)]);
        assert_eq!(housing.kind(), organ::Kind::Department);
        let former: Vec<i32> = housing.former_names.iter().map(|f| f.until_year).collect();
        assert_eq!(former, [2008, 2018]);
        let zone = stage.get("gxq").await;
        assert_eq!(zone.display_name, "聊城高新区, 管委会");
        assert_eq!(zone.affiliations, [stretch("lc", 2019, Some(2030))]);
        assert_eq!(zone.division_code, "371591", "a zone stands in no list of divisions");
        let office = stage.get("lc").await;
        assert_eq!(office.level(), organ::Level::Prefecture);
        assert!(office.etag != zone.etag && zone.etag != housing.etag);
        assert_eq!(counts(&import(&stage, &bytes).await.expect("again")), [0, 0, 3, 0]);
        stage.server.stop().await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn takes_a_workbook_and_the_sheet_that_is_named() {
    let mut book = Workbook::new();
    book.add_worksheet().set_name("说明").expect("a name").write(0, 0, "见下表").expect("text");
    let sheet = book.add_worksheet().set_name("机关").expect("a name");
    for (column, heading) in ["organ_id", "display_name", "parent", "from_year"].iter().enumerate()
    {
        sheet.write(0, column as u16, *heading).expect("a heading");
    }
    sheet.write(2, 0, "bureau").expect("text");
    sheet.write(2, 1, "局").expect("text");
    sheet.write(2, 2, "city").expect("text");
    sheet.write(2, 3, 2019).expect("a number");
    let bytes = book.save_to_buffer().expect("a workbook");
    let stage = stage().await;
    let header = |sheet: &str| ImportOrgansHeader { sheet: sheet.to_owned(), ..Default::default() };
    let answer = send(&stage, header(""), &bytes).await;
    assert_eq!(refused(answer, Code::InvalidArgument), "IMPORT_UNREADABLE", "no heading");
    let answer = send(&stage, header("没有"), &bytes).await;
    assert_eq!(refused(answer, Code::InvalidArgument), "IMPORT_UNREADABLE", "no such sheet");
    let found = send(&stage, header("机关"), &bytes).await.expect("taken").result.expect("it");
    assert_eq!(counts(&found), [1, 0, 0, 0]);
    assert_eq!(stage.get("bureau").await.affiliations, [stretch("city", 2019, None)]);
    // What is cut or changed anywhere is refused or read, and never our own fault.
    for cut in (0..bytes.len()).step_by(211) {
        let answer = send(&stage, dry(), &bytes[..cut]).await;
        assert_eq!(refused(answer, Code::InvalidArgument), "IMPORT_UNREADABLE", "{cut}");
    }
    for at in (0..bytes.len()).step_by(37) {
        let mut bytes = bytes.clone();
        bytes[at] ^= 0x55;
        let header = ImportOrgansHeader { sheet: "机关".to_owned(), ..dry() };
        if let Err(status) = send(&stage, header, &bytes).await {
            assert_eq!(status.code(), Code::InvalidArgument, "byte {at}: {status:?}");
        }
    }
    stage.server.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn names_every_conflict_and_stores_nothing_unless_told_to() {
    // Empty lines count: a conflict names the row that a person sees.
    let list = "\
organ_id,display_name,parent,from_year,level,区划代码,credit_code,former_names,备注
Bad,甲,,,,,,,
good,乙,city,2019,,,,,
good,丙,,,,,,,
b,,,,,,,,
c,丙,nowhere,2019,,,,,
d,丁,city,,,,,,
e,戊,city,20,村级,,,旧名,
f,己,f,2019,,,,,
g,庚,c,2019,,,,,
h,辛,,,,370001,12620600MB0523338D,,
office,办,city,2019,,,,,
";
    let stage = stage().await;
    let spaced = list.replace("\nc,", "\n\nc,").replace('\n', "\r\n");
    let found = import(&stage, spaced.as_bytes()).await.expect("answered");
    assert!(places(&found).contains(&(7, "parent", "nowhere")), "{found:?}");
    let found = import(&stage, list.as_bytes()).await.expect("answered");
    assert!(!found.stored);
    let expected = [
        (1, "备注", ""),
        (2, "organ_id", "Bad"),
        (4, "organ_id", "good"),
        (5, "display_name", ""),
        (6, "parent", "nowhere"),
        (7, "from_year", ""),
        (8, "level", "村级"),
        (8, "former_names", "旧名"),
        (8, "from_year", "20"),
        (9, "parent", "f"),
        (10, "parent", "c"),
        (11, "区划代码", "370001"),
        (12, "display_name", "办"),
    ];
    let found_places = places(&found);
    for place in &expected {
        assert!(found_places.contains(place), "{place:?} in {found_places:?}");
    }
    assert_eq!(counts(&found), [1, 0, 0, 13], "{found_places:?}");
    for conflict in &found.conflicts {
        assert!(!conflict.message_zh.is_empty() && !conflict.message_en.is_empty());
        assert!(conflict.message_en.is_ascii(), "{}", conflict.message_en);
    }
    assert_eq!(stage.all().await.len(), 5);
    let header = ImportOrgansHeader { skip_conflicts: true, ..Default::default() };
    let found = send(&stage, header, list.as_bytes()).await.expect("taken").result.expect("it");
    assert!(found.stored);
    assert_eq!(stage.all().await.len(), 6);
    stage.server.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn changes_what_is_registered_only_when_told_to_and_keeps_the_past() {
    let stage = stage().await;
    let list = "organ_id,display_name,parent,from_year\noffice,新办公室,newtown,2020\n";
    let found = import(&stage, list.as_bytes()).await.expect("answered");
    assert_eq!((counts(&found), found.stored), ([0, 0, 0, 1], false));
    let updating = ImportOrgansHeader { update_existing: true, ..Default::default() };
    let found = send(&stage, updating.clone(), list.as_bytes()).await.expect("taken");
    assert_eq!(counts(&found.result.expect("it")), [0, 1, 0, 0]);
    let office = stage.get("office").await;
    let expected = [stretch("district", 2010, Some(2019)), stretch("newtown", 2020, None)];
    assert_eq!((office.display_name.as_str(), office.affiliations), ("新办公室", expected.into()));
    for (list, column) in [
        ("organ_id,display_name,parent,from_year\nnewtown,newtown局,office,2021\n", "parent"),
        ("organ_id,display_name,存续截止年\nnewtown,newtown局,2021\n", "存续截止年"),
    ] {
        let found = send(&stage, updating.clone(), list.as_bytes()).await.expect("answered");
        let found = found.result.expect("it");
        assert_eq!((counts(&found), found.stored), ([0, 0, 0, 1], false), "{list}");
        assert_eq!(places(&found)[0].1, column);
    }
    // Two changes that are a tree only together with what comes before them in the list.
    let list = "organ_id,display_name,parent,from_year\nnewtown,newtown局,top,2022\n\
        top,顶,city,2022\n";
    let found = send(&stage, updating, list.as_bytes()).await.expect("taken");
    assert_eq!(counts(&found.result.expect("it")), [1, 1, 0, 0]);
    stage.server.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn refuses_what_is_no_list_and_what_is_too_large() {
    let stage = stage().await;
    let mut noise = Vec::new();
    let mut state = 2007_u32;
    for _ in 0..100_000 {
        state = state.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
        noise.push((state >> 24) as u8);
    }
    let zipped = [b"PK\x03\x04".as_slice(), &noise].concat();
    let unfinished = b"organ_id,display_name\n\"a".as_slice();
    for bytes in [&b""[..], b"\xEF\xBB\xBF", b"\n\n", &noise, &zipped, b"PK", b"a,b\n", b"\0"] {
        let answer = send(&stage, dry(), bytes).await;
        let reason = refused(answer, Code::InvalidArgument);
        assert_eq!(reason, "IMPORT_UNREADABLE", "{:?}", &bytes[..bytes.len().min(8)]);
    }
    assert_eq!(import(&stage, unfinished).await.expect("a conflict").conflict_count, 1);
    let heading = "organ_id,display_name\n";
    let mut rows = heading.to_owned();
    for row in 0..100_000 {
        let _ = writeln!(rows, "organ-{row},机关");
    }
    let status = send(&stage, dry(), rows.as_bytes()).await.expect_err("too many");
    let details = Details::of(&status);
    assert_eq!(details.info.reason, "IMPORT_TOO_LARGE");
    assert_eq!(details.info.metadata["limit"], "import_rows_max");
    assert_eq!(details.info.metadata["value"], "50000");
    let long = format!("{heading}a,{}\n", "长".repeat(6 << 20));
    let answer = send(&stage, dry(), long.as_bytes()).await;
    assert_eq!(refused(answer, Code::InvalidArgument), "IMPORT_TOO_LARGE");
    let wide = format!("{heading}a,b{}c\n", ",".repeat(100));
    let answer = send(&stage, dry(), wide.as_bytes()).await;
    assert_eq!(refused(answer, Code::InvalidArgument), "IMPORT_TOO_LARGE");
    let message = |content| pb::ImportOrgansRequest { content: Some(content) };
    let (header, chunk) = (Content::Header(dry()), Content::Chunk(b"a".to_vec()));
    for stream in [
        vec![],
        vec![message(chunk.clone())],
        vec![message(header.clone()), message(header.clone())],
    ] {
        let answer = stage.organs().import_organs(tokio_stream::iter(stream)).await;
        assert_eq!(refused(answer, Code::InvalidArgument), "INVALID_REQUEST");
    }
    stage.server.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_workbook_cannot_burst() {
    let stage = stage().await;
    // Two cells in opposite corners.
    let mut book = Workbook::new();
    let sheet = book.add_worksheet();
    sheet.write(0, 0, "organ_id").expect("text");
    sheet.write(0, 1, "display_name").expect("text");
    sheet.write(1_048_575, 16_383, "x").expect("text");
    let corners = book.save_to_buffer().expect("a workbook");
    let answer = send(&stage, dry(), &corners).await;
    assert_eq!(refused(answer, Code::InvalidArgument), "IMPORT_TOO_LARGE");
    // A small file that unpacks to a large one.
    let mut book = Workbook::new();
    let sheet = book.add_worksheet();
    let text = "年".repeat(10_000);
    for row in 0..5_000 {
        sheet.write(row, 0, format!("{row}{text}")).expect("text");
    }
    let bomb = book.save_to_buffer().expect("a workbook");
    assert!(bomb.len() < nianbao::limits::IMPORT_BYTES_MAX, "{} bytes", bomb.len());
    let status = send(&stage, dry(), &bomb).await.expect_err("a bomb");
    let details = Details::of(&status);
    assert_eq!(details.info.metadata["limit"], "import_unpacked_bytes_max", "{status:?}");
    stage.server.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_large_list_is_several_writes_and_its_last_answers_for_it() {
    const ORGANS: i32 = 20_000;
    let mut list = "organ_id,display_name,parent,from_year\n".to_owned();
    for row in (0..ORGANS).rev() {
        let parent = if row == 0 { "city".to_owned() } else { format!("organ-{}", (row - 1) / 8) };
        let name = "某某县某某镇人民政府便民服务中心".repeat(2);
        let _ = writeln!(list, "organ-{row},{name}{row},{parent},2019");
    }
    let stage = stage().await;
    let header = ImportOrgansHeader { request_id: "once".to_owned(), ..Default::default() };
    let first = send(&stage, header.clone(), list.as_bytes()).await.expect("taken");
    let found = first.result.clone().expect("a result");
    assert_eq!((counts(&found), found.stored), ([ORGANS, 0, 0, 0], true));
    let position = &first.receipt.as_ref().expect("a receipt").position;
    assert!(position.as_str() > "0000000000000006", "{position}: one write only");
    let again = send(&stage, header.clone(), list.as_bytes()).await.expect("the first answer");
    assert_eq!(again, first);
    let other = send(&stage, header, LIST.as_bytes()).await;
    assert_eq!(refused(other, Code::InvalidArgument), "REQUEST_ID_REUSED");
    let before = stage.get("organ-19999").await;
    let stage = stage.restart(true).await;
    assert_eq!(stage.get("organ-19999").await, before);
    let found = import(&stage, list.as_bytes()).await.expect("again");
    assert_eq!(counts(&found), [0, 0, ORGANS, 0]);
    stage.server.stop().await;
}
