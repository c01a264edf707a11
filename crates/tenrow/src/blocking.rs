//! The one way by which work that blocks or computes leaves the async runtime.

use std::panic::resume_unwind;

use futures::future::BoxFuture;
use tokio::runtime::Handle;
use tokio::task::JoinSet;

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

/// Lets `work` go on while its caller computes: as a task of the runtime, if there is one, that ends when it is dropped.
pub(crate) fn alongside<T: Send + 'static>(work: BoxFuture<'static, T>) -> BoxFuture<'static, T> {
    let Ok(runtime) = Handle::try_current() else { return work };
    let mut tasks = JoinSet::new();
    tasks.spawn_on(work, &runtime);
    Box::pin(async move {
        match tasks.join_next().await {
            Some(Ok(value)) => value,
            Some(Err(error)) if error.is_panic() => resume_unwind(error.into_panic()),
            _ => panic!("the tokio runtime was shut down under a running operation"),
        }
    })
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
    async fn what_goes_on_alongside_ends_when_it_is_dropped() {
        let (send, receive) = tokio::sync::oneshot::channel::<()>();
        let waits = alongside(Box::pin(async move {
            futures::future::pending::<()>().await;
            drop(send);
        }));
        assert_eq!(alongside(Box::pin(async { 7 })).await, 7);
        drop(waits);
        assert!(receive.await.is_err());
    }

    #[tokio::test]
    #[should_panic(expected = "told so")]
    async fn a_panic_reaches_the_caller() {
        run(|| panic!("told so")).await
    }
}
