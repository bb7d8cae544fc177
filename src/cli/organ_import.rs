//! `organs import`: a list of organs from a file, and what stands against it.

use comfy_table::Cell;
use nianbao::limits::IMPORT_BYTES_MAX;
use nianbao::pb::import_organs_request::Content;
use nianbao::pb::{ImportOrgansHeader, ImportOrgansRequest, ImportOrgansResponse, OrganImport};

use super::args::ImportArgs;
use super::client::{Server, block_on};
use super::console::{Console, Style};
use super::submit::proof;
use super::{Error, Outcome, files, progress, table};

/// Bytes sent at a time: so many that a bar moves, well below what a message takes.
const CHUNK_BYTES: usize = 64 << 10;

pub(super) fn run(console: &Console, args: &ImportArgs) -> Result<Outcome, Error> {
    let bytes = files::read(&args.file)?;
    if bytes.len() > IMPORT_BYTES_MAX {
        return Err(Error::Argument {
            zh: format!("{}：文件过大，上限为 {} MiB", args.file, IMPORT_BYTES_MAX >> 20),
            en: format!("{}: larger than {} MiB", args.file, IMPORT_BYTES_MAX >> 20),
        });
    }
    let answer = block_on(send(console, args, bytes))?;
    let found = answer.result.clone().unwrap_or_default();
    if console.json_wanted() {
        console.json(&answer)?;
    } else {
        tell(console, args, &answer, &found)?;
    }
    let refused = found.conflict_count > 0 && !(args.skip_conflicts && found.stored);
    Ok(if refused { Outcome::Refused } else { Outcome::Done })
}

async fn send(
    console: &Console,
    args: &ImportArgs,
    bytes: Vec<u8>,
) -> Result<ImportOrgansResponse, Error> {
    let server = Server::connect(&args.remote).await?;
    let header = ImportOrgansHeader {
        sheet: args.sheet.clone().unwrap_or_default(),
        validate_only: args.dry_run,
        skip_conflicts: args.skip_conflicts,
        update_existing: args.update_existing,
        request_id: args.request_id.clone().unwrap_or_default(),
        ..ImportOrgansHeader::default()
    };
    let bar = progress::bytes(console, Some(bytes.len() as u64));
    let sent = bar.clone();
    let chunks: Vec<Vec<u8>> = bytes.chunks(CHUNK_BYTES).map(<[u8]>::to_vec).collect();
    let chunks = chunks.into_iter().map(move |chunk| {
        sent.inc(chunk.len() as u64);
        Content::Chunk(chunk)
    });
    let contents = std::iter::once(Content::Header(header)).chain(chunks);
    let messages = contents.map(|content| ImportOrgansRequest { content: Some(content) });
    let answer = server.organs().import_organs(tokio_stream::iter(messages)).await;
    bar.finish_and_clear();
    server.answered(answer)
}

fn tell(
    console: &Console,
    args: &ImportArgs,
    answer: &ImportOrgansResponse,
    found: &OrganImport,
) -> Result<(), Error> {
    if !found.conflicts.is_empty() {
        let head = console.pick(["行", "列", "内容", "冲突"], ["row", "column", "value", "why"]);
        let mut out = table::plain(console, &head);
        for conflict in &found.conflicts {
            let why = console.pick(&conflict.message_zh, &conflict.message_en);
            out.add_row(vec![
                Cell::new(conflict.row),
                Cell::new(&conflict.column),
                Cell::new(&conflict.value),
                Cell::new(why),
            ]);
        }
        console.out(&table::text(&out))?;
    }
    let listed = i32::try_from(found.conflicts.len()).unwrap_or(i32::MAX);
    if listed < found.conflict_count {
        let more = found.conflict_count - listed;
        console.out(
            &console
                .pick(format!("……另有 {more} 处冲突未列"), format!("… and {more} more conflicts")),
        )?;
    }
    let OrganImport { rows, created, updated, unchanged, conflict_count, .. } = found;
    console.out(&console.pick(
        format!(
            "{rows} 行：新登记 {created}，更新 {updated}，无变化 {unchanged}，冲突 {conflict_count}"
        ),
        format!(
            "{rows} rows: {created} created, {updated} updated, {unchanged} unchanged, \
             {conflict_count} conflicts"
        ),
    ))?;
    let mark = console.on_out(Style::Green, "✓");
    match &answer.receipt {
        Some(receipt) => console.out(&format!("{mark} {}", proof(console, receipt))),
        None if args.dry_run => {
            console.out(console.pick("试运行，未入库", "a dry run, nothing stored"))
        }
        None if found.stored => console.out(&format!(
            "{mark} {}",
            console.pick("均已登记，无需写入", "all of it stands already")
        )),
        None => console.out(console.pick(
            "有冲突，未入库；改正后重试，或用 --skip-conflicts、--update-existing",
            "conflicts, nothing stored: mend the file, or see --skip-conflicts, --update-existing",
        )),
    }
}
