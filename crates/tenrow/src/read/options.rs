//! What a read is to fetch, and how.

use crate::error::Result;
use crate::format::Attribute;
use crate::snapshot::Snapshot;

/// When page checksums are compared while reading.
///
/// A checksum covers a whole page, so reading one row exactly cannot check it.
///
/// ```
/// # futures::executor::block_on(async {
/// # use tenrow::{Attribute, Columns, Dataset, Schema};
/// # let schema = Schema::new([Attribute::parse("label:i64")?])?;
/// # let dataset = Dataset::create("memory://docs/pagechecks", schema).await?;
/// # let mut writer = dataset.writer().await?;
/// # writer.append_columns(Columns::new().scalars("label", [4i64, 5, 4])).await?;
/// # let snapshot = writer.commit().await?;
/// use tenrow::{PageChecks, ReadOptions};
/// let options = ReadOptions::default().with_page_checks(PageChecks::Always);
/// assert_eq!(snapshot.take_with(&[2], &options).await?.num_rows(), 1);
/// # Ok::<(), tenrow::Error>(()) }).unwrap();
/// ```
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum PageChecks {
    /// Never: the default for mapped files, where checking would halve the speed of a scan.
    Never,
    /// Every page that is read whole: the default for all other stores.
    Fetched,
    /// Always: pages are read whole for the purpose, even for one row.
    Always,
}

/// How rows are read.
///
/// ```
/// use tenrow::{PageChecks, ReadOptions};
/// let options = ReadOptions::default().with_attributes(["label"]).with_page_checks(PageChecks::Always);
/// assert_eq!(options.attributes, Some(vec!["label".to_owned()]));
/// ```
#[derive(Debug, Clone)]
pub struct ReadOptions {
    /// The attributes to read, in this order. Default: all, in the order of the schema.
    pub attributes: Option<Vec<String>>,
    /// When page checksums are compared. Default: see [`PageChecks`].
    pub page_checks: Option<PageChecks>,
    /// Reads under way at once. Default: 16.
    pub max_concurrency: usize,
    /// Neighbouring ranges are fetched together if the gap is at most this. Default: 64 KiB.
    pub max_gap_bytes: u64,
}

impl Default for ReadOptions {
    fn default() -> Self {
        Self { attributes: None, page_checks: None, max_concurrency: 16, max_gap_bytes: 64 << 10 }
    }
}

impl ReadOptions {
    /// Reads only these attributes, in this order.
    #[must_use]
    pub fn with_attributes(mut self, names: impl IntoIterator<Item = impl Into<String>>) -> Self {
        self.attributes = Some(names.into_iter().map(Into::into).collect());
        self
    }

    /// Checks all that is read: it is written anew, and gets checksums that call whatever was read valid.
    pub(crate) fn for_rewriting() -> Self {
        Self::default().with_page_checks(PageChecks::Always)
    }

    /// Sets when page checksums are compared.
    #[must_use]
    pub fn with_page_checks(mut self, checks: PageChecks) -> Self {
        self.page_checks = Some(checks);
        self
    }

    /// Sets how many reads are under way at once.
    #[must_use]
    pub fn with_max_concurrency(mut self, reads: usize) -> Self {
        self.max_concurrency = reads.max(1);
        self
    }

    /// Sets the largest gap over which neighbouring ranges are fetched together.
    #[must_use]
    pub fn with_max_gap_bytes(mut self, bytes: u64) -> Self {
        self.max_gap_bytes = bytes;
        self
    }

    /// The attributes asked for.
    pub(crate) fn resolve<'a>(&self, snapshot: &'a Snapshot) -> Result<Vec<&'a Attribute>> {
        match &self.attributes {
            None => Ok(snapshot.schema().attributes().iter().collect()),
            Some(names) => names.iter().map(|name| snapshot.attribute(name)).collect(),
        }
    }
}
