//! `tenrow tag`

use std::io::Write;

use clap::Args;
use serde_json::{Value, json};
use tenrow::Snapshot;

use crate::Output;
use crate::fault::Result;
use crate::stores::Stores;
use crate::text;
use crate::which_version::WhichVersion;

const AFTER: &str = "\
A tag stands for a version wherever --version is an option, and keeps it from being expired. Tags are \
kept by the newest version, so giving one or taking one away is a commit.

Examples:
  tenrow tag digits
  tenrow tag digits trained-on --version 3
  tenrow tag digits trained-on --delete";

/// The arguments of `tag`.
#[derive(Debug, Args)]
#[command(after_help = AFTER)]
pub(crate) struct TagArguments {
    /// The dataset
    dataset: String,
    /// The tag; without it, all are listed
    name: Option<String>,
    #[command(flatten)]
    version: WhichVersion,
    /// Take the tag away; the version stays, unless it has expired and nothing else keeps it
    #[arg(long, requires = "name", conflicts_with_all = ["version", "at"])]
    delete: bool,
    /// Print JSON
    #[arg(long)]
    json: bool,
}

/// Lists tags, gives one or takes one away.
pub(crate) async fn run(arguments: TagArguments, stores: &Stores, out: &mut Output) -> Result<()> {
    let dataset = stores.open(&arguments.dataset).await?;
    let Some(name) = &arguments.name else {
        if !arguments.version.is_newest() {
            return Err("--version: say which tag the version is to have".into());
        }
        return list(&dataset.latest().await?, arguments.json, out);
    };
    if arguments.delete {
        let tagged = dataset.latest().await?.root().tags.get(name).copied();
        let newest = dataset.untag(name).await?;
        let value = json!({ "version": newest.version().0, "deleted_tag": name });
        let ended = tagged.map(|version| text::ended(&newest, version)).unwrap_or_default();
        let line =
            format!("took tag {name} away; version {} is the newest{ended}", newest.version());
        return say(value, &line, arguments.json, out);
    }
    let version = arguments.version.of(&dataset).await?.version();
    let newest = dataset.tag(name, version).await?;
    let value = json!({ "version": newest.version().0, "tag": name, "tagged_version": version.0 });
    let line =
        format!("version {version} is called {name}; version {} is the newest", newest.version());
    say(value, &line, arguments.json, out)
}

fn say(value: Value, line: &str, as_json: bool, out: &mut Output) -> Result<()> {
    match as_json {
        true => writeln!(out, "{value:#}")?,
        false => writeln!(out, "{line}")?,
    }
    Ok(())
}

fn list(newest: &Snapshot, as_json: bool, out: &mut Output) -> Result<()> {
    let tags = &newest.root().tags;
    if as_json {
        let tags = tags.iter().map(|(tag, version)| json!({ "tag": tag, "version": version.0 }));
        writeln!(out, "{:#}", tags.collect::<Value>())?;
        return Ok(());
    }
    if tags.is_empty() {
        writeln!(out, "no tags yet: give one with `tenrow tag DATASET NAME`")?;
    }
    let rows = tags.iter().map(|(tag, version)| vec![tag.clone(), format!("version {version}")]);
    write!(out, "{}", text::table(&rows.collect::<Vec<_>>()))?;
    Ok(())
}
