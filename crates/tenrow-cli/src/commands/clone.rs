//! `tenrow clone`

use std::collections::BTreeSet;

use clap::{Args, Subcommand};
use serde_json::{Value, json};
use tenrow::{CloneInfo, Dataset, Snapshot, Version};

use super::info::place_of;
use crate::answer::Answer;
use crate::command::Command;
use crate::fault::Result;
use crate::progress::Bar;
use crate::stores::Stores;
use crate::text;
use crate::which_version::WhichVersion;

const AFTER: &str = "\
Both datasets go their own way from there. Without --copy, the clone needs the files of the other: they are kept \
while the clone is registered there, which `list` shows. A clone of a clone needs the files of both, and is registered \
with both. Two that lie in one folder can be moved together; otherwise the other must stay where it is. A clone that \
you have removed is forgotten with `forget`, by each that it was registered with; the version that it needed stays, \
unless it has expired. One that refers to no files any more is forgotten when it expires its old versions. What else \
copies a clone, such as cp, registers nothing: `tenrow verify` says so. `create` may be left out.

Examples:
  tenrow clone digits experiment
  tenrow clone create digits frozen --version trained-on --copy
  tenrow clone list digits
  tenrow clone forget digits experiment";

/// Make a dataset of a version, by reference or as a copy
#[derive(Debug, Args)]
#[command(after_help = AFTER, arg_required_else_help = true)]
#[command(
    override_usage = "tenrow clone <COMMAND>\n       tenrow clone <DATASET> <TARGET> [OPTIONS]"
)]
pub(crate) struct CloneArguments {
    #[command(subcommand)]
    action: Option<Action>,
    /// What is created without its name, `create`
    #[arg(hide = true, num_args = 2, value_names = ["DATASET", "TARGET"])]
    short: Vec<String>,
    #[command(flatten)]
    how: How,
    /// What `forget` was called
    #[arg(long, hide = true, requires = "short", conflicts_with_all = ["copy", "version", "at"])]
    forget: bool,
}

/// What is cloned, and how.
#[derive(Debug, Args)]
struct How {
    #[command(flatten)]
    version: WhichVersion,
    /// Copy the files, so that neither dataset needs the other; those that are indexed in place stay where they are, which is said
    #[arg(long)]
    copy: bool,
}

#[derive(Debug, Subcommand)]
enum Action {
    /// Make a new dataset of a version
    #[command(
        after_help = "Examples:\n  tenrow clone create digits experiment\n  tenrow clone create digits s3://bucket/digits --copy"
    )]
    Create {
        /// The dataset
        dataset: String,
        /// The folder to create
        target: String,
        #[command(flatten)]
        how: How,
    },
    /// List the clones that are registered with a dataset, and the versions that they need
    #[command(after_help = "Example:\n  tenrow clone list digits")]
    List {
        /// The dataset
        dataset: String,
    },
    /// Forget a clone that was removed; the version that it needed stays, unless it has expired
    #[command(after_help = "Example:\n  rm -r experiment && tenrow clone forget digits experiment")]
    Forget {
        /// The dataset that it was registered with
        dataset: String,
        /// Where the clone was
        target: String,
    },
}

impl CloneArguments {
    /// What is to be done, however it was written.
    fn action(self) -> Result<Action> {
        let Self { action, short, how, forget } = self;
        let is_bare = short.is_empty() && how.version.is_newest() && !how.copy;
        match (action, <[String; 2]>::try_from(short)) {
            (Some(action), _) if is_bare => Ok(action),
            (Some(_), _) => {
                Err("what stands before create, list or forget is for none of them: put it behind"
                    .into())
            }
            (None, Ok([dataset, target])) if forget => Ok(Action::Forget { dataset, target }),
            (None, Ok([dataset, target])) => Ok(Action::Create { dataset, target, how }),
            (None, Err(_)) => Err("no dataset: `tenrow clone create DATASET TARGET`".into()),
        }
    }
}

impl Command for CloneArguments {
    async fn run(self, stores: &Stores) -> Result<Answer> {
        match self.action()? {
            Action::Create { dataset, target, how } => {
                created(&stores.open(&dataset).await?, &target, &how).await
            }
            Action::List { dataset } => list(&stores.open(&dataset).await?).await,
            Action::Forget { dataset, target } => {
                forgotten(&stores.open(&dataset).await?, target).await
            }
        }
    }
}

