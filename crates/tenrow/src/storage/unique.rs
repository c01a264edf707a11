//! Objects of remote stores under names that nobody else can have, being random: what is found by such a name is ours.

use std::time::Duration;

use bytes::Bytes;
use object_store::path::Path;
use object_store::{Error, ObjectStore, ObjectStoreExt, PutMode, PutPayload, Result};

use super::remote::explain;

/// How often a put is sent whose answer does not come: the store's own client does not repeat what creates.
const MAX_PUTS: u32 = 3;
/// The pause before the second; then twice as long.
const PAUSE: Duration = Duration::from_millis(200);

/// Creates the object; a put that is not answered is sent again, and may find what the first has made.
///
/// # Errors
/// [`Error::AlreadyExists`] if there is another object by that name.
pub(super) async fn put_unique(
    store: &dyn ObjectStore,
    path: &Path,
    payload: PutPayload,
) -> Result<()> {
    let mut puts = 0;
    loop {
        let error = match store.put_opts(path, payload.clone(), PutMode::Create.into()).await {
            Ok(_) => return Ok(()),
            Err(error) => error,
        };
        puts += 1;
        match &error {
            Error::AlreadyExists { .. } if holds(store, path, payload.clone()).await? => {
                return Ok(());
            }
            Error::Generic { .. } if puts < MAX_PUTS && explain(&error).is_none() => {
                tracing::debug!(puts, "a put was not answered, and is sent again");
                tokio::time::sleep(PAUSE * puts).await;
            }
            _ => return Err(error),
        }
    }
}

/// Whether the object has exactly these bytes.
async fn holds(store: &dyn ObjectStore, path: &Path, payload: PutPayload) -> Result<bool> {
    let object = store.get(path).await?;
    if object.meta.size != payload.content_length() as u64 {
        return Ok(false);
    }
    Ok(object.bytes().await? == Bytes::from(payload))
}
