//! Parquet files of others, made partitions where they are: nothing is copied, nothing rewritten.

use std::collections::HashMap;
use std::io::Read;
use std::path::Path;

use bytes::Bytes;
use parquet::file::metadata::ParquetMetaData;

use crate::blocking;
use crate::error::{Error, Result};
use crate::format::manifest::{Chunk, ChunkLayout, DataFile, ForeignFile, Partition};
use crate::format::partition::decode_footer;
use crate::format::{Attribute, Checksum, FieldId, Schema};
use crate::storage::modified_ns;
use crate::write::DatasetWriter;
use crate::write::split::KeyTuple;

const READ_BYTES: u64 = 4 << 20;

impl DatasetWriter {
    /// Adds a Parquet file where it is: its rows become rows of the dataset, its bytes stay its own.
    ///
    /// Size, time and checksum are recorded; reading it after it was changed is an error. Columns are
    /// found by `columns`, from attribute name to column name, else by the attribute's own name.
    ///
    /// # Errors
    /// [`InvalidInput`](crate::ErrorKind::InvalidInput) if a column is missing;
    /// [`Corrupt`](crate::ErrorKind::Corrupt) if it is no Parquet file; [`Io`](crate::ErrorKind::Io).
    pub async fn append_in_place(
        &mut self,
        path: impl AsRef<Path>,
        columns: &HashMap<String, String>,
    ) -> Result<()> {
        self.check_usable()?;
        let path = path.as_ref();
        let absolute = std::fs::canonicalize(path)
            .map_err(|error| Error::io(format!("cannot read {}", path.display()), error))?;
        let schema = self.base.schema().clone();
        let columns = columns.clone();
        let file = blocking::run(move || index(&absolute, &schema, &columns)).await?;
        let row_count: u64 = file.row_groups.iter().sum();
        let partition = Partition { row_count, files: vec![file], ..Partition::default() };
        self.finished.push((KeyTuple::none(), partition));
        self.row_count += row_count;
        Ok(())
    }
}

fn index(path: &Path, schema: &Schema, columns: &HashMap<String, String>) -> Result<DataFile> {
    let shown = path.display().to_string();
    let failed = |error| Error::io(format!("cannot read {shown}"), error);
    let mut file = std::fs::File::open(path).map_err(failed)?;
    let before = file.metadata().map_err(failed)?;
    let size_bytes = before.len();
    let mut checksum = Checksum::new();
    let mut piece = Vec::new();
    loop {
        piece.clear();
        (&mut file).take(READ_BYTES).read_to_end(&mut piece).map_err(failed)?;
        if piece.is_empty() {
            break;
        }
        checksum.write(&piece);
    }
    let tail = tail(&file, size_bytes, &shown)?;
    let metadata = decode_footer(&tail, size_bytes).map_err(|e| Error::format(shown.clone(), e))?;
    let after = file.metadata().map_err(failed)?;
    if modified_ns(&before) != modified_ns(&after) || before.len() != after.len() {
        return Err(Error::invalid(format!("{shown} changed while it was read")));
    }
    let mut chunks = Vec::new();
    for attribute in schema.attributes() {
        let column = columns.get(&attribute.name).unwrap_or(&attribute.name);
        chunks.extend(chunks_of(&metadata, attribute, column).ok_or_else(|| {
            Error::invalid(format!(
                "{shown} has no column {column:?} for attribute {:?}",
                attribute.name
            ))
        })?);
    }
    Ok(DataFile {
        path: shown,
        foreign: Some(ForeignFile { modified_ns: modified_ns(&after) }),
        size_bytes,
        checksum: checksum.finish(),
        footer_bytes: tail.len() as u64,
        sequence: None,
        field_ids: schema.attributes().iter().map(|a| a.id).collect::<Vec<FieldId>>(),
        row_groups: metadata.row_groups().iter().map(|g| g.num_rows().max(0) as u64).collect(),
        chunks,
    })
}

/// Page indexes, as far as they stand right before it, and footer.
fn tail(file: &std::fs::File, size: u64, shown: &str) -> Result<Bytes> {
    use std::os::unix::fs::FileExt;
    let failed = |error| Error::io(format!("cannot read {shown}"), error);
    let not_parquet = || Error::corrupt(shown.to_owned(), "it is not a Parquet file");
    let mut end = [0u8; 8];
    let at = size.checked_sub(12).ok_or_else(not_parquet)? + 4;
    file.read_exact_at(&mut end, at).map_err(failed)?;
    if &end[4..] != b"PAR1" {
        return Err(not_parquet());
    }
    let footer = u64::from(u32::from_le_bytes([end[0], end[1], end[2], end[3]])) + 8;
    if footer > size {
        return Err(not_parquet());
    }
    let mut bytes = vec![0; footer as usize];
    file.read_exact_at(&mut bytes, size - footer).map_err(failed)?;
    Ok(bytes.into())
}

/// The chunks of the column called `name` in all row groups.
fn chunks_of(metadata: &ParquetMetaData, attribute: &Attribute, name: &str) -> Option<Vec<Chunk>> {
    let descriptor = metadata.file_metadata().schema_descr();
    let columns: Vec<u32> = (0..descriptor.num_columns())
        .filter(|&i| descriptor.get_column_root(i).name() == name)
        .map(|i| i as u32)
        .collect();
    if columns.is_empty() {
        return None;
    }
    let groups = 0..metadata.num_row_groups() as u32;
    let chunk = |row_group, column| Chunk {
        field: attribute.id,
        row_group,
        column,
        layout: ChunkLayout::Indexed { offset_index: None },
    };
    Some(groups.flat_map(|group| columns.iter().map(move |&column| chunk(group, column))).collect())
}
