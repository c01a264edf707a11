//! `tenrow files`

use std::io::{IsTerminal, Write, stderr, stdout};

use clap::Args;
use serde_json::{Value, json};
use tenrow::Snapshot;
use tenrow::engine::manifest::{DataFile, origin_of};

use crate::Output;
use crate::fault::Result;
use crate::file_warnings;
use crate::progress::Spinner;
use crate::stores::Stores;
use crate::text;
use crate::which_version::WhichVersion;

const AFTER: &str = "\
Use this list and not a pattern: the folder also holds files that only older versions need. What the files alone do \
not tell is said: with --strict it is an error. At a terminal, the lines that open them elsewhere follow.

Examples:
  tenrow files digits
  tenrow files digits --json | jq -r '.files[].path'";

/// Lines name all files if there are at most this many.
const NAMED_FILES: usize = 8;

/// The arguments of `files`.
#[derive(Debug, Args)]
#[command(after_help = AFTER)]
pub(crate) struct FilesArguments {
    /// The dataset
    dataset: String,
    #[command(flatten)]
    version: WhichVersion,
    /// Fail if the files alone do not tell all of the version, such as which rows are deleted
    #[arg(long)]
    strict: bool,
    /// Print JSON
    #[arg(long)]
    json: bool,
}

/// Lists the files.
pub(crate) async fn run(
    arguments: FilesArguments,
    stores: &Stores,
    out: &mut Output,
) -> Result<()> {
    let snapshot = arguments.version.open(stores, &arguments.dataset).await?;
    let files = LiveFiles::read(&snapshot).await?;
    // A tag may be given to another version later: the lines name this one.
    let version = (!arguments.version.is_newest()).then(|| snapshot.version().0);
    let lines = files.lines(&arguments.dataset, version);
    let strictly = || match files.warnings.len() {
        count if arguments.strict && count > 0 => {
            Err("--strict: the files alone do not tell all of this version".into())
        }
        _ => Ok(()),
    };
    if arguments.json {
        writeln!(out, "{:#}", files.json(&snapshot, &lines))?;
        return strictly();
    }
    for warning in &files.warnings {
        writeln!(stderr(), "tenrow: warning: {warning}")?;
    }
    for file in &files.files {
        writeln!(out, "{}", file.path)?;
    }
    // A program that reads the list wants nothing else in it.
    if stdout().is_terminal() {
        for (_, line) in lines {
            write!(out, "\n{line}\n")?;
        }
    }
    strictly()
}

/// The lines that open the same files elsewhere, for `demo` too.
pub(crate) async fn opening_lines(snapshot: &Snapshot, location: &str) -> Result<Vec<String>> {
    let files = LiveFiles::read(snapshot).await?;
    Ok(files.lines(location, None).into_iter().map(|(_, line)| line).collect())
}

/// The base files of a version, and what they alone do not tell.
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
    async fn read(snapshot: &Snapshot) -> Result<Self> {
        let spinner = Spinner::start("reading footers");
        let partitions = snapshot.partition_entries().await?;
        let inspection = snapshot.inspect().await?;
        drop(spinner);
        let files = partitions.iter().filter_map(|partition| {
            let file = partition.files.first()?;
            let path = full_path(snapshot, file);
            Some(LiveFile { path, rows: partition.row_count, bytes: file.size_bytes })
        });
        let files = files.collect();
        let warnings = file_warnings::all(snapshot, &partitions, &inspection);
        Ok(Self { files, warnings })
    }

    fn json(&self, snapshot: &Snapshot, lines: &[(&'static str, String)]) -> Value {
        let files = self
            .files
            .iter()
            .map(|file| json!({ "path": file.path, "rows": file.rows, "bytes": file.bytes }));
        let mut value = json!({
            "version": snapshot.version().0,
            "rows": snapshot.row_count(),
            "files": files.collect::<Vec<_>>(),
            "warnings": self.warnings,
        });
        for (program, line) in lines {
            value[*program] = json!(line);
        }
        value
    }

    /// For each program the line that opens the files.
    fn lines(&self, dataset: &str, version: Option<u64>) -> Vec<(&'static str, String)> {
        if self.files.is_empty() {
            return Vec::new();
        }
        if self.files.len() > NAMED_FILES {
            return many_lines(dataset, version);
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
fn many_lines(dataset: &str, version: Option<u64>) -> Vec<(&'static str, String)> {
    let version = version.map(|version| format!(" --version {version}")).unwrap_or_default();
    let first = format!("tenrow files {}{version} --json > files.json", text::shell_word(dataset));
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
