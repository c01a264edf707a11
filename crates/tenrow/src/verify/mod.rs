//! Checking a dataset: every rule of `spec/` that a version has to keep, and in full every byte of every file.
//!
//! ```text
//! history     the versions: parents, times, tags; in full the bytes of what only older ones name
//! leaves      what root and leaf say of each other: counts, row ids, sequences, features, bounds
//! origins     other datasets whose files are needed: the note that keeps these, the version
//! partitions  one partition by its entry alone: row ids, keys, every attribute is somewhere
//! files       its objects: there, of their size; in full their checksums
//! columns     the columns of a file: those of the attribute that they are listed for, in its type
//! chunks      raw chunks: pages are where the footer has them, and in full hold what they say
//! values      in full: every value decoded, statistics and keys compared with them
//! ```

mod check;
mod history;
mod leaves;
mod origins;
mod partitions;
mod files;
mod columns;
mod chunks;
mod values;
mod bounds;

use crate::dataset::Dataset;
use crate::error::Result;
use crate::progress::OnProgress;
use check::Check;

/// How thorough a check is.
///
/// ```
/// # futures::executor::block_on(async {
/// # use tenrow::{Attribute, Columns, Dataset, Schema};
/// # let schema = Schema::new([Attribute::parse("label:i64")?])?;
/// # let dataset = Dataset::create("memory://docs/verifyoptions", schema).await?;
/// # let mut writer = dataset.writer().await?;
/// # writer.append_columns(Columns::new().scalars("label", [4i64, 5, 4])).await?;
/// # let snapshot = writer.commit().await?;
/// use tenrow::VerifyOptions;
/// let report = dataset.verify(VerifyOptions { full: true, ..Default::default() }).await?;
/// assert_eq!(report.faults, []);
/// # Ok::<(), tenrow::Error>(()) }).unwrap();
/// ```
#[derive(Debug, Clone, Default)]
pub struct VerifyOptions {
    /// Whether every byte is read: checksums of files and pages, every value decoded. Default: only
    /// manifests, footers, sizes and page addresses.
    pub full: bool,
    /// Told the bytes of the files that were checked, of all that are to be, and those that were read whole.
    pub on_progress: OnProgress,
}

/// What a check found.
///
/// ```
/// # futures::executor::block_on(async {
/// # use tenrow::{Attribute, Columns, Dataset, Schema};
/// # let schema = Schema::new([Attribute::parse("label:i64")?])?;
/// # let dataset = Dataset::create("memory://docs/verifyreport", schema).await?;
/// # let mut writer = dataset.writer().await?;
/// # writer.append_columns(Columns::new().scalars("label", [4i64, 5, 4])).await?;
/// # let snapshot = writer.commit().await?;
/// let report = dataset.verify(Default::default()).await?;
/// assert_eq!((report.versions, report.partitions, report.rows), (2, 1, 3));
/// # Ok::<(), tenrow::Error>(()) }).unwrap();
/// ```
#[derive(Debug, Clone, Default)]
#[non_exhaustive]
pub struct VerifyReport {
    /// The newest version, whose files were checked.
    pub version: u64,
    /// Versions whose manifests were checked.
    pub versions: u64,
    /// Partitions checked.
    pub partitions: u64,
    /// Files checked, large files of file attributes and in full the objects of older versions included.
    pub files: u64,
    /// Pages whose addresses, and in full whose bytes, were checked.
    pub pages: u64,
    /// Rows of the newest version.
    pub rows: u64,
    /// Bytes that were read whole.
    pub bytes: u64,
    /// What is wrong, in the order it was met; at most 100.
    pub faults: Vec<Fault>,
}

/// One thing that is wrong.
///
/// ```
/// use tenrow::Fault;
/// let message = "checksum 01, expected 02".to_owned();
/// let fault = Fault { path: "data/a.parquet".to_owned(), row: Some(7), message };
/// assert_eq!(fault.to_string(), "data/a.parquet, row 7: checksum 01, expected 02");
/// ```
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Fault {
    /// The object.
    pub path: String,
    /// The first row that it concerns, if it concerns some rows only.
    pub row: Option<u64>,
    /// What is wrong with it.
    pub message: String,
}

impl std::fmt::Display for Fault {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self.row {
            Some(row) => write!(f, "{}, row {row}: {}", self.path, self.message),
            None => write!(f, "{}: {}", self.path, self.message),
        }
    }
}

impl Dataset {
    /// Checks the manifests of all versions, and the files and views of the newest.
    ///
    /// Of each file the footer is read and the size asked for; in full all of it is read, and all of the objects that only
    /// older versions name. Cost in full: every object that any version names, once.
    ///
    /// # Errors
    /// As [`open`](Self::open): faults in what can be opened are in the report, which there is none of if it was stopped.
    pub async fn verify(&self, options: VerifyOptions) -> Result<VerifyReport> {
        if self.storage().cache().is_some() {
            // What the store has is checked, not what this machine has kept of it.
            let uncached = Dataset::at(self.storage().without_cache());
            return Box::pin(uncached.verify(options)).await;
        }
        let mut check = Check::new(self.latest().await?, options);
        history::check(self, &mut check).await?;
        leaves::check(&mut check).await;
        origins::check(&mut check).await;
        self.check_views(&mut check).await;
        check.finish()
    }

    async fn check_views(&self, check: &mut Check) {
        let snapshot = check.snapshot.clone();
        for (name, entry) in &snapshot.root().views {
            check.report.files += 1;
            let found = match self.view_of(&snapshot, name).await {
                Ok(view) => view.row_numbers().await.map(drop),
                Err(error) => Err(error),
            };
            match found {
                Ok(()) => check.has_size(&entry.path, entry.size_bytes, None).await,
                Err(error) => check.fault(&entry.path, None, error),
            }
        }
    }
}
