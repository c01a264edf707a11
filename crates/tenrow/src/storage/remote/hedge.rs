//! A second request where the first takes long.

use std::pin::pin;
use std::time::Duration;

use futures::future::{Either, select};

/// What `ask` gives; asked again if that takes longer than `after`, and whichever succeeds first counts.
pub(crate) async fn hedged<T, E, F, Fut>(after: Option<Duration>, ask: F) -> Result<T, E>
where
    F: Fn() -> Fut,
    Fut: Future<Output = Result<T, E>>,
{
    let first = pin!(ask());
    let Some(after) = after else { return first.await };
    let first = match select(first, pin!(tokio::time::sleep(after))).await {
        Either::Left((answer, _)) => return answer,
        Either::Right(((), first)) => first,
    };
    tracing::debug!(?after, "a request takes long, and is sent a second time");
    match select(first, pin!(ask())).await {
        Either::Left((Ok(answer), _)) | Either::Right((Ok(answer), _)) => Ok(answer),
        Either::Left((Err(_), second)) => second.await,
        Either::Right((Err(_), first)) => first.await,
    }
}

#[cfg(test)]
mod tests {
    use std::sync::atomic::{AtomicUsize, Ordering};

    use super::*;

    /// Answers the first time after a while, and then as `second` says.
    async fn slow_then(
        second: Result<&'static str, &'static str>,
    ) -> Result<&'static str, &'static str> {
        let asked = AtomicUsize::new(0);
        let ask = || {
            let number = asked.fetch_add(1, Ordering::Relaxed);
            async move {
                if number > 0 {
                    return second;
                }
                tokio::time::sleep(Duration::from_millis(300)).await;
                Ok("first")
            }
        };
        hedged(Some(Duration::from_millis(1)), ask).await
    }

    #[tokio::test]
    async fn a_straggler_is_overtaken_unless_the_second_fails() {
        assert_eq!(slow_then(Ok("second")).await, Ok("second"));
        assert_eq!(slow_then(Err("no")).await, Ok("first"));
        assert_eq!(hedged(None, async || Ok::<_, ()>(1)).await, Ok(1));
    }
}
