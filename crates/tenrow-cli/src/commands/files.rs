//! `tenrow files`

use std::io::{IsTerminal, stdout};
use std::rc::Rc;

use clap::Args;
use futures::stream;
use serde_json::{Value, json};
use tenrow::engine::manifest::{DataFile, origin_of};
use tenrow::{FileWarning, Snapshot, View};

use crate::answer::Answer;
use crate::command::Command;
use crate::fault::Result;
use crate::progress::Spinner;
use crate::stores::Stores;
use crate::text;
use crate::which_rows::WhichRows;

const AFTER: &str = "\
Use this list and not a pattern: the folder also holds files that only older versions need. What the files alone do \
not tell is said: with --strict it is an error. At a terminal, the lines that open them elsewhere follow. Of a view, they are \
the files that hold its rows, and may hold others too: `tenrow export --view` writes its rows alone.

Examples:
  tenrow files digits
  tenrow files digits --view train
  tenrow files digits --json | jq -r '.files[].path'";

/// Lines name all files if there are at most this many.
const NAMED_FILES: usize = 8;

/// List the Parquet files for other programs
#[derive(Debug, Args)]
#[command(after_help = AFTER)]
pub(crate) struct FilesArguments {
    /// The dataset
    dataset: String,
    #[command(flatten)]
    rows: WhichRows,
    /// Fail if the files alone do not tell all, such as which rows are deleted, or not in the view
    #[arg(long)]
    strict: bool,
}

impl Command for FilesArguments {
    async fn run(self, stores: &Stores) -> Result<Answer> {
        let view = self.rows.of(&stores.place(&self.dataset)?).await?;
        let files = LiveFiles::read(&view).await?;
        let lines = files.lines(&self.dataset, &self.rows.again(&view));
        let what = if view.name().is_some() { "view" } else { "version" };
        let fault = (self.strict && !files.warnings.is_empty())
            .then(|| format!("--strict: the files alone do not tell all of this {what}").into());
        let warnings = files.warnings.iter().map(|warning| format!("warning: {warning}")).collect();
        let files = Rc::new(files);
        let text = files.clone().text(&lines);
        let json = async move { Ok(files.json(&view, &lines)) };
        let answer = Answer::document(json, stream::iter(text.map(Ok)));
        Ok(answer.with_remarks(warnings).with_fault(fault))
    }
}

/// The lines that open the same files elsewhere, for `demo` too.
pub(crate) async fn opening_lines(snapshot: &Snapshot, location: &str) -> Result<Vec<String>> {
    let files = LiveFiles::read(&snapshot.all()).await?;
    Ok(files.lines(location, "").into_iter().map(|(_, line)| line).collect())
}

/// The base files that hold the rows of a view, and what they alone do not tell of these.
struct LiveFiles {
    files: Vec<LiveFile>,
    warnings: Vec<String>,
}

struct LiveFile {
    path: String,
    rows: u64,
    bytes: u64,
}

impl LiveFiles {
    async fn read(view: &View) -> Result<Self> {
        let snapshot = view.snapshot();
        let spinner = Spinner::start("reading footers");
        let partitions = view.partition_entries().await?;
        let warnings = view.file_warnings().await?;
        drop(spinner);
        let files = partitions.iter().filter_map(|partition| {
            let file = partition.files.first()?;
            let path = full_path(snapshot, file);
            Some(LiveFile { path, rows: partition.row_count, bytes: file.size_bytes })
        });
        let files = files.collect();
        let warnings = warnings.iter().map(FileWarning::to_string).collect();
        Ok(Self { files, warnings })
    }

    fn json(&self, view: &View, lines: &[(&'static str, String)]) -> Value {
        let files = self
            .files
            .iter()
            .map(|file| json!({ "path": file.path, "rows": file.rows, "bytes": file.bytes }));
        let mut value = json!({
            "version": view.version().0,
            "rows": view.row_count(),
            "files": files.collect::<Vec<_>>(),
            "warnings": self.warnings,
        });
        if let Some(name) = view.name() {
            value["view"] = json!(name);
        }
        for (program, line) in lines {
            value[*program] = json!(line);
        }
        value
    }

    /// A line for each file, and at a terminal those that open them elsewhere: a program that reads the list wants nothing
    /// else in it.
    fn text(
        self: Rc<Self>,
        lines: &[(&'static str, String)],
    ) -> impl Iterator<Item = String> + use<> {
        let shown = if stdout().is_terminal() { lines } else { &[] };
        let lines: Vec<_> = shown.iter().map(|(_, line)| format!("\n{line}\n")).collect();
        (0..self.files.len()).map(move |index| self.files[index].path.clone()).chain(lines)
    }

    /// For each program the line that opens the files.
    fn lines(&self, dataset: &str, chosen: &str) -> Vec<(&'static str, String)> {
        if self.files.is_empty() {
            return Vec::new();
        }
        if self.files.len() > NAMED_FILES {
            return many_lines(dataset, chosen);
        }
        let quoted: Vec<_> = self.files.iter().map(|file| python_text(&file.path)).collect();
        let list = match quoted.as_slice() {
            [only] => only.clone(),
            all => format!("[{}]", all.join(", ")),
        };
        let quoted: Vec<_> = self.files.iter().map(|file| sql_text(&file.path)).collect();
        vec![
            ("pandas", format!("pandas.read_parquet({list}, dtype_backend=\"pyarrow\")")),
            ("polars", format!("polars.read_parquet({list})")),
            ("duckdb", format!("SELECT * FROM read_parquet([{}])", quoted.join(", "))),
        ]
    }
}

/// The lines for more files than anybody wants to see in one.
fn many_lines(dataset: &str, chosen: &str) -> Vec<(&'static str, String)> {
    let first = format!("tenrow files {}{chosen} --json > files.json", text::shell_word(dataset));
    let paths = "[f[\"path\"] for f in json.load(open(\"files.json\"))[\"files\"]]";
    let backend = ", dtype_backend=\"pyarrow\"";
    vec![
        ("pandas", format!("{first}\nimport json, pandas; pandas.read_parquet({paths}{backend})")),
        ("polars", format!("import json, polars; polars.read_parquet({paths})")),
        ("duckdb", format!("import json, duckdb; duckdb.read_parquet({paths})")),
    ]
}

/// Where a file is, absolutely.
fn full_path(snapshot: &Snapshot, file: &DataFile) -> String {
    if file.foreign.is_some() {
        return file.path.clone();
    }
    let storage = snapshot.storage();
    let origin = origin_of(&file.path).and_then(|(name, path)| Some((storage.origin(name)?, path)));
    match origin {
        Some((origin, path)) => format!("{origin}/{path}"),
        None => format!("{storage}/{}", file.path),
    }
}

fn python_text(text: &str) -> String {
    format!("\"{}\"", text.replace('\\', r"\\").replace('"', "\\\"").replace('\n', "\\n"))
}

fn sql_text(text: &str) -> String {
    format!("'{}'", text.replace('\'', "''"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn paths_with_quotes_stay_one_text() {
        assert_eq!(python_text("a\"b\\c"), r#""a\"b\\c""#);
        assert_eq!(sql_text("it's"), "'it''s'");
    }
}
