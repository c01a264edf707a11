//! Filling the cache of this machine with a version.

use std::collections::BTreeMap;
use std::ops::Range;
use std::sync::Arc;

use futures::stream::{self, StreamExt, TryStreamExt};

use crate::error::{Error, Result};
use crate::progress::{OnProgress, Steps};
use crate::snapshot::Snapshot;

/// Bytes that are asked for at once.
const PIECE_BYTES: u64 = 8 << 20;
/// Pieces under way at once.
const MAX_CONCURRENCY: usize = 8;

/// What a version has in the cache.
///
/// ```
/// # futures::executor::block_on(async {
/// # use tenrow::{Attribute, Columns, Dataset, Schema};
/// # let schema = Schema::new([Attribute::parse("label:i64")?])?;
/// # let dataset = Dataset::create("memory://docs/warmreport", schema).await?;
/// # let mut writer = dataset.writer().await?;
/// # writer.append_columns(Columns::new().scalars("label", [4i64, 5, 4])).await?;
/// # let snapshot = writer.commit().await?;
/// // What is on this machine, or in its memory, needs no cache.
/// let warmed: Result<tenrow::WarmReport, _> = snapshot.warm(&Default::default()).await;
/// assert_eq!(warmed.unwrap_err().kind(), tenrow::ErrorKind::InvalidInput);
/// # Ok::<(), tenrow::Error>(()) }).unwrap();
/// ```
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
#[non_exhaustive]
pub struct WarmReport {
    /// Its files.
    pub files: u64,
    /// Their bytes.
    pub bytes: u64,
}

impl Snapshot {
    /// Fetches all files of the version into the cache of this machine, those that are there already excepted.
    ///
    /// `on_progress` is told the bytes that are there, and all of them. Stopped, it leaves what it has fetched. Memory: 64 MiB.
    ///
    /// # Errors
    /// [`InvalidInput`](crate::ErrorKind::InvalidInput) if nothing of it is cached: it is local, or the cache is off.
    pub async fn warm(&self, on_progress: &OnProgress) -> Result<WarmReport> {
        let storage = self.storage();
        if storage.cache().is_none() {
            return Err(Error::invalid(format!(
                "{storage} has no cache: it is on this machine, or the cache is off"
            )));
        }
        let files = self.files_to_warm().await?;
        let bytes = files.values().sum();
        let file_count = files.len() as u64;
        let pieces = files.into_iter().flat_map(|(path, size)| {
            let path: Arc<str> = path.into();
            pieces(size).map(move |range| (path.clone(), range))
        });
        let fetch = |(path, range): (Arc<str>, Range<u64>)| async move {
            storage.read_range(&path, range.clone()).await?;
            Ok::<_, Error>(range.end - range.start)
        };
        let mut fetched = stream::iter(pieces).map(fetch).buffer_unordered(MAX_CONCURRENCY);
        let mut steps = Steps::of("warm", Some(bytes), on_progress);
        while let Some(piece) = fetched.try_next().await? {
            steps.advance(piece, piece)?;
        }
        Ok(WarmReport { files: file_count, bytes })
    }

    /// The objects of its partitions, by path, and their sizes.
    async fn files_to_warm(&self) -> Result<BTreeMap<String, u64>> {
        let mut files = BTreeMap::new();
        let mut large = Vec::new();
        let mut partitions = self.partitions();
        while let Some(partition) = partitions.try_next().await? {
            for object in partition.entry().own_objects() {
                match object.stated {
                    Some(stated) => drop(files.insert(object.path.to_owned(), stated.size_bytes)),
                    None => large.push(object.path.to_owned()),
                }
            }
        }
        let size = |path: String| async move {
            let size = self.storage().size(&path).await?;
            Ok::<_, Error>((path, size))
        };
        let large: Vec<_> =
            stream::iter(large).map(size).buffer_unordered(MAX_CONCURRENCY).try_collect().await?;
        files.extend(large);
        Ok(files)
    }
}

fn pieces(size: u64) -> impl Iterator<Item = Range<u64>> {
    (0..size.div_ceil(PIECE_BYTES))
        .map(move |piece| piece * PIECE_BYTES..size.min((piece + 1) * PIECE_BYTES))
}
