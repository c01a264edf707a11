//! `tenrow versions`

use clap::Args;
use serde_json::{Value, json};
use tenrow::VersionInfo;

use crate::answer::Answer;
use crate::command::Command;
use crate::fault::Result;
use crate::progress::Spinner;
use crate::stores::Stores;
use crate::text;

const AFTER: &str = "\
Examples:
  tenrow versions digits
  tenrow info digits --version 2";

/// Show the history
#[derive(Debug, Args)]
#[command(after_help = AFTER)]
pub(crate) struct VersionsArguments {
    /// The dataset
    dataset: String,
}

impl Command for VersionsArguments {
    async fn run(self, stores: &Stores) -> Result<Answer> {
        let dataset = stores.open(&self.dataset).await?;
        let newest = dataset.latest().await?;
        let spinner = Spinner::start("reading the history");
        let versions = dataset.versions().await?;
        drop(spinner);
        let tags_of = |version: &VersionInfo| -> Vec<String> {
            let tags = newest.root().tags.iter();
            tags.filter(|(_, of)| **of == version.version).map(|(tag, _)| tag.clone()).collect()
        };
        let versions = versions.into_iter().map(|version| (tags_of(&version), version)).collect();
        let header = ["version", "committed", "by", "rows", "partitions", "Parquet files", "tags"];
        Ok(Answer::list(&header, versions, json, cells))
    }
}

fn json((tags, version): &(Vec<String>, VersionInfo)) -> Value {
    json!({
        "version": version.version.0,
        "created": text::time(version.created_ms),
        "created_ms": version.created_ms,
        "operation": version.operation,
        "rows": version.row_count,
        "partitions": version.partition_count,
        "bytes": version.size_bytes,
        "tags": tags,
    })
}

fn cells((tags, version): &(Vec<String>, VersionInfo)) -> Vec<String> {
    vec![
        version.version.to_string(),
        text::time(version.created_ms),
        version.operation.clone(),
        text::count(version.row_count),
        text::count(version.partition_count),
        text::size(version.size_bytes),
        tags.join(", "),
    ]
}
