//! `tenrow verify`

use clap::Args;
use serde_json::{Value, json};
use tenrow::{VerifyOptions, VerifyReport};

use crate::answer::Answer;
use crate::command::Command;
use crate::fault::{Fault, Result};
use crate::progress::Bar;
use crate::stores::Stores;
use crate::text;

const AFTER: &str = "\
Without --full, the manifests of all versions, and of the newest the footers, file sizes and page addresses \
are checked; with it, every byte that any version needs. \
The exit status is 1 if anything is wrong.

Examples:
  tenrow verify digits
  tenrow verify digits --full --json";

/// Check that all is there and whole; with --full every byte
#[derive(Debug, Args)]
#[command(after_help = AFTER)]
pub(crate) struct VerifyArguments {
    /// The dataset
    dataset: String,
    /// Read every file of every version and check its checksum, and every value of the newest
    #[arg(long)]
    full: bool,
}

impl Command for VerifyArguments {
    async fn run(self, stores: &Stores) -> Result<Answer> {
        let dataset = stores.open(&self.dataset).await?;
        let bar = Bar::new("bytes");
        let options = VerifyOptions { full: self.full, on_progress: bar.on_progress() };
        let report = dataset.verify(options).await?;
        bar.finish();
        let fault = fault(&report);
        let is_full = self.full;
        Ok(Answer::of(report, json, move |report| text(report, is_full)).with_fault(fault))
    }
}

/// What the program fails with, if anything is wrong.
fn fault(report: &VerifyReport) -> Option<Fault> {
    match report.faults.as_slice() {
        [] => None,
        [only] => Some(only.to_string().into()),
        [first, others @ ..] => {
            let others = text::counted(others.len() as u64, "more fault", "more faults");
            Some(format!("{first} (and {others})").into())
        }
    }
}

fn json(report: &VerifyReport) -> Value {
    let faults = report
        .faults
        .iter()
        .map(|fault| json!({ "path": fault.path, "row": fault.row, "message": fault.message }));
    json!({
        "version": report.version,
        "versions": report.versions,
        "partitions": report.partitions,
        "files": report.files,
        "pages": report.pages,
        "rows": report.rows,
        "bytes": report.bytes,
        "faults": faults.collect::<Vec<_>>(),
    })
}

fn text(report: &VerifyReport, is_full: bool) -> String {
    let mut text = format!(
        "version {}: checked {}, {}, {}, {}, {}\n",
        report.version,
        text::counted(report.versions, "version", "versions"),
        text::counted(report.partitions, "partition", "partitions"),
        text::counted(report.files, "file", "files"),
        text::counted(report.pages, "page", "pages"),
        text::counted(report.rows, "row", "rows"),
    );
    match report.faults.as_slice() {
        [] if is_full => {
            text.push_str(&format!("all is well: {} read\n", text::size(report.bytes)))
        }
        [] => text.push_str("all is well; --full reads every byte\n"),
        faults => faults.iter().for_each(|fault| text.push_str(&format!("fault: {fault}\n"))),
    }
    text
}
