//! The edge between Python, which waits, and futures: the GIL is released for every one.

use std::future::poll_fn;
#[cfg(feature = "sql")]
use std::sync::mpsc::{self, RecvTimeoutError};
use std::sync::{Mutex, OnceLock, PoisonError};
use std::task::Poll;
use std::time::{Duration, Instant};

use futures::executor::block_on;
use pyo3::exceptions::PyRuntimeError;
use pyo3::prelude::*;
use tenrow::storage::Storage;
use tokio::runtime::{Handle, Runtime};

use crate::ending;
use crate::error::raised;

/// How often it is looked whether Ctrl-C was pressed.
const SIGNALS_EVERY: Duration = Duration::from_millis(100);

/// The runtime of a process, and the process: the threads of one do not live on in a fork.
static RUNTIME: Mutex<Option<(u32, &'static Runtime)>> = Mutex::new(None);

fn runtime() -> PyResult<&'static Runtime> {
    let process = std::process::id();
    let mut known = RUNTIME.lock().unwrap_or_else(PoisonError::into_inner);
    if let Some((owner, runtime)) = *known
        && owner == process
    {
        return Ok(runtime);
    }
    let mut builder = tokio::runtime::Builder::new_multi_thread();
    let made = builder.enable_all().thread_name("tenrow").build();
    let made = made.map_err(|error| PyRuntimeError::new_err(format!("no threads: {error}")))?;
    // Of a parent's runtime only memory is left here: it is not touched again.
    let made: &'static Runtime = Box::leak(Box::new(made));
    *known = Some((process, made));
    Ok(made)
}

/// The runtime, for others that poll what needs it.
#[cfg(feature = "sql")]
pub(crate) fn handle() -> PyResult<Handle> {
    runtime().map(|runtime| runtime.handle().clone())
}

/// Waits for `work`, which may take long; Ctrl-C ends it.
pub(crate) fn wait<T: Send>(
    py: Python<'_>,
    work: impl Future<Output = tenrow::Result<T>> + Send,
) -> PyResult<T> {
    wait_for(py, work)?.map_err(|error| raised(&error))
}

/// Waits for `work`, whatever it gives; Ctrl-C ends it.
pub(crate) fn wait_for<T: Send>(
    py: Python<'_>,
    work: impl Future<Output = T> + Send,
) -> PyResult<T> {
    let runtime = runtime()?;
    let watched = async {
        let mut work = std::pin::pin!(work);
        loop {
            tokio::select! {
                biased;
                done = &mut work => return Ok(done),
                () = tokio::time::sleep(SIGNALS_EVERY) => check_signals()?,
            }
        }
    };
    py.detach(|| {
        ending::pass();
        let done = if Handle::try_current().is_err() {
            runtime.block_on(watched)
        } else {
            // Within a function of Python that work of this runtime has called: it waits on a thread of its own.
            let done = std::thread::scope(|scope| scope.spawn(|| runtime.block_on(watched)).join());
            done.unwrap_or_else(|panic| std::panic::resume_unwind(panic))
        };
        ending::pass();
        done
    })
}

/// Waits for work that may compute for long without a pause: a task, so that Ctrl-C need not wait for that.
///
/// The clock of the runtime stands still while all its threads compute, so this does without it.
#[cfg(feature = "sql")]
pub(crate) fn wait_for_task<T: Send + 'static>(
    py: Python<'_>,
    work: impl Future<Output = tenrow::Result<T>> + Send + 'static,
) -> PyResult<T> {
    let (sender, receiver) = mpsc::channel();
    let task = runtime()?.spawn(async move {
        // Nobody waits any more.
        let _ = sender.send(work.await);
    });
    // Errors become exceptions outside, where this thread surely has the interpreter.
    let done = py.detach(move || {
        loop {
            ending::pass();
            match receiver.recv_timeout(SIGNALS_EVERY) {
                Ok(done) => return Ok(done),
                Err(RecvTimeoutError::Timeout) => {
                    if let Err(error) = check_signals() {
                        task.abort();
                        let_go(&receiver);
                        return Err(error);
                    }
                }
                Err(RecvTimeoutError::Disconnected) => {
                    return Err(PyRuntimeError::new_err(
                        "a task panicked: this is a bug of tenrow",
                    ));
                }
            }
        }
    });
    done?.map_err(|error| raised(&error))
}

