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
/// If `work` panics, or the runtime is shut down before it ran and another one waits for it.
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
                    Err(_) => shut_down().await,
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
            _ => shut_down().await,
        }
    })
}

/// What is left of work whose runtime shuts down: whoever waits for it there is dropped at the next pause, which this is.
async fn shut_down<T>() -> T {
    if Handle::try_current().is_ok() {
        std::future::pending::<()>().await;
    }
    panic!("the tokio runtime was shut down under a running operation")
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

    #[test]
    fn work_that_waits_when_its_runtime_shuts_down_is_dropped_without_a_panic() {
        let mut builder = tokio::runtime::Builder::new_multi_thread();
        let runtime = builder.worker_threads(1).max_blocking_threads(1).build().unwrap();
        let (go, wait) = std::sync::mpsc::channel::<()>();
        let (panicked, panics) = std::sync::mpsc::channel::<bool>();
        let busy = runtime.spawn_blocking(move || wait.recv());
        runtime.spawn(async move {
            struct Tells(std::sync::mpsc::Sender<bool>);
            impl Drop for Tells {
                fn drop(&mut self) {
                    let _ = self.0.send(std::thread::panicking());
                }
            }
            let _tells = Tells(panicked);
            run(|| ()).await;
        });
        std::thread::sleep(std::time::Duration::from_millis(50));
        drop(busy);
        runtime.shutdown_background();
        drop(go);
        assert!(!panics.recv().unwrap());
    }

    #[tokio::test]
    #[should_panic(expected = "told so")]
    async fn a_panic_reaches_the_caller() {
        run(|| panic!("told so")).await
    }
}
