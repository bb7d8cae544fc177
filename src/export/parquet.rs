//! Parquet in long form: one row for each cell of a record that has a value or a stated blank. The
//! columns stand once, below; the schema of the file is made of them.

use std::fmt::Write as _;
use std::sync::Arc;

use parquet::basic::Compression;
use parquet::data_type::{
    BoolType, ByteArray, ByteArrayType, DataType, FixedLenByteArray, FixedLenByteArrayType,
    Int32Type,
};
use parquet::errors::ParquetError;
use parquet::file::metadata::KeyValue;
use parquet::file::properties::WriterProperties;
use parquet::file::writer::{SerializedColumnWriter, SerializedFileWriter};
use parquet::schema::parser::parse_message_type;
use rust_decimal::Decimal;

use super::columns::{basis, edition, kind, level, scope, state};
use super::failed;
use super::record::{Record, Source, What};
use crate::failure::Failure;
use crate::form::{self, Amount, CELLS};
use crate::pb::{Blank, ExportContent, Summing, Unit};

/// So many rows make a group, with what is left of the record in which they are reached: a group is
/// what readers take at a time, and what is in memory.
const GROUP_ROWS: usize = 1 << 16;
/// Of `value`. Money has no more decimals.
const SCALE: u32 = 6;
/// Says what the columns mean: it changes where their meaning does.
const FORMAT_VERSION: &str = "1";

/// A row: a record and a cell of it.
struct Row {
    record: Arc<Record>,
    /// Path and Chinese address of the cell, or of the table that was left blank.
    path: &'static str,
    address: &'static str,
    unit: Unit,
    summing: Summing,
    value: Option<i128>,
    text: Option<String>,
    given: Option<i32>,
    blank: Option<&'static str>,
}

/// How a column reads a row.
enum Reads {
    Text(fn(&Row) -> Option<String>),
    Whole(fn(&Row) -> Option<i32>),
    Truth(fn(&Row) -> Option<bool>),
    Value(fn(&Row) -> Option<i128>),
}

/// The columns.
const COLUMNS: &[(&str, Reads)] = &[
    ("organ", Reads::Text(|row| Some(row.record.organ.name.clone()))),
    ("display_name", Reads::Text(|row| Some(row.record.organ.display_name.clone()))),
    ("level", Reads::Text(|row| Some(level(row.record.organ.level).constant.to_owned()))),
    ("kind", Reads::Text(|row| Some(kind(row.record.organ.kind).constant.to_owned()))),
    ("sector", Reads::Text(|row| stated(&row.record.organ.sector))),
    ("division_code", Reads::Text(|row| stated(&row.record.organ.division_code))),
    ("year", Reads::Whole(|row| Some(row.record.year))),
    ("basis", Reads::Text(|row| Some(basis(row.record.basis).constant.to_owned()))),
    ("tree_year", Reads::Whole(|row| Some(row.record.tree_year))),
    ("group_key", Reads::Text(|row| row.record.group().map(|group| group.key.clone()))),
    ("group_label", Reads::Text(|row| row.record.group().map(|group| group.label.clone()))),
    (
        "scope",
        Reads::Text(|row| match row.record.what {
            What::Revision { scope: of, .. } => Some(scope(of).constant.to_owned()),
            What::Sum { .. } => None,
        }),
    ),
    (
        "edition",
        Reads::Text(|row| match row.record.what {
            What::Revision { .. } => Some(edition(row.record.report.edition()).constant.to_owned()),
            What::Sum { .. } => None,
        }),
    ),
    (
        "revision",
        Reads::Text(|row| match &row.record.what {
            What::Revision { name, .. } => Some(name.clone()),
            What::Sum { .. } => None,
        }),
    ),
    (
        "state",
        Reads::Text(|row| match row.record.what {
            What::Revision { state: of, .. } => Some(state(of).constant.to_owned()),
            What::Sum { .. } => None,
        }),
    ),
    (
        "as_published",
        Reads::Truth(|row| match row.record.what {
            What::Revision { as_published, .. } => Some(as_published),
            What::Sum { .. } => None,
        }),
    ),
    ("field_path", Reads::Text(|row| Some(row.path.to_owned()))),
    ("cell", Reads::Text(|row| Some(row.address.to_owned()))),
    ("part", Reads::Text(|row| row.path.split('.').next().map(str::to_owned))),
    ("unit", Reads::Text(|row| constant(row.unit.as_str_name(), "UNIT_"))),
    ("summing", Reads::Text(|row| constant(row.summing.as_str_name(), "SUMMING_"))),
    ("value", Reads::Value(|row| row.value)),
    ("text", Reads::Text(|row| row.text.clone())),
    ("given", Reads::Whole(|row| row.given)),
    ("blank_kind", Reads::Text(|row| row.blank.map(str::to_owned))),
];

fn stated(text: &str) -> Option<String> {
    (!text.is_empty()).then(|| text.to_owned())
}

