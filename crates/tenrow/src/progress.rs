//! How far long work is, and whether it goes on.

use std::fmt;
use std::ops::ControlFlow;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::thread::{self, ThreadId};

use crate::error::{Error, ErrorKind, Result};

/// How far an operation is.
///
/// Each says which unit it counts, and what a stop leaves:
///
/// | operation | `done`, of `total` | `bytes` | stopped, it leaves |
/// |---|---|---|---|
/// | [`compact`](crate::Dataset::compact) | partitions rewritten, of those to be | values rewritten | what was committed so far |
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
/// Clones tell the same function, one after the other. Within that function nothing is told: work that it starts with a clone
/// goes on untold on the same thread. It must not wait for work on another thread that tells a clone: that waits for the function.
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
pub struct OnProgress(Option<Arc<Teller<Told>>>);

/// What is told, and the thread that is telling it just now.
struct Teller<T: ?Sized> {
    by: Mutex<Option<ThreadId>>,
    told: Mutex<T>,
}

impl Teller<Told> {
    fn tell(&self, progress: Progress) -> ControlFlow<()> {
        let own = thread::current().id();
        // Told from within itself it would wait for itself.
        if *locked(&self.by) == Some(own) {
            return ControlFlow::Continue(());
        }
        let mut told = locked(&self.told);
        let _telling = Telling::begin(&self.by, own);
        (*told)(progress)
    }
}

/// Notes who is telling, until it is dropped: also where what is told panics.
struct Telling<'a>(&'a Mutex<Option<ThreadId>>);

impl<'a> Telling<'a> {
    fn begin(by: &'a Mutex<Option<ThreadId>>, thread: ThreadId) -> Self {
        *locked(by) = Some(thread);
        Self(by)
    }
}

impl Drop for Telling<'_> {
    fn drop(&mut self) {
        *locked(self.0) = None;
    }
}

fn locked<T: ?Sized>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

impl OnProgress {
    /// Calls `told` from time to time, from whatever thread the work is on; what is to stop when it breaks fails with
    /// [`Stopped`](ErrorKind::Stopped).
    pub fn new(told: impl FnMut(Progress) -> ControlFlow<()> + Send + 'static) -> Self {
        Self(Some(Arc::new(Teller { by: Mutex::default(), told: Mutex::new(told) })))
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
        self.goes_on(progress, || "stopped by who was told how far it is".to_owned())
    }

    /// [`tell`](Self::tell), of an operation that its error names.
    pub(crate) fn tell_of(&self, operation: &str, progress: Progress) -> Result<()> {
        self.goes_on(progress, || format!("{operation} was stopped by who was told how far it is"))
    }

    fn goes_on(&self, progress: Progress, message: impl FnOnce() -> String) -> Result<()> {
        let Some(teller) = &self.0 else { return Ok(()) };
        match teller.tell(progress) {
            ControlFlow::Continue(()) => Ok(()),
            ControlFlow::Break(()) => Err(Error::new(ErrorKind::Stopped, message())),
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
    /// What the error of a stop calls it.
    operation: &'static str,
    progress: Progress,
    on_progress: OnProgress,
}

impl Steps {
    /// None yet.
    pub(crate) fn of(
        operation: &'static str,
        total: Option<u64>,
        on_progress: &OnProgress,
    ) -> Self {
        let progress = Progress { total, ..Progress::default() };
        Self { operation, progress, on_progress: on_progress.clone() }
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
        self.on_progress.tell_of(self.operation, self.progress)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// It waited for itself, for ever.
    #[test]
    fn what_is_told_from_within_itself_is_passed_over() {
        let own: Arc<Mutex<OnProgress>> = Arc::default();
        let (inner, told) = (own.clone(), Arc::new(Mutex::new(Vec::new())));
        let seen = told.clone();
        let on_progress = OnProgress::new(move |progress| {
            seen.lock().unwrap().push(progress.done);
            let again = inner.lock().unwrap().clone();
            again.tell(Progress { done: 7, ..progress }).unwrap();
            ControlFlow::Continue(())
        });
        *own.lock().unwrap() = on_progress.clone();
        for done in 0..3 {
            on_progress.tell(Progress { done, ..Progress::default() }).unwrap();
        }
        assert_eq!(*told.lock().unwrap(), [0, 1, 2]);
    }

    #[test]
    fn what_panicked_while_it_was_told_is_told_again() {
        let on_progress = OnProgress::new(|progress| match progress.done {
            0 => panic!("on purpose"),
            _ => ControlFlow::Break(()),
        });
        let first = std::panic::catch_unwind({
            let on_progress = std::panic::AssertUnwindSafe(&on_progress);
            move || on_progress.tell(Progress::default())
        });
        assert!(first.is_err());
        let mut steps = Steps::of("a test", None, &on_progress);
        let stopped = steps.advance(1, 0).unwrap_err();
        assert_eq!(stopped.to_string(), "a test was stopped by who was told how far it is");
    }
}
