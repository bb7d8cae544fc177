//! Documents: the same report from three formats, and an answer to any bytes.

use nianbao::document::{
    BYTES_MAX, Block, Document, Error, Kind, Limit, PART_BYTES_MAX, TABLE_DEPTH_MAX, read,
};
use nianbao::pb::DocumentHeader;

const TXT: &[u8] = include_bytes!("../fixtures/document/housing-2023.txt");
const DOCX: &[u8] = include_bytes!("../fixtures/document/housing-2023.docx");
const HTML: &[u8] = include_bytes!("../fixtures/document/housing-2023.html");
const GBK: &[u8] = include_bytes!("../fixtures/document/housing-2023-gbk.html");
const OFFICE: &[u8] = include_bytes!("../fixtures/document/office-2019.html");

fn open(bytes: &[u8]) -> Document {
    Document::from_bytes(bytes, None).unwrap()
}

fn open_text(text: &str) -> Document {
    open(text.as_bytes())
}

fn refusal(bytes: &[u8]) -> Error {
    Document::from_bytes(bytes, None).unwrap_err()
}

/// The cells of each table, row by row.
fn rows(document: &Document) -> Vec<Vec<Vec<&str>>> {
    document
        .tables()
        .map(|table| {
            table
                .rows
                .iter()
                .map(|row| row.cells.iter().map(|cell| cell.text.as_str()).collect())
                .collect()
        })
        .collect()
}

/// Paragraphs and tables as lines, for short expectations.
fn outline(document: &Document) -> Vec<String> {
    let mut lines = Vec::new();
    for block in &document.blocks {
        match block {
            Block::Paragraph(paragraph) => lines.push(paragraph.text.clone()),
            Block::Table(table) => {
                for row in &table.rows {
                    let cells: Vec<_> = row.cells.iter().map(|c| c.text.as_str()).collect();
                    lines.push(format!("[{}]", cells.join("|")));
                }
            }
        }
    }
    lines
}

/// A zip with one stored part, by hand: the format is simple where nothing is packed.
fn docx_of(body: &str) -> Vec<u8> {
    let xml = format!("<w:document xmlns:w=\"w\"><w:body>{body}</w:body></w:document>");
    zip_of("word/document.xml", xml.as_bytes())
}

fn zip_of(name: &str, content: &[u8]) -> Vec<u8> {
    use std::io::Write;
    let mut zip = zip::ZipWriter::new(std::io::Cursor::new(Vec::new()));
    zip.start_file(name, zip::write::SimpleFileOptions::default()).unwrap();
    zip.write_all(content).unwrap();
    zip.finish().unwrap().into_inner()
}

#[test]
fn gives_the_same_tables_from_every_format() {
    let html = open(HTML);
    assert_eq!(rows(&html).iter().map(Vec::len).collect::<Vec<_>>(), [14, 28, 4]);
    assert_eq!(rows(&open(DOCX)), rows(&html));
    assert_eq!(rows(&open(TXT)), rows(&html));
    assert_eq!(rows(&open(GBK)), rows(&html));
}

#[test]
fn tells_the_kind_by_content_before_the_name() {
    for (bytes, name, kind) in [
        (TXT, "a.docx", Kind::Text),
        (DOCX, "a.html", Kind::Docx),
        (HTML, "a.txt", Kind::Html),
        (OFFICE, "a", Kind::Html),
        ("没有标签 < 的文字".as_bytes(), "a.HTML", Kind::Html),
        ("没有标签 < 的文字".as_bytes(), "a.txt", Kind::Text),
        ("关于印发<办法>的通知".as_bytes(), "a.txt", Kind::Text),
    ] {
        assert_eq!(Document::from_bytes(bytes, Some(name)).unwrap().kind, kind, "{name}");
    }
}

#[test]
fn says_where_each_cell_stands() {
    let text = std::str::from_utf8(TXT).unwrap();
    let lines: Vec<&str> = text.lines().collect();
    for table in open(TXT).tables() {
        for (row, at_row) in table.rows.iter().zip(1..) {
            for (cell, at) in row.cells.iter().zip(1..) {
                let place = cell.place;
                assert_eq!((place.table, place.row, place.column), (table.index, at_row, at));
                let line = lines[place.line.unwrap() as usize - 1];
                let printed = line.split(']').next_back().unwrap().trim();
                assert!(cell.text.starts_with(printed), "{printed:?} {:?}", cell.text);
            }
        }
    }
}

