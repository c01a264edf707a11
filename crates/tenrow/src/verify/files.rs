//! The objects of a partition: there, of the size that its leaf says, and in full with the bytes.

use std::collections::HashMap;
use std::sync::Arc;

use bytes::Bytes;

use crate::blocking;
use crate::content::{ContentCheck, PIECE_BYTES};
use crate::error::Result;
use crate::snapshot::{LoadedPartition, OpenFile};
use crate::storage::Storage;
use crate::verify::check::Check;

impl Check {
    /// Gives the sizes of the large files that the rows may name.
    pub(super) async fn files(
        &mut self,
        partition: &Arc<LoadedPartition>,
        first_row: u64,
    ) -> HashMap<String, u64> {
        for (number, file) in partition.files().iter().enumerate() {
            self.report.files += 1;
            let path = file.entry().path.clone();
            if file.entry().foreign.is_none() {
                self.has_size(&path, file.entry().size_bytes, Some(first_row)).await;
            }
            if self.options.full
                && let Err(error) = self.checksum(file).await
            {
                self.fault(&path, Some(first_row), error);
            }
            match file.footer(self.snapshot.storage()).await {
                Ok(metadata) => self.columns(partition, number, &metadata, first_row).await,
                Err(error) => self.fault(&path, Some(first_row), error),
            }
        }
        if let Some(deletes) = &partition.entry().deletes {
            self.report.files += 1;
            if let Err(error) = partition.deletes(self.snapshot.storage()).await {
                self.fault(&deletes.path, Some(first_row), error);
            }
        }
        let mut sizes = HashMap::new();
        for path in &partition.entry().external_files {
            self.report.files += 1;
            match self.external(path).await {
                Ok(size) => {
                    sizes.insert(path.clone(), size);
                }
                Err(error) => self.fault(path, Some(first_row), error),
            }
        }
        sizes
    }

    /// Reads all of an object: it has the bytes that it must have.
    pub(super) async fn content(
        &mut self,
        storage: &Storage,
        path: &str,
        size: u64,
        mut content: ContentCheck,
    ) -> Result<()> {
        let mut at = 0;
        while at < size {
            let end = size.min(at + PIECE_BYTES);
            let piece = storage.read_range(path, at..end).await?;
            content = self.take_in(content, piece).await;
            at = end;
        }
        content.finish(path)
    }

    /// Takes in a piece of an object, away from the async threads.
    async fn take_in(&mut self, mut content: ContentCheck, piece: Bytes) -> ContentCheck {
        self.progress(piece.len() as u64);
        blocking::run(move || {
            content.write(&piece);
            content
        })
        .await
    }

    async fn checksum(&mut self, file: &Arc<OpenFile>) -> Result<()> {
        let size = file.entry().size_bytes;
        let mut content = ContentCheck::of_checksum(file.entry().checksum);
        let mut at = 0;
        while at < size {
            let end = size.min(at + PIECE_BYTES);
            let piece = file.read(self.snapshot.storage(), at..end).await?;
            content = self.take_in(content, piece).await;
            at = end;
        }
        content.finish(&file.entry().path)
    }

    /// The size of an object of a file attribute: it is there, and its content hashes to its name.
    async fn external(&mut self, path: &str) -> Result<u64> {
        let storage = self.snapshot.storage();
        let size = storage.size(path).await.map_err(storage.missing(path))?;
        if !self.options.full {
            return Ok(size);
        }
        let storage = storage.clone();
        self.content(&storage, path, size, ContentCheck::of_large_file(path)).await.map(|()| size)
    }
}
