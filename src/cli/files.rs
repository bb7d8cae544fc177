//! Files in and out: reports as JSON or as documents, told apart by their content.

use std::fs::{self, File};
use std::io::{self, Read as _, Write as _};
use std::path::Path;

use nianbao::limits::DOCUMENT_BYTES_MAX;
use nianbao::pb::{DocumentHeader, ParseDocumentResponse, Report};
use nianbao::service;

use super::Error;

/// A larger file is refused before it is read.
pub(super) const FILE_BYTES_MAX: u64 = DOCUMENT_BYTES_MAX as u64;

/// The name for standard input.
pub(super) const STDIN: &str = "-";

/// What the names of reports end with.
pub(super) const REPORT_ENDINGS: [&str; 5] = [".json", ".docx", ".html", ".htm", ".txt"];

/// The files that are named, and in place of each folder the reports in it, ordered by name.
///
/// # Errors
/// `Read`, `NoReports`.
pub(super) fn reports(named: &[String]) -> Result<Vec<String>, Error> {
    let mut files = Vec::new();
    for name in named {
        if !Path::new(name).is_dir() {
            files.push(name.clone());
            continue;
        }
        let failed = |cause| Error::Read { file: name.clone(), cause };
        let mut found = Vec::new();
        for entry in fs::read_dir(name).map_err(failed)? {
            let path = entry.map_err(failed)?.path();
            if is_report(&path) {
                found.push(path.to_string_lossy().into_owned());
            }
        }
        if found.is_empty() {
            return Err(Error::NoReports { folder: name.clone() });
        }
        found.sort();
        files.extend(found);
    }
    Ok(files)
}

/// Whether a file in a folder is a report, by its name. A word processor leaves `~$…` beside what
/// it has open.
fn is_report(path: &Path) -> bool {
    let name = path.file_name().map(|name| name.to_string_lossy().to_lowercase());
    let name = name.unwrap_or_default();
    let hidden = name.starts_with('.') || name.starts_with("~$");
    !hidden && REPORT_ENDINGS.iter().any(|end| name.ends_with(end)) && path.is_file()
}

/// The bytes of a file, or of standard input for `-`.
///
/// # Errors
/// `Read`, `TooLarge`.
pub(super) fn read(file: &str) -> Result<Vec<u8>, Error> {
    let failed = |cause| Error::Read { file: file.to_owned(), cause };
    let mut bytes = Vec::new();
    // One byte more than what is taken tells that there is more, whatever the size says.
    let limit = FILE_BYTES_MAX + 1;
    if file == STDIN {
        io::stdin().lock().take(limit).read_to_end(&mut bytes).map_err(failed)?;
    } else {
        let opened = File::open(file).map_err(failed)?;
        let length = opened.metadata().map_err(failed)?.len();
        if length < limit {
            opened.take(limit).read_to_end(&mut bytes).map_err(failed)?;
        }
        if length >= limit {
            return Err(Error::TooLarge { file: file.to_owned() });
        }
    }
    if bytes.len() as u64 >= limit {
        return Err(Error::TooLarge { file: file.to_owned() });
    }
    Ok(bytes)
}

/// The report in a file: proto JSON, or any document that `parse` reads.
///
/// # Errors
/// `Read`, `TooLarge`, `NoReport`, `Document`.
pub(super) fn report(file: &str) -> Result<Report, Error> {
    let bytes = read(file)?;
    if is_json(&bytes) {
        return report_of_json(file, &bytes);
    }
    let answer = document(file, &bytes, DocumentHeader::default())?;
    Ok(answer.report.unwrap_or_default())
}

/// The report that JSON holds.
///
/// # Errors
/// `NoReport`.
pub(super) fn report_of_json(file: &str, bytes: &[u8]) -> Result<Report, Error> {
    let text = bytes.strip_prefix(b"\xEF\xBB\xBF").unwrap_or(bytes);
    serde_json::from_slice(text).map_err(|cause| Error::NoReport { file: file.to_owned(), cause })
}

/// What a document holds.
///
/// # Errors
/// `Document`.
pub(super) fn document(
    file: &str,
    bytes: &[u8],
    mut header: DocumentHeader,
) -> Result<ParseDocumentResponse, Error> {
    let name = Path::new(file).file_name().map(|n| n.to_string_lossy().into_owned());
    header.file_name = name.filter(|n| n != STDIN).unwrap_or_default();
    service::parse(&header, bytes).map_err(|cause| Error::Document { file: file.to_owned(), cause })
}

/// Whether the first character is that of a JSON object.
pub(super) fn is_json(bytes: &[u8]) -> bool {
    let text = bytes.strip_prefix(b"\xEF\xBB\xBF").unwrap_or(bytes);
    text.iter().find(|b| !b.is_ascii_whitespace()) == Some(&b'{')
}

/// Replaces a file in one step: after a crash it holds the old text or the new one.
///
/// # Errors
/// `Write`; the file is as before.
pub(super) fn replace(file: &str, text: &str) -> Result<(), Error> {
    let write = || -> io::Result<()> {
        // A link stays a link: what it points to is replaced.
        let target = fs::canonicalize(file)?;
        let folder = target.parent().unwrap_or(Path::new("."));
        let mut fresh = tempfile::Builder::new().prefix(".nianbao-").tempfile_in(folder)?;
        fresh.write_all(text.as_bytes())?;
        fresh.as_file().set_permissions(fs::metadata(&target)?.permissions())?;
        fresh.as_file().sync_all()?;
        fresh.persist(&target)?;
        Ok(())
    };
    write().map_err(|cause| Error::Write { file: file.to_owned(), cause })
}
