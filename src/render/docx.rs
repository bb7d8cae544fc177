//! A Word file: Office Open XML, of six parts. Paragraphs name styles, so that an office changes
//! the look in one place.

use super::escaped;
use super::page::{Cell, CellKind, Page, Table};
use crate::document::packed;

/// A4 between the margins of official documents, in twentieths of a point.
const WIDTH: u32 = 8845;
/// Of a hundred parts of the width, what the three columns of labels take.
const LABELS: [u32; 3] = [9, 14, 25];

const DECLARATION: &str = "<?xml version=\"1.0\" encoding=\"UTF-8\" standalone=\"yes\"?>\n";

const CONTENT_TYPES: &str = "\
<Types xmlns=\"http://schemas.openxmlformats.org/package/2006/content-types\">\
<Default Extension=\"rels\" \
ContentType=\"application/vnd.openxmlformats-package.relationships+xml\"/>\
<Default Extension=\"xml\" ContentType=\"application/xml\"/>\
<Override PartName=\"/word/document.xml\" ContentType=\"application/vnd.\
openxmlformats-officedocument.wordprocessingml.document.main+xml\"/>\
<Override PartName=\"/word/styles.xml\" ContentType=\"application/vnd.\
openxmlformats-officedocument.wordprocessingml.styles+xml\"/>\
<Override PartName=\"/docProps/core.xml\" \
ContentType=\"application/vnd.openxmlformats-package.core-properties+xml\"/></Types>";

const RELATIONS: &str = "\
<Relationships xmlns=\"http://schemas.openxmlformats.org/package/2006/relationships\">\
<Relationship Id=\"rId1\" Type=\"http://schemas.openxmlformats.org/officeDocument/2006/\
relationships/officeDocument\" Target=\"word/document.xml\"/>\
<Relationship Id=\"rId2\" Type=\"http://schemas.openxmlformats.org/package/2006/\
relationships/metadata/core-properties\" Target=\"docProps/core.xml\"/></Relationships>";

const DOCUMENT_RELATIONS: &str = "\
<Relationships xmlns=\"http://schemas.openxmlformats.org/package/2006/relationships\">\
<Relationship Id=\"rId1\" Type=\"http://schemas.openxmlformats.org/officeDocument/2006/\
relationships/styles\" Target=\"styles.xml\"/></Relationships>";

const MAIN: &str = "http://schemas.openxmlformats.org/wordprocessingml/2006/main";

/// The page of an official document: A4, its margins as GB/T 9704 sets them.
const SECTION: &str = "\
<w:sectPr><w:pgSz w:w=\"11906\" w:h=\"16838\"/><w:pgMar w:top=\"2098\" w:right=\"1474\" \
w:bottom=\"1984\" w:left=\"1587\" w:header=\"851\" w:footer=\"992\" w:gutter=\"0\"/></w:sectPr>";

/// Writes the file.
///
/// # Errors
/// What the library that packs it said.
pub(super) fn write(page: &Page) -> Result<Vec<u8>, String> {
    let part = |xml: &str| format!("{DECLARATION}{xml}");
    packed(&[
        ("[Content_Types].xml", &part(CONTENT_TYPES)),
        ("_rels/.rels", &part(RELATIONS)),
        ("docProps/core.xml", &part(&properties(page))),
        ("word/_rels/document.xml.rels", &part(DOCUMENT_RELATIONS)),
        ("word/styles.xml", &part(&styles())),
        ("word/document.xml", &part(&body(page))),
    ])
}

/// The title, as programs list it. Neither a time nor a person: the same report gives the same
/// bytes.
fn properties(page: &Page) -> String {
    format!(
        "<cp:coreProperties xmlns:cp=\"http://schemas.openxmlformats.org/package/2006/metadata/\
         core-properties\" xmlns:dc=\"http://purl.org/dc/elements/1.1/\"><dc:title>{}</dc:title>\
         <dc:language>zh-CN</dc:language></cp:coreProperties>",
        escaped(&page.title.concat())
    )
}

/// The looks of paragraphs: their id, what Word calls them, paragraph and characters.
const STYLES: [[&str; 4]; 6] = [
    [
        "Title",
        "Title",
        "<w:spacing w:before=\"0\" w:after=\"480\" w:line=\"640\" w:lineRule=\"exact\"/>\
         <w:jc w:val=\"center\"/>",
        "<w:rFonts w:eastAsia=\"宋体\"/><w:b/><w:sz w:val=\"44\"/>",
    ],
    [
        "Heading1",
        "heading 1",
        "<w:keepNext/><w:spacing w:before=\"240\" w:after=\"120\"/>\
         <w:ind w:firstLineChars=\"200\" w:firstLine=\"640\"/><w:outlineLvl w:val=\"0\"/>",
        "<w:rFonts w:eastAsia=\"黑体\"/>",
    ],
    [
        "BodyText",
        "Body Text",
        "<w:spacing w:line=\"560\" w:lineRule=\"exact\"/>\
         <w:ind w:firstLineChars=\"200\" w:firstLine=\"640\"/><w:jc w:val=\"both\"/>",
        "",
    ],
    ["TableHead", "Table Head", "<w:jc w:val=\"center\"/>", "<w:sz w:val=\"18\"/>"],
    ["TableLabel", "Table Label", "<w:jc w:val=\"left\"/>", "<w:sz w:val=\"18\"/>"],
    ["TableFigure", "Table Figure", "<w:jc w:val=\"center\"/>", "<w:sz w:val=\"18\"/>"],
];