async fn list(dataset: &Dataset) -> Result<Answer> {
    let clones = dataset.clones().await?;
    if clones.is_empty() {
        return Ok(Answer::none("no clones: create one with `tenrow clone create DATASET TARGET`"));
    }
    let place = |clone: &CloneInfo| place_of(dataset.storage(), &clone.location);
    let clones: Vec<_> = clones.iter().map(|clone| (place(clone), clone.version)).collect();
    Ok(Answer::list(
        &[],
        clones,
        |(location, version)| json!({ "location": location, "version": version.0 }),
        |(location, version)| vec![location.clone(), format!("needs version {version}")],
    ))
}

async fn created(dataset: &Dataset, target: &str, how: &How) -> Result<Answer> {
    let copies = how.copy;
    let version = how.version.of(dataset).await?.version();
    let target = match copies {
        true => {
            let bar = Bar::new("bytes");
            dataset.copy_to(target, version, &bar.on_progress()).await?
        }
        false => dataset.clone_to(target, version).await?,
    };
    let snapshot = target.latest().await?;
    let foreign = if copies { foreign_files(&snapshot).await? } else { BTreeSet::new() };
    let remark = foreign.first().map(|first| {
        let files = text::counted(foreign.len() as u64, "file", "files");
        format!(
            "{files} that the dataset has in place stay where they are, {first} among them, and are needed by the copy too"
        )
    });
    let origin = dataset.storage().to_string();
    let same = origin.clone();
    Ok(Answer::of(
        snapshot,
        move |snapshot| {
            json!({
                "location": snapshot.storage().to_string(),
                "version": snapshot.version().0,
                "rows": snapshot.row_count(),
                "origin": origin,
                "origin_version": version.0,
                "copied": copies,
                "foreign_files": foreign,
            })
        },
        move |snapshot| {
            let rows = text::counted(snapshot.row_count(), "row", "rows");
            let how = if copies { "a copy" } else { "a clone" };
            format!("created {}: {how} of version {version} of {same}, {rows}", snapshot.storage())
        },
    )
    .with_remarks(remark.into_iter().collect()))
}

/// Files of others that rows are read from.
async fn foreign_files(snapshot: &Snapshot) -> Result<BTreeSet<String>> {
    let partitions = snapshot.partition_entries().await?;
    let files = partitions.into_iter().flat_map(|partition| partition.files);
    Ok(files.filter(|file| file.foreign.is_some()).map(|file| file.path).collect())
}

async fn forgotten(dataset: &Dataset, target: String) -> Result<Answer> {
    let notes = dataset.forget_clone(&target).await?;
    let mut versions: Vec<Version> = notes.iter().map(|note| note.version).collect();
    versions.dedup();
    let newest = dataset.latest().await?;
    let remark = merged(&newest, &target)?;
    let ended = versions.iter().map(|&version| text::ended(&newest, version)).collect::<String>();
    let (origin, same) = (dataset.storage().to_string(), target.clone());
    Ok(Answer::of(
        versions,
        move |versions| {
            let versions: Value = versions.iter().map(|version| version.0).collect();
            json!({ "location": target, "origin_versions": versions })
        },
        move |versions| {
            let noun = if versions.len() == 1 { "version" } else { "versions" };
            let runs = text::runs(versions);
            format!("forgot {same}: it keeps {noun} {runs} of {origin} no more{ended}")
        },
    )
    .with_remarks(remark.into_iter().collect()))
}

/// What is to be known if the newest version refers to files of the clone that is forgotten.
fn merged(newest: &Snapshot, target: &str) -> Result<Option<String>> {
    let storage = newest.storage();
    let forgotten = storage.open_other(target)?.to_string();
    let mut origins = newest.root().origins.values();
    let is_merged = origins.any(|origin| place_of(storage, &origin.location) == forgotten);
    Ok(is_merged.then(|| {
        format!(
            "version {} of {storage} was merged with it and refers to its files: keep them, or put its rows into files of its own with `tenrow clone create --copy`",
            newest.version(),
        )
    }))
}
