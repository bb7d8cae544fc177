//! `render`: a report as the official document, from a file or from a server.

use std::fs::{self, File};
use std::io::{IsTerminal as _, Write as _, stdout};
use std::path::Path;

use nianbao::names::ReportId;
use nianbao::pb::get_report_request::Version;
use nianbao::pb::render_document_request::Source;
use nianbao::pb::render_document_response::Content;
use nianbao::pb::{DocumentType, RenderDocumentRequest, RenderedDocument};
use nianbao::query::hex;
use nianbao::render::{self, Document};
use serde::Serialize;
use sha2::{Digest as _, Sha256};

use super::args::RenderArgs;
use super::client::{Server, block_on};
use super::console::Console;
use super::{Error, Outcome, files, tables};

/// What the command answers to programs.
#[derive(Serialize)]
struct Written {
    path: String,
    header: RenderedDocument,
}

/// Writes the document: into a file, which appears when it is whole, or to stdout.
pub(super) fn run(console: &Console, args: &RenderArgs) -> Result<Outcome, Error> {
    let document_type = type_of(args)?;
    if let Some(output) = args.output.as_deref().filter(|output| output.exists() && !args.force) {
        return Err(Error::Argument {
            zh: format!("{} 已存在，不予覆盖；覆盖用 --force", output.display()),
            en: format!("{} is there already and is kept; --force replaces it", output.display()),
        });
    }
    let document = match ReportId::with_revision(&args.source) {
        Some(_) => block_on(fetch(request(args, document_type)?, args))?,
        None => of_file(args, document_type)?,
    };
    let Some(output) = &args.output else {
        console.bytes(&document.bytes)?;
        return Ok(Outcome::Done);
    };
    save(output, &document.bytes)?;
    let path = output.display().to_string();
    if console.json_wanted() {
        console.json(&Written { path, header: document.header })?;
    } else {
        let size = document.bytes.len();
        console.out(&console.pick(
            format!("已生成 {path}：{size} 字节"),
            format!("rendered into {path}: {size} bytes"),
        ))?;
    }
    Ok(Outcome::Done)
}

/// The type that is asked for, or else that of the file's name.
fn type_of(args: &RenderArgs) -> Result<DocumentType, Error> {
    let ending = args.output.as_deref().and_then(Path::extension);
    let ending = ending.map(|ending| ending.to_string_lossy().to_lowercase());
    match (args.document_type, ending.as_deref()) {
        (Some(DocumentType::Docx), _) if args.output.is_none() && stdout().is_terminal() => {
            Err(Error::Argument {
                zh: "Word文档不能显示在终端上，请用 --output 指定文件".to_owned(),
                en: "a Word document does not go to a terminal: name a file with --output"
                    .to_owned(),
            })
        }
        (Some(asked), _) => Ok(asked),
        (None, Some("docx")) => Ok(DocumentType::Docx),
        (None, Some("html" | "htm")) => Ok(DocumentType::Html),
        (None, Some("txt")) => Ok(DocumentType::Text),
        (None, _) => Err(Error::Argument {
            zh: "请用 --output 指定以 .docx、.html 或 .txt 结尾的文件，或用 --type 指定类型"
                .to_owned(),
            en:
                "name a file that ends in .docx, .html or .txt with --output, or a type with --type"
                    .to_owned(),
        }),
    }
}

fn of_file(args: &RenderArgs, document_type: DocumentType) -> Result<Document, Error> {
    if args.revision.is_some() || args.effective || args.at_least.is_some() {
        return Err(Error::Argument {
            zh: "文件没有版本：--revision、--effective、--at-least 只用于服务上的报告".to_owned(),
            en: "a file has no revisions: --revision, --effective and --at-least are for stored \
                 reports"
                .to_owned(),
        });
    }
    let report = files::report(&args.source)?;
    let name = args.organ_name.as_deref().unwrap_or_default();
    render::render(&report, name, document_type)
        .map_err(|cause| Error::Document { file: args.source.clone(), cause })
}

fn request(args: &RenderArgs, document_type: DocumentType) -> Result<RenderDocumentRequest, Error> {
    let numbered = args.source.contains("/revisions/");
    if numbered && (args.revision.is_some() || args.effective) {
        return Err(Error::Argument {
            zh: "名称中已有版本号，不能再用 --revision 或 --effective".to_owned(),
            en: "the name has a revision: neither --revision nor --effective goes with it"
                .to_owned(),
        });
    }
    let name = match args.revision {
        Some(number) => format!("{}/revisions/{number}", args.source),
        None => args.source.clone(),
    };
    let version = if args.effective { Version::Effective } else { Version::Unspecified };
    Ok(RenderDocumentRequest {
        source: Some(Source::Name(name)),
        version: version as i32,
        document_type: document_type as i32,
        organ_display_name: args.organ_name.clone().unwrap_or_default(),
        at_least: args.at_least.clone().unwrap_or_default(),
    })
}

/// Fetches a document, and holds it against what the server says of it.
async fn fetch(request: RenderDocumentRequest, args: &RenderArgs) -> Result<Document, Error> {
    let server = Server::connect(&args.remote).await?;
    let answer = server.documents().render_document(request).await;
    let mut pieces = server.answered(answer)?;
    let (mut header, mut bytes) = (None, Vec::new());
    while let Some(piece) = server.next(&mut pieces).await? {
        match piece.content {
            Some(Content::Header(said)) => header = Some(said),
            Some(Content::Data(data)) => bytes.extend_from_slice(&data),
            // A server that is newer may say more.
            None => {}
        }
    }
    // A server that stops ends its streams, and the end looks like any other.
    let whole = |header: &RenderedDocument| hex(&Sha256::digest(&bytes)) == header.sha256;
    match header.filter(whole) {
        Some(header) => Ok(Document { header, bytes }),
        None => Err(server.ended()),
    }
}

fn save(output: &Path, bytes: &[u8]) -> Result<(), Error> {
    let part = tables::part_of(output);
    let write = || {
        let mut file = File::create(&part)?;
        file.write_all(bytes)?;
        file.sync_all()?;
        fs::rename(&part, output)
    };
    write().map_err(|cause| {
        // Half a document is none. If it cannot be removed the next one overwrites it.
        let _ = fs::remove_file(&part);
        Error::Write { file: output.display().to_string(), cause }
    })
}