#[test]
fn keeps_continued_cells_as_empty_ones() {
    for document in [open(DOCX), open(HTML)] {
        let table = document.tables().nth(1).unwrap();
        let marks = |row: usize| -> Vec<bool> {
            table.rows[row].cells.iter().map(|cell| cell.continued).collect()
        };
        let head = [true, true, false, false, false, false, false, true];
        assert_eq!(marks(2), head);
        assert_eq!(marks(8)[..3], [true, true, false]);
    }
}

#[test]
fn reads_a_text_dump() {
    for (text, lines) in [
        ("\t规章\n\t0\n\t\n\n\t其他\n\t1\n", &["[规章|0|]", "[其他|1]"][..]),
        ("\t甲\n\t0\n\n\n\t乙\n\t1\n", &["[甲|0]", "[乙|1]"]),
        ("\t出具\n已获取\n信息\n\t3\n", &["[出具已获取信息|3]"]),
        ("\t行政强制\n\t0\n表后文字\n", &["[行政强制|0]", "表后文字"]),
        ("\t行政强制\n\t\n表后文字\n", &["[行政强制|]", "表后文字"]),
        ("\t规章\t0\t1\r\n", &["[规章|0|1]"]),
        ("[bookmark: _Hlk1]一、[bookmark: x]甲\n[bookmark: 乙\n", &["一、甲", "[bookmark: 乙"]),
        ("甲\u{C}乙\u{B}丙\r丁", &["甲", "乙", "丙", "丁"]),
        (" \u{3000} \n\u{3000}\u{3000}甲\u{A0}乙\u{200B}丙 \n", &["甲 乙丙"]),
    ] {
        assert_eq!(outline(&open_text(text)), lines, "{text:?}");
    }
    let long = format!("\t{}\n\t二、另一段。\n", "长".repeat(100));
    assert_eq!(outline(&open_text(&long)).len(), 2);
    assert_eq!(open_text(&long).tables().count(), 0);
}

#[test]
fn reads_a_web_page() {
    for (page, lines) in [
        ("<p>甲<br>乙<p>丙</p><div>丁<div>戊", &["甲", "乙", "丙", "丁", "戊"][..]),
        (
            "<p>一 &nbsp;二&ldquo;三&#22235;&#x4e94;&amp;lt;&unknown;&",
            &["一  二“三四五&lt;&unknown;&"],
        ),
        ("<p>中\n文</p><p>two\nwords</p><p>a\n中</p>", &["中文", "two words", "a 中"]),
        ("<!-- <p>甲 --><!-->乙<!--->丙<![if x]>丁<?x?>戊", &["乙丙丁戊"]),
        ("<script>'<p>甲'</script><style>乙</style><title>丙</title>丁", &["丁"]),
        ("<p title='>'>甲</p><p a=\">\" b='\"'>乙</p>< p>丙", &["甲", "乙", "< p>丙"]),
        ("<p><o:p>甲</o:p><b>乙</b>", &["甲乙"]),
        ("<pre>甲\n乙</pre>", &["甲", "乙"]),
        ("<table><tr><td>甲<td>1<tr><td>乙<td>2</table>", &["[甲|1]", "[乙|2]"]),
        ("<table>甲<tr><td>乙</td>丙<td>1</td></tr></table>丁", &["甲", "丙", "[乙|1]", "丁"]),
        ("<TABLE><TR><TD ROWSPAN=2>甲<TD>1<TR><TD>2</TABLE>", &["[甲|1]", "[|2]"]),
        (
            "<table><tr><td>甲</td><td rowspan='2' colspan=2>乙</td><td>1</td></tr>\
             <tr><td>丙</td><td>2</td></tr><tr><td>丁</td><td>3</td></tr></table>",
            &["[甲|乙|1]", "[丙||2]", "[丁|3]"],
        ),
        ("<table><tr><td rowspan=0>甲<td>1<tr><td>2<tr><td>3</table>", &["[甲|1]", "[|2]", "[|3]"]),
        ("<table><tr><td><p>页<table><tr><td>甲<td>1</table>尾</table>", &["页", "[甲|1]", "尾"]),
        ("<table><tr><td><p>一<p>二</td></tr></table>", &["一", "二"]),
        ("<table><tr><td>结果<br>纠正<td>1<br>0</table>", &["[结果纠正|1\n0]"]),
        ("<td>甲</td><tr><p>乙", &["甲", "乙"]),
        ("</table></tr></td></p>甲</div>", &["甲"]),
    ] {
        let document = Document::from_bytes(page.as_bytes(), Some("a.html")).unwrap();
        assert_eq!(outline(&document), lines, "{page}");
    }
    let titled = open(b"<title> a\n b </title><svg><title>c</title></svg><p>d");
    assert_eq!(titled.title.as_deref(), Some("a b"));
}

