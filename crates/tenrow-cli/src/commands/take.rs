//! `tenrow take`

use std::path::PathBuf;

use clap::Args;
use serde_json::json;
use tenrow_convert::export_file;

use crate::answer::Answer;
use crate::command::Command;
use crate::commands::export::{existing, remarks};
use crate::fault::Result;
use crate::progress::Bar;
use crate::row_list::rows_of;
use crate::stores::Stores;
use crate::text;
use crate::which_rows::WhichRows;

const AFTER: &str = "\
Rows come in the order asked, and as often as asked. A .png is a contact sheet: the pictures of the rows, side by side.

Examples:
  tenrow take digits --rows 5,9,5 --attribute image --out three.npy
  tenrow take digits --rows 0..1000,59999 --out some.parquet
  tenrow take digits --view train --rows 0..100 --out first.npz
  tenrow take digits --view wrong@latest --attribute image --out wrong.png";

/// Write chosen rows to a file, in the order asked
#[derive(Debug, Args)]
#[command(after_help = AFTER)]
pub(crate) struct TakeArguments {
    /// The dataset
    dataset: String,
    /// Row numbers, and ranges whose end is not taken: 5,9,5 or 10..20; of a view, places in it
    #[arg(long, allow_hyphen_values = true, required_unless_present = "view")]
    rows: Option<String>,
    /// Only these attributes
    #[arg(long = "attribute", short, value_name = "ATTRIBUTE")]
    attributes: Vec<String>,
    /// The file to write, whose extension says the format: one that `tenrow export` has; .npy and .png are of one attribute
    #[arg(long, short, value_name = "FILE")]
    out: PathBuf,
    /// Replace the file if it is there already
    #[arg(long)]
    force: bool,
    #[command(flatten)]
    whose: WhichRows,
}

impl Command for TakeArguments {
    async fn run(self, stores: &Stores) -> Result<Answer> {
        let dataset = stores.open(&self.dataset).await?;
        let view = self.whose.of(&dataset).await?;
        let view = match &self.rows {
            Some(text) => view.rows(rows_of(&view, text)?).await?,
            None => view,
        };
        let bar = Bar::new("rows");
        let (attributes, path) = (&self.attributes, &self.out);
        let existing = existing(self.force);
        let exported = export_file(&view, attributes, path, existing, &bar.on_progress()).await?;
        bar.finish();
        let path = self.out;
        let same = path.clone();
        Ok(Answer::of(
            view,
            move |view| {
                json!({ "version": view.version().0, "rows": view.row_count(), "path": path })
            },
            move |view| {
                let count = text::counted(view.row_count(), "row", "rows");
                format!("wrote {count} to {}", same.display())
            },
        )
        .with_remarks(remarks(&exported)))
    }
}
