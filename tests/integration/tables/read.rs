//! Readers of exported files.

use std::collections::BTreeMap;
use std::io::{Cursor, Read as _};

use calamine::{Data, Reader as _, Xlsx};
use parquet::file::reader::{FileReader as _, SerializedFileReader};
use parquet::record::Field;
use rust_decimal::Decimal;

/// The lines of a CSV file, by their heads.
pub fn csv_rows(bytes: &[u8]) -> Vec<BTreeMap<String, String>> {
    let text = bytes.strip_prefix(b"\xEF\xBB\xBF").expect("a mark");
    assert!(text.ends_with(b"\r\n"));
    let mut reader = csv::Reader::from_reader(text);
    let heads = reader.headers().expect("a head").clone();
    let row = |record: csv::StringRecord| {
        assert_eq!(record.len(), heads.len());
        heads.iter().zip(&record).map(|(head, field)| (head.into(), field.into())).collect()
    };
    reader.records().map(|record| row(record.expect("a line"))).collect()
}

/// A table in long form.
pub struct Long {
    pub metadata: BTreeMap<String, String>,
    pub rows: Vec<Row>,
}

/// A row of it.
#[derive(Debug, Default)]
pub struct Row {
    pub organ: String,
    pub display_name: String,
    pub year: i32,
    pub group_key: Option<String>,
    pub revision: String,
    pub field_path: String,
    pub cell: String,
    pub value: Option<Decimal>,
    pub text: Option<String>,
    pub given: Option<i32>,
    pub blank_kind: Option<String>,
}

/// The rows of a Parquet file.
pub fn long(bytes: &[u8]) -> Long {
    let reader = SerializedFileReader::new(bytes::Bytes::copy_from_slice(bytes)).expect("a file");
    let pairs = reader.metadata().file_metadata().key_value_metadata().expect("metadata");
    let metadata = pairs.iter().map(|p| (p.key.clone(), p.value.clone().unwrap_or_default()));
    let metadata = metadata.collect();
    let rows = reader.get_row_iter(None).expect("rows").map(|row| {
        let mut out = Row::default();
        for (name, field) in row.expect("a row").get_column_iter() {
            let text = || match field {
                Field::Str(text) => Some(text.clone()),
                Field::Null => None,
                other => panic!("{name}: {other:?}"),
            };
            match (name.as_str(), field) {
                ("organ", _) => out.organ = text().expect("an organ"),
                ("display_name", _) => out.display_name = text().expect("a name"),
                ("year", Field::Int(year)) => out.year = *year,
                ("group_key", _) => out.group_key = text(),
                ("revision", _) => out.revision = text().unwrap_or_default(),
                ("field_path", _) => out.field_path = text().expect("a path"),
                ("cell", _) => out.cell = text().expect("an address"),
                ("text", _) => out.text = text(),
                ("given", Field::Int(given)) => out.given = Some(*given),
                ("blank_kind", _) => out.blank_kind = text(),
                ("value", Field::Decimal(value)) => {
                    assert_eq!((value.precision(), value.scale()), (38, 6));
                    let number = value.data().try_into().map(i128::from_be_bytes);
                    let number = number.expect("sixteen bytes");
                    out.value = Some(Decimal::from_i128_with_scale(number, 6));
                }
                _ => {}
            }
        }
        out
    });
    let rows = rows.collect();
    Long { metadata, rows }
}

/// A workbook.
pub struct Sheets<'a> {
    bytes: &'a [u8],
    pub names: Vec<String>,
}

impl<'a> Sheets<'a> {
    pub fn open(bytes: &'a [u8]) -> Self {
        let book = Xlsx::new(Cursor::new(bytes)).expect("a workbook");
        Sheets { bytes, names: book.sheet_names() }
    }

    /// What its cells hold, row by row.
    fn cells(&self, sheet: &str) -> Vec<Vec<Data>> {
        let mut book: Xlsx<_> = Xlsx::new(Cursor::new(self.bytes)).expect("a workbook");
        let range = book.worksheet_range(sheet).expect("a sheet");
        range.rows().map(<[Data]>::to_vec).collect()
    }

    /// The texts of a sheet.
    pub fn texts(&self, sheet: &str) -> Vec<String> {
        let cells = self.cells(sheet).into_iter().flatten();
        let texts = cells.filter_map(|cell| match cell {
            Data::String(text) if !text.is_empty() => Some(text),
            _ => None,
        });
        texts.collect()
    }

    /// The figures of a sheet from its tables on, in the order in which one reads them: numbers,
    /// and texts that stand for one.
    pub fn figures(&self, sheet: &str) -> Vec<String> {
        let rows = self.cells(sheet).into_iter().skip(3).flatten();
        let figures = rows.filter_map(|cell| match cell {
            Data::Float(number) => Some(plain(&number.to_string())),
            Data::Int(number) => Some(number.to_string()),
            Data::String(text) if text == "/" || text.parse::<Decimal>().is_ok() => Some(text),
            _ => None,
        });
        figures.collect()
    }

    /// The merged boxes of the sheet of that number, from 1.
    pub fn merges(&self, number: usize) -> Vec<String> {
        let mut archive = zip::ZipArchive::new(Cursor::new(self.bytes)).expect("a container");
        let name = format!("xl/worksheets/sheet{number}.xml");
        let (mut text, mut part) = (String::new(), archive.by_name(&name).expect("a part"));
        part.read_to_string(&mut text).expect("text");
        let merges = text.split("<mergeCell ref=\"").skip(1);
        merges.filter_map(|rest| rest.split('"').next().map(str::to_owned)).collect()
    }
}

fn plain(number: &str) -> String {
    number.parse::<Decimal>().expect("a number").normalize().to_string()
}
