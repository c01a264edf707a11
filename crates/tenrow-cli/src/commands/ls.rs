//! `tenrow ls`

use std::rc::Rc;

use clap::Args;
use futures::stream;
use serde_json::{Value, json};
use tenrow::storage::Location;
use tenrow::{Catalog, CatalogEntry, DatasetInfo};

use crate::answer::{Answer, each};
use crate::command::Command;
use crate::fault::Result;
use crate::progress::Spinner;
use crate::show;
use crate::stores::Stores;
use crate::table;
use crate::text;

const AFTER: &str = "\
Folders below the root are searched too: a dataset in speech/train is listed by that name. Whatever \
is no dataset is passed over; a dataset that cannot be read is listed with the reason.

Examples:
  tenrow ls .
  tenrow ls /data --json | jq -r '.[].name'";

/// List the datasets in a folder
#[derive(Debug, Args)]
#[command(after_help = AFTER)]
pub(crate) struct LsArguments {
    /// The folder that holds datasets
    root: String,
}

impl Command for LsArguments {
    async fn run(self, stores: &Stores) -> Result<Answer> {
        let root = match Location::parse(&self.root)? {
            Location::Local(folder) if !folder.is_dir() => {
                return Err(format!("{}: no such folder", folder.display()).into());
            }
            root => root.to_string(),
        };
        let spinner = Spinner::start("looking for datasets");
        let entries = Catalog::at(stores.storage(&root)?).list().await?;
        drop(spinner);
        if entries.is_empty() && stores.open(&root).await.is_ok() {
            let word = text::shell_word(&self.root);
            return Err(
                format!("{root}: a dataset itself: look at it with `tenrow info {word}`").into()
            );
        }
        let entries = Rc::new(entries);
        let json = each(&entries, move |entry| Ok(json(&root, entry)));
        Ok(Answer::array(stream::iter(json), stream::iter(text(&entries).map(Ok))))
    }
}

fn json(root: &str, entry: &CatalogEntry) -> Value {
    let mut value = match &entry.info {
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
        Err(error) => json!({ "error": error.chain() }),
    };
    value["name"] = json!(entry.name);
    value["location"] = json!(format!("{}/{}", root.trim_end_matches('/'), entry.name));
    value
}

/// A table, and a line for each that cannot be read.
fn text(entries: &Rc<Vec<CatalogEntry>>) -> impl Iterator<Item = String> + use<> {
    let header = ["dataset", "version", "committed", "rows", "Parquet files", "attributes"];
    let header = header.map(str::to_owned).to_vec();
    let line = |entry: &CatalogEntry| Some(line(&entry.name, entry.info.as_ref().ok()?));
    let has_table = entries.iter().any(|entry| entry.info.is_ok());
    let rows = has_table.then_some(header).into_iter();
    let table = table::lists(rows.chain(each(entries, line).flatten()));
    let unreadable = each(entries, |entry| {
        let error = entry.info.as_ref().err()?;
        Some(format!("{}: cannot be read: {}", text::tame(&entry.name), error.chain()))
    });
    let none = "no datasets here: make one with `tenrow create` or `tenrow import`";
    let none = entries.is_empty().then(|| none.to_owned());
    table.chain(unreadable.flatten()).chain(none)
}

fn line(name: &str, info: &DatasetInfo) -> Vec<String> {
    const SHOWN_ATTRIBUTES: usize = 4;
    let all = info.schema.attributes();
    let shown = all.iter().take(SHOWN_ATTRIBUTES);
    let mut attributes: Vec<_> =
        shown.map(|attribute| format!("{}:{}", attribute.name, attribute.type_text())).collect();
    if all.len() > SHOWN_ATTRIBUTES {
        attributes.push(format!("and {} more", all.len() - SHOWN_ATTRIBUTES));
    }
    vec![
        name.to_owned(),
        info.version.to_string(),
        text::time(info.created_ms),
        text::count(info.row_count),
        text::size(info.size_bytes),
        attributes.join(", "),
    ]
}
