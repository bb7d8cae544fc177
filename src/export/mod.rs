//! Reports and sums as files: CSV, workbooks in the official layout, Parquet in long form. It knows
//! nothing of gRPC.
//!
//! An export lists its records first, at one position, and reads their figures afterwards, one
//! record after another: what it lists takes some bytes a record, and of the figures never more
//! than a piece is in memory, a row group of Parquet, or a whole workbook, which is why a workbook
//! has a limit of sheets.
//!
//! `record` says what a record is, `columns` what of it stands beside its figures; `csv` and
//! `parquet` write them; `xlsx` writes the official tables as `crate::layout` places them.

mod record;
mod columns;
mod csv;
mod parquet;
mod xlsx;

use std::mem::take;

use sha2::{Digest as _, Sha256};

use crate::archive::Archive;
use crate::failure::Failure;
use crate::limits::{EXPORT_CHUNK_BYTES_MAX, EXPORT_SHEETS_MAX};
use crate::pb::{
    ExportContent, ExportFormat, ExportHeader, ExportHeads, ExportTrailer, ExportYear,
};
use crate::query::hex;
use crate::rollup::{Items, Records};
use record::Source;

/// The next of a file.
#[derive(Clone, Debug, PartialEq)]
pub enum Piece {
    /// Bytes, as many as one message may have.
    Data(Vec<u8>),
    /// The file is whole.
    End(ExportTrailer),
}

/// A file that is being made.
pub struct Export {
    source: Source,
    writer: Writer,
    /// Written, and not given away yet.
    pending: Vec<u8>,
    written: bool,
    ended: bool,
    digest: Sha256,
    size: usize,
}

/// What makes the bytes.
enum Writer {
    Csv(csv::Writer),
    Xlsx(xlsx::Writer),
    Parquet(parquet::Writer),
}

impl Export {
    /// Begins a file of what was listed.
    ///
    /// # Errors
    /// `ExportTooLarge` for a workbook of too many sheets; `Store`.
    pub fn new(
        archive: Archive,
        records: Records,
        format: ExportFormat,
        heads: ExportHeads,
    ) -> Result<Self, Failure> {
        let source = Source::new(archive, records);
        let writer = match format {
            ExportFormat::Unspecified | ExportFormat::Csv => {
                Writer::Csv(csv::Writer::new(heads, source.content()))
            }
            ExportFormat::Xlsx if source.len() > EXPORT_SHEETS_MAX => {
                let (limit, value) = ("export_sheets_max", EXPORT_SHEETS_MAX);
                return Err(Failure::ExportTooLarge { limit, value });
            }
            ExportFormat::Xlsx => Writer::Xlsx(xlsx::Writer::new()),
            ExportFormat::Parquet => Writer::Parquet(parquet::Writer::new(&source)?),
        };
        let (pending, digest) = (Vec::new(), Sha256::new());
        Ok(Export { source, writer, pending, written: false, ended: false, digest, size: 0 })
    }

    /// What the file will hold.
    pub fn header(&self) -> ExportHeader {
        let records = self.source.records();
        let (ending, media_type) = match self.writer {
            Writer::Csv(_) => ("csv", "text/csv; charset=utf-8"),
            Writer::Xlsx(_) => {
                ("xlsx", "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet")
            }
            Writer::Parquet(_) => ("parquet", "application/vnd.apache.parquet"),
        };
        let years = records.years.iter().map(|year| ExportYear {
            year: year.year,
            tree_year: year.tree_year,
            coverage: Some(year.coverage.clone()),
            groups_truncated: year.groups_truncated,
        });
        ExportHeader {
            file_name: format!("{}.{ending}", stem(records)),
            media_type: media_type.to_owned(),
            position: records.position.clone(),
            basis: records.basis as i32,
            records: i64::try_from(self.source.len()).unwrap_or(i64::MAX),
            years: years.collect(),
        }
    }

    /// The next of the file; `None` after its end.
    ///
    /// # Errors
    /// `Store`, `Journal`.
    pub fn advance(&mut self) -> Result<Option<Piece>, Failure> {
        if self.ended {
            return Ok(None);
        }
        while !self.written && self.pending.len() < EXPORT_CHUNK_BYTES_MAX {
            let more = match &mut self.writer {
                Writer::Csv(writer) => writer.write(&mut self.source, &mut self.pending)?,
                Writer::Xlsx(writer) => writer.write(&mut self.source, &mut self.pending)?,
                Writer::Parquet(writer) => writer.write(&mut self.source, &mut self.pending)?,
            };
            self.written = !more;
        }
        if self.pending.is_empty() {
            self.ended = true;
            return Ok(Some(Piece::End(self.trailer())));
        }
        let rest = self.pending.split_off(self.pending.len().min(EXPORT_CHUNK_BYTES_MAX));
        let piece = std::mem::replace(&mut self.pending, rest);
        self.digest.update(&piece);
        self.size += piece.len();
        Ok(Some(Piece::Data(piece)))
    }

    fn trailer(&mut self) -> ExportTrailer {
        let rows = match &self.writer {
            Writer::Csv(_) | Writer::Xlsx(_) => self.source.len(),
            Writer::Parquet(writer) => writer.rows(),
        };
        ExportTrailer {
            size_bytes: i64::try_from(self.size).unwrap_or(i64::MAX),
            rows: i64::try_from(rows).unwrap_or(i64::MAX),
            sha256: hex(&take(&mut self.digest).finalize()),
        }
    }
}

/// The name of the file without its ending: what is in it.
fn stem(records: &Records) -> String {
    let organ = records.top.name.trim_start_matches("organs/");
    let years: Vec<String> = records.years.iter().map(|year| year.year.to_string()).collect();
    let content = match records.items {
        Items::Reports(_) => "reports",
        Items::Sums(_) => "sums",
    };
    format!("{organ}-{}-{content}", years.join("-"))
}

fn content(items: &Items) -> ExportContent {
    match items {
        Items::Reports(_) => ExportContent::Reports,
        Items::Sums(_) => ExportContent::Sums,
    }
}

/// What only a fault of a writer can bring about.
fn failed(cause: impl std::fmt::Display) -> Failure {
    Failure::Store(format!("a file cannot be written: {cause}"))
}
