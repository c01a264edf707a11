//! A column file: some attributes of all rows of one partition, written beside its base file.

use arrow_array::ArrayRef;

use crate::error::{Error, Result};
use crate::format::layout::ObjectKind;
use crate::format::manifest::{DataFile, Statistics};
use crate::format::partition::PartitionEncoder;
use crate::format::{Attribute, FormatError};
use crate::ids::Ids;
use crate::storage::{Storage, Upload};
use crate::write::encoding::{data_file, encode};
use crate::write::statistics;

/// Writes one column file, row group by row group.
pub(crate) struct ColumnFileWriter {
    path: String,
    attributes: Vec<Attribute>,
    encoder: PartitionEncoder,
    upload: Upload,
}

impl ColumnFileWriter {
    pub(crate) async fn begin(
        storage: &Storage,
        ids: &Ids,
        attributes: Vec<Attribute>,
    ) -> Result<Self> {
        let path = ObjectKind::ColumnFile.path(&ids.next());
        let (encoder, head) =
            PartitionEncoder::new(&attributes).map_err(|e| Error::format(&path, e))?;
        let mut upload = storage.upload(&path)?;
        upload.write(head).await?;
        Ok(Self { path, attributes, encoder, upload })
    }

    /// Writes a row group: for each attribute the arrays that follow each other in it.
    pub(crate) async fn push(&mut self, rows: u64, columns: Vec<Vec<ArrayRef>>) -> Result<()> {
        // A stand-in while the encoder is away on another thread.
        let (empty, _) = PartitionEncoder::new(&self.attributes).map_err(|e| self.fault(e))?;
        let encoder = std::mem::replace(&mut self.encoder, empty);
        let (encoder, pieces) = encode(encoder, rows, columns).await?;
        self.encoder = encoder;
        for piece in pieces {
            self.upload.write(piece).await?;
        }
        Ok(())
    }

    /// Makes the file durable; gives its entry and what is known of its values.
    pub(crate) async fn finish(self) -> Result<(DataFile, Vec<Statistics>)> {
        let (file, statistics, upload) = self.close().await?;
        upload.finish().await?;
        Ok((file, statistics))
    }

    /// Writes all that is left; the file is durable once its upload is finished.
    pub(crate) async fn close(mut self) -> Result<(DataFile, Vec<Statistics>, Upload)> {
        let path = self.path.clone();
        let (tail, encoded) = self.encoder.finish().map_err(|e| Error::format(&path, e))?;
        self.upload.write(tail).await?;
        let statistics = statistics::of_file(&self.attributes, &encoded);
        let file = data_file(path, encoded, self.upload.written().xxh3);
        Ok((file, statistics, self.upload))
    }

    fn fault(&self, error: FormatError) -> Error {
        Error::format(self.path.clone(), error)
    }
}
