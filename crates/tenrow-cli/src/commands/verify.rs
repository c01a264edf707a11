//! `tenrow verify`

use std::io::Write;

use clap::Args;
use serde_json::{Value, json};
use tenrow::{VerifyOptions, VerifyReport};

use crate::Output;
use crate::fault::Result;
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

/// The arguments of `verify`.
#[derive(Debug, Args)]
#[command(after_help = AFTER)]
pub(crate) struct VerifyArguments {
    /// The dataset
    dataset: String,
    /// Read every file of every version and check its checksum, and every value of the newest
    #[arg(long)]
    full: bool,
    /// Print JSON
    #[arg(long)]
    json: bool,
}

/// Checks the dataset.
pub(crate) async fn run(
    arguments: VerifyArguments,
    stores: &Stores,
    out: &mut Output,
) -> Result<()> {
    let dataset = stores.open(&arguments.dataset).await?;
    let bar = Bar::new("bytes");
    let options = VerifyOptions { full: arguments.full, on_progress: bar.on_progress() };
    let report = dataset.verify(options).await?;
    bar.finish();
    match arguments.json {
        true => writeln!(out, "{:#}", json(&report))?,
        false => print(&report, &arguments, out)?,
    }
    out.flush()?;
    match report.faults.as_slice() {
        [] => Ok(()),
        [only] => Err(only.to_string().into()),
        [first, others @ ..] => {
            let others = text::counted(others.len() as u64, "more fault", "more faults");
            Err(format!("{first} (and {others})").into())
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

fn print(report: &VerifyReport, arguments: &VerifyArguments, out: &mut Output) -> Result<()> {
    writeln!(
        out,
        "version {}: checked {}, {}, {}, {}, {}",
        report.version,
        text::counted(report.versions, "version", "versions"),
        text::counted(report.partitions, "partition", "partitions"),
        text::counted(report.files, "file", "files"),
        text::counted(report.pages, "page", "pages"),
        text::counted(report.rows, "row", "rows"),
    )?;
    match report.faults.as_slice() {
        [] if arguments.full => writeln!(out, "all is well: {} read", text::size(report.bytes))?,
        [] => writeln!(out, "all is well; --full reads every byte")?,
        faults => {
            for fault in faults {
                writeln!(out, "fault: {fault}")?;
            }
        }
    }
    Ok(())
}
