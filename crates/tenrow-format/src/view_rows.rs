//! The rows of a view: `spec/manifest.md`, "View".
//!
//! A Parquet file with one column, `_row`, in the order of the view: delta-encoded and compressed, so that rows in
//! ascending order take a few bits each, and rows in any order about as many as their number has.

use std::sync::Arc;

use arrow_array::cast::AsArray;
use arrow_array::types::Int64Type;
use arrow_array::{ArrayRef, Int64Array, RecordBatch};
use arrow_schema::{DataType, Field, Schema};
use bytes::Bytes;
use parquet::arrow::arrow_reader::ParquetRecordBatchReaderBuilder;
use parquet::arrow::arrow_writer::{ArrowWriter, ArrowWriterOptions};
use parquet::basic::{Compression, Encoding, ZstdLevel};
use parquet::file::properties::{EnabledStatistics, WriterProperties};

use crate::error::{FormatError, Result};
use crate::footer_check::check_footer;
use crate::guard::guarded;
use crate::limits;

const WHAT: &str = "view";
const COLUMN: &str = "_row";
/// Rows that are encoded, and decoded, at a time.
const BATCH_ROWS: usize = 1 << 16;

/// The stored form of a view's rows.
///
/// # Errors
/// [`FormatError::Limit`] if there are more than a view may have.
pub fn encode_view_rows(rows: &[u64]) -> Result<Vec<u8>> {
    check_count(rows.len() as u64)?;
    let schema = Arc::new(Schema::new(vec![Field::new(COLUMN, DataType::Int64, false)]));
    let properties = WriterProperties::builder()
        .set_dictionary_enabled(false)
        .set_encoding(Encoding::DELTA_BINARY_PACKED)
        .set_compression(Compression::ZSTD(ZstdLevel::default()))
        .set_statistics_enabled(EnabledStatistics::None)
        .set_max_row_group_row_count(Some(limits::MAX_ROW_GROUP_ROWS as usize))
        .set_offset_index_disabled(true)
        .set_created_by("tenrow".into())
        .build();
    let options =
        ArrowWriterOptions::new().with_properties(properties).with_skip_arrow_metadata(true);
    let write = || {
        let mut writer = ArrowWriter::try_new_with_options(Vec::new(), schema.clone(), options)?;
        for rows in rows.chunks(BATCH_ROWS) {
            let rows: ArrayRef =
                Arc::new(rows.iter().map(|&row| row as i64).collect::<Int64Array>());
            writer.write(&RecordBatch::try_new(schema.clone(), vec![rows])?)?;
        }
        writer.into_inner()
    };
    write().map_err(FormatError::parquet(WHAT))
}

/// Reads the stored form of `row_count` rows of a version that has `version_rows`.
///
/// # Errors
/// [`FormatError::Malformed`], [`FormatError::Limit`] or [`FormatError::Parquet`] if it is not what a writer wrote.
pub fn decode_view_rows(bytes: &Bytes, row_count: u64, version_rows: u64) -> Result<Vec<u64>> {
    check_count(row_count)?;
    check_footer(bytes)?;
    guarded(WHAT, || {
        let parquet = FormatError::parquet;
        let builder =
            ParquetRecordBatchReaderBuilder::try_new(bytes.clone()).map_err(parquet(WHAT))?;
        check_columns(builder.schema())?;
        let metadata = builder.metadata();
        let found = metadata.file_metadata().num_rows();
        if u64::try_from(found) != Ok(row_count) {
            return Err(malformed(format!("{found} rows, its root says {row_count}")));
        }
        let reader = builder.with_batch_size(BATCH_ROWS).build().map_err(parquet(WHAT))?;
        let mut rows = Vec::new();
        for batch in reader {
            let batch = batch.map_err(|e| FormatError::malformed(WHAT, e.to_string()))?;
            let found = batch.column(0).as_primitive::<Int64Type>().values();
            if rows.len() as u64 + found.len() as u64 > row_count {
                return Err(malformed(format!("more rows than the {row_count} of its footer")));
            }
            rows.extend(found.iter().map(|&row| row as u64));
        }
        match rows.iter().find(|&&row| row >= version_rows) {
            Some(row) => Err(malformed(format!("row {row} of a version of {version_rows}"))),
            None if rows.len() as u64 != row_count => {
                Err(malformed(format!("{} rows, its root says {row_count}", rows.len())))
            }
            None => Ok(rows),
        }
    })
}

fn check_count(found: u64) -> Result<()> {
    let limit = limits::MAX_VIEW_ROWS;
    match found > limit {
        true => Err(FormatError::Limit { what: "the rows of a view", found, limit }),
        false => Ok(()),
    }
}

fn check_columns(schema: &Schema) -> Result<()> {
    match schema.fields().as_ref() {
        [field] if field.name() == COLUMN && *field.data_type() == DataType::Int64 => Ok(()),
        _ => Err(malformed(format!("its columns are {schema}, expected {COLUMN}: Int64"))),
    }
}

fn malformed(reason: String) -> FormatError {
    FormatError::malformed(WHAT, reason)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn rows_come_back_in_their_order_with_duplicates() {
        for rows in [vec![], vec![7], vec![3, 1, 1, 9, 0], (0..70_000).rev().collect()] {
            let bytes = Bytes::from(encode_view_rows(&rows).unwrap());
            let found = decode_view_rows(&bytes, rows.len() as u64, 70_000).unwrap();
            assert_eq!(found, rows);
        }
    }

    #[test]
    fn ascending_rows_take_little() {
        let rows: Vec<u64> = (0..1 << 20).map(|row| row * 2).collect();
        let bytes = encode_view_rows(&rows).unwrap();
        assert!(bytes.len() < rows.len() / 50, "{} bytes", bytes.len());
    }

    #[test]
    fn a_view_that_does_not_fit_its_root_is_refused() {
        let bytes = Bytes::from(encode_view_rows(&[1, 5]).unwrap());
        assert!(decode_view_rows(&bytes, 3, 9).is_err());
        let error = decode_view_rows(&bytes, 2, 5).unwrap_err();
        assert_eq!(error.to_string(), "view: row 5 of a version of 5");
    }

    #[test]
    fn a_view_cut_or_changed_at_any_byte_is_an_error_or_other_rows() {
        let rows: Vec<u64> = (0..300).map(|row| row * row % 211).collect();
        let bytes = encode_view_rows(&rows).unwrap();
        for length in 0..bytes.len() {
            let cut = Bytes::copy_from_slice(&bytes[..length]);
            assert!(decode_view_rows(&cut, 300, 1000).is_err(), "cut at {length}");
        }
        for at in 0..bytes.len() {
            let mut changed = bytes.clone();
            changed[at] ^= 0x24;
            if let Ok(found) = decode_view_rows(&changed.into(), 300, 1000) {
                assert!(found.len() == 300 && found.iter().all(|&row| row < 1000));
            }
        }
    }
}