#[test]
fn reads_a_word_file() {
    let t = |text: &str| format!("<w:t>{text}</w:t>");
    let p = |content: &str| format!("<w:p><w:r>{content}</w:r></w:p>");
    let tc =
        |marks: &str, text: &str| format!("<w:tc><w:tcPr>{marks}</w:tcPr>{}</w:tc>", p(&t(text)));
    let tbl = |rows: &[&[String]]| {
        let rows: String =
            rows.iter().map(|row| format!("<w:tr>{}</w:tr>", row.concat())).collect();
        format!("<w:tbl>{rows}</w:tbl>")
    };
    let tabs = "<w:p><w:pPr><w:tabs><w:tab/></w:tabs></w:pPr><w:t>甲</w:t></w:p>";
    let deleted = "<w:del><w:delText>旧</w:delText></w:del><w:ins><w:t>新</w:t></w:ins>";
    let moved =
        "<w:moveFrom><w:t>旧</w:t></w:moveFrom><w:instrText>PAGE</w:instrText><w:t>新</w:t>";
    let text_box = format!(
        "{}<m:Choice><w:txbxContent>{}</w:txbxContent></m:Choice><m:Fallback>{}</m:Fallback>{}",
        t("前"),
        p(&t("框")),
        t("旧"),
        t("后"),
    );
    let (down, right) = ("<w:vMerge/>", "<w:hMerge w:val=\"continue\"/>");
    let (top, left) = ("<w:vMerge w:val=\"restart\"/>", "<w:hMerge w:val=\"restart\"/>");
    let before = "<w:tcPrChange><w:tcPr><w:vMerge/></w:tcPr></w:tcPrChange>";
    for (body, lines) in [
        (p(&t("a&lt;&#x4e59;<![CDATA[<]]>")), &["a<乙<"][..]),
        (p("<w:t>甲</w:t><w:br/><w:t>乙</w:t><w:tab/><w:t>丙</w:t>"), &["甲", "乙 丙"]),
        (tabs.to_owned(), &["甲"]),
        (p(deleted), &["新"]),
        (p(moved), &["新"]),
        (p(&text_box), &["框", "前后"]),
        (
            tbl(&[&[tc(top, "甲"), tc("", "1")], &[tc(down, "藏"), tc("", "2")]]),
            &["[甲|1]", "[|2]"],
        ),
        (tbl(&[&[tc(left, "甲"), tc(right, "藏"), tc("", "2")]]), &["[甲|2]"]),
        (tbl(&[&[tc(before, "甲"), tc("", "2")]]), &["[甲|2]"]),
    ] {
        assert_eq!(outline(&open(&docx_of(&body))), lines, "{body}");
    }
    let other_prefix = "<d:document xmlns:d=\"w\"><d:p><d:t>甲</d:t></d:p></d:document>";
    let other_prefix = zip_of("word/document.xml", other_prefix.as_bytes());
    assert_eq!(outline(&open(&other_prefix)), ["甲"]);
}

