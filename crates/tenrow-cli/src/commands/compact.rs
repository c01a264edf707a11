//! `tenrow compact`

use clap::Args;
use serde_json::{Value, json};
use tenrow::{CompactOptions, CompactReport};

use crate::answer::Answer;
use crate::command::Command;
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

/// Merge small partitions, and leave out deleted rows and old values
#[derive(Debug, Args)]
#[command(after_help = AFTER)]
pub(crate) struct CompactArguments {
    /// The dataset
    dataset: String,
}

impl Command for CompactArguments {
    async fn run(self, stores: &Stores) -> Result<Answer> {
        let dataset = stores.open(&self.dataset).await?;
        let bar = Bar::new("partitions");
        let options =
            CompactOptions { on_progress: bar.on_progress(), ..CompactOptions::default() };
        let report = dataset.compact(options).await?;
        bar.finish();
        Ok(Answer::of(report, json, text))
    }
}

fn json(report: &CompactReport) -> Value {
    json!({
        "version": report.snapshot.version().0,
        "partitions": report.snapshot.partition_count(),
        "partitions_before": report.partitions_before,
        "partitions_after": report.partitions_after,
        "skipped_partitions": report.skipped_partitions,
        "written_bytes": report.written_bytes,
    })
}

fn text(report: &CompactReport) -> String {
    let newest = &report.snapshot;
    if report.partitions_before == 0 && report.skipped_partitions == 0 {
        return format!("nothing to compact: version {} stays the newest", newest.version());
    }
    let mut text = format!(
        "{} became {} ({} written); version {} has {}\n",
        text::counted(report.partitions_before, "partition", "partitions"),
        text::count(report.partitions_after),
        text::size(report.written_bytes),
        newest.version(),
        text::counted(newest.partition_count(), "partition", "partitions"),
    );
    if report.skipped_partitions > 0 {
        let skipped = text::counted(report.skipped_partitions, "partition was", "partitions were");
        text.push_str(&format!(
            "{skipped} changed by others meanwhile and left alone: run it again\n"
        ));
    }
    text
}
