//! The one way by which work that blocks or computes leaves the async runtime.

use std::panic::resume_unwind;

use tokio::runtime::Handle;

/// Runs `work` where it may block: on tokio's blocking threads, started at once.
///
/// Without a runtime it runs on the calling thread when the future is first polled, which is
/// then ready: any executor, or none, serves. Dropping the future does not stop the work.
///
/// # Panics
/// If `work` panics, or the runtime is shut down before it ran.
pub(crate) fn run<T, F>(work: F) -> impl Future<Output = T> + Send + 'static
where
    F: FnOnce() -> T + Send + 'static,
    T: Send + 'static,
{
    let started = match Handle::try_current() {
        Ok(runtime) => Ok(runtime.spawn_blocking(work)),
        Err(_) => Err(work),
    };
    async move {
        match started {
            Ok(task) => match task.await {
                Ok(value) => value,
                Err(error) => match error.try_into_panic() {
                    Ok(panic) => resume_unwind(panic),
                    Err(_) => panic!("the tokio runtime was shut down under a running operation"),
                },
            },
            Err(work) => work(),
        }
    }
}

#[cfg(test)]
mod tests {
    use futures::FutureExt;

    use super::*;

    #[test]
    fn without_a_runtime_work_is_done_at_the_first_poll() {
        assert_eq!(run(|| 7).now_or_never(), Some(7));
    }

    #[tokio::test]
    async fn in_a_runtime_work_leaves_the_thread() {
        let here = std::thread::current().id();
        assert_ne!(run(|| std::thread::current().id()).await, here);
    }

    #[tokio::test]
    #[should_panic(expected = "told so")]
    async fn a_panic_reaches_the_caller() {
        run(|| panic!("told so")).await
    }
}