#[test]
fn names_what_is_wrong_with_a_file() {
    let nested = "<table><tr><td>甲<td>".repeat(TABLE_DEPTH_MAX + 1);
    let wide = format!("<table><tr>{}", "<td>1".repeat(501));
    let tall = format!("<table>{}", "<tr><td>1".repeat(5_001));
    let many = format!("<table>{}", format!("<tr>{}", "<td>1".repeat(499)).repeat(41));
    let bomb = zip_of("word/document.xml", &vec![b' '; PART_BYTES_MAX + 1]);
    let cut = docx_of("<w:p><w:t>a</w:t></w:p></w:body>");
    for (bytes, error) in [
        (&b""[..], Error::Empty),
        (b" \n\t\n", Error::NoText),
        (b"<html><body><img src=a></body></html>", Error::NoText),
        (&vec![b'a'; BYTES_MAX + 1], Error::TooLarge { bytes: BYTES_MAX + 1 }),
        (b"%PDF-1.7\n", Error::Pdf),
        (b"\n\n%PDF-1.4", Error::Pdf),
        (b"\xD0\xCF\x11\xE0\xA1\xB1\x1A\xE1....", Error::OldOffice),
        (b"{\\rtf1\\ansi", Error::Rtf),
        (b"\x89PNG\r\n\x1A\n\0\0\0\rIHDR", Error::Binary),
        (&zip_of("xl/workbook.xml", b"<a/>"), Error::NotDocx),
        (b"PK\x03\x04 and nothing", Error::DocxTruncated),
        (&docx_of(""), Error::NoText),
        (nested.as_bytes(), Error::TooMuch(Limit::TableDepth)),
        (wide.as_bytes(), Error::TooMuch(Limit::Columns)),
        (tall.as_bytes(), Error::TooMuch(Limit::Rows)),
        (many.as_bytes(), Error::TooMuch(Limit::Cells)),
        ("段\n".repeat(20_001).as_bytes(), Error::TooMuch(Limit::Paragraphs)),
        (&bomb, Error::TooMuch(Limit::PartBytes)),
    ] {
        let found = refusal(bytes);
        assert_eq!(found, error);
        assert!(!found.to_string().is_empty() && !found.zh().is_ascii());
    }
    for bytes in [cut, docx_of("<w:p><w:t>&nbsp;</w:t></w:p>"), docx_of("<w:p>")] {
        assert!(matches!(refusal(&bytes), Error::DocxDamaged { .. }));
    }
    let french = "Les données publiées cette année sont complètes, déjà vérifiées à l'été. ";
    let latin: Vec<u8> = french.repeat(20).chars().map(|c| c as u8).collect();
    assert!(matches!(refusal(&latin), Error::Undecodable { .. }));
}

#[test]
fn says_of_every_cut_docx_that_it_is_cut() {
    for end in 4..DOCX.len() {
        match refusal(&DOCX[..end]) {
            Error::DocxTruncated => {}
            error => panic!("{end}: {error}"),
        }
    }
}

/// Numbers that look random and are the same in every run.
struct Dice(u64);

impl Dice {
    fn byte(&mut self) -> u8 {
        self.roll(256).try_into().unwrap()
    }

    fn roll(&mut self, sides: usize) -> usize {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        usize::try_from(self.0 % sides as u64).unwrap()
    }
}

/// Whatever the bytes are, there is a document with a reading, or an error.
fn answer(bytes: &[u8]) {
    if let Ok(document) = Document::from_bytes(bytes, None) {
        let reading = read::read(&document, &DocumentHeader::default());
        assert!(reading.provenance.iter().all(|p| !p.field_path.is_empty()));
    }
}

#[test]
fn answers_to_any_bytes() {
    let mut dice = Dice(20_210_926);
    for round in 0..2000 {
        let len = dice.roll(512) + 1;
        let mut bytes: Vec<u8> = (0..len).map(|_| dice.byte()).collect();
        let head: &[u8] = [&b""[..], b"PK\x03\x04", b"<table>", b"\xFE\xFF", b"\t1\n"][round % 5];
        bytes.splice(0..0, head.iter().copied());
        answer(&bytes);
    }
}

#[test]
fn answers_to_any_damage() {
    let mut dice = Dice(711);
    let xml = {
        use std::io::Read;
        let mut zip = zip::ZipArchive::new(std::io::Cursor::new(DOCX)).unwrap();
        let mut xml = Vec::new();
        zip.by_name("word/document.xml").unwrap().read_to_end(&mut xml).unwrap();
        xml
    };
    for round in 0..1200 {
        let source = [TXT, HTML, GBK, DOCX, OFFICE, &xml][round % 6];
        let mut bytes = source.to_vec();
        for _ in 0..=dice.roll(8) {
            let at = dice.roll(bytes.len());
            match dice.roll(4) {
                0 => bytes[at] = dice.byte(),
                1 => bytes.truncate(at + 1),
                2 => {
                    let end = (at + dice.roll(200)).min(bytes.len());
                    bytes.drain(at..end);
                    bytes.push(b'<');
                }
                _ => {
                    let end = (at + dice.roll(200)).min(bytes.len());
                    let piece = bytes[at..end].to_vec();
                    bytes.splice(at..at, piece);
                }
            }
        }
        // Damage inside the packed part would mostly be found by its checksum.
        let bytes = if round % 6 == 5 { zip_of("word/document.xml", &bytes) } else { bytes };
        answer(&bytes);
    }
}
