//! Work that several wait for, done once.
//!
//! ```text
//! who needs it first ─► begins it ─┐
//! who needs it too   ─► joins it  ─┴─► each polls it: it goes on as long as one of them does
//! ```
//!
//! There is nothing to hold: who is no longer polled, or is dropped, is in nobody's way. Work is joined only within the
//! process and the runtime that it was begun in: a fork has no threads, and another runtime may stand still.

use std::sync::{Arc, Mutex, MutexGuard, OnceLock, TryLockError};

use futures::FutureExt;
use futures::future::{BoxFuture, Shared, WeakShared};
use tokio::runtime::{self, Handle};

use crate::error::{Error, Result};

type Outcome<T> = BoxFuture<'static, Result<T, Arc<Error>>>;

/// Work under way; clones wait for the same.
pub(crate) struct Work<T: Clone>(Shared<Outcome<T>>);

/// Work that goes on only as long as others wait for it.
pub(crate) struct WeakWork<T: Clone>(WeakShared<Outcome<T>>);

impl<T: Clone + Send + Sync + 'static> Work<T> {
    /// Work that begins when it is first polled.
    pub(crate) fn new(work: impl Future<Output = Result<T>> + Send + 'static) -> Self {
        Self(work.map(|done| done.map_err(Arc::new)).boxed().shared())
    }

    /// Its result, or what it failed of.
    pub(crate) async fn done(self) -> Result<T> {
        self.0.await.map_err(Error::of_several)
    }

    /// `None` if it is done.
    pub(crate) fn downgrade(&self) -> Option<WeakWork<T>> {
        self.0.downgrade().map(WeakWork)
    }

    pub(crate) fn is(&self, other: &Self) -> bool {
        self.0.ptr_eq(&other.0)
    }
}

impl<T: Clone> Clone for Work<T> {
    fn clone(&self) -> Self {
        Self(self.0.clone())
    }
}

impl<T: Clone> WeakWork<T> {
    /// `None` if nobody waits for it any more.
    pub(crate) fn upgrade(&self) -> Option<Work<T>> {
        self.0.upgrade().map(Work)
    }
}

/// Where work goes on: a process, and a runtime of it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub(crate) struct Ground {
    process: u32,
    runtime: Option<runtime::Id>,
}

impl Ground {
    /// That of whoever asks.
    pub(crate) fn here() -> Self {
        let runtime = Handle::try_current().ok().map(|runtime| runtime.id());
        Self { process: std::process::id(), runtime }
    }
}

/// The lock, if nobody has it: a process may have been forked with it, and what it keeps is only a help.
pub(crate) fn without_waiting<T>(lock: &Mutex<T>) -> Option<MutexGuard<'_, T>> {
    match lock.try_lock() {
        Ok(guard) => Some(guard),
        Err(TryLockError::Poisoned(guard)) => Some(guard.into_inner()),
        Err(TryLockError::WouldBlock) => None,
    }
}

/// A value that is loaded when it is first needed.
pub(crate) struct Once<T: Clone> {
    value: OnceLock<T>,
    loading: Mutex<Option<(Ground, WeakWork<T>)>>,
}

impl<T: Clone> Default for Once<T> {
    fn default() -> Self {
        Self { value: OnceLock::new(), loading: Mutex::default() }
    }
}

impl<T: Clone> From<T> for Once<T> {
    fn from(value: T) -> Self {
        Self { value: OnceLock::from(value), loading: Mutex::default() }
    }
}

impl<T: Clone + Send + Sync + 'static> Once<T> {
    /// The value, if it was loaded.
    pub(crate) fn get(&self) -> Option<&T> {
        self.value.get()
    }

    /// The value: loaded by whoever is about it, else by `load`. What fails is tried again by the next who asks.
    pub(crate) async fn get_or_load<F>(&self, load: impl FnOnce() -> F) -> Result<&T>
    where
        F: Future<Output = Result<T>> + Send + 'static,
    {
        if let Some(value) = self.value.get() {
            return Ok(value);
        }
        let work = self.join(load);
        // Kept until the value is there, so that nobody begins anew in between.
        let _kept = work.clone();
        let value = work.done().await?;
        Ok(self.value.get_or_init(|| value))
    }

    fn join<F>(&self, load: impl FnOnce() -> F) -> Work<T>
    where
        F: Future<Output = Result<T>> + Send + 'static,
    {
        let here = Ground::here();
        let Some(mut loading) = without_waiting(&self.loading) else { return Work::new(load()) };
        let known = loading.as_ref().filter(|(ground, _)| *ground == here);
        known.and_then(|(_, work)| work.upgrade()).unwrap_or_else(|| {
            let work = Work::new(load());
            *loading = work.downgrade().map(|work| (here, work));
            work
        })
    }
}

