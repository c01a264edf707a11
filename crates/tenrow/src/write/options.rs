//! How rows are laid out and committed.

/// How a writer lays out rows.
///
/// ```
/// use tenrow::WriteOptions;
/// let options = WriteOptions::default().with_partition_by(["split"]);
/// assert_eq!(options.row_group_bytes, 64 << 20);
/// ```
#[derive(Debug, Clone)]
pub struct WriteOptions {
    /// Bytes of values in a row group: what a writer buffers before it encodes. Default: 64 MiB.
    pub row_group_bytes: u64,
    /// Bytes of a partition's file after which the next one is begun. Default: 512 MiB.
    pub partition_bytes: u64,
    /// Attributes whose value is the same in all rows of a partition. Default: none.
    pub partition_by: Vec<String>,
    /// Files of at most this size are kept in their row, larger ones as objects. Default: 1 MiB.
    pub inline_file_bytes: u64,
    /// Lost races after which a commit gives up. Default: 100.
    pub max_commit_retries: usize,
    /// A job and the number of its commit: the dataset takes each number of a job once, and none below the
    /// last. Default: none.
    pub idempotency_key: Option<(String, u64)>,
}

impl Default for WriteOptions {
    fn default() -> Self {
        Self {
            row_group_bytes: 64 << 20,
            partition_bytes: 512 << 20,
            partition_by: Vec::new(),
            inline_file_bytes: 1 << 20,
            max_commit_retries: 100,
            idempotency_key: None,
        }
    }
}

impl WriteOptions {
    /// Sets the bytes of values in a row group.
    #[must_use]
    pub fn with_row_group_bytes(mut self, bytes: u64) -> Self {
        self.row_group_bytes = bytes.max(1);
        self
    }

    /// Sets the bytes of a partition's file.
    #[must_use]
    pub fn with_partition_bytes(mut self, bytes: u64) -> Self {
        self.partition_bytes = bytes.max(1);
        self
    }

    /// Gives every value of these attributes partitions of its own.
    #[must_use]
    pub fn with_partition_by(mut self, names: impl IntoIterator<Item = impl Into<String>>) -> Self {
        self.partition_by = names.into_iter().map(Into::into).collect();
        self
    }

    /// Sets up to which size files are kept in their row.
    #[must_use]
    pub fn with_inline_file_bytes(mut self, bytes: u64) -> Self {
        self.inline_file_bytes = bytes;
        self
    }

    /// Makes the commit the `sequence`-th of `job`: done again, after a crash say, it changes nothing.
    #[must_use]
    pub fn with_idempotency_key(mut self, job: impl Into<String>, sequence: u64) -> Self {
        self.idempotency_key = Some((job.into(), sequence));
        self
    }

    /// Sets after how many lost races a commit gives up.
    #[must_use]
    pub fn with_max_commit_retries(mut self, retries: usize) -> Self {
        self.max_commit_retries = retries;
        self
    }
}