fn constant(name: &str, prefix: &str) -> Option<String> {
    let word = name.strip_prefix(prefix).unwrap_or(name);
    stated(word).filter(|word| word != "UNSPECIFIED")
}

/// Writes one group of rows after another.
pub(super) struct Writer {
    /// `None` once it is closed.
    file: Option<SerializedFileWriter<Vec<u8>>>,
    rows: usize,
}

impl Writer {
    /// A file of these records.
    ///
    /// # Errors
    /// `Store` for what only a fault of this module can bring about.
    pub(super) fn new(source: &Source) -> Result<Self, Failure> {
        let schema = Arc::new(parse_message_type(&schema()).map_err(failed)?);
        let properties = WriterProperties::builder()
            .set_compression(Compression::UNCOMPRESSED)
            .set_created_by(format!("nianbao version {}", env!("CARGO_PKG_VERSION")))
            .set_key_value_metadata(Some(metadata(source)))
            .build();
        let file = SerializedFileWriter::new(Vec::new(), schema, Arc::new(properties));
        Ok(Writer { file: Some(file.map_err(failed)?), rows: 0 })
    }

    /// How many rows were written.
    pub(super) fn rows(&self) -> usize {
        self.rows
    }

    /// Appends the next group of rows, or the end of the file; false after that.
    ///
    /// # Errors
    /// `Store`, `Journal`.
    pub(super) fn write(
        &mut self,
        source: &mut Source,
        out: &mut Vec<u8>,
    ) -> Result<bool, Failure> {
        let Some(file) = &mut self.file else { return Ok(false) };
        let mut rows = Vec::new();
        while rows.len() < GROUP_ROWS {
            let Some(record) = source.next()? else { break };
            rows_of(record, &mut rows)?;
        }
        if rows.is_empty() {
            let file = self.file.take().map(SerializedFileWriter::into_inner);
            out.append(&mut file.transpose().map_err(failed)?.unwrap_or_default());
            return Ok(false);
        }
        write_group(file, &rows).map_err(failed)?;
        self.rows += rows.len();
        out.append(file.inner_mut());
        Ok(true)
    }
}

fn schema() -> String {
    let mut schema = String::from("message nianbao {\n");
    for (name, reads) in COLUMNS {
        let kind = match reads {
            Reads::Text(_) => format!("binary {name} (STRING)"),
            Reads::Whole(_) => format!("int32 {name}"),
            Reads::Truth(_) => format!("boolean {name}"),
            Reads::Value(_) => format!("fixed_len_byte_array(16) {name} (DECIMAL(38,{SCALE}))"),
        };
        // Writing into a string cannot fail.
        let _ = writeln!(schema, "  optional {kind};");
    }
    schema.push('}');
    schema
}

/// What holds for the whole file.
fn metadata(source: &Source) -> Vec<KeyValue> {
    let records = source.records();
    let content = match source.content() {
        ExportContent::Sums => "SUMS",
        ExportContent::Unspecified | ExportContent::Reports => "REPORTS",
    };
    let mut pairs = vec![
        ("nianbao.format_version".to_owned(), FORMAT_VERSION.to_owned()),
        ("nianbao.content".to_owned(), content.to_owned()),
        ("nianbao.organ".to_owned(), records.top.name.clone()),
        ("nianbao.position".to_owned(), records.position.clone()),
        ("nianbao.basis".to_owned(), basis(records.basis).constant.to_owned()),
    ];
    for year in &records.years {
        let (number, coverage) = (year.year, &year.coverage);
        pairs.push((format!("nianbao.{number}.tree_year"), year.tree_year.to_string()));
        pairs.push((format!("nianbao.{number}.expected"), coverage.expected.to_string()));
        pairs.push((format!("nianbao.{number}.included"), coverage.included.to_string()));
        pairs.push((format!("nianbao.{number}.missing"), coverage.missing.to_string()));
        pairs.push((format!("nianbao.{number}.revision_digest"), coverage.revision_digest.clone()));
        if year.groups_truncated {
            pairs.push((format!("nianbao.{number}.groups_truncated"), "true".to_owned()));
        }
    }
    pairs.into_iter().map(|(key, value)| KeyValue::new(key, value)).collect()
}

