//! Parquet files of others, made partitions where they are: nothing is copied, nothing rewritten.

use std::collections::HashMap;
use std::fs::File;
use std::io::Read;
use std::path::Path;

use arrow_array::{Array, ArrayRef, cast::AsArray, types::Int64Type};
use bytes::Bytes;
use parquet::errors::ParquetError;
use parquet::file::metadata::ParquetMetaData;

use crate::blocking;
use crate::content::misstated;
use crate::error::{Error, Result};
use crate::format::layout::{ObjectKind, Removal};
use crate::format::manifest::{Chunk, ChunkLayout, DataFile, ForeignFile, Partition};
use crate::format::partition::decode_footer;
use crate::format::{Attribute, AttributeType, Checksum, FieldId, FormatError, Schema, limits};
use crate::read::{ColumnReader, ReadOptions};
use crate::snapshot::{LoadedPartition, Snapshot};
use crate::storage::{modified_ns, open_regular};
use crate::write::DatasetWriter;
use crate::write::foreign_pages::check_pages;
use crate::write::split::KeyTuple;

const READ_BYTES: u64 = 4 << 20;
/// Rows of a file attribute that are looked at together.
const ROWS_AT_ONCE: usize = 64;

impl DatasetWriter {
    /// Adds a Parquet file where it is: its rows become rows of the dataset, its bytes stay its own.
    ///
    /// Size, time and checksum are recorded; reading it after it was changed is an error. Columns are
    /// found by `columns`, from attribute name to column name, else by the attribute's own name. A file without rows
    /// is checked, and adds nothing.
    ///
    /// # Errors
    /// [`InvalidInput`](crate::ErrorKind::InvalidInput) if a column is missing, if a row of a file attribute has no bytes,
    /// or if the file is an object of a dataset, which may remove it: merge that dataset instead;
    /// [`Corrupt`](crate::ErrorKind::Corrupt) if it is no Parquet file, or a page is not what its checksum says; [`Io`](crate::ErrorKind::Io).
    pub async fn append_in_place(
        &mut self,
        path: impl AsRef<Path>,
        columns: &HashMap<String, String>,
    ) -> Result<()> {
        self.check_usable()?;
        let path = path.as_ref();
        let absolute = std::fs::canonicalize(path)
            .map_err(|error| Error::io(format!("cannot read {}", path.display()), error))?;
        check_apart(&absolute)?;
        let schema = self.schema.clone();
        let columns = columns.clone();
        let file = blocking::run(move || index(&absolute, &schema, &columns)).await?;
        let row_count: u64 = file.row_groups.iter().sum();
        if row_count == 0 {
            return Ok(());
        }
        let partition = Partition { row_count, files: vec![file], ..Partition::default() };
        check_files(self.base.clone(), self.schema.clone(), &partition).await?;
        self.closed.push((KeyTuple::none(), partition));
        self.row_count += row_count;
        Ok(())
    }
}

/// Refuses rows of file attributes without bytes, or with other ones than they say: in a file of others, a path names
/// nothing that is kept.
async fn check_files(base: Snapshot, schema: Schema, partition: &Partition) -> Result<()> {
    let files = |a: &&Attribute| a.attribute_type == AttributeType::File;
    let loaded = LoadedPartition::new(partition.clone());
    let options = ReadOptions::default();
    for attribute in schema.attributes().iter().filter(files) {
        let reader = ColumnReader::new(&base, attribute, &loaded, &options);
        let mut first_row = 0;
        for (row_group, &rows) in partition.files[0].row_groups.iter().enumerate() {
            for start in (0..rows).step_by(ROWS_AT_ONCE) {
                let range = start..rows.min(start + ROWS_AT_ONCE as u64);
                let column = reader.read(row_group, std::slice::from_ref(&range)).await?;
                if let Some((row, reason)) = fault_of_row(&column) {
                    return Err(Error::invalid(format!(
                        "{}: row {} of {:?}: {reason}",
                        partition.files[0].path,
                        first_row + start + row as u64,
                        attribute.name,
                    )));
                }
            }
            first_row += rows;
        }
    }
    Ok(())
}