#[cfg(test)]
mod tests {
    use std::pin::pin;
    use std::sync::atomic::{AtomicUsize, Ordering};
    use std::task::{Context, Poll, Waker};

    use tokio::sync::oneshot;

    use super::*;
    use crate::error::ErrorKind;

    fn polled<F: Future>(future: std::pin::Pin<&mut F>) -> Poll<F::Output> {
        future.poll(&mut Context::from_waker(Waker::noop()))
    }

    /// A stream that stood between two of its items while it read a leaf stopped all others that needed the leaf.
    #[test]
    fn who_is_no_longer_polled_is_in_nobodys_way() {
        let (once, loads) = (Once::<u8>::default(), AtomicUsize::new(0));
        let (answer, answered) = oneshot::channel();
        let mut first = pin!(once.get_or_load(|| {
            loads.fetch_add(1, Ordering::Relaxed);
            async { Ok(answered.await.expect("an answer")) }
        }));
        assert!(polled(first.as_mut()).is_pending());
        let mut second = pin!(once.get_or_load(|| async { Ok(9) }));
        assert!(polled(second.as_mut()).is_pending());
        answer.send(7).unwrap();
        // The first is not polled again.
        assert_eq!(polled(second.as_mut()).map(Result::unwrap), Poll::Ready(&7));
        assert_eq!(loads.load(Ordering::Relaxed), 1);
    }

    #[test]
    fn what_was_dropped_or_failed_is_begun_anew() {
        let once = Once::<u8>::default();
        {
            let mut dropped = pin!(once.get_or_load(std::future::pending));
            assert!(polled(dropped.as_mut()).is_pending());
        }
        let failing = || async { Err(Error::new(ErrorKind::NotFound, "x").with_source("y")) };
        let mut failed = pin!(once.get_or_load(failing));
        let Poll::Ready(Err(error)) = polled(failed.as_mut()) else { panic!("it fails at once") };
        assert_eq!((error.kind(), error.chain().as_str()), (ErrorKind::NotFound, "x: y"));
        let mut loaded = pin!(once.get_or_load(|| async { Ok(3) }));
        assert_eq!(polled(loaded.as_mut()).map(Result::unwrap), Poll::Ready(&3));
        assert_eq!(once.get(), Some(&3));
    }

    #[test]
    fn all_who_waited_are_told_what_failed() {
        let once = Once::<u8>::default();
        let (answer, answered) = oneshot::channel::<u8>();
        let load =
            || async { answered.await.map_err(|_| Error::invalid("gone").with_source("why")) };
        let mut first = pin!(once.get_or_load(load));
        assert!(polled(first.as_mut()).is_pending());
        let mut second = pin!(once.get_or_load(std::future::pending));
        assert!(polled(second.as_mut()).is_pending());
        drop(answer);
        for waiting in [polled(second.as_mut()), polled(first.as_mut())] {
            let Poll::Ready(Err(error)) = waiting else { panic!("it fails") };
            let told = (error.kind(), error.chain());
            assert_eq!(told, (ErrorKind::InvalidInput, "gone: why".to_owned()));
        }
    }

    /// A runtime that is not running drives nothing: its work is nobody else's.
    #[test]
    fn work_of_another_runtime_is_not_waited_for() {
        let once = Once::<u8>::default();
        let stopped = tokio::runtime::Builder::new_current_thread().build().unwrap();
        let mut first = pin!(once.get_or_load(std::future::pending));
        assert!(stopped.block_on(async { polled(first.as_mut()) }).is_pending());
        let mut second = pin!(once.get_or_load(|| async { Ok(5) }));
        assert_eq!(polled(second.as_mut()).map(Result::unwrap), Poll::Ready(&5));
        assert!(without_waiting(&once.loading).is_some());
    }

    /// As a process sees it that was forked while a thread, which it has not, was looking.
    #[test]
    fn nobody_waits_for_the_lock() {
        let once = Once::<u8>::default();
        let held = once.loading.lock().unwrap();
        let mut loaded = pin!(once.get_or_load(|| async { Ok(5) }));
        assert_eq!(polled(loaded.as_mut()).map(Result::unwrap), Poll::Ready(&5));
        drop(held);
    }
}
