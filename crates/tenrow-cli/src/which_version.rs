//! Which version of a dataset is meant: by its number, a tag, or a time.

use std::time::{SystemTime, UNIX_EPOCH};

use clap::Args;
use tenrow::{Dataset, Snapshot, View};

use crate::fault::Result;
use crate::stores::Stores;

/// The arguments that choose a version; without them it is the newest.
#[derive(Debug, Args)]
pub(crate) struct WhichVersion {
    /// The version, by its number or a tag; `latest`, the newest, if not given
    #[arg(long, value_name = "VERSION")]
    version: Option<String>,
    /// The version that was the newest at a time in UTC: 2026-01-31 or 2026-01-31T18:30:00Z
    #[arg(long, value_name = "TIME", value_parser = time_ms, conflicts_with = "version")]
    at: Option<i64>,
}

impl WhichVersion {
    /// The version chosen of the dataset at `location`.
    pub(crate) async fn open(&self, stores: &Stores, location: &str) -> Result<Snapshot> {
        self.of(&stores.place(location)?).await
    }

    /// The version chosen of the dataset.
    pub(crate) async fn of(&self, dataset: &Dataset) -> Result<Snapshot> {
        Ok(match (&self.version, self.at) {
            (Some(version), _) => dataset.named(version).await?,
            (None, Some(time_ms)) => dataset.version_at(time_ms).await?,
            (None, None) => dataset.latest().await?,
        })
    }

    /// Whether it is the newest because nothing else was asked for.
    pub(crate) fn is_newest(&self) -> bool {
        self.version.is_none() && self.at.is_none()
    }
}

/// The view of this name, in the version that it was made of or in another: `test`, `test@latest`.
pub(crate) async fn view(dataset: &Dataset, text: &str) -> Result<View> {
    let Some((name, version)) = text.split_once('@') else { return Ok(dataset.view(text).await?) };
    let view = dataset.view(name).await?;
    Ok(view.at(&dataset.named(version).await?).await?)
}

/// Milliseconds of Unix time of a date, which is its first moment, or a time.
fn time_ms(text: &str) -> Result<i64> {
    // As `versions` prints it, too.
    let text = text.strip_suffix(" UTC").unwrap_or(text);
    let full = match text.len() {
        10 => format!("{text}T00:00:00Z"),
        16 => format!("{text}:00Z"),
        _ => text.to_owned(),
    };
    let time = humantime::parse_rfc3339_weak(&full)
        .map_err(|e| format!("{e}: write a date and a time in UTC as 2026-01-31T18:30:00Z"))?;
    Ok(unix_ms(time))
}

fn unix_ms(time: SystemTime) -> i64 {
    let since = time.duration_since(UNIX_EPOCH).unwrap_or_default();
    i64::try_from(since.as_millis()).unwrap_or(i64::MAX)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_date_is_its_first_moment() {
        assert_eq!(time_ms("2000-02-29").unwrap(), 951_782_400_000);
        assert_eq!(time_ms("2000-02-29T00:00:01Z").unwrap(), 951_782_401_000);
        assert_eq!(time_ms("2000-02-29 00:00:01").unwrap(), 951_782_401_000);
        assert_eq!(time_ms("2000-02-29 00:00:01 UTC").unwrap(), 951_782_401_000);
        assert_eq!(time_ms("2000-02-29T00:01").unwrap(), 951_782_460_000);
        for text in ["", "soon", "2000-02-30", "2000-02-29T00:00:00+02:00"] {
            assert!(time_ms(text).is_err(), "{text}");
        }
    }
}
