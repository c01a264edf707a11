//! `tenrow cache`

use clap::{Args, Subcommand};
use serde_json::{Value, json};
use tenrow::Snapshot;
use tenrow::storage::{Cache, CacheSize};

use crate::answer::Answer;
use crate::command::Command;
use crate::fault::Result;
use crate::progress::Bar;
use crate::stores::Stores;
use crate::text;
use crate::which_version::WhichVersion;

const AFTER: &str = "\
What is read of an object store is kept on this machine, in blocks of 1 MiB that all programs share, until other \
blocks need the room. Its folder is that of --option cache_folder=… or TENROW_CACHE_FOLDER, else tenrow in ~/.cache; \
its size that of cache_size or TENROW_CACHE_SIZE, else a quarter of the disk, at most 64 GiB. --option cache=off \
reads past it.

Examples:
  tenrow cache info
  tenrow cache warm s3://bucket/digits
  tenrow cache clear";

/// Show, fill or clear what this machine keeps of remote datasets
#[derive(Debug, Args)]
#[command(after_help = AFTER)]
pub(crate) struct CacheArguments {
    #[command(subcommand)]
    action: Action,
}

#[derive(Debug, Subcommand)]
enum Action {
    /// Show where it is and what it holds
    #[command(after_help = "Example:\n  tenrow cache info")]
    Info,
    /// Remove everything from it
    #[command(after_help = "Example:\n  tenrow cache clear")]
    Clear,
    /// Fetch all files of a dataset into it
    #[command(after_help = "Example:\n  tenrow cache warm s3://bucket/digits")]
    Warm {
        /// The dataset
        dataset: String,
        #[command(flatten)]
        version: WhichVersion,
    },
}

impl Command for CacheArguments {
    async fn run(self, stores: &Stores) -> Result<Answer> {
        match self.action {
            Action::Info => {
                let cache = cache(stores)?;
                let size = cache.size()?;
                Ok(Answer::of((cache, size), info_json, info_text))
            }
            Action::Clear => Ok(Answer::of(
                cache(stores)?.clear()?,
                |removed| json!({ "blocks": removed.blocks, "bytes": removed.bytes }),
                |removed| format!("removed {}", held(*removed)),
            )),
            Action::Warm { dataset, version } => warm(&version.open(stores, &dataset).await?).await,
        }
    }
}

fn info_json((cache, size): &(Cache, CacheSize)) -> Value {
    json!({
        "folder": cache.folder(),
        "blocks": size.blocks,
        "bytes": size.bytes,
        "max_bytes": cache.max_bytes(),
    })
}

fn info_text((cache, size): &(Cache, CacheSize)) -> String {
    let most = text::size(cache.max_bytes());
    format!("{}\n{} of at most {most}", cache.folder().display(), held(*size))
}

async fn warm(snapshot: &Snapshot) -> Result<Answer> {
    let bar = Bar::new("bytes");
    let before = snapshot.storage().counters();
    let warmed = snapshot.warm(&bar.on_progress()).await?;
    bar.finish();
    let fetched = snapshot.storage().counters().cache_misses - before.cache_misses;
    let version = snapshot.version();
    Ok(Answer::of(
        warmed,
        move |warmed| {
            json!({
                "version": version.0,
                "files": warmed.files,
                "bytes": warmed.bytes,
                "blocks_fetched": fetched,
            })
        },
        move |warmed| {
            format!(
                "version {version}: all of {}, {}; {} fetched now",
                text::counted(warmed.files, "file", "files"),
                text::size(warmed.bytes),
                text::counted(fetched, "block", "blocks"),
            )
        },
    ))
}

fn cache(stores: &Stores) -> Result<Cache> {
    let cache = Cache::from_options(stores.options())?;
    Ok(cache.ok_or("the cache is off, or there is no folder for it: --option cache_folder=…")?)
}

fn held(size: CacheSize) -> String {
    format!("{}, {}", text::counted(size.blocks, "block", "blocks"), text::size(size.bytes))
}
