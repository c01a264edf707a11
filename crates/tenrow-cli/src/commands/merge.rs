//! `tenrow merge`

use clap::Args;
use serde_json::{Value, json};
use tenrow::{Dataset, Snapshot};

use crate::answer::Answer;
use crate::command::Command;
use crate::fault::Result;
use crate::progress::Bar;
use crate::stores::Stores;
use crate::text;

const AFTER: &str = "\
The newest version of each is registered there, so that its files are kept; nothing is copied. \
Attributes are matched by name: what only an origin has stays behind, and where it lacks one, its rows have the \
default or null; both are said. Each origin is a commit of its own, and one that is merged twice is \
there twice.

Example:
  tenrow merge digits more-digits even-more-digits";

/// Append the rows of other datasets, referring to their files
#[derive(Debug, Args)]
#[command(after_help = AFTER)]
pub(crate) struct MergeArguments {
    /// The dataset that gets the rows
    dataset: String,
    /// Datasets that have them
    #[arg(value_name = "ORIGIN", required = true)]
    origins: Vec<String>,
}

impl Command for MergeArguments {
    async fn run(self, stores: &Stores) -> Result<Answer> {
        let dataset = stores.open(&self.dataset).await?;
        // One that cannot be opened is found before any is merged.
        let mut origins: Vec<(Dataset, Snapshot)> = Vec::new();
        for location in &self.origins {
            let origin = stores.open(location).await?;
            let version = origin.latest().await?;
            origins.push((origin, version));
        }
        for (origin, version) in &origins {
            let fits = dataset.check_merge(version).await;
            fits.map_err(|e| format!("{}: {}: nothing was merged", origin.storage(), e.chain()))?;
        }
        let mut newest = dataset.latest().await?;
        let remarks: Vec<String> = origins
            .iter()
            .flat_map(|(origin, version)| unmatched(&newest, origin, version))
            .collect();
        for (origin, version) in &origins {
            let bar = Bar::new("partitions");
            let merged = dataset.merge_with(origin, version, &bar.on_progress()).await;
            newest = merged.map_err(|e| format!("{}: {}", origin.storage(), e.chain()))?;
        }
        let (told, same) = (remarks.clone(), origins.clone());
        Ok(Answer::of(
            newest,
            move |newest| json(newest, &origins, &told),
            move |newest| text(newest, &same),
        )
        .with_remarks(remarks))
    }
}

/// The attributes that only one of the two has.
fn unmatched(newest: &Snapshot, origin: &Dataset, version: &Snapshot) -> Vec<String> {
    let only = |of: &Snapshot, other: &Snapshot| {
        let attributes = of.schema().attributes().iter();
        let only: Vec<_> = attributes
            .filter(|attribute| other.schema().attribute(&attribute.name).is_none())
            .map(|attribute| format!("{:?}", attribute.name))
            .collect();
        only.join(", ")
    };
    let (left, lacked) = (only(version, newest), only(newest, version));
    let place = origin.storage();
    let left = (!left.is_empty()).then(|| format!("{place}: left behind: {left}"));
    let lacked = (!lacked.is_empty())
        .then(|| format!("{place}: has no {lacked}: its rows have the default, or null"));
    left.into_iter().chain(lacked).collect()
}

fn json(newest: &Snapshot, origins: &[(Dataset, Snapshot)], remarks: &[String]) -> Value {
    let origin = |(dataset, version): &(Dataset, Snapshot)| {
        json!({
            "location": dataset.storage().to_string(),
            "version": version.version().0,
            "rows": version.row_count(),
        })
    };
    json!({
        "version": newest.version().0,
        "rows": newest.row_count(),
        "origins": origins.iter().map(origin).collect::<Value>(),
        "remarks": remarks,
    })
}

fn text(newest: &Snapshot, origins: &[(Dataset, Snapshot)]) -> String {
    let line = |(dataset, version): &(Dataset, Snapshot)| {
        let rows = text::counted(version.row_count(), "row", "rows");
        let (version, place) = (version.version(), dataset.storage());
        format!(
            "{rows} of version {version} of {place}, where that is registered: its files are needed here\n"
        )
    };
    let lines: String = origins.iter().map(line).collect();
    let rows = text::counted(newest.row_count(), "row", "rows");
    format!("{lines}version {} has {rows}", newest.version())
}
