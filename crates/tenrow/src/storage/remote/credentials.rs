//! Credentials that a service gives for a while.
//!
//! `object_store` has one lock for those of a store, which whoever asks the service for new ones keeps while it waits. A
//! task asks here, so that a read that nobody polls keeps nothing, and all other requests go on.

use std::sync::Arc;

use async_trait::async_trait;
use object_store::{CredentialProvider, Result};

use crate::blocking;

/// The same credentials, asked for by a task.
#[derive(Debug)]
pub(super) struct ByTask<T>(pub(super) Arc<dyn CredentialProvider<Credential = T>>);

#[async_trait]
impl<T: std::fmt::Debug + Send + Sync + 'static> CredentialProvider for ByTask<T> {
    type Credential = T;

    async fn get_credential(&self) -> Result<Arc<T>> {
        let provider = Arc::clone(&self.0);
        blocking::alongside(Box::pin(async move { provider.get_credential().await })).await
    }
}

#[cfg(test)]
#[expect(clippy::disallowed_types, reason = "it is the lock of object_store that is tried")]
mod tests {
    use std::pin::pin;
    use std::time::Duration;

    use futures::poll;
    use tokio::sync::Mutex;

    use super::*;

    /// As `object_store` has them: behind a lock, and the service takes a while.
    #[derive(Debug, Default)]
    struct Locked(Mutex<()>);

    #[async_trait]
    impl CredentialProvider for Locked {
        type Credential = u8;

        async fn get_credential(&self) -> Result<Arc<u8>> {
            let _held = self.0.lock().await;
            tokio::time::sleep(Duration::from_millis(20)).await;
            Ok(Arc::new(7))
        }
    }

    #[tokio::test]
    async fn a_request_that_is_not_polled_keeps_no_credentials_from_others() {
        let credentials = ByTask(Arc::new(Locked::default()));
        let mut first = pin!(credentials.get_credential());
        assert!(poll!(first.as_mut()).is_pending());
        // The task takes the lock, and the first is not polled again.
        tokio::time::sleep(Duration::from_millis(5)).await;
        let second = tokio::time::timeout(Duration::from_secs(10), credentials.get_credential());
        assert_eq!(*second.await.expect("not blocked").unwrap(), 7);
    }
}