fn styles() -> String {
    let mut out = format!(
        "<w:styles xmlns:w=\"{MAIN}\"><w:docDefaults><w:rPrDefault><w:rPr>\
         <w:rFonts w:ascii=\"Times New Roman\" w:hAnsi=\"Times New Roman\" \
         w:eastAsia=\"仿宋\" w:cs=\"Times New Roman\"/><w:sz w:val=\"32\"/>\
         <w:lang w:val=\"en-US\" w:eastAsia=\"zh-CN\"/></w:rPr></w:rPrDefault>\
         <w:pPrDefault/></w:docDefaults>\
         <w:style w:type=\"paragraph\" w:default=\"1\" w:styleId=\"Normal\">\
         <w:name w:val=\"Normal\"/><w:qFormat/></w:style>"
    );
    for [id, name, paragraph, characters] in STYLES {
        out.push_str(&format!(
            "<w:style w:type=\"paragraph\" w:styleId=\"{id}\"><w:name w:val=\"{name}\"/>\
             <w:basedOn w:val=\"Normal\"/><w:qFormat/><w:pPr>{paragraph}</w:pPr>\
             <w:rPr>{characters}</w:rPr></w:style>"
        ));
    }
    let line =
        |side| format!("<w:{side} w:val=\"single\" w:sz=\"4\" w:space=\"0\" w:color=\"000000\"/>");
    let lines = ["top", "left", "bottom", "right", "insideH", "insideV"].map(line).concat();
    out.push_str(&format!(
        "<w:style w:type=\"table\" w:styleId=\"FormTable\"><w:name w:val=\"Form Table\"/>\
         <w:tblPr><w:tblBorders>{lines}</w:tblBorders><w:tblCellMar>\
         <w:left w:w=\"57\" w:type=\"dxa\"/><w:right w:w=\"57\" w:type=\"dxa\"/>\
         </w:tblCellMar></w:tblPr></w:style></w:styles>"
    ));
    out
}

fn body(page: &Page) -> String {
    let mut out = format!("<w:document xmlns:w=\"{MAIN}\"><w:body>");
    page.title.iter().for_each(|line| paragraph("Title", line, &mut out));
    for part in &page.parts {
        paragraph("Heading1", &part.heading, &mut out);
        part.prose.iter().for_each(|line| paragraph("BodyText", line, &mut out));
        for table in &part.tables {
            if !table.caption.is_empty() {
                paragraph("BodyText", &table.caption, &mut out);
            }
            table_of(table, &mut out);
        }
    }
    out.push_str(SECTION);
    out.push_str("</w:body></w:document>");
    out
}

fn paragraph(style: &str, text: &str, out: &mut String) {
    let properties = format!("<w:pPr><w:pStyle w:val=\"{style}\"/></w:pPr>");
    let run = match text.is_empty() {
        true => String::new(),
        false => format!("<w:r><w:t xml:space=\"preserve\">{}</w:t></w:r>", escaped(text)),
    };
    out.push_str(&format!("<w:p>{properties}{run}</w:p>"));
}

fn table_of(table: &Table, out: &mut String) {
    let widths = widths(table);
    out.push_str(&format!(
        "<w:tbl><w:tblPr><w:tblStyle w:val=\"FormTable\"/><w:tblW w:w=\"{WIDTH}\" \
         w:type=\"dxa\"/><w:jc w:val=\"center\"/><w:tblLayout w:type=\"fixed\"/></w:tblPr>\
         <w:tblGrid>"
    ));
    widths.iter().for_each(|width| out.push_str(&format!("<w:gridCol w:w=\"{width}\"/>")));
    out.push_str("</w:tblGrid>");
    for (at, row) in table.rows.iter().enumerate() {
        let head = if at < table.heads { "<w:tblHeader/>" } else { "" };
        out.push_str(&format!("<w:tr><w:trPr><w:cantSplit/>{head}</w:trPr>"));
        let mut rest = &widths[..];
        for cell in row {
            let (covered, right) = rest.split_at(rest.len().min(cell.columns.into()));
            cell_of(cell, covered.iter().sum(), out);
            rest = right;
        }
        out.push_str("</w:tr>");
    }
    out.push_str("</w:tbl>");
}

fn cell_of(cell: &Cell, width: u32, out: &mut String) {
    out.push_str(&format!("<w:tc><w:tcPr><w:tcW w:w=\"{width}\" w:type=\"dxa\"/>"));
    if cell.columns > 1 {
        out.push_str(&format!("<w:gridSpan w:val=\"{}\"/>", cell.columns));
    }
    match (cell.continues, cell.rows) {
        (true, _) => out.push_str("<w:vMerge/>"),
        (false, 1) => {}
        (false, _) => out.push_str("<w:vMerge w:val=\"restart\"/>"),
    }
    out.push_str("<w:vAlign w:val=\"center\"/></w:tcPr>");
    let style = match cell.kind {
        CellKind::Head => "TableHead",
        CellKind::Label => "TableLabel",
        CellKind::Figure => "TableFigure",
    };
    // A cell without a paragraph is none.
    if cell.lines.is_empty() {
        paragraph(style, "", out);
    }
    cell.lines.iter().for_each(|line| paragraph(style, line, out));
    out.push_str("</w:tc>");
}

/// The widths of the columns of the grid: those of labels first, where the table has some.
fn widths(table: &Table) -> Vec<u32> {
    let count = usize::from(table.columns);
    let labelled = table.rows.iter().flatten().any(|cell| cell.kind == CellKind::Label);
    let labels = if labelled { &LABELS[..] } else { &[] };
    let of_labels = labels.iter().map(|share| WIDTH * share / 100);
    let figures = u32::from(table.columns).saturating_sub(if labelled { 3 } else { 0 }).max(1);
    let left = WIDTH - of_labels.clone().sum::<u32>();
    of_labels.chain(std::iter::repeat(left / figures)).take(count).collect()
}