/// The rows of a record, in form order; tables that were left blank as a whole come last.
fn rows_of(record: Record, rows: &mut Vec<Row>) -> Result<(), Failure> {
    let record = Arc::new(record);
    let given = |path: &str| match &record.what {
        What::Revision { .. } => None,
        What::Sum { cells, .. } => {
            cells.iter().find(|cell| cell.field_path == path).map(|cell| cell.given)
        }
    };
    let blank = |path: &str| {
        let blanks = record.report.blanks.iter();
        blanks.filter(|blank| blank.field_path == path).map(blank_kind).next()
    };
    for cell in &CELLS {
        let amount = cell.get(&record.report);
        let blank = if amount.is_none() { blank(cell.path) } else { None };
        if amount.is_none() && blank.is_none() {
            continue;
        }
        let (value, text) = match amount {
            Some(Amount::Text(text)) => (None, Some(text)),
            Some(amount) => (Some(scaled(&amount, cell.path)?), None),
            None => (None, None),
        };
        rows.push(Row {
            path: cell.path,
            address: cell.address,
            unit: cell.unit(),
            summing: cell.summing(),
            value,
            text,
            given: given(cell.path),
            blank,
            record: record.clone(),
        });
    }
    for blank in record.report.blanks.iter().filter(|b| form::cell(&b.field_path).is_none()) {
        // A path that leads nowhere is no blank of the form; no door lets one in.
        let Some((_, place)) = form::place(&blank.field_path) else { continue };
        rows.push(Row {
            path: place.path,
            address: place.zh,
            unit: Unit::Unspecified,
            summing: Summing::Unspecified,
            value: None,
            text: None,
            given: None,
            blank: Some(blank_kind(blank)),
            record: record.clone(),
        });
    }
    Ok(())
}

fn blank_kind(blank: &Blank) -> &'static str {
    let name = blank.kind().as_str_name();
    name.strip_prefix("KIND_").unwrap_or(name)
}

/// A figure in 10⁻⁶.
fn scaled(amount: &Amount, path: &str) -> Result<i128, Failure> {
    let unreadable = || failed(format!("{path} holds {amount}"));
    let figure: Decimal = amount.to_string().parse().map_err(|_| unreadable())?;
    let missing = SCALE.checked_sub(figure.scale()).ok_or_else(unreadable)?;
    figure.mantissa().checked_mul(10_i128.pow(missing)).ok_or_else(unreadable)
}

fn write_group(file: &mut SerializedFileWriter<Vec<u8>>, rows: &[Row]) -> Result<(), ParquetError> {
    let mut group = file.next_row_group()?;
    let mut columns = COLUMNS.iter();
    while let Some(mut column) = group.next_column()? {
        let Some((_, reads)) = columns.next() else { break };
        match reads {
            Reads::Text(read) => put::<ByteArrayType>(&mut column, rows, |row| {
                read(row).map(|text| ByteArray::from(text.into_bytes()))
            })?,
            Reads::Whole(read) => put::<Int32Type>(&mut column, rows, read)?,
            Reads::Truth(read) => put::<BoolType>(&mut column, rows, read)?,
            Reads::Value(read) => put::<FixedLenByteArrayType>(&mut column, rows, |row| {
                read(row).map(|value| FixedLenByteArray::from(value.to_be_bytes().to_vec()))
            })?,
        }
        column.close()?;
    }
    group.close()?;
    Ok(())
}

/// Puts a column of which some rows may have nothing.
fn put<T: DataType>(
    column: &mut SerializedColumnWriter<'_>,
    rows: &[Row],
    read: impl Fn(&Row) -> Option<T::T>,
) -> Result<(), ParquetError> {
    let values: Vec<Option<T::T>> = rows.iter().map(read).collect();
    let present: Vec<i16> = values.iter().map(|value| value.is_some().into()).collect();
    let values: Vec<T::T> = values.into_iter().flatten().collect();
    column.typed::<T>().write_batch(&values, Some(&present), None)?;
    Ok(())
}

#[cfg(test)]
#[allow(clippy::cast_possible_truncation, reason = "six places at most")]
mod tests {
    use super::*;

    #[test]
    fn the_schema_can_be_read() {
        let schema = parse_message_type(&schema()).expect("a schema");
        assert_eq!(schema.get_fields().len(), COLUMNS.len());
    }

    proptest::proptest! {
        #[test]
        fn money_of_any_text_comes_back_as_it_was(
            text in "(0|[1-9][0-9]{0,11})([.][0-9]{1,6})?"
        ) {
            let kept = scaled(&Amount::Money(text.clone()), "a cell").expect("money of a report");
            let mut back = Decimal::from_i128_with_scale(kept, SCALE);
            back.rescale(text.split_once('.').map_or(0, |(_, places)| places.len() as u32));
            proptest::prop_assert_eq!(back.to_string(), text);
        }
    }

    #[test]
    fn figures_keep_each_unit_of_their_last_place() {
        let scaled = |amount| scaled(&amount, "a cell").ok();
        assert_eq!(scaled(Amount::Count(-3)), Some(-3_000_000));
        assert_eq!(scaled(Amount::Money("0.000001".to_owned())), Some(1));
        let largest = "999999999999.999999";
        assert_eq!(scaled(Amount::Money(largest.to_owned())), Some(999_999_999_999_999_999));
        assert_eq!(scaled(Amount::Money("0.0000001".to_owned())), None);
        assert_eq!(scaled(Amount::Text("元".to_owned())), None);
    }
}
