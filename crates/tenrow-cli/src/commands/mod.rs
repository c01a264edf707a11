//! The commands, one to a file.

pub(crate) mod create;
pub(crate) mod demo;
pub(crate) mod export;
pub(crate) mod files;
pub(crate) mod get;
pub(crate) mod head;
pub(crate) mod import;
pub(crate) mod info;
pub(crate) mod take;
pub(crate) mod verify;
pub(crate) mod versions;

use tenrow::{Dataset, Snapshot, Version};

use crate::fault::Result;

/// The newest version of a dataset, or the one asked for.
pub(crate) async fn snapshot(location: &str, version: Option<u64>) -> Result<Snapshot> {
    let dataset = Dataset::open(location).await?;
    Ok(match version {
        None => dataset.latest().await?,
        Some(version) => dataset.version(Version(version)).await?,
    })
}
