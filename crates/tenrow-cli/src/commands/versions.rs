//! `tenrow versions`

use std::io::Write;

use clap::Args;
use serde_json::{Value, json};
use tenrow::VersionInfo;

use crate::Output;
use crate::fault::Result;
use crate::progress::Spinner;
use crate::stores::Stores;
use crate::text;

const AFTER: &str = "\
Examples:
  tenrow versions digits
  tenrow info digits --version 2";

/// The arguments of `versions`.
#[derive(Debug, Args)]
#[command(after_help = AFTER)]
pub(crate) struct VersionsArguments {
    /// The dataset
    dataset: String,
    /// Print JSON
    #[arg(long)]
    json: bool,
}

/// Prints the history, newest first.
pub(crate) async fn run(
    arguments: VersionsArguments,
    stores: &Stores,
    out: &mut Output,
) -> Result<()> {
    let dataset = stores.open(&arguments.dataset).await?;
    let newest = dataset.latest().await?;
    let tags_of = |version: &VersionInfo| -> Vec<&str> {
        let tags = newest.root().tags.iter();
        tags.filter(|(_, of)| **of == version.version).map(|(tag, _)| tag.as_str()).collect()
    };
    let spinner = Spinner::start("reading the history");
    let versions = dataset.versions().await?;
    drop(spinner);
    if arguments.json {
        let versions: Vec<Value> = versions
            .iter()
            .map(|version| {
                json!({
                    "version": version.version.0,
                    "created": text::time(version.created_ms),
                    "created_ms": version.created_ms,
                    "operation": version.operation,
                    "rows": version.row_count,
                    "partitions": version.partition_count,
                    "bytes": version.size_bytes,
                    "tags": tags_of(version),
                })
            })
            .collect();
        writeln!(out, "{:#}", Value::from(versions))?;
        return Ok(());
    }
    let header = ["version", "committed", "by", "rows", "partitions", "Parquet files", "tags"];
    let rows = versions.iter().map(|version| {
        vec![
            version.version.to_string(),
            text::time(version.created_ms),
            version.operation.clone(),
            text::count(version.row_count),
            text::count(version.partition_count),
            text::size(version.size_bytes),
            tags_of(version).join(", "),
        ]
    });
    let header = header.map(str::to_owned).to_vec();
    write!(out, "{}", text::table(&std::iter::once(header).chain(rows).collect::<Vec<_>>()))?;
    Ok(())
}
