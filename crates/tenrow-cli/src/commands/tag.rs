//! `tenrow tag`

use clap::{Args, Subcommand};
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
kept by the newest version, so creating or dropping one is a commit. `create` may be left out: DATASET \
alone lists its tags, DATASET NAME creates one.

Examples:
  tenrow tag list digits
  tenrow tag create digits trained-on --version 3
  tenrow tag digits trained-on
  tenrow tag drop digits trained-on";

/// Name versions: list, create and drop tags
#[derive(Debug, Args)]
#[command(after_help = AFTER, arg_required_else_help = true)]
#[command(override_usage = "tenrow tag <COMMAND>\n       tenrow tag <DATASET> [NAME] [OPTIONS]")]
pub(crate) struct TagArguments {
    #[command(subcommand)]
    action: Option<Action>,
    /// What is listed or created without its name, `create`
    #[arg(hide = true, num_args = 1..=2, value_names = ["DATASET", "NAME"])]
    short: Vec<String>,
    #[command(flatten)]
    version: WhichVersion,
    /// What `drop` was called
    #[arg(long, hide = true, requires = "short", conflicts_with_all = ["version", "at"])]
    delete: bool,
}

#[derive(Debug, Subcommand)]
enum Action {
    /// List the tags
    #[command(after_help = "Example:\n  tenrow tag list digits")]
    List {
        /// The dataset
        dataset: String,
    },
    /// Give a version a name
    #[command(
        after_help = "Examples:\n  tenrow tag create digits best\n  tenrow tag create digits trained-on --version 3"
    )]
    Create {
        /// The dataset
        dataset: String,
        /// The tag
        name: String,
        #[command(flatten)]
        version: WhichVersion,
    },
    /// Drop a tag; its version stays, unless it has expired and nothing else keeps it
    #[command(after_help = "Example:\n  tenrow tag drop digits trained-on")]
    Drop {
        /// The dataset
        dataset: String,
        /// The tag
        name: String,
    },
}

impl TagArguments {
    /// What is to be done, however it was written.
    fn action(self) -> Result<Action> {
        let Some(action) = self.action else {
            return short(self.short, self.version, self.delete);
        };
        match self.short.is_empty() && self.version.is_newest() {
            true => Ok(action),
            false => {
                Err("what stands before list, create or drop is for none of them: put it behind"
                    .into())
            }
        }
    }
}

/// The short form.
fn short(words: Vec<String>, version: WhichVersion, drops: bool) -> Result<Action> {
    let mut words = words.into_iter();
    let dataset = words.next().ok_or("no dataset: `tenrow tag list DATASET`")?;
    match (words.next(), drops) {
        (Some(name), false) => Ok(Action::Create { dataset, name, version }),
        (Some(name), true) => Ok(Action::Drop { dataset, name }),
        (None, false) if version.is_newest() => Ok(Action::List { dataset }),
        (None, _) => Err("no tag: `tenrow tag create DATASET NAME`, or drop".into()),
    }
}

impl Command for TagArguments {
    async fn run(self, stores: &Stores) -> Result<Answer> {
        match self.action()? {
            Action::List { dataset } => Ok(list(&stores.open(&dataset).await?.latest().await?)),
            Action::Create { dataset, name, version } => {
                created(&stores.open(&dataset).await?, name, &version).await
            }
            Action::Drop { dataset, name } => dropped(&stores.open(&dataset).await?, name).await,
        }
    }
}

fn list(newest: &Snapshot) -> Answer {
    let tags: Vec<(String, Version)> = newest.root().tags.clone().into_iter().collect();
    if tags.is_empty() {
        return Answer::none("no tags yet: create one with `tenrow tag create DATASET NAME`");
    }
    Answer::list(
        &[],
        tags,
        |(tag, version)| json!({ "tag": tag, "version": version.0 }),
        |(tag, version)| vec![tag.clone(), format!("version {version}")],
    )
}

async fn created(dataset: &Dataset, name: String, version: &WhichVersion) -> Result<Answer> {
    let version = version.of(dataset).await?.version();
    let newest = dataset.tag(&name, version).await?.version();
    let same = name.clone();
    Ok(Answer::of(
        newest,
        move |newest| json!({ "version": newest.0, "tag": name, "tagged_version": version.0 }),
        move |newest| format!("version {version} is called {same}; version {newest} is the newest"),
    ))
}

async fn dropped(dataset: &Dataset, name: String) -> Result<Answer> {
    let tagged = dataset.latest().await?.root().tags.get(&name).copied();
    let newest = dataset.untag(&name).await?;
    let ended = tagged.map(|version| text::ended(&newest, version)).unwrap_or_default();
    let same = name.clone();
    Ok(Answer::of(
        newest.version(),
        move |newest| json!({ "version": newest.0, "deleted_tag": name }),
        move |newest| format!("dropped tag {same}; version {newest} is the newest{ended}"),
    ))
}
