//! The end of the process, which threads of Python that nobody joins live to see.
//!
//! CPython ends such a thread where it next wants the interpreter, by unwinding its stack, which aborts the process if
//! frames of Rust are in it. So once the interpreter is about to end, threads that are in here wait for ever without it,
//! and it waits until those are back that Rust has sent into Python.

use std::cell::Cell;
use std::sync::OnceLock;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::thread::{self, ThreadId};
use std::time::{Duration, Instant};

use pyo3::prelude::*;

/// How long threads that compute in Python are waited for.
const LAST_CALLS: Duration = Duration::from_secs(3);
/// How long a thread takes from one wait to the next.
const BETWEEN_WAITS: Duration = Duration::from_millis(50);

/// The thread that ends the interpreter, once it does.
static ENDER: OnceLock<ThreadId> = OnceLock::new();
static IS_ENDING: AtomicBool = AtomicBool::new(false);
/// The thread that has imported the package, and whether others have waited in it.
static FIRST: OnceLock<ThreadId> = OnceLock::new();
static HAS_OTHERS: AtomicBool = AtomicBool::new(false);
/// Calls from Rust into Python that may take long.
static CALLS: AtomicUsize = AtomicUsize::new(0);

thread_local! {
    static OWN_CALLS: Cell<usize> = const { Cell::new(0) };
}

/// Where a thread waits without the interpreter: in a process that is ending it does so for ever.
pub(crate) fn pass() {
    let own = thread::current().id();
    if FIRST.get_or_init(|| own) != &own {
        HAS_OTHERS.store(true, Ordering::Relaxed);
    }
    if !IS_ENDING.load(Ordering::SeqCst) || ENDER.get() == Some(&own) {
        return;
    }
    CALLS.fetch_sub(OWN_CALLS.get(), Ordering::SeqCst);
    loop {
        thread::park();
    }
}

/// A call from Rust into Python that may take long, until it is dropped.
pub(crate) struct Call;

impl Call {
    pub(crate) fn begin(py: Python<'_>) -> Self {
        if IS_ENDING.load(Ordering::SeqCst) {
            py.detach(pass);
        }
        CALLS.fetch_add(1, Ordering::SeqCst);
        OWN_CALLS.set(OWN_CALLS.get() + 1);
        Self
    }
}

impl Drop for Call {
    fn drop(&mut self) {
        OWN_CALLS.set(OWN_CALLS.get() - 1);
        CALLS.fetch_sub(1, Ordering::SeqCst);
    }
}

/// For `atexit`: from now on other threads do not come back from here.
#[pyfunction]
pub(crate) fn end(py: Python<'_>) {
    ENDER.get_or_init(|| thread::current().id());
    IS_ENDING.store(true, Ordering::SeqCst);
    if !HAS_OTHERS.load(Ordering::Relaxed) && CALLS.load(Ordering::SeqCst) == 0 {
        return;
    }
    py.detach(|| {
        let began = Instant::now();
        thread::sleep(BETWEEN_WAITS);
        while CALLS.load(Ordering::SeqCst) > 0 && began.elapsed() < LAST_CALLS {
            thread::sleep(Duration::from_millis(5));
        }
    });
}

/// For a process that was forked: the threads that were under way are not in it.
#[pyfunction]
pub(crate) fn forked() {
    CALLS.store(OWN_CALLS.get(), Ordering::SeqCst);
    HAS_OTHERS.store(false, Ordering::Relaxed);
}
