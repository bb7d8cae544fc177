//! `export-reports`: reports or sums into a file for a spreadsheet or a program.

use std::fs::{self, File};
use std::io::Write as _;
use std::path::{Path, PathBuf};

use nianbao::pb::export_reports_response::Content;
use nianbao::pb::{ExportContent, ExportFormat, ExportHeader, ExportReportsRequest, ExportTrailer};
use nianbao::query::hex;
use serde::Serialize;
use sha2::{Digest as _, Sha256};

use super::args::ExportReportsArgs;
use super::client::{Server, block_on};
use super::console::Console;
use super::{Error, Outcome, aggregate, progress};

/// What the command answers to programs.
#[derive(Serialize)]
struct Written {
    path: String,
    header: ExportHeader,
    trailer: ExportTrailer,
}

/// Writes the file, which appears when it is whole.
pub(super) fn run(console: &Console, args: &ExportReportsArgs) -> Result<Outcome, Error> {
    let output = &args.output;
    let format = format_of(output)?;
    if output.exists() && !args.force {
        return Err(Error::Argument {
            zh: format!("{} 已存在，不予覆盖；覆盖用 --force", output.display()),
            en: format!("{} is there already and is kept; --force replaces it", output.display()),
        });
    }
    let part = part_of(output);
    let whole = block_on(async {
        let server = Server::connect(&args.remote).await?;
        fetch(console, &server, request(args, format), &part).await
    });
    let moved = whole.and_then(|whole| {
        fs::rename(&part, output).map_err(|cause| write_error(output, cause))?;
        Ok(whole)
    });
    let (header, trailer) = match moved {
        Ok(whole) => whole,
        Err(error) => {
            // Half a table is none. If it cannot be removed the next one overwrites it.
            let _ = fs::remove_file(&part);
            return Err(error);
        }
    };
    tell(console, output, header, trailer)?;
    Ok(Outcome::Done)
}

/// The format that the name of the file ends with.
fn format_of(output: &Path) -> Result<ExportFormat, Error> {
    let ending = output.extension().map(|ending| ending.to_string_lossy().to_lowercase());
    match ending.as_deref() {
        Some("csv") => Ok(ExportFormat::Csv),
        Some("xlsx") => Ok(ExportFormat::Xlsx),
        Some("parquet") => Ok(ExportFormat::Parquet),
        Some(_) | None => Err(Error::Argument {
            zh: format!("{}：文件名应以 .csv、.xlsx 或 .parquet 结尾", output.display()),
            en: format!("{}: the name must end in .csv, .xlsx or .parquet", output.display()),
        }),
    }
}

/// The name of a file that is not whole yet.
pub(super) fn part_of(output: &Path) -> PathBuf {
    let mut name = output.file_name().unwrap_or_default().to_owned();
    name.push(".part");
    output.with_file_name(name)
}

fn request(args: &ExportReportsArgs, format: ExportFormat) -> ExportReportsRequest {
    let (as_of_position, as_of_time) = aggregate::as_of(&args.what);
    let content = if args.sums { ExportContent::Sums } else { ExportContent::Reports };
    ExportReportsRequest {
        organ: args.organ.to_string(),
        years: args.year.clone(),
        content: content as i32,
        format: format as i32,
        basis: args.what.basis as i32,
        tree: args.what.tree as i32,
        tree_year: args.what.tree_year.unwrap_or(0),
        filter: args.what.filter.clone(),
        include_unaccepted: args.what.include_unaccepted,
        as_of_position,
        as_of_time,
        at_least: args.what.at_least.clone().unwrap_or_default(),
        group_by: args.group_by.map_or(0, |by| by as i32),
        heads: args.heads as i32,
    }
}

/// Fetches into a file, and holds it against what the server says of it.
async fn fetch(
    console: &Console,
    server: &Server,
    request: ExportReportsRequest,
    part: &Path,
) -> Result<(ExportHeader, ExportTrailer), Error> {
    let cannot = |cause| write_error(part, cause);
    let answer = server.aggregates().export_reports(request).await;
    let mut pieces = server.answered(answer)?;
    let mut file = File::create(part).map_err(cannot)?;
    let bar = progress::bytes(console, None);
    let (mut header, mut trailer) = (None, None);
    let (mut size, mut digest) = (0, Sha256::new());
    while let Some(piece) = server.next(&mut pieces).await? {
        match piece.content {
            Some(Content::Header(said)) => header = Some(said),
            Some(Content::Data(data)) => {
                file.write_all(&data).map_err(cannot)?;
                digest.update(&data);
                size += data.len();
                bar.inc(data.len() as u64);
            }
            Some(Content::Trailer(said)) => trailer = Some(said),
            // A server that is newer may say more.
            None => {}
        }
    }
    bar.finish_and_clear();
    // A server that stops ends its streams, and the end looks like any other.
    let (Some(header), Some(trailer)) = (header, trailer) else { return Err(server.ended()) };
    let same_size = i64::try_from(size).is_ok_and(|size| size == trailer.size_bytes);
    if !same_size || hex(&digest.finalize()) != trailer.sha256 {
        return Err(server.ended());
    }
    file.sync_all().map_err(cannot)?;
    Ok((header, trailer))
}

fn tell(
    console: &Console,
    output: &Path,
    header: ExportHeader,
    trailer: ExportTrailer,
) -> Result<(), Error> {
    let path = output.display().to_string();
    if console.json_wanted() {
        return console.json(&Written { path, header, trailer });
    }
    let (records, bytes) = (header.records, trailer.size_bytes);
    console.out(&console.pick(
        format!("已导出到 {path}：{records} 份，{bytes} 字节"),
        format!("exported into {path}: {records} records, {bytes} bytes"),
    ))?;
    for year in &header.years {
        let counts = aggregate::counts(console, &year.coverage.clone().unwrap_or_default());
        console.out(&format!("{}  {}", year.year, counts.join(console.pick("，", ", "))))?;
        if year.groups_truncated {
            console.note(&console.pick(
                format!("{}：组过多，只导出了前一部分；该年合计仍完整", year.year),
                format!("{}: too many groups, some are left out; its sum is whole", year.year),
            ));
        }
    }
    let (position, digest) = (&header.position, &trailer.sha256);
    console.out(&console.pick(
        format!("位置：{position}\nSHA-256：{digest}"),
        format!("position: {position}\nSHA-256: {digest}"),
    ))
}

fn write_error(path: &Path, cause: std::io::Error) -> Error {
    Error::Write { file: path.display().to_string(), cause }
}
