//! `parse`: a document in, a report out.

use nianbao::pb::{DocumentHeader, ParseDocumentResponse};

use super::args::ParseArgs;
use super::console::{Console, Style};
use super::{Error, Outcome, files, table};

pub(super) fn run(console: &Console, args: &ParseArgs) -> Result<Outcome, Error> {
    let bytes = files::read(&args.file)?;
    if files::is_json(&bytes) {
        return Err(Error::IsJson { file: args.file.clone() });
    }
    let header = DocumentHeader {
        organ: args.organ.as_ref().map(ToString::to_string).unwrap_or_default(),
        year: args.year.unwrap_or_default(),
        scope: args.scope.map_or(0, |scope| scope as i32),
        ..DocumentHeader::default()
    };
    let answer = files::document(&args.file, &bytes, header)?;
    if console.json_wanted() {
        console.json(&answer)?;
    } else {
        console.json(&answer.report)?;
    }
    tell(console, &args.file, &answer);
    Ok(Outcome::Done)
}

/// What a person should know of the reading, on stderr.
fn tell(console: &Console, file: &str, answer: &ParseDocumentResponse) {
    let report = answer.report.clone().unwrap_or_default();
    let (filled, cells) = table::filled(&report);
    let blanks = report.blanks.len();
    console.note(&console.pick(
        format!("{file}：读出 {filled}/{cells} 个单元格，空白 {blanks} 处"),
        format!("{file}: read {filled} of {cells} cells, {blanks} blanks"),
    ));
    for note in &answer.notes {
        let text = console.pick(&note.message_zh, &note.message_en);
        let place = match note.place.is_empty() {
            true => String::new(),
            false => console.pick(format!("（{}）", note.place), format!(" ({})", note.place)),
        };
        let head = console.on_err(Style::Cyan, console.pick("说明", "note"));
        console.note(&format!("  {head} {text}{place}"));
    }
    let counts = answer.counts.unwrap_or_default();
    console.note(&format!("  {}", table::counts(console, &counts, true)));
    if counts.errors + counts.warnings > 0 {
        console.note(&console.pick(
            format!("  详见：nianbao validate {file}"),
            format!("  see: nianbao validate {file}"),
        ));
    }
}
