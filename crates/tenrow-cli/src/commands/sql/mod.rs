//! `tenrow sql`

#[cfg(not(feature = "sql"))]
mod absent;
#[cfg(feature = "sql")]
mod present;

use std::fmt;
use std::path::PathBuf;
use std::str::FromStr;

use clap::Args;
use tenrow_convert::{Format, Purpose};

use crate::answer::Answer;
use crate::command::Command;
use crate::fault::Result;
use crate::stores::Stores;
use crate::text;

#[cfg(not(feature = "sql"))]
use absent::run;
#[cfg(not(feature = "sql"))]
pub(crate) use absent::{answered, view_by_query};
#[cfg(feature = "sql")]
use present::run;
#[cfg(feature = "sql")]
pub(crate) use present::{answered, view_by_query};

const AFTER: &str = "\
The datasets in a root are tables: digits, \"speech/train\" and, if there are several roots, data.digits. \
So are \"digits@3\" and \"digits@best\", past versions by number and tag; \"digits#train\", a view; \
'/data/digits', a dataset by its path; and \"digits$versions\", $attributes, $files, $partitions, $properties, \
$tags and $views, which tell about it. Every row has _row, _row_id and _partition, which * leaves out.

Without a QUERY, statements are read from stdin; at a terminal, they are asked for: \\? there says what else \
there is. Several statements, which ; separates, are run in order until one fails.

Values need not be put into the text: --parameter gives those of $1, $2 … in order, and by NAME=VALUE that of $NAME. \
They are never read as SQL.

Answers are printed as tables, to pipes as well. Tables shorten tensors, lists and long text; the other formats \
never do. json is one array of objects, jsonl one object a line; in both, and in csv, tensors \
are nested arrays.

INSERT, DELETE, UPDATE, CREATE TABLE … AS SELECT, ALTER TABLE and CREATE VIEW \"digits#name\" AS SELECT _row … are one commit \
each, and past versions stay as they were. Column types are those of SQL (BIGINT, FLOAT[768]) or of tenrow (f16, \
\"u8[28,28]\").

Examples:
  tenrow sql 'SELECT label, count(*) AS n FROM digits GROUP BY label ORDER BY n DESC'
  tenrow sql 'SELECT _row, label, image FROM digits WHERE label = 3 LIMIT 5'
  tenrow sql 'SELECT _row, tensor_mean(image) AS ink FROM digits LIMIT 3' --format jsonl
  tenrow sql 'SELECT * FROM \"digits$versions\"'
  tenrow sql 'SELECT count(*) FROM digits WHERE label = $1' --parameter 3
  tenrow sql 'UPDATE people SET name = $new WHERE name = $old' --parameter old=Ada --parameter new=Eve
  tenrow sql 'SELECT * FROM digits WHERE label < 2' --out zeros-and-ones.parquet
  tenrow sql --root a=/data --root b=/old 'SELECT * FROM a.people JOIN b.people USING (name)'
  tenrow sql 'ALTER TABLE digits ADD COLUMN ink DOUBLE; UPDATE digits SET ink = tensor_mean(image)'
  tenrow sql \"COPY (SELECT * FROM digits) TO 'digits.parquet'\" --folder exports
  tenrow sql --file report.sql --timing
  echo 'SHOW TABLES; DESCRIBE digits' | tenrow sql
  tenrow sql";

/// Ask datasets questions in SQL, and change them
#[derive(Debug, Args)]
#[command(after_help = AFTER)]
pub(crate) struct SqlArguments {
    /// Statements; - reads them from stdin
    #[arg(value_name = "QUERY")]
    queries: Vec<String>,
    /// A folder of datasets, and the name of its schema; the current folder if not given
    #[arg(long = "root", value_name = "[NAME=]URI")]
    roots: Vec<String>,
    /// Read the statements from this file
    #[arg(long, short, conflicts_with = "queries")]
    file: Option<PathBuf>,
    /// A value for $1, the next for $2 …, or NAME=VALUE for $NAME; it is of the type that the statement compares it with or
    /// stores it in, else a text; NULL is null
    #[arg(long = "parameter", value_name = "VALUE", allow_hyphen_values = true)]
    parameters: Vec<String>,
    #[arg(long, help = format!("table, {}; if not given, what --out ends with, else table", Format::known(Purpose::Answers)))]
    format: Option<Form>,
    /// The file to write the last answer to, whose extension says the format
    #[arg(long = "out", short, value_name = "FILE")]
    outs: Vec<PathBuf>,
    /// A folder that COPY … TO may write into; made if it is not there
    #[arg(long = "folder", value_name = "FOLDER")]
    folders: Vec<PathBuf>,
    /// Replace the file that --out names
    #[arg(long)]
    force: bool,
    /// Memory for sorts, joins and groups, such as 2GiB; 70 % of the machine's if not given
    #[arg(long, value_name = "SIZE", value_parser = text::parse_size)]
    memory: Option<u64>,
    /// Say how long each statement took
    #[arg(long)]
    timing: bool,
    #[arg(from_global)]
    json: bool,
}

#[cfg(feature = "sql")]
impl SqlArguments {
    /// The form that was asked for: `--json` is `--format json`.
    fn form(&self) -> Result<Option<Form>> {
        let json = Form::Rows(Format::named("json", Purpose::Answers)?);
        match (self.format, self.json) {
            (Some(form), true) if form != json => {
                Err(format!("--json and --format {form}: choose one").into())
            }
            (_, true) => Ok(Some(json)),
            (form, false) => Ok(form),
        }
    }
}

impl Command for SqlArguments {
    // At the prompt it ends the statement, not the program.
    const TAKES_INTERRUPTS: bool = true;

    async fn run(self, stores: &Stores) -> Result<Answer> {
        run(self, stores).await?;
        Ok(Answer::said())
    }
}

/// How answers are shown or written.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Form {
    /// For people.
    Table,
    /// For programs.
    Rows(Format),
}

impl FromStr for Form {
    type Err = String;

    fn from_str(text: &str) -> std::result::Result<Self, String> {
        if text == "table" {
            return Ok(Form::Table);
        }
        Format::named(text, Purpose::Answers).map(Form::Rows).map_err(|_| {
            let names = Format::known(Purpose::Answers);
            format!("{text:?} is not a format: known are table, {names}")
        })
    }
}

impl fmt::Display for Form {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Form::Table => f.write_str("table"),
            Form::Rows(format) => format.fmt(f),
        }
    }
}
