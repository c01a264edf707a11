//! Which version of a dataset is meant: by its number, a tag, or a time.

use clap::Args;
use tenrow::{Dataset, Snapshot};

use crate::fault::Result;
use crate::stores::Stores;

/// The arguments that choose a version; without them it is the newest.
#[derive(Debug, Args)]
pub(crate) struct WhichVersion {
    /// The version, by its number or a tag; `latest`, the newest, if not given
    #[arg(long, value_name = "VERSION")]
    version: Option<String>,
    /// The version that was the newest at a time in UTC: 2026-01-31 or 2026-01-31T18:30:00Z
    #[arg(long, value_name = "TIME", value_parser = tenrow::WhichVersion::of_time, conflicts_with = "version")]
    at: Option<tenrow::WhichVersion>,
}

impl WhichVersion {
    /// The version chosen of the dataset at `location`.
    pub(crate) async fn open(&self, stores: &Stores, location: &str) -> Result<Snapshot> {
        self.of(&stores.place(location)?).await
    }

    /// The version chosen of the dataset.
    pub(crate) async fn of(&self, dataset: &Dataset) -> Result<Snapshot> {
        Ok(match (&self.version, &self.at) {
            (Some(version), _) => dataset.named(version).await?,
            (None, Some(at)) => dataset.which(at).await?,
            (None, None) => dataset.latest().await?,
        })
    }

    /// Whether it is the newest because nothing else was asked for.
    pub(crate) fn is_newest(&self) -> bool {
        self.version.is_none() && self.at.is_none()
    }
}
