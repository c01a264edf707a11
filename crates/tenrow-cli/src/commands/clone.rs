//! `tenrow clone`

use std::collections::BTreeSet;
use std::io::{Write, stderr};

use clap::Args;
use serde_json::{Value, json};
use tenrow::{Dataset, Snapshot, Version};

use super::info::place_of;
use crate::Output;
use crate::fault::Result;
use crate::progress::Bar;
use crate::stores::Stores;
use crate::text;
use crate::which_version::WhichVersion;

const AFTER: &str = "\
Both datasets go their own way from there. With --copy, files that are indexed in place stay where they are, and this \
is said. Without it, the clone needs the files of the other: \
they are kept while the clone is registered there, which `tenrow info` shows. A clone of a clone needs \
the files of both, and is registered with both. Two that lie in one \
folder can be moved together; otherwise the other must stay where it is. A clone that you have removed \
is forgotten with --forget, by each that it was registered with; the version that it needed stays, unless it has \
expired. What else copies a clone, such as cp, registers nothing: `tenrow verify` says so. One that refers to no files any more is forgotten when it expires its old versions.

Examples:
  tenrow clone digits experiment
  tenrow clone digits frozen --version trained-on --copy
  tenrow clone digits experiment --forget";

/// The arguments of `clone`.
#[derive(Debug, Args)]
#[command(after_help = AFTER)]
pub(crate) struct CloneArguments {
    /// The dataset
    dataset: String,
    /// The folder to create, or to forget
    target: String,
    #[command(flatten)]
    version: WhichVersion,
    /// Copy the files, so that neither dataset needs the other
    #[arg(long)]
    copy: bool,
    /// Forget a clone that was removed
    #[arg(long, conflicts_with_all = ["copy", "version", "at"])]
    forget: bool,
    /// Print JSON
    #[arg(long)]
    json: bool,
}

/// Makes the new dataset.
pub(crate) async fn run(
    arguments: CloneArguments,
    stores: &Stores,
    out: &mut Output,
) -> Result<()> {
    let dataset = stores.open(&arguments.dataset).await?;
    if arguments.forget {
        return forget(&dataset, &arguments, out).await;
    }
    let version = arguments.version.of(&dataset).await?.version();
    let target = match arguments.copy {
        true => {
            let bar = Bar::new("bytes");
            dataset.copy_to(&arguments.target, version, &bar.on_progress()).await?
        }
        false => dataset.clone_to(&arguments.target, version).await?,
    };
    let snapshot = target.latest().await?;
    let foreign = if arguments.copy { foreign_files(&snapshot).await? } else { BTreeSet::new() };
    if let Some(first) = foreign.first() {
        let files = text::counted(foreign.len() as u64, "file", "files");
        writeln!(
            stderr(),
            "tenrow: {files} that the dataset has in place stay where they are, {first} among them, and are needed by the copy too"
        )?;
    }
    if arguments.json {
        let value = json!({
            "location": target.storage().to_string(),
            "version": snapshot.version().0,
            "rows": snapshot.row_count(),
            "origin": dataset.storage().to_string(),
            "origin_version": version.0,
            "copied": arguments.copy,
            "foreign_files": foreign,
        });
        writeln!(out, "{value:#}")?;
        return Ok(());
    }
    let rows = text::counted(snapshot.row_count(), "row", "rows");
    let how = if arguments.copy { "a copy" } else { "a clone" };
    writeln!(
        out,
        "created {}: {how} of version {version} of {}, {rows}",
        target.storage(),
        dataset.storage()
    )?;
    Ok(())
}

/// Files of others that rows are read from.
async fn foreign_files(snapshot: &Snapshot) -> Result<BTreeSet<String>> {
    let partitions = snapshot.partition_entries().await?;
    let files = partitions.into_iter().flat_map(|partition| partition.files);
    Ok(files.filter(|file| file.foreign.is_some()).map(|file| file.path).collect())
}

async fn forget(dataset: &Dataset, arguments: &CloneArguments, out: &mut Output) -> Result<()> {
    let notes = dataset.forget_clone(&arguments.target).await?;
    let mut versions: Vec<Version> = notes.iter().map(|note| note.version).collect();
    versions.dedup();
    if arguments.json {
        let versions: Value = versions.iter().map(|version| version.0).collect();
        let value = json!({ "location": arguments.target, "origin_versions": versions });
        writeln!(out, "{value:#}")?;
        return Ok(());
    }
    let newest = dataset.latest().await?;
    let ended = versions.iter().map(|&version| text::ended(&newest, version)).collect::<String>();
    writeln!(
        out,
        "forgot {}: it keeps {} {} of {} no more{ended}",
        arguments.target,
        if versions.len() == 1 { "version" } else { "versions" },
        text::runs(&versions),
        dataset.storage()
    )?;
    let storage = dataset.storage();
    let forgotten = storage.open_other(&arguments.target)?.to_string();
    let mut origins = newest.root().origins.values();
    if origins.any(|origin| place_of(storage, &origin.location) == forgotten) {
        writeln!(
            stderr(),
            "tenrow: version {} of {} was merged with it and refers to its files: keep them, or put its rows into files of its own with `tenrow clone --copy`",
            newest.version(),
            dataset.storage()
        )?;
    }
    Ok(())
}
