//! What a version's attributes take on disk.

use std::collections::BTreeSet;
use std::sync::Arc;

use futures::{StreamExt, TryStreamExt, stream};
use parquet::file::metadata::ParquetMetaData;

use crate::error::Result;
use crate::format::manifest::ChunkLayout;
use crate::format::{Attribute, AttributeType};
use crate::snapshot::{LoadedPartition, Snapshot};

/// Sizes of a version; made by [`Snapshot::inspect`].
///
/// ```
/// # futures::executor::block_on(async {
/// # use tenrow::{Attribute, Columns, Dataset, Schema};
/// # let schema = Schema::new([Attribute::parse("label:i64")?])?;
/// # let dataset = Dataset::create("memory://docs/inspection", schema).await?;
/// # let mut writer = dataset.writer().await?;
/// # writer.append_columns(Columns::new().scalars("label", [4i64, 5, 4])).await?;
/// # let snapshot = writer.commit().await?;
/// let sizes = snapshot.inspect().await?;
/// assert_eq!(sizes.attributes.len(), 1);
/// assert_eq!(sizes.files_bytes, snapshot.size_bytes());
/// # Ok::<(), tenrow::Error>(()) }).unwrap();
/// ```
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct Inspection {
    /// Each attribute, in the order of the schema.
    pub attributes: Vec<AttributeSize>,
    /// Bytes of all Parquet files, footers and projections included.
    pub files_bytes: u64,
    /// Objects of their own that hold large files.
    pub external_file_count: u64,
    /// Bytes of these objects.
    pub external_bytes: u64,
}

/// Requests for the size of an object under way at once.
const MAX_CONCURRENCY: usize = 16;

/// The sizes of one attribute.
///
/// ```
/// # futures::executor::block_on(async {
/// # use tenrow::{Attribute, Columns, Dataset, Schema};
/// # let schema = Schema::new([Attribute::parse("label:i64")?])?;
/// # let dataset = Dataset::create("memory://docs/attributesize", schema).await?;
/// # let mut writer = dataset.writer().await?;
/// # writer.append_columns(Columns::new().scalars("label", [4i64, 5, 4])).await?;
/// # let snapshot = writer.commit().await?;
/// let label = &snapshot.inspect().await?.attributes[0];
/// assert_eq!((label.name.as_str(), label.raw_bytes), ("label", 3 * 8));
/// # Ok::<(), tenrow::Error>(()) }).unwrap();
/// ```
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct AttributeSize {
    /// Its name.
    pub name: String,
    /// Bytes of its column chunks on disk, those of projections included.
    pub stored_bytes: u64,
    /// Bytes of its values as arrays in memory; for text, lists and structs, of its pages once
    /// decompressed.
    pub raw_bytes: u64,
    /// Rows of partitions that lack it: its default or null is read for them.
    pub unfilled_rows: u64,
    /// Rows whose file has it in the narrower type that it had then.
    pub narrower_rows: u64,
    /// Rows whose file has it under another name.
    pub renamed_rows: u64,
}

impl Snapshot {
    /// The bytes that every attribute takes. Reads the footer of every file, and asks for the
    /// size of every large one.
    ///
    /// # Errors
    /// [`Corrupt`](crate::ErrorKind::Corrupt) or [`Io`](crate::ErrorKind::Io), naming the file.
    pub async fn inspect(&self) -> Result<Inspection> {
        let size = |attribute: &Attribute| AttributeSize {
            name: attribute.name.clone(),
            stored_bytes: 0,
            raw_bytes: 0,
            unfilled_rows: 0,
            narrower_rows: 0,
            renamed_rows: 0,
        };
        let mut attributes: Vec<_> = self.schema().attributes().iter().map(size).collect();
        let mut external_files = BTreeSet::new();
        let mut partitions = self.partitions();
        while let Some(partition) = partitions.try_next().await? {
            external_files.extend(partition.entry().external_files.iter().cloned());
            for (attribute, size) in self.schema().attributes().iter().zip(&mut attributes) {
                self.add_sizes(&partition, attribute, size).await?;
            }
        }
        Ok(Inspection {
            attributes,
            files_bytes: self.size_bytes(),
            external_file_count: external_files.len() as u64,
            external_bytes: self.external_bytes(external_files).await?,
        })
    }

    async fn external_bytes(&self, paths: BTreeSet<String>) -> Result<u64> {
        let size = |path: String| async move {
            self.storage().size(&path).await.map_err(self.storage().missing(&path))
        };
        stream::iter(paths)
            .map(size)
            .buffer_unordered(MAX_CONCURRENCY)
            .try_fold(0, |sum, size| async move { Ok(sum + size) })
            .await
    }

    async fn add_sizes(
        &self,
        partition: &Arc<LoadedPartition>,
        attribute: &Attribute,
        size: &mut AttributeSize,
    ) -> Result<()> {
        let place = partition.column(attribute);
        let live_rows = partition.entry().live_rows();
        if place.is_none() {
            size.unfilled_rows += live_rows;
        }
        let stored = place.and_then(|place| attribute.as_stored(place.field));
        if stored.is_some_and(|stored| stored.attribute_type != attribute.attribute_type) {
            size.narrower_rows += live_rows;
        }
        for (number, file) in partition.files().iter().enumerate() {
            for field in attribute.ids().filter(|id| file.entry().field_ids.contains(id)) {
                let metadata = self.footer(file).await?;
                let here = partition.place_in(number, field);
                let columns = file.columns(self.storage(), &metadata, &here)?;
                let counts =
                    place.is_some_and(|place| place.file == number && place.field == field);
                if counts && name_of(&metadata, columns.start) != Some(&attribute.name) {
                    size.renamed_rows += live_rows;
                }
                for (row_group, parquet) in metadata.row_groups().iter().enumerate() {
                    let rows = parquet.num_rows().max(0) as u64;
                    for column in columns.clone() {
                        let Some(parquet) = parquet.columns().get(column as usize) else {
                            continue;
                        };
                        size.stored_bytes += parquet.compressed_size().max(0) as u64;
                        if counts {
                            let pages = parquet.uncompressed_size().max(0) as u64;
                            let chunk = partition.chunk(&here, row_group, column);
                            let layout = chunk.map(|chunk| &chunk.layout);
                            size.raw_bytes += raw_bytes(attribute, layout, rows, pages);
                        }
                    }
                }
            }
        }
        Ok(())
    }
}

/// The name of a column in its file.
fn name_of(metadata: &ParquetMetaData, column: u32) -> Option<&String> {
    let columns = metadata.file_metadata().schema_descr().columns();
    columns.get(column as usize)?.path().parts().first()
}

/// Bytes of a chunk's values in memory.
fn raw_bytes(attribute: &Attribute, layout: Option<&ChunkLayout>, rows: u64, pages: u64) -> u64 {
    match (&attribute.attribute_type, layout) {
        (AttributeType::Tensor { dtype, shape }, _) => {
            rows * shape.byte_len(*dtype).unwrap_or_default()
        }
        (AttributeType::Scalar(dtype), _) => (rows * dtype.item_bits()).div_ceil(8),
        (_, Some(ChunkLayout::Paged { value_count, item_bits, .. })) => {
            value_count.saturating_mul(u64::from(*item_bits)).div_ceil(8)
        }
        _ => pages,
    }
}
