//! Row groups and files as they are encoded, on their way into storage.

use arrow_array::ArrayRef;
use bytes::Bytes;
use rayon::prelude::*;

use crate::blocking;
use crate::error::{Error, Result};
use crate::format::FormatError;
use crate::format::manifest::DataFile;
use crate::format::partition::{EncodedFile, PartitionEncoder};

/// The columns of a row group, encoded in parallel away from the async threads.
pub(crate) async fn encode(
    mut encoder: PartitionEncoder,
    rows: u64,
    columns: Vec<Vec<ArrayRef>>,
) -> Result<(PartitionEncoder, Vec<Bytes>)> {
    blocking::run(move || {
        let encoded: Result<Vec<_>, FormatError> = columns
            .par_iter()
            .enumerate()
            .map(|(attribute, arrays)| encoder.encode_column(attribute, arrays))
            .collect();
        let pieces = encoder.push_row_group(rows, encoded?)?;
        Ok((encoder, pieces))
    })
    .await
    .map_err(|e| Error::format("a row group", e))
}

/// The entry of a file that was just written.
pub(crate) fn data_file(path: String, encoded: EncodedFile, checksum: u64) -> DataFile {
    DataFile {
        path,
        foreign: None,
        size_bytes: encoded.size_bytes,
        checksum,
        footer_bytes: encoded.footer_bytes,
        sequence: None,
        field_ids: encoded.field_ids,
        row_groups: encoded.row_groups,
        chunks: encoded.chunks,
    }
}
