//! `tenrow tag`

use clap::Args;
use serde_json::json;
use tenrow::{Dataset, Snapshot, Version};

use crate::answer::Answer;
use crate::command::Command;
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

/// Give a version a name, take one away, or list them
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
}

impl Command for TagArguments {
    async fn run(self, stores: &Stores) -> Result<Answer> {
        let dataset = stores.open(&self.dataset).await?;
        let Some(name) = self.name else {
            if !self.version.is_newest() {
                return Err("--version: say which tag the version is to have".into());
            }
            return Ok(list(&dataset.latest().await?));
        };
        if self.delete {
            return dropped(&dataset, name).await;
        }
        let version = self.version.of(&dataset).await?.version();
        let newest = dataset.tag(&name, version).await?.version();
        let same = name.clone();
        Ok(Answer::of(
            newest,
            move |newest| json!({ "version": newest.0, "tag": name, "tagged_version": version.0 }),
            move |newest| {
                format!("version {version} is called {same}; version {newest} is the newest")
            },
        ))
    }
}

async fn dropped(dataset: &Dataset, name: String) -> Result<Answer> {
    let tagged = dataset.latest().await?.root().tags.get(&name).copied();
    let newest = dataset.untag(&name).await?;
    let ended = tagged.map(|version| text::ended(&newest, version)).unwrap_or_default();
    let same = name.clone();
    Ok(Answer::of(
        newest.version(),
        move |newest| json!({ "version": newest.0, "deleted_tag": name }),
        move |newest| format!("took tag {same} away; version {newest} is the newest{ended}"),
    ))
}

fn list(newest: &Snapshot) -> Answer {
    let tags: Vec<(String, Version)> = newest.root().tags.clone().into_iter().collect();
    if tags.is_empty() {
        return Answer::none("no tags yet: give one with `tenrow tag DATASET NAME`");
    }
    Answer::list(
        &[],
        tags,
        |(tag, version)| json!({ "tag": tag, "version": version.0 }),
        |(tag, version)| vec![tag.clone(), format!("version {version}")],
    )
}
