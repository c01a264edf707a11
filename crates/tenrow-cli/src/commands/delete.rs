//! `tenrow delete`

use clap::Args;
use serde_json::{Value, json};
use tenrow::DeleteReport;

use crate::answer::Answer;
use crate::command::Command;
use crate::fault::Result;
use crate::progress::Spinner;
use crate::row_list;
use crate::stores::Stores;
use crate::text;
use crate::which_version::WhichVersion;

const AFTER: &str = "\
A delete is one commit and writes no data file: the rows stay in the files, for older versions and \
for programs that read them directly, until `compact` leaves them out. Later rows move up to fill the \
gap; give --version if you looked the numbers up in a version that may not be the newest any more. A \
stable id stays with its row for ever.

Examples:
  tenrow delete digits --rows 1,5,7..10
  tenrow delete digits --rows 0 --version 3
  tenrow delete digits --ids 10000..10100";

/// Delete rows
#[derive(Debug, Args)]
#[command(after_help = AFTER)]
pub(crate) struct DeleteArguments {
    /// The dataset
    dataset: String,
    /// Row numbers, and ranges whose end is not deleted: 1,5 or 7..10
    #[arg(long, allow_hyphen_values = true, required_unless_present = "ids")]
    rows: Option<String>,
    /// Stable row ids, written likewise; those that no row has are passed over
    #[arg(long, allow_hyphen_values = true, conflicts_with_all = ["rows", "version", "at"])]
    ids: Option<String>,
    #[command(flatten)]
    version: WhichVersion,
}

impl Command for DeleteArguments {
    async fn run(self, stores: &Stores) -> Result<Answer> {
        let dataset = stores.open(&self.dataset).await?;
        let _spinner = Spinner::start("deleting");
        let report = match (&self.rows, &self.ids) {
            (Some(rows), _) => {
                let snapshot = self.version.of(&dataset).await?;
                dataset.delete(&snapshot, &row_list::rows_of(&snapshot.all(), rows)?).await?
            }
            (None, ids) => {
                let ids = row_list::ids(ids.as_deref().unwrap_or_default())?;
                dataset.delete_ids(&ids).await?
            }
        };
        Ok(Answer::of(report, json, text))
    }
}

fn json(report: &DeleteReport) -> Value {
    json!({
        "version": report.snapshot.version().0,
        "deleted_rows": report.deleted_rows,
        "rows": report.snapshot.row_count(),
    })
}

fn text(report: &DeleteReport) -> String {
    format!(
        "deleted {}; version {} has {}",
        text::counted(report.deleted_rows, "row", "rows"),
        report.snapshot.version(),
        text::counted(report.snapshot.row_count(), "row", "rows"),
    )
}
