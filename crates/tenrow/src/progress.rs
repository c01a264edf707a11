//! How far long work is, and whether it goes on.

use std::fmt;
use std::ops::ControlFlow;
use std::sync::{Arc, Mutex, PoisonError};

use crate::error::{Error, ErrorKind, Result};

/// How far an operation is.
///
/// Each says which unit it counts, and what a stop leaves:
///
/// | operation | `done`, of `total` | `bytes` | stopped, it leaves |
/// |---|---|---|---|
/// | [`compact`](crate::Dataset::compact) | partitions looked at, of all | values rewritten | what was committed so far |
/// | [`fill_column`](crate::Dataset::fill_column) | rows computed, of those that lacked the attribute | values computed | what was committed so far: it goes on from there |
/// | [`merge_with`](crate::Dataset::merge_with) | partitions referred to, of all | none | nothing |
/// | [`copy_to`](crate::Dataset::copy_to) | bytes of Parquet files, of all | whatever was copied | no dataset, only files: it goes on from there |
/// | [`warm`](crate::Snapshot::warm) | bytes that are in the cache, of all | the same | what was fetched |
/// | [`vacuum`](crate::Dataset::vacuum) | objects looked at, then those removed | what was removed | a dataset that is whole, and fewer objects |
/// | [`verify`](crate::Dataset::verify) | bytes of the files checked, of all | what was read whole | nothing |
///
/// `import` of `tenrow-convert` counts rows, and leaves nothing; `export` there counts rows as well, and leaves the files that are whole.
///
/// ```
/// use tenrow::Progress;
/// let percent = |progress: Progress| Some(100 * progress.done / progress.total.filter(|&all| all > 0)?);
/// assert_eq!(percent(Progress { done: 3, total: Some(4), bytes: 0 }), Some(75));
/// assert_eq!(percent(Progress { done: 3, total: None, bytes: 0 }), None);
/// ```
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Progress {
    /// What is done.
    pub done: u64,
    /// All that there is to do, where that is known.
    pub total: Option<u64>,
    /// Bytes that were read or written for it.
    pub bytes: u64,
}

type Told = dyn FnMut(Progress) -> ControlFlow<()> + Send;

/// Who is told how far an operation is, and may stop it. By default nobody is.
///
/// Clones tell the same function.
///
/// ```
/// use std::ops::ControlFlow;
/// use tenrow::{ErrorKind, OnProgress, Progress};
/// let on_progress = OnProgress::new(|progress: Progress| match progress.done {
///     0..10 => ControlFlow::Continue(()),
///     _ => ControlFlow::Break(()),
/// });
/// on_progress.tell(Progress { done: 9, ..Progress::default() })?;
/// let stopped = on_progress.tell(Progress { done: 10, ..Progress::default() });
/// assert_eq!(stopped.unwrap_err().kind(), ErrorKind::Stopped);
/// # Ok::<(), tenrow::Error>(())
/// ```
#[derive(Clone, Default)]
pub struct OnProgress(Option<Arc<Mutex<Told>>>);

impl OnProgress {
    /// Calls `told` from time to time, from whatever thread the work is on; what is to stop when it breaks fails with
    /// [`Stopped`](ErrorKind::Stopped).
    pub fn new(told: impl FnMut(Progress) -> ControlFlow<()> + Send + 'static) -> Self {
        Self(Some(Arc::new(Mutex::new(told))))
    }

    /// Whether anybody is told.
    pub(crate) fn is_told(&self) -> bool {
        self.0.is_some()
    }

    /// Says how far the work is.
    ///
    /// # Errors
    /// [`Stopped`](ErrorKind::Stopped) if it is not to go on.
    pub fn tell(&self, progress: Progress) -> Result<()> {
        let Some(told) = &self.0 else { return Ok(()) };
        match told.lock().unwrap_or_else(PoisonError::into_inner)(progress) {
            ControlFlow::Continue(()) => Ok(()),
            ControlFlow::Break(()) => {
                Err(Error::new(ErrorKind::Stopped, "stopped by who was told how far it is"))
            }
        }
    }
}

impl fmt::Debug for OnProgress {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(if self.0.is_some() { "OnProgress(told)" } else { "OnProgress(nobody)" })
    }
}

/// The steps of an operation, counted, and who is told of each.
pub(crate) struct Steps {
    progress: Progress,
    on_progress: OnProgress,
}

impl Steps {
    /// None yet.
    pub(crate) fn of(total: Option<u64>, on_progress: &OnProgress) -> Self {
        let progress = Progress { total, ..Progress::default() };
        Self { progress, on_progress: on_progress.clone() }
    }

    /// Whether anybody is told.
    pub(crate) fn are_told(&self) -> bool {
        self.on_progress.is_told()
    }

    /// So many are left, and no more.
    pub(crate) fn left(&mut self, left: u64) {
        self.progress.total = Some(self.progress.done + left);
    }

    /// So much more is done, for which so many bytes were read or written.
    ///
    /// An error if the work is not to go on.
    pub(crate) fn advance(&mut self, done: u64, bytes: u64) -> Result<()> {
        self.progress.done += done;
        self.progress.bytes += bytes;
        self.on_progress.tell(self.progress)
    }
}
