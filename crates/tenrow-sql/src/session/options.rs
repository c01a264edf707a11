//! What a session is given.

use std::path::PathBuf;
use std::sync::Arc;

use tenrow::View;
use tenrow::storage::Storage;
use tenrow_values::RowFormats;

/// What a [`Session`](crate::Session) sees and how much it may take.
///
/// ```
/// use tenrow_sql::SessionOptions;
/// let options = SessionOptions::default().with_root("/data").with_target_partitions(2);
/// assert_eq!(options.target_partitions, Some(2));
/// ```
#[derive(Debug, Clone)]
pub struct SessionOptions {
    /// The folders whose datasets are tables. The first is the default schema. Default: none.
    pub roots: Vec<RootOption>,
    /// Rows of versions that are tables under names of their own, which come before those of datasets. Default: none.
    pub views: Vec<(String, View)>,
    /// Memory for sorts, joins and groups; what needs more spills to temporary files where it can, else
    /// fails. Default: 70 % of the machine's.
    pub memory_limit_bytes: Option<u64>,
    /// Parts of a plan that run at once. Default: as many as there are processors.
    pub target_partitions: Option<usize>,
    /// Rows of a batch. Default: 8,192.
    pub batch_rows: usize,
    /// Folders that statements may write files to. Default: none.
    pub output_folders: Vec<PathBuf>,
    /// The formats of these files, such as those of `tenrow_convert::answer_formats`. Default: none.
    pub output_formats: Option<Arc<dyn RowFormats>>,
    /// Whether what manifests and footers know of values spares reading them: bounds, counts of nulls and rows. Without
    /// it answers are the same, and slower: for those who do not trust a dataset's statistics. Default: true.
    pub statistics: bool,
}

/// A folder of datasets.
///
/// ```
/// use tenrow_sql::SessionOptions;
/// let options = SessionOptions::default().with_root("/data").with_named_root("old", "s3://bucket/old");
/// let names: Vec<_> = options.roots.iter().map(|root| root.name.as_deref()).collect();
/// assert_eq!(names, [None, Some("old")]);
/// ```
#[derive(Debug, Clone)]
pub struct RootOption {
    /// The name of its schema. Default: the last part of its location.
    pub name: Option<String>,
    /// Where it is.
    pub place: RootPlace,
}

/// Where a root is.
///
/// ```
/// use tenrow::storage::Storage;
/// use tenrow_sql::{RootPlace, SessionOptions};
/// let opened = Storage::open("memory://docs")?;
/// let options = SessionOptions::default().with_root("/data").with_root_storage("docs", opened);
/// assert!(matches!(&options.roots[0].place, RootPlace::Location(place) if place == "/data"));
/// assert!(matches!(options.roots[1].place, RootPlace::Storage(_)));
/// # Ok::<(), tenrow::Error>(())
/// ```
#[derive(Debug, Clone)]
pub enum RootPlace {
    /// A path or URL.
    Location(String),
    /// Objects that the caller has opened.
    Storage(Storage),
}

impl Default for SessionOptions {
    fn default() -> Self {
        Self {
            roots: Vec::new(),
            views: Vec::new(),
            memory_limit_bytes: None,
            target_partitions: None,
            batch_rows: 8192,
            output_folders: Vec::new(),
            output_formats: None,
            statistics: true,
        }
    }
}

impl SessionOptions {
    /// Adds a root, called by the last part of its location.
    #[must_use]
    pub fn with_root(mut self, location: impl Into<String>) -> Self {
        self.roots.push(RootOption { name: None, place: RootPlace::Location(location.into()) });
        self
    }

    /// Adds a root under a name of its own.
    #[must_use]
    pub fn with_named_root(self, name: impl Into<String>, location: impl Into<String>) -> Self {
        self.with_root_at(name, RootPlace::Location(location.into()))
    }

    /// Adds a root over objects that the caller has opened.
    #[must_use]
    pub fn with_root_storage(self, name: impl Into<String>, storage: Storage) -> Self {
        self.with_root_at(name, RootPlace::Storage(storage))
    }

    fn with_root_at(mut self, name: impl Into<String>, place: RootPlace) -> Self {
        self.roots.push(RootOption { name: Some(name.into()), place });
        self
    }

    /// Adds rows of a version under a name of their own: without a schema, `name` is these rows, wherever the version is
    /// stored. [`Snapshot::all`](tenrow::Snapshot::all) gives all of them.
    #[must_use]
    pub fn with_view(mut self, name: impl Into<String>, view: View) -> Self {
        self.views.push((name.into(), view));
        self
    }

    /// Sets the memory for sorts, joins and groups.
    #[must_use]
    pub fn with_memory_limit_bytes(mut self, bytes: u64) -> Self {
        self.memory_limit_bytes = Some(bytes);
        self
    }

    /// Sets how many parts of a plan run at once.
    #[must_use]
    pub fn with_target_partitions(mut self, partitions: usize) -> Self {
        self.target_partitions = Some(partitions.max(1));
        self
    }

    /// Sets the rows of a batch.
    #[must_use]
    pub fn with_batch_rows(mut self, rows: usize) -> Self {
        self.batch_rows = rows.max(1);
        self
    }

    /// Sets whether statistics are used.
    #[must_use]
    pub fn with_statistics(mut self, statistics: bool) -> Self {
        self.statistics = statistics;
        self
    }

    /// Sets the formats of files that statements write.
    #[must_use]
    pub fn with_output_formats(mut self, formats: Arc<dyn RowFormats>) -> Self {
        self.output_formats = Some(formats);
        self
    }

    /// Lets statements write files to a folder, in the [formats](Self::with_output_formats) that there are.
    #[must_use]
    pub fn with_output_folder(mut self, folder: impl Into<PathBuf>) -> Self {
        self.output_folders.push(folder.into());
        self
    }
}
