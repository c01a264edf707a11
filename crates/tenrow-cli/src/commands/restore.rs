//! `tenrow restore`

use clap::Args;
use serde_json::json;
use tenrow::Snapshot;

use crate::answer::Answer;
use crate::command::Command;
use crate::fault::Result;
use crate::stores::Stores;
use crate::text;

const AFTER: &str = "\
The rows, attributes and properties of the old version become those of a new one. Nothing is lost: \
what was committed since stays in the history, and so do the tags.

Examples:
  tenrow restore digits 2
  tenrow restore digits trained-on";

/// Make an old version the newest again
#[derive(Debug, Args)]
#[command(after_help = AFTER)]
pub(crate) struct RestoreArguments {
    /// The dataset
    dataset: String,
    /// The version to come back, by its number or a tag
    version: String,
}

impl Command for RestoreArguments {
    async fn run(self, stores: &Stores) -> Result<Answer> {
        let dataset = stores.open(&self.dataset).await?;
        let old = dataset.named(&self.version).await?.version();
        let newest = dataset.restore(old).await?;
        let json = move |newest: &Snapshot| {
            json!({
                "version": newest.version().0,
                "restored_version": old.0,
                "rows": newest.row_count(),
            })
        };
        let text = move |newest: &Snapshot| {
            let rows = text::counted(newest.row_count(), "row", "rows");
            format!("version {} is what version {old} was: {rows}", newest.version())
        };
        Ok(Answer::of(newest, json, text))
    }
}