/// How long a statement that was given up may take to stop.
#[cfg(feature = "sql")]
const STOP_TIME: Duration = Duration::from_millis(500);

/// Waits for a task that was aborted, and gives its threads up if it computes on without a pause: others, which the next
/// call starts, must not wait behind it.
#[cfg(feature = "sql")]
fn let_go<T>(receiver: &mpsc::Receiver<T>) {
    let stopped = receiver.recv_timeout(STOP_TIME);
    if matches!(stopped, Err(RecvTimeoutError::Timeout)) {
        // Leaked, as that of a parent is. What is under way there ends by itself.
        *RUNTIME.lock().unwrap_or_else(PoisonError::into_inner) = None;
    }
}

/// Whether Ctrl-C was pressed. In an interpreter that is ending nobody handles it: whoever waits then is never asked
/// again, for its thread does not come back.
fn check_signals() -> PyResult<()> {
    ending::pass();
    Python::try_attach(|py| py.check_signals()).unwrap_or(Ok(()))
}

/// The process that something was opened in: what it has of a store does not outlive a fork.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Home(u32);

impl Home {
    pub(crate) fn here() -> Self {
        Self(std::process::id())
    }

    /// Whether this is still that process.
    pub(crate) fn is_here(self) -> bool {
        self == Self::here()
    }

    /// Refuses to go on with work whose threads are those of another process.
    #[cfg(feature = "sql")]
    pub(crate) fn check_threads(self) -> PyResult<()> {
        match self.is_here() {
            true => Ok(()),
            false => Err(PyRuntimeError::new_err(
                "this answer was begun before this process was forked: ask again here",
            )),
        }
    }

    /// Refuses to ask a store over the connections of another process.
    pub(crate) fn check(self, storage: &Storage) -> PyResult<()> {
        match self.is_here() || storage.folder().is_some() {
            true => Ok(()),
            false => Err(PyRuntimeError::new_err(
                "it was taken before this process was forked: take it from the dataset again, as in ds[\"image\"]",
            )),
        }
    }
}

/// Refuses to write in a process that was forked from one that wrote: the threads that encode are not in it.
pub(crate) fn check_may_write() -> PyResult<()> {
    static WRITES: OnceLock<u32> = OnceLock::new();
    let process = std::process::id();
    match *WRITES.get_or_init(|| process) == process {
        true => Ok(()),
        false => Err(PyRuntimeError::new_err(
            "this process was forked from one that has written: start it by spawn or forkserver to write in it",
        )),
    }
}

/// Waits for a read: of a local folder without any thread, so also in a process that was forked; Ctrl-C ends it.
pub(crate) fn read<T: Send>(
    py: Python<'_>,
    storage: &Storage,
    work: impl Future<Output = tenrow::Result<T>> + Send,
) -> PyResult<T> {
    if storage.folder().is_none() {
        return wait(py, work);
    }
    let done = py.detach(|| {
        let mut work = std::pin::pin!(work);
        loop {
            ending::pass();
            let mut looked: Option<Instant> = None;
            let done = block_on(poll_fn(|context| {
                if let Poll::Ready(done) = work.as_mut().poll(context) {
                    return Poll::Ready(Some(done));
                }
                // It has read some, and will go on.
                match looked.get_or_insert_with(Instant::now).elapsed() >= SIGNALS_EVERY {
                    true => Poll::Ready(None),
                    false => Poll::Pending,
                }
            }));
            match done {
                Some(done) => return Ok::<_, PyErr>(done),
                // Out here, for what handles a signal may read as well.
                None => check_signals()?,
            }
        }
    });
    done?.map_err(|error| raised(&error))
}
