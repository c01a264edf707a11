//! Where datasets are, and how stores are reached.

use std::fmt;
use std::io::Write;
use std::sync::{Mutex, PoisonError};

use clap::Args;
use tenrow::storage::{Counters, Storage};
use tenrow::{Dataset, StoreOptions};

use crate::fault::Result;
use crate::text;

/// The arguments that all commands take.
#[derive(Debug, Args)]
#[command(next_help_heading = "Stores")]
pub(crate) struct StoreArguments {
    /// How an object store is reached, such as endpoint=https://…, region=…, profile=…, cache=off; an unknown name
    /// lists those that there are
    #[arg(long = "option", value_name = "NAME=VALUE", global = true, hide_short_help = true)]
    options: Vec<Pair>,
    /// Say at the end what was read: bytes, requests, retries, blocks of the cache, time spent decoding
    #[arg(long, global = true, hide_short_help = true)]
    stats: bool,
}

/// `NAME=VALUE`, whose value may be a secret.
#[derive(Clone)]
struct Pair(String);

impl From<String> for Pair {
    fn from(pair: String) -> Self {
        Self(pair)
    }
}

impl fmt::Debug for Pair {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("NAME=VALUE")
    }
}

/// Opens datasets, and remembers what was opened.
#[derive(Debug)]
pub(crate) struct Stores {
    options: StoreOptions,
    has_stats: bool,
    opened: Mutex<Vec<Storage>>,
}

impl Stores {
    pub(crate) fn new(arguments: &StoreArguments) -> Result<Self> {
        let mut options = StoreOptions::default();
        for Pair(pair) in &arguments.options {
            options = options.with_pair(pair).map_err(|error| format!("--option: {error}"))?;
        }
        Ok(Self { options, has_stats: arguments.stats, opened: Mutex::default() })
    }

    /// How stores are reached.
    pub(crate) fn options(&self) -> &StoreOptions {
        &self.options
    }

    /// What lies at `location`. Touches nothing.
    pub(crate) fn storage(&self, location: &str) -> Result<Storage> {
        let storage =
            Storage::open_with(location, &self.options)?.with_mapped_reads_counted(self.has_stats);
        self.opened.lock().unwrap_or_else(PoisonError::into_inner).push(storage.clone());
        Ok(storage)
    }

    /// The dataset that may be at `location`, which is not looked at.
    pub(crate) fn place(&self, location: &str) -> Result<Dataset> {
        Ok(Dataset::at(self.storage(location)?))
    }

    /// The dataset at `location`.
    pub(crate) async fn open(&self, location: &str) -> Result<Dataset> {
        let dataset = self.place(location)?;
        dataset.latest().await?;
        Ok(dataset)
    }

    /// Says what was read, if that was asked for.
    pub(crate) fn report(&self) {
        if !self.has_stats {
            return;
        }
        let opened = self.opened.lock().unwrap_or_else(PoisonError::into_inner);
        let all: Vec<Counters> = opened.iter().map(Storage::counters).collect();
        let sum = |of: fn(&Counters) -> u64| all.iter().map(of).sum::<u64>();
        let line = format!(
            "read: {} in {}, decoded in {}; requests {}, retries {}, cache: {} found, {} fetched",
            text::size(sum(|c| c.bytes_read)),
            text::counted(sum(|c| c.reads), "read", "reads"),
            text::elapsed(all.iter().map(|c| c.decode_time).sum()),
            text::count(sum(|c| c.requests)),
            text::count(sum(|c| c.retries)),
            text::counted(sum(|c| c.cache_hits), "block", "blocks"),
            text::counted(sum(|c| c.cache_misses), "block", "blocks"),
        );
        // With stderr closed there is nobody left to tell.
        let _ = writeln!(std::io::stderr(), "{line}");
    }
}

#[cfg(test)]
mod tests {
    use clap::Parser;

    use super::*;

    #[derive(Debug, Parser)]
    struct Program {
        #[command(flatten)]
        stores: StoreArguments,
    }

    #[test]
    fn the_value_of_an_option_is_in_no_debug_text() {
        let program =
            Program::try_parse_from(["x", "--option", "secret_access_key=marker"]).unwrap();
        let stores = Stores::new(&program.stores).unwrap();
        let shown = format!("{program:?} {stores:?}");
        assert!(shown.contains("secret_access_key") && !shown.contains("marker"), "{shown}");
    }
}
