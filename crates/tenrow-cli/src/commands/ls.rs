//! `tenrow ls`

use std::io::Write;

use clap::Args;
use serde_json::{Value, json};
use tenrow::storage::Location;
use tenrow::{Catalog, CatalogEntry, DatasetInfo};

use crate::Output;
use crate::fault::{self, Result};
use crate::progress::Spinner;
use crate::show;
use crate::stores::Stores;
use crate::text;

const AFTER: &str = "\
Folders below the root are searched too: a dataset in speech/train is listed by that name. Whatever \
is no dataset is passed over; a dataset that cannot be read is listed with the reason.

Examples:
  tenrow ls .
  tenrow ls /data --json | jq -r '.[].name'";

/// The arguments of `ls`.
#[derive(Debug, Args)]
#[command(after_help = AFTER)]
pub(crate) struct LsArguments {
    /// The folder that holds datasets
    root: String,
    /// Print JSON
    #[arg(long)]
    json: bool,
}

/// Lists the datasets.
pub(crate) async fn run(arguments: LsArguments, stores: &Stores, out: &mut Output) -> Result<()> {
    let root = match Location::parse(&arguments.root)? {
        Location::Local(folder) if !folder.is_dir() => {
            return Err(format!("{}: no such folder", folder.display()).into());
        }
        root => root.to_string(),
    };
    let spinner = Spinner::start("looking for datasets");
    let entries = Catalog::at(stores.storage(&root)?).list().await?;
    drop(spinner);
    if entries.is_empty() && stores.open(&root).await.is_ok() {
        let word = text::shell_word(&arguments.root);
        return Err(
            format!("{root}: a dataset itself: look at it with `tenrow info {word}`").into()
        );
    }
    if arguments.json {
        let entries: Vec<Value> = entries.into_iter().map(|entry| json(&root, entry)).collect();
        writeln!(out, "{:#}", Value::from(entries))?;
        return Ok(());
    }
    print(entries, out)
}

fn json(root: &str, entry: CatalogEntry) -> Value {
    let mut value = match entry.info {
        Ok(info) => json!({
            "version": info.version.0,
            "created": text::time(info.created_ms),
            "created_ms": info.created_ms,
            "rows": info.row_count,
            "partitions": info.partition_count,
            "bytes": info.size_bytes,
            "attributes": show::attributes_json(&info.schema),
            "properties": info.properties,
        }),
        Err(error) => json!({ "error": fault::line(&error.into()) }),
    };
    value["name"] = json!(entry.name);
    value["location"] = json!(format!("{}/{}", root.trim_end_matches('/'), entry.name));
    value
}

fn print(entries: Vec<CatalogEntry>, out: &mut Output) -> Result<()> {
    let header = ["dataset", "version", "committed", "rows", "Parquet files", "attributes"];
    let mut rows = vec![header.map(str::to_owned).to_vec()];
    let mut unreadable = Vec::new();
    for entry in entries {
        match entry.info {
            Ok(info) => rows.push(line(entry.name, &info)),
            Err(error) => unreadable.push((entry.name, fault::line(&error.into()))),
        }
    }
    if rows.len() > 1 {
        write!(out, "{}", text::table(&rows))?;
    } else if unreadable.is_empty() {
        writeln!(out, "no datasets here: make one with `tenrow create` or `tenrow import`")?;
    }
    for (name, reason) in unreadable {
        writeln!(out, "{name}: cannot be read: {reason}")?;
    }
    Ok(())
}

fn line(name: String, info: &DatasetInfo) -> Vec<String> {
    const SHOWN_ATTRIBUTES: usize = 4;
    let all = info.schema.attributes();
    let shown = all.iter().take(SHOWN_ATTRIBUTES);
    let mut attributes: Vec<_> =
        shown.map(|attribute| format!("{}:{}", attribute.name, attribute.type_text())).collect();
    if all.len() > SHOWN_ATTRIBUTES {
        attributes.push(format!("and {} more", all.len() - SHOWN_ATTRIBUTES));
    }
    vec![
        name,
        info.version.to_string(),
        text::time(info.created_ms),
        text::count(info.row_count),
        text::size(info.size_bytes),
        attributes.join(", "),
    ]
}
