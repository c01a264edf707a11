//! The columns of a file against its leaf: those of the attribute that they are listed for, in the type that it has.

use std::ops::Range;

use arrow_schema::Field;
use parquet::file::metadata::ParquetMetaData;

use crate::error::Error;
use crate::format::manifest::{Chunk, ChunkLayout};
use crate::format::partition::{arrow_schema_of, field_of_column};
use crate::format::{Attribute, TYPE_KEY};
use crate::snapshot::{LoadedPartition, OpenFile};
use crate::verify::check::Check;

impl Check {
    /// Checks all attributes of a file that this version knows, whether their values count there or not.
    pub(super) async fn columns(
        &mut self,
        partition: &LoadedPartition,
        number: usize,
        metadata: &ParquetMetaData,
        first_row: u64,
    ) {
        let file = partition.files()[number].clone();
        let schema = self.snapshot.schema().clone();
        // A column of an attribute that was dropped since is only checked as bytes of the file.
        for attribute in file.entry().field_ids.iter().filter_map(|&field| schema.stored(field)) {
            let place = partition.place_in(number, attribute.id);
            let columns = match file.columns(self.snapshot.storage(), metadata, &place) {
                Ok(columns) => columns,
                Err(error) => {
                    self.in_file(&file, first_row, &attribute, error.chain());
                    continue;
                }
            };
            if let Err(reason) = self.check_column(&file, metadata, &attribute, &columns) {
                self.in_file(&file, first_row, &attribute, reason);
                continue;
            }
            for row_group in 0..file.entry().row_groups.len() {
                for column in columns.clone() {
                    let chunk = partition.chunk(&place, row_group, column);
                    let start = first_row + file.row_map().start(row_group);
                    let found = match chunk {
                        Some(chunk) => {
                            let offset = column - columns.start;
                            self.chunk(&file, metadata, &attribute, chunk, offset).await
                        }
                        None => unlisted(&file, column),
                    };
                    if let Err((row, error)) = found {
                        self.in_file(&file, start + row, &attribute, error.chain());
                    }
                }
            }
        }
    }

    fn in_file(&mut self, file: &OpenFile, row: u64, attribute: &Attribute, reason: String) {
        let message = format!("attribute {:?}: {reason}", attribute.name);
        self.note(&file.entry().path, Some(row), message);
    }

    /// Whether the column is that of the attribute, as far as a file can say.
    fn check_column(
        &self,
        file: &OpenFile,
        metadata: &ParquetMetaData,
        attribute: &Attribute,
        columns: &Range<u32>,
    ) -> Result<(), String> {
        let file_metadata = metadata.file_metadata();
        let descriptor = file_metadata.schema_descr();
        if file.entry().foreign.is_some() {
            return Ok(());
        }
        let first = columns.start as usize;
        if columns.len() != attribute.column_count() {
            let expected = attribute.column_count();
            return Err(format!("{} columns in the file, expected {expected}", columns.len()));
        }
        let root = descriptor.get_column_root(first).name().to_owned();
        let arrow = arrow_schema_of(file_metadata).map_err(|error| error.to_string())?;
        let field = arrow.field(descriptor.get_column_root_idx(first));
        check_type(field, attribute)?;
        // The ids of what was merged are those of the dataset that it came from.
        let has_id = field_of_column(descriptor, first) == Some(attribute.id);
        let is_of_other =
            root != attribute.name && self.snapshot.schema().attribute(&root).is_some();
        if !has_id && is_of_other {
            return Err(format!("its leaf has it in column {first}, which is that of {root:?}"));
        }
        Ok(())
    }
}

fn check_type(field: &Field, attribute: &Attribute) -> Result<(), String> {
    let mark = |nullable| if nullable { "?" } else { "" };
    let expected = attribute.type_text();
    let Some(found) = field.metadata().get(TYPE_KEY) else {
        return Err(format!("its column names no {TYPE_KEY}, expected {expected}"));
    };
    let found = format!("{found}{}", mark(field.is_nullable()));
    let same = found == expected
        && field.data_type().equals_datatype(&attribute.attribute_type.arrow_type());
    if same {
        return Ok(());
    }
    Err(format!("{found} ({}) in the file, expected {expected}", field.data_type()))
}

fn unlisted(file: &OpenFile, column: u32) -> Result<(), (u64, Error)> {
    match file.entry().foreign {
        // Nothing else says which column of a foreign file is which attribute.
        Some(_) => {
            let reason = format!("its leaf lists no chunk of column {column} of a foreign file");
            Err((0, Error::corrupt("a row group", reason)))
        }
        None => Ok(()),
    }
}

/// Whether the leaf has the offset index of a chunk where the footer has it.
pub(super) fn check_offset_index(chunk: &Chunk, metadata: &ParquetMetaData) -> Result<(), String> {
    let group = metadata.row_groups().get(chunk.row_group as usize);
    let Some(parquet) = group.and_then(|group| group.columns().get(chunk.column as usize)) else {
        return Err("the file has no such chunk".into());
    };
    let ChunkLayout::Indexed { offset_index: Some(listed) } = &chunk.layout else { return Ok(()) };
    let found = parquet.offset_index_offset().zip(parquet.offset_index_length());
    let found = found.map(|(start, len)| start..start.saturating_add(i64::from(len)));
    let same = found.as_ref().is_some_and(|found| {
        u64::try_from(found.start) == Ok(listed.start) && u64::try_from(found.end) == Ok(listed.end)
    });
    match same {
        true => Ok(()),
        false => Err(format!("its offset index is at {found:?}, but its leaf says {listed:?}")),
    }
}
