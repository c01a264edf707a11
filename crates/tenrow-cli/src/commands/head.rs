//! `tenrow head`

use clap::Args;

use crate::answer::Answer;
use crate::command::Command;
use crate::fault::Result;
use crate::show::{Rows, Style};
use crate::stores::Stores;
use crate::table::Detail;
use crate::terminal::WhetherDrawn;
use crate::which_rows::WhichRows;

const AFTER: &str = "\
Examples:
  tenrow head digits
  tenrow head digits -n 2 --draw | less -R
  tenrow head digits --view test@latest
  tenrow head digits --json | jq '.[]._row_id'";

/// Show the first rows
#[derive(Debug, Args)]
#[command(after_help = AFTER)]
pub(crate) struct HeadArguments {
    /// The dataset
    dataset: String,
    /// How many rows
    #[arg(short = 'n', value_name = "ROWS", default_value_t = 5)]
    row_count: u64,
    #[command(flatten)]
    rows: WhichRows,
    #[command(flatten)]
    drawn: WhetherDrawn,
}

impl Command for HeadArguments {
    async fn run(self, stores: &Stores) -> Result<Answer> {
        let dataset = stores.place(&self.dataset)?;
        let view = self.rows.of(&dataset).await?;
        let row_count = view.row_count();
        if row_count == 0 {
            return Ok(Answer::none(match view.name() {
                Some(_) => "the view has no rows",
                None => "no rows yet: fill it with `tenrow import`",
            }));
        }
        let first = view.rows(0..self.row_count.min(row_count)).await?;
        let drawing = self.drawn.drawing()?;
        let style = Style { drawing, detail: Detail::LINE };
        let attributes = view.snapshot().schema().attributes();
        let rows = Rows::of(view.snapshot(), attributes, style);
        let numbers = first.row_numbers().await?;
        let answer = Answer::array(rows.json(numbers), rows.text(numbers));
        Ok(answer.with_remarks_of(move || rows.remarks()))
    }
}