/// The first row of a file column that has no bytes, or says something else of them than what they are.
fn fault_of_row(column: &ArrayRef) -> Option<(usize, String)> {
    let files = column.as_struct();
    let (bytes, paths) = (files.column(0).as_binary::<i32>(), files.column(1).as_string::<i32>());
    let sizes = files.column(4).as_primitive::<Int64Type>();
    let hashes = files.column(5).as_string::<i32>();
    (0..files.len()).filter(|&row| files.is_valid(row)).find_map(|row| {
        if bytes.is_null(row) {
            let path = paths.is_valid(row).then(|| paths.value(row));
            let named = path.map(|path| format!(", only the path {path:?}")).unwrap_or_default();
            let reason = "nothing would keep that file; import the files themselves";
            return Some((row, format!("it has no bytes{named}: {reason}")));
        }
        let size = sizes.is_valid(row).then(|| sizes.value(row));
        let hash = hashes.is_valid(row).then(|| hashes.value(row));
        let reason = misstated(bytes.value(row), size, hash)?;
        Some((row, format!("{reason}: import it without --in-place, which writes what is so")))
    })
}

/// Refuses an object of a dataset, which that one removes once none of its own versions names it; also where it has lost its
/// versions, for it may get others.
fn check_apart(path: &Path) -> Result<()> {
    for folder in path.ancestors().skip(1) {
        let below = path.strip_prefix(folder).ok().and_then(Path::to_str);
        // What a dataset keeps for good, as its own notes, it does not remove either.
        let is_removed = |kind: ObjectKind| kind.removal() == Removal::Unnamed;
        if !below.and_then(ObjectKind::of).is_some_and(is_removed) {
            continue;
        }
        let (path, folder_name) = (path.display(), folder.display());
        return Err(Error::invalid(match folder.join(ObjectKind::Root.folder()).is_dir() {
            true => format!(
                "{path} belongs to the dataset {folder_name}, which removes it with the versions that need it: merge or clone that dataset instead"
            ),
            false => format!(
                "{path} is named as an object of a dataset in {folder_name}, and would be removed by one that is made there: rename it, or import it without --in-place"
            ),
        }));
    }
    Ok(())
}

fn index(path: &Path, schema: &Schema, columns: &HashMap<String, String>) -> Result<DataFile> {
    let Some(shown) = path.to_str().map(str::to_owned) else {
        return Err(Error::invalid(format!(
            "{} is not named in Unicode, and the dataset could not name it: rename it, or the folder",
            path.display()
        )));
    };
    let failed = |error| Error::io(format!("cannot read {shown}"), error);
    let mut file = open_regular(path).map_err(failed)?;
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
    let (tail, metadata) = read_footer(&file, size_bytes, &shown)?;
    check_pages(&file, &metadata, &shown)?;
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

/// Footer, with the page indexes that stand before it, and the bytes from there to the end.
fn read_footer(file: &File, size: u64, shown: &str) -> Result<(Bytes, ParquetMetaData)> {
    let not_parquet = || Error::corrupt(shown.to_owned(), "it is not a Parquet file");
    let end = read_tail(file, size, 8, shown)?;
    let Some(&[a, b, c, d, b'P', b'A', b'R', b'1']) = end.first_chunk() else {
        return Err(not_parquet());
    };
    let mut len = u64::from(u32::from_le_bytes([a, b, c, d])) + 8;
    loop {
        if len > size {
            return Err(not_parquet());
        }
        if len > limits::MAX_FOOTER_BYTES {
            let reason = format!("{len} bytes of footer and page indexes");
            return Err(Error::corrupt(shown.to_owned(), reason));
        }
        let tail = read_tail(file, size, len, shown)?;
        match decode_footer(&tail, size) {
            Ok(metadata) => return Ok((tail, metadata)),
            // The footer names page indexes before it: once more, with these.
            Err(FormatError::Parquet { source: ParquetError::NeedMoreData(needed), .. })
                if needed as u64 > len =>
            {
                len = needed as u64;
            }
            Err(error) => return Err(Error::format(shown, error)),
        }
    }
}

fn read_tail(file: &File, size: u64, len: u64, shown: &str) -> Result<Bytes> {
    use std::os::unix::fs::FileExt;
    let start = size
        .checked_sub(len)
        .ok_or_else(|| Error::corrupt(shown.to_owned(), "it is not a Parquet file"))?;
    let mut bytes = vec![0; len as usize];
    file.read_exact_at(&mut bytes, start)
        .map_err(|error| Error::io(format!("cannot read {shown}"), error))?;
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
