//! The objects of a partition: there, of the size that its leaf says, and in full with the bytes.

use std::sync::Arc;

use crate::blocking;
use crate::error::{Error, Result};
use crate::format::Checksum;
use crate::snapshot::{LoadedPartition, OpenFile, missing_is_damage};
use crate::verify::check::Check;

/// Bytes read at a time for the checksum of a file.
const READ_BYTES: u64 = 8 << 20;

impl Check {
    pub(super) async fn files(&mut self, partition: &Arc<LoadedPartition>, first_row: u64) {
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
        for path in &partition.entry().external_files {
            self.report.files += 1;
            if let Err(error) = self.external(path).await {
                self.fault(path, Some(first_row), error);
            }
        }
    }

    async fn checksum(&mut self, file: &Arc<OpenFile>) -> Result<()> {
        let size = file.entry().size_bytes;
        let mut checksum = Checksum::new();
        let mut at = 0;
        while at < size {
            let end = size.min(at + READ_BYTES);
            let piece = file.read(self.snapshot.storage(), at..end).await?;
            checksum = blocking::run(move || {
                checksum.write(&piece);
                checksum
            })
            .await;
            self.progress(end - at);
            at = end;
        }
        let (found, expected) = (checksum.finish(), file.entry().checksum);
        if found == expected {
            return Ok(());
        }
        Err(Error::corrupt(
            file.entry().path.clone(),
            format!("checksum {found:016x} of the file, expected {expected:016x}"),
        ))
    }

    /// An object of a file attribute: it is there, and its content hashes to its name.
    async fn external(&mut self, path: &str) -> Result<()> {
        let storage = self.snapshot.storage();
        let size = storage.size(path).await.map_err(missing_is_damage)?;
        if !self.options.full {
            return Ok(());
        }
        let mut hasher = blake3::Hasher::new();
        let mut at = 0;
        while at < size {
            let end = size.min(at + READ_BYTES);
            hasher.update(&storage.read_range(path, at..end).await?);
            at = end;
        }
        let found = hasher.finalize().to_hex();
        let name = path.rsplit('/').next().unwrap_or_default();
        if name.starts_with(found.as_str()) {
            return Ok(());
        }
        Err(Error::corrupt(
            path.to_owned(),
            format!("its content hashes to {found}, which is not its name"),
        ))
    }
}
