//! `tenrow compact`

use std::io::Write;

use clap::Args;
use serde_json::json;
use tenrow::{CompactOptions, CompactReport};

use crate::Output;
use crate::fault::Result;
use crate::progress::Bar;
use crate::stores::Stores;
use crate::text;

const AFTER: &str = "\
Rows keep their order, numbers, ids and values; deleted rows are left out of the new files, and newer \
values are put among the others. It commits as it goes, beside readers and writers: what another \
commit changed meanwhile is left for the next time. Older versions keep their files until `expire` and \
`vacuum`. What a clone or a merged dataset has of others becomes its own where it is rewritten; files \
indexed in place are left alone.

Example:
  tenrow compact digits";

/// The arguments of `compact`.
#[derive(Debug, Args)]
#[command(after_help = AFTER)]
pub(crate) struct CompactArguments {
    /// The dataset
    dataset: String,
    /// Print JSON
    #[arg(long)]
    json: bool,
}

/// Compacts the dataset.
pub(crate) async fn run(
    arguments: CompactArguments,
    stores: &Stores,
    out: &mut Output,
) -> Result<()> {
    let dataset = stores.open(&arguments.dataset).await?;
    let bar = Bar::new("partitions");
    let options = CompactOptions { on_progress: bar.on_progress(), ..CompactOptions::default() };
    let report = dataset.compact(options).await?;
    bar.finish();
    print(&report, arguments.json, out)
}

fn print(report: &CompactReport, as_json: bool, out: &mut Output) -> Result<()> {
    let newest = &report.snapshot;
    if as_json {
        let value = json!({
            "version": newest.version().0,
            "partitions": newest.partition_count(),
            "partitions_before": report.partitions_before,
            "partitions_after": report.partitions_after,
            "skipped_partitions": report.skipped_partitions,
            "written_bytes": report.written_bytes,
        });
        writeln!(out, "{value:#}")?;
        return Ok(());
    }
    if report.partitions_before == 0 && report.skipped_partitions == 0 {
        writeln!(out, "nothing to compact: version {} stays the newest", newest.version())?;
        return Ok(());
    }
    writeln!(
        out,
        "{} became {} ({} written); version {} has {}",
        text::counted(report.partitions_before, "partition", "partitions"),
        text::count(report.partitions_after),
        text::size(report.written_bytes),
        newest.version(),
        text::counted(newest.partition_count(), "partition", "partitions"),
    )?;
    if report.skipped_partitions > 0 {
        let skipped = text::counted(report.skipped_partitions, "partition was", "partitions were");
        writeln!(out, "{skipped} changed by others meanwhile and left alone: run it again")?;
    }
    Ok(())
}
