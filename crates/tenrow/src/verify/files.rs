//! The objects of a partition: there, of the size that its leaf says, and in full with the bytes.

use std::collections::HashMap;
use std::sync::Arc;

use bytes::Bytes;

use crate::blocking;
use crate::content::{ContentCheck, PIECE_BYTES};
use crate::error::Result;
use crate::format::layout::ObjectKind;
use crate::format::manifest::NamedObject;
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
        let mut sizes = HashMap::new();
        // Data files come first, so that they have the same numbers.
        for (number, object) in partition.entry().objects().enumerate() {
            self.report.files += 1;
            let checked = match object.kind {
                ObjectKind::BaseFile | ObjectKind::ColumnFile => {
                    self.data_file(partition, number, first_row).await;
                    continue;
                }
                // It is small: it is decoded, and that checks it.
                ObjectKind::Deletes => partition.deletes(self.snapshot.storage()).await.map(drop),
                _ => self.object(&object).await.map(|size| {
                    sizes.insert(object.path.to_owned(), size);
                }),
            };
            if let Err(error) = checked {
                self.fault(object.path, Some(first_row), error);
            }
        }
        sizes
    }

    /// One file of a partition: its size, its footer, in full its bytes.
    async fn data_file(&mut self, partition: &Arc<LoadedPartition>, number: usize, first_row: u64) {
        let file = &partition.files()[number];
        let path = &file.entry().path;
        if file.entry().foreign.is_none() {
            self.has_size(path, file.entry().size_bytes, Some(first_row)).await;
        }
        match self.options.full {
            true => {
                if let Err(error) = self.checksum(file).await {
                    self.fault(path, Some(first_row), error);
                }
            }
            false => self.advance(file.entry().size_bytes),
        }
        match file.footer(self.snapshot.storage()).await {
            Ok(metadata) => self.columns(partition, number, &metadata, first_row).await,
            Err(error) => self.fault(path, Some(first_row), error),
        }
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
        while at < size && !self.is_stopped() {
            let end = size.min(at + PIECE_BYTES);
            let piece = storage.read_range(path, at..end).await?;
            content = self.take_in(content, piece).await;
            self.tell();
            at = end;
        }
        content.finish(path)
    }

    /// Takes in a piece of an object, away from the async threads.
    async fn take_in(&mut self, mut content: ContentCheck, piece: Bytes) -> ContentCheck {
        self.report.bytes += piece.len() as u64;
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
        while at < size && !self.is_stopped() {
            let end = size.min(at + PIECE_BYTES);
            let piece = file.read(self.snapshot.storage(), at..end).await?;
            content = self.take_in(content, piece).await;
            self.advance(end - at);
            at = end;
        }
        content.finish(&file.entry().path)
    }

    /// The size of an object: it is there, and its bytes are those that are stated, or that its name says.
    async fn object(&mut self, object: &NamedObject<&str>) -> Result<u64> {
        let (storage, path) = (self.snapshot.storage().clone(), object.path);
        let size = storage.size(path).await.map_err(storage.missing(path))?;
        if self.options.full {
            let content = ContentCheck::of_object(object.stated, path);
            self.content(&storage, path, size, content).await?;
        }
        Ok(size)
    }
}
