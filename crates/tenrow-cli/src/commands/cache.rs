//! `tenrow cache`

use std::io::Write;

use clap::{Args, Subcommand};
use serde_json::json;
use tenrow::storage::{Cache, CacheSize};

use crate::Output;
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

/// The arguments of `cache`.
#[derive(Debug, Args)]
#[command(after_help = AFTER)]
pub(crate) struct CacheArguments {
    #[command(subcommand)]
    action: Action,
    /// Print JSON
    #[arg(long, global = true)]
    json: bool,
}

#[derive(Debug, Subcommand)]
enum Action {
    /// Show where it is and what it holds
    Info,
    /// Remove everything from it
    Clear,
    /// Fetch all files of a dataset into it
    Warm {
        /// The dataset
        dataset: String,
        #[command(flatten)]
        version: WhichVersion,
    },
}

/// Does what is asked of the cache.
pub(crate) async fn run(
    arguments: CacheArguments,
    stores: &Stores,
    out: &mut Output,
) -> Result<()> {
    match &arguments.action {
        Action::Info => {
            let cache = cache(stores)?;
            let size = cache.size()?;
            if arguments.json {
                let value = json!({
                    "folder": cache.folder(),
                    "blocks": size.blocks,
                    "bytes": size.bytes,
                    "max_bytes": cache.max_bytes(),
                });
                writeln!(out, "{value:#}")?;
                return Ok(());
            }
            writeln!(
                out,
                "{}\n{} of at most {}",
                cache.folder().display(),
                held(size),
                text::size(cache.max_bytes())
            )?;
        }
        Action::Clear => {
            let removed = cache(stores)?.clear()?;
            match arguments.json {
                true => {
                    let value = json!({ "blocks": removed.blocks, "bytes": removed.bytes });
                    writeln!(out, "{value:#}")?;
                }
                false => writeln!(out, "removed {}", held(removed))?,
            }
        }
        Action::Warm { dataset, version } => {
            let snapshot = version.open(stores, dataset).await?;
            let mut bar = Bar::new("bytes");
            let before = snapshot.storage().counters();
            let warmed = snapshot.warm(|done, total| bar.set(done, Some(total), done)).await?;
            bar.finish();
            let fetched = snapshot.storage().counters().cache_misses - before.cache_misses;
            if arguments.json {
                let value = json!({
                    "version": snapshot.version().0,
                    "files": warmed.files,
                    "bytes": warmed.bytes,
                    "blocks_fetched": fetched,
                });
                writeln!(out, "{value:#}")?;
                return Ok(());
            }
            writeln!(
                out,
                "version {}: all of {}, {}; {} fetched now",
                snapshot.version(),
                text::counted(warmed.files, "file", "files"),
                text::size(warmed.bytes),
                text::counted(fetched, "block", "blocks"),
            )?;
        }
    }
    Ok(())
}

fn cache(stores: &Stores) -> Result<Cache> {
    let cache = Cache::from_options(stores.options())?;
    Ok(cache.ok_or("the cache is off, or there is no folder for it: --option cache_folder=…")?)
}

fn held(size: CacheSize) -> String {
    format!("{}, {}", text::counted(size.blocks, "block", "blocks"), text::size(size.bytes))
}
