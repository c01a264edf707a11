//! Where the column of an attribute is.

use std::ops::Range;

use crate::format::FieldId;
use crate::format::manifest::Chunk;

/// Where one attribute of one partition is stored.
#[derive(Debug, Clone)]
pub(crate) struct ColumnPlace {
    /// The id under which the file has it: that of the attribute, or of an earlier form of it.
    pub(crate) field: FieldId,
    /// The file: of those that have the field, the one with the highest sequence, the later on a tie.
    pub(crate) file: usize,
    /// The Parquet leaf columns of it that the leaf lists: perhaps not all, or none. The footer knows them all.
    pub(crate) listed: Range<u32>,
    /// Indices into the file's chunks, ascending by row group and column.
    pub(super) chunks: Vec<usize>,
}

/// Where a field is in a file.
pub(super) fn place_in(file: usize, chunks: &[Chunk], field: FieldId) -> ColumnPlace {
    let own = (0..chunks.len()).filter(|&i| chunks[i].field == field).collect();
    place_of(file, chunks, field, own)
}

/// Where a field is whose chunks are those of these indices.
pub(super) fn place_of(
    file: usize,
    chunks: &[Chunk],
    field: FieldId,
    mut own: Vec<usize>,
) -> ColumnPlace {
    own.sort_by_key(|&i| (chunks[i].row_group, chunks[i].column));
    let start = own.iter().map(|&i| chunks[i].column).min().unwrap_or_default();
    let end = own.iter().map(|&i| chunks[i].column.saturating_add(1)).max().unwrap_or_default();
    ColumnPlace { field, file, listed: start..end, chunks: own }
}
